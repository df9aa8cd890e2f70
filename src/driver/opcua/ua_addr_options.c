/* The bracket of an address: how a node is read. The grammar stands in ua_addr.h. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/near.h"
#include "base/num.h"
#include "driver/opcua/ua_addr.h"
#include "model/value.h"

struct option {			/* one of the bracket, '&' still in it */
	const char	*p;
	size_t		 len;
	struct arena	*a;
	struct ua_addr	*out;
	char		*why;
	size_t		 size;
};

static int
fail(const struct option *o, const char *text)
{
	snprintf(o->why, o->size, "%s; here stands \"%.*s\"", text, (int)(o->len < 80 ? o->len : 80), o->p);
	return ERR_SYNTAX;
}

static int
put_sampling(struct option *o)
{
	static const struct { const char *name; double ns; } units[] = {
		{ "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "min", 60e9 }, { "h", 3600e9 },
	};
	size_t n = 0;
	double v;

	while (n < o->len && (isdigit((unsigned char)o->p[n]) || o->p[n] == '.'))
		n++;
	if (num_parse_f64(o->p, n, '.', &v) == 0) {
		const char *unit = o->p + n, *end = o->p + o->len;
		while (unit < end && *unit == ' ')
			unit++;
		for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
			if (strlen(units[i].name) == (size_t)(end - unit) && memcmp(unit, units[i].name, (size_t)(end - unit)) == 0 &&
			    v * units[i].ns <= 86400e9) {
				o->out->sampling_ns = llround(v * units[i].ns);
				return 0;
			}
	}
	return fail(o, "sampling takes a duration of at most a day, such as 100 ms; 0 s: as fast as the server can");
}

static int
put_queue(struct option *o)
{
	uint64_t n;
	if (num_parse_u64(o->p, o->len, &n) != 0 || n < 1 || n > 100000)
		return fail(o, "queue takes how many values the server keeps between two publishings, 1 to 100000");
	o->out->queue = (uint32_t)n;
	return 0;
}

static int
put_deadband(struct option *o)
{
	size_t n = o->len;
	bool percent = n > 0 && o->p[n - 1] == '%';

	n -= percent;
	while (n > 0 && o->p[n - 1] == ' ')
		n--;
	double v = 0;
	if (num_parse_f64(o->p, n, '.', &v) != 0 || !(v > 0) || !isfinite(v) || (percent && v > 100))
		return fail(o, "deadband takes a number above 0, in the node's own unit, or per cent of its EURange with a % behind it (at most 100)");
	o->out->deadband = v;
	o->out->deadband_kind = percent ? UA_DEADBAND_PERCENT : UA_DEADBAND_ABSOLUTE;
	return 0;
}

static int
put_mode(struct option *o)
{
	if (o->len == 4 && memcmp(o->p, "read", 4) == 0)
		o->out->mode = UA_MODE_READ;
	else if (o->len == 9 && memcmp(o->p, "subscribe", 9) == 0)
		o->out->mode = UA_MODE_SUBSCRIBE;
	else
		return fail(o, "mode is read (cyclic reads) or subscribe");
	return 0;
}

static int
put_type(struct option *o)
{
	size_t n = o->len;
	bool array = n > 2 && memcmp(o->p + n - 2, "[]", 2) == 0;
	int t = value_type_parse(o->p, array ? n - 2 : n);

	if (t <= VALUE_NULL || !value_type_valid((uint8_t)((unsigned)t | (array ? VALUE_ARRAY : 0)))) {
		snprintf(o->why, o->size, "\"%.*s\" is no type%s: bool, int8 to int64, uint8 to uint64, float32, float64, datetime, string, bytes, json; "
		    "an array of numbers with [] behind it", (int)(n < 40 ? n : 40), o->p, array && t > 0 ? " (an array of it is json)" : "");
		return ERR_SYNTAX;
	}
	o->out->type = (uint8_t)((unsigned)t | (array ? VALUE_ARRAY : 0));
	return 0;
}

static int
put_attribute(struct option *o)
{
	o->out->attribute = ua_attribute(o->p, o->len);
	return o->out->attribute != 0 ? 0 : fail(o, "attribute takes a name of OPC 10000-3, such as DisplayName or Description");
}

/* NumericRange: Part 4, 7.27. A dimension is N or N:M with N < M; "0:3,1" has two. */
static int
put_index(struct option *o)
{
	const char *p = o->p, *end = o->p + o->len;

	for (bool more = true; more;) {
		uint64_t v[2] = { 0, 0 };
		unsigned n = 0;
		for (bool colon = true; colon && n < 2; n++) {
			const char *from = p;
			while (p < end && isdigit((unsigned char)*p))
				p++;
			if (p == from || num_parse_u64(from, (size_t)(p - from), &v[n]) != 0 || v[n] > UINT32_MAX)
				return fail(o, "index takes elements from 0, such as 3, 0:9 or, of a matrix, 0:1,2:3");
			colon = n == 0 && p < end && *p == ':';
			p += colon;
		}
		if (n == 2 && v[0] >= v[1])
			return fail(o, "in an index range the first element comes before the last, and both are meant: 0:9 is ten");
		more = p < end && *p == ',';
		p += more;
	}
	if (p != end)
		return fail(o, "index takes elements from 0, such as 3, 0:9 or, of a matrix, 0:1,2:3");
	o->out->index_range = arena_strndup(o->a, o->p, o->len);
	return 0;
}

static int
put_field(struct option *o)
{
	char *copy = arena_strndup(o->a, o->p, o->len), *to = copy;

	o->out->nfield = 0;
	o->out->field = arena_array(o->a, UA_PATH_MAX, sizeof *o->out->field);
	o->out->field[0] = copy;
	for (size_t i = 0; i <= o->len; i++) {
		if (i < o->len && o->p[i] == '&' && i + 1 < o->len)
			*to++ = o->p[++i];
		else if (i < o->len && o->p[i] != '.')
			*to++ = o->p[i];
		else {
			*to++ = '\0';
			if (*o->out->field[o->out->nfield] == '\0' || o->out->nfield + 1 == UA_PATH_MAX)
				return fail(o, "field takes names within a structure joined by '.', such as Position.X");
			o->out->field[++o->out->nfield] = to;
		}
	}
	return 0;
}

static int
put_kind(struct option *o)
{
	/* Part 5, 6.4 and Part 9: the names of these types are in no doubt. */
	static const struct { const char *name; uint32_t id; } known[] = {
		{ "BaseEventType", 2041 }, { "ConditionType", 2782 }, { "DialogConditionType", 2830 }, { "AcknowledgeableConditionType", 2881 },
		{ "AlarmConditionType", 2915 }, { "LimitAlarmType", 2955 }, { "DiscreteAlarmType", 10523 }, { "OffNormalAlarmType", 10637 },
		{ "SystemEventType", 2130 }, { "AuditEventType", 2052 }, { "DeviceFailureEventType", 2131 }, { "TripAlarmType", 10751 },
		{ "ExclusiveLimitAlarmType", 9341 }, { "NonExclusiveLimitAlarmType", 9906 }, { "CertificateExpirationAlarmType", 13225 },
		{ "EventQueueOverflowEventType", 3035 }, { "ProgressEventType", 11436 },
	};
	struct ua_addr *kind = arena_new(o->a, struct ua_addr);
	char *text = arena_strndup(o->a, o->p, o->len), *to = text;

	for (const char *p = text; *p != '\0'; p++)
		*to++ = *p == '&' && p[1] != '\0' ? *++p : *p;
	*to = '\0';
	o->out->event_kind = kind;
	*kind = (struct ua_addr){ .id_kind = 'i', .attribute = 13, .mode = -1, .sampling_ns = -1 };
	struct near near = { .word = text };
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		near_try(&near, known[i].name);
		if (strcmp(known[i].name, text) == 0) {
			kind->i = known[i].id;
			return 0;
		}
	}
	if (strchr(text, '=') == NULL) {
		snprintf(o->why, o->size, "no event type \"%.80s\" in OPC UA itself%s%s: write the node of a server's own type, nsu=URI;i=number", text,
		    near.best != NULL ? "; is it " : "", near.best != NULL ? near.best : "");
		return ERR_SYNTAX;
	}
	int err = ua_addr_parse_where(text, strlen(text), o->a, kind, o->why, o->size);
	return err != 0 ? err : kind->kind == UA_ADDR_NODE ? 0 : fail(o, "kind takes an event type by name or by node");
}

static int
put_severity(struct option *o)
{
	uint64_t n;
	if (num_parse_u64(o->p, o->len, &n) != 0 || n < 1 || n > 1000)
		return fail(o, "severity takes the lowest that is wanted, 1 to 1000");
	o->out->severity = (uint16_t)n;
	return 0;
}

static const struct {
	const char	*name;
	int		(*put)(struct option *o);
	bool		 events, nodes;		/* of which kind of address */
} options[] = {
	{ "sampling", put_sampling, true, true }, { "queue", put_queue, true, true }, { "deadband", put_deadband, false, true },
	{ "mode", put_mode, false, true }, { "type", put_type, false, true }, { "attribute", put_attribute, false, true },
	{ "index", put_index, false, true }, { "field", put_field, false, true }, { "kind", put_kind, true, false },
	{ "severity", put_severity, true, false },
};

static int
put_option(struct option *o)
{
	char word[16] = "";
	size_t n = 0;

	while (o->len > 0 && *o->p == ' ') {
		o->p++;
		o->len--;
	}
	while (o->len > 0 && o->p[o->len - 1] == ' ')
		o->len--;
	while (n < o->len && n < sizeof word - 1 && islower((unsigned char)o->p[n])) {
		word[n] = o->p[n];
		n++;
	}
	struct near near = { .word = word };
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		near_try(&near, options[i].name);
		if (strcmp(options[i].name, word) != 0 || (n < o->len && o->p[n] != ' '))
			continue;
		bool events = o->out->kind == UA_ADDR_EVENTS;
		if (events ? !options[i].events : !options[i].nodes) {
			snprintf(o->why, o->size, "%s is for %s", word, events ? "values, not for events" : "events only");
			return ERR_SYNTAX;
		}
		o->p += n;
		o->len -= n;
		while (o->len > 0 && *o->p == ' ') {
			o->p++;
			o->len--;
		}
		return options[i].put(o);
	}
	snprintf(o->why, o->size, "\"%.*s\" is no option%s%s: there are sampling, queue, deadband, mode, type, attribute, index, field and, for events, "
	    "kind and severity", (int)(o->len < 40 ? o->len : 40), o->p, near.best != NULL ? ", perhaps " : "", near.best != NULL ? near.best : "");
	return ERR_SYNTAX;
}

int
ua_addr_parse_options(const char *s, size_t len, struct arena *a, struct ua_addr *out, char *why, size_t size)
{
	size_t from = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && s[i] == '&') {
			i += i + 1 < len;
			continue;
		}
		/* A comma before a digit stands between the dimensions of an index range. */
		if (i < len && (s[i] != ',' || (i + 1 < len && isdigit((unsigned char)s[i + 1]))))
			continue;
		struct option o = { .p = s + from, .len = i - from, .a = a, .out = out, .why = why, .size = size };
		bool blank = strspn(o.p, " ") >= o.len;
		int err = blank && len == o.len ? 0 : put_option(&o);
		if (err != 0)
			return err;
		from = i + 1;
	}
	if (out->attribute != 13 && (out->deadband_kind != UA_DEADBAND_NONE || out->nfield > 0)) {
		snprintf(why, size, "deadband and field are for the attribute Value");
		return ERR_SYNTAX;
	}
	return 0;
}
