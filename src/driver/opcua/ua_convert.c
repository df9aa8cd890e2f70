/* Values to another type where nothing is lost by it. See ua_value.h. */
#include <math.h>
#include <string.h>

#include "driver/opcua/ua_value.h"

static bool
is_signed(uint8_t type)
{
	return type == VALUE_I8 || type == VALUE_I16 || type == VALUE_I32 || type == VALUE_I64;
}

static bool
is_whole(uint8_t type)
{
	return type >= VALUE_BOOL && type <= VALUE_U64;
}

/* The whole number that v is: sign and magnitude, so that int64 and uint64 both fit. */
static bool
whole(const struct value *v, bool *negative, uint64_t *magnitude)
{
	double d;

	if (v->type == VALUE_BOOL || (is_whole(v->type) && !is_signed(v->type))) {
		*negative = false;
		*magnitude = v->type == VALUE_BOOL ? v->b : v->u;
		return true;
	}
	if (is_signed(v->type)) {
		*negative = v->i < 0;
		*magnitude = v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i;
		return true;
	}
	if (!value_as_f64(v, &d) || d != trunc(d) || !(fabs(d) < 0x1p64) || (d == 0 && signbit(d)))
		return false;
	*negative = d < 0;
	*magnitude = (uint64_t)fabs(d);
	return true;
}

static bool
to_whole(struct value *v, uint8_t to)
{
	bool negative;
	uint64_t m;

	if (!whole(v, &negative, &m))
		return false;
	size_t bits = 8 * value_size(to);
	if (to == VALUE_BOOL) {
		if (negative || m > 1)
			return false;
		*v = (struct value){ .type = to, .b = m == 1 };
		return true;
	}
	uint64_t top = 1ull << (bits - 1);
	if (is_signed(to)) {
		if (negative ? m > top : m >= top)
			return false;
		*v = (struct value){ .type = to, .i = negative ? (int64_t)(0 - m) : (int64_t)m };
		return true;
	}
	if ((negative && m > 0) || (bits < 64 && m >> bits != 0))
		return false;
	*v = (struct value){ .type = to, .u = m };
	return true;
}

static bool
to_float(struct value *v, uint8_t to)
{
	struct value back = { .type = to };
	double d;

	if (!value_as_f64(v, &d))
		return false;
	if (to == VALUE_F32)
		back.f32 = (float)d;
	else
		back.f64 = d;
	if (is_whole(v->type)) {
		struct value again = back;
		if (v->type == VALUE_BOOL || !to_whole(&again, v->type) || again.u != v->u)
			return false;
	} else if (to == VALUE_F32 && !isnan(d) && (double)back.f32 != d)
		return false;
	*v = back;
	return true;
}

static bool
one(struct value *v, uint8_t to)
{
	if (v->type == to)
		return true;
	if (!value_is_number(v->type) || !value_is_number(to))
		return false;
	return to == VALUE_F32 || to == VALUE_F64 ? to_float(v, to) : to_whole(v, to);
}

static void
store(uint8_t *p, const struct value *v)
{
	switch (v->type) {
	case VALUE_BOOL:	*p = v->b; break;
	case VALUE_F32:		memcpy(p, &v->f32, 4); break;
	case VALUE_F64:		memcpy(p, &v->f64, 8); break;
	default:		memcpy(p, &v->u, value_size(v->type)); break;	/* the low bytes come first on all our machines */
	}
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "store() copies low bytes");

static bool
array(struct value *v, uint8_t to, struct arena *scratch)
{
	size_t n = value_count(v), size = value_size(to);

	if (n * size > VALUE_BYTES_MAX || !value_is_number(to))
		return false;
	uint8_t *p = arena_alloc(scratch, n * size + 1);
	for (size_t i = 0; i < n; i++) {
		struct value e = value_at(v, i);
		if (!one(&e, to))
			return false;
		store(p + i * size, &e);
	}
	*v = (struct value){ .type = (uint8_t)(to | VALUE_ARRAY), .len = (uint32_t)(n * size), .p = p };
	return true;
}

static bool
to_json(struct value *v, struct arena *scratch)
{
	struct buf b = { .max = VALUE_BYTES_MAX };
	struct json j = { .out = &b };

	value_json(&j, v);
	bool ok = b.err == 0;
	if (ok)
		*v = (struct value){ .type = VALUE_JSON, .len = (uint32_t)b.len, .p = arena_strndup(scratch, buf_text(&b), b.len) };
	buf_fini(&b);
	return ok;
}

bool
ua_value_convert(struct value *v, uint8_t to, struct arena *scratch)
{
	if (v->type == to)
		return true;
	if (to == VALUE_JSON)
		return to_json(v, scratch);
	if (v->type == VALUE_JSON && to == VALUE_TEXT) {	/* json is a text already */
		v->type = VALUE_TEXT;
		return true;
	}
	if ((to & VALUE_ARRAY) != 0)
		return (v->type & VALUE_ARRAY) != 0 && array(v, to & (uint8_t)~VALUE_ARRAY, scratch);
	return (v->type & VALUE_ARRAY) == 0 && one(v, to);
}
