/* The event as a message sees it: fields by name, units, and what it says of itself. */
#include "sink/sap_odata/message_int.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/utf8.h"
#include "proto/odata/answer.h"

int
message_fault(struct build *b, const char *code, const char *prop, const char *fmt, ...)
{
	va_list ap;

	snprintf(b->why->code, sizeof b->why->code, "%s", code);
	snprintf(b->why->target, sizeof b->why->target, "%s%s", b->where, prop);
	va_start(ap, fmt);
	int n = vsnprintf(b->why->text, sizeof b->why->text, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n >= sizeof b->why->text)
		b->why->text[utf8_whole(b->why->text, strlen(b->why->text))] = '\0';
	/* What the plant wrote goes to terminals and logs. */
	for (char *s = b->why->text; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
	return VALUE_FAULT;
}

/*
 * A UUID in its text form and nothing else: identities are made of its digits, and it stands in addresses. Of another
 * text two events could become one identity, and the second would never be booked.
 */
static bool
is_uuid(const json_t *j)
{
	const char *s = json_string_value(j);

	if (s == NULL || json_string_length(j) != 36)
		return false;
	for (size_t i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

json_t *
event_open(struct build *b, const char *json, size_t len)
{
	char why[ANSWER_WHY_MAX];

	json_t *j = odata_json(json, len, why);
	b->event = j;
	b->fields = json_object_get(j, "fields");
	b->units = json_object_get(j, "units");
	if (j == NULL)
		message_fault(b, "event", "", "the event is not JSON: %s", why);
	else if (!json_is_object(b->fields) || !is_uuid(json_object_get(j, "id")))
		message_fault(b, "event", "",
		    "this is not an event: it has no fields, or its id is no UUID; who publishes it must give it one");
	else
		return j;
	json_decref(j);
	return NULL;
}

const char *
event_name(struct build *b, const char *name)
{
	const char *at = strstr(name, "{n}");
	return at == NULL ? name : arena_printf(b->a, "%.*s%u%s", (int)(at - name), name, b->n, at + 3);
}

const json_t *
event_field(struct build *b, const char *name)
{
	const json_t *j = json_object_get(b->fields, event_name(b, name));
	/* A text without a character says no more than none. */
	return json_is_string(j) && json_string_length(j) == 0 ? NULL : j;
}

const char *
event_unit(struct build *b, const char *name)
{
	return json_string_value(json_object_get(b->units, event_name(b, name)));
}

const char *
event_context(struct build *b, const char *name)
{
	const char *path = json_string_value(json_object_get(b->event, "event"));
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	if (strcmp(name, "name") == 0)
		return slash != NULL ? slash + 1 : path;
	if (strcmp(name, "equipment") == 0)
		return slash != NULL ? arena_strndup(b->a, path, (size_t)(slash - path)) : NULL;
	if (strcmp(name, "id") == 0 || strcmp(name, "event") == 0 || strcmp(name, "type") == 0 ||
	    strcmp(name, "key") == 0 || strcmp(name, "no") == 0 ||
	    strcmp(name, "time") == 0)
		return event_text(b, json_object_get(b->event, name));
	return NULL;
}

const char *
event_text(struct build *b, const json_t *j)
{
	char number[NUM_TEXT], plain[ODATA_DIGITS_MAX + 1];

	switch (j != NULL ? json_typeof(j) : JSON_NULL) {
	case JSON_STRING:
		return strlen(json_string_value(j)) == json_string_length(j) ? json_string_value(j) : NULL;
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_INTEGER:
		num_i64(json_integer_value(j), number);
		return arena_strdup(b->a, number);
	case JSON_REAL: {
		size_t n = num_f64(json_real_value(j), number);
		return arena_strdup(b->a, decimal_plain(number, n, plain) > 0 ? plain : number);
	}
	default:
		return NULL;
	}
}

const char *
without_zeros(const char *s)
{
	size_t n = strspn(s, "0123456789");
	if (s[n] != '\0' || n == 0)
		return s;
	while (s[0] == '0' && s[1] != '\0')
		s++;
	return s;
}

const char *
event_expand(struct build *b, const char *text, bool strip, unsigned *missing)
{
	struct buf out = { .max = 65536 };
	unsigned absent = 0;

	/* Ends: each round goes past a brace, or leaves. */
	for (;;) {
		const char *open = strchr(text, '{'), *close = open != NULL ? strchr(open, '}') : NULL;
		if (close == NULL)
			break;
		buf_put(&out, text, (size_t)(open - text));
		const char *name = event_name(b, arena_strndup(b->a, open + 1, (size_t)(close - open) - 1));
		const json_t *j = strcmp(name, "n") == 0 ? NULL : event_field(b, name);
		const char *s = strcmp(name, "n") == 0 ? arena_printf(b->a, "%u", b->n) : event_text(b, j);
		if (s == NULL && j == NULL && strncmp(name, "unit:", 5) == 0)
			s = event_unit(b, name + 5) != NULL ? event_unit(b, name + 5) : "";
		else if (s == NULL && j == NULL)
			s = event_context(b, name);
		absent += s == NULL;
		buf_puts(&out, s == NULL ? "?" : strip ? without_zeros(s) : s);
		text = close + 1;
	}
	buf_puts(&out, text);
	const char *made = arena_strndup(b->a, buf_text(&out), out.len);
	buf_fini(&out);
	if (missing != NULL)
		*missing = absent;
	return made;
}
