/* Structures, arrays and matrices of OPC UA Binary from JSON: OPC 10000-6 1.05, 5.2.5 to 5.2.8. See ua_encode.h. */
#include "driver/opcua/ua_encode.h"

#include <string.h>

#include "base/err.h"

static const char no_object[] = "the node takes a structure: write it as a JSON object";
static const char no_array[] = "the node takes an array: write it as a JSON array";
static const char no_matrix[] = "the node takes a matrix: write {\"Array\":[...],\"Dimensions\":[2,3]} with as many elements";

/* A JSON scalar as one of our values; null is VALUE_NULL. */
static bool
plain(const json_t *j, struct value *out)
{
	if (json_is_boolean(j))
		*out = (struct value){ .type = VALUE_BOOL, .b = json_is_true(j) };
	else if (json_is_integer(j))
		*out = (struct value){ .type = VALUE_I64, .i = json_integer_value(j) };
	else if (json_is_real(j))
		*out = (struct value){ .type = VALUE_F64, .f64 = json_real_value(j) };
	else if (json_is_string(j))
		*out = (struct value){ .type = VALUE_TEXT, .len = (uint32_t)json_string_length(j), .p = json_string_value(j) };
	else
		return false;
	return true;
}

/* null for what has a null on the wire: 5.2.2.4, 5.2.2.5, 5.2.2.14. */
static bool
put_null(struct ua_encoder *e, uint8_t builtin)
{
	switch (builtin) {
	case UA_B_STRING:
	case UA_B_BYTESTRING:
	case UA_B_XML:		ua_encode_le(e, UINT32_MAX, 4); return true;
	case UA_B_DATETIME:	ua_encode_le(e, 0, 8); return true;
	case UA_B_LTEXT:	ua_encode_le(e, 0, 1); return true;
	case UA_B_VARIANT:	ua_encode_le(e, 0, 1); return true;
	case UA_B_EXTENSION:	ua_encode_le(e, 0, 3); return true;
	default:		return false;
	}
}

static void
put_scalar(struct ua_encoder *e, uint8_t builtin, const json_t *j)
{
	struct value v;

	if (json_is_null(j) && put_null(e, builtin))
		return;
	if (!plain(j, &v)) {
		ua_encode_fail(e, ERR_TYPE, "a number or a text is wanted where the JSON has something else");
		return;
	}
	/* JSON has one kind of number only: what is written is the nearest float. */
	if (builtin == UA_B_FLOAT && v.type == VALUE_F64)
		v = (struct value){ .type = VALUE_F32, .f32 = (float)v.f64 };
	ua_encode_scalar(e, builtin, &v);
}

static size_t
present(const struct ua_type *t, const json_t *j, uint32_t *mask)
{
	size_t n = 0;
	uint32_t bit = 1;

	*mask = 0;
	for (uint32_t i = 0; i < t->nfields; i++) {
		bool there = json_object_get(j, t->fields[i].name) != NULL;
		n += there;
		if (t->kind == UA_TYPE_UNION && there)
			*mask = i + 1;
		if (t->kind == UA_TYPE_OPTIONAL && t->fields[i].optional) {
			*mask |= there ? bit : 0;
			bit <<= 1;
		}
	}
	return n;
}

static void
put_field(struct ua_encoder *e, const struct ua_type_field *f, const json_t *v)
{
	if (f->subtyped)	/* which subtype is meant cannot be said in JSON */
		ua_encode_fail(e, ERR_TYPE, "the structure has a field of a type that is not fixed: it cannot be written from JSON");
	else
		ua_encode_json(e, f->builtin, f->type, f->rank, v);
}

static void
put_structure(struct ua_encoder *e, const struct ua_type *t, const json_t *j)
{
	uint32_t mask;

	if (t->kind == UA_TYPE_UNION && json_is_null(j)) {
		ua_encode_le(e, 0, 4);
		return;
	}
	if (!json_is_object(j)) {
		ua_encode_fail(e, ERR_TYPE, no_object);
		return;
	}
	size_t n = present(t, j, &mask);
	if (json_object_size(j) != n) {
		ua_encode_fail(e, ERR_TYPE, "the JSON object has members that the structure does not have");
		return;
	}
	if (t->kind == UA_TYPE_UNION && n != 1) {
		ua_encode_fail(e, ERR_TYPE, "of a union exactly one field is written, or null");
		return;
	}
	if (t->kind != UA_TYPE_STRUCT)
		ua_encode_le(e, mask, 4);
	for (uint32_t i = 0; i < t->nfields && e->err == 0; i++) {
		const struct ua_type_field *f = &t->fields[i];
		const json_t *v = json_object_get(j, f->name);
		if (v != NULL)
			put_field(e, f, v);
		else if (t->kind == UA_TYPE_STRUCT || (t->kind == UA_TYPE_OPTIONAL && !f->optional))
			ua_encode_fail(e, ERR_TYPE, "the JSON object lacks a member that the structure must have");
	}
}

static void
put_enum(struct ua_encoder *e, const struct ua_type *t, const json_t *j)
{
	struct value v;
	if (plain(j, &v))
		ua_encode_enum(e, t, &v);
	else
		ua_encode_fail(e, ERR_TYPE, "the node takes one of its enumeration's names or numbers");
}

static void
put_one(struct ua_encoder *e, uint8_t builtin, const struct ua_type *type, const json_t *j)
{
	struct value v;

	if (type != NULL && type->kind == UA_TYPE_ENUM)
		put_enum(e, type, j);
	else if (type != NULL) {
		if (++e->depth > UA_NESTING_MAX)
			ua_encode_fail(e, ERR_LIMIT, "values nested too deeply");
		else
			put_structure(e, type, j);
		e->depth--;
	} else if (builtin == UA_B_VARIANT && plain(j, &v)) {
		ua_encode_le(e, ua_builtin_of_value(v.type), 1);
		ua_encode_scalar(e, ua_builtin_of_value(v.type), &v);
	} else if (builtin < UA_B_EXTENSION || json_is_null(j))
		put_scalar(e, builtin, j);
	else
		ua_encode_fail(e, ERR_TYPE, "the node's type cannot be written from JSON");
}

/* {"Array": [...], "Dimensions": [...]}; NULL: it is none, or its numbers do not agree. */
static const json_t *
matrix(const json_t *j, int32_t rank, const json_t **dims)
{
	const json_t *array = json_object_get(j, "Array"), *d;
	size_t i;
	json_int_t product = 1;

	*dims = json_object_get(j, "Dimensions");
	if (!json_is_array(array) || !json_is_array(*dims) || json_array_size(*dims) != (size_t)rank || json_object_size(j) != 2)
		return NULL;
	json_array_foreach((json_t *)(uintptr_t)*dims, i, d) {
		if (!json_is_integer(d) || json_integer_value(d) < 0 || json_integer_value(d) > UA_ELEMENTS_MAX)
			return NULL;
		product *= json_integer_value(d);
		if (product > UA_ELEMENTS_MAX)
			return NULL;
	}
	return (size_t)product == json_array_size(array) ? array : NULL;
}

static void
put_dims(struct ua_encoder *e, const json_t *dims)
{
	ua_encode_le(e, json_array_size(dims), 4);
	for (size_t i = 0; i < json_array_size(dims); i++)
		ua_encode_le(e, (uint64_t)json_integer_value(json_array_get(dims, i)), 4);
}

/* An element of a Variant's array: a structure stands in an ExtensionObject there. */
static void
put_element(struct ua_encoder *e, uint8_t builtin, const struct ua_type *type, const json_t *j)
{
	if (type == NULL || type->kind == UA_TYPE_ENUM) {
		put_one(e, builtin, type, j);
		return;
	}
	const UA_NodeId *encoding = e->encoding(type);
	UA_ByteString id = UA_BYTESTRING_NULL;
	if (UA_NodeId_isNull(encoding) || UA_encodeBinary(encoding, &UA_TYPES[UA_TYPES_NODEID], &id) != UA_STATUSCODE_GOOD) {
		ua_encode_fail(e, ERR_TYPE, "the server does not say how the structure is encoded");
		return;
	}
	buf_put(e->out, id.data, id.length);
	UA_ByteString_clear(&id);
	ua_encode_le(e, 1, 1);
	size_t at = e->out->len;
	ua_encode_le(e, 0, 4);
	put_one(e, UA_B_EXTENSION, type, j);
	uint32_t len = (uint32_t)(e->out->len - at - 4);
	for (unsigned i = 0; i < 4 && e->err == 0; i++)
		e->out->p[at + i] = (char)(len >> (8 * i));
}

static void
put_elements(struct ua_encoder *e, uint8_t builtin, const struct ua_type *type, const json_t *array, bool in_variant)
{
	for (size_t i = 0; i < json_array_size(array) && e->err == 0; i++) {
		if (in_variant)
			put_element(e, builtin, type, json_array_get(array, i));
		else
			put_one(e, builtin, type, json_array_get(array, i));
	}
}

void
ua_encode_json(struct ua_encoder *e, uint8_t builtin, const struct ua_type *type, int32_t rank, const json_t *j)
{
	const json_t *dims = NULL, *array = rank > 1 ? matrix(j, rank, &dims) : j;

	if (e->err != 0)
		return;
	if (rank < 1)
		put_one(e, builtin, type, j);
	else if (rank == 1 && json_is_array(j)) {
		ua_encode_le(e, json_array_size(j), 4);
		put_elements(e, builtin, type, j, false);
	} else if (rank > 1 && array != NULL) {
		put_dims(e, dims);
		put_elements(e, builtin, type, array, false);
	} else
		ua_encode_fail(e, ERR_TYPE, rank == 1 ? no_array : no_matrix);
}

void
ua_encode_variant_json(struct ua_encoder *e, uint8_t builtin, const struct ua_type *type, int32_t rank, const json_t *j)
{
	const json_t *dims = NULL, *array = rank > 1 ? matrix(j, rank, &dims) : j;
	unsigned id = type != NULL ? (type->kind == UA_TYPE_ENUM ? UA_B_INT32 : UA_B_EXTENSION) : builtin;

	if (rank < 1) {
		ua_encode_le(e, id, 1);
		put_element(e, builtin, type, j);
		return;
	}
	if (rank == 1 ? !json_is_array(j) : array == NULL) {
		ua_encode_fail(e, ERR_TYPE, rank == 1 ? no_array : no_matrix);
		return;
	}
	ua_encode_le(e, id | (rank > 1 ? 0xc0u : 0x80u), 1);
	ua_encode_le(e, json_array_size(array), 4);
	put_elements(e, builtin, type, array, true);
	if (rank > 1)
		put_dims(e, dims);
}
