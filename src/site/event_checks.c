/* See event_checks.h. Rules: event-field, event-type, event-flow, event-acknowledge, event-sink. */
#include "site/event_checks.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "site/derive.h"

#define CAUSE_MAX 400u

static void
field_error(
    struct loader *l, const struct field_draft *d, const char *rule, int key, const char *cause, const char *remedy)
{
	const char *name = event_field_keys[key].name;

	site_error(&l->f, rule, d->v[key].written ? keys_item_place(l, d->node, name, 0) : loader_at(l, d->node->key),
	    "%s: %s", d->what, cause);
	site_remedy(&l->f, "%s", remedy);
}

static void
read_source(struct loader *l, struct field_draft *d)
{
	struct event_rule_field *f = d->field;
	const struct keyval *v = d->v;
	int ways = v[FIELD_TAG].set + v[FIELD_EXPR].set + v[FIELD_COUNT].set + v[FIELD_VALUE].set;
	char text[EXPR_TEXT_MAX];

	f->text = "";
	if (ways != 1) {
		field_error(l, d, "event-field", FIELD_TAG,
		    ways == 0 ? "nothing says where its value comes from" : "it has more than one source",
		    "give it one of tag, expr, count and value");
		return;
	}
	if (v[FIELD_MODULO].set && !v[FIELD_COUNT].set)
		field_error(
		    l, d, "event-field", FIELD_MODULO, "a modulo belongs to a count", "remove it, or use count");
	int n = 0;
	if (v[FIELD_VALUE].set) {
		f->from = EVENT_FROM_VALUE;
		f->text = v[FIELD_VALUE].s;
		return;
	}
	f->from = v[FIELD_COUNT].set ? EVENT_FROM_COUNT : EVENT_FROM_EXPR;
	if (v[FIELD_EXPR].set) {
		f->text = v[FIELD_EXPR].s;
		return;
	}
	if (v[FIELD_TAG].set)
		n = snprintf(text, sizeof text, "'%.512s'", v[FIELD_TAG].s);
	else if (v[FIELD_MODULO].set)
		n = snprintf(
		    text, sizeof text, "counter('%.512s', %lld)", v[FIELD_COUNT].s, (long long)v[FIELD_MODULO].i);
	else
		n = snprintf(text, sizeof text, "counter('%.512s')", v[FIELD_COUNT].s);
	f->text = strings_keep(&l->strings, text, (size_t)n);
}

void
event_field_read(struct loader *l, struct field_draft *d)
{
	static const struct key name = { "name", KEY_NAME, .help = "" };
	struct event_rule_field *f = d->field;
	struct keyval unused = { 0 };

	if (key_parse(&name, d->node->key->text, d->node->key->len, &l->env, &unused) != 0 ||
	    d->node->key->len > EVENT_NAME_MAX) {
		site_error(&l->f, "event-field", loader_at(l, d->node->key),
		    "%s: its name has other characters than letters, digits, '-', '_' and '.', or "
		    "is longer than %u bytes",
		    d->what, EVENT_NAME_MAX);
		site_remedy(&l->f, "rename it; mappings go by these names");
	}
	keys_read(l, d->node, d->what, &(struct keyset){ event_field_keys, d->v }, 1);
	f->unit = d->v[FIELD_UNIT].set ? d->v[FIELD_UNIT].s : "";
	f->length = (uint32_t)d->v[FIELD_LENGTH].i;
	f->required = d->v[FIELD_REQUIRED].b;
	f->has_range = d->v[FIELD_RANGE].set;
	f->lo = d->v[FIELD_RANGE].f;
	f->hi = d->v[FIELD_RANGE].g;
	f->words = d->v[FIELD_ONE_OF].list;
	f->nwords = (uint32_t)d->v[FIELD_ONE_OF].n;
	read_source(l, d);
}

/* What an expression gives, and what may become of it; the first is the default. */
static const uint32_t becomes[EXPR_TYPES] = {
	[EXPR_BOOL] = 1u << EVENT_IS_BOOLEAN,
	[EXPR_INT] = 1u << EVENT_IS_INTEGER | 1u << EVENT_IS_NUMBER | 1u << EVENT_IS_TEXT,
	[EXPR_FLOAT] = 1u << EVENT_IS_NUMBER,
	[EXPR_TEXT] = 1u << EVENT_IS_TEXT,
	[EXPR_TIME] = 1u << EVENT_IS_TIME,
};
static const enum event_type first[EXPR_TYPES] = {
	[EXPR_BOOL] = EVENT_IS_BOOLEAN,
	[EXPR_INT] = EVENT_IS_INTEGER,
	[EXPR_FLOAT] = EVENT_IS_NUMBER,
	[EXPR_TEXT] = EVENT_IS_TEXT,
	[EXPR_TIME] = EVENT_IS_TIME,
};

static void
settle_type(struct loader *l, struct field_draft *d, const struct expr *p)
{
	struct event_rule_field *f = d->field;
	const struct keyval *type = &d->v[FIELD_TYPE];
	char cause[CAUSE_MAX];

	f->type = type->set ? (enum event_type)type->i : EVENT_IS_TEXT;
	if (p == NULL)
		return;
	enum expr_type gives = expr_result_type(p);
	if (!type->set)
		f->type = first[gives];
	else if ((becomes[gives] >> f->type & 1) == 0) {
		snprintf(cause, sizeof cause, "it is to be a %s, but its source gives a %s", event_type_name(f->type),
		    expr_type_name(gives));
		field_error(l, d, "event-type", FIELD_TYPE, cause,
		    f->type == EVENT_IS_INTEGER && gives == EXPR_FLOAT ? "write expr: round(...), or type: number"
			: f->type == EVENT_IS_TEXT                     ? "write expr: text(...), or leave the type out"
								       : "correct the type, or leave it out");
	}
	bool number = f->type == EVENT_IS_INTEGER || f->type == EVENT_IS_NUMBER;
	if (!number)
		f->unit = "";
	else if (!d->v[FIELD_UNIT].set) {
		/* An expression does not tell "1" from no unit; a tag's owner does. */
		const char *unit = d->v[FIELD_EXPR].set ? expr_unit(p) : expr_input(p, 0)->unit;
		f->unit = strings_keep(&l->strings, unit, strlen(unit));
	}
}

/* A constant must be of its type. */
static void
check_constant(struct loader *l, const struct field_draft *d)
{
	const struct event_rule_field *f = d->field;
	size_t len = strlen(f->text);
	struct wall t;
	double x;
	int64_t i;

	bool ok = f->type == EVENT_IS_INTEGER ? num_parse_i64(f->text, len, &i) == 0 : f->type == EVENT_IS_NUMBER ?
	    num_parse_f64(f->text, len, '.', &x) == 0 : f->type == EVENT_IS_TIME ? wall_parse(f->text, &t) == 0 :
	    f->type != EVENT_IS_BOOLEAN || strcmp(f->text, "true") == 0 || strcmp(f->text, "false") == 0;
	if (!ok)
		field_error(l, d, "event-type", FIELD_VALUE, "its constant is not of its type",
		    "write a number as 12.5, a boolean as true or false, a time as 2026-11-22T06:00:00Z");
}

void
event_field_check(struct loader *l, struct field_draft *d, const struct expr *p)
{
	struct event_rule_field *f = d->field;
	double x;

	settle_type(l, d, p);
	bool number = f->type == EVENT_IS_INTEGER || f->type == EVENT_IS_NUMBER, text = f->type == EVENT_IS_TEXT;
	if (f->from == EVENT_FROM_VALUE)
		check_constant(l, d);
	if (f->from == EVENT_FROM_COUNT && text)
		field_error(l, d, "event-type", FIELD_TYPE, "a count is a number", "leave the type out");
	if ((p != NULL || f->from == EVENT_FROM_VALUE) && d->v[FIELD_UNIT].set && !number)
		field_error(l, d, "event-type", FIELD_UNIT, "only a number has a unit", "remove the unit");
	if ((p != NULL || f->from == EVENT_FROM_VALUE) && f->has_range && !number)
		field_error(l, d, "event-type", FIELD_RANGE, "only a number has a range", "use one-of");
	if (f->has_range && !(f->lo <= f->hi))
		field_error(l, d, "event-field", FIELD_RANGE, "its range ends before it begins",
		    "write the lower value first: [low, high]");
	if (d->v[FIELD_LENGTH].written && !text && (p != NULL || f->from == EVENT_FROM_VALUE))
		field_error(
		    l, d, "event-type", FIELD_LENGTH, "only a text has a length", "remove it, or write type: text");
	for (uint32_t i = 0; i < f->nwords; i++)
		if (number && num_parse_f64(f->words[i], strlen(f->words[i]), '.', &x) != 0) {
			field_error(l, d, "event-type", FIELD_ONE_OF,
			    "its values are to be numbers, and one of them is none", "correct it, or write type: text");
			break;
		}
}

/* ---- the way of events: flows and requests are known ---- */

static bool
acknowledge_admitted(const struct loader *l, uint32_t tag)
{
	for (uint32_t i = 0; i < l->plan->nrequests; i++) {
		const struct request_rule *r = &l->plan->requests[i];
		for (uint32_t k = 0; r->events && r->kind == REQUEST_WRITE && k < r->ntags; k++)
			if (r->tags[k].tag == tag)
				return true;
	}
	return false;
}

/* Every event crosses, or the far end's sums are not those of the machine. */
static void
check_flow(struct loader *l, const struct event_rule *r, const struct flow *f)
{
	if (f->reduce != REDUCE_EVERY) {
		site_error(&l->f, "event-flow", f->place,
		    "flow %s reduces, and takes the event \"%.200s\", of which none may be left out", f->name, r->path);
		site_remedy(&l->f, "take events in a flow of their own, without on-change, window and swinging-door");
	}
	if (*r->request != '\0' && f->durability == DURABLE_NONE) {
		site_error(&l->f, "event-flow", f->place,
		    "flow %s makes nothing durable, but event \"%.200s\" is acknowledged to the machine as durable",
		    f->name, r->path);
		site_remedy(&l->f, "set durability: each (or interval) below `how`");
	}
}

static bool
events_only(const struct loader *l, const struct sink *s)
{
	for (size_t i = 0; l->catalog->sinks[i] != NULL; i++)
		if (strcmp(l->catalog->sinks[i]->name, s->kind) == 0)
			return l->catalog->sinks[i]->events_only;
	return false;
}

/* A sink that books events can do nothing with a measured value: all of it would end in quarantine. Events of other
 * nodes are of type json here. */
static void
check_taker(struct loader *l, const struct flow *f)
{
	const struct sink *taker = NULL;

	for (uint32_t i = 0; i < f->nsinks && taker == NULL; i++)
		taker = events_only(l, &l->plan->sinks[f->sinks[i]]) ? &l->plan->sinks[f->sinks[i]] : NULL;
	for (uint32_t t = 0; taker != NULL && t < f->ntags; t++)
		if (l->tags[f->tags[t].tag].type != VALUE_JSON) {
			site_error(&l->f, "event-sink", f->place,
			    "flow %s brings \"%.200s\" to sink %s, which takes events alone", f->name,
			    l->tags[f->tags[t].tag].path, taker->name);
			site_remedy(&l->f,
			    "name events in `what` of this flow, and take tags to another sink in a flow of their own");
			return;
		}
}

void
events_check(struct loader *l)
{
	const struct plan *p = l->plan;

	for (uint32_t i = 0; i < p->nflows; i++)
		check_taker(l, &p->flows[i]);
	for (uint32_t i = 0; i < p->nevents && !l->tags_missing; i++) {
		const struct event_rule *r = &p->events[i];
		bool taken = false;
		for (uint32_t k = 0; k < p->nflows; k++)
			for (uint32_t t = 0; t < p->flows[k].ntags; t++)
				if (p->flows[k].tags[t].tag == r->tag) {
					check_flow(l, r, &p->flows[k]);
					taken = true;
				}
		if (!taken && *r->request != '\0') {
			site_error(&l->f, "event-flow", r->place,
			    "event \"%.200s\" is acknowledged to the machine, but no flow takes it", r->path);
			site_remedy(&l->f, "name it in `what` of a flow");
		} else if (!taken) {
			site_warning(&l->f, "event-flow", r->place,
			    "no flow takes the event \"%.200s\": it is made and goes nowhere", r->path);
			site_remedy(&l->f, "name it in `what` of a flow");
		}
		if (l->event_acks[i] != UINT32_MAX && !acknowledge_admitted(l, l->event_acks[i])) {
			site_error(&l->f, "event-acknowledge", r->place,
			    "nothing admits that the acknowledge of event \"%.160s\" is written: \"%.160s\"", r->path,
			    r->acknowledge);
			site_remedy(&l->f, "add an entry to requests: what: %.160s, from: [events]", r->acknowledge);
		}
	}
}
