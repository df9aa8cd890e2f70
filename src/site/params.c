/*
 * See params.h. The terms are  sum := product (('+' | '-') product)*  and  product := operand ('*' operand)*, so there
 * is nothing to nest and nothing to recurse into.
 */
#include "site/params.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "base/num.h"

struct term {
	struct params	*params;
	const char	*p, *end;
	char		*why;
	size_t		 size;
	int		 err;
};

struct param *
params_find(struct params *p, const char *name, size_t len)
{
	for (size_t i = 0; i < p->n; i++)
		if (strlen(p->v[i].name) == len && memcmp(p->v[i].name, name, len) == 0)
			return &p->v[i];
	return NULL;
}

static void
fail(struct term *t, int err, const char *fmt, const char *s, size_t len)
{
	if (t->err != 0)
		return;
	t->err = err;
	int n = snprintf(t->why, t->size, "%s \"%.*s\"", fmt, (int)(len < 80 ? len : 80), s);
	struct near near = { .word = NULL };
	char word[65];
	if (err != ERR_NOTFOUND || len > 64 || n < 0)
		return;
	snprintf(word, sizeof word, "%.*s", (int)len, s);
	near.word = word;
	for (size_t i = 0; i < t->params->n; i++)
		near_try(&near, t->params->v[i].name);
	if (near.best != NULL && (size_t)n < t->size)
		snprintf(t->why + n, t->size - (size_t)n, "; did you mean \"%s\"?", near.best);
}

static void
skip_blanks(struct term *t)
{
	while (t->p < t->end && (*t->p == ' ' || *t->p == '\t'))
		t->p++;
}

static bool
is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const char *
param_value(struct term *t, const char *name, size_t len)
{
	struct param *p = params_find(t->params, name, len);
	if (p == NULL)
		fail(t, ERR_NOTFOUND, "there is no parameter", name, len);
	else if (p->value == NULL)
		fail(t, ERR_NOTFOUND, "the equipment gives no value for the parameter", name, len);
	return p != NULL ? p->value : NULL;
}

/*
 * How much of [start, end) is the name of a parameter. Names may hold a '-', which is also the sign for minus: the
 * longest name that is declared wins, so "n-1" is a difference unless there is a parameter "n-1".
 */
static size_t
name_len(const struct term *t, const char *start)
{
	const char *p = start;
	while (p < t->end && (is_name(*p) || *p == '-'))
		p++;
	/* Ends: every round ends before an earlier '-'. */
	for (const char *e = p; e > start; e--)
		if ((e == p || *e == '-') && params_find(t->params, start, (size_t)(e - start)) != NULL)
			return (size_t)(e - start);
	for (p = start; p < t->end && is_name(*p); p++)
		continue;
	return (size_t)(p - start);
}

static int64_t
operand(struct term *t)
{
	int64_t v = 0;
	skip_blanks(t);
	const char *start = t->p;
	size_t len = name_len(t, start);
	t->p += len;
	if (len == 0) {
		fail(t, ERR_SYNTAX, "a name or a number is missing in", start, (size_t)(t->end - start));
		return 0;
	}
	if (isdigit((unsigned char)*start)) {
		if (num_parse_i64(start, len, &v) != 0)
			fail(t, ERR_SYNTAX, "this is no whole number:", start, len);
		return v;
	}
	const char *value = param_value(t, start, len);
	if (value != NULL && num_parse_i64(value, strlen(value), &v) != 0)
		fail(t, ERR_SYNTAX, "a parameter that is calculated with is no whole number:", value, strlen(value));
	return v;
}

static int64_t
checked(struct term *t, bool overflow, int64_t v)
{
	if (overflow)
		fail(t, ERR_RANGE, "the result is too large in", t->p, 0);
	return overflow ? 0 : v;
}

static int64_t
product(struct term *t)
{
	int64_t v = operand(t), r;
	/* Ends: each round takes the sign and an operand, or fails. */
	for (skip_blanks(t); t->err == 0 && t->p < t->end && *t->p == '*'; skip_blanks(t)) {
		t->p++;
		bool over = __builtin_mul_overflow(v, operand(t), &r);
		v = checked(t, over, r);
	}
	return v;
}

static int64_t
sum(struct term *t)
{
	int64_t v = product(t), r;
	for (skip_blanks(t); t->err == 0 && t->p < t->end && (*t->p == '+' || *t->p == '-'); skip_blanks(t)) {
		bool plus = *t->p++ == '+';
		int64_t next = product(t);
		bool over = plus ? __builtin_add_overflow(v, next, &r) : __builtin_sub_overflow(v, next, &r);
		v = checked(t, over, r);
	}
	if (t->err == 0 && t->p < t->end)
		fail(t, ERR_SYNTAX, "this cannot be calculated:", t->p, (size_t)(t->end - t->p));
	return v;
}

/* What stands between the braces: a name alone gives its text, anything else a whole number. */
static void
expand_one(struct term *t, struct buf *out)
{
	const char *start = t->p;
	size_t len = (size_t)(t->end - start);
	struct param *whole = params_find(t->params, start, len);
	char number[NUM_TEXT];

	if (whole != NULL) {
		const char *value = param_value(t, start, len);
		if (value != NULL)
			buf_puts(out, value);
		return;
	}
	int64_t v = sum(t);
	if (t->err == 0)
		buf_put(out, number, num_i64(v, number));
}

int
params_expand(struct params *p, const char *text, struct buf *out, char *why, size_t size)
{
	/* Ends: every round moves text past a brace. */
	for (const char *open; (open = strstr(text, "${")) != NULL;) {
		const char *close = strchr(open, '}');
		buf_put(out, text, (size_t)(open - text));
		if (close == NULL) {
			snprintf(why, size, "\"${\" is not closed by a brace");
			return ERR_SYNTAX;
		}
		struct term t = { .params = p, .p = open + 2, .end = close, .why = why, .size = size };
		expand_one(&t, out);
		if (t.err != 0)
			return t.err;
		text = close + 1;
	}
	buf_puts(out, text);
	return out->err;
}
