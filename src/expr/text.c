/*
 * Texts. One that is made anew lies in the program's state, in the place that its operation was given; parts of a text
 * point into it. Characters are those of UTF-8; a byte that is none counts as one.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "expr/inside.h"
#include "model/status.h"

static void
set_text(const struct run *r, const struct op *op, struct cell *x, const char *s, size_t len)
{
	char *to = (char *)r->state + op->index;

	if (len > TEXT_SLOT) {
		cell_fail(r, x, (uint32_t)STATUS_BadOutOfRange, EXPR_WHY_LONG);
		return;
	}
	memmove(to, s, len);
	x->p = to;
	x->len = (uint32_t)len;
}

static void
concat(const struct run *r, const struct op *op, struct cell *x, const struct cell *y)
{
	char *to = (char *)r->state + op->index;

	cell_worse(x, y);
	if (status_is_bad(x->status))
		return;
	if (x->len + y->len > TEXT_SLOT) {
		cell_fail(r, x, (uint32_t)STATUS_BadOutOfRange, EXPR_WHY_LONG);
		return;
	}
	memmove(to, x->p, x->len);
	memcpy(to + x->len, y->p, y->len);
	x->p = to;
	x->len += y->len;
}

static void
text_of(const struct run *r, const struct op *op, struct cell *x)
{
	char s[400];
	size_t n = 0;
	int digits = (op->arg >> 8) - 1;
	double v;

	switch ((enum expr_type)(op->arg & 255)) {
	case EXPR_BOOL: n = (size_t)snprintf(s, sizeof s, "%s", x->i != 0 ? "true" : "false"); break;
	case EXPR_TIME: n = strlen(wall_format((struct wall){ x->i }, 3, s)); break;
	case EXPR_INT:
		n = num_i64(x->i, s);
		if (digits > 0)
			n += (size_t)snprintf(s + n, sizeof s - n, ".%0*d", digits, 0);
		break;
	default:
		v = x->f == 0 ? 0 : x->f;	/* no -0 */
		n = digits < 0 ? num_f64(v, s) : (size_t)snprintf(s, sizeof s, "%.*f", digits, v);
		for (size_t i = 0; i < n; i++)	/* whatever the locale says */
			s[i] = s[i] == ',' ? '.' : s[i];
		break;
	}
	set_text(r, op, x, s, n);
}

static void
enum_text(const struct run *r, const struct op *op, struct cell *x)
{
	const struct expr_tag *t = &r->p->tags[op->arg];
	char s[NUM_TEXT];

	for (uint32_t i = 0; i < t->nitems; i++)
		if (t->items[i].value == x->i) {
			set_text(r, op, x, t->items[i].text, strlen(t->items[i].text));
			return;
		}
	size_t n = num_i64(x->i, s);	/* a number without a text is told as it is */
	set_text(r, op, x, s, n);
}

static size_t
char_len(const char *p, size_t left)
{
	size_t n = utf8_len(p, left);
	return n > 0 ? n : 1;
}

/* Bytes of the first n characters. */
static size_t
prefix(const char *p, size_t len, int64_t n)
{
	size_t at = 0;

	while (at < len && n-- > 0)	/* ends: at grows by 1 or more */
		at += char_len(p + at, len - at);
	return at;
}

static int64_t
characters(const char *p, size_t len)
{
	int64_t n = 0;

	for (size_t at = 0; at < len; n++)
		at += char_len(p + at, len - at);
	return n;
}

static void
change_case(const struct run *r, const struct op *op, struct cell *x)
{
	set_text(r, op, x, x->p, x->len);
	if (status_is_bad(x->status))
		return;
	char *to = (char *)r->state + op->index;
	for (uint32_t i = 0; i < x->len; i++)
		if (op->arg ? to[i] >= 'a' && to[i] <= 'z' : to[i] >= 'A' && to[i] <= 'Z')
			to[i] ^= 0x20;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

static void
trim(struct cell *x)
{
	while (x->len > 0 && blank(x->p[x->len - 1]))
		x->len--;
	while (x->len > 0 && blank(x->p[0])) {
		x->p++;
		x->len--;
	}
}

static void
part(struct cell *x, int64_t skip, int64_t n)
{
	size_t from = prefix(x->p, x->len, skip), len = prefix(x->p + from, x->len - from, n);

	x->p += from;
	x->len = (uint32_t)len;
}

static void
find(struct cell *x, const struct cell *y)
{
	const char *at = y->len == 0 ? x->p : y->len > x->len ? NULL : memmem(x->p, x->len, y->p, y->len);

	x->i = at == NULL ? 0 : characters(x->p, (size_t)(at - x->p)) + 1;
	x->len = 0;
}

static void
match(const struct op *op, struct cell *x, const struct cell *y)
{
	bool fits = y->len <= x->len;

	x->i = fits && (y->len == 0 || (op->arg == 0 ? memmem(x->p, x->len, y->p, y->len) != NULL :
	    memcmp(op->arg == 1 ? x->p : x->p + x->len - y->len, y->p, y->len) == 0));
	x->len = 0;
}

static void
number(const struct run *r, struct cell *x)
{
	double v = 0;

	trim(x);
	if (num_parse_f64(x->p, x->len, '.', &v) != 0 || !isfinite(v)) {
		cell_fail(r, x, (uint32_t)STATUS_BadOutOfRange, EXPR_WHY_UNDEFINED);
		v = 0;
	}
	x->f = v;
	x->len = 0;
}

/* Operations with several operands: those behind x lie behind it on the stack. */
void
text_run(const struct run *r, const struct op *op, struct cell *x)
{
	struct cell *y = x + 1;

	if (op->code == OP_CONCAT) {
		concat(r, op, x, y);
		return;
	}
	if (op->code == OP_END || op->code == OP_FIND || op->code == OP_MATCH || op->code == OP_MID)
		cell_worse(x, y);
	if (op->code == OP_MID)
		cell_worse(x, &x[2]);
	if (status_is_bad(x->status)) {	/* a bad text may point nowhere */
		x->i = 0;
		x->len = 0;
		return;
	}
	switch ((enum op_code)op->code) {
	case OP_TEXT_OF: text_of(r, op, x); break;
	case OP_ENUM_TEXT: enum_text(r, op, x); break;
	case OP_LENGTH: x->i = characters(x->p, x->len); x->len = 0; break;
	case OP_CASE: change_case(r, op, x); break;
	case OP_TRIM: trim(x); break;
	case OP_END: {
		int64_t all = characters(x->p, x->len), n = y->i < 0 ? 0 : y->i < all ? y->i : all;
		part(x, op->arg ? all - n : 0, n);
		break;
	}
	case OP_MID:
		if (y->i < 1 || x[2].i < 0)
			cell_fail(r, x, (uint32_t)STATUS_BadOutOfRange, EXPR_WHY_RANGE);
		else
			part(x, y->i - 1, x[2].i);
		break;
	case OP_FIND: find(x, y); break;
	case OP_MATCH: match(op, x, y); break;
	case OP_NUMBER: number(r, x); break;
	default: break;
	}
}
