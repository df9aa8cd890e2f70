/* See value.h. */
#include "model/value.h"

#include <math.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/num.h"

static const struct { const char *text; size_t size; } rows[VALUE_TYPES] = {
#define X(name, text, size, sparkplug) [VALUE_##name] = { text, size },
	VALUE_LIST(X)
#undef X
};

static uint8_t
element(uint8_t type)
{
	uint8_t e = type & (uint8_t)~VALUE_ARRAY;
	return e < VALUE_TYPES ? e : VALUE_NULL;
}

size_t
value_size(uint8_t type)
{
	return rows[element(type)].size;
}

const char *
value_type_name(uint8_t type)
{
	return rows[element(type)].text;
}

int
value_type_parse(const char *s, size_t len)
{
	for (int i = 0; i < VALUE_TYPES; i++)
		if (strlen(rows[i].text) == len && memcmp(rows[i].text, s, len) == 0)
			return i;
	return -1;
}

bool
value_type_valid(uint8_t type)
{
	uint8_t e = type & (uint8_t)~VALUE_ARRAY;
	if (e >= VALUE_TYPES)
		return false;
	return (type & VALUE_ARRAY) == 0 || rows[e].size > 0;
}

bool
value_as_f64(const struct value *v, double *out)
{
	switch (v->type) {
	case VALUE_BOOL:	*out = v->b ? 1 : 0; return true;
	case VALUE_I8: case VALUE_I16: case VALUE_I32: case VALUE_I64:
				*out = (double)v->i; return true;
	case VALUE_U8: case VALUE_U16: case VALUE_U32: case VALUE_U64:
				*out = (double)v->u; return true;
	case VALUE_F32:		*out = (double)v->f32; return true;
	case VALUE_F64:		*out = v->f64; return true;
	default:		return false;
	}
}

bool
value_equal(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	if (value_has_bytes(a->type))
		return a->len == b->len && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
	switch (a->type) {
	case VALUE_NULL:	return true;
	case VALUE_BOOL:	return a->b == b->b;
	case VALUE_F32:		return a->f32 == b->f32 || (isnan(a->f32) && isnan(b->f32));
	case VALUE_F64:		return a->f64 == b->f64 || (isnan(a->f64) && isnan(b->f64));
	default:		return a->u == b->u;
	}
}

struct value
value_at(const struct value *array, size_t i)
{
	struct value v = { .type = element(array->type) };
	const uint8_t *p = (const uint8_t *)array->p + i * rows[v.type].size;

	switch (v.type) {
#define GET(tag, ctype, member) case VALUE_##tag: { ctype x; memcpy(&x, p, sizeof x); v.member = x; break; }
	GET(I8, int8_t, i) GET(I16, int16_t, i) GET(I32, int32_t, i) GET(I64, int64_t, i) GET(TIME, int64_t, i)
	GET(U8, uint8_t, u) GET(U16, uint16_t, u) GET(U32, uint32_t, u) GET(U64, uint64_t, u)
	GET(F32, float, f32) GET(F64, double, f64)
#undef GET
	case VALUE_BOOL:
		v.b = *p != 0;
		break;
	default:
		break;
	}
	return v;
}

static void
json_base64(struct json *j, const void *p, size_t len)
{
	json_raw(j, "\"", 1);
	base64_put(j->out, p, len);
	buf_putc(j->out, '"');
}

void
value_json(struct json *j, const struct value *v)
{
	char when[WALL_TEXT];

	if ((v->type & VALUE_ARRAY) != 0) {
		json_open(j, '[');
		for (size_t i = 0, n = value_count(v); i < n; i++) {
			struct value e = value_at(v, i);
			value_json(j, &e);
		}
		json_close(j, ']');
		return;
	}
	switch (v->type) {
	case VALUE_BOOL:	json_bool(j, v->b); break;
	case VALUE_I8: case VALUE_I16: case VALUE_I32: case VALUE_I64:
				json_i64(j, v->i); break;
	case VALUE_U8: case VALUE_U16: case VALUE_U32: case VALUE_U64:
				json_u64(j, v->u); break;
	case VALUE_F32:		json_f32(j, v->f32); break;
	case VALUE_F64:		json_f64(j, v->f64); break;
	case VALUE_TIME:	json_text(j, wall_format((struct wall){ v->i }, 9, when)); break;
	case VALUE_TEXT:	json_str(j, v->p, v->len); break;
	case VALUE_BYTES:	json_base64(j, v->p, v->len); break;
	case VALUE_JSON:
		if (json_valid(v->p, v->len))
			json_raw(j, v->p, v->len);
		else
			json_str(j, v->p, v->len);
		break;
	default:		json_null(j); break;
	}
}

void
value_print(struct buf *out, const struct value *v)
{
	if (v->type != VALUE_TEXT) {
		struct json j = { .out = out };
		value_json(&j, v);
		return;
	}
	struct buf quoted = { 0 };
	json_quote(&quoted, v->p, v->len);
	if (quoted.len >= 2)
		buf_put(out, quoted.p + 1, quoted.len - 2);
	buf_fini(&quoted);
}
