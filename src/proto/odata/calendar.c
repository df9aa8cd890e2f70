/* See value.h: days and the plant's wall. */
#include "proto/odata/value.h"

/* Days of the 400 years' cycle, counted from 1 March of year 0, so that leap days stand at the ends of years. */
#define DAYS_400	146097
#define DAYS_TO_1970	719468

int64_t
day_of_date(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400, in_era = y - era * 400;
	int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * DAYS_400 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - DAYS_TO_1970;
}

void
date_of_day(int64_t day, int *year, int *month, int *d)
{
	day += DAYS_TO_1970;
	int64_t era = (day >= 0 ? day : day - (DAYS_400 - 1)) / DAYS_400, in_era = day - era * DAYS_400;
	int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * y + y / 4 - y / 100), m = (5 * in_year + 2) / 153;

	*d = (int)(in_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

int64_t
local_seconds(struct wall t, const struct zone_offset *zones, size_t n)
{
	int64_t s = t.ns / NS_PER_S - (t.ns % NS_PER_S < 0);
	size_t i = 0;

	while (i < n && zones[i].from.ns <= t.ns)
		i++;
	return s + (n == 0 ? 0 : zones[i > 0 ? i - 1 : 0].offset_s);
}
