/*
 * See unit.h. The grammar is UCUM's (2.1, section 2.2), read from left to right by a walker with one frame a
 * parenthesis:
 *
 *	unit      := ['/'] component (('.' | '/') component)*
 *	component := '(' unit ')' [annotation] | symbol [exponent] [annotation] | number | annotation
 */
#include "model/unit.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/near.h"

#define GUESS_MAX 20	/* longer symbols are not guessed at */
#define POWER_MAX 9	/* the highest exponent of a symbol that makes sense */

struct walk {
	const char	*text, *p, *end;
	char		*why;
	size_t		 size;
	size_t		 parts;		/* symbols so far: a special one must be alone */
};

/* before "the words" after */
static int
fault(struct walk *w, const char *before, const char *s, size_t len, const char *after)
{
	snprintf(w->why, w->size, "%s\"%.*s\"%s", before, (int)(len < 60 ? len : 60), s, after);
	return ERR_SYNTAX;
}

/* The same about the whole text. */
static int
whole(struct walk *w, const char *before, const char *after)
{
	return fault(w, before, w->text, (size_t)(w->end - w->text), after);
}

static const struct unit_atom *
find_atom(const char *s, size_t len, bool metric_only)
{
	for (const struct unit_atom *a = unit_atoms; a->code != NULL; a++)
		if (strlen(a->code) == len && memcmp(a->code, s, len) == 0 && (a->metric || !metric_only))
			return a;
	return NULL;
}

/* A symbol alone wins over prefix and symbol: "min" is a minute, "cd" a candela, "Pa" a pascal. */
static const struct unit_atom *
find_symbol(const char *s, size_t len, double *prefix)
{
	const struct unit_atom *a = find_atom(s, len, false);

	*prefix = 1;
	for (const struct unit_prefix *p = unit_prefixes; a == NULL && p->code != NULL; p++) {
		size_t n = strlen(p->code);
		if (n < len && memcmp(s, p->code, n) == 0 && (a = find_atom(s + n, len - n, true)) != NULL)
			*prefix = p->factor;
	}
	return a;
}

static const char *
habit(const char *s, size_t len)
{
	for (const struct unit_habit *h = unit_habits; h->habit != NULL; h++)
		if (strlen(h->habit) == len && memcmp(h->habit, s, len) == 0)
			return h->ucum;
	return NULL;
}

/* Try prefix and atom together as a candidate; the best so far is kept in best. */
static void
try_code(struct near *n, const char *prefix, const char *atom, char *best, size_t size)
{
	char code[32];
	size_t before = n->best != NULL ? n->distance : SIZE_MAX, len = strlen(prefix) + strlen(atom),
	    word = strlen(n->word);

	if (len > word + 2 || word > len + 2)
		return;
	snprintf(code, sizeof code, "%s%s", prefix, atom);
	near_try(n, code);
	if (n->best != NULL && n->distance < before) {
		snprintf(best, size, "%s", code);
		n->best = best;
	}
}

static int
unknown(struct walk *w, const char *s, size_t len)
{
	char word[GUESS_MAX + 1], best[32];
	const char *known = habit(s, len);

	snprintf(word, sizeof word, "%.*s", (int)(len < GUESS_MAX ? len : GUESS_MAX), s);
	struct near n = { .word = word };
	for (const struct unit_atom *a = unit_atoms; known == NULL && len < GUESS_MAX && a->code != NULL; a++) {
		try_code(&n, "", a->code, best, sizeof best);
		for (const struct unit_prefix *p = unit_prefixes; a->metric && p->code != NULL; p++)
			try_code(&n, p->code, a->code, best, sizeof best);
	}
	if (known == NULL)
		known = n.best;
	snprintf(w->why, w->size, "\"%s\" is no UCUM unit%s%s%s", word, known ? "; did you mean \"" : "", known ?
	    known : "",
	    known ? "\"?" : "");
	return ERR_SYNTAX;
}

static bool
ends_symbol(char c)
{
	return strchr("./(){}+-", c) != NULL || isdigit((unsigned char)c);
}

static size_t
symbol_len(const char *p, const char *end)
{
	const char *s = p;
	if (end - p >= 3 && p[0] == '1' && p[1] == '0' && (p[2] == '*' || p[2] == '^'))
		return 3;
	while (p < end && !ends_symbol(*p)) {
		const char *close = *p == '[' ? memchr(p, ']', (size_t)(end - p)) : NULL;
		p = close != NULL ? close + 1 : p + 1;
	}
	return (size_t)(p - s);
}

/* [+-]digits behind a symbol or a parenthesis; 1 when there is none. */
static int
exponent(struct walk *w, int *out)
{
	const char *s = w->p;
	int v = 0, sign = 1;

	*out = 1;
	if (w->p < w->end && (*w->p == '-' || *w->p == '+'))
		sign = *w->p++ == '-' ? -1 : 1;
	if (w->p == w->end || !isdigit((unsigned char)*w->p))
		return w->p == s ? 0 : whole(w, "a power lacks its number in ", "");
	/* Ends: at the last digit, or past the highest power. */
	while (w->p < w->end && isdigit((unsigned char)*w->p) && v <= POWER_MAX)
		v = v * 10 + (*w->p++ - '0');
	if (v > POWER_MAX || v == 0)
		return whole(w, "the power in ", " is not from 1 to 9");
	*out = sign * v;
	return 0;
}

/* {anything} says what is counted, and changes nothing. UCUM 2.1, section 2.2, clauses 10 and 11. */
static int
annotation(struct walk *w)
{
	if (w->p == w->end || *w->p != '{')
		return 0;
	const char *close = memchr(w->p, '}', (size_t)(w->end - w->p));
	if (close == NULL || memchr(w->p + 1, '{', (size_t)(close - w->p - 1)) != NULL)
		return whole(w, "a brace is not closed in ", "");
	w->p = close + 1;
	return 0;
}

static int
apply(struct walk *w, struct unit *u, const struct unit *part, int power)
{
	u->factor *= pow(part->factor, power);
	u->offset = part->offset;
	u->special |= part->special;
	for (size_t i = 0; i < UNIT_DIMS; i++) {
		int d = u->dim[i] + part->dim[i] * power;
		if (d < -100 || d > 100)
			return whole(w, "the powers in ", " are too high");
		u->dim[i] = (int8_t)d;
	}
	return 0;
}

static int
take_symbol(struct walk *w, struct unit *u, int sign)
{
	const char *s = w->p;
	size_t len = symbol_len(s, w->end);
	double prefix;
	int power;
	const struct unit_atom *a = find_symbol(s, len, &prefix);

	if (len == 0)
		return whole(w, "a unit is missing in ", "");
	if (a == NULL)
		return unknown(w, s, len);
	w->p += len;
	w->parts++;
	if (exponent(w, &power) != 0)
		return ERR_SYNTAX;
	struct unit part = { .factor = prefix * a->factor, .offset = a->offset, .special = a->special };
	memcpy(part.dim, a->dim, sizeof part.dim);
	if (part.special && (power != 1 || sign != 1))
		return fault(w, "", s, len,
		    " stands on a scale of its own and takes no power and no division; for differences use K");
	return apply(w, u, &part, sign * power);
}

static int
take_number(struct walk *w, struct unit *u, int sign)
{
	double v = 0;
	const char *s = w->p;
	while (w->p < w->end && isdigit((unsigned char)*w->p) && w->p - s < 18)
		v = v * 10 + (*w->p++ - '0');
	if (v == 0 || (w->p < w->end && strchr("./){", *w->p) == NULL))
		return whole(w, "the number in ", " must be whole, not 0, and stand alone");
	u->factor *= sign > 0 ? v : 1 / v;
	return 0;
}

struct frame {
	struct unit	u;
	int		sign;	/* of the parenthesis within its parent */
};

static int
component(struct walk *w, struct unit *u, int sign)
{
	bool ten = w->end - w->p >= 3 && w->p[0] == '1' && w->p[1] == '0' && (w->p[2] == '*' || w->p[2] == '^');

	if (w->p < w->end && *w->p == '{')
		return annotation(w);
	int err = w->p < w->end && isdigit((unsigned char)*w->p) && !ten ? take_number(w, u, sign) :
	    take_symbol(w, u, sign);
	return err != 0 ? err : annotation(w);
}

static int
walk(struct walk *w, struct unit *out)
{
	struct frame stack[UNIT_DEPTH_MAX + 1] = { { .u = { .factor = 1 }, .sign = 1 } };
	size_t depth = 0;
	int sign = 1, err = 0, power;

	if (w->p < w->end && *w->p == '/') {
		sign = -1;
		w->p++;
	}
	/* Ends: every round takes a component, a parenthesis or a sign, or fails. */
	for (;;) {
		if (w->p < w->end && *w->p == '(') {
			if (depth == UNIT_DEPTH_MAX)
				return whole(w, "parentheses are nested too deep in ", "");
			stack[++depth] = (struct frame){ .u = { .factor = 1 }, .sign = sign };
			w->p++;
			sign = 1;
			continue;
		}
		if ((err = component(w, &stack[depth].u, sign)) != 0)
			return err;
		while (depth > 0 && w->p < w->end && *w->p == ')') {
			w->p++;
			if (exponent(w, &power) != 0 || annotation(w) != 0)
				return ERR_SYNTAX;
			depth--;
			if ((err = apply(w, &stack[depth].u, &stack[depth + 1].u, stack[depth + 1].sign * power)) != 0)
				return err;
		}
		if (w->p == w->end)
			break;
		if (*w->p != '.' && *w->p != '/')
			return fault(w, "", w->p, (size_t)(w->end - w->p),
			    " is not understood; write '.' or '/' between units");
		sign = *w->p++ == '/' ? -1 : 1;
	}
	*out = stack[0].u;
	return depth == 0 ? 0 : whole(w, "a parenthesis is not closed in ", "");
}

int
unit_parse(const char *s, size_t len, struct unit *out, char *why, size_t size)
{
	struct walk w = { .text = s, .p = s, .end = s + len, .why = why, .size = size };

	*out = (struct unit){ .factor = 1 };
	if (len == 0)
		return 0;
	if (len > UNIT_TEXT_MAX) {
		snprintf(why, size, "it is longer than %u bytes", UNIT_TEXT_MAX);
		return ERR_LIMIT;
	}
	const char *known = find_atom(s, len, false) == NULL ? habit(s, len) : NULL;
	int err = walk(&w, out);
	if (err == 0 && w.parts > 1 && out->special) {
		snprintf(why, size,
		    "a unit on a scale of its own, such as Cel or [pH], stands alone; for differences of "
		    "temperature use K");
		err = ERR_SYNTAX;
	}
	if (err == 0 && (!isfinite(out->factor) || out->factor == 0)) {
		snprintf(why, size, "its factor is too large or too small");
		err = ERR_RANGE;
	}
	if (err != 0 && known != NULL)
		snprintf(why, size, "\"%.*s\" is no UCUM unit; did you mean \"%s\"?", (int)len, s, known);
	return err;
}

int
unit_conversion(const struct unit *from, const struct unit *to, double *factor, double *offset)
{
	if (memcmp(from->dim, to->dim, sizeof from->dim) != 0)
		return ERR_TYPE;
	*factor = from->factor / to->factor;
	*offset = (from->offset - to->offset) / to->factor;
	return 0;
}
