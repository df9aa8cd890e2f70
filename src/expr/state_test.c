/* What is remembered between evaluations: previous values, edges, counters over roll-overs, resets and restarts. */
#include "expr/expr_testing.h"

#include "base/test.h"

static struct testing t;

static void
open_or_fail(const char *text)
{
	if (testing_open(&t, text, NULL) != 0)
		test_fail(__FILE__, __LINE__, "%s: column %d: %s", text, t.e.column, t.e.cause);
}

static double
next(int tag, double v)
{
	testing_set(&t, tag, v);
	t.now_ns += TESTING_PERIOD_NS;
	return testing_number(testing_eval(&t, true));
}

static const double *
next_all(int tag, const double *v, size_t n)
{
	static double out[32];
	for (size_t i = 0; i < n; i++)
		out[i] = next(tag, v[i]);
	return out;
}

static void
sequence(const char *text, int tag, const double *v, const double *want, size_t n)
{
	open_or_fail(text);
	const double *got = next_all(tag, v, n);
	for (size_t i = 0; i < n; i++)
		if (got[i] != want[i])
			test_fail(__FILE__, __LINE__, "%s at %zu is %g, want %g", text, i, got[i], want[i]);
}

#define NO -999999.0	/* testing_number() of what is bad */

TEST(previous_values_and_edges_look_at_samples)
{
	static const double v[] = { 1, 1, 0, 0, 1, 0, 1 };

	sequence("prev(count)", T_COUNT, (double[]){ 5, 7, 7, 9 }, (double[]){ NO, 5, 7, 7 }, 4);
	sequence("changed(count)", T_COUNT, (double[]){ 5, 7, 7, 9 }, (double[]){ 0, 1, 0, 1 }, 4);
	sequence("rising(running)", T_RUNNING, v, (double[]){ 0, 0, 0, 0, 1, 0, 1 }, 7);
	sequence("falling(running)", T_RUNNING, v, (double[]){ 0, 0, 1, 0, 0, 1, 0 }, 7);
	sequence("edges(running)", T_RUNNING, v, (double[]){ 0, 0, 0, 0, 1, 1, 2 }, 7);
	CHECK_INT(testing_eval(&t, false)->v.i, 2);	/* no new sample: nothing new */
}

TEST(a_counter_counts_over_roll_over_and_reset)
{
	sequence("counter(count)", T_COUNT, (double[]){ 100, 103, 103, 2, 5 }, (double[]){ 0, 3, 3, 5, 8 }, 5);
	sequence("counter(count, 65536)", T_COUNT, (double[]){ 65530, 65535, 4, 10 }, (double[]){ 0, 5, 10, 16 }, 4);
	/* So far back that it can be no roll-over: a reset, and 3 since. */
	sequence("counter(count, 65536)", T_COUNT, (double[]){ 10000, 10010, 3 }, (double[]){ 0, 10, 13 }, 3);
	sequence("counter(ratio)", T_RATIO, (double[]){ 1.5, 2.25, 0.5 }, (double[]){ 0, 0.75, 1.25 }, 3);
}

TEST(a_counter_keeps_its_sum_while_its_input_is_bad_and_misses_nothing)
{
	open_or_fail("counter(count)");
	next(T_COUNT, 10);
	next(T_COUNT, 14);
	t.now[T_COUNT].status = (uint32_t)STATUS_BadTimeout;
	const struct expr_result *r = testing_eval(&t, true);
	CHECK_INT(r->status, STATUS_UncertainLastUsableValue);
	CHECK_INT(r->why, EXPR_WHY_KEPT);
	CHECK_INT(r->v.i, 4);
	CHECK(next(T_COUNT, 20) == 10);
	CHECK_INT(t.r.status, 0);
	testing_eval(&t, true);	/* the same sample once more */
	CHECK(next(T_COUNT, 20) == 10);
}

/* Kept from one program, put into another whose text differs elsewhere. */
TEST(counts_outlive_the_process_and_changes_elsewhere_in_the_expression)
{
	uint8_t kept[2][EXPR_KEEP_MAX];
	uint64_t key[2];
	size_t len[2];

	open_or_fail("counter(count) + edges(running)");
	testing_set(&t, T_RUNNING, 0);
	next(T_COUNT, 10);
	next(T_COUNT, 25);
	CHECK_INT(expr_keeps(t.p), 2);
	for (size_t i = 0; i < 2; i++)
		len[i] = expr_keep(t.p, t.state, i, &key[i], kept[i]);
	open_or_fail("2 * counter( count ) + 1");
	CHECK_INT(expr_restore(t.p, t.state, key[0], kept[0], len[0]), 0);
	CHECK_INT(expr_restore(t.p, t.state, key[1], kept[1], len[1]), ERR_NOTFOUND);
	CHECK(next(T_COUNT, 30) == 41);	/* 15 before, 5 while nobody looked */
	open_or_fail("counter( count / 1 )");	/* another text, and a float */
	CHECK_INT(expr_restore(t.p, t.state, key[0], kept[0], len[0]), ERR_NOTFOUND);
	open_or_fail("counter(total)");	/* another tag is another count */
	CHECK_INT(expr_restore(t.p, t.state, key[0], kept[0], len[0]), ERR_NOTFOUND);
}

TEST(held_and_run_time_count_time_that_is_known_to_be_true)
{
	open_or_fail("held(running)");
	CHECK(next(T_RUNNING, 1) == 0);
	t.now_ns += NS_PER_S;
	CHECK(testing_number(testing_eval(&t, false)) == 1);
	CHECK(next(T_RUNNING, 0) == 0);
	open_or_fail("held(running, 500 [ms])");
	CHECK(next(T_RUNNING, 1) == 0);
	t.now_ns += 500 * NS_PER_MS;
	CHECK_INT(testing_eval(&t, false)->v.b, 1);
	t.now[T_RUNNING].status = (uint32_t)STATUS_BadTimeout;
	CHECK_INT(testing_eval(&t, true)->status, (uint32_t)STATUS_BadTimeout);
	CHECK(next(T_RUNNING, 1) == 0);	/* whether it was on meanwhile is not known */
	open_or_fail("run_time(running)");
	next(T_RUNNING, 1);
	t.now_ns += NS_PER_S;
	testing_eval(&t, false);
	expr_gap(t.p, t.state);		/* the process was away */
	t.now_ns += 100 * NS_PER_S;
	testing_eval(&t, false);
	t.now_ns += NS_PER_S;
	CHECK(testing_number(testing_eval(&t, false)) == 2);
}

TEST(a_latch_holds_until_reset_and_reset_wins)
{
	open_or_fail("latch(running, word.0)");
	testing_set(&t, T_WORD, 0);
	CHECK(next(T_RUNNING, 0) == 0);
	CHECK(next(T_RUNNING, 1) == 1);
	CHECK(next(T_RUNNING, 0) == 1);
	t.now[T_RUNNING].status = (uint32_t)STATUS_BadTimeout;
	CHECK_INT(testing_eval(&t, true)->status, STATUS_UncertainLastUsableValue);
	CHECK_INT(t.r.v.b, 1);
	testing_set(&t, T_RUNNING, 1);
	CHECK(next(T_WORD, 1) == 0);
}

TEST(texts_are_remembered_as_copies)
{
	char text[] = "LOT-1";

	open_or_fail("prev(batch)");
	testing_text(&t, T_BATCH, text);
	testing_eval(&t, true);
	text[4] = '2';
	CHECK(testing_eval(&t, true)->v.type == VALUE_TEXT);
	CHECK(memcmp(t.r.v.p, "LOT-1", 5) == 0);
	open_or_fail("changed(batch)");
	testing_text(&t, T_BATCH, text);
	testing_eval(&t, true);
	text[4] = '3';
	CHECK_INT(testing_eval(&t, true)->v.b, 1);
}
TEST_MAIN
