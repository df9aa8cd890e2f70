/* See unece.h. Codes, symbols and names: UNECE Recommendation 20, revision 17, annexes I to III. */
#include "proto/unece.h"

#include <stddef.h>
#include <string.h>

static const struct unece units[] = {
	/* Length, area, volume. */
	{ "MTR", "m", "m", "metre" }, { "KMT", "km", "km", "kilometre" }, { "CMT", "cm", "cm", "centimetre" }, { "MMT", "mm", "mm", "millimetre" },
	{ "4H", "um", "µm", "micrometre (micron)" }, { "C45", "nm", "nm", "nanometre" }, { "DMT", "dm", "dm", "decimetre" },
	{ "INH", "[in_i]", "in", "inch" }, { "FOT", "[ft_i]", "ft", "foot" }, { "YRD", "[yd_i]", "yd", "yard" },
	{ "MTK", "m2", "m²", "square metre" }, { "CMK", "cm2", "cm²", "square centimetre" }, { "MMK", "mm2", "mm²", "square millimetre" },
	{ "MTQ", "m3", "m³", "cubic metre" }, { "LTR", "l", "l", "litre" }, { "LTR", "L", "l", "litre" }, { "MLT", "ml", "ml", "millilitre" },
	{ "MLT", "mL", "ml", "millilitre" }, { "HLT", "hl", "hl", "hectolitre" }, { "HLT", "hL", "hl", "hectolitre" },
	{ "CLT", "cl", "cl", "centilitre" }, { "DLT", "dl", "dl", "decilitre" },
	{ "CMQ", "cm3", "cm³", "cubic centimetre" }, { "DMQ", "dm3", "dm³", "cubic decimetre" }, { "MMQ", "mm3", "mm³", "cubic millimetre" },
	{ "GLL", "[gal_us]", "gal (US)", "gallon (US)" },
	/* Time and frequency. */
	{ "SEC", "s", "s", "second [unit of time]" }, { "MIN", "min", "min", "minute [unit of time]" }, { "HUR", "h", "h", "hour" },
	{ "DAY", "d", "d", "day" }, { "WEE", "wk", "wk", "week" }, { "C26", "ms", "ms", "millisecond" }, { "B98", "us", "µs", "microsecond" },
	{ "C47", "ns", "ns", "nanosecond" }, { "HTZ", "Hz", "Hz", "hertz" }, { "KHZ", "kHz", "kHz", "kilohertz" },
	{ "MHZ", "MHz", "MHz", "megahertz" }, { "C94", "/min", "min⁻¹", "reciprocal minute" }, { "C94", "1/min", "min⁻¹", "reciprocal minute" },
	{ "C97", "/s", "s⁻¹", "reciprocal second" }, { "C97", "1/s", "s⁻¹", "reciprocal second" },
	{ "RPM", "{rev}/min", "r/min", "revolutions per minute" }, { "H10", "/h", "1/h", "reciprocal hour" },
	{ "H10", "1/h", "1/h", "reciprocal hour" },
	/* Mass, force, pressure. */
	{ "KGM", "kg", "kg", "kilogram" }, { "GRM", "g", "g", "gram" }, { "MGM", "mg", "mg", "milligram" }, { "MC", "ug", "µg", "microgram" },
	{ "TNE", "t", "t", "tonne (metric ton)" }, { "LBR", "[lb_av]", "lb", "pound" }, { "ONZ", "[oz_av]", "oz", "ounce (avoirdupois)" },
	{ "NEW", "N", "N", "newton" }, { "B47", "kN", "kN", "kilonewton" }, { "NU", "N.m", "N·m", "newton metre" },
	{ "PAL", "Pa", "Pa", "pascal" }, { "KPA", "kPa", "kPa", "kilopascal" }, { "MPA", "MPa", "MPa", "megapascal" },
	{ "A97", "hPa", "hPa", "hectopascal" }, { "BAR", "bar", "bar", "bar [unit of pressure]" }, { "MBR", "mbar", "mbar", "millibar" },
	{ "ATM", "atm", "atm", "standard atmosphere" }, { "PS", "[psi]", "lbf/in²", "pound-force per square inch" },
	/* Temperature and angle. */
	{ "CEL", "Cel", "°C", "degree Celsius" }, { "KEL", "K", "K", "kelvin" }, { "FAH", "[degF]", "°F", "degree Fahrenheit" },
	{ "DD", "deg", "°", "degree [unit of angle]" }, { "C81", "rad", "rad", "radian" },
	/* Numbers. */
	{ "C62", "1", "1", "one" }, { "P1", "%", "% or pct", "percent" }, { "59", "[ppm]", "ppm", "part per million" },
	{ "Q30", "[pH]", "pH", "pH (potential of Hydrogen)" },
	/* Speed and acceleration. */
	{ "MTS", "m/s", "m/s", "metre per second" }, { "2X", "m/min", "m/min", "metre per minute" }, { "KMH", "km/h", "km/h", "kilometre per hour" },
	{ "C16", "mm/s", "mm/s", "millimetre per second" }, { "2M", "cm/s", "cm/s", "centimetre per second" },
	{ "MSK", "m/s2", "m/s²", "metre per second squared" }, { "2A", "rad/s", "rad/s", "radian per second" },
	/* Flow. */
	{ "MQH", "m3/h", "m³/h", "cubic metre per hour" }, { "G53", "m3/min", "m³/min", "cubic metre per minute" }, { "MQS", "m3/s", "m³/s", "cubic metre per second" },
	{ "G51", "l/s", "l/s", "litre per second" }, { "L2", "l/min", "l/min", "litre per minute" }, { "E32", "l/h", "l/h", "litre per hour" },
	{ "G51", "L/s", "l/s", "litre per second" }, { "L2", "L/min", "l/min", "litre per minute" }, { "E32", "L/h", "l/h", "litre per hour" },
	{ "KGS", "kg/s", "kg/s", "kilogram per second" }, { "E93", "kg/h", "kg/h", "kilogram per hour" }, { "F31", "kg/min", "kg/min", "kilogram per minute" },
	/* Energy and power. */
	{ "JOU", "J", "J", "joule" }, { "KJO", "kJ", "kJ", "kilojoule" }, { "3B", "MJ", "MJ", "megajoule" }, { "WHR", "W.h", "W·h", "watt hour" },
	{ "KWH", "kW.h", "kW·h", "kilowatt hour" }, { "MWH", "MW.h", "MW·h", "megawatt hour (1000 kW.h)" },
	{ "WTT", "W", "W", "watt" }, { "KWT", "kW", "kW", "kilowatt" }, { "MAW", "MW", "MW", "megawatt" },
	/* Electricity. */
	{ "VLT", "V", "V", "volt" }, { "KVT", "kV", "kV", "kilovolt" }, { "2Z", "mV", "mV", "millivolt" }, { "AMP", "A", "A", "ampere" },
	{ "4K", "mA", "mA", "milliampere" }, { "OHM", "Ohm", "Ω", "ohm" }, { "SIE", "S", "S", "siemens" }, { "FAR", "F", "F", "farad" },
	{ "COU", "C", "C", "coulomb" }, { "AMH", "A.h", "A·h", "ampere hour" }, { "81", "H", "H", "henry" },
	{ "D46", "V.A", "V·A", "volt - ampere" }, { "KVA", "kV.A", "kV·A", "kilovolt - ampere" }, { "D33", "T", "T", "tesla" },
	{ "D10", "S/m", "S/m", "siemens per metre" }, { "G42", "uS/cm", "µS/cm", "microsiemens per centimetre" },
	{ "H61", "mS/cm", "mS/cm", "millisiemens per centimetre" },
	/* Density, viscosity, heat, light, substance. */
	{ "KMQ", "kg/m3", "kg/m³", "kilogram per cubic metre" }, { "23", "g/cm3", "g/cm³", "gram per cubic centimetre" },
	{ "GL", "g/l", "g/l", "gram per litre" }, { "M1", "mg/l", "mg/l", "milligram per litre" }, { "GL", "g/L", "g/l", "gram per litre" },
	{ "M1", "mg/L", "mg/l", "milligram per litre" }, { "C65", "Pa.s", "Pa·s", "pascal second" }, { "C24", "mPa.s", "mPa·s", "millipascal second" },
	{ "C17", "mm2/s", "mm²/s", "millimetre squared per second" }, { "D54", "W/m2", "W/m²", "watt per square metre" },
	{ "CDL", "cd", "cd", "candela" }, { "LUM", "lm", "lm", "lumen" }, { "LUX", "lx", "lx", "lux" }, { "C34", "mol", "mol", "mole" },
};

int32_t
unece_unit_id(const char *code)
{
	int32_t id = 0;

	for (size_t i = 0; i < 3 && code[i] != '\0'; i++)
		id = id << 8 | (unsigned char)code[i];
	return id;
}

const struct unece *
unece_of_ucum(const char *ucum)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(units[i].ucum, ucum) == 0)
			return &units[i];
	return NULL;
}

const struct unece *
unece_of_id(int32_t unit_id)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (unece_unit_id(units[i].code) == unit_id)
			return &units[i];
	return NULL;
}
