/* See diff_rows.h. */
#include "site/diff_rows.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "site/derive.h"
#include "site/event_text.h"

#define DIFF_TAGS_SHOWN 20u	/* changed tags of a source that the text names one by one */

static const char *const change_names[] = { "added", "removed", "changed" };
static const char change_signs[] = "+-~";

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

/* As people count: what is derived has no source, and an event is no tag. */
static void
count_tags(const struct plan *p, uint32_t *sources, uint32_t *tags)
{
	*sources = *tags = 0;
	for (uint32_t i = 0; i < p->nsources; i++) {
		*sources += !source_is_derived(&p->sources[i]);
		*tags += source_is_events(&p->sources[i]) ? 0 : p->sources[i].ntags;
	}
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
	else if (strcmp(t->before->at, t->after->at) != 0)
		buf_printf(out, "  %s -> %s", t->before->at, t->after->at);
	else if (t->before->scan_ns != t->after->scan_ns) {
		char a[DURATION_TEXT], b[DURATION_TEXT];
		buf_printf(out, "  every %s -> %s", duration_format(t->before->scan_ns, a),
		    duration_format(t->after->scan_ns, b));
	}
	buf_putc(out, '\n');
}

static void
put_source_change(struct buf *out, const struct source_change *c)
{
	const struct source *s = c->after != NULL ? c->after : c->before;
	bool derived = source_is_derived(s);

	if (derived)
		buf_printf(out, "  %c derived tags of zone %s: ", change_signs[c->how], s->name + strlen(DERIVE_PREFIX));
	else
		buf_printf(out, "  %c source %s: ", change_signs[c->how], s->name);
	if (c->how != CHANGED) {
		if (!derived)
			buf_printf(out, "%s %s, ", s->driver, s->link);
		buf_printf(out, "%u tags\n", s->ntags);
		return;
	}
	buf_printf(out, "%s%u tags added, %u removed, %u changed%s\n", derived ? "" : "will be reconnected: ", c->count[ADDED],
	    c->count[REMOVED], c->count[CHANGED], c->connection ? "; its connection or its keys differ" : "");
	for (uint32_t i = 0; i < c->ntags && i < DIFF_TAGS_SHOWN; i++)
		put_tag_change(out, &c->tags[i]);
	if (c->ntags > DIFF_TAGS_SHOWN)
		buf_printf(out, "    and %u more\n", c->ntags - DIFF_TAGS_SHOWN);
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
		buf_printf(out, "a new schema version (%08x -> %08x), %u -> %u values\n", c->before->schema,
		    f->schema, c->before->ntags,
		    f->ntags);
	else
		buf_puts(out, "its handling changes, its values do not\n");
}

static void
put_event_change(struct buf *out, const struct event_change *c)
{
	const struct event_rule *e = c->after != NULL ? c->after : c->before;
	struct arena a = { 0 };

	buf_printf(out, "  %c event %s", change_signs[c->how], e->path);
	if (c->how == ADDED)
		buf_printf(out, ": %s, %s, %u fields, flows: %s", event_object_name(e->object),
		    event_text_trigger(e, &a), e->nfields, c->flows);
	buf_puts(out, c->how == REMOVED ? ": is made no more\n" : "\n");
	for (uint32_t i = 0; i < c->nnotes; i++) {
		const struct event_note *n = &c->notes[i];
		if (n->before == NULL && n->after == NULL)
			buf_printf(out, "    ~ %s\n", n->what);
		else if (n->before == NULL || n->after == NULL)
			buf_printf(out, "    %c %s: %s\n", n->before == NULL ? '+' : '-', n->what,
			    n->before == NULL ? n->after : n->before);
		else
			buf_printf(out, "    ~ %s: %s -> %s\n", n->what, n->before, n->after);
		if (n->effect != NULL)
			buf_printf(out, "      %s\n", n->effect);
	}
	arena_fini(&a);
}

void
diff_print_text(const struct diff *d, struct buf *out)
{
	uint32_t sources[2], tags[2];

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
	for (uint32_t i = 0; i < d->nrequests; i++) {
		const struct request_rule *r = d->requests[i].after != NULL ? d->requests[i].after : d->requests[i].before;
		buf_printf(out, "  %c request %s: %s, %u tags%s\n", change_signs[d->requests[i].how], r->name,
		    request_kind_name(r->kind), r->ntags, r->second_person ? ", by two persons" : "");
	}
	for (uint32_t i = 0; i < d->nevents; i++)
		put_event_change(out, &d->events[i]);
	if (d->renamed)
		buf_puts(out, "  ~ enterprise or site: ids of all events are made of them, so no far end knows the new ones\n");
	if (d->nsources == 0 && d->nflows == 0 && d->nsinks == 0 && d->nrequests == 0 && d->nevents == 0 && !d->renamed)
		buf_puts(out, "  only names and descriptions change\n");
	count_tags(d->before, &sources[0], &tags[0]);
	count_tags(d->after, &sources[1], &tags[1]);
	buf_printf(out, "sources %u -> %u, tags %u -> %u, flows %u -> %u, sinks %u -> %u, events %u -> %u\n",
	    sources[0], sources[1],
	    tags[0], tags[1], d->before->nflows, d->after->nflows, d->before->nsinks, d->after->nsinks, d->before->nevents,
	    d->after->nevents);
	buf_printf(out, "requests a second %.1f -> %.1f, bytes a day on the links ", requests(d->before),
	    requests(d->after));
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
	json_key_f64(j, "before", before);
	json_key_f64(j, "after", after);
	json_close(j, '}');
}

static void
json_tags(struct json *j, const struct source_change *c)
{
	json_key(j, "tags");
	json_open(j, '[');
	for (uint32_t i = 0; c->how == CHANGED && i < c->ntags; i++) {
		json_open(j, '{');
		json_key_text(j, "change", change_names[c->tags[i].how]);
		json_key_text(j, "path", c->tags[i].after != NULL ? c->tags[i].after->path : c->tags[i].before->path);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
json_head(struct json *j, enum change how, const char *name)
{
	json_open(j, '{');
	json_key_text(j, "change", change_names[how]);
	json_key_text(j, "name", name);
}

static void
json_field(struct json *j, const char *key, const char *text)
{
	if (text == NULL)
		return;
	json_key_text(j, key, text);
}

static void
json_events(const struct diff *d, struct json *j)
{
	json_key(j, "events");
	json_open(j, '[');
	for (uint32_t i = 0; i < d->nevents; i++) {
		const struct event_change *c = &d->events[i];
		json_head(j, c->how, c->after != NULL ? c->after->path : c->before->path);
		json_key(j, "changes");
		json_open(j, '[');
		for (uint32_t k = 0; k < c->nnotes; k++) {
			json_open(j, '{');
			json_field(j, "what", c->notes[k].what);
			json_field(j, "before", c->notes[k].before);
			json_field(j, "after", c->notes[k].after);
			json_field(j, "effect", c->notes[k].effect);
			json_close(j, '}');
		}
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
	json_key_bool(j, "event-ids-renewed", d->renamed);
}

static void
json_rows(const struct diff *d, struct json *j)
{
	json_key(j, "sources");
	json_open(j, '[');
	for (uint32_t i = 0; i < d->nsources; i++) {
		const struct source_change *c = &d->sources[i];
		json_head(j, c->how, c->after != NULL ? c->after->name : c->before->name);
		json_key_bool(j, "reconnected", c->how == CHANGED && !source_is_derived(c->after));
		json_tags(j, c);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_key(j, "sinks");
	json_open(j, '[');
	for (uint32_t i = 0; i < d->nsinks; i++) {
		json_head(j, d->sinks[i].how, d->sinks[i].after != NULL ? d->sinks[i].after->name :
		    d->sinks[i].before->name);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_key(j, "flows");
	json_open(j, '[');
	for (uint32_t i = 0; i < d->nflows; i++) {
		json_head(j, d->flows[i].how, d->flows[i].after != NULL ? d->flows[i].after->name :
		    d->flows[i].before->name);
		json_key_bool(j, "new-schema", d->flows[i].schema);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_key(j, "requests");
	json_open(j, '[');
	for (uint32_t i = 0; i < d->nrequests; i++) {
		json_head(j, d->requests[i].how, d->requests[i].after != NULL ? d->requests[i].after->name :
		    d->requests[i].before->name);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_events(d, j);
}

void
diff_print_json(const struct diff *d, struct buf *out)
{
	struct json j = { .out = out };
	uint32_t sources[2], tags[2];

	count_tags(d->before, &sources[0], &tags[0]);
	count_tags(d->after, &sources[1], &tags[1]);
	json_open(&j, '{');
	json_rows(d, &j);
	json_key(&j, "counts");
	json_open(&j, '{');
	json_pair(&j, "sources", sources[0], sources[1]);
	json_pair(&j, "tags", tags[0], tags[1]);
	json_pair(&j, "flows", d->before->nflows, d->after->nflows);
	json_pair(&j, "sinks", d->before->nsinks, d->after->nsinks);
	json_pair(&j, "events", d->before->nevents, d->after->nevents);
	json_close(&j, '}');
	json_key(&j, "tags");
	json_open(&j, '{');
	for (int i = ADDED; i <= CHANGED; i++)
		json_key_u64(&j, change_names[i], d->tags[i]);
	json_close(&j, '}');
	json_pair(&j, "requests-per-second", requests(d->before), requests(d->after));
	json_pair(&j, "bytes-per-day", bytes_a_day(d->before), bytes_a_day(d->after));
	json_close(&j, '}');
	buf_putc(out, '\n');
}
