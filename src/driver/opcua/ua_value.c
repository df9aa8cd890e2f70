/*
 * A Variant as a value. Plain scalars and arrays of numbers are taken from the library's memory as they are, that is nearly all there is; what has
 * parts goes through our own decoder (ua_type.h), by way of its bytes.
 */
#include "driver/opcua/ua_value.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "driver/opcua/types.h"

#define TICKS_1970 116444736000000000LL

struct wall
ua_wall(UA_DateTime t)
{
	int64_t since, ns;
	if (t <= 0 || __builtin_sub_overflow(t, TICKS_1970, &since) || __builtin_mul_overflow(since, 100, &ns))
		return (struct wall){ 0 };
	return (struct wall){ ns };
}

UA_DateTime
ua_datetime(struct wall t)
{
	return t.ns == 0 ? 0 : t.ns / 100 + TICKS_1970;
}

/* Built-in type of a Variant's elements: 0 for none of Part 6, 5.1.2. */
static uint8_t
builtin_of(const UA_DataType *t)
{
	return t->typeKind <= UA_DATATYPEKIND_DIAGNOSTICINFO ? (uint8_t)(t->typeKind + 1) : t->typeKind == UA_DATATYPEKIND_ENUM ? UA_B_INT32 : 0;
}

/* A scalar straight from memory; false: not that simple. */
static bool
quick_scalar(uint8_t builtin, const void *p, struct value *out)
{
	const UA_String *s = p;
	UA_DateTime t;

	*out = (struct value){ .type = ua_builtin_value(builtin) };
	switch (builtin) {
#define GET(id, ctype, member) case id: { ctype x; memcpy(&x, p, sizeof x); out->member = x; return true; }
	GET(UA_B_SBYTE, int8_t, i) GET(UA_B_BYTE, uint8_t, u) GET(UA_B_INT16, int16_t, i) GET(UA_B_UINT16, uint16_t, u)
	GET(UA_B_INT32, int32_t, i) GET(UA_B_UINT32, uint32_t, u) GET(UA_B_STATUS, uint32_t, u) GET(UA_B_INT64, int64_t, i)
	GET(UA_B_UINT64, uint64_t, u) GET(UA_B_FLOAT, float, f32) GET(UA_B_DOUBLE, double, f64)
#undef GET
	case UA_B_DATETIME:
		memcpy(&t, p, sizeof t);
		out->i = ua_wall(t).ns;
		return out->i != 0;
	case UA_B_BOOLEAN:
		out->b = *(const uint8_t *)p != 0;
		return true;
	case UA_B_LTEXT:
		s = &((const UA_LocalizedText *)p)->text;
		/* fallthrough */
	case UA_B_STRING:
	case UA_B_XML:
	case UA_B_BYTESTRING:
		if (s->length > VALUE_BYTES_MAX)
			return false;
		out->len = (uint32_t)s->length;
		out->p = s->length > 0 ? (const void *)s->data : "";
		return true;
	default:
		return false;
	}
}

static bool
quick(const UA_Variant *v, struct value *out)
{
	uint8_t builtin = builtin_of(v->type);

	if (UA_Variant_isScalar(v))
		return quick_scalar(builtin, v->data, out);
	uint8_t type = ua_builtin_value(builtin);
	size_t size = value_size(type);
	if (v->arrayDimensionsSize > 1 || !value_is_number(type) || v->arrayLength > VALUE_BYTES_MAX / size)
		return false;
	*out = (struct value){ .type = (uint8_t)(type | VALUE_ARRAY), .len = (uint32_t)(v->arrayLength * size),
	    .p = v->arrayLength > 0 ? v->data : "" };
	return true;
}

/* The Variant's bytes, as they came or would come. NULL: more than a message may have. */
static uint8_t *
bytes_of(const UA_Variant *v, struct arena *scratch, size_t *len)
{
	size_t n = UA_calcSizeBinary(v, &UA_TYPES[UA_TYPES_VARIANT]);
	if (n == 0 || n > UA_MESSAGE_MAX)
		return NULL;
	UA_ByteString b = { .length = n, .data = arena_alloc(scratch, n) };
	if (UA_encodeBinary(v, &UA_TYPES[UA_TYPES_VARIANT], &b) != UA_STATUSCODE_GOOD)
		return NULL;
	*len = b.length;
	return b.data;
}

static int
slow(struct ua_agent *a, const UA_NodeId *hint, const UA_Variant *v, const char *const *path, uint32_t npath, struct arena *scratch,
    struct value *out, const char **why)
{
	size_t len = 0;
	const uint8_t *p = bytes_of(v, scratch, &len);
	struct ua_decoder d = { .r = rd_init(p, len), .book = ua_types_book(a), .a = scratch };

	if (p == NULL) {
		*why = "the value cannot be taken apart: it is larger than a message may be";
		return ERR_LIMIT;
	}
	int err = ua_decode_select(&d, UA_B_VARIANT, NULL, -1, path, npath, out);
	*why = d.why;
	if (d.unknown && ua_types_want(a, &d.missing, hint))
		return ERR_AGAIN;
	/* A text of nothing is an empty one. */
	if (err == 0 && out->type == VALUE_NULL && v->type != NULL && npath == 0 && UA_Variant_isScalar(v)) {
		uint8_t type = ua_builtin_value(builtin_of(v->type));
		if (type == VALUE_TEXT || type == VALUE_BYTES)
			*out = (struct value){ .type = type, .p = "" };
	}
	if (err == 0 && value_has_bytes(out->type) && out->len > VALUE_BYTES_MAX) {
		*why = "a text of more than 65535 bytes";
		return ERR_LIMIT;
	}
	return err;
}

int
ua_value_plain(struct ua_agent *a, const UA_Variant *v, struct arena *scratch, struct value *out, const char **why)
{
	*why = NULL;
	*out = (struct value){ .type = VALUE_NULL };
	if (v->type == NULL || quick(v, out))
		return 0;
	int err = slow(a, NULL, v, NULL, 0, scratch, out, why);
	return err == ERR_AGAIN && out->type != VALUE_NULL ? 0 : err;
}

void
ua_value_json(struct ua_agent *a, const UA_Variant *v, struct arena *scratch, struct json *j)
{
	struct value x;
	const char *why;

	if (ua_value_plain(a, v, scratch, &x, &why) != 0)
		x = (struct value){ .type = VALUE_NULL };
	value_json(j, &x);
}

/* value * factor + offset, of a number or of each element: a float64 like all that is scaled. */
static bool
scaled(const struct tag *tag, struct arena *scratch, struct value *v)
{
	double x;

	if ((v->type & VALUE_ARRAY) == 0) {
		if (!value_as_f64(v, &x))
			return false;
		*v = (struct value){ .type = VALUE_F64, .f64 = x * tag->factor + tag->offset };
		return true;
	}
	size_t n = value_count(v);
	double *to = arena_array(scratch, n + 1, sizeof *to);
	for (size_t i = 0; i < n; i++) {
		struct value e = value_at(v, i);
		if (!value_as_f64(&e, &x) || n > VALUE_BYTES_MAX / sizeof *to)
			return false;
		to[i] = x * tag->factor + tag->offset;
	}
	*v = (struct value){ .type = VALUE_F64 | VALUE_ARRAY, .len = (uint32_t)(n * sizeof *to), .p = to };
	return true;
}

/* As the tag wants it: declared type, scale. */
static int
wishes(const struct ua_item *it, struct arena *scratch, struct value *v, uint32_t *status, const char **why)
{
	const struct tag *tag = it->tag;
	uint8_t want = it->addr.type != VALUE_NULL ? it->addr.type : tag != NULL && !tag->scaled ? tag->type : VALUE_NULL;

	/* gate believes only the type that the plan names: an array where that is a scalar would be bad there, without a why. */
	if (tag != NULL && want != VALUE_JSON && (v->type & VALUE_ARRAY) != 0 && (tag->type & VALUE_ARRAY) == 0) {
		*status = UA_STATUSCODE_BADTYPEMISMATCH;
		*why = "the server's value is an array, and the tag's type is none: write [type float64[]] (or what its "
		    "elements are) in the address";
		return ERR_TYPE;
	}
	if (want != VALUE_NULL && !ua_value_convert(v, want, scratch)) {
		*status = UA_STATUSCODE_BADTYPEMISMATCH;
		*why = "the server's value is of another type than the tag's and does not fit it exactly: correct the tag's type";
		return ERR_TYPE;
	}
	if (tag == NULL || !tag->scaled)
		return 0;
	if (!scaled(tag, scratch, v)) {
		*status = UA_STATUSCODE_BADTYPEMISMATCH;
		*why = "the tag is scaled (factor, offset), but the server's value is no number";
		return ERR_TYPE;
	}
	return 0;
}

static uint32_t
status_of(int err)
{
	switch (err) {
	case ERR_NOTFOUND:	return UA_STATUSCODE_BADNOTFOUND;
	case ERR_LIMIT:		return UA_STATUSCODE_BADENCODINGLIMITSEXCEEDED;
	case ERR_RANGE:		return UA_STATUSCODE_BADOUTOFRANGE;
	default:		return UA_STATUSCODE_BADDECODINGERROR;
	}
}

int
ua_value_of(struct ua_agent *a, const struct ua_item *it, const UA_Variant *v, struct arena *scratch, struct value *out,
    uint32_t *status, const char **why)
{
	int err = 0;

	*why = NULL;
	*out = (struct value){ .type = VALUE_NULL };
	if (ua_types_waits(a, (uint32_t)(it - a->items)))
		return ERR_AGAIN;
	if (v->type == NULL) {
		*status = UA_STATUSCODE_BADNODATA;
		*why = "the server gives no value here";
		return ERR_TYPE;
	}
	if (it->addr.nfield > 0 || !quick(v, out)) {
		const UA_NodeId *hint = UA_NodeId_isNull(&it->data_type) ? NULL : &it->data_type;
		err = slow(a, hint, v, it->addr.field, it->addr.nfield, scratch, out, why);
	}
	if (err == ERR_AGAIN)
		return err;
	if (err == 0 && out->type == VALUE_NULL) {
		*status = UA_STATUSCODE_BADNODATA;
		*why = it->addr.nfield > 0 ? "nothing stands in this field" : "the server gives no value here (or a time that is not set)";
		return ERR_TYPE;
	}
	if (err == 0)
		return wishes(it, scratch, out, status, why);
	*status = status_of(err);
	return err;
}
