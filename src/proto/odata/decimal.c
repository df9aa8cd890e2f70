/*
 * See value.h: decimals as text, so that no digit is invented or lost. A plain one is [-]digits[.digits], without idle
 * zeros.
 */
#include "proto/odata/value.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define EXPONENT_MAX	400

struct digits {			/* of a number: d[0..n), the point stands behind the first `point` of them (may be below 0 or past n) */
	char	d[ODATA_DIGITS_MAX + 1];
	int	n, point;
	bool	minus;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* An exponent from *s on: "e-3". */
static int
read_exponent(const char *s, const char *end, int *out)
{
	bool minus = false;
	int v = 0;

	if (s == end)
		return 0;
	s++;
	if (s < end && (*s == '+' || *s == '-'))
		minus = *s++ == '-';
	if (s == end)
		return ERR_SYNTAX;
	for (; s < end; s++) {
		if (!is_digit(*s))
			return ERR_SYNTAX;
		v = v * 10 + (*s - '0');
		if (v > EXPONENT_MAX)
			return ERR_RANGE;
	}
	*out = minus ? -v : v;
	return 0;
}

static int
read_digits(const char *s, size_t len, struct digits *out)
{
	const char *end = s + len;
	bool point = false, any = false;
	int exponent = 0;

	*out = (struct digits){ .minus = len > 0 && *s == '-' };
	if (len > 0 && (*s == '-' || *s == '+'))
		s++;
	for (; s < end && *s != 'e' && *s != 'E'; s++) {
		if (*s == '.') {
			if (point || s + 1 == end || !is_digit(s[1]))
				return ERR_SYNTAX;
			point = true;
			continue;
		}
		if (!is_digit(*s))
			return ERR_SYNTAX;
		any = true;
		if (out->n == 0 && *s == '0') {		/* leading zeros count only for the place of the point */
			out->point -= point;
			continue;
		}
		if (out->n == (int)ODATA_DIGITS_MAX)
			return ERR_RANGE;
		out->d[out->n++] = *s;
		out->point += !point;
	}
	if (!any)
		return ERR_SYNTAX;
	int err = read_exponent(s, end, &exponent);
	if (err != 0)
		return err;
	while (out->n > 0 && out->d[out->n - 1] == '0' && out->n > out->point + exponent)
		out->n--;
	out->point = out->n > 0 ? out->point + exponent : 0;
	return 0;
}

static int
write_digits(const struct digits *v, char out[ODATA_DIGITS_MAX + 1])
{
	int whole = v->point > 0 ? v->point : 0, fraction = v->n > v->point ? v->n - v->point : 0;
	size_t o = 0;

	if ((size_t)(whole + fraction) + 3 > ODATA_DIGITS_MAX)
		return ERR_RANGE;
	if (v->minus && v->n > 0)
		out[o++] = '-';
	for (int i = 0; i < whole; i++)
		out[o++] = i < v->n ? v->d[i] : '0';
	if (whole == 0)
		out[o++] = '0';
	if (fraction > 0)
		out[o++] = '.';
	for (int i = v->n - fraction; i < v->n; i++)
		out[o++] = i < 0 ? '0' : v->d[i];
	out[o] = '\0';
	return (int)o;
}

static void
trim(struct digits *v)
{
	while (v->n > 0 && v->n > v->point && v->d[v->n - 1] == '0')
		v->n--;
	int zeros = 0;
	while (zeros < v->n && v->d[zeros] == '0')
		zeros++;
	memmove(v->d, v->d + zeros, (size_t)(v->n - zeros));
	v->n -= zeros;
	v->point = v->n > 0 ? v->point - zeros : 0;
}

int
decimal_plain(const char *s, size_t len, char out[ODATA_DIGITS_MAX + 1])
{
	struct digits v;
	int err = len > 0 ? read_digits(s, len, &v) : ERR_SYNTAX;
	if (err != 0)
		return err;
	trim(&v);
	return write_digits(&v, out);
}

static void
add_one(struct digits *v)
{
	int i = v->n;

	while (i > 0 && v->d[i - 1] == '9')
		v->d[--i] = '0';
	if (i > 0) {
		v->d[i - 1]++;
		return;
	}
	memmove(v->d + 1, v->d, (size_t)v->n);
	v->d[0] = '1';
	v->n++;
	v->point++;
}

/* Cut behind `scale` digits of the fraction. */
static void
cut(struct digits *v, int32_t scale, enum decimal_round round)
{
	int keep = v->point + scale;
	bool up = false;

	if (keep < 0)		/* less than a tenth of the last digit */
		keep = v->n = 0;
	else {
		bool half = keep < v->n && v->d[keep] >= '5';
		bool exact_half = half && v->d[keep] == '5' && keep + 1 == v->n;
		bool odd = keep > 0 && (v->d[keep - 1] - '0') % 2 == 1;
		up = round == DECIMAL_HALF_UP ? half : round == DECIMAL_HALF_EVEN ? half && (!exact_half || odd) :
		    false;
		v->n = keep;
	}
	if (v->n == 0)
		v->point = -scale;
	if (up)
		add_one(v);
	trim(v);
}

int
decimal_fit(char text[ODATA_DIGITS_MAX + 1], uint32_t precision, int32_t scale, enum decimal_round round)
{
	struct digits v;
	int err = read_digits(text, strlen(text), &v);

	if (err != 0)
		return err;
	if (scale != EDM_SCALE_ANY && v.n - v.point > scale) {
		if (round == DECIMAL_REFUSE)
			return ERR_LIMIT;
		cut(&v, scale, round);
	}
	int before = precision == 0 ? 0 : (int)precision - (scale > 0 ? scale : 0);
	if (precision > 0 && v.point > (before > 0 ? before : 0))
		return ERR_RANGE;
	int n = write_digits(&v, text);
	return n < 0 ? n : 0;
}

int
decimal_cmp(const char *a, const char *b)
{
	struct digits x, y;

	/* What is no decimal is never equal to one. */
	if (read_digits(a, strlen(a), &x) != 0 || read_digits(b, strlen(b), &y) != 0)
		return strcmp(a, b) < 0 ? -1 : 1;
	trim(&x);
	trim(&y);
	bool mx = x.minus && x.n > 0, my = y.minus && y.n > 0;
	if (mx != my)
		return mx ? -1 : 1;
	int sign = mx ? -1 : 1;
	if (x.n == 0 || y.n == 0)
		return x.n == y.n ? 0 : x.n == 0 ? -sign : sign;
	if (x.point != y.point)
		return x.point < y.point ? -sign : sign;
	int n = x.n < y.n ? x.n : y.n, c = memcmp(x.d, y.d, (size_t)n);
	if (c == 0)
		c = x.n - y.n;
	return c == 0 ? 0 : c < 0 ? -sign : sign;
}
