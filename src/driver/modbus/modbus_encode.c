/* See modbus_value.h: encoding, the inverse of modbus_value.c; what does not fit is refused, never wrapped or cut. */
#include "driver/modbus/modbus_value.h"

#include <math.h>
#include <stdio.h>

#include "base/utf8.h"

#define STEP_SLACK	1e-3	/* of a step of the device: what decimal fractions lose on their way through a double */

/* What an element may hold once scaling is undone. */
static const struct range { double lo, hi; uint8_t bytes; bool is_signed, is_float; } ranges[MB_KINDS] = {
	[MB_K_BIT] = { 0, 1, 0, false, false },
	[MB_K_REG_BIT] = { 0, 1, 0, false, false },
	[MB_K_U8] = { 0, UINT8_MAX, 1, false, false },
	[MB_K_I8] = { INT8_MIN, INT8_MAX, 1, true, false },
	[MB_K_U16] = { 0, UINT16_MAX, 2, false, false },
	[MB_K_I16] = { INT16_MIN, INT16_MAX, 2, true, false },
	[MB_K_U32] = { 0, UINT32_MAX, 4, false, false },
	[MB_K_I32] = { INT32_MIN, INT32_MAX, 4, true, false },
	[MB_K_U64] = { 0, 0x1.fffffffffffffp63, 8, false, false },
	[MB_K_I64] = { -0x1p63, 0x1.fffffffffffffp62, 8, true, false },
	[MB_K_F32] = { -3.4028234663852886e38, 3.4028234663852886e38, 4, true, true },
	[MB_K_F64] = { -1.7976931348623157e308, 1.7976931348623157e308, 8, true, true },
	[MB_K_BCD16] = { 0, 9999, 2, false, false },
	[MB_K_BCD32] = { 0, 99999999, 4, false, false },
};

static uint32_t
to_bcd(uint32_t v)
{
	uint32_t out = 0;
	for (int shift = 0; v > 0; shift += 4, v /= 10)
		out |= v % 10 << shift;
	return out;
}

static bool is_int(uint8_t t) { return t >= VALUE_I8 && t <= VALUE_U64 && t != VALUE_F32 && t != VALUE_F64; }
static bool is_unsigned(uint8_t t) { return t == VALUE_U8 || t == VALUE_U16 || t == VALUE_U32 || t == VALUE_U64; }

/* An enumeration's text back to its number. */
static bool
from_name(const struct mb_op *op, const struct value *v, double *out)
{
	for (uint32_t i = 0; op->enumeration != NULL && i < op->enumeration->n; i++) {
		const struct enum_item *e = &op->enumeration->items[i];
		if (strlen(e->text) == v->len && memcmp(e->text, v->p, v->len) == 0) {
			*out = (double)e->value;
			return true;
		}
	}
	return false;
}

/* The raw bits of one element, in the low bytes of *out. */
static int
raw_of(const struct mb_op *op, const struct value *v, uint64_t *out, char *why, size_t size)
{
	const struct range *r = &ranges[op->a.kind];
	double d = 0;

	if (!value_as_f64(v, &d) && !(v->type == VALUE_TEXT && from_name(op, v, &d))) {
		snprintf(why, size, "a %s cannot be written here: give a number%s", value_type_name(v->type),
		    op->enumeration != NULL ? " or a name of the tag's enumeration" : "");
		return ERR_TYPE;
	}
	/* Whole 64-bit numbers go past the double, which would round them. */
	if (!op->scaled && (op->a.kind == MB_K_U64 || op->a.kind == MB_K_I64) && is_int(v->type) &&
	    (is_unsigned(v->type) ? op->a.kind == MB_K_U64 || v->u <= INT64_MAX :
	    op->a.kind == MB_K_I64 || v->i >= 0)) {
		*out = v->u;
		return 0;
	}
	if (op->scaled)
		d = (d - op->offset) * op->divisor / op->factor;
	if (!r->is_float) {
		/* What was admitted is what is written, or nothing is. */
		double whole = round(d), step = op->scaled ? fabs(op->factor / op->divisor) : 1;
		if (fabs(d - whole) > STEP_SLACK) {
			snprintf(why, size, "the value lies between two that the device can hold, which are %g apart", step);
			return ERR_RANGE;
		}
		d = whole;
	}
	if (isnan(d) || d < r->lo || d > r->hi) {
		snprintf(why, size, "%g is outside of what the address holds, %g to %g: give a value in that range", d,
		    r->lo, r->hi);
		return ERR_RANGE;
	}
	if (op->a.kind == MB_K_F64)
		memcpy(out, &d, sizeof d);
	else if (op->a.kind == MB_K_F32) {
		float f = v->type == VALUE_F32 && !op->scaled ? v->f32 : (float)d;
		uint32_t u;
		memcpy(&u, &f, sizeof u);
		*out = u;
	} else if (op->a.kind == MB_K_BCD16 || op->a.kind == MB_K_BCD32)
		*out = to_bcd((uint32_t)d);
	else
		*out = r->is_signed ? (uint64_t)(int64_t)d : (uint64_t)d;
	return 0;
}

/* Most significant byte first, then the order's swaps: within each register, and of the registers. */
static void
put_ordered(uint8_t *out, uint64_t raw, size_t bytes, uint8_t order)
{
	size_t words = order == MB_CDAB || order == MB_DCBA ? bytes - 2 : 0,
	       swap = order == MB_BADC || order == MB_DCBA;

	for (size_t i = 0; i < bytes; i++) {
		size_t reg = i & ~(size_t)1, to = (words > 0 ? words - reg : reg) + ((i & 1) ^ swap);
		out[to] = (uint8_t)(raw >> 8 * (bytes - 1 - i));
	}
}

static void
put_element(const struct mb_op *op, size_t i, uint64_t raw, struct mb_encoded *out)
{
	const struct mb_addr *a = &op->a;
	uint8_t bytes = ranges[a->kind].bytes;

	if (a->kind == MB_K_BIT) {
		out->bytes[i / 8] = (uint8_t)(out->bytes[i / 8] | (raw & 1) << i % 8);
	} else if (a->kind == MB_K_REG_BIT) {
		size_t bit = a->bit + i;
		out->bytes[2 * (bit / 16) + (bit % 16 < 8)] |= (uint8_t)((raw & 1) << bit % 8);
	} else if (bytes == 1)
		out->bytes[a->low_first ? i ^ 1 : i] = (uint8_t)raw;
	else
		put_ordered(out->bytes + i * bytes, raw, bytes, a->order);
}

/* A bit or one byte of a register: the others stay. */
static void
put_masked(const struct mb_addr *a, uint64_t raw, struct mb_encoded *out)
{
	unsigned shift = a->kind == MB_K_REG_BIT ? a->bit : a->high_byte ? 8 : 0;
	unsigned mask = (a->kind == MB_K_REG_BIT ? 1u : 0xFFu) << shift;

	out->masked = true;
	out->and_mask = (uint16_t)~mask;
	out->or_mask = (uint16_t)((unsigned)raw << shift & mask);
}

/* UTF-8 to Latin-1, padded with NUL. */
static int
put_text(const struct mb_addr *a, const struct value *v, struct mb_encoded *out, char *why, size_t size)
{
	const uint8_t *p = v->p;
	size_t n = 0;

	if (v->type != VALUE_TEXT || !utf8_valid(v->p, v->len)) {
		snprintf(why, size, "the address holds a text: give one in UTF-8");
		return ERR_TYPE;
	}
	for (size_t i = 0; i < v->len; n++) {
		size_t len = utf8_len((const char *)p + i, v->len - i);
		unsigned c = len == 1 ? p[i] : (p[i] & 0x1Fu) << 6 | (p[i + 1] & 0x3Fu);
		if (n == a->count) {
			snprintf(why, size, "the text is longer than the %u characters of the address: shorten it",
			    a->count);
			return ERR_LIMIT;
		}
		if (len > 2 || c > 0xFF) {
			snprintf(why, size, "character %zu of the text is none of Latin-1: replace it", n + 1);
			return ERR_RANGE;
		}
		out->bytes[a->low_first ? n ^ 1 : n] = (uint8_t)c;
		i += len;
	}
	return 0;
}

int
mb_encode(const struct mb_op *op, const struct value *v, struct mb_encoded *out, char *why, size_t size)
{
	const struct mb_addr *a = &op->a;
	uint64_t raw = 0;
	bool whole_array = a->kind != MB_K_TEXT && a->count != 0;

	*out = (struct mb_encoded){ .n = a->span };
	if (a->span > (mb_table_bits(a->table) ? MB_WRITE_BITS_MAX : MB_WRITE_REGS_MAX)) {
		snprintf(why, size,
		    "the value takes %u registers or bits, more than one write can carry: split the tag", a->span);
		return ERR_LIMIT;
	}
	if (a->kind == MB_K_TEXT)
		return put_text(a, v, out, why, size);
	if (whole_array != ((v->type & VALUE_ARRAY) != 0) || (whole_array && value_count(v) != a->count)) {
		snprintf(why, size, "the address holds %u element(s): give as many", whole_array ? a->count : 1);
		return ERR_TYPE;
	}
	if (a->kind == MB_K_REG_BIT && whole_array && (a->bit != 0 || a->count % 16 != 0)) {
		snprintf(why, size, "bits that do not fill whole registers are written one by one: make each a tag");
		return ERR_TYPE;
	}
	for (size_t i = 0; i < (whole_array ? a->count : 1); i++) {
		struct value e = whole_array ? value_at(v, i) : *v;
		int err = raw_of(op, &e, &raw, why, size);
		if (err != 0)
			return err;
		if (!whole_array && (a->kind == MB_K_REG_BIT || ranges[a->kind].bytes == 1))
			put_masked(a, raw, out);
		else
			put_element(op, i, raw, out);
	}
	return 0;
}
