/* Reductions against values worked out by hand, and against slow, plain references over random sequences. */
#include "gate/reduce.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"

#define S	NS_PER_S
#define T0	(1700000000LL * NS_PER_S)	/* a multiple of 10 s, 100 s */

static uint64_t	seed;

static uint64_t
rnd(void)
{
	/* xorshift64*, so that a failing seed can be run again */
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 2685821657736338717u;
}

static double
rnd01(void)
{
	return (double)(rnd() >> 11) / (double)(1ULL << 53);
}

static struct sample
f64_at(int64_t t, double v)
{
	return (struct sample){ .arrival = { t }, .v = { .type = VALUE_F64, .f64 = v } };
}

static struct sample
bad_at(int64_t t)
{
	return (struct sample){ .arrival = { t }, .status = (uint32_t)STATUS_BadTimeout };
}

struct rig {
	struct reduce	*r;
	struct out	 out;
	uint32_t	 slot[1];
};

static struct rig
rig_with(struct reduce_how how, struct reduce_point p)
{
	struct rig g = { .slot = { 1 } };
	g.r = reduce_new(&how, &p, 1);
	out_init(&g.out, value_has_bytes(p.type));
	return g;
}

static struct rig
rig(struct reduce_how how)
{
	return rig_with(how, (struct reduce_point){ .type = VALUE_F64 });
}

static void
rig_free(struct rig *g)
{
	reduce_free(g->r);
	out_fini(&g->out);
}

static void
feed(struct rig *g, struct sample s)
{
	reduce_take(g->r, g->slot, 1, &s, 1, REDUCE_LIVE, &g->out);
}

/* The values that came out, as text: "1 2 - 3", "-" for none. */
static const char *
values(const struct rig *g)
{
	static char text[2000];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < g->out.n && n < sizeof text - 40; i++) {
		double v;
		n += (size_t)snprintf(text + n, sizeof text - n, "%s", i > 0 ? " " : "");
		if (value_as_f64(&g->out.v[i].v, &v))
			n += (size_t)snprintf(text + n, sizeof text - n, "%g", v);
		else
			n += (size_t)snprintf(text + n, sizeof text - n, "-");
	}
	return text;
}

static const struct reduce_how on_change = { .kind = REDUCE_ON_CHANGE, .change = CHANGE_ANY };

TEST(every_sample_passes_as_it_is)
{
	struct rig g = rig((struct reduce_how){ .kind = REDUCE_EVERY });
	struct sample a = f64_at(T0, 1), b = bad_at(T0 + 1);
	a.source.ns = T0 - 5;
	a.flags = SAMPLE_REREAD;
	feed(&g, a);
	feed(&g, b);
	feed(&g, f64_at(T0 + 2, 1));
	CHECK_INT(g.out.n, 3);
	CHECK_INT(g.out.v[0].source.ns, T0 - 5);
	CHECK_INT(g.out.v[0].arrival.ns, T0);
	CHECK_INT(g.out.v[0].flags, SAMPLE_REREAD);
	CHECK_INT(g.out.v[1].status, (uint32_t)STATUS_BadTimeout);
	CHECK_INT(g.out.v[1].v.type, VALUE_NULL);
	rig_free(&g);
}

TEST(on_change_passes_what_differs)
{
	struct rig g = rig(on_change);
	const double in[] = { 1, 1, 2, 2, 1, 1, NAN, NAN, 1, INFINITY, INFINITY, 0.0, -0.0 };
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
		feed(&g, f64_at(T0 + (int64_t)i, in[i]));
	CHECK_STR(values(&g), "1 2 1 nan 1 inf 0");
	rig_free(&g);
}

TEST(an_absolute_deadband_compares_with_the_last_that_passed)
{
	struct rig g = rig((struct reduce_how){ .kind = REDUCE_ON_CHANGE, .change = CHANGE_ABSOLUTE, .deadband = 1 });
	const double in[] = { 10, 10.6, 11, 11.2, 12.2, 12.3, 11.2 };	/* exactly the deadband is no change */
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
		feed(&g, f64_at(T0 + (int64_t)i, in[i]));
	CHECK_STR(values(&g), "10 11.2 12.3 11.2");
	rig_free(&g);
}

TEST(per_cent_of_value_and_of_range)
{
	struct rig g = rig((struct reduce_how){ .kind = REDUCE_ON_CHANGE, .change = CHANGE_OF_VALUE, .deadband = 0.1 });
	const double in[] = { 100, 109, 111, 121, 123, 0, 0.001 };
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
		feed(&g, f64_at(T0 + (int64_t)i, in[i]));
	CHECK_STR(values(&g), "100 111 123 0 0.001");
	rig_free(&g);
	g = rig_with((struct reduce_how){ .kind = REDUCE_ON_CHANGE, .change = CHANGE_OF_RANGE, .deadband = 0.005 },
	    (struct reduce_point){ .type = VALUE_F64, .has_range = true, .lo = 0, .hi = 1200 });
	const double sp[] = { 600, 605, 606.5, 601, 600 };	/* 0.5 % of 1200 is 6 */
	for (size_t i = 0; i < sizeof sp / sizeof sp[0]; i++)
		feed(&g, f64_at(T0 + (int64_t)i, sp[i]));
	CHECK_STR(values(&g), "600 606.5 600");
	rig_free(&g);
}

TEST(a_change_of_status_passes_at_once_and_bad_stays_bad)
{
	struct rig g = rig((struct reduce_how){ .kind = REDUCE_ON_CHANGE, .change = CHANGE_ABSOLUTE, .deadband = 100 });
	feed(&g, f64_at(T0, 1));
	feed(&g, bad_at(T0 + 1));
	feed(&g, bad_at(T0 + 2));
	struct sample u = f64_at(T0 + 3, 1);
	u.status = (uint32_t)STATUS_UncertainLastUsableValue;
	feed(&g, u);
	feed(&g, f64_at(T0 + 4, 1));
	CHECK_STR(values(&g), "1 - 1 1");
	CHECK(status_is_bad(g.out.v[1].status) && status_is_uncertain(g.out.v[2].status) &&
	    status_is_good(g.out.v[3].status));
	rig_free(&g);
}

TEST(texts_and_arrays_pass_on_any_change)
{
	struct reduce_how how = { .kind = REDUCE_ON_CHANGE, .change = CHANGE_ABSOLUTE, .deadband = 5 };
	struct rig g = rig_with(how, (struct reduce_point){ .type = VALUE_TEXT });
	static const char *const in[] = { "run", "run", "stop", "stop ", "", "" };
	for (size_t i = 0; i < 6; i++) {
		struct sample s = { .arrival = { T0 + (int64_t)i }, .v = { .type = VALUE_TEXT, .p = in[i],
		    .len = (uint32_t)strlen(in[i]) } };
		feed(&g, s);
	}
	CHECK_INT(g.out.n, 4);
	CHECK_BYTES(g.out.v[2].v.p, "stop ", 5);
	CHECK(g.out.v[2].v.p != in[3]);	/* copied: the ring's memory is used again */
	rig_free(&g);
}

TEST(big_integers_are_compared_exactly)
{
	struct rig g = rig_with(on_change, (struct reduce_point){ .type = VALUE_U64 });
	const uint64_t big = (1ULL << 60) + 1;
	for (uint64_t i = 0; i < 4; i++)
		feed(&g, (struct sample){ .arrival = { T0 + (int64_t)i }, .v = { .type = VALUE_U64,
		    .u = big + i / 2 } });
	CHECK_INT(g.out.n, 2);
	CHECK(g.out.v[1].v.u == big + 1);
	rig_free(&g);
}

TEST(at_least_every_never_waits_longer_while_samples_come)
{
	struct reduce_how how = on_change;
	how.at_least_every_ns = 10 * S;
	struct rig g = rig(how);
	seed = 11;
	int64_t t = T0;
	for (int i = 0; i < 2000; i++) {
		t += 900 * NS_PER_MS + (int64_t)(rnd() % 200) * NS_PER_MS;
		feed(&g, f64_at(t, 7));
	}
	CHECK(g.out.n > 190 && g.out.n < 260);
	for (size_t i = 1; i < g.out.n; i++) {
		int64_t gap = g.out.v[i].arrival.ns - g.out.v[i - 1].arrival.ns;
		CHECK(gap <= 10 * S + 200 * NS_PER_MS);
		CHECK(gap > 8 * S);
	}
	rig_free(&g);
}

TEST(a_silent_source_yields_nothing_and_no_time_is_invented)
{
	struct reduce_how how = on_change;
	how.at_least_every_ns = 1 * S;
	struct rig g = rig(how);
	feed(&g, f64_at(T0, 7));
	CHECK(reduce_tick(g.r, (struct wall){ T0 + 3600 * S }, &g.out) == INT64_MAX);
	feed(&g, f64_at(T0 + 7200 * S, 7));
	CHECK_INT(g.out.n, 2);
	CHECK_INT(g.out.v[1].arrival.ns, T0 + 7200 * S);
	rig_free(&g);
}

static struct sample
from_device(int64_t source, int64_t arrival, double v)
{
	struct sample s = f64_at(arrival, v);
	s.source.ns = source;
	return s;
}

TEST(late_samples_are_flagged_and_move_no_reference)
{
	struct rig g = rig(on_change);
	feed(&g, from_device(T0 + 10 * S, T0 + 10 * S, 5));
	feed(&g, from_device(T0 + 8 * S, T0 + 11 * S, 7));	/* late, differs: passes with the flag */
	feed(&g, from_device(T0 + 9 * S, T0 + 12 * S, 5));	/* late, no change against what stands */
	feed(&g, from_device(T0 + 11 * S, T0 + 13 * S, 7));	/* differs from 5, not from the late 7 */
	CHECK_STR(values(&g), "5 7 7");
	CHECK_INT(g.out.v[0].flags, 0);
	CHECK_INT(g.out.v[1].flags, SAMPLE_LATE);
	CHECK_INT(g.out.v[2].flags, 0);
	CHECK_INT(reduce_counts(g.r)->late, 2);
	rig_free(&g);
}

TEST(our_clock_set_back_is_a_step_at_once)
{
	struct rig g = rig(on_change);
	feed(&g, f64_at(T0, 5));
	feed(&g, f64_at(T0 - 3600 * S, 5));
	feed(&g, f64_at(T0 - 3599 * S, 5));
	CHECK_INT(g.out.n, 2);
	CHECK((g.out.v[1].flags & SAMPLE_CLOCK_STEP) != 0);
	rig_free(&g);
}

TEST(a_device_clock_set_back_is_seen_after_a_run_of_late_samples)
{
	struct rig g = rig((struct reduce_how){ .kind = REDUCE_EVERY });
	feed(&g, from_device(T0, T0, 0));
	for (int i = 1; i <= 12; i++)
		feed(&g, from_device(T0 - 3600 * S + i * S, T0 + i * S, i));
	CHECK_INT(g.out.n, 13);
	CHECK_INT(g.out.v[7].flags, SAMPLE_LATE);
	CHECK_INT(g.out.v[8].flags, SAMPLE_CLOCK_STEP);
	CHECK_INT(g.out.v[9].flags, 0);
	rig_free(&g);
}

TEST(a_device_clock_set_forward_is_a_step_and_a_drained_buffer_is_not)
{
	struct rig g = rig((struct reduce_how){ .kind = REDUCE_EVERY });
	feed(&g, from_device(T0, T0 + 60 * S, 0));	/* a minute behind: buffered in the device */
	feed(&g, from_device(T0 + 60 * S, T0 + 61 * S, 0));	/* caught up */
	feed(&g, from_device(T0 + 3661 * S, T0 + 62 * S, 0));	/* into the future */
	CHECK_INT(g.out.v[1].flags, 0);
	CHECK_INT(g.out.v[2].flags, SAMPLE_CLOCK_STEP);
	rig_free(&g);
}

TEST(a_value_of_another_type_is_not_believed)
{
	struct rig g = rig((struct reduce_how){ .kind = REDUCE_EVERY });
	feed(&g, (struct sample){ .arrival = { T0 }, .v = { .type = VALUE_TEXT, .p = "x", .len = 1 } });
	feed(&g, (struct sample){ .arrival = { T0 + 1 }, .v = { .type = VALUE_NULL } });
	CHECK_INT(g.out.v[0].v.type, VALUE_NULL);
	CHECK_INT(g.out.v[0].status, (uint32_t)STATUS_BadInternalError);
	CHECK_INT(g.out.v[1].status, (uint32_t)STATUS_BadInternalError);
	CHECK_INT(reduce_counts(g.r)->mistyped, 2);
	rig_free(&g);
}

/* ---- windows ---- */

static const struct reduce_how all_fns = { .kind = REDUCE_WINDOW, .window_ns = 10 * S,
    .window_fns = (1u << WINDOW_FNS) - 1 };

static double
result(const struct rig *g, size_t window, enum window_fn fn)
{
	double v = NAN;
	size_t i = window * WINDOW_FNS + fn;
	CHECK(i < g->out.n);
	CHECK_INT(g->out.v[i].tag, fn);
	value_as_f64(&g->out.v[i].v, &v);
	return v;
}

TEST(a_window_by_hand)
{
	struct rig g = rig(all_fns);
	const double in[] = { 2, 4, 4, 4, 5, 5, 7, 9 };	/* the usual example: mean 5, sum of squared differences 32 */
	for (int i = 0; i < 8; i++)
		feed(&g, f64_at(T0 + i * S, in[i]));
	CHECK_INT(g.out.n, 0);
	feed(&g, f64_at(T0 + 10 * S, 100));
	CHECK_INT(g.out.n, 0);	/* a late one may still come */
	feed(&g, f64_at(T0 + 11 * S, 100));
	CHECK_INT(g.out.n, WINDOW_FNS);
	CHECK(result(&g, 0, WINDOW_MIN) == 2 && result(&g, 0, WINDOW_MAX) == 9);
	CHECK(result(&g, 0, WINDOW_FIRST) == 2 && result(&g, 0, WINDOW_LAST) == 9);
	CHECK(result(&g, 0, WINDOW_COUNT) == 8 && result(&g, 0, WINDOW_SUM) == 40);
	CHECK(fabs(result(&g, 0, WINDOW_MEAN) - 5) < 1e-12);
	CHECK(fabs(result(&g, 0, WINDOW_STDDEV) - sqrt(32.0 / 7)) < 1e-12);
	/* Each value holds for a second, the last one for three: (31 + 9 * 3) / 10 */
	CHECK(fabs(result(&g, 0, WINDOW_TIME_MEAN) - 5.8) < 1e-12);
	for (size_t i = 0; i < WINDOW_FNS; i++) {
		CHECK_INT(g.out.v[i].status, STATUS_Good);
		CHECK_INT(g.out.v[i].source.ns, T0 + 10 * S);
	}
	CHECK_INT(g.out.v[WINDOW_COUNT].v.type, VALUE_U32);
	rig_free(&g);
}

TEST(a_value_holds_over_the_edge_of_a_window)
{
	struct rig g = rig(all_fns);
	feed(&g, f64_at(T0, 10));
	feed(&g, f64_at(T0 + 15 * S, 20));	/* 10 until 15, then 20 */
	feed(&g, f64_at(T0 + 25 * S, 0));
	CHECK(fabs(result(&g, 1, WINDOW_TIME_MEAN) - 15) < 1e-12);
	CHECK_INT(g.out.v[WINDOW_FNS + WINDOW_TIME_MEAN].status, STATUS_Good);
	rig_free(&g);
}

TEST(bad_samples_are_left_out_and_the_result_says_so)
{
	struct rig g = rig(all_fns);
	feed(&g, f64_at(T0, 1));
	feed(&g, bad_at(T0 + 2 * S));	/* passes at once, without a value */
	CHECK_INT(g.out.n, WINDOW_FNS);
	CHECK_INT(g.out.v[0].status, (uint32_t)STATUS_BadTimeout);
	CHECK_INT(g.out.v[0].arrival.ns, T0 + 2 * S);
	g.out.n = 0;
	feed(&g, f64_at(T0 + 6 * S, 3));
	feed(&g, f64_at(T0 + 7 * S, NAN));
	feed(&g, bad_at(T0 + 12 * S));
	CHECK(g.out.n == 2 * WINDOW_FNS);
	g.out.n -= WINDOW_FNS;	/* the bad one of the next window stands before the result */
	memmove(g.out.v, g.out.v + WINDOW_FNS, WINDOW_FNS * sizeof g.out.v[0]);
	CHECK(result(&g, 0, WINDOW_COUNT) == 2 && result(&g, 0, WINDOW_SUM) == 4);
	CHECK(fabs(result(&g, 0, WINDOW_TIME_MEAN) - 5.0 / 3) < 1e-12);	/* 1 for two seconds, 3 for one */
	CHECK_INT(g.out.v[0].status, STATUS_UncertainSubNormal);
	feed(&g, bad_at(T0 + 22 * S));
	CHECK_INT(g.out.n, 2 * WINDOW_FNS);
	CHECK_INT(g.out.v[WINDOW_FNS].status, (uint32_t)STATUS_BadNoData);
	CHECK_INT(g.out.v[WINDOW_FNS].v.type, VALUE_NULL);
	rig_free(&g);
}

TEST(a_late_sample_enters_an_open_window_and_never_a_closed_one)
{
	struct rig g = rig(all_fns);
	feed(&g, from_device(T0, T0, 1));
	feed(&g, from_device(T0 + 10 * S + S / 2, T0 + 10 * S + S / 2, 50));
	feed(&g, from_device(T0 + 9 * S, T0 + 10 * S + S / 2 + 1, 2));
	feed(&g, from_device(T0 + 12 * S, T0 + 12 * S, 50));
	CHECK(result(&g, 0, WINDOW_COUNT) == 2 && result(&g, 0, WINDOW_LAST) == 2);
	CHECK_INT(g.out.v[WINDOW_SUM].status, STATUS_Good);
	CHECK_INT(g.out.v[WINDOW_TIME_MEAN].status, STATUS_UncertainSubNormal);
	feed(&g, from_device(T0 + 9 * S, T0 + 13 * S, 1000));
	CHECK_INT(reduce_counts(g.r)->too_late, 1);
	feed(&g, from_device(T0 + 21 * S, T0 + 21 * S, 0));
	CHECK(result(&g, 1, WINDOW_MAX) == 50 && result(&g, 1, WINDOW_COUNT) == 2);
	rig_free(&g);
}

TEST(a_gap_makes_the_result_uncertain_and_ends_what_a_value_holds)
{
	struct rig g = rig_with(all_fns, (struct reduce_point){ .type = VALUE_F64, .scan_ns = S });
	for (int i = 0; i < 4; i++)
		feed(&g, f64_at(T0 + i * S, 8));
	feed(&g, f64_at(T0 + 21 * S, 8));	/* the field process was away for 18 s */
	CHECK(result(&g, 0, WINDOW_COUNT) == 4 && result(&g, 0, WINDOW_TIME_MEAN) == 8);
	CHECK_INT(g.out.v[0].status, STATUS_UncertainSubNormal);
	CHECK_INT(g.out.v[WINDOW_FNS].status, (uint32_t)STATUS_BadNoData);
	CHECK_INT(g.out.n, 2 * WINDOW_FNS);
	rig_free(&g);
}

TEST(the_clock_closes_the_window_of_a_silent_tag)
{
	struct rig g = rig_with(all_fns, (struct reduce_point){ .type = VALUE_F64, .scan_ns = S });
	for (int i = 0; i < 10; i++)
		feed(&g, f64_at(T0 + i * S, 3));
	reduce_tick(g.r, (struct wall){ T0 + 12 * S }, &g.out);
	CHECK_INT(g.out.n, 0);
	reduce_tick(g.r, (struct wall){ T0 + 13 * S }, &g.out);
	CHECK_INT(g.out.n, WINDOW_FNS);
	CHECK_INT(g.out.v[0].status, STATUS_Good);
	reduce_tick(g.r, (struct wall){ T0 + 24 * S }, &g.out);
	CHECK_INT(g.out.v[WINDOW_FNS].status, (uint32_t)STATUS_BadNoData);
	/* A year of silence is told once, not thirty million times. */
	reduce_tick(g.r, (struct wall){ T0 + 31536000 * S }, &g.out);
	CHECK_INT(g.out.n, 3 * WINDOW_FNS);
	rig_free(&g);
}

TEST(a_stop_in_the_middle_cuts_and_the_parts_add_up)
{
	struct rig g = rig(all_fns);
	for (int i = 0; i < 5; i++)
		feed(&g, f64_at(T0 + i * S, 1));
	reduce_finish(g.r, (struct wall){ T0 + 5 * S }, &g.out);
	CHECK(result(&g, 0, WINDOW_COUNT) == 5);
	CHECK_INT(g.out.v[0].status, STATUS_UncertainSubNormal);
	CHECK_INT(g.out.v[0].source.ns, T0 + 4 * S + 1);
	for (int i = 5; i < 12; i++)
		feed(&g, f64_at(T0 + i * S, 1));
	CHECK(result(&g, 1, WINDOW_COUNT) == 5);
	CHECK_INT(g.out.v[WINDOW_FNS].status, STATUS_UncertainSubNormal);
	CHECK_INT(g.out.v[WINDOW_FNS].source.ns, T0 + 10 * S);
	rig_free(&g);
}

TEST(a_step_of_the_clock_cuts_the_window_and_is_flagged)
{
	struct rig g = rig(all_fns);
	for (int i = 0; i < 5; i++)
		feed(&g, f64_at(T0 + i * S, 1));
	feed(&g, f64_at(T0 - 3600 * S, 1));
	CHECK_INT(g.out.n, WINDOW_FNS);
	CHECK_INT(g.out.v[0].flags, SAMPLE_CLOCK_STEP);
	CHECK_INT(g.out.v[0].status, STATUS_UncertainSubNormal);
	for (int i = 1; i < 12; i++)
		feed(&g, f64_at(T0 - 3600 * S + i * S, 1));
	CHECK_INT(g.out.n, 2 * WINDOW_FNS);
	CHECK(result(&g, 1, WINDOW_COUNT) == 10);
	CHECK_INT(g.out.v[WINDOW_FNS].source.ns, T0 - 3590 * S);
	for (int i = 12; i < 22; i++)
		feed(&g, f64_at(T0 - 3600 * S + i * S, 1));
	for (size_t i = 2 * WINDOW_FNS; i < 3 * WINDOW_FNS; i++) {
		CHECK_INT(g.out.v[i].status, STATUS_Good);
		CHECK_INT(g.out.v[i].flags, 0);
	}
	rig_free(&g);
}

TEST(a_window_over_text_counts_and_nothing_else)
{
	struct rig g = rig_with(all_fns, (struct reduce_point){ .type = VALUE_TEXT });
	for (int i = 0; i < 12; i++)
		feed(&g, (struct sample){ .arrival = { T0 + i * S }, .v = { .type = VALUE_TEXT, .p = "a", .len = 1 } });
	CHECK(result(&g, 0, WINDOW_COUNT) == 10);
	CHECK_INT(g.out.v[WINDOW_COUNT].status, STATUS_Good);
	CHECK_INT(g.out.v[WINDOW_MEAN].status, (uint32_t)STATUS_BadConfigurationError);
	CHECK_INT(g.out.v[WINDOW_MEAN].v.type, VALUE_NULL);
	rig_free(&g);
}

/* The plain way: keep all samples, look at each window afterwards. */
struct plain {
	double	min, max, mean, sum, m2, first, last;
	int	n;
};

static struct plain
plain_window(const struct sample *v, size_t n, int64_t from, int64_t to)
{
	struct plain p = { .min = INFINITY, .max = -INFINITY };
	long double sum = 0, sq = 0;
	int64_t t_first = INT64_MAX, t_last = INT64_MIN;

	for (size_t i = 0; i < n; i++) {
		int64_t t = sample_time(&v[i]).ns;
		if (t < from || t >= to || status_is_bad(v[i].status) || !isfinite(v[i].v.f64))
			continue;
		double x = v[i].v.f64;
		p.n++;
		sum += x;
		p.min = x < p.min ? x : p.min;
		p.max = x > p.max ? x : p.max;
		if (t < t_first) {
			t_first = t;
			p.first = x;
		}
		if (t >= t_last) {
			t_last = t;
			p.last = x;
		}
	}
	p.sum = (double)sum;
	p.mean = p.n > 0 ? (double)(sum / p.n) : 0;
	for (size_t i = 0; i < n; i++) {
		int64_t t = sample_time(&v[i]).ns;
		if (t >= from && t < to && !status_is_bad(v[i].status) && isfinite(v[i].v.f64)) {
			long double d = (long double)v[i].v.f64 - sum / p.n;
			sq += d * d;
		}
	}
	p.m2 = (double)sq;
	return p;
}

/* Random stretch of device samples: mostly in order, some late by less than the lateness, some bad, some NaN. */
static size_t
random_samples(struct sample *v, size_t n)
{
	int64_t arrival = T0 + 2 * S;

	for (size_t i = 0; i < n; i++) {
		arrival += 1 + (int64_t)(rnd() % (uint64_t)(2 * S));
		int64_t back = i > 0 && rnd() % 5 == 0 ? (int64_t)(rnd() % (uint64_t)(S - 2)) : 0;
		v[i] = from_device(arrival - back, arrival, 1e6 + rnd01() * 100);
		if (rnd() % 20 == 0)
			v[i] = (struct sample){ .source = { arrival - back }, .arrival = { arrival },
			    .status = (uint32_t)STATUS_BadTimeout };
		else if (rnd() % 30 == 0)
			v[i].v.f64 = NAN;
	}
	return n;
}

TEST(windows_agree_with_a_plain_reference)
{
	static struct sample v[400];

	for (uint64_t round = 1; round <= 200; round++) {
		struct rig g = rig(all_fns);
		seed = round;
		size_t n = random_samples(v, 400), results = 0;
		for (size_t i = 0; i < n; i++)
			feed(&g, v[i]);
		for (size_t i = 0; i < g.out.n; i++) {
			const struct sample *x = &g.out.v[i];
			if (x->tag != 0 || (status_is_bad(x->status) && x->status != (uint32_t)STATUS_BadNoData))
				continue;
			results++;
			CHECK(x->source.ns % (10 * S) == 0);
			int64_t from = x->source.ns - 10 * S;
			struct plain p = plain_window(v, n, from, x->source.ns);
			const struct sample *r = x;
			CHECK_INT(r[WINDOW_COUNT].v.type == VALUE_NULL ? 0 : (int)r[WINDOW_COUNT].v.u, p.n);
			if (p.n == 0)
				continue;
			CHECK(r[WINDOW_MIN].v.f64 == p.min && r[WINDOW_MAX].v.f64 == p.max);
			CHECK(r[WINDOW_FIRST].v.f64 == p.first && r[WINDOW_LAST].v.f64 == p.last);
			CHECK(fabs(r[WINDOW_MEAN].v.f64 - p.mean) < 1e-8);
			CHECK(fabs(r[WINDOW_SUM].v.f64 - p.sum) < 1e-8);
			double sd = p.n > 1 ? sqrt(p.m2 / (p.n - 1)) : 0;
			CHECK(fabs(r[WINDOW_STDDEV].v.f64 - sd) < 1e-7);
		}
		CHECK(results > 30);
		CHECK_INT(reduce_counts(g.r)->too_late, 0);
		rig_free(&g);
	}
}

/* ---- swinging door ---- */

static const struct reduce_how door = { .kind = REDUCE_SWINGING_DOOR, .change = CHANGE_ABSOLUTE, .door = 0.5 };

TEST(a_door_keeps_the_ends_of_straight_lines)
{
	struct rig g = rig(door);
	const double in[] = { 0, 1, 2, 3, 4, 3, 2, 1, 0 };	/* up and down again: the top passes */
	for (int i = 0; i < 9; i++)
		feed(&g, f64_at(T0 + i * S, in[i]));
	reduce_finish(g.r, (struct wall){ T0 + 9 * S }, &g.out);
	CHECK_STR(values(&g), "0 4 0");
	CHECK_INT(g.out.v[1].arrival.ns, T0 + 4 * S);
	rig_free(&g);
}

TEST(a_door_lets_status_and_nan_pass_between_its_lines)
{
	struct rig g = rig(door);
	feed(&g, f64_at(T0, 1));
	feed(&g, f64_at(T0 + S, 1));
	feed(&g, bad_at(T0 + 2 * S));
	feed(&g, bad_at(T0 + 3 * S));
	feed(&g, f64_at(T0 + 4 * S, 1));
	feed(&g, f64_at(T0 + 5 * S, NAN));
	feed(&g, f64_at(T0 + 6 * S, NAN));
	feed(&g, f64_at(T0 + 7 * S, 2));
	CHECK_STR(values(&g), "1 1 - 1 nan 2");
	rig_free(&g);
}

/* v[i] lies within e of the line between what passed before and after it. */
static void
check_bound(const struct sample *v, size_t n, const struct out *o, double e)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t t = v[i].arrival.ns;
		while (k + 1 < o->n && o->v[k + 1].arrival.ns <= t)
			k++;
		CHECK(o->v[k].arrival.ns <= t);
		if (o->v[k].arrival.ns == t) {
			CHECK(value_equal(&o->v[k].v, &v[i].v) && o->v[k].status == v[i].status);
			continue;
		}
		if (status_is_bad(v[i].status)) {	/* one more bad one like that before it */
			CHECK(o->v[k].status == v[i].status);
			continue;
		}
		CHECK(k + 1 < o->n);
		double share = (double)(t - o->v[k].arrival.ns) / (double)(o->v[k + 1].arrival.ns - o->v[k].arrival.ns);
		double line = o->v[k].v.f64 + share * (o->v[k + 1].v.f64 - o->v[k].v.f64);
		CHECK(fabs(v[i].v.f64 - line) <= e * (1 + 1e-9) + 1e-9);
	}
}

TEST(every_sample_lies_within_the_deviation_of_the_line)
{
	static struct sample v[2000];

	for (uint64_t round = 1; round <= 300; round++) {
		struct reduce_how how = door;
		seed = round * 7919;
		how.door = 0.01 + rnd01() * 3;
		how.at_least_every_ns = rnd() % 2 ? 0 : 30 * S;
		struct rig g = rig(how);
		int64_t t = T0;
		double x = 0, drift = 0;
		for (size_t i = 0; i < 2000; i++) {
			t += 1 + (int64_t)(rnd() % (uint64_t)S);
			drift = rnd() % 50 == 0 ? rnd01() - 0.5 : drift;
			x += drift + (rnd01() - 0.5) * 0.3 + (rnd() % 200 == 0 ? 20 : 0);
			v[i] = f64_at(t, x);
			if (rnd() % 300 == 0)
				v[i] = bad_at(t);
			feed(&g, v[i]);
		}
		reduce_finish(g.r, (struct wall){ t }, &g.out);
		CHECK(g.out.n < 2000);
		check_bound(v, 2000, &g.out, how.door);
		rig_free(&g);
	}
}

/* ---- after a restart ---- */

/* Samples 0..cut were taken and what they let through is in the spool; a new reduction is brought up from that. */
static void
restart_at(struct reduce_how how, const struct sample *v, size_t n, size_t cut)
{
	struct rig whole = rig(how), before = rig(how), after = rig(how);

	for (size_t i = 0; i < n; i++)
		feed(&whole, v[i]);
	for (size_t i = 0; i < cut; i++)
		feed(&before, v[i]);
	for (size_t i = 0; i < before.out.n; i++)
		reduce_restore(after.r, &before.out.v[i]);
	for (size_t i = 0; i < n; i++)
		reduce_take(after.r, after.slot, 1, &v[i], 1, i < cut ? REDUCE_QUIET : REDUCE_LIVE, &after.out);
	CHECK_INT(before.out.n + after.out.n, whole.out.n);
	for (size_t i = 0; i < whole.out.n; i++) {
		const struct sample *w = &whole.out.v[i];
		const struct sample *s = i < before.out.n ? &before.out.v[i] : &after.out.v[i - before.out.n];
		CHECK_INT(s->arrival.ns, w->arrival.ns);
		CHECK_INT(s->status, w->status);
		CHECK(value_equal(&s->v, &w->v));
	}
	rig_free(&whole);
	rig_free(&before);
	rig_free(&after);
}

TEST(a_restart_at_any_point_goes_on_as_if_there_had_been_none)
{
	static struct sample v[300];
	const struct reduce_how hows[] = {
		{ .kind = REDUCE_EVERY },
		{ .kind = REDUCE_ON_CHANGE, .change = CHANGE_ABSOLUTE, .deadband = 0.7, .at_least_every_ns = 20 * S },
		{ .kind = REDUCE_SWINGING_DOOR, .change = CHANGE_ABSOLUTE, .door = 0.8 },
		{ .kind = REDUCE_WINDOW, .window_ns = 10 * S, .window_fns = 1u << WINDOW_MEAN | 1u << WINDOW_TIME_MEAN },
	};

	seed = 4711;
	double x = 0;
	for (size_t i = 0; i < 300; i++) {
		x += rnd01() - 0.5;
		int64_t t = T0 + (int64_t)i * S + S / 3;
		v[i] = rnd() % 25 == 0 ? bad_at(t) : f64_at(t, x);
	}
	for (size_t k = 0; k < sizeof hows / sizeof hows[0]; k++)
		for (size_t cut = 0; cut <= 300; cut += 7)
			restart_at(hows[k], v, 300, cut);
}

TEST_MAIN
