/*
 * Insight: derives tags from tags. It holds the rings of all field processes so that derived values can be made from
 * them; with no derivation in the plan it reads none of them, since what it would read nobody asked for.
 */
#ifndef INSIGHT_INSIGHT_H
#define INSIGHT_INSIGHT_H

#include "ring/ring.h"
#include "site/plan.h"

#define INSIGHT_RINGS_MAX	64u	/* writers */

struct insight;
/* Given: insight_free. NULL: out of memory. */
struct insight *insight_new(void);
void insight_free(struct insight *in);
/* The plan in force (taken). */
void insight_plan(struct insight *in, struct plan *p);
/*
 * A writer's ring (taken); it takes the place of an older one of that writer. ERR_LIMIT: too many writers, it is
 * closed.
 */
int insight_ring(struct insight *in, const char *writer, struct ring_reader *r);
/* Writers whose ring is held. */
size_t insight_rings(const struct insight *in);

#endif
