/*
 * From a plan to arrays that a batch runs through: one look-up by the source's key, then for each flow that wants
 * something of this source a table from the source's tag number to the flow's point. Built when a plan is put in
 * force, never changed after.
 */
#include <stdlib.h>

#include "gate/inside.h"
#include "site/derive.h"

/* The n-th function of a window, in enum order. */
static enum window_fn
nth_fn(uint32_t fns, uint32_t n)
{
	for (uint32_t fn = 0; fn < WINDOW_FNS; fn++)
		if ((fns & 1u << fn) != 0 && n-- == 0)
			return (enum window_fn)fn;
	return WINDOW_FNS;
}

/* A count has neither unit nor range of its tag; sums and deviations have no range. */
static void
result_tag(struct spool_tag *s, enum window_fn fn)
{
	switch (fn) {
	case WINDOW_COUNT:
		s->type = VALUE_U32;
		s->unit = "1";
		s->has_range = false;
		break;
	case WINDOW_SUM: case WINDOW_STDDEV:
		s->has_range = false;
		s->type = VALUE_F64;
		break;
	case WINDOW_MEAN: case WINDOW_TIME_MEAN:
		s->type = VALUE_F64;
		break;
	default:
		break;
	}
}

static struct spool_tag
schema_tag(const struct flow *f, const struct flow_tag *ft, const struct tag *t, uint32_t nth)
{
	struct spool_tag s = { .name = ft->name, .unit = t->unit != NULL ? t->unit : "",
	    .help = t->help != NULL ? t->help : "",
	    .type = t->type, .has_range = t->has_range, .lo = t->lo, .hi = t->hi };

	if (f->reduce == REDUCE_WINDOW)
		result_tag(&s, nth_fn(f->window_fns, nth));
	return s;
}

static const struct tag *
tag_of(const struct plan *p, const struct flow_tag *ft)
{
	if (ft->source >= p->nsources || ft->tag >= p->sources[ft->source].ntags)
		fatal("plan_broken", "source=%u tag=%u", ft->source, ft->tag);	/* slice_read() has checked it */
	return &p->sources[ft->source].tags[ft->tag];
}

/* The same tag as the one before: another function of its window. */
static bool
same_point(const struct flow *f, uint32_t i)
{
	return i > 0 && f->reduce == REDUCE_WINDOW && f->tags[i].source == f->tags[i - 1].source &&
	    f->tags[i].tag == f->tags[i - 1].tag;
}

uint32_t
flow_points(const struct plan *p, const struct flow *f, struct reduce_point **points, struct spool_schema *schema,
    struct arena *a)
{
	uint32_t n = 0, nth = 0;

	*points = arena_array(a, f->ntags + 1, sizeof **points);
	*schema = (struct spool_schema){ .flow = f->name, .version = f->schema, .n = f->ntags };
	schema->tags = arena_array(a, f->ntags + 1, sizeof *schema->tags);
	for (uint32_t i = 0; i < f->ntags; i++) {
		const struct tag *t = tag_of(p, &f->tags[i]);
		nth = same_point(f, i) ? nth + 1 : 0;
		schema->tags[i] = schema_tag(f, &f->tags[i], t, nth);
		if (nth > 0)
			continue;
		(*points)[n++] = (struct reduce_point){ .out = i, .type = t->type, .has_range = t->has_range,
		    .lo = t->lo, .hi = t->hi,
		    .scan_ns = t->scan_ns };
	}
	return n;
}

/* One leg a flow and source. last[source] is the flow that asked last, so that a flow asks once. */
static void
count_legs(const struct plan *p, struct stream *const *of_flow, struct routes *r, uint32_t *last)
{
	for (uint32_t k = 0; k < p->nflows; k++) {
		if (of_flow[k] == NULL)
			continue;
		for (uint32_t i = 0; i < p->flows[k].ntags; i++) {
			uint32_t s = p->flows[k].tags[i].source;
			if (last[s] != k + 1) {
				last[s] = k + 1;
				r->sources[s].nlegs++;
			}
		}
	}
}

static struct leg *
leg_for(struct routes *r, uint32_t s, struct stream *st)
{
	struct source_route *sr = &r->sources[s];

	/* The newest leg is this flow's, or it has none yet. */
	if (sr->nlegs > 0 && sr->legs[sr->nlegs - 1].st == st)
		return &sr->legs[sr->nlegs - 1];
	struct leg *l = &sr->legs[sr->nlegs++];
	l->st = st;
	l->slot = arena_array(&r->arena, sr->ntags + 1, sizeof *l->slot);
	return l;
}

static void
fill_legs(const struct plan *p, const struct flow *f, struct stream *st, struct routes *r)
{
	uint32_t point = 0;

	for (uint32_t i = 0; i < f->ntags; i++) {
		tag_of(p, &f->tags[i]);
		if (same_point(f, i))
			continue;
		leg_for(r, f->tags[i].source, st)->slot[f->tags[i].tag] = ++point;
	}
}

/* A source that goes on keeps its count of batches; where the plan does not name the zone, its writer too. */
static void
carry_over(const struct routes *before, struct source_route *sr, struct arena *a)
{
	const struct source_route *was = map_get_u64(&before->by_key, sr->key);

	if (was == NULL)
		return;
	if (sr->writer == NULL && was->writer != NULL)
		sr->writer = arena_strdup(a, was->writer);
	sr->epoch = was->epoch;
	sr->seq = was->seq;
	sr->gaps = was->gaps;
	sr->numbered = was->numbered;
}

void
routes_build(struct gate *g, const struct plan *p, struct stream *const *of_flow, struct routes *r)
{
	struct arena scratch = { 0 };

	*r = (struct routes){ .n = p->nsources };
	r->sources = arena_array(&r->arena, p->nsources + 1, sizeof *r->sources);
	count_legs(p, of_flow, r, arena_array(&scratch, p->nsources + 1, sizeof(uint32_t)));
	for (uint32_t s = 0; s < p->nsources; s++) {
		struct source_route *sr = &r->sources[s];
		sr->key = p->sources[s].key;
		sr->name = arena_strdup(&r->arena, p->sources[s].name);
		sr->ntags = p->sources[s].ntags;
		if (source_is_derived(&p->sources[s]))
			sr->writer = arena_strdup(&r->arena, "insight");
		else if (p->sources[s].zone < p->nzones)
			sr->writer = arena_printf(&r->arena, "field:%s", p->zones[p->sources[s].zone].name);
		sr->legs = arena_array(&r->arena, sr->nlegs + 1, sizeof *sr->legs);
		sr->nlegs = 0;
		carry_over(&g->routes, sr, &r->arena);
		map_put_u64(&r->by_key, sr->key, sr);
	}
	for (uint32_t k = 0; k < p->nflows; k++)
		if (of_flow[k] != NULL)
			fill_legs(p, &p->flows[k], of_flow[k], r);
	arena_fini(&scratch);
}

void
routes_fini(struct routes *r)
{
	map_fini(&r->by_key);
	arena_fini(&r->arena);
	*r = (struct routes){ 0 };
}
