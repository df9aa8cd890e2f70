/*
 * JSON out (RFC 8259), straight into a buf. The writer keeps track of commas; the caller keeps brackets balanced.
 * Numbers that JSON cannot say (NaN, infinities) become null. Text that is not valid UTF-8 has the bad bytes replaced
 * by U+FFFD. To read JSON is jansson's work, not ours;
 * ours is only the question whether foreign bytes may stand in what we write.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"

struct json {
	struct buf	*out;		/* borrowed */
	bool		 comma;		/* a value stands before, in this bracket */
};

void json_open(struct json *j, char bracket);			/* '{' or '[' */
void json_close(struct json *j, char bracket);			/* '}' or ']' */
void json_key(struct json *j, const char *key);
void json_str(struct json *j, const char *s, size_t len);
void json_text(struct json *j, const char *s);			/* NULL gives null */
void json_i64(struct json *j, int64_t v);
void json_u64(struct json *j, uint64_t v);
void json_f64(struct json *j, double v);
void json_f32(struct json *j, float v);
void json_bool(struct json *j, bool v);
void json_nil(struct json *j);
/* The name by which most of us call it. jansson exports a json_null() of its own, so ours must not be a symbol of the program (it would
 * be called from inside libjansson); a file that needs both includes jansson.h first. */
#ifndef JANSSON_H
static inline void json_null(struct json *j) { json_nil(j); }
#endif
/* A member: its name and its value. */
static inline void json_key_text(struct json *j, const char *key, const char *s) { json_key(j, key); json_text(j, s); }
static inline void json_key_i64(struct json *j, const char *key, int64_t v) { json_key(j, key); json_i64(j, v); }
static inline void json_key_u64(struct json *j, const char *key, uint64_t v) { json_key(j, key); json_u64(j, v); }
static inline void json_key_f64(struct json *j, const char *key, double v) { json_key(j, key); json_f64(j, v); }
static inline void json_key_bool(struct json *j, const char *key, bool v) { json_key(j, key); json_bool(j, v); }
/* A member: RFC 3339 with so many digits of a second (0 to 9), UTC; 0 ns gives null. */
void json_wall(struct json *j, const char *key, struct wall t, int digits);
/* Bytes that are JSON already. */
void json_raw(struct json *j, const char *s, size_t len);

#define JSON_NESTING_MAX	64u	/* brackets within brackets that json_valid() takes */
/* Are these bytes one JSON value and nothing else (RFC 8259; UTF-8, no blanks around it needed)? Takes no memory. */
bool json_valid(const char *s, size_t len);

/* The quoted, escaped form alone, for callers that build pieces in advance. */
void json_quote(struct buf *out, const char *s, size_t len);

#endif
