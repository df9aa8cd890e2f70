/* The file of pre-placed keys that both ends of a one-way link have, read from the disk (proto/diode/diode_key.h says what stands in it). */
#ifndef PKI_PREPLACED_H
#define PKI_PREPLACED_H

#include "proto/diode/diode_key.h"

/*
 * Given: diode_keys_fini(). 0; ERR_DENIED: others than its owner may read it; ERR_NOTFOUND, ERR_SYNTAX, ERR_LIMIT, ERR_IO: cause and remedy in why, with
 * the path and never with a key.
 */
int preplaced_read(const char *path, struct diode_keys *out, char *why, size_t size);

#endif
