/*
 * The section events: each entry becomes a rule of the plan and a tag of type json, of the pseudo source
 * "event:<zone>", so that flows take it like any tag. Expressions are compiled here for their findings, types and
 * units; insight compiles them again. Everything that an event is made of lies in one zone, as with derived tags: it
 * would carry data past the conduits else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "site/derive.h"
#include "site/event_checks.h"
#include "site/load_derived.h"

#define TEXT_ROOM	(EXPR_TEXT_MAX + 64u)
#define RECORD_FIXED	4096u	/* bytes of a record besides its fields: path, key, id, fault */
#define NO_ZONE		UINT32_MAX

void
event_error(struct loader *l, const struct event_draft *d, const char *rule, const char *key, const char *cause,
    const char *remedy)
{
	site_error(&l->f, rule, node_get(d->node, key) != NULL ? keys_item_place(l, d->node, key, 0) : d->rule->place,
	    "%s: %s", d->what, cause);
	site_remedy(&l->f, "%s", remedy);
}

static const struct tag *
find(void *arg, const char *path, size_t len, int *err, char *why, size_t size)
{
	const struct loader *l = arg;
	uintptr_t at = (uintptr_t)map_get(&l->paths, path, len);

	if (at == 0)
		return NULL;
	const struct tag *t = &l->tags[at - 1];
	if (t->type == VALUE_NULL) {
		*err = ERR_NOTFOUND;
		snprintf(why, size, "%.200s is at fault itself, so its type is not known", t->path);
		return NULL;
	}
	return t;
}

/* All inputs in the zone of the first one. */
static void
join_zone(struct loader *l, struct event_draft *d, const struct node *at, const struct expr *p)
{
	for (size_t i = 0; i < expr_inputs(p); i++) {
		const struct tag *t = (const struct tag *)(uintptr_t)expr_input(p, i)->id;
		uint32_t z = l->plan->sources[t->source].zone;
		d->bytes += strlen(t->path) * 2 + 44;	/* in from, and with a time in read */
		if (d->zone == NO_ZONE)
			d->zone = z;
		if (d->zone == z)
			continue;
		site_error(&l->f, "event-zone", loader_at(l, at), "%s joins tags of the zones %s and %s (%.160s)",
		    d->what, l->plan->zones[d->zone].name, l->plan->zones[z].name, t->path);
		site_remedy(&l->f, "make the event of what one zone has, and join it where both arrive over a conduit");
	}
}

/* NULL: a finding says why not. The program is good until the arena goes. */
static struct expr *
compile(struct loader *l, struct event_draft *d, const struct node *at, const char *what, const char *text,
    const char *unit, struct arena *a)
{
	struct derive_scope scope = { .own = d->rule->path, .find = find, .arg = l, .arena = a };
	struct expr_error e = { 0 };
	struct expr *p = NULL;

	int err = derive_compile(text, unit, &scope, &p, &e);
	if (err == 0) {
		join_zone(l, d, at, p);
		return p;
	}
	d->broken = true;
	if (l->tags_missing && err == ERR_NOTFOUND)
		return NULL;
	site_error(&l->f, err == ERR_TYPE ? "event-type" : "event-expr", loader_at(l, at), "%s: %s, column %d: %s",
	    d->what, what, e.column, e.cause);
	site_remedy(
	    &l->f, "%s", e.remedy[0] != '\0' ? e.remedy : "correct it; names are relative to the event's equipment");
	return NULL;
}

/* A tag's name as an expression. */
static const char *
quoted(struct loader *l, const char *name, const char *behind)
{
	char text[TEXT_ROOM];
	int n = snprintf(text, sizeof text, "'%.500s'%s", name, behind);
	return strings_keep(&l->strings, text, (size_t)n);
}

/* ---- the trigger ---- */

static void
must_be_bool(struct loader *l, const struct event_draft *d, const char *key, const struct expr *p)
{
	if (p == NULL || expr_result_type(p) == EXPR_BOOL)
		return;
	event_error(l, d, "event-type", key,
	    "what triggers it is no condition: it gives a number or a text, not true or false",
	    "compare it with something, such as state == 5");
}

static void
read_handshake(struct loader *l, struct event_draft *d, struct arena *a)
{
	const struct keyval *v = d->v;
	struct event_rule *r = d->rule;

	if (!v[EVENT_KEY_REQUEST].set || !v[EVENT_KEY_ACKNOWLEDGE].set) {
		event_error(l, d, "event-trigger", v[EVENT_KEY_REQUEST].set ? "request" : "acknowledge",
		    "a handshake has a request and an acknowledge",
		    "name both tags; for an event that nobody waits for use `when`");
		return;
	}
	r->timeout_ns = v[EVENT_KEY_TIMEOUT].i;
	const struct node *at = node_get(d->node, "request");
	r->request = quoted(l, v[EVENT_KEY_REQUEST].s, "");
	struct expr *p = compile(l, d, at, "request", r->request, NULL, a);
	if (p != NULL && expr_result_type(p) == EXPR_INT) {
		r->request = quoted(l, v[EVENT_KEY_REQUEST].s, " != 0");
		p = compile(l, d, at, "request", r->request, NULL, a);
	}
	must_be_bool(l, d, "request", p);
	/* Found as a name in an expression is: compiled as one, its only input is the tag. */
	p = compile(
	    l, d, node_get(d->node, "acknowledge"), "acknowledge", quoted(l, v[EVENT_KEY_ACKNOWLEDGE].s, ""), NULL, a);
	if (p == NULL)
		return;
	const struct tag *t = (const struct tag *)(uintptr_t)expr_input(p, 0)->id;
	r->acknowledge = t->path;
	d->ack = (uint32_t)(t - l->tags);
	if (!t->writable || !value_is_number(t->type))
		event_error(l, d, "event-acknowledge", "acknowledge",
		    !t->writable ? "its acknowledge cannot be written"
				 : "its acknowledge is neither a bit nor a number",
		    "name a bit of the machine that is `writable: yes`");
}

static void
read_trigger(struct loader *l, struct event_draft *d, struct arena *a)
{
	const struct keyval *v = d->v;
	struct event_rule *r = d->rule;
	bool shake = v[EVENT_KEY_REQUEST].set || v[EVENT_KEY_ACKNOWLEDGE].set;
	int ways = v[EVENT_KEY_WHEN].set + v[EVENT_KEY_EVERY].set + shake;

	r->when = r->request = r->acknowledge = "";
	if (ways != 1)
		event_error(l, d, "event-trigger", "every",
		    ways == 0 ? "nothing says when there is one" : "it has more than one trigger",
		    "give it one of `when`, `every`, and `request` with `acknowledge`");
	if (v[EVENT_KEY_TIMEOUT].written && !shake)
		event_error(l, d, "event-trigger", "timeout", "a timeout belongs to a handshake",
		    "remove it, or add request and acknowledge");
	if (v[EVENT_KEY_WHEN].set) {
		r->when = v[EVENT_KEY_WHEN].s;
		must_be_bool(l, d, "when", compile(l, d, node_get(d->node, "when"), "when", r->when, NULL, a));
	}
	r->every_ns = v[EVENT_KEY_EVERY].set ? v[EVENT_KEY_EVERY].i : 0;
	if (shake)
		read_handshake(l, d, a);
}

/* ---- the entry ---- */

static void
read_key(struct loader *l, struct event_draft *d)
{
	const struct keyval *v = &d->v[EVENT_KEY_KEY];
	struct event_rule *r = d->rule;

	if (!v->set) {
		r->key[r->nkey++] = EVENT_KEY_NO;
		return;
	}
	if (v->n > EVENT_KEY_MAX || v->n == 0) {
		event_error(l, d, "event-key", "key", "a key has one to eight parts",
		    "name the fields that make it one of a kind, and no");
		return;
	}
	for (size_t i = 0; i < v->n; i++) {
		uint32_t f = 0;
		while (f < r->nfields && strcmp(r->fields[f].name, v->list[i]) != 0)
			f++;
		bool no = strcmp(v->list[i], "no") == 0;
		if (f < r->nfields || no) {
			r->key[r->nkey++] = no && f == r->nfields ? EVENT_KEY_NO : f;
			continue;
		}
		site_error(&l->f, "event-key", keys_item_place(l, d->node, "key", i),
		    "%s: its key names \"%.60s\", which is none of its fields", d->what, v->list[i]);
		site_remedy(&l->f, "name fields of the event, or no for its own number");
	}
}

static void
read_fields(struct loader *l, struct event_draft *d, struct arena *a)
{
	const struct node *map = node_get(d->node, "fields");
	struct event_rule *r = d->rule;
	char what[280];

	if (map == NULL || !keys_is_map(l, map, d->what))
		return;
	if (map->len == 0 || map->len > EVENT_FIELDS_MAX) {
		event_error(
		    l, d, "event-limit", "fields", "an event has 1 to 64 fields", "leave out what nobody needs");
		return;
	}
	r->fields = arena_array(&l->plan->arena, map->len, sizeof *r->fields);
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		struct event_rule_field *f = &r->fields[r->nfields++];
		struct field_draft fd = { .field = f, .node = n, .what = what, .event = d };
		snprintf(what, sizeof what, "field %.63s of %.200s", n->key->text, d->what);
		f->name = strings_keep(&l->strings, n->key->text, n->key->len);
		event_field_read(l, &fd);
		struct expr *p = f->from != EVENT_FROM_VALUE && *f->text != '\0' ?
		    compile(l, d, n, f->name, f->text, fd.v[FIELD_UNIT].set ? f->unit : NULL, a) : NULL;
		event_field_check(l, &fd, p);
		d->bytes +=
		    strlen(f->name) * 4 + 24 + (f->type == EVENT_IS_TEXT ? 6u * f->length : 32) + strlen(f->unit);
	}
	if (d->bytes + RECORD_FIXED > VALUE_BYTES_MAX)
		event_error(l, d, "event-limit", "fields", "with texts of full length it would be longer than 64 KiB",
		    "give texts a shorter `length`, or make two events");
}

static void
read_event(struct loader *l, struct event_draft *d)
{
	struct event_rule *r = d->rule;
	struct arena a = { 0 };

	keys_read(l, d->node, d->what, &(struct keyset){ event_keys, d->v }, 1);
	r->object = (enum event_object)d->v[EVENT_KEY_TYPE].i;
	read_trigger(l, d, &a);
	read_fields(l, d, &a);
	read_key(l, d);
	arena_fini(&a);
	if (d->zone == NO_ZONE && !d->broken) {
		event_error(l, d, "event-zone", "fields", "it is made of no tag, so its zone is not known",
		    "give it a tag of the equipment as a field");
		d->broken = true;
	}
	struct tag t = { .path = r->path,
		.at = "",
		.unit = "",
		.help = d->v[EVENT_KEY_DESCRIPTION].set ? d->v[EVENT_KEY_DESCRIPTION].s : "",
		.factor = 1,
		.type = VALUE_JSON,
		.scan_ns = NS_PER_S,
		.with_inputs = true,
		.place = r->place };
	t.source = pseudo_source(l, EVENT_PREFIX, EVENT_DRIVER, d->zone != NO_ZONE ? d->zone : 0);
	r->tag = (uint32_t)l->ntags;
	if (!tag_add_made(l, &t))
		r->tag = UINT32_MAX;
	if (d->broken)
		l->tags_missing = true;
}

void
load_events(struct loader *l)
{
	struct plan *p = l->plan;
	const struct node *section = l->section[SECTION_EVENTS];
	size_t count = section != NULL && section->kind == NODE_MAP ? section->len : 0;
	char what[260];

	if (count > PLAN_EVENTS_MAX) {
		site_error(&l->f, "limit", loader_at(l, section),
		    "%zu events are more than the %u that one site can have", count, PLAN_EVENTS_MAX);
		site_remedy(&l->f, "split the site into several nodes");
		return;
	}
	p->events = arena_array(&p->arena, count + 1, sizeof *p->events);
	l->event_acks = arena_array(&l->scratch, count + 1, sizeof *l->event_acks);
	for (const struct node *n = section_first(l, SECTION_EVENTS); n != NULL; n = n->next) {
		struct event_rule *r = &p->events[p->nevents];
		snprintf(what, sizeof what, "event \"%.230s\"", n->key->text);
		r->path = strings_keep(&l->strings, n->key->text, n->key->len);
		r->place = loader_at(l, n->key);
		struct event_draft d = { .rule = r, .node = n, .what = what, .zone = NO_ZONE, .ack = UINT32_MAX };
		read_event(l, &d);
		l->event_acks[p->nevents++] = d.ack;
	}
}
