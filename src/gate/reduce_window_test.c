/* Windows against values worked out by hand, and against a slow, plain reference over random sequences. */
#include "gate/reduce_rig.h"

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
	struct rig g = rig_new(all_fns);
	const double in[] = { 2, 4, 4, 4, 5, 5, 7, 9 };	/* the usual example: mean 5, sum of squared differences 32 */
	for (int i = 0; i < 8; i++)
		rig_feed(&g, rig_f64(T0 + i * S, in[i]));
	CHECK_INT(g.out.n, 0);
	rig_feed(&g, rig_f64(T0 + 10 * S, 100));
	CHECK_INT(g.out.n, 0);	/* a late one may still come */
	rig_feed(&g, rig_f64(T0 + 11 * S, 100));
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
	struct rig g = rig_new(all_fns);
	rig_feed(&g, rig_f64(T0, 10));
	rig_feed(&g, rig_f64(T0 + 15 * S, 20));	/* 10 until 15, then 20 */
	rig_feed(&g, rig_f64(T0 + 25 * S, 0));
	CHECK(fabs(result(&g, 1, WINDOW_TIME_MEAN) - 15) < 1e-12);
	CHECK_INT(g.out.v[WINDOW_FNS + WINDOW_TIME_MEAN].status, STATUS_Good);
	rig_free(&g);
}

TEST(bad_samples_are_left_out_and_the_result_says_so)
{
	struct rig g = rig_new(all_fns);
	rig_feed(&g, rig_f64(T0, 1));
	rig_feed(&g, rig_bad(T0 + 2 * S));	/* passes at once, without a value */
	CHECK_INT(g.out.n, WINDOW_FNS);
	CHECK_INT(g.out.v[0].status, (uint32_t)STATUS_BadTimeout);
	CHECK_INT(g.out.v[0].arrival.ns, T0 + 2 * S);
	g.out.n = 0;
	rig_feed(&g, rig_f64(T0 + 6 * S, 3));
	rig_feed(&g, rig_f64(T0 + 7 * S, NAN));
	rig_feed(&g, rig_bad(T0 + 12 * S));
	CHECK(g.out.n == 2 * WINDOW_FNS);
	g.out.n -= WINDOW_FNS;	/* the bad one of the next window stands before the result */
	memmove(g.out.v, g.out.v + WINDOW_FNS, WINDOW_FNS * sizeof g.out.v[0]);
	CHECK(result(&g, 0, WINDOW_COUNT) == 2 && result(&g, 0, WINDOW_SUM) == 4);
	CHECK(fabs(result(&g, 0, WINDOW_TIME_MEAN) - 5.0 / 3) < 1e-12);	/* 1 for two seconds, 3 for one */
	CHECK_INT(g.out.v[0].status, STATUS_UncertainSubNormal);
	rig_feed(&g, rig_bad(T0 + 22 * S));
	CHECK_INT(g.out.n, 2 * WINDOW_FNS);
	CHECK_INT(g.out.v[WINDOW_FNS].status, (uint32_t)STATUS_BadNoData);
	CHECK_INT(g.out.v[WINDOW_FNS].v.type, VALUE_NULL);
	rig_free(&g);
}

TEST(a_late_sample_enters_an_open_window_and_never_a_closed_one)
{
	struct rig g = rig_new(all_fns);
	rig_feed(&g, rig_from_device(T0, T0, 1));
	rig_feed(&g, rig_from_device(T0 + 10 * S + S / 2, T0 + 10 * S + S / 2, 50));
	rig_feed(&g, rig_from_device(T0 + 9 * S, T0 + 10 * S + S / 2 + 1, 2));
	rig_feed(&g, rig_from_device(T0 + 12 * S, T0 + 12 * S, 50));
	CHECK(result(&g, 0, WINDOW_COUNT) == 2 && result(&g, 0, WINDOW_LAST) == 2);
	CHECK_INT(g.out.v[WINDOW_SUM].status, STATUS_Good);
	CHECK_INT(g.out.v[WINDOW_TIME_MEAN].status, STATUS_UncertainSubNormal);
	rig_feed(&g, rig_from_device(T0 + 9 * S, T0 + 13 * S, 1000));
	CHECK_INT(reduce_counts(g.r)->too_late, 1);
	rig_feed(&g, rig_from_device(T0 + 21 * S, T0 + 21 * S, 0));
	CHECK(result(&g, 1, WINDOW_MAX) == 50 && result(&g, 1, WINDOW_COUNT) == 2);
	rig_free(&g);
}

TEST(a_gap_makes_the_result_uncertain_and_ends_what_a_value_holds)
{
	struct rig g = rig_with(all_fns, (struct reduce_point){ .type = VALUE_F64, .scan_ns = S });
	for (int i = 0; i < 4; i++)
		rig_feed(&g, rig_f64(T0 + i * S, 8));
	rig_feed(&g, rig_f64(T0 + 21 * S, 8));	/* the field process was away for 18 s */
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
		rig_feed(&g, rig_f64(T0 + i * S, 3));
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
	struct rig g = rig_new(all_fns);
	for (int i = 0; i < 5; i++)
		rig_feed(&g, rig_f64(T0 + i * S, 1));
	reduce_finish(g.r, (struct wall){ T0 + 5 * S }, &g.out);
	CHECK(result(&g, 0, WINDOW_COUNT) == 5);
	CHECK_INT(g.out.v[0].status, STATUS_UncertainSubNormal);
	CHECK_INT(g.out.v[0].source.ns, T0 + 4 * S + 1);
	for (int i = 5; i < 12; i++)
		rig_feed(&g, rig_f64(T0 + i * S, 1));
	CHECK(result(&g, 1, WINDOW_COUNT) == 5);
	CHECK_INT(g.out.v[WINDOW_FNS].status, STATUS_UncertainSubNormal);
	CHECK_INT(g.out.v[WINDOW_FNS].source.ns, T0 + 10 * S);
	rig_free(&g);
}

TEST(a_step_of_the_clock_cuts_the_window_and_is_flagged)
{
	struct rig g = rig_new(all_fns);
	for (int i = 0; i < 5; i++)
		rig_feed(&g, rig_f64(T0 + i * S, 1));
	rig_feed(&g, rig_f64(T0 - 3600 * S, 1));
	CHECK_INT(g.out.n, WINDOW_FNS);
	CHECK_INT(g.out.v[0].flags, SAMPLE_CLOCK_STEP);
	CHECK_INT(g.out.v[0].status, STATUS_UncertainSubNormal);
	for (int i = 1; i < 12; i++)
		rig_feed(&g, rig_f64(T0 - 3600 * S + i * S, 1));
	CHECK_INT(g.out.n, 2 * WINDOW_FNS);
	CHECK(result(&g, 1, WINDOW_COUNT) == 10);
	CHECK_INT(g.out.v[WINDOW_FNS].source.ns, T0 - 3590 * S);
	for (int i = 12; i < 22; i++)
		rig_feed(&g, rig_f64(T0 - 3600 * S + i * S, 1));
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
		rig_feed(&g, (struct sample){ .arrival = { T0 + i * S }, .v = { .type = VALUE_TEXT, .p = "a", .len = 1 } });
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
		arrival += 1 + (int64_t)(rig_rnd() % (uint64_t)(2 * S));
		int64_t back = i > 0 && rig_rnd() % 5 == 0 ? (int64_t)(rig_rnd() % (uint64_t)(S - 2)) : 0;
		v[i] = rig_from_device(arrival - back, arrival, 1e6 + rig_rnd01() * 100);
		if (rig_rnd() % 20 == 0)
			v[i] = (struct sample){ .source = { arrival - back }, .arrival = { arrival },
			    .status = (uint32_t)STATUS_BadTimeout };
		else if (rig_rnd() % 30 == 0)
			v[i].v.f64 = NAN;
	}
	return n;
}

TEST(windows_agree_with_a_plain_reference)
{
	static struct sample v[400];

	for (uint64_t round = 1; round <= 200; round++) {
		struct rig g = rig_new(all_fns);
		rig_seed = round;
		size_t n = random_samples(v, 400), results = 0;
		for (size_t i = 0; i < n; i++)
			rig_feed(&g, v[i]);
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

TEST_MAIN
