/* See value.h: values as JSON, and compared. */
#include <jansson.h>

#include "proto/odata/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "proto/odata/value_int.h"

static size_t
put_clock(char *out, size_t size, int64_t seconds, int32_t ns)
{
	int n = snprintf(out, size, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
	    (int)(seconds % 60));
	if (ns > 0) {
		n += snprintf(out + n, size - (size_t)n, ".%09d", ns);
		while (out[n - 1] == '0')
			out[--n] = '\0';
	}
	return (size_t)n;
}

static size_t
put_day(char *out, size_t size, int64_t day)
{
	int y, m, d;
	date_of_day(day, &y, &m, &d);
	return (size_t)snprintf(out, size, "%04d-%02d-%02d", y, m, d);
}

static size_t
put_instant(char *out, size_t size, const struct edm_value *v)
{
	int64_t day = v->i / 86400 - (v->i % 86400 < 0);
	size_t n = put_day(out, size, day);
	out[n++] = 'T';
	n += put_clock(out + n, size - n, v->i - day * 86400, v->ns);
	if (v->type == EDM_DATETIMEOFFSET)
		out[n++] = 'Z';
	out[n] = '\0';
	return n;
}

/* "PT06H30M00S" of version 2 (two digits, as SAP writes it); version 4 has days before. */
static size_t
put_duration(char *out, size_t size, const struct edm_value *v)
{
	bool minus = v->i < 0;
	int64_t s = minus ? -v->i : v->i;
	int32_t ns = v->ns;
	if (minus && ns > 0) {
		s--;
		ns = 1000000000 - ns;
	}
	int n = snprintf(out, size, "%sP", minus ? "-" : "");
	if (v->type == EDM_DURATION && s >= 86400) {
		n += snprintf(out + n, size - (size_t)n, "%lldD", (long long)(s / 86400));
		s %= 86400;
	}
	n += snprintf(out + n, size - (size_t)n, "T%02dH%02dM%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
	if (ns > 0) {
		n += snprintf(out + n, size - (size_t)n, ".%09d", ns);
		while (out[n - 1] == '0')
			n--;
	}
	n += snprintf(out + n, size - (size_t)n, "S");
	return (size_t)n;
}

static size_t
put_real(char *out, size_t size, const struct edm_value *v)
{
	char text[NUM_TEXT];
	if (isinf(v->f))
		return (size_t)snprintf(out, size, v->f < 0 ? "-INF" : "INF");
	if (v->type == EDM_SINGLE)
		num_f32((float)v->f, text);
	else
		num_f64(v->f, text);
	return (size_t)snprintf(out, size, "%s", text);
}

size_t
edm_text(const struct edm_value *v, char *out, size_t size)
{
	char text[80];
	size_t n;

	if (size == 0)
		return 0;
	switch (v->null ? EDM_NONE : v->type) {
	case EDM_NONE:
		n = 0;
		break;
	case EDM_BOOLEAN:
		n = (size_t)snprintf(text, sizeof text, "%s", v->b ? "true" : "false");
		break;
	case EDM_BYTE: case EDM_SBYTE: case EDM_INT16: case EDM_INT32: case EDM_INT64:
		n = num_i64(v->i, text);
		break;
	case EDM_SINGLE: case EDM_DOUBLE:
		n = put_real(text, sizeof text, v);
		break;
	case EDM_DATETIME: case EDM_DATETIMEOFFSET:
		n = put_instant(text, sizeof text, v);
		break;
	case EDM_DATE:
		n = put_day(text, sizeof text, v->i);
		break;
	case EDM_TIMEOFDAY:
		n = put_clock(text, sizeof text, v->i, v->ns);
		break;
	case EDM_TIME: case EDM_DURATION:
		n = put_duration(text, sizeof text, v);
		break;
	default:
		n = v->len < size - 1 ? v->len : size - 1;
		memcpy(out, v->text, n);
		out[n] = '\0';
		return n;
	}
	n = n < size - 1 ? n : size - 1;
	memcpy(out, text, n);
	out[n] = '\0';
	return n;
}

/* Which form of JSON a type has in a version. */
enum form { NO_FORM, AS_TEXT, AS_NUMBER, AS_BOOL, AS_SLASH_DATE, AS_LONG };	/* AS_LONG: a number, or a text with IEEE754Compatible */

static const struct { enum form v2, v4; } forms[EDM_TYPES] = {
	[EDM_STRING] = { AS_TEXT, AS_TEXT },	[EDM_GUID] = { AS_TEXT, AS_TEXT },	[EDM_BINARY] = { AS_TEXT,
	    AS_TEXT },
	[EDM_BOOLEAN] = { AS_BOOL, AS_BOOL },
	[EDM_BYTE] = { AS_NUMBER, AS_NUMBER },	[EDM_SBYTE] = { AS_NUMBER, AS_NUMBER },	[EDM_INT16] = { AS_NUMBER,
	    AS_NUMBER },
	[EDM_INT32] = { AS_NUMBER, AS_NUMBER },	[EDM_INT64] = { AS_TEXT, AS_LONG },	[EDM_DECIMAL] = { AS_TEXT,
	    AS_LONG },
	/*
	 * Version 2 writes them as texts (OData 2.0 JSON format, 4), and servers take numbers; SAP's own clients send
	 * texts.
	 */
	[EDM_SINGLE] = { AS_TEXT, AS_NUMBER },	[EDM_DOUBLE] = { AS_TEXT, AS_NUMBER },
	[EDM_DATETIME] = { AS_SLASH_DATE, NO_FORM },	[EDM_DATETIMEOFFSET] = { AS_SLASH_DATE, AS_TEXT },
	[EDM_TIME] = { AS_TEXT, NO_FORM },
	[EDM_DATE] = { NO_FORM, AS_TEXT },	[EDM_TIMEOFDAY] = { NO_FORM, AS_TEXT },	[EDM_DURATION] = { NO_FORM,
	    AS_TEXT },
};

int
edm_put_json(struct buf *out, unsigned version, bool ieee754, const struct edm_value *v)
{
	enum form form = version == 2 ? forms[v->type].v2 : forms[v->type].v4;
	char text[80];

	if (form == NO_FORM)
		return ERR_TYPE;
	if (v->null) {
		buf_puts(out, "null");
		return 0;
	}
	bool real = v->type == EDM_SINGLE || v->type == EDM_DOUBLE;
	if (form == AS_LONG)
		form = ieee754 ? AS_TEXT : AS_NUMBER;
	if (form == AS_NUMBER && real && !isfinite(v->f))
		form = AS_TEXT;
	if (form == AS_SLASH_DATE) {
		buf_printf(out, "\"/Date(%lld%s)/\"", (long long)(v->i * 1000 + v->ns / 1000000),
		    v->type == EDM_DATETIMEOFFSET ? "+0000" : "");
		return 0;
	}
	if (v->text != NULL && form == AS_TEXT) {
		json_quote(out, v->text, v->len);
		return 0;
	}
	size_t n = edm_text(v, text, sizeof text);
	if (form == AS_TEXT)
		json_quote(out, text, n);
	else
		buf_put(out, text, n);
	return 0;
}

static int
no_such(const json_t *j, enum edm_type t, char *why)
{
	static const char *const kinds[] = { [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",
	    [JSON_STRING] = "a text",
		[JSON_INTEGER] = "a whole number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
		    [JSON_FALSE] = "false", [JSON_NULL] = "null" };
	if (why != NULL)
		snprintf(why, ODATA_WHY_MAX, "%s is no %s", j != NULL ? kinds[json_typeof(j)] : "nothing", edm_name(t));
	return ERR_TYPE;
}

int
edm_from_json(const json_t *j, enum edm_type t, struct arena *a, struct edm_value *out, char *why)
{
	char text[NUM_TEXT];

	*out = (struct edm_value){ .type = t };
	if (j == NULL || t == EDM_NONE || t == EDM_STREAM)
		return no_such(j, t, why);
	switch (json_typeof(j)) {
	case JSON_NULL:
		out->null = true;
		return 0;
	case JSON_STRING:
		return edm_from_text(json_string_value(j), json_string_length(j), t, a, out, why);
	case JSON_TRUE: case JSON_FALSE:
		out->b = json_is_true(j);
		return t == EDM_BOOLEAN ? 0 : no_such(j, t, why);
	case JSON_INTEGER:
		num_i64(json_integer_value(j), text);
		break;
	case JSON_REAL:
		num_f64(json_real_value(j), text);
		break;
	default:
		return no_such(j, t, why);
	}
	bool numeric = (t >= EDM_BYTE && t <= EDM_DECIMAL);
	return numeric ? edm_from_text(text, strlen(text), t, a, out, why) : no_such(j, t, why);
}

static bool
is_number(enum edm_type t)
{
	return t >= EDM_BYTE && t <= EDM_DECIMAL;
}

static bool
is_real(const struct edm_value *v)
{
	return v->type == EDM_SINGLE || v->type == EDM_DOUBLE;
}

static double
real_of(const struct edm_value *v)
{
	return is_real(v) ? v->f : v->text != NULL ? strtod(v->text, NULL) : (double)v->i;
}

static bool
same_number(const struct edm_value *a, const struct edm_value *b)
{
	char x[80], y[80];

	if (is_real(a) || is_real(b))
		return real_of(a) == real_of(b);
	edm_text(a, x, sizeof x);
	edm_text(b, y, sizeof y);
	return decimal_cmp(x, y) == 0;
}

bool
edm_same(const struct edm_value *a, const struct edm_value *b)
{
	if (a->null || b->null)
		return a->null && b->null;
	if (is_number(a->type) && is_number(b->type))
		return same_number(a, b);
	if (a->type != b->type)
		return false;
	if (a->type == EDM_BOOLEAN)
		return a->b == b->b;
	if (a->text != NULL)
		return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
	return a->i == b->i && a->ns == b->ns;
}
