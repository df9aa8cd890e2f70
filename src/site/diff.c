/*
 * See diff.h. Both plans are compared by names: sources, sinks and flows through a map, the tags of a source by
 * walking both sorted runs side by side. First everything is collected here, then diff_print.c says it as text or
 * as JSON.
 */
#include "site/diff_rows.h"

#include <string.h>

#include "base/map.h"
#include "site/derive.h"
#include "site/hash.h"

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool
same_enum(const struct enum_def *a, const struct enum_def *b)
{
	if (a == NULL || b == NULL || a->n != b->n)
		return a == b;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->items[i].value != b->items[i].value || !same_text(a->items[i].text, b->items[i].text))
			return false;
	return true;
}

static bool
same_tag(const struct tag *a, const struct tag *b)
{
	return same_text(a->at, b->at) && a->type == b->type && same_text(a->unit, b->unit) &&
	    a->scan_ns == b->scan_ns &&
	    a->factor == b->factor && a->offset == b->offset && a->has_range == b->has_range && a->lo == b->lo &&
	    a->hi == b->hi &&
	    a->writable == b->writable && same_enum(a->enumeration, b->enumeration);
}

static void
note_tag(struct diff *d, struct source_change *c, enum change how, const struct tag *before, const struct tag *after)
{
	c->tags[c->ntags++] = (struct tag_change){ how, before, after };
	c->count[how]++;
	d->tags[how]++;
}

/* Both runs are sorted by path. */
static void
compare_tags(struct diff *d, struct source_change *c)
{
	uint32_t i = 0, k = 0, n = c->before != NULL ? c->before->ntags : 0, m = c->after != NULL ? c->after->ntags : 0;

	c->tags = arena_array(&d->arena, (size_t)n + m + 1, sizeof *c->tags);
	while (i < n || k < m) {
		const struct tag *a = i < n ? &c->before->tags[i] : NULL, *b = k < m ? &c->after->tags[k] : NULL;
		int order = a == NULL ? 1 : b == NULL ? -1 : strcmp(a->path, b->path);
		if (order < 0)
			note_tag(d, c, REMOVED, a, NULL);
		else if (order > 0)
			note_tag(d, c, ADDED, NULL, b);
		else if (!same_tag(a, b))
			note_tag(d, c, CHANGED, a, b);
		i += order <= 0;
		k += order >= 0;
	}
}

static void
add_source(struct diff *d, enum change how, const struct source *before, const struct source *after)
{
	struct source_change *c = &d->sources[d->nsources++];
	*c = (struct source_change){ .how = how, .before = before, .after = after };
	compare_tags(d, c);
	/* What is left when the tags are the same is the connection. */
	c->connection = how == CHANGED && !source_is_derived(after) &&
	    (c->ntags == 0 || !same_text(before->driver, after->driver) || !same_text(before->link, after->link));
}

static void
compare_sources(struct diff *d)
{
	struct map old = { 0 }, new = { 0 };

	d->sources = arena_array(&d->arena, (size_t)d->before->nsources + d->after->nsources + 1, sizeof *d->sources);
	for (uint32_t i = 0; i < d->before->nsources; i++)
		map_put(&old, d->before->sources[i].name, strlen(d->before->sources[i].name), &d->before->sources[i]);
	for (uint32_t i = 0; i < d->after->nsources; i++) {
		struct source *s = &d->after->sources[i];
		const struct source *was = map_get(&old, s->name, strlen(s->name));
		map_put(&new, s->name, strlen(s->name), s);
		if (source_is_events(s))	/* diff_event.c has them */
			continue;
		if (was == NULL)
			add_source(d, ADDED, NULL, s);
		else if (was->key != s->key)
			add_source(d, CHANGED, was, s);
	}
	for (uint32_t i = 0; i < d->before->nsources; i++) {
		const struct source *s = &d->before->sources[i];
		if (map_get(&new, s->name, strlen(s->name)) == NULL && !source_is_events(s))
			add_source(d, REMOVED, s, NULL);
	}
	map_fini(&old);
	map_fini(&new);
}

static void
compare_flows(struct diff *d)
{
	struct map old = { 0 }, new = { 0 };

	d->flows = arena_array(&d->arena, (size_t)d->before->nflows + d->after->nflows + 1, sizeof *d->flows);
	for (uint32_t i = 0; i < d->before->nflows; i++)
		map_put(&old, d->before->flows[i].name, strlen(d->before->flows[i].name), &d->before->flows[i]);
	for (uint32_t i = 0; i < d->after->nflows; i++) {
		struct flow *f = &d->after->flows[i];
		const struct flow *was = map_get(&old, f->name, strlen(f->name));
		map_put(&new, f->name, strlen(f->name), f);
		if (was == NULL)
			d->flows[d->nflows++] = (struct flow_change){ ADDED, NULL, f, true };
		else if (hash_flow(d->before, was) != hash_flow(d->after, f))
			d->flows[d->nflows++] = (struct flow_change){ CHANGED, was, f, was->schema != f->schema };
	}
	for (uint32_t i = 0; i < d->before->nflows; i++) {
		const struct flow *f = &d->before->flows[i];
		if (map_get(&new, f->name, strlen(f->name)) == NULL)
			d->flows[d->nflows++] = (struct flow_change){ REMOVED, f, NULL, false };
	}
	map_fini(&old);
	map_fini(&new);
}

static const struct sink *
find_sink(const struct plan *p, const char *name)
{
	for (uint32_t i = 0; i < p->nsinks; i++)
		if (same_text(p->sinks[i].name, name))
			return &p->sinks[i];
	return NULL;
}

static void
compare_sinks(struct diff *d)
{
	d->sinks = arena_array(&d->arena, (size_t)d->before->nsinks + d->after->nsinks + 1, sizeof *d->sinks);
	for (uint32_t i = 0; i < d->after->nsinks; i++) {
		const struct sink *s = &d->after->sinks[i], *was = find_sink(d->before, s->name);
		if (was == NULL)
			d->sinks[d->nsinks++] = (struct sink_change){ ADDED, NULL, s };
		else if (was->key != s->key)
			d->sinks[d->nsinks++] = (struct sink_change){ CHANGED, was, s };
	}
	for (uint32_t i = 0; i < d->before->nsinks; i++)
		if (find_sink(d->after, d->before->sinks[i].name) == NULL)
			d->sinks[d->nsinks++] = (struct sink_change){ REMOVED, &d->before->sinks[i], NULL };
}

static const struct request_rule *
find_request(const struct plan *p, const char *name)
{
	for (uint32_t i = 0; i < p->nrequests; i++)
		if (same_text(p->requests[i].name, name))
			return &p->requests[i];
	return NULL;
}

static void
compare_requests(struct diff *d)
{
	d->requests = arena_array(&d->arena, (size_t)d->before->nrequests + d->after->nrequests + 1, sizeof *d->requests);
	for (uint32_t i = 0; i < d->after->nrequests; i++) {
		const struct request_rule *r = &d->after->requests[i], *was = find_request(d->before, r->name);
		if (was == NULL)
			d->requests[d->nrequests++] = (struct request_change){ ADDED, NULL, r };
		else if (hash_request(d->before, was) != hash_request(d->after, r))
			d->requests[d->nrequests++] = (struct request_change){ CHANGED, was, r };
	}
	for (uint32_t i = 0; i < d->before->nrequests; i++)
		if (find_request(d->after, d->before->requests[i].name) == NULL)
			d->requests[d->nrequests++] = (struct request_change){ REMOVED, &d->before->requests[i], NULL };
}

int
site_diff(const struct plan *running, const struct plan *next, struct buf *out, bool json)
{
	static const struct plan nothing = { .enterprise = "", .site = "" };
	struct diff d = { .before = running != NULL ? running : &nothing, .after = next };

	compare_sources(&d);
	compare_sinks(&d);
	compare_flows(&d);
	compare_requests(&d);
	diff_events(&d);
	if (json)
		diff_print_json(&d, out);
	else
		diff_print_text(&d, out);
	arena_fini(&d.arena);
	return out->err;
}
