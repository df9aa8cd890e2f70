/*
 * Running a program: one pass over its operations, each taking its values from the stack and leaving one. Operations
 * work on whatever lies there, also where it is bad: the value of a bad cell means nothing but is always defined, so
 * nothing needs a jump. What the status of a result is, is the table in doc/expressions.md, in short: the worst of what
 * it is made of, and of two equally bad ones the left one explains.
 */
#include <math.h>
#include <string.h>

#include "expr/inside.h"
#include "model/status.h"

#define STEP_BACK_NS (60 * NS_PER_S)	/* a clock that goes back by less stands still */

void
cell_fail(const struct run *r, struct cell *x, uint32_t status, enum expr_why why)
{
	if (status_is_bad(x->status))
		return;		/* the first reason stays */
	x->status = status;
	x->why = (uint8_t)why;
	x->column = r->column;
	x->i = 0;
	x->len = 0;
}

static bool
load_value(const struct value *v, struct cell *x)
{
	switch (v->type) {
	case VALUE_BOOL: x->i = v->b; return true;
	case VALUE_I8: case VALUE_I16: case VALUE_I32: case VALUE_I64: case VALUE_TIME:
		x->i = v->i; return true;
	case VALUE_U8: case VALUE_U16: case VALUE_U32: case VALUE_U64:
		x->i = (int64_t)v->u; return v->u <= INT64_MAX;
	case VALUE_F32: x->f = (double)v->f32; return true;
	case VALUE_F64: x->f = v->f64; return true;
	case VALUE_TEXT: x->p = v->len > 0 ? v->p : ""; x->len = v->len; return true;
	default: return false;
	}
}

static void
load(const struct run *r, uint16_t input, struct cell *x)
{
	const struct expr_input *in = r->in[input];
	const struct expr_tag *t = &r->p->tags[input];

	*x = (struct cell){ .status = in->status, .input = (uint8_t)input, .column = r->column };
	if (in->time.ns == 0) {
		x->status = (uint32_t)STATUS_BadWaitingForInitialData;
		x->why = EXPR_WHY_WAITING;
		return;
	}
	if (__builtin_expect(in->status != 0, 0) && !status_is_good(in->status))
		x->why = EXPR_WHY_INPUT;
	if (in->v.type == t->type && load_value(&in->v, x)) {
		if (t->type == VALUE_F32 || t->type == VALUE_F64)
			cell_float(r, x);
		return;
	}
	x->i = 0;
	if (in->v.type != VALUE_NULL && in->v.type != t->type)
		cell_fail(r, x, (uint32_t)STATUS_BadInternalError, EXPR_WHY_INPUT);
	else if (in->v.type == VALUE_NULL)
		cell_fail(r, x, (uint32_t)STATUS_BadNoData, EXPR_WHY_INPUT);
	else
		cell_range(r, x, EXPR_WHY_OVERFLOW);
	if (value_has_bytes(t->type))
		x->p = "";
}

static void
constant(const struct expr *p, const struct op *op, struct cell *x)
{
	*x = (struct cell){ .i = p->consts[op->index].i };
	if (op->arg == EXPR_TEXT) {
		x->p = p->consts[op->index].p;
		x->len = (uint32_t)p->consts[op->index + 1].i;
	} else if (op->arg == EXPR_FLOAT)
		x->f = p->consts[op->index].f;
}

/* A usable operand that decides alone decides, with its own status: false for and, true for or. */
static void
logic(enum op_code code, struct cell *x, const struct cell *y)
{
	bool l = x->i != 0, r = y->i != 0, decides = code == OP_OR;

	if (code != OP_XOR) {
		bool xd = !status_is_bad(x->status) && l == decides, yd = !status_is_bad(y->status) && r == decides;
		if (yd && (!xd || status_worse(x->status, y->status)))
			*x = *y;
		if (xd || yd) {
			x->i = decides;
			return;
		}
	}
	cell_worse(x, y);
	x->i = code == OP_AND ? l && r : code == OP_OR ? l || r : l != r;
}

static void
choose(struct cell *c, const struct cell *x, const struct cell *y)
{
	struct cell chosen = c->i != 0 ? *x : *y;

	if (status_is_bad(c->status)) {
		c->i = 0;
		c->len = 0;
		c->p = "";
		return;
	}
	cell_worse(&chosen, c);
	*c = chosen;
}

static void
quality(const struct op *op, struct cell *x)
{
	uint32_t s = x->status;
	static const char *const names[] = { "good", "uncertain", "bad", "bad" };

	*x = (struct cell){ 0 };
	switch ((enum quality_fn)op->arg) {
	case QUALITY_GOOD:	x->i = status_is_good(s); break;
	case QUALITY_UNCERTAIN:	x->i = status_is_uncertain(s); break;
	case QUALITY_BAD:	x->i = status_is_bad(s); break;
	case QUALITY_STATUS:	x->i = s; break;
	case QUALITY_TEXT:
		x->p = names[s >> 30];
		x->len = (uint32_t)strlen(x->p);
		break;
	}
}

/* When the tag's sample is from, or how long ago that is. */
static void
sample_age(const struct run *r, const struct op *op, struct cell *x)
{
	int64_t t = r->in[op->arg]->time.ns;

	*x = (struct cell){ .input = (uint8_t)op->arg, .column = r->column };
	if (t == 0) {
		x->status = (uint32_t)STATUS_BadWaitingForInitialData;
		x->why = EXPR_WHY_WAITING;
	} else if (op->code == OP_TIME_OF)
		x->i = t;
	else
		x->f = r->now_ns > t ? (double)(r->now_ns - t) / 1e9 : 0;
}

static void
one(const struct run *r, const struct op *op, struct cell *x)
{
	switch ((enum op_code)op->code) {
	case OP_NEG_I:
	case OP_ABS_I:
		if (x->i == INT64_MIN)
			cell_range(r, x, EXPR_WHY_OVERFLOW);
		else if (op->code == OP_NEG_I || x->i < 0)
			x->i = -x->i;
		break;
	case OP_NEG_F: x->f = -x->f; break;
	case OP_ABS_F: x->f = fabs(x->f); break;
	case OP_MATH: num_math(r, (enum math_fn)op->arg, x); break;
	case OP_ROUND: num_round(r, (enum round_fn)op->arg, x); break;
	case OP_NOT: x->i = x->i == 0; break;
	case OP_BIT: x->i = (int64_t)((uint64_t)x->i >> op->arg & 1); break;
	case OP_BITS: {
		unsigned lo = op->arg & 63, n = (unsigned)(op->arg >> 8) - lo + 1;
		x->i = (int64_t)((uint64_t)x->i >> lo & (n > 63 ? UINT64_MAX : (1ull << n) - 1));
		break;
	}
	case OP_QUALITY: quality(op, x); break;
	case OP_CLOCK: clock_run(r, op, x); break;
	case OP_STATE: state_run(r, &r->p->specs[op->index], x); break;
	case OP_WINDOW: {
		const struct spec *s = &r->p->specs[op->index];
		window_run(s, r->state + s->off, (r->fresh & s->mask) != 0, r->now_ns, x);
		x->column = x->why == EXPR_WHY_PARTLY || x->why == EXPR_WHY_EMPTY ? r->column : x->column;
		if (s->fn != WIN_COUNT)
			cell_float(r, x);
		break;
	}
	default: text_run(r, op, x); break;
	}
}

static void
two(const struct run *r, const struct op *op, struct cell *x, const struct cell *y)
{
	switch ((enum op_code)op->code) {
	case OP_ADD_I: case OP_SUB_I: case OP_MUL_I: case OP_DIV_I: case OP_MOD_I: case OP_MIN_I: case OP_MAX_I:
		num_integers(r, op->code, x, y); break;
	case OP_ADD_F: case OP_SUB_F: case OP_MUL_F: case OP_DIV_F: case OP_MOD_F: case OP_POW_F: case OP_MIN_F:
	    case OP_MAX_F:
		num_floats(r, op->code, x, y); break;
	case OP_CMP_I: case OP_CMP_F: case OP_CMP_T: num_compare(op, x, y); break;
	case OP_AND: case OP_OR: case OP_XOR: logic(op->code, x, y); break;
	case OP_ELSE:
		if (status_is_bad(x->status))
			*x = *y;
		break;
	case OP_TIME_ADD: case OP_TIME_LESS: case OP_TIME_SUB: num_times(r, op->code, x, y); break;
	case OP_LATCH: latch_run(r, &r->p->specs[op->index], x, y); break;
	default: text_run(r, op, x); break;
	}
}

static void
clamp(const struct op *op, struct cell *x)
{
	cell_worse(x, &x[1]);
	cell_worse(x, &x[2]);
	if (op->code == OP_CLAMP_I)
		x->i = x->i < x[1].i ? x[1].i : x->i > x[2].i ? x[2].i : x->i;
	else
		x->f = x->f < x[1].f ? x[1].f : x->f > x[2].f ? x[2].f : x->f;
}

static void
as_result(const struct expr *p, enum expr_type type, const struct cell *x, struct expr_result *out)
{
	static const uint8_t types[EXPR_TYPES] = { VALUE_BOOL, VALUE_I64, VALUE_F64, VALUE_TEXT, VALUE_TIME };

	(void)p;
	*out = (struct expr_result){ .status = x->status, .why = (enum expr_why)x->why, .column = x->column,
	    .input = x->input };
	if (status_is_bad(x->status))
		return;
	out->v.type = types[type];
	if (type == EXPR_BOOL)
		out->v.b = x->i != 0;
	else if (type == EXPR_FLOAT)
		out->v.f64 = x->f;
	else if (type == EXPR_TEXT) {
		out->v.p = x->p;
		out->v.len = x->len;
	} else
		out->v.i = x->i;
}

typedef void tell_fn(void *arg, const struct expr_step *s);

/* One operation; the stack's new top is returned. */
static inline struct cell *
step(const struct run *r, const struct op *op, struct cell *top)
{
	switch ((enum op_code)op->code) {
	case OP_CONST:
		constant(r->p, op, ++top);
		return top;
	case OP_LOAD:
		load(r, op->arg, ++top);
		return top;
	case OP_NOW:
		*++top = (struct cell){ .i = r->now_ns };
		return top;
	case OP_TIME_OF: case OP_AGE:
		sample_age(r, op, ++top);
		return top;
	case OP_TO_FLOAT:
		top[-op->arg].f = (double)top[-op->arg].i;
		return top;
	case OP_CONVERT: {
		struct cell *x = top - op->arg;
		x->f = x->f * r->p->consts[op->index].f + r->p->consts[op->index + 1].f;
		cell_float(r, x);
		return top;
	}
	case OP_SELECT:
		choose(top - 2, top - 1, top);
		return top - 2;
	case OP_CLAMP_I: case OP_CLAMP_F:
		clamp(op, top - 2);
		return top - 2;
	case OP_MID:
		text_run(r, op, top - 2);
		return top - 2;
	case OP_NEG_I: case OP_NEG_F: case OP_ABS_I: case OP_ABS_F: case OP_MATH: case OP_ROUND: case OP_NOT:
	    case OP_BIT:
	case OP_BITS: case OP_QUALITY: case OP_CLOCK: case OP_STATE: case OP_WINDOW: case OP_TEXT_OF: case OP_ENUM_TEXT:
	case OP_LENGTH: case OP_CASE: case OP_TRIM: case OP_NUMBER:
		one(r, op, top);
		return top;
	default:
		two(r, op, top - 1, top);
		return top - 1;
	}
}

/* A clock that went back: by little, time stands still; by much, what was remembered of times is void. */
static int64_t
advance(const struct expr *p, uint8_t *state, int64_t now_ns)
{
	struct state_head *h = (struct state_head *)(void *)state;

	if (now_ns < h->now_ns) {
		if (h->now_ns - now_ns <= STEP_BACK_NS)
			return h->now_ns;
		for (uint32_t i = 0; i < p->nspecs; i++)
			if (p->specs[i].window)
				window_init(&p->specs[i], state + p->specs[i].off);
			else
				state_gap(&p->specs[i], state + p->specs[i].off);
	}
	h->now_ns = now_ns;
	return now_ns;
}

static inline void
run(const struct expr *p, void *state, const struct expr_input *const *in, uint64_t fresh, struct wall now,
    struct expr_result *out, tell_fn *tell, void *arg)
{
	struct cell stack[EXPR_STACK_MAX + 1];
	struct cell *top = stack;	/* stack[0] is never used */
	struct run r = { .p = p, .state = state, .in = in, .fresh = fresh, .now_ns = advance(p, state, now.ns) };

	for (uint32_t i = 0; i < p->nops; i++) {
		r.column = p->from[i].column;
		top = step(&r, &p->ops[i], top);
		if (tell != NULL && p->ops[i].code != OP_TO_FLOAT) {
			const struct cell *x = p->ops[i].code == OP_CONVERT ? top - p->ops[i].arg : top;
			const struct source_of *from = &p->from[i];
			struct expr_step s = { .column = from->column, .len = from->len,
			    .type = (enum expr_type)from->type, .unit = from->unit };
			as_result(p, s.type, x, &s.r);
			tell(arg, &s);
		}
	}
	as_result(p, p->type, top, out);
}

void
expr_eval(const struct expr *p, void *state, const struct expr_input *const *in, uint64_t fresh, struct wall now,
    struct expr_result *out)
{
	run(p, state, in, fresh, now, out, NULL, NULL);
}

void
expr_eval_steps(const struct expr *p, void *state, const struct expr_input *const *in, uint64_t fresh,
    struct wall now, struct expr_result *out, tell_fn *tell, void *arg)
{
	run(p, state, in, fresh, now, out, tell, arg);
}
