/* See value.h: a value from text, in any of the forms that servers write; and as text for people. */
#include "proto/odata/value.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/utf8.h"
#include "proto/odata/value_int.h"

static bool
take(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* min to max digits. */
static bool
number(struct scan *s, int min, int max, int64_t *out)
{
	int n = 0;
	*out = 0;
	while (n < max && s->p < s->end && isdigit((unsigned char)*s->p)) {
		*out = *out * 10 + (*s->p++ - '0');
		n++;
	}
	return n >= min;
}

/* ".123456789" if it stands there: nanoseconds, further digits are dropped. */
static bool
fraction(struct scan *s, int32_t *ns)
{
	int32_t unit = 100000000;
	*ns = 0;
	if (!take(s, '.'))
		return true;
	const char *from = s->p;
	for (; s->p < s->end && isdigit((unsigned char)*s->p); s->p++, unit /= 10)
		*ns += (*s->p - '0') * unit;
	return s->p > from;
}

static bool
date(struct scan *s, int64_t *day)
{
	int64_t y, m, d;
	if (!number(s, 4, 4, &y) || !take(s, '-') || !number(s, 2, 2, &m) || !take(s, '-') || !number(s, 2, 2, &d))
		return false;
	if (y < 1 || m < 1 || m > 12 || d < 1)
		return false;
	int ry, rm, rd;
	*day = day_of_date((int)y, (int)m, (int)d);
	date_of_day(*day, &ry, &rm, &rd);
	return rm == m && rd == d;
}

static bool
clock_time(struct scan *s, int64_t *seconds, int32_t *ns)
{
	int64_t h, m, sec = 0;
	*ns = 0;
	if (!number(s, 2, 2, &h) || !take(s, ':') || !number(s, 2, 2, &m))
		return false;
	if (take(s, ':') && (!number(s, 2, 2, &sec) || !fraction(s, ns)))
		return false;
	*seconds = h * 3600 + m * 60 + sec;
	return h < 24 && m < 60 && sec < 60;
}

static bool
zone(struct scan *s, int64_t *offset)
{
	int64_t h = 0, m = 0;
	*offset = 0;
	if (take(s, 'Z') || s->p == s->end)
		return true;
	bool minus = take(s, '-');
	if ((!minus && !take(s, '+')) || !number(s, 2, 2, &h) ||
	    !take(s, ':') || !number(s, 2, 2, &m) || h > 14 || m > 59)
		return false;
	*offset = (h * 3600 + m * 60) * (minus ? -1 : 1);
	return true;
}

/* Version 2: "/Date(1763769600000)/", with "+0060" minutes of an offset that shows, but does not move, the instant. */
static bool
slash_date(struct scan *s, int64_t *ms)
{
	static const char begin[] = "/Date(";
	int64_t minutes;

	if ((size_t)(s->end - s->p) < sizeof begin - 1 || memcmp(s->p, begin, sizeof begin - 1) != 0)
		return false;
	s->p += sizeof begin - 1;
	bool minus = take(s, '-');
	if (!number(s, 1, 15, ms))
		return false;
	*ms = minus ? -*ms : *ms;
	if ((take(s, '+') || take(s, '-')) && !number(s, 1, 4, &minutes))
		return false;
	return take(s, ')') && take(s, '/');
}

#define FIRST_DAY (-719162)	/* 0001-01-01 */
#define LAST_DAY 2932896	/* 9999-12-31 */

static int
read_instant(struct scan s, struct edm_value *out)
{
	int64_t ms, day, seconds = 0, offset = 0;

	if (*s.p == '/') {
		if (!slash_date(&s, &ms) || s.p != s.end)
			return ERR_TYPE;
		out->i = ms / 1000 - (ms % 1000 < 0);
		out->ns = (int32_t)(ms - out->i * 1000) * 1000000;
	} else {
		if (!date(&s, &day))
			return ERR_TYPE;
		if (take(&s, 'T') && (!clock_time(&s, &seconds, &out->ns) || !zone(&s, &offset)))
			return ERR_TYPE;
		if (s.p != s.end)
			return ERR_TYPE;
		out->i = day * 86400 + seconds - (out->type == EDM_DATETIMEOFFSET ? offset : 0);
	}
	return out->i < FIRST_DAY * 86400LL || out->i > LAST_DAY * 86400LL + 86399 ? ERR_RANGE : 0;
}

static int
read_date(struct scan s, struct edm_value *out)
{
	struct edm_value at = { .type = EDM_DATETIME };
	int err = read_instant(s, &at);
	if (err == 0)
		out->i = at.i / 86400 - (at.i % 86400 < 0);
	return err;
}

/* "PT06H30M00S", "P1DT2H", "-PT5.5S": xsd:dayTimeDuration. */
static bool
duration(struct scan *s, int64_t *seconds, int32_t *ns)
{
	static const struct { char letter; int64_t seconds; bool time; } parts[] = {
		{ 'D', 86400, false }, { 'H', 3600, true }, { 'M', 60, true }, { 'S', 1, true },
	};
	bool minus = take(s, '-'), in_time = false, any = false;

	*seconds = 0;
	*ns = 0;
	if (!take(s, 'P'))
		return false;
	/* Ends: each round takes a digit, or is the last. */
	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && s->p < s->end; i++) {
		if (!in_time && take(s, 'T'))
			in_time = true;
		struct scan back = *s;
		int64_t n;
		int32_t f = 0;
		if (parts[i].time != in_time || !number(s, 1, 9, &n) || !fraction(s, &f) || !take(s, parts[i].letter) ||
		    (f != 0 && parts[i].letter != 'S')) {
			*s = back;
			continue;
		}
		*seconds += n * parts[i].seconds;
		*ns = f;
		any = true;
	}
	if (minus) {
		*seconds = -*seconds - (*ns > 0);
		*ns = *ns > 0 ? 1000000000 - *ns : 0;
	}
	return any;
}

static int
read_time(struct scan s, struct edm_value *out)
{
	bool ok = *s.p == 'P' || *s.p == '-' ? duration(&s, &out->i, &out->ns) : clock_time(&s, &out->i, &out->ns);
	if (!ok || s.p != s.end)
		return ERR_TYPE;
	return out->type != EDM_DURATION && (out->i < 0 || out->i >= 86400) ? ERR_RANGE : 0;
}

static int
read_bool(struct scan s, struct edm_value *out)
{
	size_t len = (size_t)(s.end - s.p);
	out->b = len == 4 && memcmp(s.p, "true", 4) == 0;
	return out->b || (len == 5 && memcmp(s.p, "false", 5) == 0) ? 0 : ERR_TYPE;
}

static int
read_whole(struct scan s, struct edm_value *out)
{
	char text[ODATA_DIGITS_MAX + 1];
	int n = decimal_plain(s.p, (size_t)(s.end - s.p), text);	/* "12.000" of an ABAP quantity is a whole number */
	if (n < 0)
		return n == ERR_RANGE ? ERR_RANGE : ERR_TYPE;
	int err = num_parse_i64(text, (size_t)n, &out->i);
	if (err != 0)
		return err == ERR_RANGE ? ERR_RANGE : ERR_TYPE;
	return edm_check_whole(out->type, out->i);
}

static int
read_real(struct scan s, struct edm_value *out)
{
	static const struct { const char *text; double v; } words[] = {
		{ "NaN", NAN }, { "INF", INFINITY }, { "-INF", -INFINITY }, { "Infinity", INFINITY },
		    { "-Infinity", -INFINITY },
	};
	size_t len = (size_t)(s.end - s.p);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i].text) == len && memcmp(words[i].text, s.p, len) == 0) {
			out->f = words[i].v;
			return 0;
		}
	if (num_parse_f64(s.p, len, '.', &out->f) != 0)
		return ERR_TYPE;
	if (out->type == EDM_SINGLE) {
		if (fabs(out->f) > (double)FLT_MAX)
			return ERR_RANGE;
		out->f = (double)(float)out->f;
	}
	return 0;
}

int
edm_read_scan(struct scan s, struct arena *a, struct edm_value *out)
{
	char text[ODATA_DIGITS_MAX + 1];
	size_t len = (size_t)(s.end - s.p);

	switch (out->type) {
	case EDM_BOOLEAN:
		return read_bool(s, out);
	case EDM_BYTE: case EDM_SBYTE: case EDM_INT16: case EDM_INT32: case EDM_INT64:
		return read_whole(s, out);
	case EDM_SINGLE: case EDM_DOUBLE:
		return read_real(s, out);
	case EDM_DECIMAL: {
		int n = decimal_plain(s.p, len, text);
		if (n < 0)
			return n == ERR_RANGE ? ERR_RANGE : ERR_TYPE;
		out->text = arena_strndup(a, text, (size_t)n);
		out->len = (size_t)n;
		return 0;
	}
	case EDM_GUID:
		return edm_read_guid(s, a, out);
	case EDM_DATETIME: case EDM_DATETIMEOFFSET:
		return len == 0 ? ERR_TYPE : read_instant(s, out);
	case EDM_DATE:
		return len == 0 ? ERR_TYPE : read_date(s, out);
	case EDM_TIME: case EDM_TIMEOFDAY: case EDM_DURATION:
		return len == 0 ? ERR_TYPE : read_time(s, out);
	default:
		if (!utf8_valid(s.p, len))
			return ERR_TYPE;
		out->text = arena_strndup(a, s.p, len);
		out->len = len;
		return 0;
	}
}

int
edm_read_guid(struct scan s, struct arena *a, struct edm_value *out)
{
	char guid[37];

	if (s.end - s.p != 36)
		return ERR_TYPE;
	for (int i = 0; i < 36; i++) {
		char c = s.p[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? c != '-' : !isxdigit((unsigned char)c))
			return ERR_TYPE;
		guid[i] = (char)tolower((unsigned char)c);
	}
	out->text = arena_strndup(a, guid, 36);
	out->len = 36;
	return 0;
}

int
edm_check_whole(enum edm_type t, int64_t v)
{
	static const struct { int64_t lo, hi; } limits[EDM_TYPES] = {
		[EDM_BYTE] = { 0, UINT8_MAX }, [EDM_SBYTE] = { INT8_MIN, INT8_MAX },
		    [EDM_INT16] = { INT16_MIN, INT16_MAX },
		[EDM_INT32] = { INT32_MIN, INT32_MAX }, [EDM_INT64] = { INT64_MIN, INT64_MAX },
	};
	return v < limits[t].lo || v > limits[t].hi ? ERR_RANGE : 0;
}

int
edm_from_text(const char *s, size_t len, enum edm_type t, struct arena *a, struct edm_value *out, char *why)
{
	*out = (struct edm_value){ .type = t };
	int err = edm_read_scan((struct scan){ s, s + len }, a, out);
	if (err != 0 && why != NULL)
		snprintf(why, ODATA_WHY_MAX, "\"%.*s%s\" %s %s", (int)utf8_cut(s, len, 60), s, len > 60 ? "..." : "",
		    err == ERR_RANGE ?
		    "is out of range for" : "is no", edm_name(t));
	return err;
}
