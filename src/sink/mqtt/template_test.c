/* Payload templates: what they make is read back by jansson, a JSON parser that is not ours. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "sink/mqtt/template.h"

static json_t *
fill(const char *text, const struct sample *s)
{
	struct payload_template *t;
	struct buf b = { 0 };
	char why[300] = "";
	json_error_t e;
	struct template_values v = { s, "Acme", "Dresden", "f", NULL, "Line \"3\"/speed", "/min", "f@00000001/42", 42 };

	if (template_parse(text, false, &t, why, sizeof why) != 0)
		test_fail(__FILE__, __LINE__, "%s: %s", text, why);
	template_put(t, &v, &b);
	json_t *j = json_loadb(buf_text(&b), b.len, JSON_DECODE_ANY, &e);
	if (j == NULL)
		test_fail(__FILE__, __LINE__, "%s: %s", buf_text(&b), e.text);
	template_free(t);
	buf_fini(&b);
	return j;
}

TEST(values_come_with_their_quotes_and_nothing_breaks_the_json)
{
	struct sample s = { .v = { .type = VALUE_TEXT, .len = 5, .p = "a\"\\\n," }, .arrival = { 1700000000123456000 } };
	json_t *j = fill("{\"v\": ${value}, \"n\": ${name}, \"t\": ${tag}, \"q\": ${status}, \"ok\": ${good}, \"at\": ${time}, \"ms\": ${time-ms},"
	    " \"no\": [${number}, ${source}, ${source-time}], \"key\": ${key}, \"u\": ${unit}}", &s);

	CHECK_STR(json_string_value(json_object_get(j, "v")), "a\"\\\n,");
	CHECK_STR(json_string_value(json_object_get(j, "n")), "Line \"3\"/speed");
	CHECK_STR(json_string_value(json_object_get(j, "t")), "speed");
	CHECK_STR(json_string_value(json_object_get(j, "q")), "Good");
	CHECK(json_is_true(json_object_get(j, "ok")));
	CHECK_STR(json_string_value(json_object_get(j, "at")), "2023-11-14T22:13:20.123456Z");
	CHECK_INT(json_integer_value(json_object_get(j, "ms")), 1700000000123);
	CHECK_INT(json_integer_value(json_array_get(json_object_get(j, "no"), 0)), 42);
	CHECK(json_is_null(json_array_get(json_object_get(j, "no"), 1)));
	CHECK(json_is_null(json_array_get(json_object_get(j, "no"), 2)));
	CHECK_STR(json_string_value(json_object_get(j, "key")), "f@00000001/42");
	json_decref(j);
}

TEST(a_bad_value_is_null_and_its_status_says_so)
{
	struct sample s = { .status = (uint32_t)STATUS_BadTimeout, .v = { .type = VALUE_F64, .f64 = 21.5 } };
	json_t *j = fill("{\"v\": ${value}, \"q\": ${status}, \"c\": ${code}, \"ok\": ${good}}", &s);

	CHECK(json_is_null(json_object_get(j, "v")));
	CHECK_STR(json_string_value(json_object_get(j, "q")), "BadTimeout");
	CHECK_INT(json_integer_value(json_object_get(j, "c")), 0x800A0000);
	CHECK(json_is_false(json_object_get(j, "ok")));
	json_decref(j);
}

TEST(bad_templates_are_refused_with_a_remedy)
{
	static const struct { const char *text, *says; } bad[] = {
		{ "{\"v\": \"${value}\"}", "leave the quotes out" }, { "{\"v\": ${valu}}", "${value}" }, { "{\"v\": ${value}", "valid JSON" },
		{ "{\"v\": ${value", "not closed" }, { "{\"v\": 1}", "no ${value}" }, { "{\"v\": ${value}, \"v\": 1}", "valid JSON" },
		{ "{\"a\\\": ${value}}", "quotes" }, { "${value} ${value}", "valid JSON" },
	};
	struct payload_template *t;
	char why[300];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		why[0] = '\0';
		CHECK_INT(template_parse(bad[i].text, false, &t, why, sizeof why), ERR_SYNTAX);
		if (strstr(why, bad[i].says) == NULL)
			test_fail(__FILE__, __LINE__, "\"%s\" gives \"%s\"", bad[i].text, why);
	}
	CHECK_INT(template_parse("${value}", true, &t, why, sizeof why), ERR_SYNTAX);
	CHECK(strstr(why, "${key}") != NULL);
	CHECK_INT(template_parse("${value}", false, &t, why, sizeof why), 0);
	template_free(t);
}

TEST_MAIN
