/* Payloads of the mqtt sink, read back by jansson; and what they cost. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "os/clock.h"
#include "sink/mqtt/payload.h"

#define T0 1700000000000000000

static struct spool_tag tags[] = {
	{ .name = "Line 3/Filler/speed", .unit = "/min", .type = VALUE_F32 },
	{ .name = "Line 3/Filler/\"state\"", .unit = "", .type = VALUE_U16 },
	{ .name = "Line 3/Capper/text", .unit = "", .type = VALUE_TEXT },
	{ .name = "Line 3/Capper/big", .unit = "1", .type = VALUE_U64 },
	{ .name = "Line 3/Capper/temp", .unit = "Cel", .type = VALUE_F64 },
	{ .name = "Line 3/Capper/array", .unit = "", .type = VALUE_I16 | VALUE_ARRAY },
};
static const struct spool_schema schema = { .flow = "speeds", .version = 0x0a1b2c3d, .tags = tags, .n = 6 };
static const struct plan plan = { .enterprise = "Acme", .site = "Dresden", .country = "DE" };
static const struct sink_stream stream = { .flow = "speeds", .schema_version = 0x0a1b2c3d, .schema = &schema, .plan = &plan };
static const int16_t array[] = { -1, 2 };

static struct sample samples[] = {
	{ .tag = 0, .arrival = { T0 }, .v = { .type = VALUE_F32, .f32 = 812.5f } },
	{ .tag = 1, .arrival = { T0 }, .v = { .type = VALUE_U16, .u = 6 }, .status = (uint32_t)STATUS_UncertainLastUsableValue },
	{ .tag = 2, .arrival = { T0 + 1000000 }, .v = { .type = VALUE_TEXT, .len = 4, .p = "a\"b\xff" } },
	{ .tag = 3, .arrival = { T0 + 1000000 }, .v = { .type = VALUE_U64, .u = 9223372036854775807u } },
	{ .tag = 4, .arrival = { T0 + 1000000 }, .source = { T0 - 5 }, .v = { .type = VALUE_F64, .f64 = 3 }, .status = (uint32_t)STATUS_BadTimeout },
	{ .tag = 4, .arrival = { T0 + 1000000 }, .source = { T0 - 5 }, .v = { .type = VALUE_F64, .f64 = NAN }, .flags = SAMPLE_LATE | SAMPLE_REREAD },
	{ .tag = 5, .arrival = { T0 + 1000000 }, .source = { T0 - 5 }, .v = { .type = VALUE_I16 | VALUE_ARRAY, .len = 4, .p = array } },
};
static const struct spool_batch batch = { .first = 1001, .n = 7, .samples = samples };

static json_t *
parse(const struct payload_out *out, size_t i)
{
	json_error_t e;
	json_t *j = json_loadb(out->bytes.p + out->msgs[i].at, out->msgs[i].len, JSON_REJECT_DUPLICATES, &e);
	if (j == NULL)
		test_fail(__FILE__, __LINE__, "message %zu is no JSON: %s: %s", i, e.text, out->bytes.p + out->msgs[i].at);
	return j;
}

static const char *
text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* The number, then eight digits that stand for the content. */
static void
check_key(const char *key, const char *head)
{
	CHECK(strncmp(key, head, strlen(head)) == 0);
	CHECK_INT(strspn(key + strlen(head), "0123456789abcdef"), 8);
	CHECK_INT(strlen(key), strlen(head) + 8);
}

TEST(a_number_that_is_given_anew_makes_another_key)
{
	struct payload_stream *p = payload_stream_new(&stream, PAYLOAD_SCAN, "{flow}", NULL);
	struct payload_out a = { 0 }, b = { 0 };
	struct sample *s = (struct sample *)batch.samples;
	struct wall before = s[0].arrival;

	CHECK_INT(payload_encode(p, &batch, &a), 0);
	CHECK_INT(payload_encode(p, &batch, &b), 0);
	CHECK_STR(b.bytes.p + b.msgs[0].key, a.bytes.p + a.msgs[0].key);
	s[0].arrival.ns++;
	CHECK_INT(payload_encode(p, &batch, &b), 0);
	s[0].arrival = before;
	CHECK(strcmp(b.bytes.p + b.msgs[0].key, a.bytes.p + a.msgs[0].key) != 0);
	payload_out_fini(&a);
	payload_out_fini(&b);
	payload_stream_unref(p);
}

TEST(a_scan_is_one_message_with_each_time_stated_once)
{
	struct payload_stream *p = payload_stream_new(&stream, PAYLOAD_SCAN, "{enterprise}/{site}/{flow}", NULL);
	struct payload_out out = { 0 };

	CHECK_INT(payload_encode(p, &batch, &out), 0);
	CHECK_INT(out.n, 1);
	CHECK_STR(out.msgs[0].topic, "Acme/Dresden/speeds");
	check_key(out.bytes.p + out.msgs[0].key, "speeds@0a1b2c3d/1001-");
	json_t *j = parse(&out, 0), *groups = json_object_get(j, "groups");
	CHECK_STR(text(j, "key"), out.bytes.p + out.msgs[0].key);
	CHECK_STR(text(j, "flow"), "speeds");
	CHECK_INT(json_array_size(groups), 3);
	json_t *g = json_array_get(groups, 0), *s = json_object_get(g, "samples");
	CHECK_STR(text(g, "status"), "Good");
	CHECK_STR(text(g, "arrival"), "2023-11-14T22:13:20.000000Z");
	CHECK(json_object_get(g, "source") == NULL);
	CHECK_INT(json_array_size(s), 2);
	CHECK_STR(text(json_array_get(s, 0), "n"), "Line 3/Filler/speed");
	CHECK(json_real_value(json_object_get(json_array_get(s, 0), "v")) == 812.5);
	CHECK(json_object_get(json_array_get(s, 0), "q") == NULL);
	CHECK_STR(text(json_array_get(s, 1), "n"), "Line 3/Filler/\"state\"");
	CHECK_INT(json_integer_value(json_object_get(json_array_get(s, 1), "v")), 6);
	CHECK_STR(text(json_array_get(s, 1), "q"), "UncertainLastUsableValue");
	CHECK_INT(json_integer_value(json_object_get(json_array_get(s, 1), "c")), 0x40900000);
	s = json_object_get(json_array_get(groups, 1), "samples");
	CHECK_STR(text(json_array_get(s, 0), "v"), "a\"b\xef\xbf\xbd");
	CHECK_INT(json_integer_value(json_object_get(json_array_get(s, 1), "v")), 9223372036854775807);
	g = json_array_get(groups, 2);
	CHECK_STR(text(g, "source"), "2023-11-14T22:13:19.999999Z");
	s = json_object_get(g, "samples");
	CHECK(json_is_null(json_object_get(json_array_get(s, 0), "v")));
	CHECK_STR(text(json_array_get(s, 0), "q"), "BadTimeout");
	CHECK(json_object_get(json_array_get(s, 0), "x") == NULL);
	CHECK(json_is_null(json_object_get(json_array_get(s, 1), "v")));
	CHECK_STR(text(json_array_get(s, 1), "x"), "NaN");
	CHECK_STR(json_string_value(json_array_get(json_object_get(json_array_get(s, 1), "f"), 0)), "late");
	CHECK_STR(json_string_value(json_array_get(json_object_get(json_array_get(s, 1), "f"), 1)), "reread");
	CHECK_INT(json_integer_value(json_array_get(json_object_get(json_array_get(s, 2), "v"), 0)), -1);
	json_decref(j);
	payload_out_fini(&out);
	payload_stream_unref(p);
}

TEST(a_scan_is_cut_where_the_topic_changes_and_repeats_are_the_same_bytes)
{
	struct payload_stream *p = payload_stream_new(&stream, PAYLOAD_SCAN, "{equipment}", NULL);
	struct payload_out a = { 0 }, b = { 0 };

	CHECK_INT(payload_encode(p, &batch, &a), 0);
	CHECK_INT(a.n, 2);
	CHECK_STR(a.msgs[0].topic, "Line 3/Filler");
	CHECK_STR(a.msgs[1].topic, "Line 3/Capper");
	check_key(a.bytes.p + a.msgs[1].key, "speeds@0a1b2c3d/1003-");
	json_decref(parse(&a, 0));
	json_decref(parse(&a, 1));
	CHECK_INT(payload_encode(p, &batch, &b), 0);
	CHECK_INT(a.bytes.len, b.bytes.len);
	CHECK_BYTES(a.bytes.p, b.bytes.p, a.bytes.len);
	payload_out_fini(&a);
	payload_out_fini(&b);
	payload_stream_unref(p);
}

TEST(tags_are_messages_of_a_unified_namespace)
{
	struct payload_stream *p = payload_stream_new(&stream, PAYLOAD_TAG, "{enterprise}/{path}", NULL);
	struct payload_out out = { 0 };

	CHECK_INT(payload_encode(p, &batch, &out), 0);
	CHECK_INT(out.n, 7);
	CHECK_STR(out.msgs[0].topic, "Acme/Line 3/Filler/speed");
	json_t *j = parse(&out, 0);
	CHECK(json_real_value(json_object_get(j, "v")) == 812.5);
	CHECK_STR(text(j, "q"), "Good");
	CHECK_STR(text(j, "ts"), "2023-11-14T22:13:20.000000Z");
	CHECK_STR(text(j, "u"), "/min");
	CHECK_STR(text(j, "key"), out.bytes.p + out.msgs[0].key);
	CHECK(json_object_get(j, "arrival") == NULL);
	json_decref(j);
	j = parse(&out, 4);
	CHECK(json_is_null(json_object_get(j, "v")));
	CHECK_STR(text(j, "q"), "BadTimeout");
	CHECK_STR(text(j, "ts"), "2023-11-14T22:13:19.999999Z");
	CHECK_STR(text(j, "arrival"), "2023-11-14T22:13:20.001000Z");
	json_decref(j);
	for (size_t i = 0; i < out.n; i++)
		json_decref(parse(&out, i));
	payload_out_fini(&out);
	payload_stream_unref(p);
}

TEST(a_tag_that_the_schema_does_not_have_is_refused)
{
	struct payload_stream *p = payload_stream_new(&stream, PAYLOAD_SCAN, "t", NULL);
	struct payload_out out = { 0 };
	struct sample s = { .tag = 6, .v = { .type = VALUE_U16 } };
	struct spool_batch b = { .first = 1, .n = 1, .samples = &s };

	CHECK_INT(payload_encode(p, &b, &out), ERR_PROTO);
	payload_out_fini(&out);
	payload_stream_unref(p);
}

TEST(a_thousand_values_cost_little)
{
	enum { N = 1000, ROUNDS = 200 };
	static struct spool_tag many[N];
	static struct sample s[N];
	static char names[N][48];

	for (uint32_t i = 0; i < N; i++) {
		snprintf(names[i], sizeof names[i], "Packaging/Line 3/Machine %u/register-%u", i / 100, i);
		many[i] = (struct spool_tag){ .name = names[i], .unit = "", .type = VALUE_U16 };
		s[i] = (struct sample){ .tag = i, .arrival = { T0 }, .v = { .type = VALUE_U16, .u = i * 7 % 65536 } };
	}
	struct spool_schema big = { .flow = "f", .tags = many, .n = N };
	struct sink_stream st = { .flow = "f", .schema = &big, .plan = &plan };
	struct spool_batch b = { .first = 1, .n = N, .samples = s };
	struct payload_stream *p = payload_stream_new(&st, PAYLOAD_SCAN, "t", NULL);
	struct payload_out out = { 0 };
	int64_t best = INT64_MAX;
	for (int i = 0; i < ROUNDS; i++) {
		struct mono t = mono_now();
		CHECK_INT(payload_encode(p, &b, &out), 0);
		int64_t took = mono_diff(mono_now(), t);
		best = took < best ? took : best;
	}
	printf("# %.1f ns a value with its name, %zu bytes a message\n", (double)best / (double)(int)N, out.bytes.len);
	CHECK(out.bytes.len > 50000 && out.bytes.len < 80000);
	json_decref(parse(&out, 0));
	payload_out_fini(&out);
	payload_stream_unref(p);
}

TEST_MAIN
