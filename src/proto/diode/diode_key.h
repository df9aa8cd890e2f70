/*
 * The pre-placed keys of a one-way link and the MAC that they make. No handshake is possible, so both ends have the same file. A line is an epoch and a key,
 *
 *	7 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *
 * 64 hex digits (256 bits), blank lines and lines that begin with '#' aside. The sender uses the highest epoch, the receiver takes all: to change the
 * key, add a line at the receiver, then at the sender, then remove the old one at both.
 */
#ifndef PROTO_DIODE_KEY_H
#define PROTO_DIODE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/diode/diode_wire.h"

#define DIODE_KEYS_MAX	8u
#define DIODE_KEY_BYTES	32u
#define DIODE_KEY_FILE_MAX 4096u

struct diode_keys {
	struct { uint16_t epoch; void *mac; } v[DIODE_KEYS_MAX];	/* EVP_MAC_CTX with its key in it */
	uint32_t n;
	void	*hmac;		/* EVP_MAC */
};

/* Read a key file's text. 0; ERR_SYNTAX or ERR_LIMIT with cause and remedy in why (never with a key in it); ERR_NOMEM. The text may be wiped then. */
int diode_keys_parse(const char *text, size_t len, struct diode_keys *out, char *why, size_t size);
/* Wipes. A zeroed struct may be finished. */
void diode_keys_fini(struct diode_keys *k);
/* The highest epoch. */
uint16_t diode_keys_newest(const struct diode_keys *k);
/* Write the MAC of p[0..len) under the key of this epoch to p + len. ERR_NOTFOUND: there is no such epoch. */
int diode_mac_put(struct diode_keys *k, uint16_t epoch, uint8_t *p, size_t len);
/* Is what stands behind p[0..len) its MAC? In constant time. */
bool diode_mac_ok(struct diode_keys *k, uint16_t epoch, const uint8_t *p, size_t len);

#endif
