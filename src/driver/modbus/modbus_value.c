/*
 * See modbus_value.h: decoding. A reply goes through mb_decode once a tag, so the plain scalars come first and alone.
 */
#include "driver/modbus/modbus_value.h"

#include <math.h>

#include "base/num.h"
#include "model/status.h"

void
mb_op_init(struct mb_op *op, const struct mb_addr *a, const struct tag *t, bool nan_bad)
{
	*op = (struct mb_op){ .a = *a, .out_type = t->type & (uint8_t)~VALUE_ARRAY, .scaled = t->scaled,
	    .nan_bad = nan_bad,
	    .factor = t->factor, .offset = t->offset, .enumeration = t->enumeration };
	/* A factor such as 0.1 is no binary number, but 10 is: 10004 / 10 is 1000.4, and 10004 * 0.1 a little more. */
	double whole = round(1 / t->factor);
	op->divisor = 1;
	if (fabs(whole) >= 2 && 1 / whole == t->factor) {
		op->divisor = whole;
		op->factor = 1;
	}
	bool same = !t->scaled && op->out_type == a->type && !a->sunspec && a->kind < MB_K_BCD16;
	op->plain = same && a->count == 0;
	bool judged = nan_bad && (a->kind == MB_K_F32 || a->kind == MB_K_F64);
	if (same && a->count != 0 && a->kind >= MB_K_U16 && !judged)
		op->width = (uint8_t)value_size(op->out_type);
}

static inline uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

/* Registers in the order that ABCD would have: a word swap reverses the registers, a byte swap each pair of bytes. */
static inline uint32_t
get32(const uint8_t *p, uint8_t order)
{
	uint32_t v = (uint32_t)get16(p) << 16 | get16(p + 2);

	switch (order) {
	case MB_CDAB:	return v << 16 | v >> 16;
	case MB_BADC:	return (v & 0x00FF00FF) << 8 | (v >> 8 & 0x00FF00FF);
	case MB_DCBA:	return __builtin_bswap32(v);
	default:	return v;
	}
}

static inline uint64_t
get64(const uint8_t *p, uint8_t order)
{
	uint64_t first = get32(p, order), second = get32(p + 4, order);
	bool words_swapped = order == MB_CDAB || order == MB_DCBA;
	return words_swapped ? second << 32 | first : first << 32 | second;
}

static inline uint16_t
get16_ordered(const uint8_t *p, uint8_t order)
{
	bool bytes_swapped = order == MB_BADC || order == MB_DCBA;
	return bytes_swapped ? __builtin_bswap16(get16(p)) : get16(p);
}

static inline float
as_f32(uint32_t u)
{
	float f;
	memcpy(&f, &u, sizeof f);
	return f;
}

static inline double
as_f64(uint64_t u)
{
	double d;
	memcpy(&d, &u, sizeof d);
	return d;
}

/* Four decimal digits a register; false for a nibble above 9. */
static bool
bcd(uint32_t raw, uint32_t *out)
{
	uint32_t v = 0;

	for (int shift = 28; shift >= 0; shift -= 4) {
		uint32_t d = raw >> shift & 15;
		if (d > 9)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

/* Element i of an 8-bit array, two a register; or the one byte of a scalar. */
static uint8_t
byte_at(const struct mb_addr *a, const uint8_t *p, size_t i)
{
	if (a->count == 0)
		return a->high_byte ? p[0] : p[1];
	return p[a->low_first ? i ^ 1 : i];
}

/* Element i as it stands in the registers, p being the first of them. */
static uint32_t
element(const struct mb_addr *a, const uint8_t *p, size_t i, struct value *v)
{
	uint32_t u32 = 0;

	v->type = a->type;
	v->len = 0;
	switch (a->kind) {
	case MB_K_REG_BIT: {
		size_t bit = a->bit + i;
		v->b = get16(p + 2 * (bit / 16)) >> bit % 16 & 1;
		return STATUS_Good;
	}
	case MB_K_U8:	v->u = byte_at(a, p, i); return STATUS_Good;
	case MB_K_I8:	v->i = (int8_t)byte_at(a, p, i); return STATUS_Good;
	case MB_K_U16:	v->u = get16_ordered(p + 2 * i, a->order); return STATUS_Good;
	case MB_K_I16:	v->i = (int16_t)get16_ordered(p + 2 * i, a->order); return STATUS_Good;
	case MB_K_U32:	v->u = get32(p + 4 * i, a->order); return STATUS_Good;
	case MB_K_I32:	v->i = (int32_t)get32(p + 4 * i, a->order); return STATUS_Good;
	case MB_K_U64:	v->u = get64(p + 8 * i, a->order); return STATUS_Good;
	case MB_K_I64:	v->i = (int64_t)get64(p + 8 * i, a->order); return STATUS_Good;
	case MB_K_F32:	v->u = 0; v->f32 = as_f32(get32(p + 4 * i, a->order)); return STATUS_Good;
	case MB_K_F64:	v->f64 = as_f64(get64(p + 8 * i, a->order)); return STATUS_Good;
	case MB_K_BCD16:
		if (!bcd(get16_ordered(p + 2 * i, a->order), &u32))
			return (uint32_t)STATUS_BadDecodingError;
		v->u = u32;
		return STATUS_Good;
	case MB_K_BCD32:
		if (!bcd(get32(p + 4 * i, a->order), &u32))
			return (uint32_t)STATUS_BadDecodingError;
		v->u = u32;
		return STATUS_Good;
	default:
		return (uint32_t)STATUS_BadInternalError;
	}
}

/*
 * The values that SunSpec reserves for "not implemented" (SunSpec Information Model Specification, "Unimplemented
 * points").
 */
static bool
reserved(const struct value *v)
{
	switch (v->type) {
	case VALUE_I16:	return v->i == INT16_MIN;
	case VALUE_U16:	return v->u == UINT16_MAX;
	case VALUE_I32:	return v->i == INT32_MIN;
	case VALUE_U32:	return v->u == UINT32_MAX;
	case VALUE_I64:	return v->i == INT64_MIN;
	case VALUE_U64:	return v->u == UINT64_MAX;
	case VALUE_F32:	return isnan(v->f32);
	case VALUE_F64:	return isnan(v->f64);
	default:	return false;
	}
}

static bool
not_finite(const struct value *v)
{
	return (v->type == VALUE_F32 && !isfinite(v->f32)) || (v->type == VALUE_F64 && !isfinite(v->f64));
}

/* Limits of what an integer type holds, as doubles that are exact or just outside. */
static bool
fits(uint8_t type, double d)
{
	switch (type) {
	case VALUE_I8:	return d >= INT8_MIN && d <= INT8_MAX;
	case VALUE_U8:	return d >= 0 && d <= UINT8_MAX;
	case VALUE_I16:	return d >= INT16_MIN && d <= INT16_MAX;
	case VALUE_U16:	return d >= 0 && d <= UINT16_MAX;
	case VALUE_I32:	return d >= INT32_MIN && d <= INT32_MAX;
	case VALUE_U32:	return d >= 0 && d <= UINT32_MAX;
	case VALUE_I64:	return d >= -0x1p63 && d < 0x1p63;
	case VALUE_U64:	return d >= 0 && d < 0x1p64;
	default:	return true;
	}
}

static uint32_t
from_f64(uint8_t type, double d, struct value *v)
{
	v->type = type;
	v->u = 0;
	if (type == VALUE_F64)
		v->f64 = d;
	else if (type == VALUE_F32)
		v->f32 = (float)d;
	else if (isnan(d) || !fits(type, d = round(d)))
		return (uint32_t)STATUS_BadOutOfRange;
	else if (type == VALUE_BOOL)
		v->b = d != 0;
	else if (type == VALUE_U8 || type == VALUE_U16 || type == VALUE_U32 || type == VALUE_U64)
		v->u = (uint64_t)d;
	else
		v->i = (int64_t)d;
	return STATUS_Good;
}

static bool is_signed(uint8_t t) { return t == VALUE_I8 || t == VALUE_I16 || t == VALUE_I32 || t == VALUE_I64; }
static bool is_unsigned(uint8_t t) { return t == VALUE_U8 || t == VALUE_U16 || t == VALUE_U32 || t == VALUE_U64; }

/* The text of a number: its name in the enumeration, or its digits where that has no such row. */
static uint32_t
to_name(const struct mb_op *op, char *scratch, struct value *v)
{
	double d = 0;

	if (!value_as_f64(v, &d) || !fits(VALUE_I64, d = round(d)))
		return (uint32_t)STATUS_BadOutOfRange;
	int64_t n = is_signed(v->type) ? v->i : is_unsigned(v->type) ? (int64_t)v->u : (int64_t)d;
	const char *text = NULL;
	for (uint32_t i = 0; op->enumeration != NULL && i < op->enumeration->n; i++)
		if (op->enumeration->items[i].value == n)
			text = op->enumeration->items[i].text;
	if (text == NULL) {
		num_i64(n, scratch);
		text = scratch;
	}
	*v = (struct value){ .type = VALUE_TEXT, .len = (uint32_t)strlen(text), .p = text };
	return STATUS_Good;
}

/* From the raw element to what the plan says leaves the driver. */
static uint32_t
convert(const struct mb_op *op, char *scratch, struct value *v)
{
	double d = 0;

	if (op->a.sunspec && reserved(v))
		return (uint32_t)STATUS_BadNotSupported;
	if (op->nan_bad && not_finite(v))
		return (uint32_t)STATUS_BadOutOfRange;
	if (op->scaled) {
		value_as_f64(v, &d);
		uint8_t to = op->out_type == VALUE_TEXT ? VALUE_F64 : op->out_type;
		uint32_t status = from_f64(to, d * op->factor / op->divisor + op->offset, v);
		if (status != STATUS_Good || op->out_type != VALUE_TEXT)
			return status;
	}
	if (op->out_type == VALUE_TEXT)
		return to_name(op, scratch, v);
	if (v->type == op->out_type)
		return STATUS_Good;
	/* Between integers without a detour over double, which would round past 2^53. */
	if (is_unsigned(v->type) && (is_unsigned(op->out_type) || is_signed(op->out_type)) &&
	    fits(op->out_type, (double)v->u) && v->u <= INT64_MAX) {
		v->type = op->out_type;
		return STATUS_Good;
	}
	if (is_signed(v->type) && (is_signed(op->out_type) || v->i >= 0) &&
	    (is_unsigned(op->out_type) || is_signed(op->out_type)) && fits(op->out_type, (double)v->i)) {
		v->type = op->out_type;
		return STATUS_Good;
	}
	value_as_f64(v, &d);
	return from_f64(op->out_type, d, v);
}

/* Latin-1 to UTF-8; ends at the first NUL, blanks at the end are padding. */
static uint32_t
text(const struct mb_op *op, const uint8_t *p, char *scratch, struct value *v)
{
	size_t n = 0, out = 0;

	while (n < op->a.count && p[op->a.low_first ? n ^ 1 : n] != 0)
		n++;
	while (n > 0 && p[op->a.low_first ? (n - 1) ^ 1 : n - 1] == ' ')
		n--;
	if (n == 0 && op->a.sunspec)
		return (uint32_t)STATUS_BadNotSupported;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = p[op->a.low_first ? i ^ 1 : i];
		if (c >= 0x80)
			scratch[out++] = (char)(0xC0 | c >> 6);
		scratch[out++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3F));
	}
	*v = (struct value){ .type = VALUE_TEXT, .len = (uint32_t)out, .p = scratch };
	return STATUS_Good;
}

static void
store(const struct value *v, size_t size, void *out)
{
	uint8_t b;

	switch (v->type) {
	case VALUE_BOOL:
		b = v->b;
		memcpy(out, &b, 1);
		break;
	case VALUE_I8: case VALUE_U8: {
		b = (uint8_t)v->u;
		memcpy(out, &b, 1);
		break;
	}
	case VALUE_I16: case VALUE_U16: {
		uint16_t x = (uint16_t)v->u;
		memcpy(out, &x, 2);
		break;
	}
	case VALUE_I32: case VALUE_U32: {
		uint32_t x = (uint32_t)v->u;
		memcpy(out, &x, 4);
		break;
	}
	case VALUE_F32:
		memcpy(out, &v->f32, 4);
		break;
	default:
		memcpy(out, &v->u, size);
	}
}

static uint32_t
coil(const uint8_t *data, size_t at)
{
	return data[at / 8] >> at % 8 & 1;
}

/* The elements of an array that need no more than their bytes put in order. */
static void
copy_elements(const struct mb_op *op, const uint8_t *p, uint8_t *out)
{
	size_t n = op->a.count;
	uint8_t order = op->a.order;

	for (size_t i = 0; op->width == 2 && i < n; i++) {
		uint16_t x = get16_ordered(p + 2 * i, order);
		memcpy(out + 2 * i, &x, 2);
	}
	for (size_t i = 0; op->width == 4 && i < n; i++) {
		uint32_t x = get32(p + 4 * i, order);
		memcpy(out + 4 * i, &x, 4);
	}
	for (size_t i = 0; op->width == 8 && i < n; i++) {
		uint64_t x = get64(p + 8 * i, order);
		memcpy(out + 8 * i, &x, 8);
	}
}

/* One bad element makes the array bad: there is no way to say which element it is. */
static uint32_t
array(const struct mb_op *op, const uint8_t *data, uint16_t base, uint8_t *scratch, struct value *v)
{
	size_t size = value_size(op->out_type), at = (size_t)op->a.reg0 - base;

	if (size == 0 || op->a.count * size > MB_SCRATCH)
		return (uint32_t)STATUS_BadConfigurationError;
	if (op->width != 0)
		copy_elements(op, data + 2 * at, scratch);
	for (size_t i = 0; op->width == 0 && i < op->a.count; i++) {
		struct value e = { .type = VALUE_BOOL };
		uint32_t status = STATUS_Good;
		if (op->a.kind == MB_K_BIT)
			e.b = coil(data, at + i) != 0;
		else
			status = element(&op->a, data + 2 * at, i, &e);
		if (status == STATUS_Good)
			status = convert(op, NULL, &e);
		if (status != STATUS_Good)
			return status;
		store(&e, size, scratch + i * size);
	}
	*v = (struct value){ .type = op->out_type | VALUE_ARRAY, .len = (uint32_t)(op->a.count * size), .p = scratch };
	return STATUS_Good;
}

static uint32_t
slow(const struct mb_op *op, const uint8_t *data, uint16_t base, void *scratch, struct value *v)
{
	const uint8_t *p = data + 2 * ((size_t)op->a.reg0 - base);
	uint32_t status;

	if (op->a.kind == MB_K_TEXT)
		status = text(op, p, scratch, v);
	else if (op->a.count != 0)
		status = array(op, data, base, scratch, v);
	else {
		status = STATUS_Good;
		if (op->a.kind == MB_K_BIT)
			*v = (struct value){ .type = VALUE_BOOL, .b = coil(data, (size_t)op->a.reg0 - base) != 0 };
		else
			status = element(&op->a, p, 0, v);
		if (status == STATUS_Good)
			status = convert(op, scratch, v);
	}
	if (status != STATUS_Good)
		*v = (struct value){ .type = VALUE_NULL };
	return status;
}

uint32_t
mb_decode(const struct mb_op *op, const uint8_t *data, uint16_t base, void *scratch, struct value *v)
{
	if (!op->plain)
		return slow(op, data, base, scratch, v);
	size_t at = (size_t)op->a.reg0 - base;
	const uint8_t *p = data + 2 * at;
	v->type = op->out_type;
	v->len = 0;
	/* The kinds that most tags have, in one look; the others take the general way. */
	switch (op->a.kind) {
	case MB_K_U16:	v->u = get16_ordered(p, op->a.order); return STATUS_Good;
	case MB_K_I16:	v->i = (int16_t)get16_ordered(p, op->a.order); return STATUS_Good;
	case MB_K_U32:	v->u = get32(p, op->a.order); return STATUS_Good;
	case MB_K_I32:	v->i = (int32_t)get32(p, op->a.order); return STATUS_Good;
	case MB_K_F32:	v->u = 0; v->f32 = as_f32(get32(p, op->a.order)); break;
	case MB_K_BIT:	v->u = 0; v->b = coil(data, at) != 0; return STATUS_Good;
	default:	element(&op->a, p, 0, v); break;
	}
	if (op->nan_bad && not_finite(v)) {
		*v = (struct value){ .type = VALUE_NULL };
		return (uint32_t)STATUS_BadOutOfRange;
	}
	return STATUS_Good;
}
