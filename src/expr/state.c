/*
 * Single values that are remembered. All of them take usable samples only: a bad one changes nothing that is
 * remembered. Counts (counter, edges, run_time, latch) go on being told while their input is bad, as uncertain.
 *
 * Why a count is never doubled: what is kept is the last reading together with the total, so the next increment is the
 * difference of two readings whatever happened between, and the same reading taken twice adds nothing.
 */
#include <math.h>
#include <string.h>

#include "expr/inside.h"
#include "model/status.h"

struct kept_value {	/* prev, changed */
	int64_t	 v;		/* bits of the cell's union */
	uint32_t status, len;
	char	 text[TEXT_SLOT];
};
struct prev_state {
	uint32_t	  have, present;	/* how many are known; which of the two is the present one */
	struct kept_value of[2];
};
struct edge_state {	/* rising, falling, edges */
	uint64_t total;
	uint32_t have, last;
};
struct held_state {
	int64_t	 since_ns;
	uint64_t on;
};
struct counter_state {
	union { int64_t i; double f; } total, last;
	uint64_t have;
};
struct run_time_state {
	int64_t	 total_ns, last_ns;
	uint32_t on, have;
	uint64_t timed;		/* last_ns is of this run, without a gap since */
};
struct latch_state {
	uint32_t on, have;
};
_Static_assert(sizeof(struct run_time_state) <= EXPR_KEEP_MAX, "what is kept fits");
_Static_assert(sizeof(struct counter_state) <= EXPR_KEEP_MAX, "what is kept fits");

size_t
state_fn_size(enum state_fn fn)
{
	static const size_t sizes[STATE_FNS] = {
		[STATE_PREV] = sizeof(struct prev_state), [STATE_CHANGED] = sizeof(struct prev_state),
		[STATE_RISING] = sizeof(struct edge_state), [STATE_FALLING] = sizeof(struct edge_state),
		[STATE_EDGES] = sizeof(struct edge_state), [STATE_HELD] = sizeof(struct held_state),
		[STATE_COUNTER_I] = sizeof(struct counter_state), [STATE_COUNTER_F] = sizeof(struct counter_state),
		[STATE_RUN_TIME] = sizeof(struct run_time_state), [STATE_LATCH] = sizeof(struct latch_state),
	};
	return sizes[fn];
}

static void
set_bool(struct cell *x, bool v)
{
	x->i = v;
}

/* A count whose input is bad now: told as it was. */
static void
keep_on(const struct run *r, struct cell *x)
{
	if (!status_is_bad(x->status))
		return;
	x->status = (uint32_t)STATUS_UncertainLastUsableValue;
	x->why = EXPR_WHY_KEPT;
	x->column = r->column;
}

static void
prev_run(const struct run *r, const struct spec *s, bool fresh, struct cell *x)
{
	struct prev_state *p = (struct prev_state *)(void *)(r->state + s->off);
	struct kept_value *now = &p->of[p->present & 1];
	bool text = s->type == EXPR_TEXT, usable = fresh && !status_is_bad(x->status), differs = false;

	if (usable && text && x->len > TEXT_SLOT) {
		cell_fail(r, x, (uint32_t)STATUS_BadOutOfRange, EXPR_WHY_LONG);
		return;
	}
	if (usable) {
		differs = p->have > 0 && (text ? now->len != x->len || memcmp(now->text, x->p, x->len) != 0 :
		    now->v != x->i);
		p->present ^= p->have > 0;
		now = &p->of[p->present & 1];
		p->have += p->have < 2;
		now->status = x->status;
		now->len = x->len;
		if (text)
			memcpy(now->text, x->p, x->len);
		else
			now->v = x->i;
	}
	if (s->fn == STATE_CHANGED) {
		set_bool(x, differs);
		return;
	}
	if (p->have < 2) {
		cell_fail(r, x, (uint32_t)STATUS_BadWaitingForInitialData, EXPR_WHY_EMPTY);
		return;
	}
	const struct kept_value *before = &p->of[(p->present ^ 1) & 1];
	x->why = status_is_good(before->status) ? EXPR_WHY_NONE : EXPR_WHY_PARTLY;
	x->column = r->column;
	x->status = before->status;
	x->len = before->len;
	if (text)
		x->p = before->text;
	else
		x->i = before->v;
}

static void
edge_run(const struct run *r, const struct spec *s, bool fresh, struct cell *x)
{
	struct edge_state *e = (struct edge_state *)(void *)(r->state + s->off);
	bool usable = fresh && !status_is_bad(x->status), up = false, down = false;

	if (usable) {
		up = e->have != 0 && e->last == 0 && x->i != 0;
		down = e->have != 0 && e->last != 0 && x->i == 0;
		e->total += up;
		e->last = x->i != 0;
		e->have = 1;
	}
	if (s->fn != STATE_EDGES)
		set_bool(x, s->fn == STATE_RISING ? up : down);
	else if (e->have != 0) {
		keep_on(r, x);
		x->i = (int64_t)e->total;
	}
}

static void
held_run(const struct run *r, const struct spec *s, struct cell *x)
{
	struct held_state *h = (struct held_state *)(void *)(r->state + s->off);
	bool on = !status_is_bad(x->status) && x->i != 0;

	if (on && h->on == 0)
		h->since_ns = r->now_ns;
	h->on = on;
	x->f = on ? (double)(r->now_ns - h->since_ns) / 1e9 : 0;
}

/* How far an integer counter has gone from last to now. */
static int64_t
increment(const struct spec *s, int64_t last, int64_t now)
{
	int64_t d;

	if (now >= last)
		return __builtin_sub_overflow(now, last, &d) ? INT64_MAX : d;
	if (s->modulo > 0 && last < s->modulo && now >= 0) {
		d = now + (s->modulo - last);	/* both below 2^63, their sum at most modulo - 1 as now < last */
		if (d <= s->modulo / 2)
			return d;
	}
	return now > 0 ? now : 0;	/* it was reset, and has counted this much since */
}

static double
increment_f(const struct spec *s, double last, double now)
{
	if (now >= last)
		return now - last;
	double d = now + (s->param - last);
	return s->param > 0 && last < s->param && now >= 0 && d <= s->param / 2 ? d : now > 0 ? now : 0;
}

static void
counter_run(const struct run *r, const struct spec *s, bool fresh, struct cell *x)
{
	struct counter_state *c = (struct counter_state *)(void *)(r->state + s->off);
	bool fl = s->fn == STATE_COUNTER_F;

	if (fresh && !status_is_bad(x->status)) {
		if (c->have != 0 && fl)
			c->total.f += increment_f(s, c->last.f, x->f);
		else if (c->have != 0 && __builtin_add_overflow(c->total.i, increment(s, c->last.i, x->i), &c->total.i))
			c->total.i = INT64_MAX;
		c->last.i = x->i;	/* bits of either kind */
		c->have = 1;
	}
	if (c->have == 0)
		return;	/* bad, or nothing new: the input says why */
	keep_on(r, x);
	x->i = c->total.i;
	if (fl ? !isfinite(c->total.f) : c->total.i == INT64_MAX)
		cell_fail(r, x, (uint32_t)STATUS_BadOutOfRange, EXPR_WHY_OVERFLOW);
}

static void
run_time_run(const struct run *r, const struct spec *s, struct cell *x)
{
	struct run_time_state *t = (struct run_time_state *)(void *)(r->state + s->off);
	bool usable = !status_is_bad(x->status);

	if (t->timed != 0 && t->on != 0 && r->now_ns > t->last_ns)
		t->total_ns += r->now_ns - t->last_ns;
	t->last_ns = r->now_ns;
	t->timed = 1;
	t->on = usable && x->i != 0;
	t->have |= usable;
	if (t->have == 0)
		return;
	keep_on(r, x);
	x->f = (double)t->total_ns / 1e9;
}

void
state_run(const struct run *r, const struct spec *s, struct cell *x)
{
	bool fresh = (r->fresh & s->mask) != 0;

	switch ((enum state_fn)s->fn) {
	case STATE_PREV: case STATE_CHANGED:
		prev_run(r, s, fresh, x);
		break;
	case STATE_RISING: case STATE_FALLING: case STATE_EDGES:
		edge_run(r, s, fresh, x);
		break;
	case STATE_HELD:
		held_run(r, s, x);
		break;
	case STATE_COUNTER_I: case STATE_COUNTER_F:
		counter_run(r, s, fresh, x);
		break;
	case STATE_RUN_TIME:
		run_time_run(r, s, x);
		break;
	case STATE_LATCH: case STATE_FNS:
		break;
	}
}

/* A good reset wins; a set or reset that is bad changes nothing and makes what is kept uncertain. */
void
latch_run(const struct run *r, const struct spec *s, struct cell *set, const struct cell *reset)
{
	struct latch_state *l = (struct latch_state *)(void *)(r->state + s->off);
	bool set_usable = !status_is_bad(set->status), reset_usable = !status_is_bad(reset->status);

	if (set_usable && set->i != 0)
		l->on = l->have = 1;
	if (reset_usable && reset->i != 0) {
		l->on = 0;
		l->have = 1;
	}
	l->have |= set_usable && reset_usable;
	cell_worse(set, reset);
	if (l->have == 0)
		return;
	keep_on(r, set);
	set->i = l->on != 0;
}

void
state_gap(const struct spec *s, void *state)
{
	if (s->fn == STATE_HELD)
		((struct held_state *)state)->on = 0;
	else if (s->fn == STATE_RUN_TIME)
		((struct run_time_state *)state)->timed = 0;
}
