/* Values as JSON and as text for people; the values of json come from RFC 8259. */
#include <string.h>

#include "base/arena.h"
#include "base/test.h"
#include "model/request.h"
#include "model/sample.h"
#include "model/value.h"

static const char *
as_json(const struct value *v, struct buf *b)
{
	struct json j = { .out = b };
	buf_reset(b);
	value_json(&j, v);
	return buf_text(b);
}

static struct value
json_value(const char *s)
{
	return (struct value){ .type = VALUE_JSON, .len = (uint32_t)strlen(s), .p = s };
}

TEST(json_stands_in_json_as_it_is)
{
	struct buf b = { 0 };
	struct value v = json_value("{\"a\":[1,null],\"b\":{\"c\":\"\xc3\xa9\"}}");
	CHECK_STR(as_json(&v, &b), "{\"a\":[1,null],\"b\":{\"c\":\"\xc3\xa9\"}}");
	buf_reset(&b);
	value_print(&b, &v);
	CHECK_STR(buf_text(&b), "{\"a\":[1,null],\"b\":{\"c\":\"\xc3\xa9\"}}");

	/* Within a document, with its commas. */
	struct json j = { .out = &b };
	buf_reset(&b);
	json_open(&j, '[');
	json_i64(&j, 1);
	value_json(&j, &v);
	value_json(&j, &v);
	json_close(&j, ']');
	CHECK(json_valid(b.p, b.len));
	buf_fini(&b);
}

TEST(what_only_claims_to_be_json_is_quoted)
{
	struct buf b = { 0 };
	struct value v = json_value("1,\"forged\":2");
	CHECK_STR(as_json(&v, &b), "\"1,\\\"forged\\\":2\"");
	v = json_value("");
	CHECK_STR(as_json(&v, &b), "\"\"");
	char deep[2 * JSON_NESTING_MAX + 2];
	memset(deep, '[', JSON_NESTING_MAX + 1);
	memset(deep + JSON_NESTING_MAX + 1, ']', JSON_NESTING_MAX + 1);
	v = (struct value){ .type = VALUE_JSON, .len = sizeof deep, .p = deep };
	CHECK(as_json(&v, &b)[0] == '"');
	buf_fini(&b);
}

TEST(json_is_a_type_with_bytes_that_no_array_has)
{
	CHECK(value_has_bytes(VALUE_JSON) && !value_is_number(VALUE_JSON));
	CHECK(value_type_valid(VALUE_JSON) && !value_type_valid(VALUE_JSON | VALUE_ARRAY));
	CHECK_INT(value_type_parse("json", 4), VALUE_JSON);
	CHECK_STR(value_type_name(VALUE_JSON), "json");
	struct value a = json_value("[1]"), b = json_value("[2]"), t = { .type = VALUE_TEXT, .len = 3, .p = "[1]" };
	double d;
	CHECK(value_equal(&a, &a) && !value_equal(&a, &b) && !value_equal(&a, &t));
	CHECK(!value_as_f64(&a, &d));
}

TEST(json_crosses_a_batch_and_a_request)
{
	_Alignas(8) uint8_t room[512];
	static const char blob[] = "{\"a\":1}";
	struct sample s = { .tag = 3, .arrival = { 1700000000000000000 }, .v = { .type = VALUE_JSON, .len = 7, .u = 0 } }, got[4];
	struct batch_head h = { .seq = 1, .n = 1, .blob_len = 7 };
	struct batch b;

	size_t len = batch_pack(&h, &s, blob, room);
	s.v = (struct value){ .type = VALUE_JSON, .len = 7, .p = blob };
	CHECK_INT(batch_parse(room, len, got, &b), 0);
	CHECK(value_equal(&b.samples[0].v, &s.v));

	struct arena a = { 0 };
	struct writer w = wr_init(room, sizeof room);
	struct value v;
	CHECK_INT(request_value_pack(&w, &s.v), 0);
	struct reader r = rd_init(room, wr_len(&w));
	CHECK_INT(request_value_unpack(&r, &a, &v), 0);
	CHECK(value_equal(&v, &s.v));
	/* What asks for a write is not trusted: half a value is none. */
	w = wr_init(room, sizeof room);
	struct value half = json_value("{\"a\":");
	CHECK_INT(request_value_pack(&w, &half), 0);
	r = rd_init(room, wr_len(&w));
	CHECK_INT(request_value_unpack(&r, &a, &v), ERR_PROTO);
	arena_fini(&a);
}

TEST_MAIN
