/*
 * Events: typed business records. An event is a sample of type json whose value is one object, members in this order, without blanks:
 *
 *	{"id":"6f1c...","event":"Packaging/Line 3/Filler/confirmation","type":"operations-performance","key":"1000123/0010/17","no":17,
 *	 "time":"2026-11-22T22:40:12.123Z","fields":{"order":"1000123","yield":120},"units":{"yield":"1"},"status":{"scrap":"Uncertain"},
 *	 "from":{"yield":["Packaging/Line 3/Filler/good-count"]},"read":{"Packaging/Line 3/Filler/good-count":"2026-11-22T22:40:12.098123456Z"},
 *	 "fault":{"code":"required","field":"order","text":"..."}}
 *
 *	id	UUID of version 5 (RFC 9562, 5.5) over enterprise, site, event and key: the same event has it for ever
 *	key	made of fields and number as its declaration says; no counts the events of a declaration from 1, without holes
 *	fields	numbers (integers in full digits), texts, booleans, times as RFC 3339 in UTC; null: no usable value, see status
 *	units	UCUM, of the numbers that have one; status: only of fields that are not Good; from: the tags they are made of
 *	read	when the newest reading of each of these tags was taken that went into it; what came later goes into the next one
 *	fault	only of an event that breaks a rule of its declaration: it is not to be acted upon, a person must look at it
 */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include <stddef.h>
#include <stdint.h>

#define EVENT_FIELDS_MAX	64u
#define EVENT_NAME_MAX		63u	/* bytes of a field's name */
#define EVENT_TEXT_MAX		1000u	/* characters of a text */
#define EVENT_KEY_MAX		8u	/* parts of a key */
#define EVENT_KEY_BYTES		255u	/* of a key */
#define EVENT_KEY_NO		UINT32_MAX

/*        name                    text                      help */
#define EVENT_OBJECTS(X)												\
	X(OPERATIONS_PERFORMANCE, "operations-performance", "what an operation of an order gave: quantities, times")		\
	X(TEST_RESULT,            "test-result",            "what a test or measurement of a lot or piece gave")			\
	X(MAINTENANCE_REQUEST,    "maintenance-request",    "work that a piece of equipment needs")				\
	X(MATERIAL_ACTUAL,        "material-actual",        "material that was consumed, produced or moved")			\
	X(JOB_RESPONSE,           "job-response",           "what became of a job: begun, ended, held")				\
	X(EQUIPMENT_ACTUAL,       "equipment-actual",       "what a piece of equipment did: running, stopped, a reading of its own")
enum event_object {
#define X(name, text, help) EVENT_##name,
	EVENT_OBJECTS(X)
#undef X
	EVENT_OBJECT_COUNT
};

#define EVENT_TYPES(X) X(TEXT, "text") X(INTEGER, "integer") X(NUMBER, "number") X(BOOLEAN, "boolean") X(TIME, "time")
enum event_type {
#define X(name, text) EVENT_IS_##name,
	EVENT_TYPES(X)
#undef X
	EVENT_TYPE_COUNT
};

enum event_from {
	EVENT_FROM_EXPR,	/* an expression, or a tag alone */
	EVENT_FROM_COUNT,	/* counter() of a tag, less what it was at the event before */
	EVENT_FROM_VALUE,	/* a constant */
	EVENT_FROMS
};

const char *event_object_name(enum event_object o);
const char *event_type_name(enum event_type t);

#define EVENT_ID_TEXT 37u
/* The id of an event, as text with its NUL. Returns out. */
char *event_id(const char *enterprise, const char *site, const char *path, const char *key, char out[EVENT_ID_TEXT]);

#endif
