/*
 * From samples to batches. Each (source, scan class) collects its samples until the scan ends, the batch is full, or
 * FIELD_FLUSH_NS have passed since the first one. Room is taken once, when the source opens; texts and arrays go to a
 * blob that grows to what the scan needs and stays so.
 */
#ifndef FIELD_EMIT_H
#define FIELD_EMIT_H

#include "base/buf.h"
#include "model/sample.h"

struct feed;

struct emit {
	struct feed	*feed;
	uint16_t	 scan_class;
	uint32_t	 n, cap;
	struct sample	*v;
	struct buf	 blob;
	int64_t		 due_ns;	/* wall time; 0: no scan, asked for or given up */
	bool		 partial;	/* some of this scan went out before its end */
	struct mono	 first;		/* when the oldest sample came */
	struct emit	*next, *prev;	/* in emit_queue, while n > 0 */
};

/* Batches that wait, oldest first. */
struct emit_queue {
	struct emit	*head, *tail;
};

/* cap: samples, at most BATCH_SAMPLES_MAX are used. */
void emit_init(struct emit *e, struct feed *feed, uint16_t scan_class, uint32_t cap);
void emit_fini(struct emit *e);
/* Add one; v's bytes are copied. A batch that is full goes out first. Returns the copy, until the next call. */
struct sample *emit_add(struct emit *e, const struct sample *s, struct mono now);
/* Hand on what is there. end: the scan is over; the last batch of a scan says so, if need be as an empty one. */
void emit_flush(struct emit *e, bool end);
/* When the oldest waiting batch has to go, MONO_NEVER if none waits. */
struct mono emit_next(const struct emit_queue *q);
/* Hand on all that have waited long enough. */
void emit_run(struct emit_queue *q, struct mono now);

#endif
