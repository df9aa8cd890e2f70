/*
 * The present values of the tags that limits and interlocks look at. A value counts as fresh for three of its scan
 * periods and two seconds, by both clocks: that of its arrival may have stepped, and after a restart of gate old
 * batches are read again.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gate/request_int.h"

#define FRESH_SCANS	3
#define FRESH_NS	(2 * NS_PER_S)
#define AHEAD_NS	NS_PER_S	/* an arrival further in the future: the wall clock was set back */

static struct live_source *
source_of(const struct requests *r, uint64_t key)
{
	return map_get_u64(&r->live, key);
}

void
live_watch(struct requests *r, struct tag_ref t)
{
	const struct source *s = &r->plan->sources[t.source];
	struct live_source *l = source_of(r, s->key);

	if (l == NULL) {
		l = arena_new(&r->live_memory, struct live_source);
		l->key = s->key;
		l->ntags = s->ntags;
		l->tags = arena_array(&r->live_memory, s->ntags + 1, sizeof *l->tags);
		map_put_u64(&r->live, s->key, l);
	}
	if (l->tags[t.tag] == NULL)
		l->tags[t.tag] = arena_new(&r->live_memory, struct live);
}

/* What the plan before watched too keeps its value: a source with the same key has the same tags. */
void
live_reset(struct requests *r, const struct plan *before)
{
	struct arena old_memory = r->live_memory;
	struct map old = r->live;

	r->live_memory = (struct arena){ 0 };
	r->live = (struct map){ 0 };
	interlocks_build(r);
	for (uint32_t i = 0; i < r->plan->nrequests; i++) {
		const struct request_rule *rule = &r->plan->requests[i];
		for (uint32_t k = 0; (rule->step > 0 || rule->change > 0) && k < rule->ntags; k++)
			live_watch(r, rule->tags[k]);
	}
	for (uint32_t i = 0; before != NULL && i < before->nsources; i++) {
		const struct live_source *was = map_get_u64(&old, before->sources[i].key);
		struct live_source *is = source_of(r, before->sources[i].key);
		for (uint32_t k = 0; was != NULL && is != NULL && k < is->ntags && k < was->ntags; k++)
			if (is->tags[k] != NULL && was->tags[k] != NULL)
				*is->tags[k] = *was->tags[k];
	}
	map_fini(&old);
	arena_fini(&old_memory);
}

void
requests_live(struct requests *r, uint64_t source_key, const struct sample *v, uint32_t n, struct mono now)
{
	const struct live_source *l = source_of(r, source_key);

	for (uint32_t i = 0; l != NULL && i < n; i++) {
		struct live *t = v[i].tag < l->ntags ? l->tags[v[i].tag] : NULL;
		if (t == NULL || (v[i].flags & SAMPLE_HISTORICAL) != 0)
			continue;
		*t = (struct live){ .status = v[i].status, .arrival = v[i].arrival, .seen = now,
		    .losses = r->live_losses };
		if (!value_has_bytes(v[i].v.type))
			t->v = v[i].v;
	}
}

void
requests_live_lost(struct requests *r)
{
	r->live_losses++;
}

const struct live *
live_get(const struct requests *r, struct tag_ref t, struct mono now, struct wall wall, char *text, size_t size)
{
	const struct source *s = &r->plan->sources[t.source];
	const struct tag *tag = &s->tags[t.tag];
	const struct live_source *l = source_of(r, s->key);
	const struct live *v = l != NULL ? l->tags[t.tag] : NULL;

	if (v == NULL || v->seen.ns == 0) {
		snprintf(text, size, "no value of \"%.200s\" has come yet", tag->path);
		return NULL;
	}
	if (v->losses != r->live_losses) {
		snprintf(text, size, "values were lost on their way to gate, and none of \"%.200s\" has come since",
		    tag->path);
		return NULL;
	}
	int64_t may = FRESH_SCANS * tag->scan_ns + FRESH_NS, age = mono_diff(now, v->seen);
	int64_t by_wall = wall.ns - v->arrival.ns;
	age = by_wall > age ? by_wall : age;
	if (age > may || by_wall < -AHEAD_NS) {
		char d[DURATION_TEXT];
		snprintf(text, size, "the value of \"%.200s\" is stale, %s old", tag->path,
		    by_wall < -AHEAD_NS ? "by a stepped clock unknown how" : duration_format(age, d));
		return NULL;
	}
	if (!status_is_good(v->status) || v->v.type == VALUE_NULL) {
		snprintf(text, size, "the value of \"%.200s\" is not good", tag->path);
		return NULL;
	}
	double d;
	if (value_as_f64(&v->v, &d) && !isfinite(d)) {	/* no comparison with it would refuse */
		snprintf(text, size, "the value of \"%.200s\" is no number", tag->path);
		return NULL;
	}
	return v;
}
