/*
 * Aggregates over the data set "Historian1" of OPC 10000-13, annex A: 10 at 12:00:10 and so on to 90, with 40 bad and 70 uncertain. Interpolative,
 * Minimum, Maximum and Average as node-opcua's aggregates compute them, but for the InfoType bits (OPC 10000-4, 7.39.1) that it leaves out and
 * for uncertain, which it takes as it is; areas under the lines by hand, beside each.
 */
#include "sink/opcua_server/aggregate.h"

#include "base/test.h"

#define S		1000000000LL
#define GOOD		0u
#define CALC		0x401u
#define INTERPOLATED	0x402u
#define PARTIAL		0x004u
#define SUB_NORMAL	0x40A40000u
#define NO_DATA		0x809B0000u

static const struct aggregate_point data[] = {
	{ 10 * S, 10, 0, true }, { 20 * S, 20, 0, true }, { 30 * S, 30, 0, true }, { 40 * S, 40, 0x80000000, true }, { 50 * S, 50, 0, true },
	{ 60 * S, 60, 0, true }, { 70 * S, 70, 0x40950000, true }, { 80 * S, 80, 0, true }, { 90 * S, 90, 0, true },
};
#define N (sizeof data / sizeof data[0])

static struct aggregate_result
of(enum aggregate kind, int64_t from_s, int64_t to_s, bool stepped)
{
	struct aggregate_result r;
	size_t i0 = 0, i1;

	while (i0 < N && data[i0].t < from_s * S)
		i0++;
	for (i1 = i0; i1 < N && data[i1].t < to_s * S;)
		i1++;
	aggregate(kind, data, N, i0, i1, from_s * S, to_s * S, stepped, false, &r);
	return r;
}

static void
is(struct aggregate_result r, double v, uint32_t status)
{
	CHECK_INT(r.status, status);
	CHECK(r.has_value);
	CHECK(r.v > v - 1e-9 && r.v < v + 1e-9);
}

static void
none(struct aggregate_result r)
{
	CHECK_INT(r.status, NO_DATA);
	CHECK(!r.has_value);
}

TEST(interpolative_every_5_s)
{
	static const struct { int t; double v; uint32_t status; } want[] = {
		{ 10, 10, GOOD }, { 15, 15, INTERPOLATED }, { 20, 20, GOOD }, { 25, 25, INTERPOLATED }, { 30, 30, GOOD },
		{ 35, 35, SUB_NORMAL | INTERPOLATED }, { 40, 40, SUB_NORMAL | INTERPOLATED }, { 45, 45, SUB_NORMAL | INTERPOLATED }, { 50, 50, GOOD },
		{ 55, 55, INTERPOLATED }, { 60, 60, GOOD }, { 65, 65, SUB_NORMAL | INTERPOLATED }, { 75, 75, SUB_NORMAL | INTERPOLATED },
		{ 80, 80, GOOD }, { 85, 85, INTERPOLATED }, { 90, 90, GOOD }, { 95, 90, SUB_NORMAL | INTERPOLATED },
	};

	none(of(AGGREGATE_INTERPOLATIVE, 0, 5, false));
	none(of(AGGREGATE_INTERPOLATIVE, 5, 10, false));
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		is(of(AGGREGATE_INTERPOLATIVE, want[i].t, want[i].t + 5, false), want[i].v, want[i].status);
}

TEST(a_stepped_value_holds_until_the_next)
{
	is(of(AGGREGATE_INTERPOLATIVE, 15, 20, true), 10, INTERPOLATED);
	is(of(AGGREGATE_INTERPOLATIVE, 35, 40, true), 30, INTERPOLATED);
	is(of(AGGREGATE_INTERPOLATIVE, 45, 50, true), 30, SUB_NORMAL | INTERPOLATED);	/* the bad one at 40 may have been a step */
}

TEST(minimum_and_maximum_every_16_s)
{
	is(of(AGGREGATE_MINIMUM, 0, 16, false), 10, CALC | PARTIAL);
	is(of(AGGREGATE_MINIMUM, 16, 32, false), 20, CALC);
	none(of(AGGREGATE_MINIMUM, 32, 48, false));
	is(of(AGGREGATE_MINIMUM, 48, 64, false), 50, CALC);
	none(of(AGGREGATE_MINIMUM, 64, 80, false));
	is(of(AGGREGATE_MINIMUM, 80, 96, false), 80, 0x400 | PARTIAL);		/* at the beginning: raw */
	none(of(AGGREGATE_MINIMUM, 96, 112, false));
	is(of(AGGREGATE_MAXIMUM, 0, 16, false), 10, CALC | PARTIAL);
	is(of(AGGREGATE_MAXIMUM, 16, 32, false), 30, CALC);
	none(of(AGGREGATE_MAXIMUM, 32, 48, false));
	is(of(AGGREGATE_MAXIMUM, 48, 64, false), 60, CALC);
}

TEST(average_and_count_leave_out_what_is_not_good_and_say_so)
{
	is(of(AGGREGATE_AVERAGE, 16, 32, false), 25, CALC);
	is(of(AGGREGATE_AVERAGE, 25, 55, false), 40, SUB_NORMAL | CALC);	/* 30 and 50 */
	none(of(AGGREGATE_AVERAGE, 35, 45, false));
	is(of(AGGREGATE_COUNT, 16, 32, false), 2, CALC);
	is(of(AGGREGATE_COUNT, 25, 55, false), 2, SUB_NORMAL | CALC);
	is(of(AGGREGATE_COUNT, 35, 45, false), 0, 0x80000000 | CALC);
	is(of(AGGREGATE_COUNT, 51, 59, false), 0, CALC);
	none(of(AGGREGATE_COUNT, 100, 110, false));
}

TEST(time_average_is_the_area_under_the_line_between_good_values)
{
	is(of(AGGREGATE_TIME_AVERAGE, 16, 32, false), 24, SUB_NORMAL | CALC);	/* (16 + 32) / 2; the end lies between 30 and 50, past the bad one */
	is(of(AGGREGATE_TIME_AVERAGE, 12, 28, false), 20, CALC);		/* (12 + 28) / 2 */
	is(of(AGGREGATE_TIME_AVERAGE, 32, 48, false), 40, SUB_NORMAL | CALC);	/* straight from 30 to 50 */
	is(of(AGGREGATE_TIME_AVERAGE, 0, 16, false), 13, SUB_NORMAL | CALC | PARTIAL);	/* from 10 s on: (10 + 16) / 2 */
	is(of(AGGREGATE_TIME_AVERAGE, 80, 96, false), 86.875, SUB_NORMAL | CALC | PARTIAL);	/* (85 * 10 + 90 * 6) / 16 */
}

TEST(start_and_end_are_raw_values_with_their_own_time)
{
	struct aggregate_result r = of(AGGREGATE_START, 25, 65, false);

	CHECK_INT(r.which, 2);
	CHECK_INT(r.t, 30 * S);
	r = of(AGGREGATE_END, 25, 75, false);
	CHECK_INT(r.which, 6);
	CHECK_INT(r.status, 0x40950000);
	none(of(AGGREGATE_START, 31, 39, false));
}

TEST(only_known_aggregates_are_known)
{
	CHECK_INT(aggregate_of(2342), AGGREGATE_AVERAGE);
	CHECK_INT(aggregate_of(2352), AGGREGATE_COUNT);
	CHECK_INT(aggregate_of(2344), -1);
	CHECK_INT(aggregate_of(0), -1);
}

TEST_MAIN
