/*
 * The events of two plans, compared by their paths. Not only what is said otherwise, but what comes of it where nobody
 * would expect it: an event remembers counters, the level of its trigger and its number (insight/event_setup.c), and
 * some of that goes with what is changed.
 */
#include "site/diff_rows.h"

#include <string.h>

#include "base/map.h"
#include "site/event_text.h"
#include "site/hash.h"

#define NOT_COUNTED "what it counted since its last event is in none"

static void
note(struct event_change *c, const char *what, const char *before, const char *after, const char *effect)
{
	c->notes[c->nnotes++] = (struct event_note){ what, before, after, effect };
}

static void
note_text(struct event_change *c, const char *what, const char *before, const char *after, const char *effect)
{
	if (strcmp(before, after) != 0)
		note(c, what, before, after, effect);
}

static const char *
flows_of(const struct plan *p, const struct event_rule *e, struct arena *a)
{
	const char *text = "";

	for (uint32_t i = 0; i < p->nflows; i++)
		for (uint32_t k = 0; k < p->flows[i].ntags; k++)
			if (p->flows[i].tags[k].source == e->source && p->flows[i].tags[k].tag == e->tag)
				text = arena_printf(a, "%s%s%s", text, *text != '\0' ? ", " : "", p->flows[i].name);
	return *text != '\0' ? text : "none";
}

static const struct event_rule_field *
field_of(const struct event_rule *e, const char *name)
{
	for (uint32_t i = 0; i < e->nfields; i++)
		if (strcmp(e->fields[i].name, name) == 0)
			return &e->fields[i];
	return NULL;
}

static void
compare_fields(struct diff *d, struct event_change *c)
{
	struct arena *a = &d->arena;

	for (uint32_t i = 0; i < c->after->nfields; i++) {
		const struct event_rule_field *f = &c->after->fields[i], *was = field_of(c->before, f->name);
		const char *what = arena_printf(a, "field %s", f->name), *text = event_text_field(f, a);
		if (was == NULL)
			note(c, what, NULL, text, NULL);
		else if (was->from == EVENT_FROM_COUNT && (f->from != EVENT_FROM_COUNT || hash_count(f) != hash_count(was)))
			note(c, what, event_text_field(was, a), text,
			    f->from == EVENT_FROM_COUNT ? "begins anew: " NOT_COUNTED : NOT_COUNTED);
		else
			note_text(c, what, event_text_field(was, a), text, NULL);
	}
	for (uint32_t i = 0; i < c->before->nfields; i++) {
		const struct event_rule_field *f = &c->before->fields[i];
		if (field_of(c->after, f->name) == NULL)
			note(c, arena_printf(a, "field %s", f->name), event_text_field(f, a), NULL,
			    f->from == EVENT_FROM_COUNT ? NOT_COUNTED : NULL);
	}
}

/* Fills c; is there anything to tell? */
static bool
compare(struct diff *d, struct event_change *c)
{
	const struct event_rule *was = c->before, *is = c->after;
	struct arena *a = &d->arena;

	c->notes = arena_array(a, (size_t)was->nfields + is->nfields + 5, sizeof *c->notes);
	note_text(c, "type", event_object_name(was->object), event_object_name(is->object), NULL);
	note_text(c, "trigger", event_text_trigger(was, a), event_text_trigger(is, a),
	    *is->when != '\0' && strcmp(was->when, is->when) != 0 ?
	    "if it is true at the change, it makes an event only after it was false" : NULL);
	note_text(c, "key", event_text_key(was, a), event_text_key(is, a),
	    "ids are made of it: the far end knows none of the new ones");
	compare_fields(d, c);
	note_text(c, "flows", flows_of(d->before, was, a), flows_of(d->after, is, a), NULL);
	if (c->nnotes == 0 && hash_event(was) != hash_event(is))
		note(c, "order of fields", NULL, NULL, NULL);
	return c->nnotes > 0;
}

void
diff_events(struct diff *d)
{
	struct map old = { 0 }, new = { 0 };

	d->events = arena_array(&d->arena, (size_t)d->before->nevents + d->after->nevents + 1, sizeof *d->events);
	for (uint32_t i = 0; i < d->before->nevents; i++)
		map_put(&old, d->before->events[i].path, strlen(d->before->events[i].path), &d->before->events[i]);
	for (uint32_t i = 0; i < d->after->nevents; i++) {
		struct event_rule *e = &d->after->events[i];
		struct event_change *c = &d->events[d->nevents];
		map_put(&new, e->path, strlen(e->path), e);
		*c = (struct event_change){ .before = map_get(&old, e->path, strlen(e->path)), .after = e };
		c->how = c->before == NULL ? ADDED : CHANGED;
		c->flows = flows_of(d->after, e, &d->arena);
		d->nevents += c->how == ADDED || compare(d, c);
	}
	for (uint32_t i = 0; i < d->before->nevents; i++) {
		const struct event_rule *e = &d->before->events[i];
		if (map_get(&new, e->path, strlen(e->path)) == NULL)
			d->events[d->nevents++] = (struct event_change){ .how = REMOVED, .before = e };
	}
	d->renamed = d->before->nevents > 0 && d->after->nevents > 0 &&
	    (strcmp(d->before->enterprise, d->after->enterprise) != 0 || strcmp(d->before->site, d->after->site) != 0);
	map_fini(&old);
	map_fini(&new);
}
