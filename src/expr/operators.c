/* What each operator makes of the types and units of its operands: types.c has the rules that all share. */
#include <string.h>

#include "expr/inside.h"

static bool
is_point(const struct part *p)
{
	return p->unit.special && p->unit.offset != 0;
}

/* A time and a duration, or two times. */
static struct part
time_sum(struct build *b, bool minus, struct part *x)
{
	struct part r = x[0];

	join(&r, x, 2);
	if (minus && x[0].type == EXPR_TIME && x[1].type == EXPR_TIME) {
		r.type = EXPR_FLOAT;
		r.unit = unit_second;
		r.ut = "s";
		emit(b, OP_TIME_SUB, 0, 0, &r);
		return r;
	}
	if (x[0].type != EXPR_TIME) {
		build_fault(b, ERR_TYPE, x[0].column, "a time can only be taken from or added to, on the left");
		build_remedy(b, "write: time + 5 [min], time - 5 [min] or time - time");
		return r;
	}
	need_number(b, &x[1], "what is added to a time must be");
	convert_to(b, &x[1], &unit_second, "s", 0, "what is added to a time must be");
	make_float(b, &x[1], 0);
	emit(b, minus ? OP_TIME_LESS : OP_TIME_ADD, 0, 0, &r);
	return r;
}

/* Points on a scale: point - point is a difference, point +- difference a point. True: nothing is left to convert. */
static bool
points(struct build *b, bool minus, struct part *x, struct part *r)
{
	bool l = is_point(&x[0]) && !x[0].bare, p = is_point(&x[1]) && !x[1].bare;

	if ((!l && !p) || (!x[0].bare && !x[1].bare && memcmp(x[0].unit.dim, x[1].unit.dim, sizeof x->unit.dim) != 0))
		return false;
	if (l && p && !minus) {
		build_fault(b, ERR_TYPE, x[1].column, "two temperatures in %s and %s are added", x[0].ut, x[1].ut);
		build_remedy(b, "a difference is in K: x + 5 [K]; the middle of several is avg(x, y)");
		return true;
	}
	if (minus && p) {	/* point - point, K - point, 100 - point */
		*r = unify(b, x, 2, "subtracted");
		double factor = unit_difference(r);
		emit(b, r->type == EXPR_INT ? OP_SUB_I : OP_SUB_F, 0, 0, r);
		scale(b, r, factor, 0, 0);
		return true;
	}
	size_t point = l ? 0 : 1, other = 1 - point;
	struct unit step = x[point].unit;
	step.offset = 0;
	if (!x[other].bare)
		convert_to(b, &x[other], &step, x[point].ut, (uint16_t)(1 - other),
		    "what is added to a temperature is");
	if (x[0].type != x[1].type) {
		make_float(b, &x[0], 1);
		make_float(b, &x[1], 0);
	}
	*r = x[point];
	join(r, x, 2);
	emit(b, r->type == EXPR_INT ? (minus ? OP_SUB_I : OP_ADD_I) : minus ? OP_SUB_F : OP_ADD_F, 0, 0, r);
	return true;
}

/* 1 + share, where the share is in %: 1 % or 100 %? */
static bool
per_cent(struct build *b, const struct part *x)
{
	for (int i = 0; i < 2; i++)
		if (x[i].bare && !x[1 - i].bare && unit_pure(&x[1 - i].unit) && x[1 - i].unit.factor != 1) {
			build_fault(b, ERR_TYPE, x[i].column,
			    "a number without a unit is added to or taken from one in %s", x[1 - i].ut);
			build_remedy(b, "write 5%% for per cent, 5 [1] for the plain number");
			return true;
		}
	return false;
}

static struct part
sum(struct build *b, bool minus, struct part *x)
{
	struct part r = x[0];

	if (x[0].type == EXPR_TEXT && x[1].type == EXPR_TEXT && !minus) {
		join(&r, x, 2);
		emit(b, OP_CONCAT, 0, text_slot(b), &r);
		return r;
	}
	if (x[0].type == EXPR_TIME || x[1].type == EXPR_TIME)
		return time_sum(b, minus, x);
	need_number(b, &x[0], minus ? "what is taken from must be" : "what is added must be");
	need_number(b, &x[1], minus ? "what is taken away must be" : "what is added must be");
	if (b->err != 0 || points(b, minus, x, &r) || per_cent(b, x))
		return r;
	r = unify(b, x, 2, minus ? "subtracted" : "added");
	r.items = -1;
	r.bare = x[0].bare && x[1].bare;
	emit(b, r.type == EXPR_INT ? (minus ? OP_SUB_I : OP_ADD_I) : minus ? OP_SUB_F : OP_ADD_F, 0, 0, &r);
	return r;
}

static struct part
product(struct build *b, bool divide, struct part *x)
{
	struct part r = x[0];

	for (int i = 0; i < 2 && b->err == 0; i++) {
		need_number(b, &x[i], divide ? "what is divided must be" : "what is multiplied must be");
		if (b->err == 0 && x[i].unit.special) {
			build_fault(b, ERR_TYPE, x[i].column, "a value in %s, a scale with a zero of its own, is %s",
			    x[i].ut, divide ? "divided" :
			    "multiplied");
			build_remedy(b, x[i].unit.offset != 0 ?
			    "first make it absolute: in(x, [K]); or take the number alone: number(x, [%s])" :
			    "take the number alone: number(x, [%s])", x[i].ut);
		}
	}
	if (divide || x[0].type != x[1].type) {
		make_float(b, &x[0], 1);
		make_float(b, &x[1], 0);
	}
	r = x[0];
	join(&r, x, 2);
	r.items = -1;
	unit_product(b, &r, &x[0], &x[1], divide ? -1 : 1);
	r.bare = x[0].bare && x[1].bare;
	emit(b, divide ? OP_DIV_F : r.type == EXPR_INT ? OP_MUL_I : OP_MUL_F, 0, 0, &r);
	if (unit_pure(&r.unit) && r.unit.factor != 1) {
		double factor = r.unit.factor;
		r.unit = unit_one;
		scale(b, &r, factor, 0, 0);
	}
	return r;
}

static struct part
power(struct build *b, struct part *x)
{
	struct part r = x[0];

	need_number(b, &x[0], "what is raised must be");
	need_number(b, &x[1], "the exponent must be");
	convert_to(b, &x[1], &unit_one, "", 0, "an exponent is");
	if (b->err != 0)
		return r;
	int64_t n = x[1].const_op >= 0 && x[1].type == EXPR_INT ? b->consts[b->ops[x[1].const_op].index].i : 100;
	join(&r, x, 2);
	r.items = -1;
	if (unit_pure(&x[0].unit))
		convert_to(b, &x[0], &unit_one, "", 1, "what is raised is");
	else if (x[0].unit.special || n < -9 || n > 9) {
		build_fault(b, ERR_TYPE, x[0].column, "a value in %s is raised to a power", x[0].ut);
		build_remedy(b, x[0].unit.special ? "make it absolute first: in(x, [K])" :
		    "write an integer from -9 to 9 as its exponent");
	}
	make_float(b, &x[0], 1);
	make_float(b, &x[1], 0);
	r.type = EXPR_FLOAT;
	if (unit_pure(&x[0].unit)) {
		r.unit = unit_one;
		r.ut = "";
	} else
		unit_power(b, &r, &x[0], (int)n);
	emit(b, OP_POW_F, 0, 0, &r);
	return r;
}

static struct part
compare(struct build *b, enum relation rel, struct part *x)
{
	struct part r = unify(b, x, 2, "compared");
	enum expr_type t = r.type;

	if (t == EXPR_BOOL && rel > REL_NE) {
		build_fault(b, ERR_TYPE, r.column, "which of two bools is larger");
		build_remedy(b, "compare bools with = or <>");
	}
	r.type = EXPR_BOOL;
	r.unit = unit_one;
	r.ut = "";
	r.items = -1;
	emit(b, t == EXPR_FLOAT ? OP_CMP_F : t == EXPR_TEXT ? OP_CMP_T : OP_CMP_I, (uint16_t)rel, t == EXPR_BOOL, &r);
	return r;
}

struct part
op_binary(struct build *b, const char *op, struct part l, struct part r)
{
	static const struct { const char *op; enum relation rel; } relations[] = {
		{ "=", REL_EQ }, { "==", REL_EQ }, { "<>", REL_NE }, { "!=", REL_NE }, { "<", REL_LT },
		    { "<=", REL_LE },
		{ ">", REL_GT }, { ">=", REL_GE },
	};
	static const struct { const char *op; enum op_code code; } logic[] = { { "and", OP_AND }, { "or", OP_OR },
	    { "xor", OP_XOR } };
	struct part x[2] = { l, r };

	if (b->err != 0)
		return l;
	for (size_t i = 0; i < sizeof relations / sizeof *relations; i++)
		if (strcmp(op, relations[i].op) == 0)
			return compare(b, relations[i].rel, x);
	for (size_t i = 0; i < sizeof logic / sizeof *logic; i++)
		if (strcmp(op, logic[i].op) == 0) {
			need_type(b, &l, EXPR_BOOL, "\"and\", \"or\" and \"xor\" take");
			need_type(b, &r, EXPR_BOOL, "\"and\", \"or\" and \"xor\" take");
			join(&l, x, 2);
			emit(b, logic[i].code, 0, 0, &l);
			return l;
		}
	return op[0] == '+' || op[0] == '-' ? sum(b, op[0] == '-', x) : op[0] == '^' ? power(b, x) :
	    product(b, op[0] == '/', x);
}

struct part
op_negate(struct build *b, struct part x)
{
	need_number(b, &x, "\"-\" stands before");
	if (b->err == 0 && x.const_op >= 0) {	/* -5 is a constant too */
		union konst *k = &b->consts[b->ops[x.const_op].index];
		if (x.type == EXPR_INT)
			k->i = -k->i;	/* literals are not negative: no overflow */
		else
			k->f = -k->f;
		b->from[x.const_op].column = x.column;
		b->from[x.const_op].len = (uint16_t)(x.end - x.column);
		return x;
	}
	if (b->err == 0 && x.unit.special) {
		build_fault(b, ERR_TYPE, x.column, "the negative of a value in %s", x.ut);
		build_remedy(b, "take a difference, or the number alone: number(x, [%s])", x.ut);
	}
	x.input = x.items = -1;
	emit(b, x.type == EXPR_INT ? OP_NEG_I : OP_NEG_F, 0, 0, &x);
	return x;
}

struct part
op_select(struct build *b, struct part c, struct part x, struct part y)
{
	struct part both[2] = { x, y };

	need_type(b, &c, EXPR_BOOL, "the condition must be");
	struct part r = unify(b, both, 2, "chosen between");
	r.mask |= c.mask;
	r.column = c.column;
	r.bare = x.bare && y.bare;
	emit(b, OP_SELECT, 0, 0, &r);
	return r;
}

struct part
op_else(struct build *b, struct part x, struct part y)
{
	struct part both[2] = { x, y };
	struct part r = unify(b, both, 2, "chosen between");

	emit(b, OP_ELSE, 0, 0, &r);
	return r;
}
