/*
 * An order: a request that gate has admitted, as it crosses the channel from gate to the field process of its zone,
 * and what that says became of it. Field believes gate about the policy, and nobody about time: it looks at the
 * deadline itself before anything leaves.
 *
 *	CARRY_OUT: u64 id, i64 deadline, u64 source key, text source, text tag, text readback tag,
 *	           u8 readback, f64 tolerance (its bits), i64 within_ns, request (model/request.h)
 *	CARRIED:   request result (model/request.h), its id the order's
 */
#ifndef RING_ORDER_H
#define RING_ORDER_H

#include "base/arena.h"
#include "model/request.h"

#define ORDER_BYTES_MAX	(REQUEST_BYTES_MAX + 4096u)

struct order {
	uint64_t	 id;		/* rises from order to order: an older one is a repetition and is refused */
	struct mono	 deadline;	/* on CLOCK_BOOTTIME (boot_now()), which a suspended machine does not stop */
	uint64_t	 source_key;	/* the definition of the source that it was judged by */
	const char	*source, *tag;	/* tag: WRITE, ACK; else "" */
	const char	*readback_tag;	/* of the same source; "": none is read back */
	double		 tolerance;
	int64_t		 within_ns;
	struct request	 ask;		/* args in the tag's type and unit */
};

int order_pack(struct writer *w, const struct order *o);
/* Whole message; texts and values are copied to a. 0, or an error. */
int order_unpack(const void *p, size_t len, struct arena *a, struct order *out);

#endif
