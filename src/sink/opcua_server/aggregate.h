/*
 * Aggregates over history, OPC 10000-13 1.05. Sans I/O. Only those that are computed as the standard says:
 *
 *	Interpolative	5.4.3.4		the value at the beginning of the interval
 *	Average		5.4.3.5		mean of the good values
 *	TimeAverage	5.4.3.6		mean over time, along straight lines between good values
 *	Minimum, Maximum 5.4.3.10, 11	of the good values
 *	Count		5.4.3.19	of the good values
 *	Start, End	5.4.3.23, 24	first and last value as it is, with its own time
 *
 * Uncertain counts as bad (TreatUncertainAsBad), and PercentDataGood and PercentDataBad are 100: the defaults of 4.2.1.2. A value that was made
 * from less than all is UncertainDataSubNormal.
 */
#ifndef SINK_OPCUA_SERVER_AGGREGATE_H
#define SINK_OPCUA_SERVER_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*        name           NodeId in ns=0 (OPC 10000-6, annex A) */
#define AGGREGATE_LIST(X)		\
	X(INTERPOLATIVE, 2341, "Interpolative")	\
	X(AVERAGE,       2342, "Average")	\
	X(TIME_AVERAGE,  2343, "TimeAverage")	\
	X(MINIMUM,       2346, "Minimum")	\
	X(MAXIMUM,       2347, "Maximum")	\
	X(COUNT,         2352, "Count")		\
	X(START,         2357, "Start")		\
	X(END,           2358, "End")

enum aggregate {
#define X(name, id, text) AGGREGATE_##name,
	AGGREGATE_LIST(X)
#undef X
	AGGREGATES
};

struct aggregate_point {
	int64_t		t;		/* ns */
	double		v;
	uint32_t	status;		/* OPC UA status code */
	bool		number;		/* v is one */
};

struct aggregate_result {
	uint32_t	status;		/* with its historian bits (OPC 10000-11, 6.4.3) */
	int64_t		t;
	bool		has_value;
	double		v;		/* not for START and END */
	size_t		which;		/* START, END: index of the point */
};

/* By ns=0 NodeId; -1: not one of these. */
int aggregate_of(uint32_t id);

/*
 * One interval [from, to), from < to. p: points in order of time, from the last good one before the interval (or further back) to the first good
 * one at or behind its end; n of them, i0 the first with t >= from, i1 the first with t >= to. stepped: values hold until the next, no lines.
 * partial: it is shorter than the intervals before it.
 */
void aggregate(enum aggregate kind, const struct aggregate_point *p, size_t n, size_t i0, size_t i1, int64_t from, int64_t to, bool stepped, bool partial,
    struct aggregate_result *out);

#endif
