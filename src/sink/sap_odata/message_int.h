/* Inside the making of messages: the state of one, and what its files do for each other. */
#ifndef SINK_SAP_ODATA_MESSAGE_INT_H
#define SINK_SAP_ODATA_MESSAGE_INT_H

#include <jansson.h>

#include "sink/sap_odata/map_int.h"

struct build {
	const struct mapping_full	*m;
	const struct message_env	*env;
	struct arena			*a;
	const json_t			*event, *fields, *units;
	const struct fields		*group;		/* the rows that are being filled in */
	const struct odata_type		*type;		/* what they are of; NULL: not known */
	char				 where[META_NAME_MAX + 24];	/* "to_X[2]/", "" at the top */
	uint32_t			 n;		/* of an item that repeats, from 1 */
	struct fault			*why;
};

enum { VALUE_ABSENT = 0, VALUE_THERE = 1, VALUE_FAULT = -1 };

/* message_fault.c: say what is wrong; VALUE_FAULT. */
int message_fault(struct build *b, const char *code, const char *prop, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

/* message_event.c: the event taken apart. Given: json_decref(). NULL with the fault. */
json_t *event_open(struct build *b, const char *json, size_t len);
/* The name with {n} replaced, in the arena. */
const char *event_name(struct build *b, const char *name);
/* A field's value by its name ({n} replaced); NULL: the event has none; JSON null: it has no value. */
const json_t *event_field(struct build *b, const char *name);
/* Its unit (UCUM); NULL: none. */
const char *event_unit(struct build *b, const char *name);
/* What the event says of itself. */
const char *event_context(struct build *b, const char *name);
/*
 * A text with {fields} and {contexts} filled in; what has no value becomes "?". strip: zeros before numbers go.
 * *missing (may be NULL) counts.
 */
const char *event_expand(struct build *b, const char *text, bool strip, unsigned *missing);
/* Any scalar as text, in the arena: numbers as plain decimals. */
const char *event_text(struct build *b, const json_t *j);
const char *without_zeros(const char *s);

/* message_value.c: the value of one row. */
int field_value(struct build *b, const struct field *f, struct edm_value *out);
/* message_unit.c: a unit's code; the units of quantities held against each other. */
int field_unit(struct build *b, const struct field *f, const char **out);
int units_agree(struct build *b, const struct fields *v);
/* message_time.c */
int field_time(struct build *b, const struct field *f, const char *text, struct edm_value *out);

/* message_lookup.c: the identity of an event in its form. */
void identity_text(const char *id, enum identity_form form, char out[40]);
int lookup_path(struct build *b, const struct edm_value *identity, struct message *out);

/* message_answer.c: a document's number, its properties joined by '/'. 0, or ERR_SYNTAX: it has none of them. */
int document_number(const struct mapping *m, const json_t *one, char *out, size_t size);

/* message_fill.c: what was sent by an update against an entity; state, and of TAKEN what it is about. */
enum fill_state fill_look(const struct mapping_full *m, const json_t *sent, const json_t *found, struct arena *a, struct fill *out);

#endif
