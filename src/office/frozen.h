/*
 * A batch as bytes that outlive this build and this machine, for the quarantine:
 *
 *	u8 version 1, varint first, varint n, zigzag sealed (ns since 1970 UTC), then n samples:
 *	varint tag, u32 status, zigzag source, server, arrival (ns), u8 flags, u8 type, value
 *
 * value: nothing for null, u8 for bool, zigzag for signed integers and times, varint for unsigned, u32/u64 bits of a float, varint length and
 * bytes for texts, byte strings and arrays (elements little-endian). Fixed-width numbers are little-endian.
 */
#ifndef OFFICE_FROZEN_H
#define OFFICE_FROZEN_H

#include "spool/spool.h"

struct frozen {
	struct spool_batch	 batch;		/* samples are given; values with bytes point into the bytes that were read */
	struct sample		*samples;
};

/* Append to out; out->err tells. */
void frozen_write(const struct spool_batch *b, struct buf *out);
/* p is borrowed for the life of *out. 0; ERR_SHORT, ERR_LONG, ERR_PROTO, ERR_VERSION, ERR_LIMIT, ERR_NOMEM. */
int frozen_read(const void *p, size_t len, struct frozen *out);
void frozen_free(struct frozen *f);

#endif
