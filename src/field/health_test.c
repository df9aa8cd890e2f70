/* Demotion, probes and the budget of a bus, under a clock that the test turns by hand. */
#include "field/health.h"

#include "base/test.h"

static const struct mono t0 = { 1000 * NS_PER_S };

TEST(three_misses_in_a_row_demote_and_one_answer_recovers)
{
	struct health h;

	health_init(&h, "plc", 7, false, t0);
	CHECK_INT(health_outcome(&h, OUTCOME_TIMEOUT, t0), HEALTH_NOTHING);
	CHECK_INT(h.state, HEALTH_SUSPECT);
	CHECK_INT(health_outcome(&h, OUTCOME_OK, t0), HEALTH_NOTHING);
	CHECK_INT(health_outcome(&h, OUTCOME_TIMEOUT, t0), HEALTH_NOTHING);
	CHECK_INT(health_outcome(&h, OUTCOME_GARBAGE, t0), HEALTH_NOTHING);
	CHECK_INT(health_outcome(&h, OUTCOME_TIMEOUT, t0), HEALTH_DEMOTE);
	CHECK_INT(h.state, HEALTH_SILENT);
	health_probe(&h, t0);
	CHECK_INT(health_outcome(&h, OUTCOME_TIMEOUT, t0), HEALTH_NOTHING);
	health_probe_failed(&h, t0);
	CHECK_INT(h.state, HEALTH_SILENT);
	health_probe(&h, t0);
	CHECK_INT(health_outcome(&h, OUTCOME_OK, t0), HEALTH_RECOVER);
	CHECK_INT(h.state, HEALTH_GOOD);
}

TEST(a_device_that_answers_with_exceptions_is_alive)
{
	struct health h;

	health_init(&h, "plc", 7, false, t0);
	for (int i = 0; i < 10; i++)
		CHECK_INT(health_outcome(&h, OUTCOME_REFUSED, t0), HEALTH_NOTHING);
	CHECK_INT(h.state, HEALTH_GOOD);
}

TEST(on_a_shared_link_a_device_that_never_answered_is_demoted_at_once)
{
	struct health h;

	health_init(&h, "slave-9", 9, true, t0);
	CHECK_INT(health_outcome(&h, OUTCOME_TIMEOUT, t0), HEALTH_DEMOTE);
}

TEST(a_late_answer_brings_a_demoted_source_back_without_a_probe)
{
	struct health h;

	health_init(&h, "plc", 7, false, t0);
	for (int i = 0; i < HEALTH_MISSES_MAX; i++)
		health_outcome(&h, OUTCOME_TIMEOUT, t0);
	CHECK_INT(health_outcome(&h, OUTCOME_OK, t0), HEALTH_RECOVER);
}

TEST(a_lost_link_is_not_held_against_the_device)
{
	struct health h;

	health_init(&h, "plc", 7, false, t0);
	health_outcome(&h, OUTCOME_TIMEOUT, t0);
	health_link_down(&h, t0);
	CHECK_INT(h.state, HEALTH_GOOD);
	CHECK_INT(h.misses, 0);
}

/* Ten dead units on a bus, each probe holding it for half a second, over an hour. */
TEST(dead_units_take_no_more_of_a_bus_than_their_budget)
{
	struct budget b = { .free_at = t0 };
	struct health h[10];
	struct mono next[10], now = t0, end = mono_add(t0, 3600 * NS_PER_S);
	int64_t busy = 0;
	int probes[10] = { 0 };

	for (uint64_t i = 0; i < 10; i++) {
		health_init(&h[i], "unit", i, true, t0);
		health_outcome(&h[i], OUTCOME_TIMEOUT, t0);
		next[i] = mono_add(t0, health_pause(&h[i]));
	}
	while (mono_before(now, end)) {
		int first = 0;
		for (int i = 1; i < 10; i++)
			if (mono_before(next[i], next[first]))
				first = i;
		now = mono_before(next[first], b.free_at) ? b.free_at : next[first];
		health_probe(&h[first], now);
		now = mono_add(now, NS_PER_S / 2);
		busy += NS_PER_S / 2;
		budget_charge(&b, NS_PER_S / 2, now);
		health_outcome(&h[first], OUTCOME_TIMEOUT, now);
		health_probe_failed(&h[first], now);
		next[first] = mono_add(now, health_pause(&h[first]));
		probes[first]++;
	}
	CHECK(busy <= 3600 * NS_PER_S / 100 * (HEALTH_DEAD_PERCENT + 1));
	for (int i = 0; i < 10; i++)
		CHECK(probes[i] > 30);	/* and each is still asked at least every two minutes */
}

TEST_MAIN
