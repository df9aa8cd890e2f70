/*
 * Values. The inverse that the property test compares with is written here, naively and from the definition of the
 * orders (A is the most significant byte): nothing of it is shared with the driver.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/test.h"
#include "driver/modbus/modbus_value.h"
#include "model/status.h"

static const struct mb_addr_rules rules = { .regs_max = 125, .bits_max = 2000 };
static uint64_t scratch[MB_SCRATCH / 8];

static struct mb_op
op_for(const char *at, struct tag *t)
{
	struct mb_addr a;
	struct mb_op op;
	char why[300];

	if (mb_addr_parse(at, &rules, &a, why, sizeof why) != 0)
		test_fail(__FILE__, __LINE__, "%s: %s", at, why);
	if (t->factor == 0)
		t->factor = 1;
	t->scaled = t->factor != 1 || t->offset != 0;
	if (t->type == VALUE_NULL)
		t->type = t->scaled ? VALUE_F64 | (mb_addr_type(&a) & VALUE_ARRAY) : mb_addr_type(&a);
	mb_op_init(&op, &a, t, true);
	return op;
}

static uint32_t
decode(const char *at, const char *hex, struct tag t, struct value *v)
{
	uint8_t data[250];
	struct mb_op op = op_for(at, &t);
	test_hex(hex, data, sizeof data);
	return mb_decode(&op, data, op.a.reg0, scratch, v);
}

TEST(orders_of_float_are_those_of_the_reference)
{
	struct value v;
	const struct tag t = { 0 };
	decode("holding 0 float32 abcd", "3F 80 00 00", t, &v);
	CHECK(v.f32 == 1.0f);
	decode("holding 0 float32 cdab", "00 00 3F 80", t, &v);
	CHECK(v.f32 == 1.0f);
	decode("holding 0 float32 badc", "80 3F 00 00", t, &v);
	CHECK(v.f32 == 1.0f);
	decode("holding 0 float32 dcba", "00 00 80 3F", t, &v);
	CHECK(v.f32 == 1.0f);
	decode("holding 0 uint64 abcd", "01 02 03 04 05 06 07 08", t, &v);
	CHECK(v.u == 0x0102030405060708);
	decode("holding 0 uint64 cdab", "07 08 05 06 03 04 01 02", t, &v);	/* GHEFCDAB */
	CHECK(v.u == 0x0102030405060708);
	decode("holding 0 uint64 badc", "02 01 04 03 06 05 08 07", t, &v);	/* BADCFEHG */
	CHECK(v.u == 0x0102030405060708);
	decode("holding 0 uint64 dcba", "08 07 06 05 04 03 02 01", t, &v);	/* HGFEDCBA */
	CHECK(v.u == 0x0102030405060708);
}

TEST(bits_bytes_and_bcd_are_taken_out_of_their_registers)
{
	struct value v;
	const struct tag t = { 0 };
	decode("holding 0.3", "00 08", t, &v);
	CHECK(v.type == VALUE_BOOL && v.b);
	decode("holding 0.15", "7F FF", t, &v);
	CHECK(!v.b);
	decode("holding 0 int8 high-byte", "FE 01", t, &v);
	CHECK_INT(v.i, -2);
	decode("holding 0 uint8", "FE 01", t, &v);
	CHECK_INT(v.u, 1);
	decode("holding 0 uint8[3] low-first", "01 02 03 04", t, &v);
	CHECK_INT(v.len, 3);
	CHECK_BYTES(v.p, "\x02\x01\x04", 3);
	decode("holding 0 bcd16", "12 34", t, &v);
	CHECK_INT(v.u, 1234);
	decode("holding 0 bcd32", "12 34 56 78", t, &v);
	CHECK_INT(v.u, 12345678);
	CHECK_INT(decode("holding 0 bcd16", "1A 34", t, &v), (uint32_t)STATUS_BadDecodingError);
	CHECK_INT(v.type, VALUE_NULL);
	decode("coil 0 bool[10]", "05 02", t, &v);
	CHECK_BYTES(v.p, "\1\0\1\0\0\0\0\0\0\1", 10);
	decode("holding 0.8 bool[10]", "05 00 00 02", t, &v);
	CHECK_BYTES(v.p, "\1\0\1\0\0\0\0\0\0\1", 10);
}

TEST(texts_end_at_nul_and_lose_padding)
{
	struct value v;
	const struct tag t = { 0 };
	decode("holding 0 string 8", "41 42 43 00 58 58 58 58", t, &v);
	CHECK_INT(v.len, 3);
	CHECK_BYTES(v.p, "ABC", 3);
	decode("holding 0 string 4 low-first", "42 41 20 43", t, &v);
	CHECK_INT(v.len, 3);
	CHECK_BYTES(v.p, "ABC", 3);
	decode("holding 0 string 2", "32 B0", t, &v);		/* Latin-1 degree sign */
	CHECK_INT(v.len, 3);
	CHECK_BYTES(v.p, "2\xC2\xB0", 3);
	CHECK_INT(decode("holding 0 string 2", "00 00", t, &v), STATUS_Good);
	CHECK_INT(v.len, 0);
	CHECK_INT(decode("holding 0 string 2 sunspec", "00 00", t, &v), (uint32_t)STATUS_BadNotSupported);
}

TEST(nan_and_reserved_values_are_bad_and_carry_no_value)
{
	struct value v;
	const struct tag t = { 0 };
	CHECK_INT(decode("holding 0 float32", "7F C0 00 00", t, &v), (uint32_t)STATUS_BadOutOfRange);
	CHECK_INT(v.type, VALUE_NULL);
	CHECK_INT(decode("holding 0 float32", "7F 80 00 00", t, &v), (uint32_t)STATUS_BadOutOfRange);
	CHECK_INT(decode("holding 0 float32 sunspec", "7F C0 00 00", t, &v), (uint32_t)STATUS_BadNotSupported);
	CHECK_INT(decode("holding 0 int16 sunspec", "80 00", t, &v), (uint32_t)STATUS_BadNotSupported);
	CHECK_INT(decode("holding 0 int16", "80 00", t, &v), STATUS_Good);
	CHECK_INT(decode("holding 0 uint16 sunspec", "FF FF", t, &v), (uint32_t)STATUS_BadNotSupported);
	CHECK_INT(decode("holding 0 uint32 sunspec", "FF FF FF FF", t, &v), (uint32_t)STATUS_BadNotSupported);
	CHECK_INT(
	    decode("holding 0 int64 sunspec", "80 00 00 00 00 00 00 00", t, &v), (uint32_t)STATUS_BadNotSupported);
}

TEST(scaling_gives_a_double_and_is_undone_exactly_or_not_at_all)
{
	struct value v;
	struct tag t = { .factor = 0.1, .offset = -40 };
	struct mb_encoded e;
	char why[200];
	decode("holding 0 int16", "01 F4", t, &v);
	CHECK(v.type == VALUE_F64 && fabs(v.f64 - 10.0) < 1e-9);
	struct mb_op op = op_for("holding 0 int16", &t);
	CHECK_INT(mb_encode(&op, &(struct value){ .type = VALUE_F64, .f64 = 10.04 }, &e, why, sizeof why), ERR_RANGE);
	CHECK(strstr(why, "0.1 apart") != NULL);
	CHECK_INT(mb_encode(&op, &(struct value){ .type = VALUE_F64, .f64 = 10.0 }, &e, why, sizeof why), 0);
	CHECK_BYTES(e.bytes, "\x01\xF4", 2);
	CHECK_INT(mb_encode(&op, &(struct value){ .type = VALUE_F64, .f64 = 4000 }, &e, why, sizeof why), ERR_RANGE);
	CHECK(strstr(why, "-32768 to 32767") != NULL);
	CHECK_INT(
	    mb_encode(&op, &(struct value){ .type = VALUE_F64, .f64 = (double)NAN }, &e, why, sizeof why), ERR_RANGE);
}

TEST(a_decimal_factor_gives_the_nearest_decimal)
{
	static const struct { double factor; const char *hex; double want; } rows[] = {
		{ 0.1, "27 14", 1000.4 }, { 0.01, "27 14", 100.04 }, { 0.001, "00 07", 0.007 }, { -0.1, "00 03", -0.3 },
		{ 0.05, "00 07", 0.35 }, { 0.3, "00 02", 0.6 }, { 2.5, "00 03", 7.5 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct tag t = { .factor = rows[i].factor };
		struct value v;
		struct mb_encoded e;
		uint8_t raw[2];
		char why[200];
		struct mb_op op = op_for("holding 0 int16", &t);
		test_hex(rows[i].hex, raw, sizeof raw);
		CHECK_INT(mb_decode(&op, raw, 0, scratch, &v), STATUS_Good);
		CHECK(v.f64 == rows[i].want);
		CHECK_INT(mb_encode(&op, &v, &e, why, sizeof why), 0);
		CHECK_BYTES(e.bytes, raw, 2);
	}
}

TEST(a_bit_or_byte_is_written_under_a_mask)
{
	struct mb_encoded e;
	char why[200];
	struct tag t = { 0 }, u = { 0 };
	struct mb_op bit = op_for("holding 0.3", &t), high = op_for("holding 0 uint8 high-byte", &u);
	CHECK_INT(mb_encode(&bit, &(struct value){ .type = VALUE_BOOL, .b = true }, &e, why, sizeof why), 0);
	CHECK(e.masked && e.and_mask == 0xFFF7 && e.or_mask == 0x0008);
	CHECK_INT(mb_encode(&high, &(struct value){ .type = VALUE_U8, .u = 0x5A }, &e, why, sizeof why), 0);
	CHECK(e.masked && e.and_mask == 0x00FF && e.or_mask == 0x5A00);
	CHECK_INT(mb_encode(&high, &(struct value){ .type = VALUE_I32, .i = 256 }, &e, why, sizeof why), ERR_RANGE);
}

TEST(a_text_that_does_not_fit_is_refused)
{
	struct mb_encoded e;
	char why[200];
	struct tag t = { 0 };
	struct mb_op op = op_for("holding 0 string 4", &t);
	CHECK_INT(
	    mb_encode(&op, &(struct value){ .type = VALUE_TEXT, .len = 3, .p = "a\xC2\xB0" }, &e, why, sizeof why), 0);
	CHECK_BYTES(e.bytes, "a\xB0\0\0", 4);
	CHECK_INT(mb_encode(&op, &(struct value){ .type = VALUE_TEXT, .len = 5, .p = "abcde" }, &e, why, sizeof why),
	    ERR_LIMIT);
	CHECK_INT(
	    mb_encode(&op, &(struct value){ .type = VALUE_TEXT, .len = 3, .p = "\xE2\x82\xAC" }, &e, why, sizeof why),
	    ERR_RANGE);
	CHECK_INT(mb_encode(&op, &(struct value){ .type = VALUE_TEXT, .len = 1, .p = "\xFF" }, &e, why, sizeof why),
	    ERR_TYPE);
}

/* --- property: a naive encoder and the decoder are inverse, for every type, order and value --- */

static uint64_t seed = 88172645463325252u;
static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static const struct { const char *name; int bytes; bool sign, flt; } kinds[] = {
	{ "uint16", 2, false, false },
	{ "int16", 2, true, false },
	{ "uint32", 4, false, false },
	{ "int32", 4, true, false },
	{ "uint64", 8, false, false },
	{ "int64", 8, true, false },
	{ "float32", 4, true, true },
	{ "float64", 8, true, true },
};
static const char *const order_names[] = { "abcd", "cdab", "badc", "dcba" };

/* Where the byte of significance i (0: A) stands on the wire: spelled out, not computed. */
static const uint8_t at2[4][2] = { { 0, 1 }, { 0, 1 }, { 1, 0 }, { 1, 0 } };
static const uint8_t at4[4][4] = { { 0, 1, 2, 3 }, { 2, 3, 0, 1 }, { 1, 0, 3, 2 }, { 3, 2, 1, 0 } };
static const uint8_t at8[4][8] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7 }, { 6, 7, 4, 5, 2, 3, 0, 1 }, { 1, 0, 3, 2, 5, 4, 7, 6 }, { 7, 6, 5, 4, 3, 2, 1, 0 },
};

static void
naive(uint8_t *wire, uint64_t x, int bytes, int order)
{
	for (int i = 0; i < bytes; i++) {
		uint8_t b = (uint8_t)(x >> 8 * (bytes - 1 - i));
		wire[bytes == 2 ? at2[order][i] : bytes == 4 ? at4[order][i] : at8[order][i]] = b;
	}
}

static void
one_round(size_t k, int order, int base)
{
	uint8_t wire[250];
	uint64_t x = rnd() >> (rnd() & 63), mask = kinds[k].bytes == 8 ? UINT64_MAX : (1ull << 8 * kinds[k].bytes) - 1;
	char at[64], why[200];
	struct tag t = { 0 };
	struct value v;
	struct mb_encoded e;

	x &= mask;
	snprintf(at, sizeof at, "holding %d %s %s", base + 7, kinds[k].name, order_names[order]);
	struct mb_op op = op_for(at, &t);
	memset(wire, 0xEE, sizeof wire);
	naive(wire + 14, x, kinds[k].bytes, order);
	uint32_t status = mb_decode(&op, wire, (uint16_t)base, scratch, &v);
	float f32;
	double f64;
	uint32_t x32 = (uint32_t)x;
	memcpy(&f32, &x32, 4);
	memcpy(&f64, &x, 8);
	if (kinds[k].flt && !isfinite(kinds[k].bytes == 4 ? (double)f32 : f64)) {
		CHECK_INT(status, (uint32_t)STATUS_BadOutOfRange);
		return;
	}
	CHECK_INT(status, STATUS_Good);
	if (kinds[k].flt)
		CHECK(kinds[k].bytes == 4 ? v.f32 == f32 : v.f64 == f64);
	else if (kinds[k].sign)
		CHECK(v.i == (kinds[k].bytes == 2 ? (int16_t)x : kinds[k].bytes == 4 ? (int32_t)x : (int64_t)x));
	else
		CHECK(v.u == x);
	CHECK_INT(mb_encode(&op, &v, &e, why, sizeof why), 0);
	CHECK_INT(e.n, kinds[k].bytes / 2);
	CHECK_BYTES(e.bytes, wire + 14, (size_t)kinds[k].bytes);
}

TEST(decoding_inverts_a_naive_encoder_for_all_types_and_orders)
{
	for (int round = 0; round < 300; round++)
		for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
			for (int order = 0; order < 4; order++)
				one_round(k, order, (int)(rnd() % 60000));
}

TEST(arrays_are_their_elements)
{
	static const struct { const char *type; int size, n; } rows[] = {
		{ "uint16", 2, 60 }, { "int16", 2, 60 }, { "uint32", 4, 40 }, { "int32", 4, 40 }, { "uint64", 8, 30 }, { "int64", 8, 30 },
	};
	uint8_t wire[250];
	struct value v;

	for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++)
		for (int order = 0; order < 4; order++) {
			char at[64];
			struct tag t = { 0 };
			uint8_t want[250];
			int size = rows[row].size, n = rows[row].n;
			snprintf(at, sizeof at, "input 5 %s[%d] %s", rows[row].type, n, order_names[order]);
			struct mb_op op = op_for(at, &t);
			for (int i = 0; i < n; i++) {
				uint64_t x = rnd();
				x = size == 8 ? x : x & ((1ull << 8 * size) - 1);
				naive(wire + size * i, x, size, order);
				memcpy(want + size * i, &x, (size_t)size);	/* little-endian, as all machines we run on */
			}
			CHECK_INT(mb_decode(&op, wire, 5, scratch, &v), STATUS_Good);
			CHECK_INT(v.len, size * n);
			CHECK(memcmp(v.p, want, v.len) == 0);
		}
}

TEST_MAIN
