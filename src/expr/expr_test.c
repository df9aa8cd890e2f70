/* The language: grammar, types, units, quality. Windows and states are in window_test.c and state_test.c. */
#include "expr/expr_testing.h"

#include <math.h>

#include "base/test.h"

static struct testing t;

/* The result of an expression on the machine as it stands here. */
static const struct expr_result *
value_of(const char *text)
{
	if (testing_open(&t, text, NULL) != 0)
		test_fail(__FILE__, __LINE__, "%s: column %d: %s; %s", text, t.e.column, t.e.cause, t.e.remedy);
	testing_set(&t, T_SPEED, 480);
	testing_set(&t, T_TEMP, 20);
	testing_set(&t, T_TEMP2, 212);
	testing_set(&t, T_PRESSURE, 2);
	testing_set(&t, T_P2, 150);
	testing_set(&t, T_COUNT, 100);
	testing_set(&t, T_WORD, 0xA5);
	testing_set(&t, T_RUNNING, 1);
	testing_set(&t, T_STATE, 6);
	testing_text(&t, T_BATCH, " LOT-4711 ");
	testing_set(&t, T_LEVEL, 64);
	testing_set(&t, T_TORQUE, -7);
	testing_set(&t, T_RATIO, 0.25);
	testing_set(&t, T_ANGLE, 30);
	testing_set(&t, T_WEIGHT, 500);
	testing_set(&t, T_POWER, 3);
	testing_set(&t, T_TOTAL, 1e15);
	testing_set(&t, T_WHEN, (double)TESTING_START_NS);
	testing_set(&t, T_SPACED, 12);
	t.now_ns += NS_PER_S;
	return testing_eval(&t, true);
}

static void
is_number(const char *text, double want, const char *unit)
{
	const struct expr_result *r = value_of(text);
	double got = testing_number(r);

	if (fabs(got - want) > 1e-9 * (1 + fabs(want)) || r->status != 0)
		test_fail(__FILE__, __LINE__, "%s is %.17g (%s), want %.17g", text, got, status_name(r->status), want);
	if (strcmp(expr_unit(t.p), unit) != 0)
		test_fail(__FILE__, __LINE__, "%s is in \"%s\", want \"%s\"", text, expr_unit(t.p), unit);
}

static void
is_text(const char *text, const char *want)
{
	const struct expr_result *r = value_of(text);

	if (r->v.type != VALUE_TEXT || r->v.len != strlen(want) || memcmp(r->v.p, want, r->v.len) != 0)
		test_fail(__FILE__, __LINE__, "%s is \"%.*s\", want \"%s\"", text, r->v.type == VALUE_TEXT ?
		    (int)r->v.len : 0,
		    r->v.type == VALUE_TEXT ? (const char *)r->v.p : "", want);
}

static void
is_refused(const char *text, int err, int column, const char *cause)
{
	int got = testing_open(&t, text, NULL);

	if (got != err || t.e.column != column || strstr(t.e.cause, cause) == NULL)
		test_fail(__FILE__, __LINE__, "%s: %s column %d \"%s\" (%s), want %s column %d \"%s\"", text,
		    err_name(got), t.e.column,
		    t.e.cause, t.e.remedy, err_name(err), column, cause);
}

TEST(operators_bind_as_written_in_the_reference)
{
	is_number("1 + 2 * 3", 7, "");
	is_number("(1 + 2) * 3", 9, "");
	is_number("2 ^ 3 ^ 2", 512, "");
	is_number("-2 ^ 2", -4, "");
	is_number("10 - 4 - 3", 3, "");
	is_number("12 / 4 / 3", 1, "");
	is_number("1 < 2 and not 3 < 2", 1, "");
	is_number("true or false and false", 1, "");
	is_number("running ? 1 : 2", 1, "");
	is_number("not running ? 1 : running ? 5 : 6", 5, "");
	is_number("0x10 + 1", 17, "");
	is_number("6.5e1", 65, "");
}

TEST(integers_stay_integers_and_division_gives_floats)
{
	CHECK_INT(value_of("7 * 3 - count")->v.type, VALUE_I64);
	CHECK_INT(value_of("count / 8")->v.type, VALUE_F64);
	is_number("count / 8", 12.5, "");
	is_number("div(count, 8)", 12, "");
	is_number("mod(count, 8)", 4, "");
	is_number("div(0 - 7, 2)", -4, "");
	is_number("mod(0 - 7, 2)", 1, "");
	is_number("mod(7.5, 2)", 1.5, "");
}

TEST(bits_are_numbered_from_the_lowest)
{
	is_number("word.0", 1, "");
	is_number("word.1", 0, "");
	is_number("word.7 and not word.6", 1, "");
	is_number("bits(word, 4..7)", 10, "");
	is_number("bits(word, 0, 3)", 5, "");
	is_number("(word + 1).1", 1, "");
}

TEST(units_of_one_dimension_are_converted)
{
	is_number("pressure + p2", 3.5, "bar");
	is_number("p2 + pressure", 350, "kPa");
	is_number("pressure > p2", 1, "");
	is_number("pressure + 500 [mbar]", 2.5, "bar");
	is_number("pressure + 50kPa", 2.5, "bar");
	is_number("max(pressure, p2, 3e5 [Pa])", 3, "bar");
	is_number("pressure / p2", 200.0 / 150, "");
	is_number("in(pressure, [kPa])", 200, "kPa");
	is_number("number(pressure, [kPa])", 200, "");
	is_number("as(ratio, [bar]) + p2", 1.75, "bar");
	is_number("speed > 400", 1, "");
	is_number("in(speed, [Hz])", 8, "Hz");
	is_number("power * 2 [h]", 6, "kW.h");
	is_number("in(power * 2 [h], [MJ])", 21.6, "MJ");
	is_number("weight / 2 [m3]", 250, "g/m3");
	is_number("sqrt(4 [m2])", 2, "m1");
	is_number("(3 [m]) ^ 2", 9, "m.m");
	is_number("sin(angle)", 0.5, "");
	is_number("level > 60", 1, "");
	is_number("1 [1] + 5%", 1.05, "");
}

TEST(temperatures_are_points_on_a_scale_and_their_differences_are_kelvin)
{
	is_number("temp2 - temp", 80, "K");
	is_number("temp - temp2", -80, "K");
	is_number("temp + 5 [K]", 25, "Cel");
	is_number("5 [K] + temp", 25, "Cel");
	is_number("temp - 5 [K]", 15, "Cel");
	is_number("temp + 5", 25, "Cel");
	is_number("temp2 + 10 [K]", 230, "[degF]");
	is_number("temp > 290 [K]", 1, "");
	is_number("temp < temp2", 1, "");
	is_number("in(temp, [K])", 293.15, "K");
	is_number("in(temp2, [Cel])", 100, "Cel");
	is_number("avg(temp, temp2)", 60, "Cel");
	is_number("max(temp, temp2)", 100, "Cel");
	is_number("in(temp, [K]) * 2", 586.3, "K");
	is_number("number(temp, [[degF]]) * 2", 136, "");
	is_refused("temp + temp2", ERR_TYPE, 8, "two temperatures");
	is_refused("temp * 2", ERR_TYPE, 1, "zero of its own");
	is_refused("-temp", ERR_TYPE, 1, "negative");
}

TEST(what_measures_something_else_is_refused_at_check_time)
{
	is_refused("pressure + temp", ERR_TYPE, 12, "something else");
	is_refused("pressure > 5 [K]", ERR_TYPE, 12, "in bar");
	is_refused("pressure + ratio", ERR_TYPE, 12, "plain number");
	is_refused("running ? pressure : speed", ERR_TYPE, 22, "something else");
	is_refused("pressure else speed", ERR_TYPE, 15, "something else");
	is_refused("level + 1", ERR_TYPE, 9, "without a unit");
	is_refused("5barr", ERR_SYNTAX, 2, "no UCUM unit");
	is_refused("when + pressure", ERR_TYPE, 8, "added to a time");
	CHECK_INT(testing_open(&t, "pressure", "kPa"), 0);
	CHECK_STR(expr_unit(t.p), "kPa");
	CHECK_INT(testing_open(&t, "pressure", "K"), ERR_TYPE);
	CHECK_INT(testing_open(&t, "running", "bar"), ERR_TYPE);
}

TEST(types_are_checked_with_the_column_of_the_fault)
{
	is_refused("speed and running", ERR_TYPE, 1, "type bool");
	is_refused("running + 1", ERR_TYPE, 1, "bool");
	is_refused("speed.3", ERR_TYPE, 1, "integer");
	is_refused("speed = \"fast\"", ERR_TYPE, 9, "text");
	is_refused("state = \"exec\"", ERR_TYPE, 9, "no \"exec\"");
	is_refused("1 < 2 < 3", ERR_SYNTAX, 7, "comparison");
	is_refused("speeed", ERR_NOTFOUND, 1, "speeed");
	is_refused("averag(speed)", ERR_NOTFOUND, 1, "no function");
	is_refused("(speed", ERR_SYNTAX, 7, "not closed");
	is_refused("speed)", ERR_SYNTAX, 6, "complete");
	is_refused("5 bar", ERR_SYNTAX, 3, "complete");
	is_refused("", ERR_SYNTAX, 1, "empty");
	is_refused("speed +", ERR_SYNTAX, 8, "ends");
	is_refused("speed % 3", ERR_SYNTAX, 7, "no meaning");
	is_refused("'speed", ERR_SYNTAX, 1, "does not end");
	is_refused("clamp(speed, 1)", ERR_SYNTAX, 1, "2 arguments");
	is_refused("mean(speed)", ERR_SYNTAX, 1, "without a window");
	is_refused("mean(5 over 10s)", ERR_TYPE, 1, "no tag");
	is_refused("mean(speed over 10bar)", ERR_TYPE, 17, "window");
	is_refused("mean(speed over 30 [d])", ERR_LIMIT, 1, "samples");
}

TEST(enumerations_compare_with_their_texts)
{
	is_number("state = \"execute\"", 1, "");
	is_number("\"idle\" <> state", 1, "");
	is_text("text(state)", "execute");
	is_number("state = 6", 1, "");
}

TEST(texts_are_cut_and_searched_by_characters)
{
	is_text("trim(batch)", "LOT-4711");
	is_text("\"a\" + \"b\" + trim(batch)", "abLOT-4711");
	is_text("mid(\"Gr\xc3\xb6\xc3\x9f" "e\", 3, 2)", "\xc3\xb6\xc3\x9f");
	is_text("right(trim(batch), 4)", "4711");
	is_text("left(trim(batch), 3)", "LOT");
	is_text("upper(\"a-z\")", "A-Z");
	is_text("text(ratio, 3)", "0.250");
	is_text("text(1.5)", "1.5");
	is_text("text(running)", "true");
	is_text("quality(speed)", "good");
	is_number("len(\"Gr\xc3\xb6\xc3\x9f" "e\")", 5, "");
	is_number("find(batch, \"4711\")", 6, "");
	is_number("contains(batch, \"OT-\") and starts(trim(batch), \"LOT\") and ends(batch, \"1 \")", 1, "");
	is_number("number(right(trim(batch), 4)) + 1", 4712, "");
	CHECK_INT(value_of("number(batch)")->why, EXPR_WHY_UNDEFINED);
}

/* date -u -d @1795000000 says Wed Nov 18 11:06:40: 13:06:40 at +02:00 (checked with coreutils). */
TEST(times_have_parts_in_the_zone_that_was_given)
{
	static const struct zone_offset zones[] = { { { 0 }, 3600 }, { { 1790000000 * NS_PER_S }, 7200 } };
	struct expr_env env = { .resolve = testing_resolve, .zones = zones, .nzones = 2 };
	static const struct { const char *text; double want; } rows[] = {
		{ "year(when)", 2026 }, { "month(when)", 11 }, { "day(when)", 18 }, { "weekday(when)", 3 },
		    { "hour(when)", 13 },
		{ "minute(when)", 6 }, { "second(when)", 40 }, { "number(time_of_day(when), [s])", 13 * 3600 + 400 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		value_of("when");
		int err = expr_compile(rows[i].text, strlen(rows[i].text), &env, &t.arena, &t.p, &t.e);
		CHECK_INT(err, 0);
		CHECK_INT((int64_t)testing_number(testing_eval(&t, true)), (int64_t)rows[i].want);
	}
	is_number("number(now() - when, [s])", 1, "");
	is_number("now() > when + 500 [ms]", 1, "");
	is_number("age(speed) = 1s", 1, "");
}

TEST(what_has_no_result_is_bad_and_says_why)
{
	static const struct { const char *text; enum expr_why why; int column; } rows[] = {
		{ "1 / (count - 100)", EXPR_WHY_DIVIDE, 1 }, { "2 + div(7, 0)", EXPR_WHY_DIVIDE, 5 },
		{ "mod(1.5, ratio - 0.25)", EXPR_WHY_DIVIDE, 1 },
		{ "9223372036854775807 + count", EXPR_WHY_OVERFLOW, 1 }, { "1e308 * 10", EXPR_WHY_OVERFLOW, 1 },
		{ "sqrt(0 - ratio)", EXPR_WHY_UNDEFINED, 1 }, { "ln(0)", EXPR_WHY_UNDEFINED, 1 },
		    { "round(1e300)", EXPR_WHY_OVERFLOW, 1 },
		{ "mid(batch, 0, 1)", EXPR_WHY_RANGE, 1 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct expr_result *r = value_of(rows[i].text);
		CHECK_INT(r->status, (uint32_t)STATUS_BadOutOfRange);
		CHECK_INT(r->v.type, VALUE_NULL);
		if (r->why != rows[i].why || r->column != rows[i].column)
			test_fail(__FILE__, __LINE__, "%s: why %d column %u", rows[i].text, r->why, r->column);
	}
}

/* Spoil one input of the expression that value_of() had. */
static const struct expr_result *
spoilt(const char *text, int tag, uint32_t status)
{
	value_of(text);
	t.now[tag].status = status;
	return testing_eval(&t, true);
}

TEST(a_bad_input_gives_a_bad_result_with_its_own_code)
{
	char why[200];
	const struct expr_result *r = spoilt("speed * 2 + 1", T_SPEED, (uint32_t)STATUS_BadTimeout);

	CHECK_INT(r->status, (uint32_t)STATUS_BadTimeout);
	CHECK_INT(r->why, EXPR_WHY_INPUT);
	CHECK_STR(expr_why_text(t.p, r, why, sizeof why), "speed: bad: no answer in time, column 1");
	r = spoilt("pressure + p2 * 1", T_P2, STATUS_UncertainLastUsableValue);
	CHECK_INT(r->status, STATUS_UncertainLastUsableValue);
	CHECK_INT((int)(testing_number(r) * 10), 35);
	t.now[T_PRESSURE].status = (uint32_t)STATUS_BadDeviceFailure;
	CHECK_INT(testing_eval(&t, true)->status, (uint32_t)STATUS_BadDeviceFailure);
	t.now[T_PRESSURE].time.ns = 0;
	CHECK_INT(testing_eval(&t, true)->status, (uint32_t)STATUS_BadWaitingForInitialData);
}

TEST(a_usable_operand_that_decides_alone_decides)
{
	uint32_t bad = (uint32_t)STATUS_BadTimeout;

	CHECK_INT(spoilt("speed > 1000 and ratio < 1", T_SPEED, bad)->status, bad);
	CHECK_INT(spoilt("speed > 1000 and ratio > 1", T_SPEED, bad)->status, 0);
	CHECK_INT(spoilt("ratio < 1 or speed > 1000", T_SPEED, bad)->status, 0);
	CHECK_INT(t.r.v.b, 1);
	CHECK_INT(spoilt("ratio < 1 xor speed > 1000", T_SPEED, bad)->status, bad);
	CHECK_INT(spoilt("running ? ratio : number(speed, [/min])", T_SPEED, bad)->status, 0);
	CHECK_INT(spoilt("running ? ratio : 1", T_RUNNING, bad)->status, bad);
}

TEST(quality_can_be_asked_and_replaced)
{
	uint32_t bad = (uint32_t)STATUS_BadTimeout;

	CHECK_INT((int)testing_number(spoilt("speed else 5", T_SPEED, bad)), 5);
	CHECK_INT(t.r.status, 0);
	CHECK_INT(spoilt("good(speed)", T_SPEED, bad)->v.b, 0);
	CHECK_INT(spoilt("bad(speed)", T_SPEED, bad)->v.b, 1);
	CHECK_INT(spoilt("uncertain(speed)", T_SPEED, (uint32_t)STATUS_Uncertain)->v.b, 1);
	CHECK_INT(spoilt("status(speed) = 0x800A0000", T_SPEED, bad)->v.b, 1);
	CHECK_INT((int)testing_number(spoilt("speed else 5", T_SPEED, STATUS_Uncertain)), 480);
	CHECK_INT(t.r.status, STATUS_Uncertain);
}

TEST(a_float_that_is_no_number_is_bad)
{
	value_of("speed");
	t.now[T_SPEED].v.f32 = NAN;
	CHECK_INT(testing_eval(&t, true)->why, EXPR_WHY_UNDEFINED);
	value_of("total");
	t.now[T_TOTAL].v.u = 1ull << 63;
	CHECK_INT(testing_eval(&t, true)->why, EXPR_WHY_OVERFLOW);
}

TEST(quoted_paths_and_the_limits_of_size)
{
	char deep[400] = "", wide[EXPR_TEXT_MAX + 10];

	is_number("'Line 3/Filler/fill level' + 1", 13, "mm");
	is_number("'speed' - speed", 0, "/min");
	for (int i = 0; i < 40; i++)
		strcat(deep, "(");
	CHECK_INT(testing_open(&t, deep, NULL), ERR_LIMIT);
	memset(wide, ' ', sizeof wide);
	wide[sizeof wide - 1] = '\0';
	CHECK_INT(testing_open(&t, wide, NULL), ERR_LIMIT);
	for (size_t i = 0; i + 3 < EXPR_TEXT_MAX; i += 2)
		memcpy(wide + i, "1+", 3);
	CHECK_INT(testing_open(&t, wide, NULL), ERR_LIMIT);
}

/* doc/expressions.md has a row a function, word for word. */
TEST(the_reference_has_every_function)
{
	static char doc[65536];
	FILE *f = fopen("doc/expressions.md", "r");

	if (f == NULL)
		test_skip("not started in the top folder of the source");
	size_t n = fread(doc, 1, sizeof doc - 1, f);
	fclose(f);
	doc[n] = '\0';
	for (const struct expr_function *fn = expr_functions; fn->name != NULL; fn++) {
		char row[600];
		snprintf(row, sizeof row, "| `%s` | %s | `%s` |", fn->form, fn->help, fn->example);
		if (strstr(doc, row) == NULL)
			test_fail(__FILE__, __LINE__, "doc/expressions.md lacks the row %s", row);
	}
}

TEST(every_example_of_a_function_compiles)
{
	for (const struct expr_function *f = expr_functions; f->name != NULL; f++)
		value_of(f->example);
}
TEST_MAIN
