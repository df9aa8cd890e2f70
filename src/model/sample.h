/*
 * A sample: what a tag was, how far that can be trusted, and three times. And a batch of samples as it crosses a ring:
 *
 *	struct batch_head, then head.n struct sample, then head.blob_len bytes
 *
 * Samples in a batch belong to one source. A value with bytes (text, array) has its offset into the blob in v.u instead
 * of a pointer. Both ends are processes of one machine and one build, so the layout is the compiler's.
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
};

struct batch_head {
	uint64_t	source_key;
	uint64_t	seq;		/* counts batches of this source, from 1; a hole tells of lost ones */
	uint32_t	n, blob_len;
	uint16_t	scan_class;	/* index of the scan class within the source */
	uint16_t	flags;		/* enum batch_flag */
	uint32_t	unused;
	int64_t		due_ns;		/* wall time at which the scan was due; 0 for reads on demand */
};

/* A batch read back: everything borrowed from the bytes it was parsed from. */
struct batch {
	struct batch_head	 head;
	struct sample		*samples;	/* head.n of them, values with bytes point into the blob */
};

/* Bytes that a batch of n samples with blob_len bytes takes. */
static inline size_t
batch_size(size_t n, size_t blob_len)
{
	return sizeof(struct batch_head) + n * sizeof(struct sample) + blob_len;
}

/*
 * Check len bytes at p (aligned for struct sample, writable: offsets become pointers in place) as a batch from a
 * process that is not trusted: counts, types, offsets, text lengths. 0, ERR_SHORT, ERR_LONG, ERR_LIMIT, ERR_PROTO.
 */
int batch_parse(void *p, size_t len, struct batch *out);

#endif
