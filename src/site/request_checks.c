/* See request_checks.h. */
#include "site/request_checks.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "site/derive.h"
#include "site/route.h"

#define CAUSE_MAX 400u

/*
 * NULL: unknown or derived. A name can be known and its source not loaded: of a section that is written twice, a
 * finding already, one is read.
 */
static const struct driver_info *
driver_of(const struct loader *l, uint32_t source)
{
	if (source >= l->plan->nsources || l->plan->sources[source].name == NULL)
		return NULL;
	return source_is_derived(&l->plan->sources[source]) ? NULL : l->drivers[source];
}

/* Keys that say nothing for this kind are a slip, and a way to believe in a limit that is not there. */
static void
check_keys(struct loader *l, const struct request_draft *d)
{
	static const struct { int key; unsigned kinds; } only[] = {
		{ REQUEST_RULE_WHAT, 1u << REQUEST_WRITE | 1u << REQUEST_ACK },
		{ REQUEST_RULE_SOURCE, 1u << REQUEST_CALL }, { REQUEST_RULE_METHOD, 1u << REQUEST_CALL },
		{ REQUEST_RULE_ARGUMENTS, 1u << REQUEST_CALL }, { REQUEST_RULE_UNIT, 1u << REQUEST_WRITE },
		{ REQUEST_RULE_LIMITS, 1u << REQUEST_WRITE }, { REQUEST_RULE_VALUES, 1u << REQUEST_WRITE },
		{ REQUEST_RULE_STEP, 1u << REQUEST_WRITE }, { REQUEST_RULE_CHANGE, 1u << REQUEST_WRITE },
		{ REQUEST_RULE_READBACK, 1u << REQUEST_WRITE },
	};
	char cause[CAUSE_MAX], remedy[CAUSE_MAX];

	for (size_t i = 0; i < sizeof only / sizeof only[0]; i++) {
		const char *name = request_keys[only[i].key].name;
		bool wanted = (only[i].kinds & 1u << d->rule->kind) != 0;
		bool needed = wanted && (only[i].key == REQUEST_RULE_WHAT || only[i].key == REQUEST_RULE_SOURCE ||
		    only[i].key == REQUEST_RULE_METHOD);
		if (d->v[only[i].key].written && !wanted) {
			snprintf(cause, sizeof cause, "`%s` means nothing with kind %s", name,
			    request_kind_name(d->rule->kind));
			request_error(l, d, "request-keys", name, cause, "remove it, or change the kind");
		} else if (!d->v[only[i].key].set && needed) {
			snprintf(cause, sizeof cause, "kind %s needs the key `%s`", request_kind_name(d->rule->kind),
			    name);
			snprintf(remedy, sizeof remedy, "add it: %.300s", request_keys[only[i].key].help);
			request_error(l, d, "request-keys", "kind", cause, remedy);
		}
	}
}

/* The driver of a source must be able to do it at all. */
static void
check_driver(struct loader *l, const struct request_draft *d, uint32_t source)
{
	const struct driver_info *info = driver_of(l, source);
	const struct source *s = &l->plan->sources[source];
	char cause[CAUSE_MAX], why[160];

	if (info == NULL)
		return;		/* an unknown driver is a finding already */
	bool can = d->rule->kind == REQUEST_WRITE ? info->writes : d->rule->kind == REQUEST_CALL ? info->calls :
	    info->acks;
	if (!can) {
		snprintf(cause, sizeof cause, "driver %s of source %s cannot %s", info->name, s->name,
		    d->rule->kind == REQUEST_WRITE ? "write" : d->rule->kind == REQUEST_CALL ? "call methods" :
		        "acknowledge events");
		request_error(l, d, "request-driver", "kind", cause,
		    "remove the entry, or reach the machine with another driver");
	} else if (d->rule->kind == REQUEST_CALL && info->parse_method != NULL && *d->rule->method != '\0' &&
	    info->parse_method(d->rule->method, s->keys, why, sizeof why) != 0) {
		snprintf(cause, sizeof cause, "method \"%.100s\": %s", d->rule->method, why);
		request_error(l, d, "request-driver", "method", cause, "write it as the driver's reference says");
	} else if (d->rule->kind == REQUEST_WRITE && info->can_write != NULL && info->can_write(s->keys, why,
	    sizeof why) != 0) {
		snprintf(cause, sizeof cause, "source %s cannot be written", s->name);
		request_error(l, d, "request-driver", "what", cause, why);
	}
}

/* Nothing from IT reaches OT but what a conduit lets back. */
static void
check_way(struct loader *l, const struct request_draft *d, uint32_t source)
{
	static const struct conduit none = { .name = "" };
	const struct plan *p = l->plan;
	char cause[CAUSE_MAX], remedy[CAUSE_MAX];

	for (uint32_t i = 0; i < d->rule->nsinks; i++) {
		const struct sink *k = &p->sinks[d->rule->sinks[i]];
		uint32_t from = p->sources[source].zone;
		const struct conduit *shut = route_back(p, from, k->zone, &none);
		if (shut == NULL)
			continue;
		if (shut == &none) {
			snprintf(cause, sizeof cause, "no conduit leads from zone %s of source %s to zone %s of sink "
			    "%s", p->zones[from].name,
			    p->sources[source].name, p->zones[k->zone].name, k->name);
			snprintf(remedy, sizeof remedy, "add conduits from %s to %s with `requests: yes`, or take %s "
			    "out of `from`",
			    p->zones[from].name, p->zones[k->zone].name, k->name);
		} else {
			snprintf(cause, sizeof cause, "conduit %s does not let requests back from zone %s to zone %s",
			    shut->name,
			    p->zones[shut->to].name, p->zones[shut->from].name);
			snprintf(remedy, sizeof remedy, "set `requests: yes` at conduit %s, or take %s out of `from`",
			    shut->name, k->name);
		}
		request_error(l, d, "request-way", "from", cause, remedy);
	}
}

static void
check_unit(struct loader *l, const struct request_draft *d, const struct tag *t, const struct tag *first)
{
	const struct keyval *unit = &d->v[REQUEST_RULE_UNIT];
	bool meant = d->v[REQUEST_RULE_LIMITS].set || d->rule->step > 0 || d->rule->change > 0;
	char cause[CAUSE_MAX];

	if (unit->set && strcmp(unit->s, t->unit) != 0) {
		snprintf(cause, sizeof cause, "its unit is \"%s\", but tag \"%.200s\" has \"%s\"", unit->s, t->path,
		    t->unit);
		request_error(l, d, "request-limits", "unit", cause, "write limits in the tag's own unit");
	} else if (meant && strcmp(t->unit, first->unit) != 0) {
		snprintf(cause, sizeof cause, "tags \"%.150s\" and \"%.150s\" have different units, so one number "
		    "cannot bound both", first->path,
		    t->path);
		request_error(l, d, "request-limits", "what", cause, "write an entry for each unit");
	}
}

/* A number must be bounded by something a person wrote: limits, values, the tag's range or its enumeration. */
static void
check_limits(struct loader *l, const struct request_draft *d, const struct tag *t)
{
	struct request_rule *r = d->rule;
	const struct keyval *limits = &d->v[REQUEST_RULE_LIMITS];
	bool number = value_is_number(t->type) && t->type != VALUE_BOOL;
	/* What is only noted down here reaches no machine. */
	bool noted = driver_of(l, t->source) != NULL && driver_of(l, t->source)->no_endpoint;
	char cause[CAUSE_MAX];

	if ((t->type & VALUE_ARRAY) != 0 || t->type == VALUE_BYTES || t->type == VALUE_TIME) {
		snprintf(cause, sizeof cause, "tag \"%.200s\" is an array, a byte string or a time, whose values no "
		    "limit can bound", t->path);
		request_error(l, d, "request-limits", "what", cause, "write single numbers, booleans or texts");
	} else if (limits->set && !number) {
		snprintf(cause, sizeof cause, "tag \"%.200s\" is no number, so it cannot have limits", t->path);
		request_error(l, d, "request-limits", "limits", cause, "use `values`");
	} else if (limits->set && t->has_range && (limits->f < t->lo || limits->g > t->hi)) {
		snprintf(cause, sizeof cause, "its limits %g..%g go past the range %g..%g of tag \"%.200s\"", limits->f,
		    limits->g, t->lo,
		    t->hi, t->path);
		request_error(l, d, "request-limits", "limits", cause,
		    "keep the limits within the range, or correct the range");
	} else if (number && !noted && !limits->set && r->nvalues == 0 && !t->has_range && t->enumeration == NULL) {
		snprintf(cause, sizeof cause, "nothing bounds what may be written to tag \"%.200s\"", t->path);
		request_error(l, d, "request-limits", "what", cause,
		    "add limits: [low, high] in the tag's unit, or values: [...]");
	} else if (t->type == VALUE_TEXT && !noted && r->nwords == 0) {
		snprintf(cause, sizeof cause, "nothing bounds the texts that may be written to tag \"%.200s\"",
		    t->path);
		request_error(l, d, "request-limits", "what", cause, "add values: [text, text]");
	}
	if (noted && !limits->set && r->nvalues == 0 && r->nwords == 0)
		r->any = true;
	if (!number && (r->step > 0 || r->change > 0))
		request_error(l, d, "request-limits", r->step > 0 ? "step" : "change",
		    "step and change bound numbers, and it names a tag "
		    "that is none", "remove it, or write an entry of its own for that tag");
}

static bool
enum_value(const struct tag *t, const char *text, double *out)
{
	for (uint32_t i = 0; t->enumeration != NULL && i < t->enumeration->n; i++)
		if (strcmp(t->enumeration->items[i].text, text) == 0) {
			*out = (double)t->enumeration->items[i].value;
			return true;
		}
	return false;
}

static bool
bool_value(const char *text, double *out)
{
	bool yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "on") == 0;
	bool no = strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "off") == 0;

	*out = yes;
	return yes || no;
}

/* The allowed values, in the kind of the first tag; all tags must be of that kind. */
static void
read_values(struct loader *l, const struct request_draft *d, const struct tag *first)
{
	const struct keyval *v = &d->v[REQUEST_RULE_VALUES];
	double *values = arena_array(&l->plan->arena, v->n + 1, sizeof *values);
	struct request_rule *r = d->rule;

	r->values = values;
	if (first->type == VALUE_TEXT) {
		r->words = v->list;
		r->nwords = (uint32_t)v->n;
		return;
	}
	for (size_t i = 0; i < v->n; i++) {
		double x;
		if (!enum_value(first, v->list[i], &x) && !(first->type == VALUE_BOOL && bool_value(v->list[i], &x)) &&
		    num_parse_f64(v->list[i], strlen(v->list[i]), '.', &x) != 0) {
			site_error(&l->f, "request-limits", keys_item_place(l, d->node, "values", i),
			    "%s: \"%.80s\" is no value that tag \"%.200s\" can have", d->what, v->list[i], first->path);
			site_remedy(&l->f, "write numbers%s", first->enumeration != NULL ?
			    ", or names of its enumeration" : "");
			continue;
		}
		values[r->nvalues++] = x;
	}
}

static void
check_tag(struct loader *l, const struct request_draft *d, uint32_t at, const struct tag *first)
{
	const struct tag *t = &l->tags[at];
	char cause[CAUSE_MAX];

	if (d->rule->kind != REQUEST_WRITE)
		return;
	if (!t->writable) {
		snprintf(cause, sizeof cause, "tag \"%.200s\" is not writable", t->path);
		request_error(l, d, "request-tag", "what", cause, "set `writable: yes` at the tag, or name fewer tags");
	}
	if (d->rule->nvalues > 0 && t->enumeration != first->enumeration) {
		snprintf(cause, sizeof cause, "tags \"%.150s\" and \"%.150s\" have different enumerations, so `values` "
		    "cannot name both",
		    first->path, t->path);
		request_error(l, d, "request-limits", "values", cause, "write an entry for each enumeration");
	}
	check_unit(l, d, t, first);
	check_limits(l, d, t);
	if ((d->rule->step > 0 || d->rule->change > 0) && t->scan_ns == 0) {
		snprintf(cause, sizeof cause, "step and change need the present value, but tag \"%.200s\" is read on "
		    "demand only", t->path);
		request_error(l, d, "request-limits", d->rule->step > 0 ? "step" : "change", cause,
		    "give the tag a scan period");
	}
	if (d->rule->readback_other && l->tags[d->rule->readback_tag.tag].source != t->source)
		request_error(l, d, "request-readback", "readback",
		    "the tag to read back is of another source than the one written",
		    "name a tag of the same source");
}

void
request_check(struct loader *l, struct request_draft *d)
{
	struct request_rule *r = d->rule;
	const struct tag *first = r->ntags > 0 ? &l->tags[r->tags[0].tag] : NULL;
	uint32_t last = UINT32_MAX;

	check_keys(l, d);
	r->has_limits = d->v[REQUEST_RULE_LIMITS].set;
	r->lo = d->v[REQUEST_RULE_LIMITS].f;
	r->hi = d->v[REQUEST_RULE_LIMITS].g;
	if (first != NULL && r->kind == REQUEST_WRITE)
		read_values(l, d, first);
	for (uint32_t i = 0; i < r->ntags; i++) {
		uint32_t source = l->tags[r->tags[i].tag].source;
		check_tag(l, d, r->tags[i].tag, first);
		if (source == last)
			continue;
		last = source;
		check_driver(l, d, source);
		check_way(l, d, source);
	}
	request_check_interlock(l, d);
	if (r->kind == REQUEST_CALL && d->source_known) {
		check_driver(l, d, r->source);
		check_way(l, d, r->source);
	}
}

/* ---- all together ---- */

static bool
share_requester(const struct request_rule *a, const struct request_rule *b)
{
	bool from = (a->cli && b->cli) || (a->events && b->events);

	for (uint32_t i = 0; i < a->nsinks; i++)
		for (uint32_t k = 0; k < b->nsinks; k++)
			from |= a->sinks[i] == b->sinks[k];
	if (!from || a->nroles == 0 || b->nroles == 0)
		return from;
	for (uint32_t i = 0; i < a->nroles; i++)
		for (uint32_t k = 0; k < b->nroles; k++)
			if (strcmp(a->roles[i], b->roles[k]) == 0)
				return true;
	return false;
}

static void
say_overlap(struct loader *l, const struct request_rule *a, const struct request_rule *b, const char *of)
{
	site_error(&l->f, "request-overlap", b->place, "requests %s and %s both admit %.200s, for the same requesters",
	    a->name, b->name, of);
	site_remedy(&l->f, "leave it in one of them, or give them different roles: limits must not depend on which is "
	    "looked at first");
}

struct claim {
	uint32_t	rule;
	struct claim	*next;
};

void
request_check_overlap(struct loader *l)
{
	struct plan *p = l->plan;
	struct claim **of_tag = arena_array(&l->scratch, l->ntags + 1, sizeof *of_tag);

	for (uint32_t i = 0; i < p->nrequests; i++) {
		struct request_rule *r = &p->requests[i];
		for (uint32_t k = 0; k < i && r->kind == REQUEST_CALL; k++)
			if (p->requests[k].kind == REQUEST_CALL && p->requests[k].source == r->source &&
			    strcmp(p->requests[k].method, r->method) == 0 && share_requester(&p->requests[k], r))
				say_overlap(l, &p->requests[k], r, r->method);
		for (uint32_t t = 0; t < r->ntags; t++) {
			struct claim **at = &of_tag[r->tags[t].tag];
			for (struct claim *c = *at; c != NULL; c = c->next)
				if (p->requests[c->rule].kind == r->kind && share_requester(&p->requests[c->rule], r)) {
					say_overlap(l, &p->requests[c->rule], r, l->tags[r->tags[t].tag].path);
					break;
				}
			struct claim *mine = arena_new(&l->scratch, struct claim);
			*mine = (struct claim){ i, *at };
			*at = mine;
		}
	}
}
