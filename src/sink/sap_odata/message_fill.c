/* See map.h: an update against what is there. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "proto/odata/answer.h"
#include "sink/sap_odata/message_int.h"

#define ETAG_MAX	400u

static enum edm_type
type_of(const struct mapping_full *m, const char *prop)
{
	for (uint32_t i = 0; i < m->fields.n; i++)
		if (strcmp(m->fields.v[i].prop, prop) == 0)
			return m->fields.v[i].type;
	return EDM_NONE;
}

/* ABAP has no null: a column that nobody has written to holds the initial value of its type. */
static bool
is_initial(const struct edm_value *v)
{
	switch (v->type) {
	case EDM_STRING: case EDM_BINARY:
		return v->len == 0;
	case EDM_BOOLEAN:
		return !v->b;
	case EDM_DECIMAL:
		return v->len == 1 && v->text[0] == '0';
	case EDM_SINGLE: case EDM_DOUBLE:
		return v->f == 0;
	case EDM_GUID:
		return strspn(v->text, "0-") >= v->len;
	case EDM_BYTE: case EDM_SBYTE: case EDM_INT16: case EDM_INT32: case EDM_INT64:
	case EDM_TIME: case EDM_TIMEOFDAY: case EDM_DURATION:
		return v->i == 0 && v->ns == 0;
	default:	/* a day is never 0 there, but null */
		return false;
	}
}

static const char *
shown(const struct edm_value *v, struct arena *a)
{
	char text[80];

	edm_text(v, text, sizeof text);
	return arena_strdup(a, text);
}

/* SAP gives numbers of materials and the like with zeros before them or without, as its release has it. */
static bool
same_value(const struct edm_value *a, const struct edm_value *b, struct arena *arena)
{
	if (a->type != EDM_STRING || b->type != EDM_STRING)
		return edm_same(a, b);
	return strcmp(without_zeros(arena_strndup(arena, a->text, a->len)), without_zeros(arena_strndup(arena, b->text, b->len))) == 0;
}

enum fill_state
fill_look(const struct mapping_full *m, const json_t *sent, const json_t *found, struct arena *a, struct fill *out)
{
	const char *prop;
	json_t *v;

	out->state = FILL_SAME;
	json_object_foreach((json_t *)(uintptr_t)sent, prop, v) {
		enum edm_type t = type_of(m, prop);
		struct edm_value want, has = { .type = t, .null = true };
		const json_t *there = json_object_get(found, prop);
		if (edm_from_json(v, t, a, &want, NULL) != 0 || want.null)
			continue;	/* our own body, or a null that was passed on: nothing to write */
		/* A property that the answer does not have was not seen: nobody can say that it is blank. */
		bool read = there != NULL && edm_from_json(there, t, a, &has, NULL) == 0;
		if (read && !has.null && same_value(&want, &has, a))
			continue;
		if (read && (has.null || is_initial(&has))) {
			out->state = FILL_WRITE;
			continue;
		}
		*out = (struct fill){ .state = FILL_TAKEN, .prop = arena_strdup(a, prop), .has = read ? shown(&has, a) : "?", .wanted = shown(&want, a) };
		break;
	}
	return out->state;
}

/* It goes into a header: what cannot stand there is none (RFC 9110, 8.8.3). */
static const char *
etag_of(const json_t *one, struct arena *a)
{
	const char *s = json_string_value(json_object_get(json_object_get(one, "__metadata"), "etag"));

	if (s == NULL)
		s = json_string_value(json_object_get(one, "@odata.etag"));
	for (const char *c = s; c != NULL && *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return NULL;
	return s != NULL && *s != '\0' && strlen(s) <= ETAG_MAX ? arena_strdup(a, s) : NULL;
}

int
message_fill(const struct mapping *m, const struct message *sent, const char *answer, size_t len, struct arena *a, struct fill *out)
{
	char why[ANSWER_WHY_MAX];
	const json_t *list, *one;
	const char *next;
	char number[400];

	*out = (struct fill){ 0 };
	json_t *j = odata_json(answer, len, why), *body = odata_json(sent->body, sent->len, why);
	odata_unwrap(j, &list, &one, &next);
	bool read = list == NULL && one != NULL && body != NULL && document_number(m, one, number, sizeof number) == 0;
	if (read) {
		fill_look(map_full(m), body, one, a, out);
		out->etag = etag_of(one, a);
		out->document = arena_strdup(a, number);
	}
	json_decref(body);
	json_decref(j);
	return read ? 0 : ERR_SYNTAX;
}
