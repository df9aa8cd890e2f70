/* One text to a typed value: what people write, and what is refused. */
#include "site/parse.h"

#include <string.h>

#include "base/test.h"
#include "site/link.h"
#include "site/plan.h"

static struct arena	arena;
static struct strings	strings = { .arena = &arena };
static struct map	units;
static struct parse_env	env = { .strings = &strings, .units = &units, .decimal = '.', .folder = "/etc/penstock" };
static struct keyval	v;

static int
parse(const struct key *k, const char *text)
{
	v = (struct keyval){ 0 };
	return key_parse(k, text, strlen(text), &env, &v);
}

#define KEY(t, ...) (&(struct key){ .name = "k", .type = (t), .help = "", __VA_ARGS__ })
#define GOOD(k, text) CHECK_INT(parse((k), (text)), 0)
#define BAD(k, text) CHECK(parse((k), (text)) != 0 && !v.set && env.why[0] != '\0' && env.remedy[0] != '\0')

TEST(durations_are_numbers_with_units)
{
	static const char *const words[] = { "on-demand", NULL };
	const struct key *k = KEY(KEY_DURATION, .min = 10e6, .max = 86400e9, .choices = words);
	GOOD(k, "100 ms");
	CHECK_INT(v.i, 100000000);
	GOOD(k, "100ms");
	CHECK_INT(v.i, 100000000);
	GOOD(k, "1.5 min");
	CHECK_INT(v.i, 90000000000);
	GOOD(k, "0");
	CHECK_INT(v.i, 0);
	GOOD(k, "on-demand");
	CHECK(v.i == 0 && v.set);
	BAD(k, "100");
	BAD(k, "ms");
	BAD(k, "1 ms");
	CHECK_STR(env.why, "is too small");
	CHECK_STR(env.remedy, "allowed is 10 ms to 1 d");
	BAD(k, "2 d");
	BAD(k, "-1 s");
	BAD(k, "1e300 s");
	BAD(k, "1 S");
	const struct key *w = KEY(KEY_DURATION, .min = 1e9, .max = 3600e9, .choices = words, .why = "it breaks");
	BAD(w, "500 ms");
	CHECK_STR(env.remedy, "allowed is 1 s to 1 h: it breaks");
	BAD(w, "0");
	BAD(w, "0 s");
	GOOD(w, "1 s");
	GOOD(w, "on-demand");
	BAD(k, "01. Okt");	/* what a spreadsheet makes of 1.10 */
	CHECK(strstr(env.why, "decimal") == NULL);
}

TEST(sizes_know_both_kinds_of_kilo)
{
	GOOD(KEY(KEY_SIZE), "64 KiB");
	CHECK_INT(v.i, 65536);
	GOOD(KEY(KEY_SIZE), "500 MB");
	CHECK_INT(v.i, 500000000);
	GOOD(KEY(KEY_SIZE), "0");
	BAD(KEY(KEY_SIZE), "500");
	BAD(KEY(KEY_SIZE), "99999999999 TiB");
}

TEST(numbers_obey_the_decimal_sign_and_are_never_guessed)
{
	GOOD(KEY(KEY_REAL), "-0.5e3");
	CHECK(v.f == -500);
	BAD(KEY(KEY_REAL), "0,5");
	env.decimal = ',';
	GOOD(KEY(KEY_REAL), "0,5");
	CHECK(v.f == 0.5);
	BAD(KEY(KEY_REAL), "0.5");
	BAD(KEY(KEY_REAL), "1.234,5");
	CHECK(strstr(env.why, "ambiguous") != NULL);
	GOOD(KEY(KEY_RATIO), "0,5 %");
	env.decimal = '.';
	CHECK(v.f == 0.005);
	BAD(KEY(KEY_REAL), "1,234.5");
	CHECK(strstr(env.why, "ambiguous") != NULL);
	BAD(KEY(KEY_REAL), "nan");
	BAD(KEY(KEY_REAL), "inf");
	BAD(KEY(KEY_REAL), "");
	BAD(KEY(KEY_REAL), "1e999");
}

TEST(whole_numbers_keep_their_limits)
{
	const struct key *k = KEY(KEY_INT, .min = 0, .max = 247);
	GOOD(k, "247");
	GOOD(k, "0x10");
	CHECK_INT(v.i, 16);
	BAD(k, "248");
	BAD(k, "-1");
	BAD(k, "1.5");
	BAD(KEY(KEY_INT), "99999999999999999999");
	CHECK_STR(env.why, "is too large for a whole number");
}

TEST(deadbands_say_of_what)
{
	GOOD(KEY(KEY_DEADBAND), "0.5");
	CHECK(v.f == 0.5 && v.i == CHANGE_ABSOLUTE);
	GOOD(KEY(KEY_DEADBAND), "0.5 %");
	CHECK(v.f == 0.005 && v.i == CHANGE_OF_VALUE);
	GOOD(KEY(KEY_DEADBAND), "2 % of range");
	CHECK(v.f == 0.02 && v.i == CHANGE_OF_RANGE);
	GOOD(KEY(KEY_DEADBAND), "any");
	CHECK(v.f == 0 && v.i == CHANGE_ANY);
	BAD(KEY(KEY_DEADBAND), "0.5 of range");
	BAD(KEY(KEY_DEADBAND), "-1");
	BAD(KEY(KEY_DEADBAND), "%");
}

TEST(ranges_in_a_cell_have_two_ends)
{
	GOOD(KEY(KEY_RANGE), "-40..120.5");
	CHECK(v.f == -40 && v.g == 120.5);
	GOOD(KEY(KEY_RANGE), "0 .. 10");
	CHECK(v.f == 0 && v.g == 10);
	BAD(KEY(KEY_RANGE), "0-10");
	BAD(KEY(KEY_RANGE), "..10");
	BAD(KEY(KEY_RANGE), "0..");
}

TEST(choices_are_answered_with_the_nearest)
{
	static const char *const words[] = { "each", "interval", "none", NULL };
	GOOD(KEY(KEY_ENUM, .choices = words), "interval");
	CHECK_INT(v.i, 1);
	BAD(KEY(KEY_ENUM, .choices = words), "intervall");
	CHECK(strstr(env.why, "\"interval\"") != NULL);
	CHECK_STR(env.remedy, "write one of each, interval, none");
}

TEST(names_and_booleans_are_strict)
{
	GOOD(KEY(KEY_NAME), "line-3_a.b");
	BAD(KEY(KEY_NAME), "line 3");
	BAD(KEY(KEY_NAME), "-x");
	BAD(KEY(KEY_NAME), "");
	GOOD(KEY(KEY_BOOL), "yes");
	CHECK(v.b);
	GOOD(KEY(KEY_BOOL), "false");
	CHECK(!v.b);
	BAD(KEY(KEY_BOOL), "Yes please");
}

TEST(paths_are_relative_to_the_site)
{
	GOOD(KEY(KEY_PATH), "tls/ca.pem");
	CHECK_STR(v.s, "/etc/penstock/tls/ca.pem");
	GOOD(KEY(KEY_SECRET), "/run/secret");
	CHECK_STR(v.s, "/run/secret");
	BAD(KEY(KEY_PATH), "");
}

TEST(units_are_checked_once_and_remembered)
{
	GOOD(KEY(KEY_UNIT), "m3/h");
	GOOD(KEY(KEY_UNIT), "m3/h");
	BAD(KEY(KEY_UNIT), "degC");
	BAD(KEY(KEY_UNIT), "degC");
}

static const char *
link_of(const char *s)
{
	static struct endpoint e;
	static char link[4200];
	char why[160];
	return endpoint_parse(s, &e, why, sizeof why) == 0 ? endpoint_link(&e, 502, link, sizeof link) : "";
}

TEST(endpoints_have_one_normal_form)
{
	CHECK_STR(link_of("10.3.1.10"), "10.3.1.10:502");
	CHECK_STR(link_of("PLC-1.Plant.example:5020"), "plc-1.plant.example:5020");
	CHECK_STR(link_of("[FD00:0:0::10]:503"), "[fd00::10]:503");
	CHECK_STR(link_of("[::1]"), "[::1]:502");
	CHECK_STR(link_of("/dev/ttyS0"), "/dev/ttyS0");
}

TEST(endpoints_that_cannot_be_are_refused)
{
	static const char *const bad[] = {
		"", ":502", "10.3.1:502", "10.3.1.256", "010.1.1.1", "h:0", "h:65536", "h:", "h:x", "fd00::10", "[fd00::10", "[fd00::1g]",
		"tcp://h:502", "a..b", "-a", "a b", "a-.b", "h:502x", "[::1]x",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (link_of(bad[i])[0] != '\0')
			test_fail(__FILE__, __LINE__, "\"%s\" is taken for \"%s\"", bad[i], link_of(bad[i]));
	}
}

TEST_MAIN
