/*
 * What a reduction lets through, waiting to become a batch of the spool. Samples are copied in; values with bytes are
 * copied behind each other into one run of memory that is reserved once and never moves, so pointers into it hold until
 * the run is emptied.
 */
#ifndef GATE_OUT_H
#define GATE_OUT_H

#include "model/sample.h"

/* Room for texts and arrays: those of a whole ring batch, and as much again that waits to share a batch. */
#define OUT_BYTES_MAX	(2u * BATCH_BYTES_MAX)

struct out {
	struct sample	*v;
	size_t		 n, cap;
	uint8_t		*bytes;
	size_t		 bytes_len, bytes_cap;
};

/* bytes: whether values with bytes will come. */
void out_init(struct out *o, bool bytes);
void out_fini(struct out *o);
/* Make sure that `more` samples fit; grows by doubling, which stops once the largest burst was seen. */
void out_reserve(struct out *o, size_t more);
/* True if a value of len bytes fits. */
static inline bool out_fits(const struct out *o, size_t len) { return len <= o->bytes_cap - o->bytes_len; }
/* Copy the bytes of a value into the run and let v point there. The caller has asked out_fits(). */
void out_keep_bytes(struct out *o, struct value *v);
/* Add a sample (room was reserved). */
void out_push(struct out *o, const struct sample *s);
/* Forget the first n samples; the run of bytes is emptied with the last of them. */
void out_drop(struct out *o, size_t n);

#endif
