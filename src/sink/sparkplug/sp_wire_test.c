/* Payloads against bytes that a standard protobuf compiler made from the published schema, and against the text of chapter 6. */
#include "base/test.h"
#include "model/status.h"
#include "sink/sparkplug/sp_wire.h"

static const struct wall at = { 1700000000000 * NS_PER_MS };

static void
same(struct sp_builder *b, const char *hex)
{
	uint8_t want[256];
	struct buf out = { 0 };

	size_t n = test_hex(hex, want, sizeof want);
	sp_builder_encode(b, &out);
	CHECK_INT(out.err, 0);
	CHECK_INT(out.len, n);
	CHECK_BYTES(out.p, want, n);
	buf_fini(&out);
	sp_builder_free(b);
}

/* A payload of one metric with alias 1 and this value. */
static struct sp_builder *
one(const struct value *v, uint32_t status)
{
	struct sp_builder *b = sp_builder_new();

	sp_builder_begin(b, at, 0);
	sp_builder_metric(b, &(struct sp_metric_out){ .alias = 1, .time = at, .status = status, .v = v, .type = v->type });
	return b;
}

#define HEAD(len, more) "0880d095ffbc31 12" len "1001 1880d095ffbc31" more "1800"

TEST(ndeath_is_the_bytes_of_the_published_schema)
{
	struct sp_builder *b = sp_builder_new();
	struct value bdseq = { .type = VALUE_I64, .i = 0 };

	sp_builder_begin(b, at, -1);
	sp_builder_metric(b, &(struct sp_metric_out){ .name = "bdSeq", .time = at, .datatype = true, .v = &bdseq, .type = VALUE_I64 });
	same(b, "0880d095ffbc3112120a0562645365711880d095ffbc3120045800");
}

TEST(a_stale_int_is_the_bytes_of_the_published_schema)
{
	/* The vector has Quality alone; ours adds StatusCode (UInt32, BadNoCommunication = 2150694912) behind it. */
	struct sp_builder *b = sp_builder_new();
	struct value v = { .type = VALUE_I32, .i = -1 };

	sp_builder_begin(b, at, 255);
	sp_builder_metric(b, &(struct sp_metric_out){ .alias = 7, .time = at, .status = (uint32_t)STATUS_BadNoCommunication, .v = &v, .type = VALUE_I32 });
	same(b, "0880d095ffbc31 1237 1007 1880d095ffbc31 4a26"
	    "0a075175616c697479 0a0a537461747573436f6465 1205080318f403 1208080718 8080c48108" "50ffffffff0f 18ff01");
}

TEST(a_good_value_has_no_properties_and_a_sign_of_32_bits)
{
	struct value v = { .type = VALUE_I8, .i = -1 };
	same(one(&v, 0), HEAD("0f", "50ffffffff0f"));
}

TEST(times_are_milliseconds_and_long_values)
{
	struct value v = { .type = VALUE_TIME, .i = at.ns + 999999 };
	same(one(&v, 0), HEAD("10", "5880d095ffbc31"));
}

TEST(a_boolean_array_is_a_count_and_bits_from_the_most_significant)
{
	static const uint8_t bits[] = { 0, 0, 1, 1, 0, 1, 0, 0, 1 };
	struct value v = { .type = VALUE_BOOL | VALUE_ARRAY, .len = sizeof bits, .p = bits };
	same(one(&v, 0), HEAD("12", "820106 09000000 3480"));
}

TEST(an_array_of_numbers_is_packed_little_endian)
{
	static const int16_t n[] = { -30000, 123 };	/* 6.4.17.2 has d0 8a for -30000 */
	struct value v = { .type = VALUE_I16 | VALUE_ARRAY, .len = sizeof n, .p = n };
	same(one(&v, 0), HEAD("10", "820104 d08a7b00"));
}

TEST(a_text_that_is_no_utf8_is_made_to_be_some)
{
	struct value v = { .type = VALUE_TEXT, .len = 3, .p = "a\xe4z" };
	same(one(&v, 0), HEAD("10", "7a05 61efbfbd7a"));
}

TEST(a_null_has_no_value)
{
	struct value v = { .type = VALUE_NULL };
	same(one(&v, 0), HEAD("0b", "3801"));
}

TEST(each_value_type_has_its_datatype)
{
	CHECK_INT(sp_datatype(VALUE_I8), 1);
	CHECK_INT(sp_datatype(VALUE_U8), 5);
	CHECK_INT(sp_datatype(VALUE_I64), SP_INT64);
	CHECK_INT(sp_datatype(VALUE_BOOL), SP_BOOLEAN);
	CHECK_INT(sp_datatype(VALUE_TEXT), SP_STRING);
	CHECK_INT(sp_datatype(VALUE_BYTES), 17);
	CHECK_INT(sp_datatype(VALUE_JSON), SP_STRING);
	CHECK_INT(sp_datatype(VALUE_I8 | VALUE_ARRAY), 22);
	CHECK_INT(sp_datatype(VALUE_U64 | VALUE_ARRAY), 29);
	CHECK_INT(sp_datatype(VALUE_BOOL | VALUE_ARRAY), 32);
	CHECK_INT(sp_datatype(VALUE_TIME | VALUE_ARRAY), 34);
	CHECK_INT(sp_datatype(VALUE_NULL), 0);
}

TEST(quality_knows_good_bad_and_stale)
{
	CHECK_INT(sp_quality(STATUS_Good), 192);
	CHECK_INT(sp_quality(STATUS_GoodClamped), 192);
	CHECK_INT(sp_quality(STATUS_Uncertain), 192);
	CHECK_INT(sp_quality(STATUS_UncertainLastUsableValue), 500);
	CHECK_INT(sp_quality((uint32_t)STATUS_BadSensorFailure), 0);
	CHECK_INT(sp_quality((uint32_t)STATUS_BadNoCommunication | 0x400), 500);
	CHECK_INT(sp_quality((uint32_t)STATUS_BadWaitingForInitialData), 500);
	CHECK(sp_status_away((uint32_t)STATUS_BadTimeout));
	CHECK(!sp_status_away((uint32_t)STATUS_BadNodeIdUnknown));
}

TEST_MAIN
