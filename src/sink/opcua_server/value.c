/* Values of ours as open62541 has them, and back. See space.h. */
#include <stdlib.h>

#include "sink/opcua_server/space.h"

#define NO_TYPE	UINT8_MAX

static const uint8_t types[VALUE_TYPES] = {
	[VALUE_NULL] = NO_TYPE,
	[VALUE_BOOL] = UA_TYPES_BOOLEAN,
	[VALUE_I8] = UA_TYPES_SBYTE, [VALUE_U8] = UA_TYPES_BYTE,
	[VALUE_I16] = UA_TYPES_INT16, [VALUE_U16] = UA_TYPES_UINT16,
	[VALUE_I32] = UA_TYPES_INT32, [VALUE_U32] = UA_TYPES_UINT32,
	[VALUE_I64] = UA_TYPES_INT64, [VALUE_U64] = UA_TYPES_UINT64,
	[VALUE_F32] = UA_TYPES_FLOAT, [VALUE_F64] = UA_TYPES_DOUBLE,
	[VALUE_TIME] = UA_TYPES_DATETIME,
	[VALUE_TEXT] = UA_TYPES_STRING, [VALUE_BYTES] = UA_TYPES_BYTESTRING,
};

const UA_DataType *
uas_type(uint8_t type)
{
	uint8_t t = type & (uint8_t)~VALUE_ARRAY;

	if (t == VALUE_NULL)
		return &UA_TYPES[UA_TYPES_VARIANT];
	/* A type that this table does not know yet is a text of some kind. */
	return t >= VALUE_TYPES || types[t] == 0 ? &UA_TYPES[t == VALUE_BOOL ? UA_TYPES_BOOLEAN : UA_TYPES_STRING] : &UA_TYPES[types[t]];
}

UA_DateTime
uas_time(int64_t ns)
{
	return ns == 0 ? 0 : ns / 100 + UA_DATETIME_UNIX_EPOCH;
}

int64_t
uas_ns(UA_DateTime t)
{
	int64_t ticks, ns;

	if (__builtin_sub_overflow(t, UA_DATETIME_UNIX_EPOCH, &ticks))
		return INT64_MIN;
	if (__builtin_mul_overflow(ticks, 100, &ns))
		return ticks < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

void
uas_raw_clear(union uas_raw *raw, uint8_t *type)
{
	if (*type & VALUE_ARRAY)
		free(raw->array.p);
	else if (value_has_bytes(*type))
		free(raw->text.data);
	memset(raw, 0, sizeof *raw);
	*type = VALUE_NULL;
}

static bool
copy_array(union uas_raw *raw, const struct value *v)
{
	size_t size = value_size(v->type & 0x7f);

	raw->array.n = size != 0 ? v->len / size : 0;
	raw->array.p = malloc(v->len + 1);
	if (raw->array.p == NULL)
		return false;
	memcpy(raw->array.p, v->p, v->len);
	if ((v->type & 0x7f) == VALUE_TIME)
		for (size_t i = 0; i < raw->array.n; i++) {
			int64_t *t = (int64_t *)raw->array.p + i;
			*t = uas_time(*t);
		}
	return true;
}

bool
uas_raw_set(union uas_raw *raw, uint8_t *type, const struct value *v)
{
	uas_raw_clear(raw, type);
	if (v->type & VALUE_ARRAY) {
		if (!copy_array(raw, v))
			return false;
	} else if (value_has_bytes(v->type)) {
		/* One byte more, so that an empty text is a text and not null. */
		if ((raw->text.data = malloc(v->len + 1)) == NULL)
			return false;
		raw->text.length = v->len;
		memcpy(raw->text.data, v->p, v->len);
	} else
		switch (v->type) {
		case VALUE_BOOL: raw->b = v->b; break;
		case VALUE_I8: raw->i8 = (UA_SByte)v->i; break;
		case VALUE_U8: raw->u8 = (UA_Byte)v->u; break;
		case VALUE_I16: raw->i16 = (UA_Int16)v->i; break;
		case VALUE_U16: raw->u16 = (UA_UInt16)v->u; break;
		case VALUE_I32: raw->i32 = (UA_Int32)v->i; break;
		case VALUE_U32: raw->u32 = (UA_UInt32)v->u; break;
		case VALUE_I64: raw->i64 = v->i; break;
		case VALUE_U64: raw->u64 = v->u; break;
		case VALUE_F32: raw->f32 = v->f32; break;
		case VALUE_F64: raw->f64 = v->f64; break;
		case VALUE_TIME: raw->time = uas_time(v->i); break;
		default: return true;	/* no value */
		}
	*type = v->type;
	return true;
}

void
uas_raw_variant(const union uas_raw *raw, uint8_t type, UA_Variant *out)
{
	UA_Variant_init(out);
	if (type == VALUE_NULL)
		return;
	out->type = uas_type(type);
	out->storageType = UA_VARIANT_DATA_NODELETE;
	if (type & VALUE_ARRAY) {
		out->arrayLength = raw->array.n;
		out->data = raw->array.n != 0 ? raw->array.p : UA_EMPTY_ARRAY_SENTINEL;
	} else
		out->data = (void *)(uintptr_t)raw;
}

/* ---- back: what a client writes ---- */

static bool
scalar(const UA_Variant *v, struct value *out)
{
	const union uas_raw *raw = v->data;

	switch (out->type) {
	case VALUE_BOOL: out->b = raw->b; break;
	case VALUE_I8: out->i = raw->i8; break;
	case VALUE_U8: out->u = raw->u8; break;
	case VALUE_I16: out->i = raw->i16; break;
	case VALUE_U16: out->u = raw->u16; break;
	case VALUE_I32: out->i = raw->i32; break;
	case VALUE_U32: out->u = raw->u32; break;
	case VALUE_I64: out->i = raw->i64; break;
	case VALUE_U64: out->u = raw->u64; break;
	case VALUE_F32: out->f32 = raw->f32; break;
	case VALUE_F64: out->f64 = raw->f64; break;
	case VALUE_TIME: out->i = uas_ns(raw->time); break;
	default:
		if (raw->text.length > VALUE_BYTES_MAX)
			return false;
		out->p = raw->text.data != NULL ? (const void *)raw->text.data : "";
		out->len = (uint32_t)raw->text.length;
	}
	return true;
}

bool
uas_value(const UA_Variant *v, struct value *out, struct arena *a)
{
	*out = (struct value){ .type = VALUE_NULL };
	for (uint8_t t = VALUE_BOOL; v->type != NULL && t < VALUE_TYPES; t++)
		if (types[t] != NO_TYPE && v->type == uas_type(t)) {
			out->type = t;
			break;
		}
	if (out->type == VALUE_NULL || v->data == NULL)
		return false;
	if (UA_Variant_isScalar(v))
		return scalar(v, out);
	size_t size = value_size(out->type);
	if (size == 0 || v->arrayLength > VALUE_BYTES_MAX / size)
		return false;
	int64_t *copy = arena_alloc(a, v->arrayLength * size + 8);
	if (v->arrayLength != 0)
		memcpy(copy, v->data, v->arrayLength * size);
	for (size_t i = 0; out->type == VALUE_TIME && i < v->arrayLength; i++)
		copy[i] = uas_ns(copy[i]);
	out->type |= VALUE_ARRAY;
	out->p = copy;
	out->len = (uint32_t)(v->arrayLength * size);
	return true;
}
