/*
 * Calls: the arguments are parsed onto the stack, then the function's handler checks them and emits what it is made of.
 * Arguments that must be written as plain numbers (modulo, digits, a window's length) are taken off again: they become
 * part of the operation.
 */
#include "expr/call.h"

#include <string.h>

#include "base/near.h"

static const struct fn functions[] = {
#define FN(name, form, help, example, handler, param, min, max) { #name, handler, param, min, max },
#include "expr/functions.def"
#undef FN
};
const struct expr_function expr_functions[] = {
#define FN(name, form, help, example, handler, param, min, max) { #name, form, help, example },
#include "expr/functions.def"
#undef FN
	{ NULL, NULL, NULL, NULL }
};

static const char *
form_of(const struct fn *f)
{
	return expr_functions[f - functions].form;
}

static const struct fn *
find_function(struct build *b, const char *name, size_t len, uint16_t column)
{
	static const struct { const char *habit, *ours; } habits[] = {
		{ "average", "mean(x over 10s) or avg(x, y)" }, { "twa", "tmean" }, { "len_text", "len" },
		    { "substr", "mid" },
		{ "log", "ln or log10" }, { "pow", "x ^ 2" }, { "int", "trunc or round" }, { "std", "stddev" },
		    { "abs_value", "abs" },
		{ "convert", "in(x, [kPa])" }, { "bit", "x.3" }, { "concat", "a + b" }, { "timer", "held" },
		    { "iif", "if" },
	};
	char word[32];

	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if (strlen(functions[i].name) == len && memcmp(functions[i].name, name, len) == 0)
			return &functions[i];
	snprintf(word, sizeof word, "%.*s", (int)(len < 30 ? len : 30), name);
	struct near n = { .word = word };
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		near_try(&n, functions[i].name);
	const char *best = n.best;
	for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
		if (strcmp(word, habits[i].habit) == 0)
			best = habits[i].ours;
	build_fault(b, ERR_NOTFOUND, column, "there is no function \"%s\"", word);
	build_remedy(b, best != NULL ? "write: %s" : "`penstock keys expressions` lists all functions", best);
	return NULL;
}

/* over 10s, over 20 */
static void
parse_over(struct build *b, struct call *c)
{
	double v;

	lex_next(b);
	struct part w = parse_expr(b);
	if (b->err != 0)
		return;
	bool bare = w.bare;
	if (!bare)
		convert_to(b, &w, &unit_second, "s", 0, "the length of a window is");
	if (b->err != 0 || !literal(b, &w, &v, "the length of a window"))
		return;
	c->over = true;
	if (bare ? v < 1 || v > EXPR_WINDOW_MAX || v != __builtin_floor(v) : !(v >= 1e-3 && v <= 366 * 86400.0)) {
		build_fault(b, ERR_RANGE, w.column, "a window is from 1ms to 366 days long, or from 1 to %u samples",
		    EXPR_WINDOW_MAX);
		build_remedy(b, "write: over 10s, over 8h, over 20");
		return;
	}
	if (bare)
		c->count = (uint32_t)v;
	else
		c->span_ns = (int64_t)(v * 1e9 + 0.5);
}

static void
parse_argument(struct build *b, struct call *c)
{
	if (b->tok.kind == TOK_UNIT) {
		if (c->ut != NULL || c->n == 0) {
			build_fault(b, ERR_SYNTAX, b->tok.column, "a unit has no place here");
			build_remedy(b, "write: %s", form_of(c->f));
			return;
		}
		read_unit(b, b->tok.p, b->tok.len, b->tok.column + 1, &c->unit, &c->ut);
		lex_next(b);
		return;
	}
	if (c->n == ARGS_MAX) {
		build_fault(b, ERR_LIMIT, b->tok.column, "more than %u arguments", ARGS_MAX);
		return;
	}
	c->args[c->n] = parse_expr(b);
	c->n++;
	if (tok_is(b, "over") && b->err == 0) {
		if (c->n != 1 || c->over) {
			build_fault(b, ERR_SYNTAX, b->tok.column, "only the first argument may be over a window");
			build_remedy(b, "write: %s", form_of(c->f));
			return;
		}
		parse_over(b, c);
	}
}

static void
parse_arguments(struct build *b, struct call *c)
{
	lex_next(b);	/* ( */
	if (tok_is(b, ")"))
		return;
	while (b->err == 0) {	/* ends: each turn takes a token, at the end of the text there is no more */
		parse_argument(b, c);
		if (b->err != 0 || tok_is(b, ")"))
			return;
		if (!tok_is(b, ",") && !(tok_is(b, "..") && strcmp(c->f->name, "bits") == 0)) {
			build_fault(b, ERR_SYNTAX, b->tok.column, "the arguments of %s() go on here without a comma",
			    c->f->name);
			build_remedy(b, "write: %s", form_of(c->f));
			return;
		}
		lex_next(b);
	}
}

struct part
parse_call(struct build *b, const char *name, size_t len, uint16_t column)
{
	struct call c = { .f = find_function(b, name, len, column), .column = column };
	struct part r = { .type = EXPR_INT, .unit = unit_one, .ut = "", .const_op = -1, .input = -1, .items = -1,
	    .column = column };

	if (c.f == NULL || b->err != 0)
		return r;
	if (++b->nest > EXPR_DEPTH_MAX * 2) {
		build_fault(b, ERR_LIMIT, column, "more than %u parentheses, calls or signs within each other",
		    EXPR_DEPTH_MAX);
		return r;
	}
	parse_arguments(b, &c);
	b->nest--;
	c.end = r.end = b->tok.end;
	if (b->err == 0 && (c.n < c.f->min || c.n > c.f->max)) {
		build_fault(b, ERR_SYNTAX, column, "%s() with %zu argument%s", c.f->name, c.n, c.n == 1 ? "" : "s");
		build_remedy(b, "write: %s", form_of(c.f));
	}
	bool windowed = c.f->handler == fn_window || c.f->handler == fn_extreme;
	if (b->err == 0 && c.over && !windowed) {
		build_fault(b, ERR_TYPE, column, "%s() knows no window", c.f->name);
		build_remedy(b, "write: %s", form_of(c.f));
	}
	if (b->err == 0 && c.ut != NULL && c.f->handler != fn_unit && c.f->handler != fn_number) {
		build_fault(b, ERR_TYPE, column, "%s() takes no unit", c.f->name);
		build_remedy(b, "write: %s", form_of(c.f));
	}
	if (b->err != 0)
		return r;
	for (size_t i = 0; i < c.n; i++)
		r.mask |= c.args[i].mask;
	r = c.f->handler(b, &c, r);
	r.column = column;
	r.end = c.end;
	lex_next(b);
	return r;
}

bool
literal(struct build *b, const struct part *p, double *out, const char *what)
{
	if (b->err != 0)
		return false;
	if (p->const_op < 0 || !is_number(p)) {
		build_fault(b, ERR_TYPE, p->column, "%s is not written as a number", what);
		build_remedy(b, "it must be known beforehand: write a number");
		return false;
	}
	union konst k = b->consts[b->ops[p->const_op].index];
	*out = p->type == EXPR_INT ? (double)k.i : k.f;
	drop_const(b, p);
	return b->err == 0;
}
