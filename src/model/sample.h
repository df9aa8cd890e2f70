/*
 * A sample: what a tag was, how far that can be trusted, and three times. And a batch of samples as it crosses a ring, column by
 * column, because most samples of a scan share their times:
 *
 *	struct batch_head
 *	u8 type[n], u8 flags[n], zeros up to a multiple of 8
 *	u32 tag[n], u32 status[n]
 *	u64 value[n]		bits of a scalar; for texts and arrays the offset into the blob, and the length in the upper half
 *	i64 source[n], server[n], arrival[n]	each only if its bit stands in head.times; else all are 0, 0 and head.arrival_ns
 *	blob_len bytes
 *
 * Samples in a batch belong to one source. Both ends are processes of one machine and one build, so byte order is the machine's.
 *
 * The tag number counts within its source. A source is known by its key, the hash of all that it reads: two plans in
 * which a source is the same share its key, so a reload leaves it alone.
 */
#ifndef MODEL_SAMPLE_H
#define MODEL_SAMPLE_H

#include "base/clock.h"
#include "base/err.h"
#include "model/status.h"
#include "model/value.h"

enum sample_flag {
	SAMPLE_HISTORICAL = 1,	/* filled in later from a store, not live */
	SAMPLE_LATE       = 2,	/* its time lies before that of the sample delivered ahead of it */
	SAMPLE_CLOCK_STEP = 4,	/* a clock jumped since the sample before; durations across this point are not to be trusted */
	SAMPLE_REREAD     = 8,	/* asked for by a person or a rule, outside of its scan */
};

struct sample {
	uint32_t	tag;		/* in the ring: index within the source; in a spool: index within the stream's schema */
	uint32_t	status;		/* OPC UA status code */
	struct wall	source;		/* from the process itself, 0 if the device gives none */
	struct wall	server;		/* from the device's server, 0 if none */
	struct wall	arrival;	/* when its bytes arrived here */
	struct value	v;
	uint8_t		flags;		/* enum sample_flag */
};

/* The time that orders samples and that sinks show first: source, else server, else arrival. */
static inline struct wall
sample_time(const struct sample *s)
{
	return s->source.ns != 0 ? s->source : s->server.ns != 0 ? s->server : s->arrival;
}

#define BATCH_SAMPLES_MAX	8192u
#define BATCH_BYTES_MAX		(1u << 20)

enum batch_flag {
	BATCH_SCAN_END = 1,	/* the last batch of this scan */
	/*
	 * Of a numbered stream (origin below). LOST: what stands behind origin_prev, up to origin_no, will never come; the samples say so to their tags.
	 * ASK: brings nothing; gate is to say how far it is once all that it took is durable.
	 */
	BATCH_LOST = 2,
	BATCH_ASK = 4,
};

enum batch_times { BATCH_SOURCE_TIMES = 1, BATCH_SERVER_TIMES = 2, BATCH_ARRIVAL_TIMES = 4, BATCH_TIMES_ALL = 7 };

struct batch_head {
	uint64_t	source_key;
	uint64_t	seq;		/* counts batches of this source, from 1; a hole tells of lost ones */
	uint32_t	n, blob_len;
	uint16_t	scan_class;	/* index of the scan class within the source */
	uint16_t	flags;		/* enum batch_flag */
	uint32_t	times;		/* enum batch_times; set by batch_pack() */
	int64_t		arrival_ns;	/* of all samples, unless each has its own; set by batch_pack() */
	int64_t		due_ns;		/* wall time at which the scan was due; 0 for reads on demand */
	/*
	 * From a numbered stream of another node: which (random, not 0), the number of its last sample that this batch brings, that of the batch
	 * before it, and up to where gate has said that all is durable. Gate takes each number once, whatever is repeated, and says in
	 * MSG_DURABLE how far it is. origin 0: from no such stream.
	 */
	uint64_t	origin, origin_no, origin_prev, origin_base;
};

/* A batch read back: values with bytes point into what it was parsed from, all else is in the room given. */
struct batch {
	struct batch_head	 head;
	struct sample		*samples;	/* head.n of them */
};

/* The most bytes that n samples with blob_len bytes of texts and arrays take in a ring. */
#define BATCH_PACKED_SAMPLE 42u		/* 1 + 1 + 4 + 4 + 8, three times of 8 */
static inline size_t
batch_size(size_t n, size_t blob_len)
{
	return sizeof(struct batch_head) + n * BATCH_PACKED_SAMPLE + 8 + blob_len;
}

/*
 * Pack head->n samples into to (8-aligned, batch_size() bytes). A value with bytes has its offset into blob in v.u. Returns the
 * bytes used.
 */
size_t batch_pack(const struct batch_head *head, const struct sample *v, const void *blob, void *to);

/*
 * Check len bytes at p (8-aligned) as a batch from a process that is not trusted: counts, types, offsets, text lengths; and
 * unpack it into room for BATCH_SAMPLES_MAX samples. 0, ERR_SHORT, ERR_LONG, ERR_LIMIT, ERR_PROTO.
 */
int batch_parse(const void *p, size_t len, struct sample *room, struct batch *out);

#endif
