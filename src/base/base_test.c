/* The base modules against values from their standards, not from their own output. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "base/map.h"
#include "base/near.h"
#include "base/num.h"
#include "base/test.h"
#include "base/utf8.h"

TEST(crc32c_gives_the_vectors_of_rfc_3720)
{
	uint8_t b[32];
	memset(b, 0, 32);
	CHECK_INT(crc32c(0, b, 32), 0x8a9136aau);
	memset(b, 0xff, 32);
	CHECK_INT(crc32c(0, b, 32), 0x62a8ab43u);
	for (int i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	CHECK_INT(crc32c(0, b, 32), 0x46dd794eu);
	CHECK_INT(crc32c(crc32c(0, b, 5), b + 5, 27), 0x46dd794eu);
}

TEST(the_first_read_error_sticks_and_reads_give_zero)
{
	struct reader r = rd_init("\x01\x02\x03", 3);
	CHECK_INT(rd_be16(&r), 0x0102);
	CHECK_INT(rd_be16(&r), 0);
	CHECK_INT(r.err, ERR_SHORT);
	CHECK_INT(rd_u8(&r), 0);
	rd_fail(&r, ERR_PROTO);
	CHECK_INT(rd_end(&r), ERR_SHORT);
	r = rd_init("\x01\x02", 2);
	rd_u8(&r);
	CHECK_INT(rd_end(&r), ERR_LONG);
}

TEST(a_child_reader_cannot_leave_its_length)
{
	struct reader r = rd_init("\x01\x02\x03\x04", 4), c = rd_sub(&r, 2);
	CHECK_INT(rd_be16(&c), 0x0102);
	CHECK_INT(rd_u8(&c), 0);
	CHECK_INT(c.err, ERR_SHORT);
	CHECK_INT(rd_be16(&r), 0x0304);
	c = rd_sub(&r, 1);
	CHECK_INT(c.err, ERR_SHORT);
	CHECK_INT(r.err, ERR_SHORT);
}

TEST(varints_round_trip_and_refuse_eleven_bytes)
{
	static const uint64_t v[] = { 0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX };
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		uint8_t b[16];
		struct writer w = wr_init(b, sizeof b);
		wr_varint(&w, v[i]);
		struct reader r = rd_init(b, wr_len(&w));
		CHECK(rd_varint(&r) == v[i]);
		CHECK_INT(rd_end(&r), 0);
	}
	struct reader r = rd_init("\xac\x02", 2);	/* protobuf's own example: 300 */
	CHECK_INT(rd_varint(&r), 300);
	r = rd_init("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
	rd_varint(&r);
	CHECK_INT(r.err, ERR_RANGE);
}

TEST(a_writer_never_passes_its_end)
{
	uint8_t b[3] = { 9, 9, 9 };
	struct writer w = wr_init(b, 2);
	wr_u8(&w, 1);
	wr_be16(&w, 0x0203);
	CHECK_INT(w.err, ERR_FULL);
	wr_u8(&w, 4);
	CHECK_INT(wr_len(&w), 1);
	CHECK_INT(b[2], 9);
}

TEST(printed_numbers_read_back_as_themselves)
{
	char t[NUM_TEXT];
	static const struct { double v; const char *text; } rows[] = {
		{ 0, "0" }, { 21.5, "21.5" }, { -0.004, "-0.004" }, { 1200, "1200" }, { 0.1, "0.1" }, { 1e300, "1e+300" },
		{ 123456.789, "123456.789" }, { 5e-324, "4.94065645841247e-324" }, { -1e15, "-1000000000000000" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		num_f64(rows[i].v, t);
		CHECK_STR(t, rows[i].text);
	}
	uint64_t x = 88172645463325252u;
	for (int i = 0; i < 200000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		double d;
		float f;
		uint32_t lo = (uint32_t)x;
		memcpy(&d, &x, 8);
		memcpy(&f, &lo, 4);
		if (isfinite(d)) {
			num_f64(d, t);
			CHECK(strtod(t, NULL) == d);
		}
		if (isfinite(f)) {
			num_f32(f, t);
			CHECK(strtof(t, NULL) == f);
		}
		double process = ((double)(int64_t)(x % 20000000) - 1e7) / 1000;
		num_f64(process, t);
		CHECK(strtod(t, NULL) == process && strlen(t) <= 11);
	}
	num_f32(21.7f, t);
	CHECK_STR(t, "21.7");
	num_f64(-0.0, t);
	CHECK_STR(t, "-0");
	num_i64(INT64_MIN, t);
	CHECK_STR(t, "-9223372036854775808");
	num_u64(UINT64_MAX, t);
	CHECK_STR(t, "18446744073709551615");
	num_u64(100, t);
	CHECK_STR(t, "100");
}

TEST(numbers_are_parsed_whole_or_not_at_all)
{
	double d;
	int64_t i;
	uint64_t u;
	CHECK_INT(num_parse_f64("1,5", 3, ',', &d), 0);
	CHECK(d == 1.5);
	CHECK_INT(num_parse_f64("1.5", 3, ',', &d), ERR_SYNTAX);
	CHECK_INT(num_parse_f64("nan", 3, '.', &d), ERR_SYNTAX);
	CHECK_INT(num_parse_f64(" 1", 2, '.', &d), ERR_SYNTAX);
	CHECK_INT(num_parse_f64("1e999", 5, '.', &d), ERR_RANGE);
	CHECK_INT(num_parse_i64("0x10", 4, &i), 0);
	CHECK_INT(i, 16);
	CHECK_INT(num_parse_i64("010", 3, &i), 0);
	CHECK_INT(i, 10);
	CHECK_INT(num_parse_i64("12a", 3, &i), ERR_SYNTAX);
	CHECK_INT(num_parse_u64("-1", 2, &u), ERR_RANGE);
}

TEST(wall_times_print_and_parse_as_rfc_3339)
{
	char t[WALL_TEXT];
	struct wall w;
	CHECK_STR(wall_format((struct wall){ 0 }, 0, t), "1970-01-01T00:00:00Z");
	CHECK_STR(wall_format((struct wall){ 1700000000123456789 }, 6, t), "2023-11-14T22:13:20.123456Z");
	CHECK_STR(wall_format((struct wall){ -1 }, 9, t), "1969-12-31T23:59:59.999999999Z");
	CHECK_INT(wall_parse("2000-02-29T23:59:59.5+01:30", &w), 0);
	CHECK_STR(wall_format(w, 1, t), "2000-02-29T22:29:59.5Z");
	CHECK_INT(wall_parse("2000-13-01T00:00:00Z", &w), ERR_SYNTAX);
	CHECK_INT(wall_parse("2023-02-29T00:00:00Z", &w), ERR_SYNTAX);
	CHECK_INT(wall_parse("2100-02-29T00:00:00Z", &w), ERR_SYNTAX);
	CHECK_INT(wall_parse("2000-01-01T00:00:00", &w), ERR_SYNTAX);
	CHECK_INT(wall_parse("2000-01-01T00:00:00.Z", &w), ERR_SYNTAX);
}

/* A log may be read at a terminal, and U+009B is to it what ESC [ is. */
TEST(json_text_holds_no_controls_of_terminals)
{
	struct buf b = { 0 };
	json_quote(&b, "a\x1b[2J\xc2\x9b" "2J\xc2\x80\xc2\xa0\x7f", 14);
	CHECK_STR(buf_text(&b), "\"a\\u001b[2J\\u009b2J\\u0080\xc2\xa0\\u007f\"");
	buf_fini(&b);
}

TEST(json_text_is_escaped_and_bad_utf8_replaced)
{
	struct buf b = { 0 };
	struct json j = { .out = &b };
	json_open(&j, '{');
	json_key(&j, "a\"b");
	json_str(&j, "x\n\xff\xc3\xa9", 5);
	json_key_f64(&j, "n", NAN);
	json_close(&j, '}');
	CHECK_STR(buf_text(&b), "{\"a\\\"b\":\"x\\u000a\xef\xbf\xbd\xc3\xa9\",\"n\":null}");
	buf_fini(&b);
}

TEST(a_buf_stops_at_its_ceiling)
{
	struct buf b = { .max = 10 };
	buf_puts(&b, "12345678");
	buf_puts(&b, "9012");
	CHECK_INT(b.err, ERR_LIMIT);
	CHECK_STR(buf_text(&b), "12345678");
	buf_fini(&b);
}

TEST(utf8_follows_rfc_3629)
{
	CHECK(utf8_valid("\xf4\x8f\xbf\xbf", 4));
	CHECK(!utf8_valid("\xf4\x90\x80\x80", 4));
	CHECK(!utf8_valid("\xed\xa0\x80", 3));
	CHECK(!utf8_valid("\xc0\x80", 2));
	CHECK(!utf8_valid("\xe2\x82", 2));
}

TEST(a_map_finds_all_that_was_put)
{
	struct map m = { 0 };
	struct arena a = { 0 };
	for (uintptr_t i = 1; i <= 5000; i++) {
		char *k = arena_printf(&a, "k%zu", (size_t)i);
		CHECK(map_put(&m, k, strlen(k), (void *)i) == NULL);
		CHECK(map_put_u64(&m, i, (void *)i) == NULL);
	}
	CHECK(map_get(&m, "k77", 3) == (void *)77);
	CHECK(map_get_u64(&m, 4999) == (void *)4999);
	CHECK(map_get(&m, "nope", 4) == NULL);
	CHECK(map_put(&m, "k77", 3, (void *)1) == (void *)77);
	map_fini(&m);
	arena_fini(&a);
}

TEST(the_nearest_name_is_suggested_and_nonsense_is_not)
{
	struct near n = { .word = "enpoint" };
	near_try(&n, "unit");
	near_try(&n, "endpoint");
	CHECK_STR(n.best, "endpoint");
	n = (struct near){ .word = "zzz" };
	near_try(&n, "endpoint");
	CHECK(n.best == NULL);
}

TEST(durations_read_as_people_write_them)
{
	char out[DURATION_TEXT];
	CHECK_STR(duration_format(100 * NS_PER_MS, out), "100 ms");
	CHECK_STR(duration_format(90 * 60 * NS_PER_S, out), "1.5 h");
	CHECK_STR(duration_format(3650LL * 86400 * NS_PER_S, out), "3650 d");
	CHECK_STR(duration_format(0, out), "0 s");
}

TEST(base64_gives_the_vectors_of_rfc_4648)
{
	static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };
	static const char *const wrong[] = { "Z", "Zg=", "Zg", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====", "Zm8-", "Zm 8" };
	struct buf b = { 0 };
	uint8_t out[16];
	size_t n;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_reset(&b);
		base64_put(&b, rows[i][0], strlen(rows[i][0]));
		CHECK_STR(buf_text(&b), rows[i][1]);
		CHECK_INT(base64_get(rows[i][1], strlen(rows[i][1]), out, &n), 0);
		CHECK_INT(n, strlen(rows[i][0]));
		CHECK_BYTES(out, rows[i][0], n);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (base64_get(wrong[i], strlen(wrong[i]), out, &n) == 0)
			test_fail(__FILE__, __LINE__, "taken: %s", wrong[i]);
	buf_fini(&b);
}

TEST(json_that_others_made_is_taken_only_whole_and_bounded)
{
	static const char *const good[] = { "0", "-0.5e+10", "\"\"", "\"\\u00e9\\n\xc3\xa9\"", "[]", "{}", "[1,[2,{\"a\":[]}],null]",
		" {\"a\" : true , \"b\":[false]} ", "1e5" };
	static const char *const wrong[] = { "", " ", "01", "-", "1.", ".5", "1e", "+1", "tru", "nul", "\"", "\"\\x\"", "\"\\u12g4\"",
		"\"\x01\"", "\"\xff\"", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "[1}", "{\"a\":1]", "]", "1 2",
		"[1]]", "[", "{\"a\":1", "NaN", "'a'", "\xef\xbb\xbf 1" };
	char deep[2 * (JSON_NESTING_MAX + 1)];

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!json_valid(good[i], strlen(good[i])))
			test_fail(__FILE__, __LINE__, "refused: %s", good[i]);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (json_valid(wrong[i], strlen(wrong[i])))
			test_fail(__FILE__, __LINE__, "taken: %s", wrong[i]);
	CHECK(!json_valid("1\0", 2) && !json_valid("\"\\u00\0000\"", 10) && !json_valid("\"\\\0\"", 4));
	memset(deep, '[', sizeof deep / 2);
	memset(deep + sizeof deep / 2, ']', sizeof deep / 2);
	CHECK(!json_valid(deep, sizeof deep));
	CHECK(json_valid(deep + 1, sizeof deep - 2));
}

TEST_MAIN
