/*
 * Units of results. A unit of a product is made of the texts of its factors, so that it can be shown and is UCUM again;
 * numbers are not touched: in bar.m3 a number is simply the product of both. Only where dimensions cancel out (bar/kPa)
 * the caller multiplies what is left of the factor into the number.
 *
 * A scale with a zero of its own (Cel, [degF]) stands for a point on it. Differences of points are in K.
 */
#include <string.h>

#include "expr/inside.h"

const struct unit unit_one = { .factor = 1 };
const struct unit unit_second = { .dim = { [UNIT_TIME] = 1 }, .factor = 1 };
const struct unit unit_kelvin = { .dim = { [UNIT_TEMPERATURE] = 1 }, .factor = 1 };

bool
unit_pure(const struct unit *u)
{
	return memcmp(u->dim, unit_one.dim, sizeof u->dim) == 0;
}

bool
read_unit(struct build *b, const char *s, size_t len, int column, struct unit *out, const char **text)
{
	char why[120] = "";

	if (b->err != 0)
		return false;
	int err = unit_parse(s, len, out, why, sizeof why);
	if (err != 0) {
		build_fault(b, err, column, "%s", why);
		build_remedy(b, "units are UCUM; what is no plain symbol stands in brackets: 5 [m3/h]");
		return false;
	}
	*text = len == 1 && s[0] == '1' ? "" : arena_strndup(b->a, s, len);
	return true;
}

static bool
composed(const char *ut)
{
	return strpbrk(ut, "./") != NULL;
}

static void
too_long(struct build *b, const struct part *r)
{
	build_fault(b, ERR_LIMIT, r->column, "the unit of this has no short name any more");
	build_remedy(b, "bring a part of it to a simple unit: in(x, [kW])");
}

static bool
add_dims(const int8_t *x, const int8_t *y, int sign, int8_t *out)
{
	for (size_t i = 0; i < UNIT_DIMS; i++) {
		int d = x[i] + sign * y[i];
		if (d > 20 || d < -20)
			return false;
		out[i] = (int8_t)d;
	}
	return true;
}

void
unit_product(struct build *b, struct part *r, const struct part *x, const struct part *y, int sign)
{
	struct unit u = { .factor = sign > 0 ? x->unit.factor * y->unit.factor : x->unit.factor / y->unit.factor };
	const char *xt = x->ut, *yt = y->ut;

	if (b->err != 0)
		return;
	if (!add_dims(x->unit.dim, y->unit.dim, sign, u.dim) || !(u.factor > 0 && u.factor < 1e300) ||
	    strlen(xt) + strlen(yt) + 6 > UNIT_TEXT_MAX) {
		too_long(b, r);
		return;
	}
	r->unit = u;
	if (unit_pure(&u))
		r->ut = "";
	else if (yt[0] == '\0')
		r->ut = xt;
	else if (sign > 0)
		r->ut = xt[0] == '\0' ? yt : strchr(yt, '/') != NULL ? arena_printf(b->a, "%s.(%s)", xt, yt) :
		    arena_printf(b->a, "%s.%s", xt, yt);
	else
		r->ut = arena_printf(b->a, composed(yt) ? "%s/(%s)" : "%s/%s", xt, yt);
}

void
unit_power(struct build *b, struct part *r, const struct part *x, int power)
{
	struct part one = { .unit = unit_one, .ut = "" };

	r->unit = unit_one;
	r->ut = "";
	for (int i = 0; i < (power < 0 ? -power : power) && b->err == 0; i++) {
		struct part so_far = *r;
		unit_product(b, r, i == 0 && power < 0 ? &one : &so_far, x, power < 0 ? -1 : 1);
	}
}

bool
unit_root(struct build *b, struct part *r, const struct part *x)
{
	struct unit u = { .factor = __builtin_sqrt(x->unit.factor) };
	char text[UNIT_TEXT_MAX] = "";
	size_t n = 0;
	static const char *const base[UNIT_DIMS] = { "m", "s", "g", "rad", "K", "C", "cd", "mol" };

	for (size_t i = 0; i < UNIT_DIMS; i++) {
		if (x->unit.dim[i] % 2 != 0)
			return false;
		u.dim[i] = (int8_t)(x->unit.dim[i] / 2);
		if (u.dim[i] != 0)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%d", n > 0 ? "." : "", base[i], u.dim[i]);
	}
	r->unit = u;
	r->unit.factor = 1;	/* in base units: the text says so, the caller multiplies by the root of the factor */
	r->ut = arena_strdup(b->a, text);
	return true;
}

double
unit_difference(struct part *r)
{
	if (!r->unit.special || r->unit.offset == 0)
		return 1;
	double factor = r->unit.factor;
	r->unit = unit_kelvin;
	r->ut = "K";
	return factor;
}
