/* One of our values as the Variant that a node or an argument takes: its rank is judged here, its bytes are made by ua_encode.c. See ua_value.h. */
#include <jansson.h>

#include "base/err.h"
#include "driver/opcua/ua_encode.h"
#include "driver/opcua/ua_value.h"

static const char no_scalar[] = "the node takes a single value, not an array";
static const char is_array[] = "the node takes an array: give one, or write an element of it by an address with [index N]";

/* Part 3, 5.6.2: -3 scalar or one dimension, -2 any, -1 scalar, 0 one or more, else that many. */
static bool
may_be(int32_t rank, int32_t is)
{
	return rank == -2 || rank == is || (rank == -3 && is == 1) || (rank == -3 && is == -1) || (rank == 0 && is >= 1);
}

static bool
length_fits(const struct ua_target *t, size_t n)
{
	return t->rank != 1 || t->ndims != 1 || t->dims == NULL || t->dims[0] == 0 || n <= t->dims[0];
}

static void
put_plain(struct ua_encoder *e, uint8_t builtin, const struct ua_type *type, const struct value *v)
{
	if (type != NULL && type->kind == UA_TYPE_ENUM)
		ua_encode_enum(e, type, v);
	else if (type != NULL)
		ua_encode_fail(e, ERR_TYPE, "the node takes a structure: write it as json");
	else
		ua_encode_scalar(e, builtin, v);
}

static void
from_value(struct ua_encoder *e, const struct ua_target *t, uint8_t builtin, const struct ua_type *type, const struct value *v)
{
	bool array = (v->type & VALUE_ARRAY) != 0;
	size_t n = array ? value_count(v) : 1;

	if (!may_be(t->rank, array ? 1 : -1))
		ua_encode_fail(e, ERR_TYPE, array ? no_scalar : is_array);
	else if (array && !length_fits(t, n))
		ua_encode_fail(e, ERR_RANGE, "the array is longer than the node allows");
	uint8_t id = type != NULL ? UA_B_INT32 : builtin;
	ua_encode_le(e, id | (array ? 0x80u : 0), 1);
	if (array)
		ua_encode_le(e, n, 4);
	for (size_t i = 0; i < n && e->err == 0; i++) {
		struct value x = array ? value_at(v, i) : *v;
		put_plain(e, builtin, type, &x);
	}
}

static void
from_json(struct ua_encoder *e, const struct ua_target *t, uint8_t builtin, const struct ua_type *type, const struct value *v)
{
	json_error_t ignored;
	json_t *j = json_loadb(v->p, v->len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &ignored);

	if (j == NULL) {
		ua_encode_fail(e, ERR_TYPE, "the value is no JSON, or has a number that no type holds");
		return;
	}
	bool matrix = json_is_object(j) && json_is_array(json_object_get(j, "Dimensions")) && json_is_array(json_object_get(j, "Array"));
	int32_t is = json_is_array(j) ? 1 : matrix && t->rank != -1 ? (int32_t)json_array_size(json_object_get(j, "Dimensions")) : -1;
	if (!may_be(t->rank, is))
		ua_encode_fail(e, ERR_TYPE, is > 1 || t->rank > 1 ? "the value has another number of dimensions than the node" :
		    is == 1 ? no_scalar : is_array);
	else if (is == 1 && !length_fits(t, json_array_size(j)))
		ua_encode_fail(e, ERR_RANGE, "the array is longer than the node allows");
	else
		ua_encode_variant_json(e, builtin, type, is, j);
	json_decref(j);
}

int
ua_value_to(struct ua_agent *a, const struct ua_target *t, const struct value *v, UA_Variant *out, const char **why)
{
	uint8_t builtin;
	bool coming;
	const struct ua_type *type = ua_types_of(a, &t->data_type, &builtin, &coming);
	struct arena scratch = { 0 };
	struct buf b = { .max = 4 * VALUE_BYTES_MAX };
	struct ua_encoder e = { .a = a, .out = &b, .scratch = &scratch, .encoding = ua_types_encoding };

	UA_Variant_init(out);
	*why = NULL;
	if (coming)
		return ERR_AGAIN;
	if (builtin == UA_B_VARIANT && type == NULL)	/* BaseDataType, Number and the like: the value's own type */
		builtin = ua_builtin_of_value(v->type);
	if (builtin == 0 && type == NULL)
		ua_encode_fail(&e, ERR_TYPE, v->type == VALUE_JSON ? "the node takes any type, so json does not say which: give a plain value" :
		    "the server does not say what the node's data type is made of");
	else if (v->type == VALUE_JSON)
		from_json(&e, t, builtin, type, v);
	else
		from_value(&e, t, builtin, type, v);
	if (e.err == 0) {
		UA_ByteString bytes = { .length = b.len, .data = (UA_Byte *)b.p };
		if (UA_decodeBinary(&bytes, out, &UA_TYPES[UA_TYPES_VARIANT], NULL) != UA_STATUSCODE_GOOD)
			ua_encode_fail(&e, ERR_TYPE, "the value cannot be encoded as the node's type");
	}
	*why = e.why;
	buf_fini(&b);
	arena_fini(&scratch);
	return e.err;
}
