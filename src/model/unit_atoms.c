/*
 * The symbols of unit.h, from the tables of UCUM 2.1: base and derived units (tables 3 and 4), other customary units (5 to 17).
 * Factors are to m, s, g, rad, K, C, cd, mol. CODATA values where UCUM refers to them.
 */
#include "model/unit.h"

#define DIM(m, s, g, rad, K, C, cd, mol) { m, s, g, rad, K, C, cd, mol }
#define NUMBER	DIM(0, 0, 0, 0, 0, 0, 0, 0)
#define LENGTH	DIM(1, 0, 0, 0, 0, 0, 0, 0)
#define AREA	DIM(2, 0, 0, 0, 0, 0, 0, 0)
#define VOLUME	DIM(3, 0, 0, 0, 0, 0, 0, 0)
#define TIME	DIM(0, 1, 0, 0, 0, 0, 0, 0)
#define MASS	DIM(0, 0, 1, 0, 0, 0, 0, 0)
#define ANGLE	DIM(0, 0, 0, 1, 0, 0, 0, 0)
#define TEMP	DIM(0, 0, 0, 0, 1, 0, 0, 0)
#define RATE	DIM(0, -1, 0, 0, 0, 0, 0, 0)
#define SPEED	DIM(1, -1, 0, 0, 0, 0, 0, 0)
#define ACCEL	DIM(1, -2, 0, 0, 0, 0, 0, 0)
#define FORCE	DIM(1, -2, 1, 0, 0, 0, 0, 0)
#define PRESSURE DIM(-1, -2, 1, 0, 0, 0, 0, 0)
#define ENERGY	DIM(2, -2, 1, 0, 0, 0, 0, 0)
#define POWER	DIM(2, -3, 1, 0, 0, 0, 0, 0)

#define G0	9.80665			/* standard acceleration of free fall, m/s2 */
#define INCH	0.0254
#define FOOT	0.3048
#define LB	453.59237		/* g */
#define GALLON	(231 * INCH * INCH * INCH)
#define PI	3.14159265358979323846

const struct unit_atom unit_atoms[] = {
	/* Base units. */
	{ "m", true, 1, LENGTH, 0, false }, { "s", true, 1, TIME, 0, false }, { "g", true, 1, MASS, 0, false },
	{ "rad", true, 1, ANGLE, 0, false }, { "K", true, 1, TEMP, 0, false },
	{ "C", true, 1, DIM(0, 0, 0, 0, 0, 1, 0, 0), 0, false }, { "cd", true, 1, DIM(0, 0, 0, 0, 0, 0, 1, 0), 0, false },
	{ "mol", true, 1, DIM(0, 0, 0, 0, 0, 0, 0, 1), 0, false },
	/* Numbers. */
	{ "10*", false, 10, NUMBER, 0, false }, { "10^", false, 10, NUMBER, 0, false }, { "[pi]", false, PI, NUMBER, 0, false },
	{ "%", false, 1e-2, NUMBER, 0, false }, { "[ppth]", false, 1e-3, NUMBER, 0, false }, { "[ppm]", false, 1e-6, NUMBER, 0, false },
	{ "[ppb]", false, 1e-9, NUMBER, 0, false }, { "[pptr]", false, 1e-12, NUMBER, 0, false },
	/* Derived SI units. The base of mass is the gram, so a newton is 1000 g.m/s2. */
	{ "sr", true, 1, DIM(0, 0, 0, 2, 0, 0, 0, 0), 0, false }, { "Hz", true, 1, RATE, 0, false },
	{ "N", true, 1e3, FORCE, 0, false }, { "Pa", true, 1e3, PRESSURE, 0, false }, { "J", true, 1e3, ENERGY, 0, false },
	{ "W", true, 1e3, POWER, 0, false }, { "A", true, 1, DIM(0, -1, 0, 0, 0, 1, 0, 0), 0, false },
	{ "V", true, 1e3, DIM(2, -2, 1, 0, 0, -1, 0, 0), 0, false }, { "F", true, 1e-3, DIM(-2, 2, -1, 0, 0, 2, 0, 0), 0, false },
	{ "Ohm", true, 1e3, DIM(2, -1, 1, 0, 0, -2, 0, 0), 0, false }, { "S", true, 1e-3, DIM(-2, 1, -1, 0, 0, 2, 0, 0), 0, false },
	{ "Wb", true, 1e3, DIM(2, -1, 1, 0, 0, -1, 0, 0), 0, false }, { "T", true, 1e3, DIM(0, -1, 1, 0, 0, -1, 0, 0), 0, false },
	{ "H", true, 1e3, DIM(2, 0, 1, 0, 0, -2, 0, 0), 0, false }, { "lm", true, 1, DIM(0, 0, 0, 2, 0, 0, 1, 0), 0, false },
	{ "lx", true, 1, DIM(-2, 0, 0, 2, 0, 0, 1, 0), 0, false }, { "Bq", true, 1, RATE, 0, false },
	{ "Gy", true, 1, DIM(2, -2, 0, 0, 0, 0, 0, 0), 0, false }, { "Sv", true, 1, DIM(2, -2, 0, 0, 0, 0, 0, 0), 0, false },
	{ "kat", true, 1, DIM(0, -1, 0, 0, 0, 0, 0, 1), 0, false }, { "Cel", true, 1, TEMP, 273.15, true },
	/* Used with SI. */
	{ "deg", false, PI / 180, ANGLE, 0, false }, { "'", false, PI / 10800, ANGLE, 0, false },
	{ "''", false, PI / 648000, ANGLE, 0, false }, { "gon", false, PI / 200, ANGLE, 0, false },
	{ "circ", false, 2 * PI, ANGLE, 0, false }, { "l", true, 1e-3, VOLUME, 0, false }, { "L", true, 1e-3, VOLUME, 0, false },
	{ "ar", true, 100, AREA, 0, false }, { "min", false, 60, TIME, 0, false }, { "h", false, 3600, TIME, 0, false },
	{ "d", false, 86400, TIME, 0, false }, { "wk", false, 604800, TIME, 0, false }, { "mo", false, 2629800, TIME, 0, false },
	{ "a", false, 31557600, TIME, 0, false }, { "a_g", false, 31556952, TIME, 0, false }, { "t", true, 1e6, MASS, 0, false },
	{ "bar", true, 1e8, PRESSURE, 0, false }, { "u", true, 1.66053906660e-24, MASS, 0, false },
	{ "eV", true, 1.602176634e-16, ENERGY, 0, false }, { "AU", false, 149597870700.0, LENGTH, 0, false },
	{ "gf", true, G0, FORCE, 0, false }, { "[g]", true, G0, ACCEL, 0, false }, { "Ao", false, 1e-10, LENGTH, 0, false },
	/* CGS and older metric ones. */
	{ "Ky", true, 100, DIM(-1, 0, 0, 0, 0, 0, 0, 0), 0, false }, { "Gal", true, 1e-2, ACCEL, 0, false },
	{ "dyn", true, 1e-2, FORCE, 0, false }, { "erg", true, 1e-4, ENERGY, 0, false }, { "P", true, 100, DIM(-1, -1, 1, 0, 0, 0, 0, 0), 0, false },
	{ "St", true, 1e-4, DIM(2, -1, 0, 0, 0, 0, 0, 0), 0, false }, { "G", true, 0.1, DIM(0, -1, 1, 0, 0, -1, 0, 0), 0, false },
	{ "Mx", true, 1e-5, DIM(2, -1, 1, 0, 0, -1, 0, 0), 0, false }, { "atm", false, 101325e3, PRESSURE, 0, false },
	{ "att", false, G0 * 1e7, PRESSURE, 0, false }, { "m[H2O]", true, 9806.65e3, PRESSURE, 0, false },
	{ "m[Hg]", true, 133322.387415e3, PRESSURE, 0, false }, { "cal", true, 4184, ENERGY, 0, false },
	{ "cal_IT", true, 4186.8, ENERGY, 0, false }, { "Ci", true, 3.7e10, RATE, 0, false },
	/* Data and levels. */
	{ "bit", true, 1, NUMBER, 0, false }, { "By", true, 8, NUMBER, 0, false }, { "Bd", true, 1, RATE, 0, false },
	{ "B", true, 1, NUMBER, 0, true }, { "B[SPL]", true, 1, NUMBER, 0, true }, { "B[V]", true, 1, NUMBER, 0, true },
	{ "B[W]", true, 1, NUMBER, 0, true }, { "Np", true, 1, NUMBER, 0, true }, { "[pH]", false, 1, NUMBER, 0, true },
	/* International, US and British customary units. */
	{ "[in_i]", false, INCH, LENGTH, 0, false }, { "[ft_i]", false, FOOT, LENGTH, 0, false },
	{ "[yd_i]", false, 3 * FOOT, LENGTH, 0, false }, { "[mi_i]", false, 5280 * FOOT, LENGTH, 0, false },
	{ "[mil_i]", false, INCH / 1000, LENGTH, 0, false }, { "[nmi_i]", false, 1852, LENGTH, 0, false },
	{ "[kn_i]", false, 1852.0 / 3600, SPEED, 0, false }, { "[sin_i]", false, INCH * INCH, AREA, 0, false },
	{ "[sft_i]", false, FOOT * FOOT, AREA, 0, false }, { "[cin_i]", false, INCH * INCH * INCH, VOLUME, 0, false },
	{ "[cft_i]", false, FOOT * FOOT * FOOT, VOLUME, 0, false }, { "[gal_us]", false, GALLON, VOLUME, 0, false },
	{ "[qt_us]", false, GALLON / 4, VOLUME, 0, false }, { "[pt_us]", false, GALLON / 8, VOLUME, 0, false },
	{ "[foz_us]", false, GALLON / 128, VOLUME, 0, false }, { "[bbl_us]", false, 42 * GALLON, VOLUME, 0, false },
	{ "[gal_br]", false, 4.54609e-3, VOLUME, 0, false }, { "[lb_av]", false, LB, MASS, 0, false },
	{ "[oz_av]", false, LB / 16, MASS, 0, false }, { "[ston_av]", false, 2000 * LB, MASS, 0, false },
	{ "[lton_av]", false, 2240 * LB, MASS, 0, false }, { "[gr]", false, LB / 7000, MASS, 0, false },
	{ "[lbf_av]", false, LB * G0, FORCE, 0, false }, { "[psi]", false, LB * G0 / (INCH * INCH), PRESSURE, 0, false },
	{ "[in_i'H2O]", false, 9806.65e3 * INCH, PRESSURE, 0, false }, { "[in_i'Hg]", false, 133322.387415e3 * INCH, PRESSURE, 0, false },
	{ "[Btu_IT]", false, 1055.05585262e3, ENERGY, 0, false }, { "[Btu_th]", false, 1054350, ENERGY, 0, false },
	{ "[HP]", false, 550 * FOOT * LB * G0, POWER, 0, false }, { "[degF]", false, 5.0 / 9, TEMP, 459.67 * 5 / 9, true },
	{ "[degR]", false, 5.0 / 9, TEMP, 0, false },
	{ 0 },
};

const struct unit_prefix unit_prefixes[] = {
	{ "da", 1e1 }, { "Ki", 1024 }, { "Mi", 1048576 }, { "Gi", 1073741824 }, { "Ti", 1099511627776.0 },
	{ "Y", 1e24 }, { "Z", 1e21 }, { "E", 1e18 }, { "P", 1e15 }, { "T", 1e12 }, { "G", 1e9 }, { "M", 1e6 }, { "k", 1e3 },
	{ "h", 1e2 }, { "d", 1e-1 }, { "c", 1e-2 }, { "m", 1e-3 }, { "u", 1e-6 }, { "n", 1e-9 }, { "p", 1e-12 }, { "f", 1e-15 },
	{ "a", 1e-18 }, { "z", 1e-21 }, { "y", 1e-24 }, { 0 },
};

const struct unit_habit unit_habits[] = {
	{ "degC", "Cel" }, { "DegC", "Cel" }, { "\xc2\xb0""C", "Cel" }, { "\xe2\x84\x83", "Cel" }, { "celsius", "Cel" }, { "Celsius", "Cel" },
	{ "oC", "Cel" }, { "\xc2\xba""C", "Cel" }, { "degF", "[degF]" }, { "\xc2\xb0""F", "[degF]" }, { "\xc2\xb0", "deg" }, { "degree", "deg" },
	{ "degrees", "deg" }, { "rpm", "/min" }, { "RPM", "/min" }, { "U/min", "/min" }, { "1/min", "/min" }, { "rps", "/s" }, { "psi", "[psi]" },
	{ "PSI", "[psi]" }, { "psig", "[psi]{gauge}" }, { "psia", "[psi]{absolute}" }, { "barg", "bar{gauge}" }, { "bara", "bar{absolute}" },
	{ "ppm", "[ppm]" }, { "ppb", "[ppb]" }, { "in", "[in_i]" }, { "inch", "[in_i]" }, { "ft", "[ft_i]" }, { "feet", "[ft_i]" },
	{ "yd", "[yd_i]" }, { "mile", "[mi_i]" }, { "mph", "[mi_i]/h" }, { "kmh", "km/h" }, { "kph", "km/h" }, { "gal", "[gal_us]" },
	{ "gpm", "[gal_us]/min" }, { "GPM", "[gal_us]/min" }, { "cfm", "[cft_i]/min" }, { "CFM", "[cft_i]/min" }, { "bbl", "[bbl_us]" },
	{ "lb", "[lb_av]" }, { "lbs", "[lb_av]" }, { "oz", "[oz_av]" }, { "lbf", "[lbf_av]" }, { "hp", "[HP]" }, { "HP", "[HP]" },
	{ "BTU", "[Btu_IT]" }, { "Btu", "[Btu_IT]" }, { "inHg", "[in_i'Hg]" }, { "inH2O", "[in_i'H2O]" }, { "mmHg", "mm[Hg]" },
	{ "mmH2O", "mm[H2O]" }, { "sec", "s" }, { "second", "s" }, { "seconds", "s" }, { "msec", "ms" }, { "minute", "min" },
	{ "minutes", "min" }, { "hr", "h" }, { "hrs", "h" }, { "hour", "h" }, { "hours", "h" }, { "day", "d" }, { "days", "d" },
	{ "year", "a" }, { "pcs", "{pcs}" }, { "pc", "{pcs}" }, { "pieces", "{pieces}" }, { "count", "1" }, { "counts", "1" }, { "none", "1" },
	{ "percent", "%" }, { "pct", "%" }, { "%RH", "%{RH}" }, { "ohm", "Ohm" }, { "\xce\xa9", "Ohm" }, { "\xe2\x84\xa6", "Ohm" },
	{ "kohm", "kOhm" }, { "\xc2\xb5m", "um" }, { "\xce\xbcm", "um" }, { "\xc2\xb5s", "us" }, { "\xce\xbcs", "us" }, { "\xc2\xb5S", "uS" },
	{ "\xce\xbcS", "uS" }, { "micron", "um" }, { "m\xc2\xb3", "m3" }, { "m\xc2\xb2", "m2" }, { "cm\xc2\xb3", "cm3" }, { "mm\xc2\xb2", "mm2" },
	{ "m^3", "m3" }, { "m^2", "m2" }, { "s\xc2\xb2", "s2" }, { "s^2", "s2" }, { "cbm", "m3" }, { "ccm", "cm3" },
	{ "Nm3", "m3{normal}" }, { "Nm\xc2\xb3", "m3{normal}" }, { "Wh", "W.h" }, { "kWh", "kW.h" },
	{ "MWh", "MW.h" }, { "kwh", "kW.h" }, { "Ah", "A.h" }, { "Nm", "N.m" }, { "VA", "V.A" }, { "kVA", "kV.A" }, { "MVA", "MV.A" },
	{ "var", "V.A{reactive}" }, { "kvar", "kV.A{reactive}" }, { "VAr", "V.A{reactive}" }, { "kVAr", "kV.A{reactive}" },
	{ "kVARh", "kV.A.h{reactive}" }, { "kgf", "kgf" }, { "ton", "t" }, { "tons", "t" }, { "to", "t" }, { "ltr", "L" }, { "liter", "L" },
	{ "litre", "L" }, { "meter", "m" }, { "metre", "m" }, { "gram", "g" }, { "Kg", "kg" }, { "KG", "kg" }, { "kelvin", "K" }, { "Amp", "A" },
	{ "amps", "A" }, { "Volt", "V" }, { "volts", "V" }, { "Watt", "W" }, { "HZ", "Hz" }, { "hz", "Hz" }, { "pH", "[pH]" }, { "byte", "By" },
	{ "bytes", "By" }, { "bps", "bit/s" }, { "cP", "cP" }, { "cSt", "cSt" }, { "Baud", "Bd" }, { 0 },
};
