/*
 * SHA-256 chaining: each link is the hash of the link before and of some bytes, so that a change anywhere changes every
 * link behind it. One context, set up once and used again: nothing is allocated per link.
 */
#ifndef SPOOL_CHAIN_H
#define SPOOL_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "spool/spool.h"

struct chain {
	void	*ctx, *md;	/* EVP_MD_CTX, EVP_MD */
};

/* ERR_NOMEM when OpenSSL cannot give a SHA-256. A zeroed struct may be finished. */
int chain_init(struct chain *c);
void chain_fini(struct chain *c);
/* out = SHA-256(before || a || b); before NULL: nothing stands before. out may be the same memory as before. */
int chain_link(struct chain *c, const uint8_t *before, const void *a, size_t a_len, const void *b, size_t b_len,
    uint8_t out[SPOOL_HASH]);
/* 64 hex digits and a NUL into out[65]. Returns out. */
char *chain_hex(const uint8_t hash[SPOOL_HASH], char *out);

#endif
