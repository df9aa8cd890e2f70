/*
 * The columns of a batch: bytes written by hand from doc/spool-format.md, what must be refused, and what must come
 * back.
 */
#include "base/test.h"
#include "spool/columns.h"

static const uint8_t types[] = { VALUE_F32, VALUE_U16, VALUE_TEXT, VALUE_I16 | VALUE_ARRAY, VALUE_BOOL, VALUE_I64 };
#define NTYPES 6u

/* Decode hex as n samples sealed at 1000. */
static int
decode(const char *hex, struct sample *out, size_t n)
{
	static uint8_t bytes[1024];
	size_t len = test_hex(hex, bytes, sizeof bytes);
	return columns_decode(bytes, len, out, n, types, NTYPES, (struct wall){ 1000 });
}

TEST(bytes_by_hand_are_read)
{
	struct sample v[4];

	/*
	 * Tags 0 1 and 4 5; types of the schema; status good x3, BadTimeout; flags 0 x3, 8; arrival 1001 x4; no source;
	 * server each.
	 */
	CHECK_INT(decode("00 02  04 02   00   00 03 80 80 a8 80 08 01   00 03 08 01   01 02 04   00   02 02 02 01 cf 0f"
	    "  00 00 c0 3f  34 12  01  fe ff ff ff ff ff ff ff", v, 4), 0);
	CHECK_INT(v[0].tag, 0);
	CHECK_INT(v[1].tag, 1);
	CHECK_INT(v[2].tag, 4);
	CHECK_INT(v[3].tag, 5);
	CHECK_INT(v[2].status, 0);
	CHECK_INT(v[3].status, 0x800A0000);
	CHECK_INT(v[3].flags, 8);
	CHECK_INT(v[0].arrival.ns, 1001);
	CHECK_INT(v[3].arrival.ns, 1001);
	CHECK_INT(v[1].source.ns, 0);
	CHECK_INT(v[0].server.ns, 1001);
	CHECK_INT(v[1].server.ns, 1002);
	CHECK_INT(v[2].server.ns, 1001);
	CHECK_INT(v[3].server.ns, 1001 - 1000);
	CHECK(v[0].v.type == VALUE_F32 && v[0].v.f32 == 1.5f);
	CHECK(v[1].v.type == VALUE_U16 && v[1].v.u == 0x1234);
	CHECK(v[2].v.type == VALUE_BOOL && v[2].v.b);
	CHECK(v[3].v.type == VALUE_I64 && v[3].v.i == -2);
}

TEST(texts_arrays_and_types_of_their_own_are_read)
{
	struct sample v[4];

	/* Tags 2, 2 3, 0 (three runs); types text x2, int16[], null. */
	CHECK_INT(
	    decode(
		"04 01  01 02  07 01   01 0d 02 84 01 00 01   00 04   00 04   00 00 00   02 00 68 69   04 01 00 ff ff",
		v, 4),
	    0);
	CHECK_INT(v[1].tag, 2);
	CHECK_INT(v[2].tag, 3);
	CHECK_INT(v[3].tag, 0);
	CHECK(v[0].v.type == VALUE_TEXT && v[0].v.len == 2);
	CHECK_BYTES(v[0].v.p, "hi", 2);
	CHECK(v[1].v.type == VALUE_TEXT && v[1].v.len == 0);
	CHECK(v[2].v.type == (VALUE_I16 | VALUE_ARRAY) && v[2].v.len == 4);
	struct value second = value_at(&v[2].v, 1);
	CHECK_INT(second.i, -1);
	CHECK_INT(v[3].v.type, VALUE_NULL);
}

TEST(what_cannot_be_is_refused)
{
	static const struct { const char *why, *hex; size_t n; } rows[] = {
		{ "nothing",			"", 1 },
		{ "a run of none",		"00 00 00 00 01 00 01 00 00 00 00 00 00 00", 1 },
		{ "a run too long",		"00 02 00 00 01 00 01 00 00 00 00 00 00 00", 1 },
		{ "a tag beyond the schema",	"0c 01 00 00 01 00 01 00 00 00 00 00 00 00", 1 },
		{ "a run beyond the schema",	"0a 02 00 00 02 00 02 00 00 00 00 00 00 00", 2 },
		{ "a tag below zero",		"01 01 00 00 01 00 01 00 00 00 00 00 00 00", 1 },
		{ "no such way for types",	"00 01 02 00 01 00 01 00 00 00 00 00 00 00", 1 },
		{ "no such type",		"00 01 01 0f 01 00 01 00 01 00 00 00", 1 },
		{ "an array of texts",		"00 01 01 8d 01 00 01 00 01 00 00 00 00", 1 },
		{ "a status over 32 bits",	"00 01 00 80 80 80 80 10 01 00 01 00 00 00 00 00 00 00", 1 },
		{ "no such way for times",	"00 01 00 00 01 00 01 03 00 00 00 00 00 00", 1 },
		{ "a value too short",		"00 01 00 00 01 00 01 00 00 00 00 00 00", 1 },
		{ "a byte too many",		"00 01 00 00 01 00 01 00 00 00 00 00 00 00 00", 1 },
		{ "a text of 65,536 bytes",	"04 01 00 00 01 00 01 00 00 00 80 80 04", 1 },
		{ "a text that ends early",	"04 01 00 00 01 00 01 00 00 00 03 61 62", 1 },
		{ "half an array element",	"06 01 00 00 01 00 01 00 00 00 03 00 00 00", 1 },
	};
	struct sample v[4];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (decode(rows[i].hex, v, rows[i].n) != ERR_CORRUPT)
			test_fail(__FILE__, __LINE__, "not refused: %s", rows[i].why);
	/* what the rows are made from */
	CHECK_INT(decode("00 01 00 00 01 00 01 00 00 00 00 00 00 00", v, 1), 0);
}

TEST(what_cannot_be_stored_is_refused)
{
	uint8_t room[64];
	struct sample v[2] = { { .tag = 0, .v = { .type = VALUE_F32 } }, { .tag = 1, .v = { .type = VALUE_U16 } } };
	struct writer w = wr_init(room, sizeof room);

	CHECK_INT(columns_encode(&w, v, 2, types, NTYPES, (struct wall){ 0 }), 0);
	w = wr_init(room, 10);
	CHECK_INT(columns_encode(&w, v, 2, types, NTYPES, (struct wall){ 0 }), ERR_FULL);
	v[1].tag = NTYPES;
	w = wr_init(room, sizeof room);
	CHECK_INT(columns_encode(&w, v, 2, types, NTYPES, (struct wall){ 0 }), ERR_RANGE);
	v[1] = (struct sample){ .tag = 2, .v = { .type = VALUE_TEXT, .len = VALUE_BYTES_MAX + 1, .p = room } };
	w = wr_init(room, sizeof room);
	CHECK_INT(columns_encode(&w, v, 2, types, NTYPES, (struct wall){ 0 }), ERR_RANGE);
}

TEST(every_type_comes_back_to_the_bit)
{
	static const int64_t ints[] = { 0, 1, -1, 127, -128, 255, 32767, -32768, 65535, INT32_MAX, INT32_MIN,
		UINT32_MAX, INT64_MAX, INT64_MIN };
	uint8_t schema[VALUE_TYPES] = { 0 }, room[4096];
	struct sample v[64], got[64];

	for (uint8_t type = VALUE_BOOL; type <= VALUE_TIME; type++) {
		size_t n = sizeof ints / sizeof ints[0];
		for (size_t i = 0; i < n; i++) {
			v[i] = (struct sample){ .tag = type, .v = { .type = type } };
			uint64_t bits = (uint64_t)ints[i];
			size_t size = value_size(type);
			bool is_signed = type == VALUE_I8 || type == VALUE_I16 || type == VALUE_I32 ||
			    type == VALUE_I64;
			if (type == VALUE_BOOL)
				v[i].v.b = bits & 1;
			else if (is_signed)
				v[i].v.i = (int64_t)(bits << (64 - 8 * size)) >> (64 - 8 * size);
			else
				v[i].v.u = size == 8 ? bits : bits & ((1ull << 8 * size) - 1);
		}
		schema[type] = type;
		struct writer w = wr_init(room, sizeof room);
		CHECK_INT(columns_encode(&w, v, n, schema, VALUE_TYPES, (struct wall){ 5 }), 0);
		CHECK_INT(columns_decode(room, wr_len(&w), got, n, schema, VALUE_TYPES, (struct wall){ 5 }), 0);
		for (size_t i = 0; i < n; i++) {
			CHECK_INT(got[i].v.type, type);
			if (type == VALUE_BOOL)
				CHECK(got[i].v.b == v[i].v.b);
			else
				CHECK_INT(got[i].v.u, v[i].v.u);
		}
	}
}

TEST_MAIN
