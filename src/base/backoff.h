/*
 * Growing pauses between attempts: each doubles up to a ceiling, and each is drawn at random from the upper half of its
 * range, so that devices which failed together do not come back together.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t		min_ns, max_ns;
	int64_t		last_ns;	/* range of the last pause; 0: none yet */
	uint64_t	random;		/* state; differs from device to device, so seed it with an identity */
};

static inline void
backoff_init(struct backoff *b, int64_t min_ns, int64_t max_ns, uint64_t seed)
{
	*b = (struct backoff){ .min_ns = min_ns, .max_ns = max_ns, .random = seed };
}

/* The next pause: within (range/2, range], where range is min, 2 min, 4 min, ... max. */
int64_t backoff_next(struct backoff *b);
/* It worked: the next pause is short again. */
static inline void backoff_reset(struct backoff *b) { b->last_ns = 0; }

#endif
