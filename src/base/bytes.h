/*
 * Bytes from outside are touched only through a reader with an end, and bytes for outside are made only through a
 * writer with a limit. The first error sticks: later reads return zero and later writes do nothing, so a codec reads
 * like the figure in the standard and checks once, at its end. Neither ever allocates or owns the memory.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct reader {
	const uint8_t	*p, *end;	/* unread bytes are [p, end) */
	int		 err;		/* first failure, kept; 0 while good */
};

struct writer {
	uint8_t		*start, *p, *end;	/* written bytes are [start, p), room is [p, end) */
	int		 err;
};

static inline struct reader
rd_init(const void *p, size_t len)
{
	const uint8_t *b = p;
	return (struct reader){ .p = b, .end = b ? b + len : b };
}

static inline size_t
rd_left(const struct reader *r)
{
	return (size_t)(r->end - r->p);
}

/* Record a failure (the first one wins) and make every later read return zero. */
static inline void
rd_fail(struct reader *r, int err)
{
	if (r->err == 0)
		r->err = err;
	r->p = r->end;
}

/* Take len bytes, borrowed from the reader's memory; NULL and ERR_SHORT when they are not there. */
static inline const uint8_t *
rd_bytes(struct reader *r, size_t len)
{
	if (r->err != 0 || rd_left(r) < len) {
		rd_fail(r, ERR_SHORT);
		return NULL;
	}
	const uint8_t *p = r->p;
	r->p += len;
	return p;
}

static inline uint8_t
rd_u8(struct reader *r)
{
	const uint8_t *b = rd_bytes(r, 1);
	return b ? b[0] : 0;
}

static inline uint64_t
rd_be(struct reader *r, size_t width)
{
	const uint8_t *b = rd_bytes(r, width);
	uint64_t v = 0;
	for (size_t i = 0; b != NULL && i < width; i++)
		v = v << 8 | b[i];
	return v;
}

static inline uint64_t
rd_le(struct reader *r, size_t width)
{
	const uint8_t *b = rd_bytes(r, width);
	uint64_t v = 0;
	for (size_t i = width; b != NULL && i > 0; i--)
		v = v << 8 | b[i - 1];
	return v;
}

static inline uint16_t rd_be16(struct reader *r) { return (uint16_t)rd_be(r, 2); }
static inline uint32_t rd_be32(struct reader *r) { return (uint32_t)rd_be(r, 4); }
static inline uint64_t rd_be64(struct reader *r) { return rd_be(r, 8); }
static inline uint16_t rd_le16(struct reader *r) { return (uint16_t)rd_le(r, 2); }
static inline uint32_t rd_le32(struct reader *r) { return (uint32_t)rd_le(r, 4); }
static inline uint64_t rd_le64(struct reader *r) { return rd_le(r, 8); }

/* Base-128 varint, low group first, at most 10 bytes (LEB128). Longer or overflowing is ERR_RANGE. */
uint64_t rd_varint(struct reader *r);
/* The same, zigzag-folded for signed values. */
static inline int64_t
rd_zigzag(struct reader *r)
{
	uint64_t v = rd_varint(r);
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* A child reader over the next len bytes; the parent moves past them. A short parent gives a failed child. */
static inline struct reader
rd_sub(struct reader *r, size_t len)
{
	const uint8_t *b = rd_bytes(r, len);
	struct reader c = rd_init(b, b ? len : 0);
	if (b == NULL)
		c.err = ERR_SHORT;
	return c;
}

/* A length-prefixed text (varint length), at most max bytes, copied into out[max + 1] and NUL-ended.
 * A NUL inside is ERR_PROTO. Returns its length, 0 on failure. */
size_t rd_text(struct reader *r, char *out, size_t max);

/* End of a message: the sticky error, or ERR_LONG when bytes are left. */
static inline int
rd_end(struct reader *r)
{
	if (r->err == 0 && r->p != r->end)
		r->err = ERR_LONG;
	return r->err;
}

static inline struct writer
wr_init(void *p, size_t len)
{
	uint8_t *b = p;
	return (struct writer){ .start = b, .p = b, .end = b + len };
}

static inline size_t wr_len(const struct writer *w) { return (size_t)(w->p - w->start); }
static inline size_t wr_room(const struct writer *w) { return (size_t)(w->end - w->p); }

/*
 * Reserve len bytes to be filled by the caller; NULL and ERR_FULL when there is no room. The functions below ask for the
 * error instead of NULL: gcc 14 follows a writer on no memory past that NULL, and warns of a write to address 4.
 */
static inline uint8_t *
wr_space(struct writer *w, size_t len)
{
	if (w->err != 0 || wr_room(w) < len) {
		if (w->err == 0)
			w->err = ERR_FULL;
		return NULL;
	}
	uint8_t *p = w->p;
	w->p += len;
	return p;
}

static inline void
wr_bytes(struct writer *w, const void *p, size_t len)
{
	uint8_t *b = wr_space(w, len);
	if (w->err == 0 && len > 0)
		memcpy(b, p, len);
}

static inline void
wr_be(struct writer *w, uint64_t v, size_t width)
{
	uint8_t *b = wr_space(w, width);
	if (w->err != 0)
		return;
	for (size_t i = 0; i < width; i++)
		b[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

static inline void
wr_le(struct writer *w, uint64_t v, size_t width)
{
	uint8_t *b = wr_space(w, width);
	if (w->err != 0)
		return;
	for (size_t i = 0; i < width; i++)
		b[i] = (uint8_t)(v >> (8 * i));
}

static inline void wr_u8(struct writer *w, uint8_t v) { wr_be(w, v, 1); }
static inline void wr_be16(struct writer *w, uint16_t v) { wr_be(w, v, 2); }
static inline void wr_be32(struct writer *w, uint32_t v) { wr_be(w, v, 4); }
static inline void wr_be64(struct writer *w, uint64_t v) { wr_be(w, v, 8); }
static inline void wr_le16(struct writer *w, uint16_t v) { wr_le(w, v, 2); }
static inline void wr_le32(struct writer *w, uint32_t v) { wr_le(w, v, 4); }
static inline void wr_le64(struct writer *w, uint64_t v) { wr_le(w, v, 8); }

void wr_varint(struct writer *w, uint64_t v);
static inline void
wr_zigzag(struct writer *w, int64_t v)
{
	wr_varint(w, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}
/* Varint length, then the bytes of a NUL-ended text. */
void wr_text(struct writer *w, const char *s);

#endif
