/*
 * Windows: fixed values computed with Python's statistics module, and random runs against a reference that keeps every
 * sample and works everything out anew.
 */
#include "expr/expr_testing.h"

#include <math.h>

#include "base/test.h"

static struct testing t;

static const double ten[] = { 12.5, 3.25, 8, 7.75, -4, 19.5, 3.25, 0.125, 6, 11 };

static void
open_or_fail(const char *text)
{
	if (testing_open(&t, text, NULL) != 0)
		test_fail(__FILE__, __LINE__, "%s: column %d: %s", text, t.e.column, t.e.cause);
}

/* The ten samples 100 ms apart after one that must not count any more; the result behind the last. */
static const struct expr_result *
ten_samples(const char *text)
{
	open_or_fail(text);
	testing_set(&t, T_RATIO, 1e15);
	testing_eval(&t, true);
	t.now_ns += 10 * NS_PER_S;
	for (size_t i = 0; i < 10; i++) {
		testing_set(&t, T_RATIO, ten[i]);
		testing_eval(&t, true);
		t.now_ns += TESTING_PERIOD_NS;
	}
	return testing_eval(&t, false);
}

/*
 * Python 3.11: statistics.mean, stdev, median, quantiles(n=100, method="inclusive"), linear_regression over 0, 0.1,
 * ... 0.9
 */
TEST(known_samples_give_what_python_says)
{
	static const struct { const char *text; double want; } rows[] = {
		{ "mean(ratio over 10)", 6.7375 }, { "stddev(ratio over 10)", 6.673030816486447 },
		    { "median(ratio over 10)", 6.875 },
		{ "percentile(ratio over 10, 95)", 16.35 }, { "percentile(ratio over 10, 10)", -0.2875 },
		    { "sum(ratio over 10)", 67.375 },
		{ "number(slope(ratio over 10), [Hz])", -1.4318181818181819 }, { "min(ratio over 10)", -4 },
		    { "max(ratio over 10)", 19.5 },
		{ "delta(ratio over 10)", -1.5 }, { "number(rate(ratio over 10), [Hz])", -1.5 / 0.9 },
		{ "count(ratio > 6.5 over 10)", 5 }, { "mean(ratio over 2s)", 6.7375 },
		    { "stddev(ratio over 2s)", 6.673030816486447 },
		{ "tmean(ratio over 1s)", 6.7375 }, { "number(integral(ratio over 1s), [s])", 6.7375 },
		{ "number(run_time(ratio > 6.5 over 1s), [s])", 0.5 }, { "coverage(ratio over 1s)", 1 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct expr_result *r = ten_samples(rows[i].text);
		double got = testing_number(r);
		if (fabs(got - rows[i].want) > 1e-12 * (1 + fabs(rows[i].want)) || r->status != 0)
			test_fail(__FILE__, __LINE__, "%s is %.17g (%s), want %.17g", rows[i].text, got,
			    status_name(r->status),
			    rows[i].want);
	}
}

/* ---- the reference ---- */

#define MANY 3000
struct seen { int64_t at; double v; bool unsure; };
static struct seen	seen[MANY];
static size_t		nseen;

struct ref { double n, usable, sum, v, unsure; bool have; };

/* Samples in (from, now], or the last n. */
static size_t
first_in(int64_t now, int64_t span, size_t n)
{
	size_t i = nseen;
	if (n > 0)
		return nseen > n ? nseen - n : 0;
	while (i > 0 && seen[i - 1].at > now - span)
		i--;
	return i;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* What a window of samples should say; false: nothing usable. */
static bool
of_samples(const char *fn, size_t from, double *out)
{
	static double v[MANY], at[MANY];
	size_t n = 0;
	double sum = 0, mean, sq = 0, tm = 0, tt = 0, tv = 0;

	for (size_t i = from; i < nseen; i++)
		if (!isnan(seen[i].v)) {
			at[n] = (double)(seen[i].at - seen[from].at) / 1e9;
			v[n++] = seen[i].v;
		}
	for (size_t i = 0; i < n; i++) {
		sum += v[i];
		tm += at[i];
	}
	mean = n > 0 ? sum / (double)n : 0;
	tm = n > 0 ? tm / (double)n : 0;
	for (size_t i = 0; i < n; i++) {
		sq += (v[i] - mean) * (v[i] - mean);
		tt += (at[i] - tm) * (at[i] - tm);
		tv += (at[i] - tm) * (v[i] - mean);
	}
	if (strcmp(fn, "slope") == 0) {
		*out = tt > 0 ? tv / tt : 0;
		return tt > 0;
	}
	if (strcmp(fn, "rate") == 0) {
		*out = n > 1 && at[n - 1] > at[0] ? (v[n - 1] - v[0]) / (at[n - 1] - at[0]) : 0;
		return n > 1 && at[n - 1] > at[0];
	}
	*out = strcmp(fn, "delta") == 0 && n > 0 ? v[n - 1] - v[0] : strcmp(fn, "sum") == 0 ? sum :
	    strcmp(fn, "stddev") == 0 ?
	    (n > 1 ? sqrt(sq / (double)(n - 1)) : 0) : mean;
	if (strcmp(fn, "stddev") == 0)
		return n > 1;
	if (strcmp(fn, "min") == 0 || strcmp(fn, "max") == 0 || strcmp(fn, "median") == 0) {
		qsort(v, n, sizeof *v, by_value);
		*out = n == 0 ? 0 : strcmp(fn, "min") == 0 ? v[0] : strcmp(fn, "max") == 0 ? v[n - 1] :
		    n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
	}
	return n > 0;
}

/* What a window of time should say: each sample stands until the next. */
static bool
of_time(const char *fn, int64_t now, int64_t span, double *out)
{
	double area = 0, good = 0;

	for (size_t i = 0; i < nseen; i++) {
		int64_t a = seen[i].at, b = i + 1 < nseen ? seen[i + 1].at : now;
		a = a > now - span ? a : now - span;
		if (b <= a || isnan(seen[i].v))
			continue;
		good += (double)(b - a) / 1e9;
		area += (double)(b - a) / 1e9 * seen[i].v;
	}
	*out = strcmp(fn, "tmean") == 0 ? area / good : strcmp(fn, "coverage") == 0 ? good / ((double)span / 1e9) :
	    area;
	return good > 0 || strcmp(fn, "coverage") == 0;
}

static uint64_t seed = 88172645463325252ull;
static double
chance(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (double)(seed >> 11) / 9007199254740992.0;
}

/* One random run of a window; steps of time are a multiple of 2 ns, since entries keep a flag in the lowest bit. */
static void
run(const char *fn, bool timed, int64_t span, size_t count)
{
	char text[100];
	double scale = 1;

	if (count > 0)
		snprintf(text, sizeof text, "%s(ratio over %zu)", fn, count);
	else
		snprintf(text, sizeof text, "%s(ratio over %lld [ms])", fn, (long long)(span / NS_PER_MS));
	open_or_fail(text);
	nseen = 0;
	for (size_t i = 0; i < 700; i++) {
		bool fresh = chance() < 0.9, spike = chance() < 0.01;
		double v = spike ? 1e6 : floor(chance() * 20) / 4 - 2, want;
		t.now_ns += chance() < 0.02 ? 7 * NS_PER_S : 2 * (int64_t)(chance() * 1e8);
		if (fresh) {
			bool bad = chance() < 0.1, unsure = chance() < 0.1;
			testing_set(&t, T_RATIO, v);
			if (bad)
				t.now[T_RATIO].status = (uint32_t)STATUS_BadTimeout;
			else if (unsure)
				t.now[T_RATIO].status = STATUS_Uncertain;
			seen[nseen++] = (struct seen){ t.now_ns, bad ? NAN : v, unsure };
		}
		if (t.now[T_RATIO].time.ns == 0)
			continue;
		const struct expr_result *r = testing_eval(&t, fresh);
		bool usable = timed ? of_time(fn, t.now_ns, span, &want) :
		    of_samples(fn, first_in(t.now_ns, span, count), &want);
		scale = fmax(scale, fabs(want));
		if (usable != !status_is_bad(r->status))
			test_fail(__FILE__, __LINE__, "%s step %zu: %s, want %s", text, i, status_name(r->status),
			    usable ? "usable" : "bad");
		if (usable && fabs(testing_number(r) - want) > (strcmp(fn, "slope") == 0 ? 1e-8 : 1e-9) * scale)
			test_fail(__FILE__, __LINE__, "%s step %zu is %.17g, want %.17g", text, i, testing_number(r),
			    want);
	}
}

TEST(random_samples_give_what_the_plain_reference_says)
{
	static const char *const sampled[] = { "mean", "sum", "min", "max", "stddev", "median", "slope", "rate",
	    "delta" };
	static const char *const timed[] = { "tmean", "integral", "coverage" };

	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < sizeof sampled / sizeof *sampled; i++) {
			run(sampled[i], false, 0, (size_t)(1 + chance() * 40));
			run(sampled[i], false, (int64_t)(1 + chance() * 5000) * NS_PER_MS, 0);
		}
		for (size_t i = 0; i < sizeof timed / sizeof *timed; i++)
			run(timed[i], true, (int64_t)(1 + chance() * 5000) * NS_PER_MS, 0);
	}
}

static void
feed(double v, uint32_t status)
{
	testing_set(&t, T_RATIO, v);
	t.now[T_RATIO].status = status;
	testing_eval(&t, true);
	t.now_ns += TESTING_PERIOD_NS;
}

TEST(a_window_is_good_when_it_is_full_and_all_in_it_was_good)
{
	static const char *const texts[] = { "mean(ratio over 1s)", "mean(ratio over 10)", "tmean(ratio over 1s)" };

	for (size_t k = 0; k < 3; k++) {
		open_or_fail(texts[k]);
		for (int i = 0; i < 9; i++)
			feed(1, 0);
		CHECK_INT(t.r.status, STATUS_UncertainSubNormal);
		CHECK_INT(t.r.why, EXPR_WHY_PARTLY);
		for (int i = 0; i < 3; i++)
			feed(1, 0);
		CHECK_INT(t.r.status, 0);
		feed(2, (uint32_t)STATUS_BadTimeout);
		feed(1, 0);
		CHECK_INT(t.r.status, STATUS_UncertainSubNormal);
		for (int i = 0; i < 12; i++)
			feed(1, 0);
		CHECK_INT(t.r.status, 0);
		expr_gap(t.p, t.state);
		feed(1, 0);
		CHECK_INT(t.r.status, STATUS_UncertainSubNormal);
		for (int i = 0; i < 12; i++)
			feed(1, 0);
		CHECK_INT(t.r.status, 0);
		for (int i = 0; i < 12; i++)
			feed(1, (uint32_t)STATUS_BadTimeout);
		CHECK_INT(t.r.status, (uint32_t)STATUS_BadTimeout);
	}
}

TEST(a_window_with_more_samples_than_it_has_room_for_says_so)
{
	open_or_fail("mean(ratio over 1s)");	/* room for about 29 */
	for (int i = 0; i < 200; i++) {
		testing_set(&t, T_RATIO, i);
		testing_eval(&t, true);
		t.now_ns += 10 * NS_PER_MS;
	}
	CHECK_INT(t.r.status, STATUS_UncertainSubNormal);
	CHECK(testing_number(&t.r) > 180);
}

TEST(a_clock_that_goes_back_far_empties_windows_and_a_little_does_not)
{
	open_or_fail("mean(ratio over 1s)");
	for (int i = 0; i < 15; i++)
		feed(1, 0);
	t.now_ns -= 2 * TESTING_PERIOD_NS;
	feed(1, 0);
	CHECK_INT(t.r.status, 0);
	t.now_ns -= 3600 * NS_PER_S;
	feed(5, 0);
	CHECK_INT(t.r.status, STATUS_UncertainSubNormal);
	CHECK(testing_number(&t.r) == 5);
}
/* It counts with its value, and as doubt for as long as a part of its time is in the window. */
TEST(time_under_an_uncertain_value_makes_a_window_of_time_uncertain)
{
	open_or_fail("tmean(ratio over 1s)");
	for (int i = 0; i <= 40; i++) {
		testing_set(&t, T_RATIO, i);
		t.now[T_RATIO].status = i == 20 ? STATUS_Uncertain : 0;
		testing_eval(&t, true);
		if (i >= 15 && i <= 20)	/* of 100 ms each; the twentieth's time begins only now */
			CHECK_INT(t.r.status, 0);
		if (i >= 21 && i <= 30)
			CHECK_INT(t.r.status, STATUS_UncertainSubNormal);
		if (i >= 32)
			CHECK_INT(t.r.status, 0);
		t.now_ns += TESTING_PERIOD_NS;
	}
}

TEST_MAIN
