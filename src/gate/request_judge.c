/*
 * May it be done? Three questions, each a function of the plan, the request and the moment: does an entry admit this
 * target from this requester; is the value one that it allows; and do time, pace, present values and interlock allow
 * it now. Default is no.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gate/request_int.h"

#define SLACK		1e-9	/* relative: a limit written in decimals is met by the double nearest to it */
#define MOVES_MAX	256u

/* ---- the entry ---- */

static bool
names_target(const struct plan *p, const struct request_rule *rule, const struct request *q, struct target *t)
{
	if (rule->kind != q->kind)
		return false;
	if (rule->kind == REQUEST_CALL) {
		t->source = &p->sources[rule->source];
		t->tag = NULL;
		return strcmp(t->source->name, q->target) == 0 && strcmp(rule->method, q->method) == 0;
	}
	for (uint32_t i = 0; i < rule->ntags; i++) {
		const struct source *s = &p->sources[rule->tags[i].source];
		if (strcmp(s->tags[rule->tags[i].tag].path, q->target) != 0)
			continue;
		t->source = s;
		t->tag = &s->tags[rule->tags[i].tag];
		return true;
	}
	return false;
}

static bool
from_here(const struct plan *p, const struct request_rule *rule, const char *from)
{
	if (strcmp(from, "cli") == 0)
		return rule->cli;
	if (strcmp(from, REQUEST_FROM_EVENTS) == 0)
		return rule->events;
	for (uint32_t i = 0; i < rule->nsinks; i++)
		if (strcmp(p->sinks[rule->sinks[i]].name, from) == 0)
			return true;
	return false;
}

bool
judge_role(const struct request_rule *rule, const char *const *roles, uint32_t n)
{
	for (uint32_t i = 0; i < rule->nroles; i++)
		for (uint32_t k = 0; k < n; k++)
			if (strcmp(rule->roles[i], roles[k]) == 0)
				return true;
	return rule->nroles == 0;
}

enum request_reason
judge_target(const struct requests *r, const struct request *q, struct target *t)
{
	enum request_reason why = REASON_NO_ENTRY;
	struct target found = { 0 };

	*t = (struct target){ 0 };
	for (uint32_t i = 0; r->plan != NULL && i < r->plan->nrequests; i++) {
		const struct request_rule *rule = &r->plan->requests[i];
		if (!names_target(r->plan, rule, q, &found))
			continue;
		enum request_reason here = !from_here(r->plan, rule, q->from) ? REASON_FROM :
		    !judge_role(rule, q->roles, q->nroles) ? REASON_ROLE : REASON_NONE;
		if (here == REASON_NONE || t->rule == NULL || here == REASON_ROLE) {
			found.rule = rule;
			*t = found;
			why = here;
		}
		if (here == REASON_NONE)
			break;
	}
	return why;
}

/* Under the plan in force by now: the same entry and device, and the very value that was judged and entered. */
enum request_reason
judge_again(const struct requests *r, struct held *h, struct target *t, char *text, size_t size)
{
	struct value value;

	*text = '\0';
	if (judge_target(r, &h->ask, t) != REASON_NONE || strcmp(t->rule->name, h->rule) != 0 ||
	    strcmp(t->source->name, h->source) != 0 || strcmp(r->plan->zones[t->source->zone].name, h->zone) != 0 ||
	    h->ttl_ns > t->rule->ttl_ns)
		return REASON_PLAN;
	if (judge_value(&h->ask, t, &value, &h->memory, text, size) != REASON_NONE ||
	    value.type != h->value.type || !value_equal(&value, &h->value))
		return REASON_PLAN;
	return REASON_NONE;
}

/* ---- the moment ---- */

static struct pace *
pace_of(struct requests *r, const char *entry, const char *target)
{
	size_t n = strlen(entry);

	for (struct pace *p = r->paces; p != NULL; p = p->next)
		if (strncmp(p->name, entry, n) == 0 && (target == NULL ? p->name[n] == '\0' : p->name[n] == '\n' &&
		    strcmp(p->name + n + 1, target) == 0))
			return p;
	struct pace *p = calloc(1, sizeof *p);
	size_t size = n + (target != NULL ? strlen(target) + 1 : 0) + 1;
	if (p == NULL || (p->name = malloc(size)) == NULL)
		fatal("out_of_memory", "what=pace");
	snprintf(p->name, size, "%s%s%s", entry, target != NULL ? "\n" : "", target != NULL ? target : "");
	p->last.ns = INT64_MIN;
	p->next = r->paces;
	r->paces = p;
	return p;
}

/* Moves within the time, and their sum; what is older is forgotten. */
static double
moved(struct pace *p, struct mono now, int64_t within_ns)
{
	double sum = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n; i++)
		if (mono_diff(now, p->moves[i].at) < within_ns) {
			p->moves[n++] = p->moves[i];
			sum += p->moves[n - 1].by;
		}
	p->n = n;
	return sum;
}

static void
move_add(struct pace *p, struct mono now, double by, uint32_t max)
{
	if (p->n == p->cap && p->cap < max) {
		uint32_t cap = p->cap * 2 > max ? max : p->cap != 0 ? p->cap * 2 : 16;
		struct move *m = reallocarray(p->moves, cap, sizeof *m);
		if (m == NULL)
			fatal("out_of_memory", "what=pace");
		p->moves = m;
		p->cap = cap;
	}
	if (p->n < p->cap)
		p->moves[p->n++] = (struct move){ now, by };
}

static const char *
target_name(const struct held *h)
{
	return h->ask.kind == REQUEST_CALL ? h->ask.method : h->ask.target;
}

/* Step and change. From where: the present value; for change also where the request before it went. */
static enum request_reason
judge_motion(struct requests *r, const struct held *h, const struct target *t, struct mono now, struct wall wall,
    char *text, size_t size)
{
	struct pace *p = pace_of(r, t->rule->name, target_name(h));
	struct tag_ref ref = { t->tag->source, t->tag->index };
	double to = 0, from = 0;

	if (t->rule->step <= 0 && t->rule->change <= 0)
		return REASON_NONE;
	const struct live *v = live_get(r, ref, now, wall, text, size);
	if (v == NULL || !value_as_f64(&v->v, &from) || !value_as_f64(&h->value, &to))
		return REASON_PRESENT;
	if (t->rule->step > 0 && fabs(to - from) > t->rule->step * (1 + SLACK)) {
		snprintf(text, size, "from %.10g to %.10g is more than the step of %.10g", from, to, t->rule->step);
		return REASON_STEP;
	}
	if (t->rule->change <= 0)
		return REASON_NONE;
	double sum = moved(p, now, t->rule->change_ns);
	double by = fabs(to - (p->n > 0 ? p->value : from));
	if (sum + by > t->rule->change * (1 + SLACK) || p->n >= MOVES_MAX) {
		char d[DURATION_TEXT];
		snprintf(text, size, "it would have moved by %.10g within %s, and %.10g is allowed", sum + by,
		    duration_format(t->rule->change_ns, d), t->rule->change);
		return REASON_CHANGE;
	}
	return REASON_NONE;
}

static enum request_reason
judge_pace(struct requests *r, const struct held *h, const struct target *t, struct mono now)
{
	struct pace *mine = pace_of(r, t->rule->name, target_name(h)), *all = pace_of(r, t->rule->name, NULL);

	if (t->rule->min_interval_ns > 0 && mine->last.ns != INT64_MIN && mono_diff(now,
	    mine->last) < t->rule->min_interval_ns)
		return REASON_INTERVAL;
	moved(all, now, 60 * NS_PER_S);
	return t->rule->per_minute > 0 && all->n >= t->rule->per_minute ? REASON_RATE : REASON_NONE;
}

enum request_reason
judge_now(struct requests *r, const struct held *h, const struct target *t, struct mono now, struct wall wall,
    char *text, size_t size)
{
	*text = '\0';
	enum request_reason why = judge_pace(r, h, t, now);
	if (why == REASON_NONE && h->ask.kind == REQUEST_WRITE)
		why = judge_motion(r, h, t, now, wall, text, size);
	if (why == REASON_NONE && !interlock_true(r, t, now, wall, text, size))
		why = REASON_INTERLOCK;
	return why;
}

void
judge_count(struct requests *r, const struct held *h, const struct target *t, struct mono now, struct wall wall)
{
	struct pace *mine = pace_of(r, t->rule->name, target_name(h)), *all = pace_of(r, t->rule->name, NULL);
	struct tag_ref ref = t->tag != NULL ? (struct tag_ref){ t->tag->source, t->tag->index } : (struct tag_ref){ 0,
	    0 };
	char text[TEXT_MAX];
	double to = 0, from = 0;

	mine->last = now;
	move_add(all, now, 0, t->rule->per_minute);
	if (t->rule->change <= 0 || h->ask.kind != REQUEST_WRITE || !value_as_f64(&h->value, &to))
		return;
	const struct live *v = live_get(r, ref, now, wall, text, sizeof text);
	if (mine->n > 0)
		from = mine->value;
	else if (v == NULL || !value_as_f64(&v->v, &from))
		from = to;
	move_add(mine, now, fabs(to - from), MOVES_MAX);
	mine->value = to;
}
