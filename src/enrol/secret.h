/*
 * The secret of an invitation: 160 random bits, as text that can be read aloud and typed. 32 signs of Crockford's alphabet (no I, L, O, U) and four
 * more that catch a typing error, in groups of four: "7K3M-...". Nobody guesses it, on or off line; what protects it is that it is used once.
 */
#ifndef ENROL_SECRET_H
#define ENROL_SECRET_H

#include <stddef.h>
#include <stdint.h>

#define ENROL_SECRET		20u	/* bytes */
#define ENROL_SIGNS		36u	/* 32 of the secret, 4 to check */
#define ENROL_TEXT		45u	/* with eight hyphens and a NUL */
#define ENROL_TEXT_MAX		200u	/* what is read of a person or a file, blanks and all */

struct enrol_secret { uint8_t b[ENROL_SECRET]; };

/* 0, or ERR_IO when the system has no random numbers. To enrol_secret_wipe(). */
int enrol_secret_make(struct enrol_secret *out);
void enrol_secret_text(const struct enrol_secret *s, char out[ENROL_TEXT]);
/*
 * Blanks and hyphens are passed over, small letters are as good, O is read as 0, I and L as 1. 0; ERR_SYNTAX: a sign that there is none of; ERR_SHORT,
 * ERR_LONG: too few, too many signs; ERR_CORRUPT: the four signs do not fit, so one is mistyped. *out is wiped on failure.
 */
int enrol_secret_parse(const char *text, size_t len, struct enrol_secret *out);
void enrol_secret_wipe(struct enrol_secret *s);

#endif
