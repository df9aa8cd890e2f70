/* Values of both versions as their specifications and SAP write them. */
#include <jansson.h>

#include "proto/odata/value.h"

#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "proto/odata/url.h"

static struct arena arena;

static struct edm_value
value(enum edm_type t, const char *text)
{
	struct edm_value v;
	char why[ODATA_WHY_MAX];
	if (edm_from_text(text, strlen(text), t, &arena, &v, why) != 0)
		test_fail(__FILE__, __LINE__, "%s", why);
	return v;
}

static void
writes(enum edm_type t, const char *text, const char *v2, const char *v4, const char *url2, const char *url4)
{
	struct edm_value v = value(t, text);
	struct buf b = { 0 };
	const char *want[] = { v2, v4, url2, url4 };

	for (unsigned i = 0; i < 4; i++) {
		unsigned version = i % 2 == 0 ? 2 : 4;
		int err = i < 2 ? edm_put_json(&b, version, false, &v) : odata_put_literal(&b, version, &v);
		CHECK_INT(err, want[i] != NULL ? 0 : ERR_TYPE);
		if (want[i] != NULL)
			CHECK_STR(buf_text(&b), want[i]);
		buf_reset(&b);
	}
	buf_fini(&b);
	arena_fini(&arena);
}

TEST(each_type_has_its_form_in_json_and_in_addresses)
{
	/* 2026-11-22T00:00:00Z is 1795305600 seconds (date -u -d). */
	writes(EDM_DATETIME, "2026-11-22", "\"/Date(1795305600000)/\"", NULL, "datetime'2026-11-22T00:00:00'", NULL);
	writes(EDM_DATETIME, "/Date(1795305600000)/", "\"/Date(1795305600000)/\"", NULL,
	    "datetime'2026-11-22T00:00:00'", NULL);
	writes(EDM_DATETIMEOFFSET, "2026-11-22T01:00:00+01:00", "\"/Date(1795305600000+0000)/\"",
	    "\"2026-11-22T00:00:00Z\"", "datetimeoffset'2026-11-22T00:00:00Z'",
	    "2026-11-22T00:00:00Z");
	writes(EDM_DATETIMEOFFSET, "/Date(1795305600000+0060)/", "\"/Date(1795305600000+0000)/\"",
	    "\"2026-11-22T00:00:00Z\"", "datetimeoffset'2026-11-22T00:00:00Z'",
	    "2026-11-22T00:00:00Z");
	writes(EDM_TIME, "06:30:00", "\"PT06H30M00S\"", NULL, "time'PT06H30M00S'", NULL);
	writes(EDM_TIME, "PT6H", "\"PT06H00M00S\"", NULL, "time'PT06H00M00S'", NULL);
	writes(EDM_DATE, "/Date(-86400000)/", NULL, "\"1969-12-31\"", NULL, "1969-12-31");
	writes(EDM_DATE, "9999-12-31", NULL, "\"9999-12-31\"", NULL, "9999-12-31");
	writes(EDM_DATETIME, "9999-12-31", "\"/Date(253402214400000)/\"", NULL, "datetime'9999-12-31T00:00:00'", NULL);
	writes(EDM_TIMEOFDAY, "PT06H30M05.250S", NULL, "\"06:30:05.25\"", NULL, "06:30:05.25");
	writes(EDM_DURATION, "P1DT2H", NULL, "\"P1DT02H00M00S\"", NULL, "duration'P1DT02H00M00S'");
	writes(EDM_DECIMAL, "12.500", "\"12.5\"", "12.5", "12.5M", "12.5");
	writes(EDM_DECIMAL, "-0.000", "\"0\"", "0", "0M", "0");
	writes(EDM_INT64, "9223372036854775807", "\"9223372036854775807\"", "9223372036854775807",
	    "9223372036854775807L", "9223372036854775807");
	writes(EDM_INT32, "12.000", "12", "12", "12", "12");
	writes(EDM_DOUBLE, "80.25", "\"80.25\"", "80.25", "80.25d", "80.25");
	writes(EDM_DOUBLE, "NaN", "\"NaN\"", "\"NaN\"", "NaNd", "NaN");
	writes(EDM_GUID, "6F1C2D3E-4A5B-5C6D-8E7F-0A1B2C3D4E5F", "\"6f1c2d3e-4a5b-5c6d-8e7f-0a1b2c3d4e5f\"",
	    "\"6f1c2d3e-4a5b-5c6d-8e7f-0a1b2c3d4e5f\"",
	    "guid'6f1c2d3e-4a5b-5c6d-8e7f-0a1b2c3d4e5f'", "6f1c2d3e-4a5b-5c6d-8e7f-0a1b2c3d4e5f");
	writes(EDM_BOOLEAN, "true", "true", "true", "true", "true");
	writes(EDM_STRING, "O'Neil \"x\"\n", "\"O'Neil \\\"x\\\"\\u000a\"", "\"O'Neil \\\"x\\\"\\u000a\"",
	    "'O''Neil \"x\"\n'", "'O''Neil \"x\"\n'");
}

TEST(numbers_travel_as_texts_with_ieee754compatible)
{
	struct edm_value v = value(EDM_DECIMAL, "12.5");
	struct buf b = { 0 };
	edm_put_json(&b, 4, true, &v);
	CHECK_STR(buf_text(&b), "\"12.5\"");
	buf_fini(&b);
	arena_fini(&arena);
}

TEST(values_are_read_as_text_or_number_and_compared_by_what_they_are)
{
	struct edm_value a, b;
	json_t *text = json_string("12.000"), *number = json_integer(12), *real = json_real(12.5), *list = json_array();

	CHECK_INT(edm_from_json(text, EDM_DECIMAL, &arena, &a, NULL), 0);
	CHECK_INT(edm_from_json(number, EDM_DECIMAL, &arena, &b, NULL), 0);
	CHECK(edm_same(&a, &b));
	CHECK_INT(edm_from_json(number, EDM_INT64, &arena, &b, NULL), 0);
	CHECK(edm_same(&a, &b));
	CHECK_INT(edm_from_json(real, EDM_DOUBLE, &arena, &b, NULL), 0);
	CHECK(!edm_same(&a, &b));
	CHECK_INT(edm_from_json(real, EDM_INT32, &arena, &b, NULL), ERR_TYPE);
	CHECK_INT(edm_from_json(number, EDM_STRING, &arena, &b, NULL), ERR_TYPE);
	CHECK_INT(edm_from_json(list, EDM_STRING, &arena, &b, NULL), ERR_TYPE);
	CHECK_INT(edm_from_json(json_null(), EDM_DATETIME, &arena, &b, NULL), 0);
	CHECK(b.null);
	json_decref(text);
	json_decref(number);
	json_decref(real);
	json_decref(list);
	arena_fini(&arena);
}

TEST(what_is_no_value_is_refused)
{
	static const struct { enum edm_type t; const char *text; int err; } wrong[] = {
		{ EDM_BYTE, "256", ERR_RANGE }, { EDM_SBYTE, "-129", ERR_RANGE }, { EDM_INT16, "1.5", ERR_TYPE },
		    { EDM_INT32, "", ERR_TYPE },
		{ EDM_INT64, "9223372036854775808", ERR_RANGE }, { EDM_DECIMAL, "1.", ERR_TYPE },
		    { EDM_DECIMAL, "1e999", ERR_RANGE }, { EDM_DECIMAL, "0x10", ERR_TYPE },
		{ EDM_DOUBLE, "1,5", ERR_TYPE }, { EDM_GUID, "6f1c", ERR_TYPE }, { EDM_BOOLEAN, "TRUE", ERR_TYPE },
		    { EDM_DATE, "2026-02-29", ERR_TYPE },
		{ EDM_DATE, "2026-11-22x", ERR_TYPE }, { EDM_DATETIME, "/Date(99999999999999999)/", ERR_TYPE },
		    { EDM_DATETIME, "/Date(253402300800000)/", ERR_RANGE },
		{ EDM_DATETIME, "/Date()/", ERR_TYPE }, { EDM_TIME, "PT", ERR_TYPE }, { EDM_TIME, "24:00", ERR_TYPE },
		    { EDM_TIME, "PT25H", ERR_RANGE },
		{ EDM_TIME, "P", ERR_TYPE }, { EDM_DATETIMEOFFSET, "2026-11-22T00:00:00+99:00", ERR_TYPE },
		    { EDM_STRING, "\xff", ERR_TYPE },
	};
	struct edm_value v;
	char why[ODATA_WHY_MAX];
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		CHECK_INT(edm_from_text(wrong[i].text, strlen(wrong[i].text), wrong[i].t, &arena, &v, why),
		    wrong[i].err);
		CHECK(why[0] != '\0');
	}
	arena_fini(&arena);
}

static const char *
fit(const char *text, uint32_t precision, int32_t scale, enum decimal_round round)
{
	static char out[ODATA_DIGITS_MAX + 1];
	int n = decimal_plain(text, strlen(text), out);
	if (n < 0)
		return err_name(n);
	int err = decimal_fit(out, precision, scale, round);
	return err != 0 ? err_name(err) : out;
}

TEST(decimals_are_fitted_digit_by_digit)
{
	CHECK_STR(fit("1.20e3", 0, EDM_SCALE_ANY, DECIMAL_REFUSE), "1200");
	CHECK_STR(fit("1e-7", 0, EDM_SCALE_ANY, DECIMAL_REFUSE), "0.0000001");
	CHECK_STR(fit("+007.50", 0, EDM_SCALE_ANY, DECIMAL_REFUSE), "7.5");
	CHECK_STR(fit("9999999999.999", 13, 3, DECIMAL_REFUSE), "9999999999.999");
	CHECK_STR(fit("10000000000", 13, 3, DECIMAL_REFUSE), "RANGE");
	CHECK_STR(fit("9999999999.9995", 13, 3, DECIMAL_HALF_UP), "RANGE");
	CHECK_STR(fit("0.0005", 13, 3, DECIMAL_REFUSE), "LIMIT");
	CHECK_STR(fit("0.0005", 13, 3, DECIMAL_HALF_UP), "0.001");
	CHECK_STR(fit("0.0005", 13, 3, DECIMAL_HALF_EVEN), "0");
	CHECK_STR(fit("0.0015", 13, 3, DECIMAL_HALF_EVEN), "0.002");
	CHECK_STR(fit("-0.00049", 13, 3, DECIMAL_HALF_UP), "0");
	CHECK_STR(fit("-1.9999", 13, 3, DECIMAL_DOWN), "-1.999");
	CHECK_STR(fit("9.9996", 13, 3, DECIMAL_HALF_UP), "10");
	CHECK_STR(fit("0.99999", 13, 3, DECIMAL_HALF_UP), "1");
	CHECK_STR(fit("0.05", 13, 1, DECIMAL_HALF_UP), "0.1");
	CHECK_STR(fit("0.04", 13, 1, DECIMAL_HALF_UP), "0");
	CHECK_STR(fit("12.5", 0, 0, DECIMAL_HALF_UP), "13");
	CHECK_STR(fit("1.2.3", 0, 0, DECIMAL_HALF_UP), "SYNTAX");
	CHECK_STR(fit("-", 0, 0, DECIMAL_HALF_UP), "SYNTAX");
	CHECK(decimal_cmp("12", "12.000") == 0 && decimal_cmp("-1", "1") < 0 && decimal_cmp("2", "10") < 0 &&
	    decimal_cmp("-2", "-10") > 0 && decimal_cmp("0.1", "0.09") > 0);
	CHECK(decimal_cmp("-0", "0") == 0);
}

TEST(the_day_is_that_of_the_plants_wall)
{
	/* Berlin: winter, and the night in which summer time begins (2026-03-29T01:00:00Z). */
	static const struct zone_offset berlin[] = { { { 0 }, 3600 }, { { 1774746000 * NS_PER_S }, 7200 } };
	struct wall late = { 1774735200 * NS_PER_S };	/* 2026-03-28T22:00:00Z */
	CHECK_INT(local_seconds(late, berlin, 2) / 86400, day_of_date(2026, 3, 28));
	late.ns += 2 * 3600 * NS_PER_S;			/* 00:00Z is 01:00 on the wall */
	CHECK_INT(local_seconds(late, berlin, 2), day_of_date(2026, 3, 29) * 86400 + 3600);
	late.ns += 3600 * NS_PER_S;			/* 01:00Z is 03:00 */
	CHECK_INT(local_seconds(late, berlin, 2), day_of_date(2026, 3, 29) * 86400 + 3 * 3600);
	CHECK_INT(local_seconds(late, NULL, 0), late.ns / NS_PER_S);
	for (int64_t d = day_of_date(1, 1, 1); d <= day_of_date(9999, 12, 31); d += 97) {
		int y, m, day;
		date_of_day(d, &y, &m, &day);
		CHECK_INT(day_of_date(y, m, day), d);
	}
	CHECK_INT(day_of_date(1970, 1, 1), 0);
	CHECK_INT(day_of_date(2026, 11, 22), 20779);	/* date -u -d 2026-11-22 +%s / 86400 */
}

TEST(addresses_are_escaped_and_services_left_alone)
{
	struct buf b = { 0 };
	struct odata_key keys[] = { { "Batch", value(EDM_STRING, "A/1 'x'") }, { "Year", value(EDM_STRING, "2026") } };
	struct odata_query q;
	char why[200];

	CHECK_INT(odata_put_key(&b, 2, keys, 2), 0);
	CHECK_STR(buf_text(&b), "(Batch='A%2F1%20''x''',Year='2026')");
	buf_reset(&b);
	CHECK_INT(odata_put_key(&b, 2, keys + 1, 1), 0);
	odata_query_begin(&q, &b, 2);
	odata_query(&q, "$top", "5");
	odata_query_where(&q, "A", "eq", &keys[0].value);
	odata_query_where(&q, "B", "gt", &keys[1].value);
	CHECK_INT(odata_query_end(&q), 0);
	CHECK_STR(buf_text(&b),
	    "('2026')?$top=5&$filter=A%20eq%20%27A%2F1%20%27%27x%27%27%27%20and%20B%20gt%20%272026%27");
	buf_fini(&b);
	CHECK_INT(odata_service_check("/sap/opu/odata/sap/API_BILL_OF_MATERIAL_SRV;v=0002", why, sizeof why), 0);
	static const char *const wrong[] = { "", "sap", "/", "/a/", "/a//b", "/a/../b", "/a b", "/a?b", "/a#b",
	    "/a\"b", "/\xc3\xa4" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		CHECK_INT(odata_service_check(wrong[i], why, sizeof why), ERR_SYNTAX);
	arena_fini(&arena);
}

TEST(a_link_leads_below_the_service_or_nowhere)
{
#define BELOW(url) odata_below(url, "s4.plant:443", "/sap/A;v=0002")
	CHECK_STR(BELOW("https://S4.plant:443/sap/A;v=0002/Orders?$skiptoken=5"), "Orders?$skiptoken=5");
	CHECK_STR(BELOW("/sap/A;v=0002/Orders"), "Orders");
	CHECK_STR(BELOW("Orders?$skiptoken='a:b'"), "Orders?$skiptoken='a:b'");
	CHECK(BELOW("https://evil/sap/A;v=0002/Orders") == NULL);
	CHECK(BELOW("https://s4.plant:443.evil/sap/A;v=0002/Orders") == NULL);
	CHECK(BELOW("//evil/sap/A;v=0002/Orders") == NULL);
	CHECK(BELOW("/sap/B/Orders") == NULL);
	CHECK(BELOW("/sap/A;v=0002/../B/Orders") == NULL);
	CHECK(BELOW("../B/Orders") == NULL);
	CHECK(BELOW("file:///etc/passwd") == NULL);
}

TEST_MAIN
