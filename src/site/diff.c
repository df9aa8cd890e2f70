/*
 * See diff.h. Both plans are compared by names: sources, sinks and flows through a map, the tags of a source by walking both
 * sorted runs side by side. First everything is collected, then it is printed as text or as JSON.
 */
#include "site/diff.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"
#include "site/hash.h"

#define DIFF_TAGS_SHOWN 20u	/* changed tags of a source that the text names one by one */

enum change { ADDED, REMOVED, CHANGED };
static const char *const change_names[] = { "added", "removed", "changed" };
static const char change_signs[] = "+-~";

struct tag_change {
	enum change	 how;
	const struct tag *before, *after;	/* NULL when added, removed */
};

struct source_change {
	enum change		 how;
	const struct source	*before, *after;
	struct tag_change	*tags;
	uint32_t		 ntags, count[3];	/* count: by enum change */
	bool			 connection;		/* driver, endpoint or keys differ */
};

struct flow_change {
	enum change		 how;
	const struct flow	*before, *after;
	bool			 schema;	/* a new schema version: the backlog of the old one is still delivered */
};

struct sink_change {
	enum change		 how;
	const struct sink	*before, *after;
};

struct diff {
	struct arena		 arena;
	const struct plan	*before, *after;
	struct source_change	*sources;
	struct flow_change	*flows;
	struct sink_change	*sinks;
	uint32_t		 nsources, nflows, nsinks;
	uint32_t		 tags[3];	/* by enum change */
};

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
	return same_text(a->at, b->at) && a->type == b->type && same_text(a->unit, b->unit) && a->scan_ns == b->scan_ns &&
	    a->factor == b->factor && a->offset == b->offset && a->has_range == b->has_range && a->lo == b->lo && a->hi == b->hi &&
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
	c->connection = how == CHANGED && (c->ntags == 0 || !same_text(before->driver, after->driver) ||
	    !same_text(before->link, after->link));
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
		if (was == NULL)
			add_source(d, ADDED, NULL, s);
		else if (was->key != s->key)
			add_source(d, CHANGED, was, s);
	}
	for (uint32_t i = 0; i < d->before->nsources; i++) {
		const struct source *s = &d->before->sources[i];
		if (map_get(&new, s->name, strlen(s->name)) == NULL)
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

static double
requests(const struct plan *p)
{
	double v = 0;
	for (uint32_t i = 0; i < p->nsources; i++)
		v += p->sources[i].requests_per_s;
	return v;
}

static double
bytes_a_day(const struct plan *p)
{
	double v = 0;
	for (uint32_t i = 0; i < p->nsources; i++)
		v += p->sources[i].bytes_per_s;
	return v * 86400;
}

/* 1.2 GB: three figures are enough for a decision. */
static void
put_bytes(struct buf *out, double v)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	size_t u = 0;
	while (v >= 1000 && u + 1 < sizeof units / sizeof units[0]) {
		v /= 1000;
		u++;
	}
	buf_printf(out, v < 10 && u > 0 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

static void
put_tag_change(struct buf *out, const struct tag_change *t)
{
	const struct tag *any = t->after != NULL ? t->after : t->before;
	buf_printf(out, "    %c %s", change_signs[t->how], any->path);
	if (t->how != CHANGED)
		buf_printf(out, "  (%s)", any->at);
	else if (!same_text(t->before->at, t->after->at))
		buf_printf(out, "  %s -> %s", t->before->at, t->after->at);
	else if (t->before->scan_ns != t->after->scan_ns) {
		char a[DURATION_TEXT], b[DURATION_TEXT];
		buf_printf(out, "  every %s -> %s", duration_format(t->before->scan_ns, a), duration_format(t->after->scan_ns, b));
	}
	buf_putc(out, '\n');
}

static void
put_source_change(struct buf *out, const struct source_change *c)
{
	const struct source *s = c->after != NULL ? c->after : c->before;

	buf_printf(out, "  %c source %s: ", change_signs[c->how], s->name);
	if (c->how != CHANGED)
		buf_printf(out, "%s %s, %u tags\n", s->driver, s->link, s->ntags);
	else {
		buf_printf(out, "will be reconnected: %u tags added, %u removed, %u changed%s\n", c->count[ADDED], c->count[REMOVED],
		    c->count[CHANGED], c->connection ? "; its connection or its keys differ" : "");
		for (uint32_t i = 0; i < c->ntags && i < DIFF_TAGS_SHOWN; i++)
			put_tag_change(out, &c->tags[i]);
		if (c->ntags > DIFF_TAGS_SHOWN)
			buf_printf(out, "    and %u more\n", c->ntags - DIFF_TAGS_SHOWN);
	}
}

static void
put_flow_change(struct buf *out, const struct flow_change *c)
{
	const struct flow *f = c->after != NULL ? c->after : c->before;

	buf_printf(out, "  %c flow %s: ", change_signs[c->how], f->name);
	if (c->how == ADDED)
		buf_printf(out, "%u values\n", f->ntags);
	else if (c->how == REMOVED)
		buf_puts(out, "what it has not delivered yet is still delivered\n");
	else if (c->schema)
		buf_printf(out, "a new schema version (%08x -> %08x), %u -> %u values\n", c->before->schema, f->schema, c->before->ntags,
		    f->ntags);
	else
		buf_puts(out, "its handling changes, its values do not\n");
}

static void
print_text(const struct diff *d, struct buf *out)
{
	if (d->nsources == 0 && d->nflows == 0 && d->nsinks == 0 && d->before->hash == d->after->hash) {
		buf_puts(out, "nothing would change\n");
		return;
	}
	for (uint32_t i = 0; i < d->nsources; i++)
		put_source_change(out, &d->sources[i]);
	for (uint32_t i = 0; i < d->nsinks; i++) {
		const struct sink *s = d->sinks[i].after != NULL ? d->sinks[i].after : d->sinks[i].before;
		buf_printf(out, "  %c sink %s: %s%s\n", change_signs[d->sinks[i].how], s->name, s->kind,
		    d->sinks[i].how == CHANGED ? ", will be reconnected" : "");
	}
	for (uint32_t i = 0; i < d->nflows; i++)
		put_flow_change(out, &d->flows[i]);
	if (d->nsources == 0 && d->nflows == 0 && d->nsinks == 0)
		buf_puts(out, "  only names and descriptions change\n");
	buf_printf(out, "sources %u -> %u, tags %u -> %u, flows %u -> %u, sinks %u -> %u\n", d->before->nsources, d->after->nsources,
	    d->before->ntags, d->after->ntags, d->before->nflows, d->after->nflows, d->before->nsinks, d->after->nsinks);
	buf_printf(out, "requests a second %.1f -> %.1f, bytes a day on the links ", requests(d->before), requests(d->after));
	put_bytes(out, bytes_a_day(d->before));
	buf_puts(out, " -> ");
	put_bytes(out, bytes_a_day(d->after));
	buf_puts(out, " (estimates of the drivers)\n");
}

static void
json_pair(struct json *j, const char *key, double before, double after)
{
	json_key(j, key);
	json_open(j, '{');
	json_key(j, "before");
	json_f64(j, before);
	json_key(j, "after");
	json_f64(j, after);
	json_close(j, '}');
}

static void
json_tags(struct json *j, const struct source_change *c)
{
	json_key(j, "tags");
	json_open(j, '[');
	for (uint32_t i = 0; c->how == CHANGED && i < c->ntags; i++) {
		json_open(j, '{');
		json_key(j, "change");
		json_text(j, change_names[c->tags[i].how]);
		json_key(j, "path");
		json_text(j, c->tags[i].after != NULL ? c->tags[i].after->path : c->tags[i].before->path);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
json_head(struct json *j, enum change how, const char *name)
{
	json_open(j, '{');
	json_key(j, "change");
	json_text(j, change_names[how]);
	json_key(j, "name");
	json_text(j, name);
}

static void
json_rows(const struct diff *d, struct json *j)
{
	json_key(j, "sources");
	json_open(j, '[');
	for (uint32_t i = 0; i < d->nsources; i++) {
		const struct source_change *c = &d->sources[i];
		json_head(j, c->how, c->after != NULL ? c->after->name : c->before->name);
		json_key(j, "reconnected");
		json_bool(j, c->how == CHANGED);
		json_tags(j, c);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_key(j, "sinks");
	json_open(j, '[');
	for (uint32_t i = 0; i < d->nsinks; i++) {
		json_head(j, d->sinks[i].how, d->sinks[i].after != NULL ? d->sinks[i].after->name : d->sinks[i].before->name);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_key(j, "flows");
	json_open(j, '[');
	for (uint32_t i = 0; i < d->nflows; i++) {
		json_head(j, d->flows[i].how, d->flows[i].after != NULL ? d->flows[i].after->name : d->flows[i].before->name);
		json_key(j, "new-schema");
		json_bool(j, d->flows[i].schema);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
print_json(const struct diff *d, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_rows(d, &j);
	json_key(&j, "counts");
	json_open(&j, '{');
	json_pair(&j, "sources", d->before->nsources, d->after->nsources);
	json_pair(&j, "tags", d->before->ntags, d->after->ntags);
	json_pair(&j, "flows", d->before->nflows, d->after->nflows);
	json_pair(&j, "sinks", d->before->nsinks, d->after->nsinks);
	json_close(&j, '}');
	json_key(&j, "tags");
	json_open(&j, '{');
	for (int i = ADDED; i <= CHANGED; i++) {
		json_key(&j, change_names[i]);
		json_u64(&j, d->tags[i]);
	}
	json_close(&j, '}');
	json_pair(&j, "requests-per-second", requests(d->before), requests(d->after));
	json_pair(&j, "bytes-per-day", bytes_a_day(d->before), bytes_a_day(d->after));
	json_close(&j, '}');
	buf_putc(out, '\n');
}

int
site_diff(const struct plan *running, const struct plan *next, struct buf *out, bool json)
{
	static const struct plan nothing = { .enterprise = "" };
	struct diff d = { .before = running != NULL ? running : &nothing, .after = next };

	compare_sources(&d);
	compare_sinks(&d);
	compare_flows(&d);
	if (json)
		print_json(&d, out);
	else
		print_text(&d, out);
	arena_fini(&d.arena);
	return out->err;
}
