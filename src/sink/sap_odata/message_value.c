/*
 * The value of one property: found, brought to its type, held against its limits. A value that does not fit is refused
 * in words, not bent.
 */
#include "sink/sap_odata/message_int.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"

/* What limits a property: the mapping, and the service where it allows less. */
static struct edm_facets
facets_of(const struct build *b, const struct field *f)
{
	struct edm_facets v = f->facets;
	const struct odata_prop *p = b->type != NULL ? odata_prop(b->type, f->prop) : NULL;

	if (p == NULL || p->type != f->type)
		return v;
	if (p->facets.max_length > 0 && (v.max_length == 0 || p->facets.max_length < v.max_length))
		v.max_length = p->facets.max_length;
	if (f->type == EDM_DECIMAL && p->facets.precision > 0 &&
	    (v.precision == 0 || p->facets.precision < v.precision))
		v.precision = p->facets.precision;
	if (f->type == EDM_DECIMAL && p->facets.scale != EDM_SCALE_ANY &&
	    (v.scale == EDM_SCALE_ANY || p->facets.scale < v.scale))
		v.scale = p->facets.scale;
	return v;
}

static const char *
origin(struct build *b, const struct field *f)
{
	static const char *const words[FROMS] = { [FROM_FIELD] = "the field", [FROM_VALUE] = "the constant",
	    [FROM_CONTEXT] = "the event's",
		[FROM_SETTING] = "the setting", [FROM_TEXT] = "the text", [FROM_UNIT] = "the unit of" };
	return arena_printf(b->a, "%s \"%.63s\"", words[f->from], f->from == FROM_FIELD ? event_name(b, f->source) :
	    f->source);
}

static const char *
padded(struct build *b, const struct field *f, const char *s)
{
	size_t len = strlen(s);
	if (f->pad == 0 || len >= f->pad || strspn(s, "0123456789") != len)
		return s;
	return arena_printf(b->a, "%0*d%s", (int)(f->pad - len), 0, s);
}

/* "12.3456" to the decimals of its property. */
static int
fitted(struct build *b, const struct field *f, const struct edm_facets *limit, const char *s,
    char out[ODATA_DIGITS_MAX + 1])
{
	int n = decimal_plain(s, strlen(s), out);
	if (n < 0)
		return message_fault(b, "number", f->prop,
		    "%s is \"%.40s\", which is no number that %s can take: edit the event, or correct the field's expression",
		    origin(b, f), s, f->prop);
	int err = decimal_fit(out, limit->precision, limit->scale, f->round);
	if (err == ERR_LIMIT)
		return message_fault(b, "number", f->prop,
		    "%s is %.40s, but %s has %d decimals: declare the field in a unit or with a rounding that fits, or say "
		    "`round:` in the mapping", origin(b, f), s, f->prop, limit->scale);
	if (err != 0)
		return message_fault(b, "number", f->prop,
		    "%s is %.40s, but %s takes at most %d digits before the point (Decimal(%u,%d)): is it a count that ran away, or "
		    "the wrong unit?", origin(b, f), s, f->prop, (int)limit->precision - limit->scale,
		    limit->precision, limit->scale);
	return VALUE_THERE;
}

static int
as_text(struct build *b, const struct field *f, const struct edm_facets *limit, const char *s, bool number,
    struct edm_value *out)
{
	char fit[ODATA_DIGITS_MAX + 1];

	if (number && limit->scale != EDM_SCALE_ANY) {
		struct edm_facets any = { .scale = limit->scale };
		if (fitted(b, f, &any, s, fit) == VALUE_FAULT)
			return VALUE_FAULT;
		s = arena_strdup(b->a, fit);
	}
	s = padded(b, f, s);
	size_t len = strlen(s), units = utf8_len16(s, len);
	if (limit->max_length > 0 && units > limit->max_length) {
		if (!f->cut)
			return message_fault(b, "too-long", f->prop,
			    "%s is \"%.60s%s\", %zu characters; %s takes %u: shorten it where it is made, edit the event, or say "
			    "`too-long: cut` in the mapping", origin(b, f), s, len > 60 ? "..." : "", units, f->prop,
			    limit->max_length);
		len = utf8_cut16(s, len, limit->max_length);
	}
	out->text = arena_strndup(b->a, s, len);
	out->len = len;
	return VALUE_THERE;
}

/* A text, from wherever it comes, to the type of the property. */
static int
from_text(struct build *b, const struct field *f, const char *s, bool number, struct edm_value *out)
{
	struct edm_facets limit = facets_of(b, f);
	char fit[ODATA_DIGITS_MAX + 1], why[ODATA_WHY_MAX];

	*out = (struct edm_value){ .type = f->type };
	if (f->type == EDM_STRING)
		return as_text(b, f, &limit, s, number, out);
	if (f->type == EDM_DECIMAL || (f->type >= EDM_BYTE && f->type <= EDM_INT64)) {
		if (f->type != EDM_DECIMAL)
			limit = (struct edm_facets){ .scale = 0 };
		if (fitted(b, f, &limit, s, fit) == VALUE_FAULT)
			return VALUE_FAULT;
		s = fit;
	} else if (f->type >= EDM_DATETIME && f->type <= EDM_TIMEOFDAY && strchr(s, 'T') != NULL && *s != 'P')
		return field_time(b, f, s, out);
	else if (f->type == EDM_BOOLEAN && number && (strcmp(s, "1") == 0 || strcmp(s, "0") == 0))
		s = *s == '1' ? "true" : "false";	/* a bit that a controller keeps as a number */
	if (edm_from_text(s, strlen(s), f->type, b->a, out, why) == 0)
		return VALUE_THERE;
	return message_fault(b, f->type >= EDM_BYTE && f->type <= EDM_DECIMAL ? "number" : "value", f->prop,
	    "%s cannot be %s: %.160s", origin(b, f), f->prop, why);
}

/* The word that SAP has for the event's. */
static int
translated(struct build *b, const struct field *f, const char **s)
{
	char known[200] = "";
	size_t n = 0;

	if (f->nmap == 0)
		return VALUE_THERE;
	for (uint32_t i = 0; i < f->nmap; i++) {
		if (strcmp(f->map[i].from, *s) == 0) {
			*s = f->map[i].to;
			return **s != '\0' ? VALUE_THERE : VALUE_ABSENT;
		}
		if (n < sizeof known)
			n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i > 0 ? ", " : "", f->map[i].from);
	}
	return message_fault(b, "word", f->prop,
	    "%s is \"%.40s\", for which the mapping has no word; it knows %s: add it to `map` of %s", origin(b, f),
	    *s, known, f->prop);
}

static int
absent(struct build *b, const struct field *f, struct edm_value *out)
{
	if (f->def != NULL)
		return *f->def != '\0' ? from_text(b, f, f->def, false, out) : VALUE_ABSENT;
	if (!f->required)
		return VALUE_ABSENT;
	if (f->from == FROM_SETTING)
		return message_fault(b, "setting", f->prop,
		    "%s needs the setting \"%.60s\", which this sink does not have: add %.60s=... to its key `settings`", f->prop,
		    f->source, f->source);
	if (f->unit_of != NULL)
		return message_fault(b, "unit", f->prop,
		    "\"%.63s\" has no unit, and %s needs one: give the field a unit in the site file", f->unit_of,
		    f->prop);
	return message_fault(b, "missing", f->prop,
	    "%s has no value, and %s needs one: see why it had none when the event was made, then edit the event "
	    "(penstock outbox edit) or cancel it", origin(b, f), f->prop);
}

static const char *
setting(const struct build *b, const char *name)
{
	for (size_t i = 0; i < b->env->nsettings; i++)
		if (strcmp(b->env->settings[i].name, name) == 0)
			return *b->env->settings[i].value != '\0' ? b->env->settings[i].value : NULL;
	return NULL;
}

static int
from_field(struct build *b, const struct field *f, const char **s, bool *number)
{
	const json_t *j = event_field(b, f->source);

	*s = NULL;
	if (j == NULL)
		return VALUE_ABSENT;
	if (json_is_null(j)) {
		if (f->pass_null || f->required)	/* required says it better */
			return VALUE_ABSENT;
		return message_fault(b, "no-value", f->prop,
		    "%s had no usable value when the event was made, and %s without it may be a wrong booking: edit the event with the "
		    "true value (penstock outbox edit), or cancel it", origin(b, f), f->prop);
	}
	*number = json_is_number(j);
	*s = event_text(b, j);
	if (*s == NULL)
		return message_fault(b, "value", f->prop,
		    "%s is a list or an object, or holds a NUL; %s takes one value", origin(b, f), f->prop);
	return VALUE_THERE;
}

int
field_value(struct build *b, const struct field *f, struct edm_value *out)
{
	const char *s = NULL;
	bool number = false;
	int got = VALUE_THERE;

	switch (f->from) {
	case FROM_FIELD:
		got = from_field(b, f, &s, &number);
		if (got == VALUE_ABSENT && f->else_context != NULL) {
			got = VALUE_THERE;
			s = event_context(b, f->else_context);
		}
		if (f->unit_of != NULL && got != VALUE_FAULT)
			got = field_unit(b, f, &s);
		break;
	case FROM_VALUE:
		s = f->source;
		break;
	case FROM_CONTEXT:
		s = event_context(b, f->source);
		break;
	case FROM_SETTING:
		s = setting(b, f->source);
		break;
	case FROM_TEXT:
		s = event_expand(b, f->source, false, NULL);
		break;
	default:
		got = field_unit(b, f, &s);
		break;
	}
	if (got == VALUE_THERE && s != NULL)
		got = translated(b, f, &s);
	if (got == VALUE_FAULT)
		return got;
	return got == VALUE_ABSENT || s == NULL ? absent(b, f, out) : from_text(b, f, s, number, out);
}
