/*
 * Deadlines of everything that waits in the scan engine: scans, links, probes, half-full batches. A binary heap, so
 * that thousands of devices need one kernel timer. A deadline is a member of what waits and is known by its place in
 * the heap; setting, moving and clearing take O(log n), none of them allocates once the heap has seen as many
 * entries.
 */
#ifndef FIELD_DEADLINE_H
#define FIELD_DEADLINE_H

#include "base/clock.h"

struct deadline {
	struct mono	 at;
	void		(*fire)(struct deadline *d, struct mono now);	/* d is out of the heap; it may be set again */
	uint32_t	 place;		/* index in the heap + 1; 0: not set */
};

struct deadlines {
	struct deadline	**v;
	uint32_t	 n, cap;
};

/* Set or move. MONO_NEVER clears. d stays the caller's and must outlive its stay; d->fire must be filled. */
void deadline_set(struct deadlines *h, struct deadline *d, struct mono at);
void deadline_clear(struct deadlines *h, struct deadline *d);
static inline bool deadline_is_set(const struct deadline *d) { return d->place != 0; }
/* The earliest one, MONO_NEVER if there is none. */
static inline struct mono deadlines_next(const struct deadlines *h) { return h->n > 0 ? h->v[0]->at : MONO_NEVER; }
/*
 * Fire all that are due at `now`, earliest first, at most `max` of them, so that input is not starved when everything
 * is late. Returns how many fired.
 */
uint32_t deadlines_run(struct deadlines *h, struct mono now, uint32_t max);
void deadlines_fini(struct deadlines *h);

#endif
