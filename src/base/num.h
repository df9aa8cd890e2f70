/*
 * Numbers as text, exactly: what is printed reads back as the same number, in as few digits as a short search finds,
 * always with a point as decimal sign whatever the locale.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stddef.h>
#include <stdint.h>

#define NUM_TEXT 32	/* room for any number below, with its NUL */

/* Each returns the length written, without the NUL. Infinities and NaN print as "Infinity", "-Infinity", "NaN". */
size_t num_u64(uint64_t v, char *out);
size_t num_i64(int64_t v, char *out);
size_t num_f64(double v, char *out);
size_t num_f32(float v, char *out);

/* Whole text must be the number. 0, ERR_SYNTAX or ERR_RANGE. Hex (0x) is taken for integers. */
int num_parse_i64(const char *s, size_t len, int64_t *out);
int num_parse_u64(const char *s, size_t len, uint64_t *out);
/* decimal: the decimal sign, '.' or ','. */
int num_parse_f64(const char *s, size_t len, char decimal, double *out);

#endif
