/*
 * When a scan class is due. A fixed grid in monotonic time: due times are phase + k * period, counted from the clock's
 * own zero. Nothing is added up, so nothing drifts, whatever lateness single scans had; and a class that pauses (its
 * link is down, its source silent) returns to the very same grid. The phase comes from the source's identity, so
 * sources of equal period spread over it, the same way after every restart.
 */
#ifndef FIELD_SCHEDULE_H
#define FIELD_SCHEDULE_H

#include "base/clock.h"

#define SCAN_PERIOD_MIN_NS	(10 * NS_PER_MS)

struct grid {
	int64_t		period_ns, phase_ns;	/* 0 <= phase < period */
	struct mono	due;			/* the next one */
};

/* key: identity of the source; shorter periods than SCAN_PERIOD_MIN_NS are raised to it. Then grid_start(). */
void grid_init(struct grid *g, int64_t period_ns, uint64_t key, uint32_t scan_class);
/* The first due time at or after `now`. */
void grid_start(struct grid *g, struct mono now);
/*
 * Serve the grid at `now` (at or after g->due): returns the due time that this serves, the latest one that has passed,
 * and moves g->due to the one after it. *skipped receives how many due times lie before it and are lost.
 */
struct mono grid_take(struct grid *g, struct mono now, uint64_t *skipped);

#endif
