/* Values to other types: only what loses nothing. Times: from 1601 and back. */
#include <math.h>
#include <string.h>

#include "base/test.h"
#include "driver/opcua/ua_value.h"

static struct arena mem;

static bool
goes(struct value v, uint8_t to, struct value want)
{
	bool ok = ua_value_convert(&v, to, &mem);
	return ok && value_equal(&v, &want);
}

static bool
stays(struct value v, uint8_t to)
{
	struct value was = v;
	return !ua_value_convert(&v, to, &mem) && value_equal(&v, &was);
}

#define I(t, x) ((struct value){ .type = VALUE_##t, .i = (x) })
#define U(t, x) ((struct value){ .type = VALUE_##t, .u = (x) })
#define D(x) ((struct value){ .type = VALUE_F64, .f64 = (x) })
#define F(x) ((struct value){ .type = VALUE_F32, .f32 = (x) })

TEST(whole_numbers_go_where_they_fit)
{
	CHECK(goes(I(I32, -5), VALUE_I8, I(I8, -5)));
	CHECK(goes(I(I64, 255), VALUE_U8, U(U8, 255)));
	CHECK(stays(I(I64, 256), VALUE_U8));
	CHECK(stays(I(I8, -1), VALUE_U64));
	CHECK(goes(I(I8, -128), VALUE_I64, I(I64, -128)));
	CHECK(stays(U(U8, 128), VALUE_I8));
	CHECK(goes(I(I64, INT64_MIN), VALUE_I64, I(I64, INT64_MIN)));
	CHECK(goes(U(U64, INT64_MAX), VALUE_I64, I(I64, INT64_MAX)));
	CHECK(stays(U(U64, 1ull << 63), VALUE_I64));
	CHECK(goes(U(U64, 1), VALUE_BOOL, (struct value){ .type = VALUE_BOOL, .b = true }));
	CHECK(stays(U(U64, 2), VALUE_BOOL));
	CHECK(stays(I(I16, -1), VALUE_BOOL));
}

TEST(floats_go_only_when_they_come_back)
{
	CHECK(goes(I(I64, 1ll << 53), VALUE_F64, D(0x1p53)));
	CHECK(stays(I(I64, (1ll << 53) + 1), VALUE_F64));
	CHECK(goes(I(I32, 16777216), VALUE_F32, F(16777216)));
	CHECK(stays(I(I32, 16777217), VALUE_F32));
	CHECK(stays(U(U64, UINT64_MAX), VALUE_F64));
	CHECK(goes(F(0.1f), VALUE_F64, D((double)0.1f)));
	CHECK(stays(D(0.1), VALUE_F32));
	CHECK(goes(D(0.5), VALUE_F32, F(0.5f)));
	CHECK(goes(D(NAN), VALUE_F32, F(NAN)));
	CHECK(goes(D(-3), VALUE_I8, I(I8, -3)));
	CHECK(stays(D(-3.5), VALUE_I8));
	CHECK(stays(D(NAN), VALUE_I64));
	CHECK(stays(D(INFINITY), VALUE_U64));
	CHECK(stays(D(0x1p64), VALUE_U64));
	CHECK(stays(D(-0.0), VALUE_I32));
	CHECK(goes(D(0x1p63), VALUE_U64, U(U64, 1ull << 63)));
}

TEST(texts_are_no_numbers_and_anything_is_json)
{
	struct value t = { .type = VALUE_TEXT, .len = 1, .p = "5" }, j = { .type = VALUE_JSON, .len = 2, .p = "{}" };
	CHECK(stays(t, VALUE_I32));
	CHECK(goes(t, VALUE_JSON, (struct value){ .type = VALUE_JSON, .len = 3, .p = "\"5\"" }));
	CHECK(goes(I(I32, 5), VALUE_JSON, (struct value){ .type = VALUE_JSON, .len = 1, .p = "5" }));
	CHECK(goes(j, VALUE_TEXT, (struct value){ .type = VALUE_TEXT, .len = 2, .p = "{}" }));
	CHECK(stays(j, VALUE_I32));
	CHECK(stays(I(I32, 5), VALUE_TEXT));
	arena_fini(&mem);
}

TEST(arrays_go_element_by_element)
{
	static const int32_t in[] = { 1, -2, 300 };
	static const int16_t out[] = { 1, -2, 300 };
	struct value v = { .type = VALUE_I32 | VALUE_ARRAY, .len = sizeof in, .p = in };
	CHECK(goes(v, VALUE_I16 | VALUE_ARRAY, (struct value){ .type = VALUE_I16 | VALUE_ARRAY, .len = sizeof out, .p = out }));
	CHECK(stays(v, VALUE_I8 | VALUE_ARRAY));
	CHECK(stays(v, VALUE_I32));
	CHECK(stays(I(I32, 1), VALUE_I32 | VALUE_ARRAY));
	CHECK(goes(v, VALUE_JSON, (struct value){ .type = VALUE_JSON, .len = 10, .p = "[1,-2,300]" }));
	arena_fini(&mem);
}

TEST(times_count_from_1601)
{
	CHECK_INT(ua_wall(116444736000000001).ns, 100);
	CHECK_INT(ua_wall(116444736000000000 + 17000000000000000).ns, 1700000000000000000);
	CHECK_INT(ua_wall(0).ns, 0);
	CHECK_INT(ua_wall(INT64_MAX).ns, 0);
	CHECK_INT(ua_wall(-5).ns, 0);
	CHECK_INT(ua_datetime((struct wall){ 1700000000000000100 }), 133444736000000001);
	CHECK_INT(ua_datetime((struct wall){ 0 }), 0);
}

TEST_MAIN
