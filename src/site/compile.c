/*
 * The last step of a load: tags sorted by source and path, so that the order of rows in a spreadsheet changes
 * nothing; their numbers and scan classes; flows pointed at them; and the hashes by which a reload knows what to
 * leave alone.
 */
#include <stdlib.h>
#include <string.h>

#include "os/zone.h"
#include "site/hash.h"
#include "site/loader.h"

#define ZONE_OFFSETS 64u	/* two changes a year, for as long as zone.h looks ahead */

struct order {
	const char	*path;
	uint32_t	 source, old;
};

static int
by_source_and_path(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* Tables are mostly sorted as people left them, so look before sorting. */
static void
sort(struct order *o, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (by_source_and_path(&o[i - 1], &o[i]) > 0) {
			qsort(o, n, sizeof *o, by_source_and_path);
			return;
		}
}

/* Returns where each tag went: new[old]. */
static uint32_t *
place_tags(struct loader *l)
{
	struct plan *p = l->plan;
	struct order *o = arena_array(&l->scratch, l->ntags + 1, sizeof *o);
	uint32_t *new = arena_array(&l->scratch, l->ntags + 1, sizeof *new);

	for (size_t i = 0; i < l->ntags; i++)
		o[i] = (struct order){ l->tags[i].path, l->tags[i].source, (uint32_t)i };
	sort(o, l->ntags);
	p->tags = arena_array(&p->arena, l->ntags + 1, sizeof *p->tags);
	p->ntags = (uint32_t)l->ntags;
	for (uint32_t i = 0; i < p->ntags; i++) {
		p->tags[i] = l->tags[o[i].old];
		new[o[i].old] = i;
		struct source *s = &p->sources[p->tags[i].source];
		if (s->ntags == 0)
			s->tags = &p->tags[i];
		p->tags[i].index = s->ntags++;
	}
	return new;
}

static int
by_period(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static uint32_t
class_of(const struct source *s, int64_t scan_ns)
{
	for (uint32_t i = 0; i < s->nscans; i++)
		if (s->scans_ns[i] == scan_ns)
			return i;
	return s->nscans;
}

void
source_set_scans(struct source *s)
{
	for (uint32_t i = 0; i < s->ntags; i++) {
		int64_t ns = s->tags[i].scan_ns;
		if (ns > 0 && class_of(s, ns) == s->nscans && s->nscans < PLAN_SCAN_CLASSES_MAX)
			s->scans_ns[s->nscans++] = ns;
	}
	qsort(s->scans_ns, s->nscans, sizeof s->scans_ns[0], by_period);
	for (uint32_t i = 0; i < s->ntags; i++) {
		struct tag *t = &s->tags[i];
		t->scan_class = t->scan_ns > 0 ? (uint16_t)class_of(s, t->scan_ns) : PLAN_NO_SCAN;
	}
}

static const char *const fn_names[WINDOW_FNS] = {
	[WINDOW_MIN] = "min", [WINDOW_MAX] = "max", [WINDOW_MEAN] = "mean", [WINDOW_TIME_MEAN] = "time-mean",
	    [WINDOW_SUM] = "sum",
	[WINDOW_COUNT] = "count", [WINDOW_FIRST] = "first", [WINDOW_LAST] = "last", [WINDOW_STDDEV] = "stddev",
};

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* From numbers of the order of reading to sources and indexes, in plan order; a window gives one tag a function. */
static void
point_flow(struct loader *l, struct flow *f, const uint32_t *new)
{
	struct plan *p = l->plan;
	uint32_t fns = f->reduce == REDUCE_WINDOW ? (uint32_t)__builtin_popcount(f->window_fns) : 1, k = 0;
	uint32_t *at = arena_array(&l->scratch, f->ntags + 1, sizeof *at);
	struct flow_tag *tags = arena_array(&p->arena, (size_t)f->ntags * fns + 1, sizeof *tags);

	for (uint32_t i = 0; i < f->ntags; i++)
		at[i] = new[f->tags[i].tag];
	qsort(at, f->ntags, sizeof *at, by_number);
	for (uint32_t i = 0; i < f->ntags; i++) {
		const struct tag *t = &p->tags[at[i]];
		if (f->reduce != REDUCE_WINDOW) {
			tags[k++] = (struct flow_tag){ t->source, t->index, t->path };
			continue;
		}
		for (uint32_t fn = 0; fn < WINDOW_FNS; fn++)
			if ((f->window_fns >> fn & 1) != 0)
				tags[k++] = (struct flow_tag){ t->source, t->index,
				    arena_printf(&p->arena, "%s:%s", t->path, fn_names[fn]) };
	}
	f->tags = tags;
	f->ntags = k;
}

static void
point_request(struct loader *l, struct request_rule *r, const uint32_t *new)
{
	const struct plan *p = l->plan;
	uint32_t *at = arena_array(&l->scratch, r->ntags + 1, sizeof *at);

	for (uint32_t i = 0; i < r->ntags; i++)
		at[i] = new[r->tags[i].tag];
	qsort(at, r->ntags, sizeof *at, by_number);
	for (uint32_t i = 0; i < r->ntags; i++)
		r->tags[i] = (struct tag_ref){ p->tags[at[i]].source, p->tags[at[i]].index };
	if (r->readback_other) {
		const struct tag *t = &p->tags[new[r->readback_tag.tag]];
		r->readback_tag = (struct tag_ref){ t->source, t->index };
	}
}

static void
point_event(struct loader *l, struct event_rule *r, const uint32_t *new)
{
	const struct tag *t = &l->plan->tags[new[r->tag]];

	r->source = t->source;
	r->tag = t->index;
}

void
plan_compile(struct loader *l)
{
	struct plan *p = l->plan;
	const uint32_t *new = place_tags(l);

	p->files = l->files;
	if (strcmp(p->time_zone, "UTC") != 0) {
		p->offsets = arena_array(&p->arena, ZONE_OFFSETS, sizeof *p->offsets);
		p->noffsets = (uint32_t)zone_offsets(p->time_zone, p->offsets, ZONE_OFFSETS);
	}
	for (uint32_t i = 0; i < p->nsources; i++) {
		source_set_scans(&p->sources[i]);
		p->sources[i].key = hash_source(&p->sources[i], p->folder);
	}
	for (uint32_t i = 0; i < p->nsinks; i++)
		p->sinks[i].key = hash_sink(&p->sinks[i], p->folder);
	for (uint32_t i = 0; i < p->nflows; i++) {
		point_flow(l, &p->flows[i], new);
		p->flows[i].schema = hash_schema(p, &p->flows[i]);
	}
	for (uint32_t i = 0; i < p->nrequests; i++)
		point_request(l, &p->requests[i], new);
	for (uint32_t i = 0; i < p->nevents; i++)
		point_event(l, &p->events[i], new);
	p->hash = hash_plan(p);
}
