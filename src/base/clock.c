/* Times as text; the calendar is the proleptic Gregorian one, RFC 3339. See clock.h. */
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Days since 1970-01-01 of a date, and back; counts in 400-year eras that begin on 1 March. */
static int64_t
days_from_date(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
date_from_days(int64_t z, int64_t *y, int *m, int *d)
{
	z += 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
}

static char *
put(char *p, int64_t v, int width)
{
	for (int i = width - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

char *
wall_format(struct wall t, int digits, char *out)
{
	int64_t s = t.ns / NS_PER_S, frac = t.ns % NS_PER_S, y;
	int m, d;

	if (frac < 0) {
		frac += NS_PER_S;
		s--;
	}
	int64_t day = (s >= 0 ? s : s - 86399) / 86400, sec = s - day * 86400;
	date_from_days(day, &y, &m, &d);	/* int64 ns keeps y within 1677..2262 */
	char *p = put(out, y, 4);
	*p++ = '-';
	p = put(p, m, 2);
	*p++ = '-';
	p = put(p, d, 2);
	*p++ = 'T';
	p = put(p, sec / 3600, 2);
	*p++ = ':';
	p = put(p, sec / 60 % 60, 2);
	*p++ = ':';
	p = put(p, sec % 60, 2);
	if (digits > 9)
		digits = 9;
	if (digits > 0) {
		*p++ = '.';
		for (int i = digits; i < 9; i++)
			frac /= 10;
		p = put(p, frac, digits);
	}
	*p++ = 'Z';
	*p = '\0';
	return out;
}

static int
digits_at(const char *s, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return ERR_SYNTAX;
		*out = *out * 10 + (s[i] - '0');
	}
	return 0;
}

int
wall_parse(const char *s, struct wall *out)
{
	int y, mo, d, h, mi, sec, oh = 0, om = 0;
	static const int month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (strnlen(s, 20) < 20 || digits_at(s, 4, &y) || s[4] != '-' || digits_at(s + 5, 2, &mo) || s[7] != '-' ||
	    digits_at(s + 8, 2, &d) || (s[10] != 'T' && s[10] != ' ') || digits_at(s + 11, 2, &h) || s[13] != ':' ||
	    digits_at(s + 14, 2, &mi) || s[16] != ':' || digits_at(s + 17, 2, &sec))
		return ERR_SYNTAX;
	if (mo < 1 || mo > 12 || d < 1 || d > month_days[mo - 1] || h > 23 || mi > 59 || sec > 60 || y < 1678 || y > 2261)
		return ERR_SYNTAX;
	s += 19;
	int64_t frac = 0, unit = NS_PER_S;
	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++)
			if (unit > 1)
				frac += (*s - '0') * (unit /= 10);
		if (unit == NS_PER_S)
			return ERR_SYNTAX;
	}
	int sign = *s == '-' ? -1 : 1;
	if (*s == 'Z')
		s++;
	else if (*s == '+' || *s == '-') {
		if (strnlen(s, 6) < 6 || digits_at(s + 1, 2, &oh) || s[3] != ':' || digits_at(s + 4, 2, &om) || oh > 23 || om > 59)
			return ERR_SYNTAX;
		s += 6;
	} else
		return ERR_SYNTAX;
	if (*s != '\0')
		return ERR_SYNTAX;
	if (mo == 2 && d == 29 && (y % 4 != 0 || (y % 100 == 0 && y % 400 != 0)))
		return ERR_SYNTAX;
	int64_t t = days_from_date(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec - sign * (oh * 3600 + om * 60);
	out->ns = t * NS_PER_S + frac;
	return 0;
}

char *
duration_format(int64_t ns, char *out)
{
	static const struct { int64_t ns; const char *unit; } steps[] = {
		{ 86400 * NS_PER_S, "d" }, { 3600 * NS_PER_S, "h" }, { 60 * NS_PER_S, "min" }, { NS_PER_S, "s" },
		{ NS_PER_MS, "ms" }, { NS_PER_US, "us" }, { 1, "ns" },
	};
	const char *sign = ns < 0 ? "-" : "";
	uint64_t u = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (u >= (uint64_t)steps[i].ns) {
			double v = (double)u / (double)steps[i].ns;
			snprintf(out, DURATION_TEXT, v < 999.5 ? "%s%.3g %s" : "%s%.0f %s", sign, v, steps[i].unit);
			return out;
		}
	snprintf(out, DURATION_TEXT, "0 s");
	return out;
}
