/* See hist.h. Bucket i < 8 holds i us; above, the octave and the three bits below the leading one make the index. */
#include "field/hist.h"

#include <string.h>

static uint32_t
bucket(int64_t ns)
{
	uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;

	if (us < HIST_STEPS)
		return (uint32_t)us;
	uint32_t octave = 63 - (uint32_t)__builtin_clzll(us);	/* >= 3 */
	uint32_t i = (octave - 2) * HIST_STEPS + (uint32_t)(us >> (octave - 3) & (HIST_STEPS - 1));
	return i < HIST_BUCKETS ? i : HIST_BUCKETS - 1;
}

/* The middle of a bucket, in us. */
static uint64_t
middle(uint32_t i)
{
	if (i < HIST_STEPS)
		return i;
	uint32_t shift = i / HIST_STEPS - 1;
	uint64_t low = (uint64_t)(HIST_STEPS + i % HIST_STEPS) << shift;
	return low + ((1ull << shift) >> 1);
}

static void
turn(struct hist *h, struct mono now)
{
	int64_t age = mono_diff(now, h->since);

	if (h->since.ns != 0 && age < HIST_WINDOW_NS)
		return;
	if (h->since.ns != 0 && age < 2 * HIST_WINDOW_NS) {
		memcpy(h->count[1], h->count[0], sizeof h->count[1]);
		h->n[1] = h->n[0];
	} else {
		memset(h->count[1], 0, sizeof h->count[1]);
		h->n[1] = 0;
	}
	memset(h->count[0], 0, sizeof h->count[0]);
	h->n[0] = 0;
	h->since = now;
}

void
hist_add(struct hist *h, int64_t ns, struct mono now)
{
	turn(h, now);
	h->count[0][bucket(ns)]++;
	h->n[0]++;
}

uint64_t
hist_us(struct hist *h, double part, struct mono now)
{
	turn(h, now);
	uint64_t all = (uint64_t)h->n[0] + h->n[1], below = 0;
	if (all == 0)
		return 0;
	uint64_t want = (uint64_t)((double)all * part);
	for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
		below += (uint64_t)h->count[0][i] + h->count[1][i];
		if (below > want)
			return middle(i);
	}
	return middle(HIST_BUCKETS - 1);
}
