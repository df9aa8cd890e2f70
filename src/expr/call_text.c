/* Handlers of functions of texts, times and quality. */
#include "expr/call.h"

#include <string.h>

static void
need_texts(struct build *b, struct call *c, size_t n)
{
	for (size_t i = 0; i < n && b->err == 0; i++)
		if (c->args[i].type != EXPR_TEXT) {
			build_fault(b, ERR_TYPE, c->args[i].column, "%s() takes a text here, this is of type %s",
			    c->f->name,
			    expr_type_name(c->args[i].type));
			build_remedy(b, "make it a text: text(x)");
		}
}

static void
need_integer(struct build *b, struct part *p, const char *what)
{
	need_type(b, p, EXPR_INT, what);
	convert_to(b, p, &unit_one, "", 0, what);
	need_type(b, p, EXPR_INT, what);
}

struct part
fn_text(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];
	double digits = -1;

	if (c->n == 2 && literal(b, &c->args[1], &digits, "the number of digits") && !(digits >= 0 && digits <= 15)) {
		build_fault(b, ERR_RANGE, c->args[1].column, "from 0 to 15 digits can be written");
		return r;
	}
	r.type = EXPR_TEXT;
	if (x->type == EXPR_TEXT)
		return *x;
	if (x->items >= 0 && c->n == 1)
		emit(b, OP_ENUM_TEXT, (uint16_t)x->items, text_slot(b), &r);
	else
		emit(b, OP_TEXT_OF, (uint16_t)((unsigned)x->type | (unsigned)(digits + 1) << 8), text_slot(b), &r);
	return r;
}

struct part
fn_len(struct build *b, struct call *c, struct part r)
{
	need_texts(b, c, 1);
	emit(b, OP_LENGTH, 0, 0, &r);
	return r;
}

/* upper, lower, trim */
struct part
fn_edit(struct build *b, struct call *c, struct part r)
{
	need_texts(b, c, 1);
	r.type = EXPR_TEXT;
	if (c->f->param == 2)
		emit(b, OP_TRIM, 0, 0, &r);
	else
		emit(b, OP_CASE, (uint16_t)c->f->param, text_slot(b), &r);
	return r;
}

/* left, right */
struct part
fn_ends(struct build *b, struct call *c, struct part r)
{
	need_texts(b, c, 1);
	need_integer(b, &c->args[1], "a number of characters is");
	r.type = EXPR_TEXT;
	emit(b, OP_END, (uint16_t)c->f->param, 0, &r);
	return r;
}

struct part
fn_mid(struct build *b, struct call *c, struct part r)
{
	need_texts(b, c, 1);
	for (size_t i = 1; i < 3 && b->err == 0; i++)
		if (c->args[i].type != EXPR_INT || !unit_pure(&c->args[i].unit))
			build_fault(b, ERR_TYPE, c->args[i].column, "a number of characters is a plain integer");
	r.type = EXPR_TEXT;
	emit(b, OP_MID, 0, 0, &r);
	return r;
}

struct part
fn_find(struct build *b, struct call *c, struct part r)
{
	need_texts(b, c, 2);
	emit(b, OP_FIND, 0, 0, &r);
	return r;
}

/* contains, starts, ends */
struct part
fn_match(struct build *b, struct call *c, struct part r)
{
	need_texts(b, c, 2);
	r.type = EXPR_BOOL;
	emit(b, OP_MATCH, (uint16_t)c->f->param, 0, &r);
	return r;
}

struct part
fn_now(struct build *b, struct call *c, struct part r)
{
	(void)c;
	r.type = EXPR_TIME;
	b->uses_time = true;
	emit(b, OP_NOW, 0, 0, &r);
	return r;
}

/* time, age: of a tag, whose value is not needed */
struct part
fn_time_of(struct build *b, struct call *c, struct part r)
{
	struct part *x = &c->args[0];

	if (b->err != 0)
		return r;
	if (x->input < 0 || b->nops == 0 || b->ops[b->nops - 1].code != OP_LOAD) {
		build_fault(b, ERR_TYPE, x->column, "%s() is known of a tag, not of what is worked out", c->f->name);
		build_remedy(b, "write: %s(tag)", c->f->name);
		return r;
	}
	b->nops--;
	b->depth--;
	r.type = c->f->param ? EXPR_FLOAT : EXPR_TIME;
	if (c->f->param) {
		r.unit = unit_second;
		r.ut = "s";
		b->uses_time = true;
	}
	emit(b, c->f->param ? OP_AGE : OP_TIME_OF, (uint16_t)x->input, 0, &r);
	return r;
}

struct part
fn_clock(struct build *b, struct call *c, struct part r)
{
	struct part t = r;

	if (c->n == 0)
		fn_now(b, c, t);
	else
		need_type(b, &c->args[0], EXPR_TIME, "parts of the date and the time are taken of");
	if (c->f->param == CLOCK_OF_DAY) {
		r.type = EXPR_FLOAT;
		r.unit = unit_second;
		r.ut = "s";
	}
	emit(b, OP_CLOCK, (uint16_t)c->f->param, 0, &r);
	return r;
}

struct part
fn_quality(struct build *b, struct call *c, struct part r)
{
	r.type = c->f->param == QUALITY_STATUS ? EXPR_INT : c->f->param == QUALITY_TEXT ? EXPR_TEXT : EXPR_BOOL;
	emit(b, OP_QUALITY, (uint16_t)c->f->param, 0, &r);
	return r;
}
