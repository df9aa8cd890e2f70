/* Handlers of functions that remember: single values (state.c) and windows (window.c). */
#include "expr/call.h"

#include <string.h>

#include "base/map.h"

static void
need_bool(struct build *b, struct call *c, size_t n)
{
	for (size_t i = 0; i < n && b->err == 0; i++)
		if (c->args[i].type != EXPR_BOOL) {
			build_fault(b, ERR_TYPE, c->args[i].column, "%s() takes a condition, this is of type %s",
			    c->f->name,
			    expr_type_name(c->args[i].type));
			build_remedy(b, "compare it: x > 0");
		}
}

/* Does it depend on anything that changes? */
static bool
need_input(struct build *b, struct call *c, const struct part *r)
{
	if (b->err == 0 && r->mask == 0) {
		build_fault(b, ERR_TYPE, c->column, "%s() of what no tag changes", c->f->name);
		build_remedy(b, "it needs a tag in its argument");
	}
	return b->err == 0;
}

/*
 * What identifies a total across restarts and edits elsewhere: its text without blanks, its tags, what is counted
 * how.
 */
static uint64_t
keep_key(const struct build *b, const struct spec *s, const struct part *x, const struct part *r)
{
	uint64_t h = hash64(&s->fn, 1);	/* integers and floats are counted by different ones */

	h = hash64_more(h, x->ut, strlen(x->ut) + 1);
	for (size_t i = (size_t)r->column - 1; i + 1 < r->end && i < b->len; i++)
		if (strchr(" \t\r\n", b->text[i]) == NULL)
			h = hash64_more(h, &b->text[i], 1);
	for (uint32_t i = 0; i < b->ntags; i++)
		if ((r->mask >> i & 1) != 0)
			h = hash64_more(h, b->tags[i].name, strlen(b->tags[i].name) + 1);
	for (uint32_t i = 0; i < b->nspecs; i++)	/* the same once more in one expression */
		if (b->specs[i].key == h) {
			h = hash64_more(h, "again", 5);
			i = UINT32_MAX;
		}
	return h != 0 ? h : 1;
}

static struct spec *
remember(struct build *b, enum state_fn fn, const struct part *x, const struct part *r, uint32_t *index)
{
	struct spec *s = add_spec(b, state_fn_size(fn), r, index);

	if (s != NULL) {
		s->fn = (uint8_t)fn;
		s->type = (uint8_t)x->type;
	}
	return s;
}

/* prev, changed */
struct part
fn_prev(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];
	uint32_t index;

	if (!need_input(b, c, &r) || remember(b, (enum state_fn)c->f->param, x, &r, &index) == NULL)
		return r;
	r.type = EXPR_BOOL;
	if (c->f->param == STATE_PREV) {
		r.type = x->type;
		r.unit = x->unit;
		r.ut = x->ut;
		r.items = x->items;
	}
	emit(b, OP_STATE, 0, index, &r);
	return r;
}

/* rising, falling, edges */
struct part
fn_edge(struct build *b, struct call *c, struct part r)
{
	uint32_t index;

	need_bool(b, c, 1);
	if (!need_input(b, c, &r))
		return r;
	struct spec *s = remember(b, (enum state_fn)c->f->param, &c->args[0], &r, &index);
	if (s == NULL)
		return r;
	if (c->f->param == STATE_EDGES)
		s->key = keep_key(b, s, &c->args[0], &r);
	else
		r.type = EXPR_BOOL;
	emit(b, OP_STATE, 0, index, &r);
	return r;
}

static void
seconds(struct part *r)
{
	r->type = EXPR_FLOAT;
	r->unit = unit_second;
	r->ut = "s";
}

/* held(b), held(b, 5s): the second compares the first */
struct part
fn_held(struct build *b, struct call *c, struct part r)
{
	uint32_t index;
	double s = 0;

	need_bool(b, c, 1);
	if (c->n == 2) {
		convert_to(b, &c->args[1], &unit_second, "s", 0, "how long something is held is said");
		if (!literal(b, &c->args[1], &s, "how long it is held"))
			return r;
	}
	if (!need_input(b, c, &r) || remember(b, STATE_HELD, &c->args[0], &r, &index) == NULL)
		return r;
	b->uses_time = true;
	seconds(&r);
	emit(b, OP_STATE, 0, index, &r);
	if (c->n < 2)
		return r;
	struct part limit = r;
	emit(b, OP_CONST, EXPR_FLOAT, add_const(b, (union konst){ .f = s }), &limit);
	r.type = EXPR_BOOL;
	r.unit = unit_one;
	r.ut = "";
	emit(b, OP_CMP_F, REL_GE, 0, &r);
	return r;
}

struct part
fn_latch(struct build *b, struct call *c, struct part r)
{
	uint32_t index;

	need_bool(b, c, 2);
	if (!need_input(b, c, &r))
		return r;
	struct spec *s = remember(b, STATE_LATCH, &c->args[0], &r, &index);
	if (s == NULL)
		return r;
	s->key = keep_key(b, s, &c->args[0], &r);
	r.type = EXPR_BOOL;
	emit(b, OP_LATCH, 0, index, &r);
	return r;
}

struct part
fn_counter(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];
	double modulo = 0;
	uint32_t index;

	if (b->err == 0 && (!is_number(x) || x->unit.special)) {
		build_fault(b, ERR_TYPE, x->column, "counter() of what does not count: it is %s", is_number(x) ?
		    "on a scale with a zero of its own" :
		    "no number");
		build_remedy(b, "give it a number that only grows, or edges(x) to count a condition");
	}
	if (c->n == 2 && literal(b, &c->args[1], &modulo, "the modulo") && !(modulo > 0 && modulo <= 9.2e18)) {
		build_fault(b, ERR_RANGE, c->args[1].column, "the modulo is how many values the counter has");
		build_remedy(b, "write: counter(x, 65536) for one that goes from 0 to 65535");
	}
	if (!need_input(b, c, &r))
		return r;
	struct spec *s = remember(b, x->type == EXPR_INT ? STATE_COUNTER_I : STATE_COUNTER_F, x, &r, &index);
	if (s == NULL)
		return r;
	s->modulo = (int64_t)modulo;
	s->param = modulo;
	s->key = keep_key(b, s, &c->args[0], &r);
	r.type = x->type;
	r.unit = x->unit;
	r.ut = x->ut;
	emit(b, OP_STATE, 0, index, &r);
	return r;
}

/* Room for a time window: as many samples as its inputs send in it, and a quarter more. */
static bool
room(struct build *b, struct call *c, const struct part *r, struct spec *s)
{
	double per_s = 0;

	for (uint32_t i = 0; i < b->ntags; i++)
		if ((r->mask >> i & 1) != 0)
			per_s += 1e9 / (double)(b->tags[i].period_ns > 0 ? b->tags[i].period_ns : 100 * NS_PER_MS);
	double n = c->count > 0 ? c->count : (double)c->span_ns / 1e9 * per_s * 1.25 + 16;
	if (n > EXPR_WINDOW_MAX) {
		build_fault(b, ERR_LIMIT, c->column, "a window of about %.0f samples, %u are allowed", n,
		    EXPR_WINDOW_MAX);
		build_remedy(b,
		    "make it shorter, or its argument a derived tag of its own with a longer period (scan: 1 s)");
		return false;
	}
	s->cap = (uint32_t)n + 1;
	s->count = c->count;
	s->span_ns = c->span_ns;
	return true;
}

/*
 * Unit and type of a window's result. sums: is the argument added up, so that a zero of its own would be counted
 * often?
 */
static void
window_unit(struct build *b, struct call *c, enum window_kind kind, const struct part *x, struct part *r,
    double *factor)
{
	struct part per = { .unit = unit_second, .ut = "s" }, v = *x;

	r->type = kind == WIN_COUNT ? EXPR_INT : EXPR_FLOAT;
	if (kind == WIN_COUNT || kind == WIN_COVERAGE)
		return;
	if (kind == WIN_RUN_TIME) {
		seconds(r);
		return;
	}
	if ((kind == WIN_SUM || kind == WIN_INTEGRAL) && x->unit.special) {
		build_fault(b, ERR_TYPE, x->column, "%s() of values in %s, a scale with a zero of its own", c->f->name,
		    x->ut);
		build_remedy(b, "take their mean, or the number alone: number(x, [%s])", x->ut);
	}
	if (kind == WIN_STDDEV || kind == WIN_SLOPE || kind == WIN_RATE || kind == WIN_DELTA)
		*factor = unit_difference(&v);
	r->unit = v.unit;
	r->ut = v.ut;
	if (kind == WIN_SLOPE || kind == WIN_RATE || kind == WIN_INTEGRAL)
		unit_product(b, r, &v, &per, kind == WIN_INTEGRAL ? 1 : -1);
	if (unit_pure(&r->unit)) {	/* s/s */
		*factor *= r->unit.factor;
		r->unit = unit_one;
		r->ut = "";
	}
}

/* run_time(b) without a window: a total. */
static struct part
run_time(struct build *b, struct call *c, struct part r)
{
	uint32_t index;

	need_bool(b, c, 1);
	if (!need_input(b, c, &r))
		return r;
	struct spec *s = remember(b, STATE_RUN_TIME, &c->args[0], &r, &index);
	if (s == NULL)
		return r;
	s->key = keep_key(b, s, &c->args[0], &r);
	b->uses_time = true;
	seconds(&r);
	emit(b, OP_STATE, 0, index, &r);
	return r;
}

struct part
fn_window(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];
	bool extreme = c->f->handler == fn_extreme;
	enum window_kind kind = extreme ? (c->f->param ? WIN_MAX : WIN_MIN) : (enum window_kind)c->f->param;
	double p = 50, factor = 1;
	uint32_t index;

	if (b->err == 0 && !c->over) {
		if (kind == WIN_RUN_TIME)
			return run_time(b, c, r);
		build_fault(b, ERR_SYNTAX, c->column, "%s() without a window", c->f->name);
		build_remedy(b, "write: %s(x over 10s) or %s(x over 20)", c->f->name, c->f->name);
	}
	if (c->n == 2) {
		if (extreme)
			build_fault(b, ERR_SYNTAX, c->column, "%s() over a window has one argument", c->f->name);
		else if (literal(b, &c->args[1], &p, "the percentile") && !(p >= 0 && p <= 100))
			build_fault(b, ERR_RANGE, c->args[1].column, "a percentile is from 0 to 100");
	}
	if (kind == WIN_COUNT || kind == WIN_RUN_TIME)
		need_bool(b, c, 1);
	else if (b->err == 0 && kind != WIN_COVERAGE && !is_number(x)) {
		build_fault(b, ERR_TYPE, x->column, "%s() over a window takes numbers, this is of type %s", c->f->name,
		    expr_type_name(x->type));
		build_remedy(b, x->type == EXPR_BOOL ? "count(x over w) and run_time(x over w) are for conditions" :
		    "");
	}
	if (b->err == 0 && c->count > 0 && (kind == WIN_TMEAN || kind == WIN_RUN_TIME || kind == WIN_INTEGRAL)) {
		build_fault(b, ERR_TYPE, c->column, "%s() weighs with time, its window is a number of samples",
		    c->f->name);
		build_remedy(b, "write: %s(x over 10s)", c->f->name);
	}
	if (!need_input(b, c, &r))
		return r;
	window_unit(b, c, kind, x, &r, &factor);
	if (is_number(x) && kind != WIN_COVERAGE)
		make_float(b, x, 0);
	struct spec shape = { .fn = (uint8_t)kind, .window = true, .type = (uint8_t)x->type, .param = p };
	if (b->err != 0 || !room(b, c, &r, &shape))
		return r;
	struct spec *s = add_spec(b, window_size(&shape), &r, &index);
	if (s == NULL)
		return r;
	shape.off = s->off;
	shape.size = s->size;
	shape.mask = s->mask;
	*s = shape;
	b->uses_time = b->uses_time || c->span_ns > 0;
	emit(b, OP_WINDOW, 0, index, &r);
	if (factor != 1) {
		uint32_t k = add_const(b, (union konst){ .f = factor });
		add_const(b, (union konst){ .f = 0 });
		emit(b, OP_CONVERT, 0, k, &r);
	}
	return r;
}
