/*
 * Compression of a payload where it pays: level 1 zstd with one context that is used again. A stream remembers whether
 * it paid; where it does not, it is tried ever more rarely (up to once in PACK_REST_MAX batches).
 */
#ifndef SPOOL_PACK_H
#define SPOOL_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_REST_MAX	256u
#define PACK_LEN_MIN	128u	/* bytes; below this it never pays */

struct packer { void *ctx; };

int packer_init(struct packer *p);	/* ERR_NOMEM */
void packer_fini(struct packer *p);

struct pack_memory {
	uint16_t	misses;		/* in a row */
	uint16_t	rest;		/* batches to leave alone before the next try */
};

/* Is a payload of this stream to be tried now? Counts batches: ask once a batch. */
bool pack_worthwhile(struct pack_memory *m, size_t len);
/*
 * Compress len bytes at p into out (room for len). Returns the bytes it takes, or 0 where it saves less than a tenth.
 */
size_t pack(struct packer *p, struct pack_memory *m, const void *in, size_t len, void *out);

struct unpacker { void *ctx; };

int unpacker_init(struct unpacker *u);	/* ERR_NOMEM */
void unpacker_fini(struct unpacker *u);
/* ERR_CORRUPT unless it gives exactly raw_len bytes. */
int unpack(struct unpacker *u, const void *in, size_t len, void *out, size_t raw_len);

#endif
