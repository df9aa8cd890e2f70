/*
 * A value as a device gave it: typed, never converted on the way through. Scalars stand in the struct; texts, byte
 * strings and arrays are `len` bytes at `p`, borrowed from whoever made the value.
 *
 * "json" is what has parts: a structure, an array of texts, a matrix, an event. Its bytes are one JSON value in UTF-8 without blanks,
 * members in the order in which the device has them, so equal values have equal bytes. No number is computed from it.
 *
 * An array is its elements one behind the other in host order (VALUE_SIZE bytes each); an array of text is not allowed.
 * Booleans in arrays take a byte each.
 */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

/*        name   text        size  sparkplug (Sparkplug 3.0, 6.4.16) */
#define VALUE_LIST(X)			\
	X(NULL,  "null",     0, 0)	\
	X(BOOL,  "bool",     1, 11)	\
	X(I8,    "int8",     1, 1)	\
	X(U8,    "uint8",    1, 5)	\
	X(I16,   "int16",    2, 2)	\
	X(U16,   "uint16",   2, 6)	\
	X(I32,   "int32",    4, 3)	\
	X(U32,   "uint32",   4, 7)	\
	X(I64,   "int64",    8, 4)	\
	X(U64,   "uint64",   8, 8)	\
	X(F32,   "float32",  4, 9)	\
	X(F64,   "float64",  8, 10)	\
	X(TIME,  "datetime", 8, 13)	\
	X(TEXT,  "string",   0, 12)	\
	X(BYTES, "bytes",    0, 17)	\
	X(JSON,  "json",     0, 12)

enum value_type {
#define X(name, text, size, sparkplug) VALUE_##name,
	VALUE_LIST(X)
#undef X
	VALUE_TYPES
};

#define VALUE_ARRAY	0x80u	/* or-ed to the element's type */
#define VALUE_BYTES_MAX	65535u	/* longest text, byte string or array, in bytes */

struct value {
	uint8_t		type;	/* enum value_type, maybe with VALUE_ARRAY; VALUE_NULL: there is no value */
	uint32_t	len;	/* bytes at p */
	union {
		bool		 b;
		int64_t		 i;	/* I8..I64, sign-extended; TIME, ns since 1970 UTC */
		uint64_t	 u;	/* U8..U64 */
		float		 f32;
		double		 f64;
		const void	*p;
	};
};

/* Element size in bytes (0 for text, bytes and null), type text ("float32"), and the type of a text or -1. */
size_t value_size(uint8_t type);
const char *value_type_name(uint8_t type);	/* of the element for arrays */
int value_type_parse(const char *s, size_t len);
bool value_type_valid(uint8_t type);
static inline bool value_has_bytes(uint8_t type) { return (type & VALUE_ARRAY) != 0 || (type >= VALUE_TEXT && type <= VALUE_JSON); }
static inline bool value_is_number(uint8_t type) { return type >= VALUE_BOOL && type <= VALUE_F64; }

/* A scalar number (bool: 0 or 1) as double. False for anything else. Integers past 2^53 round. */
bool value_as_f64(const struct value *v, double *out);
/* Same type and same content; NaN equals NaN. */
bool value_equal(const struct value *a, const struct value *b);
/* Element i of an array, as a scalar value. */
struct value value_at(const struct value *array, size_t i);
static inline size_t value_count(const struct value *v) { size_t z = value_size(v->type & 0x7f); return z ? v->len / z : 0; }

/* As JSON: numbers plain, 64-bit integers in full digits, texts quoted, bytes base64, datetime RFC 3339, arrays []. json
 * stands as it is; what is no JSON (json_valid()) is quoted as a text. */
void value_json(struct json *j, const struct value *v);
/* For a terminal: as JSON but texts unquoted with control bytes escaped. */
void value_print(struct buf *out, const struct value *v);

#endif
