/*
 * See num.h. Most process values are short decimals (21.5, 0.004, 1200). For those, v * 10^k is a whole number below
 * 2^53 for a small k, and a division of two exact doubles is correctly rounded, so "digits / 10^k" reads back as v:
 * that is tested, not assumed, and costs a fraction of printf. Everything else takes the printf route, the shortest
 * precision that reads back first.
 */
#include "base/num.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static const char pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354"
	"5556575859606162636465666768697071727374757677787980818283848586878889909192939495969798" "99";

size_t
num_u64(uint64_t v, char *out)
{
	char tmp[20];
	size_t i = sizeof tmp;
	for (; v >= 100; v /= 100) {
		i -= 2;
		memcpy(tmp + i, pairs + v % 100 * 2, 2);
	}
	if (v >= 10) {
		i -= 2;
		memcpy(tmp + i, pairs + v * 2, 2);
	} else
		tmp[--i] = (char)('0' + v);
	memcpy(out, tmp + i, sizeof tmp - i);
	out[sizeof tmp - i] = '\0';
	return sizeof tmp - i;
}

size_t
num_i64(int64_t v, char *out)
{
	if (v >= 0)
		return num_u64((uint64_t)v, out);
	*out = '-';
	return 1 + num_u64(0 - (uint64_t)v, out + 1);
}

static const double pow10_table[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };

/* scaled / 10^k as text, trailing zeros already absent by the choice of k. */
static size_t
put_fixed(uint64_t scaled, int k, char *out)
{
	char digits[NUM_TEXT];
	size_t n = num_u64(scaled, digits), o = 0;

	if (k == 0) {
		memcpy(out, digits, n + 1);
		return n;
	}
	if (n <= (size_t)k) {
		out[o++] = '0';
		out[o++] = '.';
		for (size_t i = n; i < (size_t)k; i++)
			out[o++] = '0';
		memcpy(out + o, digits, n + 1);
		return o + n;
	}
	memcpy(out, digits, n - (size_t)k);
	o = n - (size_t)k;
	out[o++] = '.';
	memcpy(out + o, digits + n - (size_t)k, (size_t)k + 1);
	return n + 1;
}

static size_t
put_special(double v, char *out)
{
	const char *s = isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity";
	size_t n = strlen(s);
	memcpy(out, s, n + 1);
	return n;
}

/* printf of the C locale's kind: a process of ours never sets another LC_NUMERIC. */
static size_t
put_general(double v, int digits, char *out)
{
	int n = snprintf(out, NUM_TEXT, "%.*g", digits, v);
	return n < 0 ? 0 : (size_t)n;
}

size_t
num_f64(double v, char *out)
{
	if (!isfinite(v))
		return put_special(v, out);
	double a = fabs(v);
	size_t sign = signbit(v) ? 1 : 0;
	out[0] = '-';
	if (a < 9e15 && (a == 0 || a >= 1e-6))
		for (int k = 0; k < 10 && a * pow10_table[k] < 9e15; k++) {
			double scaled = a * pow10_table[k], whole = (double)(uint64_t)(scaled + 0.5);
			if (whole / pow10_table[k] == a)
				return sign + put_fixed((uint64_t)whole, k, out + sign);
		}
	size_t n = 0;
	for (int digits = 15; digits <= 17; digits++) {
		n = put_general(v, digits, out);
		if (strtod(out, NULL) == v)
			break;
	}
	return n;
}

size_t
num_f32(float v, char *out)
{
	if (!isfinite(v))
		return put_special((double)v, out);
	double a = fabs((double)v);
	float af = (float)a;
	size_t sign = signbit(v) ? 1 : 0;
	out[0] = '-';
	if (a < 1e9 && (a == 0 || a >= 1e-4))
		for (int k = 0; k < 10 && a * pow10_table[k] < 1e10; k++) {
			double whole = (double)(uint64_t)(a * pow10_table[k] + 0.5);
			if ((float)(whole / pow10_table[k]) == af)
				return sign + put_fixed((uint64_t)whole, k, out + sign);
		}
	size_t n = 0;
	for (int digits = 6; digits <= 9; digits++) {
		n = put_general((double)v, digits, out);
		if (strtof(out, NULL) == v)
			break;
	}
	return n;
}

/* Copy into a NUL-ended scratch, refusing what strto* would take and we do not: blanks, empty text, overlong text. */
static int
scratch(const char *s, size_t len, char *out, size_t size)
{
	if (len == 0 || len >= size || s[0] == ' ' || (s[0] >= '\t' && s[0] <= '\r') || memchr(s, 0, len) != NULL)
		return ERR_SYNTAX;
	memcpy(out, s, len);
	out[len] = '\0';
	return 0;
}

static int
base_of(const char *s)
{
	if (*s == '-' || *s == '+')
		s++;
	return s[0] == '0' && (s[1] == 'x' || s[1] == 'X') ? 16 : 10;
}

int
num_parse_i64(const char *s, size_t len, int64_t *out)
{
	char tmp[72], *end;
	if (scratch(s, len, tmp, sizeof tmp) != 0)
		return ERR_SYNTAX;
	errno = 0;
	long long v = strtoll(tmp, &end, base_of(tmp));
	if (*end != '\0' || end == tmp)
		return ERR_SYNTAX;
	if (errno == ERANGE)
		return ERR_RANGE;
	*out = v;
	return 0;
}

int
num_parse_u64(const char *s, size_t len, uint64_t *out)
{
	char tmp[72], *end;
	if (scratch(s, len, tmp, sizeof tmp) != 0)
		return ERR_SYNTAX;
	if (tmp[0] == '-')
		return ERR_RANGE;
	errno = 0;
	unsigned long long v = strtoull(tmp, &end, base_of(tmp));
	if (*end != '\0' || end == tmp)
		return ERR_SYNTAX;
	if (errno == ERANGE)
		return ERR_RANGE;
	*out = v;
	return 0;
}

int
num_parse_f64(const char *s, size_t len, char decimal, double *out)
{
	char tmp[128], *end;
	if (scratch(s, len, tmp, sizeof tmp) != 0)
		return ERR_SYNTAX;
	/* Only digits, one sign of the decimal kind, exponent: no hex floats, no "inf", no thousands groups. */
	for (char *p = tmp; *p != '\0'; p++) {
		if (*p == decimal)
			*p = '.';
		else if (*p == '.' || strchr("0123456789+-eE", *p) == NULL)
			return ERR_SYNTAX;
	}
	errno = 0;
	double v = strtod(tmp, &end);
	if (*end != '\0' || end == tmp)
		return ERR_SYNTAX;
	if (errno == ERANGE && !(fabs(v) < 1))
		return ERR_RANGE;
	*out = v;
	return 0;
}
