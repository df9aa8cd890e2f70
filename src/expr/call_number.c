/* Handlers of functions of numbers, of bits and of units. */
#include "expr/call.h"

static bool
numbers(struct build *b, struct call *c)
{
	for (size_t i = 0; i < c->n && b->err == 0; i++)
		if (!is_number(&c->args[i])) {
			build_fault(b, ERR_TYPE, c->args[i].column, "%s() takes numbers, this is of type %s",
			    c->f->name,
			    expr_type_name(c->args[i].type));
			build_remedy(b, c->args[i].type == EXPR_BOOL ? "write: x ? 1 : 0" :
			    "read the number in a text: number(x)");
		}
	return b->err == 0;
}

static bool
pure(struct build *b, struct part *p, const char *name)
{
	char what[60];

	snprintf(what, sizeof what, "%s() works on numbers", name);
	return convert_to(b, p, &unit_one, "", 0, what);
}

struct part
fn_abs(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];

	if (!numbers(b, c))
		return r;
	r.type = x->type;
	r.unit = x->unit;
	r.ut = x->ut;
	emit(b, x->type == EXPR_INT ? OP_ABS_I : OP_ABS_F, 0, 0, &r);
	return r;
}

/* min, max: of arguments, or over a window. */
struct part
fn_extreme(struct build *b, struct call *c, struct part r)
{
	if (c->over)
		return fn_window(b, c, r);
	if (!numbers(b, c))
		return r;
	if (c->n == 1) {
		build_fault(b, ERR_SYNTAX, c->column, "%s() of one value", c->f->name);
		build_remedy(b, "write %s(x, y), or %s(x over 10s)", c->f->name, c->f->name);
		return r;
	}
	struct part u = unify(b, c->args, c->n, "compared");
	u.column = r.column;
	u.end = r.end;
	bool fl = u.type == EXPR_FLOAT;
	for (size_t i = 1; i < c->n; i++)
		emit(b, c->f->param ? (fl ? OP_MAX_F : OP_MAX_I) : fl ? OP_MIN_F : OP_MIN_I, 0, 0, &u);
	return u;
}

struct part
fn_avg(struct build *b, struct call *c, struct part r)
{
	if (!numbers(b, c))
		return r;
	struct part u = unify(b, c->args, c->n, "averaged");
	for (size_t i = 0; i < c->n; i++)
		make_float(b, &c->args[i], (uint16_t)(c->n - 1 - i));
	u.type = EXPR_FLOAT;
	u.column = r.column;
	u.end = r.end;
	u.items = -1;
	for (size_t i = 1; i < c->n; i++)
		emit(b, OP_ADD_F, 0, 0, &u);
	if (c->n > 1) {
		uint32_t k = add_const(b, (union konst){ .f = 1.0 / (double)c->n });
		add_const(b, (union konst){ .f = 0 });
		emit(b, OP_CONVERT, 0, k, &u);
	}
	return u;
}

struct part
fn_clamp(struct build *b, struct call *c, struct part r)
{
	if (!numbers(b, c))
		return r;
	struct part u = unify(b, c->args, c->n, "compared");
	u.column = r.column;
	u.end = r.end;
	emit(b, u.type == EXPR_INT ? OP_CLAMP_I : OP_CLAMP_F, 0, 0, &u);
	return u;
}

struct part
fn_round(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];

	if (!numbers(b, c))
		return r;
	r.unit = x->unit;
	r.ut = x->ut;
	r.bare = x->bare;
	if (x->type == EXPR_FLOAT)
		emit(b, OP_ROUND, (uint16_t)c->f->param, 0, &r);
	return r;
}

/* div, mod */
struct part
fn_div(struct build *b, struct call *c, struct part r)
{
	if (!numbers(b, c))
		return r;
	struct part u = unify(b, c->args, c->n, "divided");
	if (b->err == 0 && u.unit.special) {
		build_fault(b, ERR_TYPE, c->column, "a value in %s, a scale with a zero of its own, is divided", u.ut);
		build_remedy(b, "take the number alone: number(x, [%s])", u.ut);
	}
	u.column = r.column;
	u.end = r.end;
	u.items = -1;
	if (c->f->param == 0) {
		need_type(b, &u, EXPR_INT, "div() takes");
		u.unit = unit_one;
		u.ut = "";
	}
	emit(b, c->f->param == 0 ? OP_DIV_I : u.type == EXPR_INT ? OP_MOD_I : OP_MOD_F, 0, 0, &u);
	return u;
}

struct part
fn_sqrt(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];

	if (!numbers(b, c))
		return r;
	make_float(b, x, 0);
	r.type = EXPR_FLOAT;
	if (unit_pure(&x->unit)) {
		pure(b, x, "sqrt");
		emit(b, OP_MATH, MATH_SQRT, 0, &r);
		return r;
	}
	/* The unit of the root is made of base units: first the number too. */
	struct part base = *x;
	if (x->unit.special || !unit_root(b, &base, x)) {
		build_fault(b, ERR_TYPE, x->column, "the square root of a value in %s has no unit", x->ut);
		build_remedy(b, "take the number alone: sqrt(number(x, [%s]))", x->ut);
		return r;
	}
	struct unit square = x->unit;
	square.factor = 1;
	convert_to(b, x, &square, x->ut, 0, "");
	r.unit = base.unit;
	r.ut = base.ut;
	emit(b, OP_MATH, MATH_SQRT, 0, &r);
	return r;
}

struct part
fn_math(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];

	if (!numbers(b, c) || !pure(b, x, c->f->name))
		return r;
	make_float(b, x, 0);
	r.type = EXPR_FLOAT;
	if (c->f->param >= MATH_ASIN) {
		r.unit = (struct unit){ .dim = { [UNIT_ANGLE] = 1 }, .factor = 1 };
		r.ut = "rad";
	}
	emit(b, OP_MATH, (uint16_t)c->f->param, 0, &r);
	return r;
}

struct part
fn_angle(struct build *b, struct call *c, struct part r)
{
	static const struct unit rad = { .dim = { [UNIT_ANGLE] = 1 }, .factor = 1 };
	struct part *x = &c->args[0];

	if (!numbers(b, c))
		return r;
	if (unit_pure(&x->unit) ? !pure(b, x, c->f->name) : !convert_to(b, x, &rad, "rad", 0, "an angle is"))
		return r;
	make_float(b, x, 0);
	r.type = EXPR_FLOAT;
	emit(b, OP_MATH, (uint16_t)c->f->param, 0, &r);
	return r;
}

struct part
fn_bits(struct build *b, struct call *c, struct part r)
{
	double lo, hi;

	need_type(b, &c->args[0], EXPR_INT, "bits() takes");
	if (!literal(b, &c->args[2], &hi, "the number of a bit") ||
	    !literal(b, &c->args[1], &lo, "the number of a bit"))
		return r;
	if (!(lo >= 0 && lo <= hi && hi <= 63)) {
		build_fault(b, ERR_RANGE, c->args[1].column, "bits are numbered 0 to 63, the lower first");
		build_remedy(b, "write: bits(x, 4..7)");
		return r;
	}
	emit(b, OP_BITS, (uint16_t)((unsigned)lo | (unsigned)hi << 8), 0, &r);
	return r;
}

struct part
fn_if(struct build *b, struct call *c, struct part r)
{
	struct part x = op_select(b, c->args[0], c->args[1], c->args[2]);

	x.mask = r.mask;
	return x;
}

/* in: another unit of the same dimension. as: a unit for a plain number. */
struct part
fn_unit(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];

	if (!numbers(b, c))
		return r;
	if (c->ut == NULL) {
		build_fault(b, ERR_SYNTAX, c->column, "%s() without a unit in brackets", c->f->name);
		build_remedy(b, "write: %s", c->f->param ? "as(x, [bar])" : "in(x, [kPa])");
		return r;
	}
	if (c->f->param == 0)
		convert_to(b, x, &c->unit, c->ut, 0, "what is converted must be");
	else if (pure(b, x, "as")) {
		x->unit = c->unit;
		x->ut = c->ut;
	}
	x->bare = false;
	x->input = -1;
	return *x;
}

/* number(x, [bar]), number(text), number(bool) */
struct part
fn_number(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];

	if (b->err == 0 && x->type == EXPR_TEXT && c->ut == NULL) {
		r.type = EXPR_FLOAT;
		emit(b, OP_NUMBER, 0, 0, &r);
		return r;
	}
	if (!numbers(b, c))
		return r;
	if (c->ut != NULL)
		convert_to(b, x, &c->unit, c->ut, 0, "the number is asked for");
	else if (!unit_pure(&x->unit)) {
		build_fault(b, ERR_SYNTAX, c->column, "the number of a value in %s depends on the unit", x->ut);
		build_remedy(b, "write: number(x, [%s])", x->ut);
	}
	x->unit = unit_one;
	x->ut = "";
	x->bare = false;
	x->input = x->items = -1;
	return *x;
}
