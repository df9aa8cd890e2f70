/*
 * What an event says: one JSON object, see model/event.h. An event that breaks a rule of its declaration is not held
 * back: it goes the same way with the member "fault", so that it is counted, kept, and seen where somebody looks; sinks
 * that act upon events do not act on it.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "insight/event.h"

struct fault { const char *code, *field; char text[300]; };	/* code NULL: none */

static void fault_set(struct fault *f, const char *code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void
fault_set(struct fault *f, const char *code, const char *field, const char *fmt, ...)
{
	va_list ap;

	if (f->code != NULL)	/* the first one is told */
		return;
	f->code = code;
	f->field = field;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
}

struct event_value
event_constant(const struct event_rule_field *f)
{
	size_t len = strlen(f->text);
	struct event_value v = { .v = { .type = VALUE_TEXT, .len = (uint32_t)len, .p = f->text } };
	struct wall t = { 0 };

	switch (f->type) {
	case EVENT_IS_INTEGER:
		v.v = (struct value){ .type = VALUE_I64 };
		num_parse_i64(f->text, len, &v.v.i);	/* the checks have tried it */
		break;
	case EVENT_IS_NUMBER:
		v.v = (struct value){ .type = VALUE_F64 };
		num_parse_f64(f->text, len, '.', &v.v.f64);
		break;
	case EVENT_IS_BOOLEAN:
		v.v = (struct value){ .type = VALUE_BOOL, .b = strcmp(f->text, "true") == 0 };
		break;
	case EVENT_IS_TIME:
		wall_parse(f->text, &t);
		v.v = (struct value){ .type = VALUE_TIME, .i = t.ns };
		break;
	case EVENT_IS_TEXT: case EVENT_TYPE_COUNT:
		break;
	}
	return v;
}

/* Bytes of the first n characters of a text, and how many it has. */
static uint32_t
characters(const char *s, uint32_t len, uint32_t n, uint32_t *all)
{
	uint32_t count = 0, cut = len;

	for (uint32_t i = 0; i < len; i++) {
		if (((uint8_t)s[i] & 0xc0) == 0x80 && i > 0)
			continue;
		if (count == n)
			cut = i;
		count++;
	}
	*all = count;
	return cut;
}

static double
number(const struct value *v)
{
	return v->type == VALUE_I64 ? (double)v->i : v->f64;
}

static bool
allowed(const struct event_rule_field *f, const struct value *v)
{
	double x;

	for (uint32_t i = 0; i < f->nwords; i++) {
		size_t len = strlen(f->words[i]);
		if (v->type == VALUE_TEXT ? len == v->len && memcmp(f->words[i], v->p, len) == 0 :
		    v->type == VALUE_BOOL ? strcmp(f->words[i], v->b ? "true" : "false") == 0 :
		    num_parse_f64(f->words[i], len, '.', &x) == 0 && x == number(v))
			return true;
	}
	return f->nwords == 0;
}

/* The value as it is to be in the record, and what is wrong with it. */
static struct value
judge(const struct event_rule_field *f, const struct event_value *in, char *room, size_t size, struct fault *why)
{
	struct value v = in->v;
	uint32_t all = 0;

	if (f->type == EVENT_IS_TEXT && v.type == VALUE_I64) {
		v = (struct value){ .type = VALUE_TEXT, .p = room };
		v.len = (uint32_t)snprintf(room, size, "%lld", (long long)in->v.i);
	}
	if (v.type == VALUE_NULL || status_is_bad(in->status) || (v.type == VALUE_F64 && !isfinite(v.f64))) {
		if (f->required)
			fault_set(why, "required", f->name, "field %s is required and has no usable value: %s", f->name,
			    status_name(in->status));
		return (struct value){ .type = VALUE_NULL };
	}
	if (v.type == VALUE_TEXT) {
		uint32_t cut = characters(v.p, v.len, f->length, &all);
		if (f->required && v.len == 0)
			fault_set(why, "required", f->name, "field %s is required and is an empty text", f->name);
		if (all > f->length)
			fault_set(why, "length", f->name, "field %s has %u characters, %u are allowed; it is cut here",
			    f->name, all, f->length);
		v.len = all > f->length ? cut : v.len;
	}
	bool counted = v.type == VALUE_I64 || v.type == VALUE_F64;
	if (f->has_range && counted && !(number(&v) >= f->lo && number(&v) <= f->hi))
		fault_set(why, "range", f->name, "field %s is %.10g, its range is %.10g to %.10g", f->name, number(&v),
		    f->lo, f->hi);
	if (!allowed(f, &v))
		fault_set(why, "one-of", f->name, "field %s has none of its %u allowed values", f->name, f->nwords);
	return v;
}

/* ---- the key ---- */

/* Parts are joined by '/'; in a part '/' and '%' are escaped, so that two keys are equal only if their parts are. */
static bool
key_part(char *key, size_t *n, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool escaped = s[i] == '/' || s[i] == '%' || (uint8_t)s[i] < ' ';
		if (*n + 3 >= EVENT_KEY_BYTES)
			return false;
		if (escaped)
			*n += (size_t)snprintf(key + *n, 4, "%%%02X", (unsigned)(uint8_t)s[i]);
		else
			key[(*n)++] = s[i];
	}
	return true;
}

static void
make_key(const struct event_rule *r, const struct event_facts *f, const struct value *v, char *key, struct fault *why)
{
	struct buf text = { 0 };
	bool whole = true;
	size_t n = 0;

	for (uint32_t i = 0; i < r->nkey && whole; i++) {
		uint32_t at = r->key[i];
		buf_reset(&text);
		if (i > 0)
			key[n++] = '/';
		if (at == EVENT_KEY_NO)
			buf_printf(&text, "%llu", (unsigned long long)f->no);
		else if (v[at].type == VALUE_NULL || (v[at].type == VALUE_TEXT && v[at].len == 0)) {
			fault_set(why, "key", r->fields[at].name, "field %s is part of the key and has no usable value",
			    r->fields[at].name);
			whole = false;
		} else if (v[at].type == VALUE_TEXT)
			buf_put(&text, v[at].p, v[at].len);
		else
			value_print(&text, &v[at]);
		whole = whole && key_part(key, &n, buf_text(&text), text.len);
	}
	buf_fini(&text);
	key[n] = '\0';
	if (whole)
		return;
	/* It must still be one of a kind, to be told from others where it is kept. */
	fault_set(why, "key", "", "its key is longer than %u bytes", EVENT_KEY_BYTES);
	n = n > EVENT_KEY_BYTES - 24 ? EVENT_KEY_BYTES - 24 : n;
	while (n > 0 && ((uint8_t)key[n] & 0xc0) == 0x80)	/* not within a character */
		n--;
	snprintf(key + n, EVENT_KEY_BYTES + 1 - n, "~%llu", (unsigned long long)f->no);
}

/* ---- the record ---- */

static void
put_field(struct json *j, const struct event_rule_field *f, const struct value *v)
{
	json_key(j, f->name);
	if (v->type == VALUE_TEXT)
		json_str(j, v->len > 0 ? v->p : "", v->len);
	else
		value_json(j, v);
}

/* Has a field before this one, or an input of this one before k, the same tag? */
static bool
told(const struct event_facts *f, uint32_t field, size_t k)
{
	const struct expr_input *tag = f->in[field][k];

	for (uint32_t i = 0; i <= field; i++)
		for (size_t n = 0; f->progs[i] != NULL && n < (i < field ? expr_inputs(f->progs[i]) : k); n++)
			if (f->in[i][n] == tag)
				return true;
	return false;
}

static void
put_read(struct json *j, const struct event_rule *r, const struct event_facts *f)
{
	char when[WALL_TEXT];

	json_key(j, "read");
	json_open(j, '{');
	for (uint32_t i = 0; i < r->nfields; i++)
		for (size_t k = 0; f->progs[i] != NULL && k < expr_inputs(f->progs[i]); k++)
			if (f->in[i][k]->time.ns != 0 && !told(f, i, k))
				json_key_text(j, expr_input(f->progs[i], k)->name,
				    wall_format(f->in[i][k]->time, 9, when));
	json_close(j, '}');
}

static void
put_maps(struct json *j, const struct event_rule *r, const struct event_facts *f)
{
	json_key(j, "units");
	json_open(j, '{');
	for (uint32_t i = 0; i < r->nfields; i++)
		if (*r->fields[i].unit != '\0')
			json_key_text(j, r->fields[i].name, r->fields[i].unit);
	json_close(j, '}');
	json_key(j, "status");
	json_open(j, '{');
	for (uint32_t i = 0; i < r->nfields; i++)
		if (!status_is_good(f->values[i].status))
			json_key_text(j, r->fields[i].name, status_name(f->values[i].status));
	json_close(j, '}');
	json_key(j, "from");
	json_open(j, '{');
	for (uint32_t i = 0; i < r->nfields; i++) {
		if (f->progs[i] == NULL)
			continue;
		json_key(j, r->fields[i].name);
		json_open(j, '[');
		for (size_t k = 0; k < expr_inputs(f->progs[i]); k++)
			json_text(j, expr_input(f->progs[i], k)->name);
		json_close(j, ']');
	}
	json_close(j, '}');
	put_read(j, r, f);
}

int
event_record(const struct event_rule *r, const struct event_facts *f, char key[EVENT_KEY_BYTES + 1], struct buf *out)
{
	struct value v[EVENT_FIELDS_MAX];
	char room[EVENT_FIELDS_MAX][24], id[EVENT_ID_TEXT], when[WALL_TEXT];
	struct fault why = { 0 };
	struct json j = { .out = out };

	for (uint32_t i = 0; i < r->nfields; i++)
		v[i] = judge(&r->fields[i], &f->values[i], room[i], sizeof room[i], &why);
	make_key(r, f, v, key, &why);
	json_open(&j, '{');
	json_key_text(&j, "id", event_id(f->enterprise, f->site, r->path, key, id));
	json_key_text(&j, "event", r->path);
	json_key_text(&j, "type", event_object_name(r->object));
	json_key_text(&j, "key", key);
	json_key_u64(&j, "no", f->no);
	json_key_text(&j, "time", wall_format(f->time, 3, when));
	json_key(&j, "fields");
	json_open(&j, '{');
	for (uint32_t i = 0; i < r->nfields; i++)
		put_field(&j, &r->fields[i], &v[i]);
	json_close(&j, '}');
	put_maps(&j, r, f);
	if (why.code != NULL) {
		json_key(&j, "fault");
		json_open(&j, '{');
		json_key_text(&j, "code", why.code);
		json_key_text(&j, "field", why.field);
		json_key_text(&j, "text", why.text);
		json_close(&j, '}');
	}
	json_close(&j, '}');
	if (out->err != 0 || out->len > VALUE_BYTES_MAX)
		return ERR_LIMIT;
	return why.code != NULL;
}
