/*
 * Durations of the recent past, for percentiles: a histogram with eight steps an octave from 1 us to about 17 s (longer
 * ones fall into the last), kept for the current and the previous window. A percentile is exact to about 6 per cent.
 */
#ifndef FIELD_HIST_H
#define FIELD_HIST_H

#include "base/clock.h"

#define HIST_STEPS	8u
#define HIST_BUCKETS	(24u * HIST_STEPS)
#define HIST_WINDOW_NS	(10 * NS_PER_S)

struct hist {
	struct mono	since;			/* start of the current window */
	uint32_t	n[2];			/* current, previous */
	uint32_t	count[2][HIST_BUCKETS];
};

void hist_add(struct hist *h, int64_t ns, struct mono now);
/* The duration that `part` (0..1) of the last 10 to 20 s stay within, in us; 0 when nothing was measured. */
uint64_t hist_us(struct hist *h, double part, struct mono now);

#endif
