/*
 * Parts of the date and the time of day, local by the offsets that the caller gave (expr.h: struct zone_offset), else
 * UTC.
 */
#include "expr/inside.h"
#include "model/status.h"

static int64_t
floor_to(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t
local_s(const struct expr *p, int64_t ns)
{
	int32_t offset = 0;
	uint32_t lo = 0, hi = p->nzones;

	while (lo < hi) {	/* ends: the range halves */
		uint32_t mid = lo + (hi - lo) / 2;
		if (p->zones[mid].from.ns <= ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (p->nzones > 0)
		offset = p->zones[lo > 0 ? lo - 1 : 0].offset_s;
	return floor_to(ns, NS_PER_S) + offset;
}

/* Civil date of a day since 1970-01-01 (Gregorian, years from 1 March on so that leap days come last). */
static void
civil(int64_t day, int64_t *year, int64_t *month, int64_t *mday)
{
	int64_t z = day + 719468, era = floor_to(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365,
	    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*mday = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

void
clock_run(const struct run *r, const struct op *op, struct cell *x)
{
	int64_t s = local_s(r->p, x->i), day = floor_to(s, 86400), of_day = s - day * 86400, year, month, mday;

	civil(day, &year, &month, &mday);
	switch ((enum clock_part)op->arg) {
	case CLOCK_YEAR:    x->i = year; break;
	case CLOCK_MONTH:   x->i = month; break;
	case CLOCK_DAY:	    x->i = mday; break;
	case CLOCK_WEEKDAY: x->i = (day + 3) % 7 + ((day + 3) % 7 < 0 ? 7 : 0) + 1;
	    break;	/* 1970-01-01 was a Thursday */
	case CLOCK_HOUR:    x->i = of_day / 3600; break;
	case CLOCK_MINUTE:  x->i = of_day / 60 % 60; break;
	case CLOCK_SECOND:  x->i = of_day % 60; break;
	case CLOCK_OF_DAY:  x->f = (double)of_day + (double)(x->i - floor_to(x->i, NS_PER_S) * NS_PER_S) / 1e9; break;
	}
}
