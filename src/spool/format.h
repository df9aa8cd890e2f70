/*
 * Segment header and batch header as bytes and back. What they mean, and why a crash leaves them readable, is told at
 * the top of append.c; this file only knows where each field stands.
 */
#ifndef SPOOL_FORMAT_H
#define SPOOL_FORMAT_H

#include "spool/spool.h"

#define SPOOL_FORMAT	1u		/* version of everything on disk */
#define SEG_HEADER	512u		/* bytes; one disk sector */
#define REC_HEADER	120u
#define REC_HASHED	12u		/* the batch hash covers the header from here... */
#define REC_HASH	88u		/* ...to here, and the payload */
#define REC_MAGIC	0x54414250u	/* "PBAT" */
#define SPOOL_MARKS	15u		/* ring epochs remembered; one row of spool_state.marks ends the list */

enum { REC_ZSTD = 1 };			/* flags of a batch */

/* What is known at one point of a stream: everything that the batch behind it needs. */
struct tail {
	uint64_t		next;			/* number of the next sample */
	uint8_t			hash[SPOOL_HASH];	/* of the batch before */
	/* of the batch before, 0 if there is none: sealed, its last sample time */
	struct wall		sealed, newest;
	struct spool_mark	marks[SPOOL_MARKS];	/* newest first, epoch 0 ends */
};

struct seg_header {
	uint32_t	version, schema;
	struct wall	created;
	struct tail	before;		/* the stream as it stood when the segment began */
	uint32_t	salt;		/* the header's own checksum; every batch of the segment carries it */
};

struct rec_header {
	/* len, crc: of the payload as stored; raw_len: decoded */
	uint32_t		salt, len, crc, raw_len, n, flags;
	uint64_t		first;
	struct wall		sealed, t_min, t_max;
	struct spool_mark	mark;
	uint8_t			hash[SPOOL_HASH];
};

/* Fills in h->salt. */
void seg_header_put(struct seg_header *h, uint8_t out[SEG_HEADER]);
/* ERR_CORRUPT: damaged; ERR_VERSION: whole, but of another version. */
int seg_header_get(const uint8_t in[SEG_HEADER], struct seg_header *out);

void rec_header_put(const struct rec_header *h, uint8_t out[REC_HEADER]);
/* ERR_CORRUPT: this is not an undamaged batch header with believable counts. */
int rec_header_get(const uint8_t in[REC_HEADER], struct rec_header *out);
/* Give a stored header another segment's salt; everything that the hash covers stays. */
void rec_header_resalt(uint8_t rec[REC_HEADER], uint32_t salt);

/* The stream behind this batch. */
void tail_advance(struct tail *t, const struct rec_header *h);

#endif
