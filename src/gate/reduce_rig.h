/* For tests of reductions: one tag's samples in, what passes out. Header only. */
#ifndef GATE_REDUCE_RIG_H
#define GATE_REDUCE_RIG_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "gate/reduce.h"

#define S	NS_PER_S
#define T0	(1700000000LL * NS_PER_S)	/* a multiple of 10 s, 100 s */

static uint64_t	rig_seed;

static inline uint64_t
rig_rnd(void)
{
	/* xorshift64*, so that a failing seed can be run again */
	rig_seed ^= rig_seed >> 12;
	rig_seed ^= rig_seed << 25;
	rig_seed ^= rig_seed >> 27;
	return rig_seed * 2685821657736338717u;
}

static inline double
rig_rnd01(void)
{
	return (double)(rig_rnd() >> 11) / (double)(1ULL << 53);
}

static inline struct sample
rig_f64(int64_t t, double v)
{
	return (struct sample){ .arrival = { t }, .v = { .type = VALUE_F64, .f64 = v } };
}

static inline struct sample
rig_bad(int64_t t)
{
	return (struct sample){ .arrival = { t }, .status = (uint32_t)STATUS_BadTimeout };
}

struct rig {
	struct reduce	*r;
	struct out	 out;
	uint32_t	 slot[1];
};

static inline struct rig
rig_with(struct reduce_how how, struct reduce_point p)
{
	struct rig g = { .slot = { 1 } };
	g.r = reduce_new(&how, &p, 1);
	out_init(&g.out, value_has_bytes(p.type));
	return g;
}

static inline struct rig
rig_new(struct reduce_how how)
{
	return rig_with(how, (struct reduce_point){ .type = VALUE_F64 });
}

static inline void
rig_free(struct rig *g)
{
	reduce_free(g->r);
	out_fini(&g->out);
}

static inline void
rig_feed(struct rig *g, struct sample s)
{
	reduce_take(g->r, g->slot, 1, &s, 1, REDUCE_LIVE, &g->out);
}

/* The values that came out, as text: "1 2 - 3", "-" for none. */
static inline const char *
rig_values(const struct rig *g)
{
	static char text[2000];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < g->out.n && n < sizeof text - 40; i++) {
		double v;
		n += (size_t)snprintf(text + n, sizeof text - n, "%s", i > 0 ? " " : "");
		if (value_as_f64(&g->out.v[i].v, &v))
			n += (size_t)snprintf(text + n, sizeof text - n, "%g", v);
		else
			n += (size_t)snprintf(text + n, sizeof text - n, "-");
	}
	return text;
}

static inline struct sample
rig_from_device(int64_t source, int64_t arrival, double v)
{
	struct sample s = rig_f64(arrival, v);
	s.source.ns = source;
	return s;
}

#endif
