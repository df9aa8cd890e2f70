/*
 * Units: UCUM, as the site file writes them; the ISO codes that SAP's ...ISOCode properties take (UN/ECE Recommendation
 * 20); and the codes that an English SAP system shows. The last are Customizing: a mapping's own `units` go first. Of
 * several rows with one code the first counts backwards.
 */
#include <string.h>

#include "sink/sap_odata/map_int.h"

static const struct unit_row table[] = {
	{ "1", "PCE", "PC" },	{ "{piece}", "PCE", "PC" },	{ "{pieces}", "PCE", "PC" },	{ "{bottle}", "PCE",
	    "PC" },	{ "{bottles}", "PCE", "PC" },
	{ "{each}", "EA", "EA" },	{ "{carton}", "CT", "CAR" },	{ "{pallet}", "PF", "PAL" },	{ "{box}",
	    "BX", "BOX" },
	{ "%", "P1", "%" },	{ "[ppm]", "59", "PPM" },
	{ "h", "HUR", "H" },	{ "min", "MIN", "MIN" },	{ "s", "SEC", "S" },	{ "d", "DAY",
	    "DAY" },	{ "ms", "C26", "MS" },
	{ "kg", "KGM", "KG" },	{ "g", "GRM", "G" },	{ "mg", "MGM", "MG" },	{ "t", "TNE", "TO" },	{ "[lb_av]",
	    "LBR", "LB" },
	{ "L", "LTR", "L" },	{ "l", "LTR", "L" },	{ "mL", "MLT", "ML" },	{ "ml", "MLT", "ML" },	{ "hL", "HLT",
	    "HL" },	{ "hl", "HLT", "HL" },
	{ "cL", "CLT", "CL" },	{ "cl", "CLT", "CL" },	{ "m3", "MTQ", "M3" },	{ "cm3", "CMQ",
	    "CCM" },	{ "[gal_us]", "GLL", "GAL" },
	{ "m", "MTR", "M" },	{ "km", "KMT", "KM" },	{ "cm", "CMT", "CM" },	{ "mm", "MMT", "MM" },	{ "um", "4H",
	    "µM" },
	{ "m2", "MTK", "M2" },	{ "cm2", "CMK", "CM2" },	{ "mm2", "MMK", "MM2" },
	{ "Cel", "CEL", "°C" },	{ "K", "KEL", "K" },	{ "[degF]", "FAH", "FA" },
	{ "bar", "BAR", "BAR" },	{ "mbar", "MBR", "MBA" },	{ "Pa", "PAL", "PA" },	{ "kPa", "KPA",
	    "KPA" },	{ "MPa", "MPA", "MPA" },
	{ "kW.h", "KWH", "KWH" },	{ "W", "WTT", "W" },	{ "kW", "KWT", "KW" },	{ "J", "JOU", "J" },
	{ "V", "VLT", "V" },	{ "A", "AMP", "A" },	{ "Hz", "HTZ", "HZ" },	{ "N", "NEW", "N" },
	{ "m/s", "MTS", "M/S" },	{ "mm/s", "C16", "MMS" },	{ "km/h", "KMH", "KMH" },	{ "m3/h",
	    "MQH", "M3H" },
};
#define ROWS (sizeof table / sizeof table[0])

const struct unit_row *
unit_of_ucum(const struct mapping_full *m, const char *ucum)
{
	for (uint32_t i = 0; i < m->nunits; i++)
		if (strcmp(m->units[i].ucum, ucum) == 0)
			return &m->units[i];
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(table[i].ucum, ucum) == 0)
			return &table[i];
	return NULL;
}

static bool
has(const struct unit_row *r, const char *code, enum unit_code which)
{
	return strcmp(which == UNIT_ISO ? r->iso : r->sap, code) == 0;
}

const struct unit_row *
unit_of_code(const struct mapping_full *m, const char *code, enum unit_code which)
{
	for (uint32_t i = 0; i < m->nunits; i++)
		if (has(&m->units[i], code, which))
			return &m->units[i];
	for (size_t i = 0; i < ROWS; i++)
		if (has(&table[i], code, which))
			return &table[i];
	return NULL;
}
