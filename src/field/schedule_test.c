/* Due times, deadlines and percentiles under a clock that the test turns by hand. */
#include "field/schedule.h"

#include "base/test.h"
#include "base/backoff.h"
#include "field/deadline.h"
#include "field/hist.h"

#define MS NS_PER_MS

TEST(a_grid_does_not_drift_however_late_each_scan_is)
{
	struct grid g;
	uint64_t skipped;

	grid_init(&g, 10 * MS, 42, 0);
	grid_start(&g, (struct mono){ 1000 * NS_PER_S });
	struct mono first = g.due;
	for (int i = 0; i < 100000; i++) {
		struct mono now = mono_add(g.due, (i * 7919) % (9 * MS));
		struct mono due = grid_take(&g, now, &skipped);
		CHECK_INT(skipped, 0);
		CHECK_INT(mono_diff(due, first), i * 10 * MS);
	}
}

TEST(lost_due_times_are_counted_and_not_queued)
{
	struct grid g;
	uint64_t skipped;

	grid_init(&g, 100 * MS, 1, 0);
	grid_start(&g, (struct mono){ NS_PER_S });
	struct mono first = g.due;
	struct mono due = grid_take(&g, mono_add(first, 350 * MS), &skipped);
	CHECK_INT(skipped, 3);
	CHECK_INT(mono_diff(due, first), 300 * MS);
	CHECK_INT(mono_diff(g.due, first), 400 * MS);
}

TEST(a_paused_grid_comes_back_to_the_same_times)
{
	struct grid a, b;

	grid_init(&a, 250 * MS, 99, 3);
	b = a;
	grid_start(&a, (struct mono){ 5 * NS_PER_S });
	grid_start(&b, (struct mono){ 5 * NS_PER_S + 123456789 });
	CHECK_INT(mono_diff(b.due, a.due) % (250 * MS), 0);
	CHECK(b.due.ns >= 5 * NS_PER_S + 123456789);
	CHECK(b.due.ns < 5 * NS_PER_S + 123456789 + 250 * MS);
}

TEST(sources_of_one_period_spread_over_it_and_always_in_the_same_way)
{
	int tenth[10] = { 0 };

	for (uint64_t key = 0; key < 1000; key++) {
		struct grid g, again;
		grid_init(&g, 1000 * MS, key, 0);
		grid_init(&again, 1000 * MS, key, 0);
		CHECK_INT(g.phase_ns, again.phase_ns);
		tenth[g.phase_ns / (100 * MS)]++;
	}
	for (int i = 0; i < 10; i++)
		CHECK(tenth[i] > 60 && tenth[i] < 140);
}

static int fired_order[64], fired_n;
struct entry { struct deadline d; int id; };

static void
note(struct deadline *d, struct mono now)
{
	CHECK(!mono_before(now, d->at));
	fired_order[fired_n++] = ((struct entry *)(void *)d)->id;
}

TEST(deadlines_fire_in_order_and_can_be_moved_and_cleared)
{
	struct deadlines h = { 0 };
	struct entry e[40];

	fired_n = 0;
	for (int i = 0; i < 40; i++) {
		e[i] = (struct entry){ .d.fire = note, .id = i };
		deadline_set(&h, &e[i].d, (struct mono){ (i * 17) % 40 + 1 });
	}
	for (int i = 0; i < 40; i++)
		deadline_set(&h, &e[i].d, (struct mono){ 100 - i });
	for (int i = 0; i < 40; i += 2)
		deadline_set(&h, &e[i].d, MONO_NEVER);
	CHECK_INT(deadlines_next(&h).ns, 61);
	CHECK_INT(deadlines_run(&h, (struct mono){ 80 }, 64), 10);
	CHECK_INT(deadlines_run(&h, (struct mono){ 1000 }, 4), 4);
	CHECK_INT(deadlines_run(&h, (struct mono){ 1000 }, 64), 6);
	for (int i = 0; i < 20; i++)
		CHECK_INT(fired_order[i], 39 - 2 * i);
	CHECK_INT(deadlines_next(&h).ns, MONO_NEVER.ns);
	deadlines_fini(&h);
}

TEST(a_percentile_is_within_a_step_of_the_truth_and_forgets_the_past)
{
	static struct hist h;
	struct mono now = { NS_PER_S };

	for (int i = 1; i <= 1000; i++)
		hist_add(&h, i * 10 * NS_PER_US, now);
	double p50 = (double)hist_us(&h, 0.50, now), p99 = (double)hist_us(&h, 0.99, now);
	CHECK(p50 > 5000 * 0.93 && p50 < 5000 * 1.07);
	CHECK(p99 > 9900 * 0.93 && p99 < 9900 * 1.07);
	hist_add(&h, 5 * NS_PER_US, mono_add(now, 30 * NS_PER_S));
	CHECK_INT(hist_us(&h, 0.99, mono_add(now, 30 * NS_PER_S)), 5);
	CHECK_INT(hist_us(&h, 0.99, mono_add(now, 90 * NS_PER_S)), 0);
}

TEST(pauses_double_up_to_the_ceiling_with_jitter_that_pulls_devices_apart)
{
	struct backoff a, b;
	int equal = 0;

	backoff_init(&a, NS_PER_S, 30 * NS_PER_S, 1);
	backoff_init(&b, NS_PER_S, 30 * NS_PER_S, 2);
	int64_t range = NS_PER_S;
	for (int i = 0; i < 20; i++) {
		int64_t pause = backoff_next(&a);
		CHECK(pause <= range && pause > range / 2);
		equal += pause == backoff_next(&b);
		range = range * 2 > 30 * NS_PER_S ? 30 * NS_PER_S : range * 2;
	}
	CHECK_INT(equal, 0);
	backoff_reset(&a);
	CHECK(backoff_next(&a) <= NS_PER_S);
}

TEST_MAIN
