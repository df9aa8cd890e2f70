/* Small words on the command line and the control line: durations, numbers, sizes. */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* "250ms", "5s", "1.5s", "2m", "8h", and a bare number of `unit_ms`, as milliseconds. 0, ERR_SYNTAX or ERR_RANGE. */
int sim_parse_ms(const char *s, size_t len, uint64_t unit_ms, uint64_t *ms);
/* A whole number, decimal or 0x, within lo..hi. 0, ERR_SYNTAX or ERR_RANGE. */
int sim_parse_uint(const char *s, uint64_t lo, uint64_t hi, uint64_t *out);

#endif
