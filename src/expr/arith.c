/*
 * Arithmetic on cells: integers that do not wrap around, floats that are numbers or bad, comparisons, times. Whatever
 * goes wrong is a status with its reason; the value behind a bad status is defined, and means nothing.
 */
#include <math.h>
#include <string.h>

#include "expr/inside.h"
#include "model/status.h"

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/* Two integers to one. */
void
num_integers(const struct run *r, enum op_code code, struct cell *x, const struct cell *y)
{
	bool over = false;

	cell_worse(x, y);
	switch (code) {
	case OP_ADD_I: over = __builtin_add_overflow(x->i, y->i, &x->i); break;
	case OP_SUB_I: over = __builtin_sub_overflow(x->i, y->i, &x->i); break;
	case OP_MUL_I: over = __builtin_mul_overflow(x->i, y->i, &x->i); break;
	case OP_MIN_I: x->i = y->i < x->i ? y->i : x->i; break;
	case OP_MAX_I: x->i = y->i > x->i ? y->i : x->i; break;
	default:	/* DIV_I, MOD_I */
		if (y->i == 0)
			cell_range(r, x, EXPR_WHY_DIVIDE);
		else if (y->i == -1) {	/* the one quotient that does not fit */
			over = code == OP_DIV_I && x->i == INT64_MIN;
			x->i = code == OP_MOD_I || over ? 0 : -x->i;
		} else
			x->i = code == OP_DIV_I ? floor_div(x->i, y->i) : x->i - floor_div(x->i, y->i) * y->i;
	}
	if (over)
		cell_range(r, x, EXPR_WHY_OVERFLOW);
}

void
num_floats(const struct run *r, enum op_code code, struct cell *x, const struct cell *y)
{
	cell_worse(x, y);
	switch (code) {
	case OP_ADD_F: x->f += y->f; break;
	case OP_SUB_F: x->f -= y->f; break;
	case OP_MUL_F: x->f *= y->f; break;
	case OP_MIN_F: x->f = y->f < x->f ? y->f : x->f; break;
	case OP_MAX_F: x->f = y->f > x->f ? y->f : x->f; break;
	case OP_POW_F: x->f = pow(x->f, y->f); break;
	default:	/* DIV_F, MOD_F */
		if (y->f == 0) {
			cell_range(r, x, EXPR_WHY_DIVIDE);
			x->f = 0;
		} else
			x->f = code == OP_DIV_F ? x->f / y->f : x->f - floor(x->f / y->f) * y->f;
	}
	cell_float(r, x);
}

void
num_math(const struct run *r, enum math_fn fn, struct cell *x)
{
	switch (fn) {
	case MATH_SQRT:	 x->f = sqrt(x->f); break;
	case MATH_EXP:	 x->f = exp(x->f); break;
	case MATH_LN:	 x->f = x->f > 0 ? log(x->f) : NAN; break;
	case MATH_LOG10: x->f = x->f > 0 ? log10(x->f) : NAN; break;
	case MATH_SIN:	 x->f = sin(x->f); break;
	case MATH_COS:	 x->f = cos(x->f); break;
	case MATH_TAN:	 x->f = tan(x->f); break;
	case MATH_ASIN:	 x->f = asin(x->f); break;
	case MATH_ACOS:	 x->f = acos(x->f); break;
	case MATH_ATAN:	 x->f = atan(x->f); break;
	}
	cell_float(r, x);
}

void
num_round(const struct run *r, enum round_fn fn, struct cell *x)
{
	double v = fn == ROUND_NEAREST ? round(x->f) : fn == ROUND_DOWN ? floor(x->f) : fn == ROUND_UP ? ceil(x->f) :
	    trunc(x->f);

	x->i = 0;
	if (v >= -0x1p63 && v < 0x1p63)
		x->i = (int64_t)v;
	else
		cell_range(r, x, EXPR_WHY_OVERFLOW);
}

static bool
holds(enum relation rel, int order)
{
	switch (rel) {
	case REL_EQ: return order == 0;
	case REL_NE: return order != 0;
	case REL_LT: return order < 0;
	case REL_LE: return order <= 0;
	case REL_GT: return order > 0;
	case REL_GE: return order >= 0;
	}
	return false;
}

static int
text_order(const struct cell *x, const struct cell *y)
{
	uint32_t n = x->len < y->len ? x->len : y->len;
	int c = n > 0 ? memcmp(x->p, y->p, n) : 0;
	return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

void
num_compare(const struct op *op, struct cell *x, const struct cell *y)
{
	int order = op->code == OP_CMP_I ? (x->i > y->i) - (x->i < y->i) :
	    op->code == OP_CMP_F ? (x->f > y->f) - (x->f < y->f) : 0;

	if (op->code == OP_CMP_T)
		order = status_is_bad(x->status) || status_is_bad(y->status) ? 0 : text_order(x, y);
	cell_worse(x, y);
	x->i = holds((enum relation)op->arg, order);
	x->len = 0;
}

/* Times are whole ns, durations are s. */
void
num_times(const struct run *r, enum op_code code, struct cell *x, const struct cell *y)
{
	int64_t d;

	cell_worse(x, y);
	if (code == OP_TIME_SUB) {
		if (__builtin_sub_overflow(x->i, y->i, &d))
			cell_range(r, x, EXPR_WHY_OVERFLOW);
		else
			x->f = (double)d / 1e9;
		return;
	}
	double ns = y->f * 1e9;
	if (!(ns > -0x1p62 && ns < 0x1p62) || (code == OP_TIME_ADD ? __builtin_add_overflow(x->i, (int64_t)ns, &d) :
	    __builtin_sub_overflow(x->i, (int64_t)ns, &d)))
		cell_range(r, x, EXPR_WHY_OVERFLOW);
	else
		x->i = d;
}
