/* Parameters in texts, and the terms that are worked out. */
#include "site/params.h"

#include <string.h>

#include "base/test.h"

static struct params params = {
	.v = { { .name = "base", .value = "100" }, { .name = "n", .value = "3" }, { .name = "name", .value = "left" },
		{ .name = "my-unit", .value = "7" }, { .name = "none" }, { .name = "big", .value = "9223372036854775807" } },
	.n = 6,
};
static struct buf	out;
static char		why[200];

static const char *
expand(const char *text)
{
	buf_reset(&out);
	why[0] = '\0';
	return params_expand(&params, text, &out, why, sizeof why) == 0 ? buf_text(&out) : "";
}

static void
refused(const char *text, const char *reason)
{
	CHECK_STR(expand(text), "");
	if (strstr(why, reason) == NULL)
		test_fail(__FILE__, __LINE__, "\"%s\" is refused with \"%s\", not with \"%s\"", text, why, reason);
}

TEST(a_name_stands_for_its_text)
{
	CHECK_STR(expand("holding ${base} float32"), "holding 100 float32");
	CHECK_STR(expand("${name}-${my-unit}"), "left-7");
	CHECK_STR(expand("no parameter, $ and { are themselves}"), "no parameter, $ and { are themselves}");
}

TEST(whole_number_terms_are_worked_out)
{
	CHECK_STR(expand("${base + 10}"), "110");
	CHECK_STR(expand("${base + 2 * n}"), "106");
	CHECK_STR(expand("${2*n*n-1}"), "17");
	CHECK_STR(expand("${base-n}"), "97");
	CHECK_STR(expand("${ base - 200 }"), "-100");
	CHECK_STR(expand("${my-unit * 2}"), "14");
	CHECK_STR(expand("${0x10 + n}"), "19");
}

TEST(what_cannot_be_worked_out_is_refused)
{
	refused("${bas}", "did you mean \"base\"");
	refused("${none}", "gives no value");
	refused("${base", "not closed");
	refused("${}", "missing");
	refused("${base +}", "missing");
	refused("${base 10}", "cannot be calculated");
	refused("${name + 1}", "no whole number");
	refused("${big + 1}", "too large");
	refused("${big * 2}", "too large");
	refused("${base / 2}", "cannot be calculated");
	refused("${1x}", "no whole number");
}

TEST_MAIN
