/* See schedule.h. */
#include "field/schedule.h"

#include "base/map.h"

void
grid_init(struct grid *g, int64_t period_ns, uint64_t key, uint32_t scan_class)
{
	uint64_t h = hash64_more(hash64(&key, sizeof key), &scan_class, sizeof scan_class);

	g->period_ns = period_ns < SCAN_PERIOD_MIN_NS ? SCAN_PERIOD_MIN_NS : period_ns;
	g->phase_ns = (int64_t)(h % (uint64_t)g->period_ns);
	g->due = MONO_NEVER;
}

void
grid_start(struct grid *g, struct mono now)
{
	int64_t since = now.ns - g->phase_ns;
	int64_t k = since <= 0 ? 0 : (since + g->period_ns - 1) / g->period_ns;

	g->due = (struct mono){ g->phase_ns + k * g->period_ns };
}

struct mono
grid_take(struct grid *g, struct mono now, uint64_t *skipped)
{
	int64_t passed = mono_diff(now, g->due) / g->period_ns;
	struct mono due = mono_add(g->due, passed * g->period_ns);

	*skipped = (uint64_t)passed;
	g->due = mono_add(due, g->period_ns);
	return due;
}
