/*
 * Is the value one that the entry allows? First it is brought into the tag's type, exactly; what will be written is
 * what is judged.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "gate/request_int.h"

#define SLACK		1e-9	/* relative: a limit written in decimals is met by the double nearest to it */

/* Of a whole number there is no nearest one: 4000000001 is past a limit of 4000000000. */
static double
slack_of(uint8_t type)
{
	return type == VALUE_F32 || type == VALUE_F64 || type == VALUE_TEXT ? SLACK : 0;
}

static bool
whole(double d, double lo, double hi)
{
	return d == floor(d) && d >= lo && d <= hi;
}

/* A number in the tag's type, exactly; false when that type cannot hold it. */
static bool
to_type(double d, uint8_t type, struct value *out)
{
	static const struct { double lo, hi; } ranges[VALUE_TYPES] = {
		[VALUE_BOOL] = { 0, 1 }, [VALUE_I8] = { INT8_MIN, INT8_MAX }, [VALUE_U8] = { 0, UINT8_MAX },
		[VALUE_I16] = { INT16_MIN, INT16_MAX }, [VALUE_U16] = { 0, UINT16_MAX }, [VALUE_I32] = { INT32_MIN,
		    INT32_MAX },
		[VALUE_U32] = { 0, UINT32_MAX }, [VALUE_I64] = { -0x1p63, 0x1.fffffffffffffp62 }, [VALUE_U64] = { 0,
		    0x1.fffffffffffffp63 },
	};

	*out = (struct value){ .type = type };
	switch (type) {
	case VALUE_BOOL:
		out->b = d != 0;
		return whole(d, 0, 1);
	case VALUE_F64:
		out->f64 = d;
		return isfinite(d);
	case VALUE_F32:
		out->f32 = (float)d;
		return isfinite(out->f32);
	case VALUE_U8: case VALUE_U16: case VALUE_U32: case VALUE_U64:
		if (!whole(d, ranges[type].lo, ranges[type].hi))
			return false;
		out->u = (uint64_t)d;
		return true;
	case VALUE_I8: case VALUE_I16: case VALUE_I32: case VALUE_I64:
		if (!whole(d, ranges[type].lo, ranges[type].hi))
			return false;
		out->i = (int64_t)d;
		return true;
	default:
		return false;
	}
}

static bool
text_is(const struct value *v, const char *s)
{
	return strlen(s) == v->len && memcmp(v->p, s, v->len) == 0;
}

static bool
number_of_text(const struct value *v, const struct enum_def *e, double *out)
{
	static const char *const yes[] = { "true", "yes", "on" }, *const no[] = { "false", "no", "off" };

	for (uint32_t i = 0; e != NULL && i < e->n; i++)
		if (text_is(v, e->items[i].text)) {
			*out = (double)e->items[i].value;
			return true;
		}
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		if (text_is(v, yes[i]) || text_is(v, no[i])) {
			*out = text_is(v, yes[i]);
			return true;
		}
	return num_parse_f64(v->p, v->len, '.', out) == 0;
}

/* Whole 64-bit numbers do not go through a double. */
static bool
same_64(const struct value *v, uint8_t type, struct value *out)
{
	int64_t i;
	uint64_t u;

	*out = (struct value){ .type = type };
	if (type == v->type && (type == VALUE_I64 || type == VALUE_U64)) {
		*out = *v;
		return true;
	}
	if (v->type == VALUE_TEXT && type == VALUE_I64 && num_parse_i64(v->p, v->len, &i) == 0) {
		out->i = i;
		return true;
	}
	if (v->type == VALUE_TEXT && type == VALUE_U64 && num_parse_u64(v->p, v->len, &u) == 0) {
		out->u = u;
		return true;
	}
	return false;
}

static bool
among(const double *v, uint32_t n, double d, double slack)
{
	for (uint32_t i = 0; i < n; i++)
		if (fabs(v[i] - d) <= slack * fabs(d))
			return true;
	return false;
}

static enum request_reason
within(double d, double lo, double hi, double slack, const char *unit, char *text, size_t size)
{
	if (d >= lo - slack * fabs(lo) && d <= hi + slack * fabs(hi))
		return REASON_NONE;
	snprintf(text, size, "the value %.10g is outside of %.10g to %.10g%s%s", d, lo, hi, *unit != '\0' ? " " : "",
	    unit);
	return REASON_LIMIT;
}

static enum request_reason
judge_number(const struct request_rule *rule, const struct tag *tag, double d, char *text, size_t size)
{
	enum request_reason why = REASON_NONE;
	double slack = slack_of(tag->type);

	if (rule->has_limits)
		why = within(d, rule->lo, rule->hi, slack, tag->unit, text, size);
	if (why == REASON_NONE && tag->has_range)
		why = within(d, tag->lo, tag->hi, slack, tag->unit, text, size);
	if (why != REASON_NONE)
		return why;
	if (rule->nvalues > 0)
		return among(rule->values, rule->nvalues, d, slack) ? REASON_NONE : REASON_VALUE;
	if (rule->has_limits || tag->has_range || tag->type == VALUE_BOOL || rule->any)
		return REASON_NONE;
	for (uint32_t i = 0; tag->enumeration != NULL && i < tag->enumeration->n; i++)
		if ((double)tag->enumeration->items[i].value == d)
			return REASON_NONE;
	return REASON_VALUE;
}

static enum request_reason
judge_write(const struct request *q, const struct target *t, struct value *value, struct arena *a, char *text,
    size_t size)
{
	const struct value *v = &q->args[0];
	double d;

	if (t->tag->type == VALUE_TEXT) {
		if (v->type != VALUE_TEXT)
			return REASON_TYPE;
		bool any = t->rule->any && t->rule->nwords == 0;
		for (uint32_t i = 0; i < t->rule->nwords || any; i++)
			if (any || text_is(v, t->rule->words[i])) {
				*value = (struct value){ .type = VALUE_TEXT, .len = v->len, .p = arena_strndup(a, v->p,
				    v->len) };
				return REASON_NONE;
			}
		return REASON_VALUE;
	}
	bool number = v->type == VALUE_TEXT ? number_of_text(v, t->tag->enumeration, &d) : value_as_f64(v, &d);
	if (!number || !isfinite(d)) {
		snprintf(text, size, "the tag takes a value of type %s%s, and this is none", value_type_name(t->tag->type),
		    t->tag->enumeration != NULL ? " or a text of its enumeration" : "");
		return REASON_TYPE;
	}
	if (!same_64(v, t->tag->type, value) && !to_type(d, t->tag->type, value)) {
		snprintf(text, size, "%.10g is no value of type %s", d, value_type_name(t->tag->type));
		return REASON_TYPE;
	}
	value_as_f64(value, &d);	/* what will be written is what is judged */
	return judge_number(t->rule, t->tag, d, text, size);
}

static bool
word_of(const char *words, const struct value *v)
{
	for (const char *p = words; *p != '\0';) {
		size_t n = strcspn(p, "|");
		if (n == v->len && memcmp(p, v->p, n) == 0)
			return true;
		p += n + (p[n] == '|');
	}
	return false;
}

static enum request_reason
judge_args(const struct request *q, const struct request_rule *rule, char *text, size_t size)
{
	if (q->nargs != rule->nargs) {
		snprintf(text, size, "the method takes %u arguments, not %u", rule->nargs, q->nargs);
		return REASON_ARGS;
	}
	for (uint32_t i = 0; i < q->nargs; i++) {
		const struct request_arg *a = &rule->args[i];
		const struct value *v = &q->args[i];
		double d;
		if (a->any)
			continue;
		bool number = v->type == VALUE_TEXT ? number_of_text(v, NULL, &d) : value_as_f64(v, &d);
		bool good = a->has_limits ? number && within(d, a->lo, a->hi, slack_of(v->type), "", text, size) ==
		        REASON_NONE :
		    v->type == VALUE_TEXT && word_of(a->words, v);
		if (!good) {
			snprintf(text, size, "argument %u is not what the entry allows", i + 1);
			return REASON_ARGS;
		}
	}
	return REASON_NONE;
}

enum request_reason
judge_value(const struct request *q, const struct target *t, struct value *value, struct arena *a, char *text,
    size_t size)
{
	*text = '\0';
	*value = (struct value){ .type = VALUE_NULL };
	switch (q->kind) {
	case REQUEST_WRITE:
		return q->nargs == 1 ? judge_write(q, t, value, a, text, size) : REASON_TYPE;
	case REQUEST_CALL:
		return judge_args(q, t->rule, text, size);
	default:
		return q->nargs == 0 ? REASON_NONE : REASON_ARGS;
	}
}
