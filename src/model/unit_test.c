/* UCUM units. Expected factors come from the UCUM tables and the definitions of the units, not from our own table. */
#include "model/unit.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"

static char why[200];

static struct unit
unit(const char *s)
{
	struct unit u;
	why[0] = '\0';
	if (unit_parse(s, strlen(s), &u, why, sizeof why) != 0)
		test_fail(__FILE__, __LINE__, "\"%s\" is refused: %s", s, why);
	return u;
}

static double
convert(double v, const char *from, const char *to)
{
	struct unit a = unit(from), b = unit(to);
	double factor, offset;
	if (unit_conversion(&a, &b, &factor, &offset) != 0)
		test_fail(__FILE__, __LINE__, "%s does not convert to %s", from, to);
	return v * factor + offset;
}

static void
refused(const char *s, const char *reason)
{
	struct unit u;
	CHECK(unit_parse(s, strlen(s), &u, why, sizeof why) != 0);
	if (strstr(why, reason) == NULL)
		test_fail(__FILE__, __LINE__, "\"%s\" is refused with \"%s\", not with \"%s\"", s, why, reason);
}

static bool
near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * fabs(b) + 1e-12;
}
#define NEAR(a, b) CHECK(near((a), (b)))

TEST(units_convert_by_their_definitions)
{
	NEAR(convert(1, "[in_i]", "mm"), 25.4);
	NEAR(convert(1, "bar", "kPa"), 100);
	NEAR(convert(1, "[psi]", "Pa"), 6894.757293168361);
	NEAR(convert(36, "km/h", "m/s"), 10);
	NEAR(convert(1, "kW.h", "MJ"), 3.6);
	NEAR(convert(1500, "/min", "Hz"), 25);
	NEAR(convert(1, "[gal_us]/min", "L/min"), 3.785411784);
	NEAR(convert(1, "m3/h", "L/s"), 1000.0 / 3600);
	NEAR(convert(1, "kg.m/s2", "N"), 1);
	NEAR(convert(1, "kgf/cm2", "att"), 1);
	NEAR(convert(1, "[HP]", "W"), 745.69987158227022);
	NEAR(convert(1, "V.A", "W"), 1);
	NEAR(convert(1, "Ohm.S", "1"), 1);
	NEAR(convert(1, "V/A", "Ohm"), 1);
	NEAR(convert(1, "mm[Hg]", "Pa"), 133.322387415);
	NEAR(convert(1, "KiBy", "bit"), 8192);
	NEAR(convert(180, "deg", "rad"), 3.14159265358979323846);
	NEAR(convert(1, "wk", "h"), 168);
	NEAR(convert(25, "%", "1"), 0.25);
	NEAR(convert(1, "%", "[ppm]"), 10000);
	NEAR(convert(1, "10*3/uL", "10*9/L"), 1);
}

TEST(temperatures_have_an_offset)
{
	NEAR(convert(0, "Cel", "K"), 273.15);
	NEAR(convert(212, "[degF]", "Cel"), 100);
	NEAR(convert(-40, "Cel", "[degF]"), -40);
}

TEST(powers_parentheses_and_annotations_are_read)
{
	NEAR(convert(1, "J/(kg.K)", "J.kg-1.K-1"), 1);
	NEAR(convert(1, "(m/s)2", "m2/s2"), 1);
	NEAR(convert(1, "/(h.m2)", "h-1.m-2"), 1);
	NEAR(convert(1, "bar{gauge}", "bar"), 1);
	NEAR(convert(1, "{bottles}/min", "/min"), 1);
	NEAR(convert(7, "", "1"), 7);
	NEAR(convert(1, "100.m", "hm"), 1);
	CHECK_INT(unit("kg.m/s2").dim[UNIT_TIME], -2);
}

TEST(whole_symbols_win_over_prefixes)
{
	NEAR(convert(1, "min", "s"), 60);
	CHECK_INT(unit("cd").dim[UNIT_LUMINOSITY], 1);
	CHECK_INT(unit("Pa").dim[UNIT_LENGTH], -1);
	CHECK_INT(unit("m").dim[UNIT_LENGTH], 1);
	NEAR(convert(1, "dag", "g"), 10);
	NEAR(convert(1, "daL", "L"), 10);
}

TEST(different_dimensions_do_not_convert)
{
	struct unit a = unit("kg"), b = unit("L");
	double f, o;
	CHECK_INT(unit_conversion(&a, &b, &f, &o), ERR_TYPE);
}

TEST(habits_are_answered_with_the_ucum_form)
{
	refused("degC", "did you mean \"Cel\"");
	refused("\xc2\xb0""C", "did you mean \"Cel\"");
	refused("rpm", "did you mean \"/min\"");
	refused("psi", "did you mean \"[psi]\"");
	refused("kWh", "did you mean \"kW.h\"");
	refused("m\xc2\xb3/h", "did you mean \"m3\"");
	refused("km/hr", "did you mean \"h\"");
	refused("kpa", "did you mean \"kPa\"");
	refused("mbr", "did you mean");
}

TEST(malformed_units_are_refused)
{
	refused("m//s", "missing");
	refused("m/", "missing");
	refused("m s", "no UCUM unit");
	refused("(m/s", "not closed");
	refused("m)", "not understood");
	refused("m{x", "not closed");
	refused("m-", "power");
	refused("m99", "power");
	refused("Cel/min", "scale");
	refused("Cel2", "scale");
	refused("W/Cel", "scale");
	refused("((((((m))))))", "deep");
	refused("0.m", "number");
	refused("kmin", "no UCUM unit");
}

TEST_MAIN
