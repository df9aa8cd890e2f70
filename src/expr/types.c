/*
 * How values of several types and units come together. Two numbers that are added, compared or chosen between must have the same
 * dimension; the second is converted to the unit of the first. A number written without a unit ("speed > 100") takes
 * the unit of what it meets. Integers stay integers as long as no conversion is needed; a division always gives a
 * float.
 */
#include <string.h>

#include "base/near.h"
#include "expr/inside.h"

bool
is_number(const struct part *p)
{
	return p->type == EXPR_INT || p->type == EXPR_FLOAT;
}

void
need_type(struct build *b, const struct part *p, enum expr_type t, const char *what)
{
	if (b->err != 0 || p->type == t)
		return;
	build_fault(b, ERR_TYPE, p->column, "%s a value of type %s, this is of type %s", what, expr_type_name(t),
	    expr_type_name(p->type));
	if (t == EXPR_BOOL && is_number(p))
		build_remedy(b, "compare it: x <> 0");
	else if (t == EXPR_INT && p->type == EXPR_FLOAT)
		build_remedy(b, "make it an integer: round(x)");
	else if (t == EXPR_TEXT)
		build_remedy(b, "make it a text: text(x)");
}

void
need_number(struct build *b, const struct part *p, const char *what)
{
	if (b->err != 0 || is_number(p))
		return;
	build_fault(b, ERR_TYPE, p->column, "%s a number, this is of type %s", what, expr_type_name(p->type));
	if (p->type == EXPR_BOOL)
		build_remedy(b, "write: x ? 1 : 0");
	else if (p->type == EXPR_TEXT)
		build_remedy(b, "read the number in it: number(x)");
}

void
make_float(struct build *b, struct part *p, uint16_t depth)
{
	if (b->err != 0 || p->type == EXPR_FLOAT)
		return;
	p->type = EXPR_FLOAT;
	if (p->const_op >= 0) {
		struct op *op = &b->ops[p->const_op];
		b->consts[op->index].f = (double)b->consts[op->index].i;
		op->arg = EXPR_FLOAT;
		b->from[p->const_op].type = EXPR_FLOAT;
		return;
	}
	emit(b, OP_TO_FLOAT, depth, 0, p);
}

void
scale(struct build *b, struct part *p, double factor, double offset, uint16_t depth)
{
	if (b->err != 0 || (factor == 1 && offset == 0))
		return;
	make_float(b, p, depth);
	if (p->const_op >= 0) {
		double *f = &b->consts[b->ops[p->const_op].index].f;
		*f = *f * factor + offset;
		b->from[p->const_op].unit = p->ut;
		return;
	}
	uint32_t index = add_const(b, (union konst){ .f = factor });
	add_const(b, (union konst){ .f = offset });
	emit(b, OP_CONVERT, depth, index, p);
}

static const char *
unit_shown(const struct part *p)
{
	return p->ut[0] == '\0' ? "1 (a plain number)" : p->ut;
}

bool
convert_to(struct build *b, struct part *p, const struct unit *u, const char *ut, uint16_t depth, const char *what)
{
	double factor, offset;

	if (b->err != 0)
		return false;
	if (unit_conversion(&p->unit, u, &factor, &offset) != 0) {
		build_fault(b, ERR_TYPE, p->column, "%s in %s, this is in %s, which measures something else", what,
		    ut[0] == '\0' ? "1 (a plain number)" : ut, unit_shown(p));
		build_remedy(b, ut[0] == '\0' ? "take the number alone: number(x, [%s])" : p->ut[0] == '\0' ?
		    "give it its unit: 5 [bar] for a number, as(x, [bar]) for a value, or unit: at the tag" :
		    "look for a wrong tag, or a wrong unit at one of the tags", p->ut);
		return false;
	}
	p->unit = *u;
	p->ut = ut;
	scale(b, p, factor, offset, depth);
	return true;
}

/* The number of an enumeration's text, put in the place of the text. */
static bool
enum_constant(struct build *b, const struct part *number, struct part *text)
{
	const struct expr_tag *t = &b->tags[number->items];
	struct op *op = &b->ops[text->const_op];
	const char *s = b->consts[op->index].p;
	size_t len = (size_t)b->consts[op->index + 1].i;
	char word[64];

	snprintf(word, sizeof word, "%.*s", (int)(len < 60 ? len : 60), s);
	struct near n = { .word = word };
	for (uint32_t i = 0; i < t->nitems; i++) {
		if (strlen(t->items[i].text) == len && memcmp(t->items[i].text, s, len) == 0) {
			b->consts[op->index].i = t->items[i].value;
			op->arg = EXPR_INT;
			b->from[text->const_op].type = EXPR_INT;
			text->type = EXPR_INT;
			text->bare = true;
			return true;
		}
		near_try(&n, t->items[i].text);
	}
	build_fault(b, ERR_TYPE, text->column, "the enumeration of %s has no \"%s\"", t->name, word);
	build_remedy(b, n.best != NULL ? "did you mean \"%s\"?" : "write one of its texts, or the number", n.best);
	return false;
}

void
join(struct part *r, const struct part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		r->mask |= parts[i].mask;
		r->column = r->column < parts[i].column ? r->column : parts[i].column;
		r->end = r->end > parts[i].end ? r->end : parts[i].end;
		if (parts[i].items != r->items)
			r->items = -1;
	}
	r->const_op = r->input = -1;
	r->bare = false;
}

struct part
unify(struct build *b, struct part *parts, size_t n, const char *what)
{
	size_t ref = 0;
	bool fl = false;

	while (ref < n && parts[ref].bare)
		ref++;
	ref = ref == n ? 0 : ref;
	for (size_t i = 0; i < n && b->err == 0; i++) {
		if (parts[i].type == EXPR_TEXT && parts[i].const_op >= 0)
			for (size_t k = 0; k < n && parts[i].type == EXPR_TEXT; k++)
				if (parts[k].items >= 0 && parts[k].type == EXPR_INT &&
				    !enum_constant(b, &parts[k], &parts[i]))
					return parts[0];
		if (parts[ref].type == EXPR_TEXT && parts[i].type == EXPR_INT && parts[i].items >= 0)
			ref = i;
	}
	for (size_t i = 0; i < n && b->err == 0; i++) {
		if (is_number(&parts[ref]) ? !is_number(&parts[i]) : parts[i].type != parts[ref].type) {
			build_fault(b, ERR_TYPE, parts[i].column, "values of type %s and %s are %s",
			    expr_type_name(parts[ref].type), expr_type_name(parts[i].type), what);
			build_remedy(b,
			    "text(x) makes a text of a number, number(x) a number of a text, x <> 0 a bool of it");
			return parts[0];
		}
		if (is_number(&parts[ref]) && parts[i].bare) {
			parts[i].unit = parts[ref].unit;
			parts[i].ut = parts[ref].ut;
		}
	}
	for (size_t i = 0; i < n && b->err == 0 && is_number(&parts[ref]); i++) {
		char text[80];
		snprintf(text, sizeof text, "what it is %s with is", what);
		convert_to(b, &parts[i], &parts[ref].unit, parts[ref].ut, (uint16_t)(n - 1 - i), text);
		fl = fl || parts[i].type == EXPR_FLOAT;
	}
	for (size_t i = 0; i < n && fl; i++)
		make_float(b, &parts[i], (uint16_t)(n - 1 - i));
	struct part r = parts[ref];
	join(&r, parts, n);
	return r;
}
