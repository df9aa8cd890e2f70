/* See aggregate.h. */
#include "sink/opcua_server/aggregate.h"

#define GOOD			0x00000000u
#define UNCERTAIN_SUB_NORMAL	0x40A40000u	/* UncertainDataSubNormal */
#define BAD			0x80000000u
#define BAD_NO_DATA		0x809B0000u
/* Historian bits, valid with InfoType DataValue (OPC 10000-4, 7.39.1: bits 10 and 11 are 01). */
#define INFO_DATA_VALUE		0x00000400u
#define BIT_CALCULATED		0x01u
#define BIT_INTERPOLATED	0x02u
#define BIT_PARTIAL		0x04u

int
aggregate_of(uint32_t id)
{
	static const uint32_t ids[AGGREGATES] = {
#define X(name, ns0, text) [AGGREGATE_##name] = ns0,
		AGGREGATE_LIST(X)
#undef X
	};

	for (int i = 0; i < AGGREGATES; i++)
		if (ids[i] == id)
			return i;
	return -1;
}

static bool
good(const struct aggregate_point *p)
{
	return p->status >> 30 == 0 && p->number;
}

static void
no_data(struct aggregate_result *out, int64_t t)
{
	*out = (struct aggregate_result){ .status = BAD_NO_DATA, .t = t };
}

static void
calculated(struct aggregate_result *out, double v, bool whole, unsigned bits)
{
	out->has_value = true;
	out->v = v;
	out->status = (whole ? GOOD : UNCERTAIN_SUB_NORMAL) | INFO_DATA_VALUE | bits;
}

/*
 * The value at time t by the good values around it (3.1.8, interpolated bounding value). i: the first point with t or later. *whole: nothing was
 * left out and nothing is extrapolated; *raw: a good value stands there. False: nothing good before it.
 */
static bool
value_at_time(const struct aggregate_point *p, size_t n, size_t i, int64_t t, bool stepped, double *v, bool *whole, bool *raw)
{
	size_t before = i, after = i;

	*whole = true;
	*raw = false;
	for (size_t k = i; k < n && p[k].t == t; k++)
		if (good(&p[k])) {
			*v = p[k].v;
			*raw = true;
			return true;
		}
	while (before > 0 && !good(&p[before - 1])) {
		*whole = false;
		before--;
	}
	if (before == 0)
		return false;
	const struct aggregate_point *a = &p[before - 1];
	while (after < n && !good(&p[after])) {
		/* What comes behind plays no part where values hold. */
		*whole = *whole && stepped && p[after].t != t;
		after++;
	}
	*v = a->v;
	if (after == n)
		*whole = false;		/* held on behind the last value: extrapolated */
	else if (!stepped)
		*v += (p[after].v - a->v) * ((double)(t - a->t) / (double)(p[after].t - a->t));
	return true;
}

static void
interpolative(const struct aggregate_point *p, size_t n, size_t i0, int64_t from, bool stepped, struct aggregate_result *out)
{
	bool whole, raw;
	double v;

	if (!value_at_time(p, n, i0, from, stepped, &v, &whole, &raw))
		return;
	calculated(out, v, whole, raw ? 0 : BIT_INTERPOLATED);
	if (raw)
		out->status = GOOD;
}

static void
time_average(const struct aggregate_point *p, size_t n, size_t i0, size_t i1, int64_t from, int64_t to, unsigned bits, struct aggregate_result *out)
{
	double area = 0, v, end;
	bool whole, whole_end, raw, begun = value_at_time(p, n, i0, from, false, &v, &whole, &raw);
	int64_t t = from, t0 = from;

	for (size_t i = i0; i < i1; i++) {
		if (!good(&p[i])) {
			whole = false;
			continue;
		}
		if (!begun) {	/* before it there is nothing: the part that there is */
			begun = true;
			whole = false;
			t0 = p[i].t;
		} else
			area += (v + p[i].v) / 2 * (double)(p[i].t - t);
		v = p[i].v;
		t = p[i].t;
	}
	if (!begun || !value_at_time(p, n, i1, to, false, &end, &whole_end, &raw))
		return;
	area += (v + end) / 2 * (double)(to - t);
	if (to > t0)
		calculated(out, area / (double)(to - t0), whole && whole_end, bits);
}

static void
of_good_values(enum aggregate kind, const struct aggregate_point *p, size_t i0, size_t i1, unsigned bits, struct aggregate_result *out)
{
	size_t ngood = 0, at_min = i0, at_max = i0;
	double sum = 0;

	for (size_t i = i0; i < i1; i++) {
		if (!good(&p[i]))
			continue;
		sum += p[i].v;
		at_min = ngood == 0 || p[i].v < p[at_min].v ? i : at_min;
		at_max = ngood == 0 || p[i].v > p[at_max].v ? i : at_max;
		ngood++;
	}
	bool whole = ngood == i1 - i0;
	if (kind == AGGREGATE_COUNT) {
		calculated(out, (double)ngood, whole, bits);
		if (ngood == 0 && !whole)
			out->status = BAD | INFO_DATA_VALUE | bits;	/* all bad: 5.4.3.2.2 */
		return;
	}
	if (ngood == 0)
		return;
	if (kind == AGGREGATE_AVERAGE) {
		calculated(out, sum / (double)ngood, whole, bits);
		return;
	}
	size_t at = kind == AGGREGATE_MINIMUM ? at_min : at_max;
	calculated(out, p[at].v, whole, p[at].t == out->t ? bits & ~BIT_CALCULATED : bits);	/* at the beginning: raw */
}

void
aggregate(enum aggregate kind, const struct aggregate_point *p, size_t n, size_t i0, size_t i1, int64_t from, int64_t to, bool stepped, bool partial,
    struct aggregate_result *out)
{
	/* Before the first and behind the last value there is no data: an interval that reaches there is not whole. */
	bool before = i0 == 0 && (n == 0 || p[0].t > from), behind = i1 == n;
	unsigned bits = BIT_CALCULATED | (partial || before || behind ? BIT_PARTIAL : 0);

	no_data(out, from);
	if (i0 == i1 && (before || behind) && kind != AGGREGATE_INTERPOLATIVE && kind != AGGREGATE_TIME_AVERAGE)
		return;
	switch (kind) {
	case AGGREGATE_INTERPOLATIVE:
		interpolative(p, n, i0, from, stepped, out);
		return;
	case AGGREGATE_TIME_AVERAGE:
		time_average(p, n, i0, i1, from, to, bits, out);
		return;
	case AGGREGATE_START:
	case AGGREGATE_END:
		if (i0 == i1)
			return;
		out->which = kind == AGGREGATE_START ? i0 : i1 - 1;
		out->t = p[out->which].t;
		out->status = p[out->which].status;
		out->has_value = true;
		return;
	default:
		of_good_values(kind, p, i0, i1, bits, out);
	}
}
