/* The line model: conservation, determinism, legal PackML moves, and that it behaves like a line. */
#include "sim/line.h"

#include <string.h>

#include "base/map.h"
#include "base/test.h"

#define HOUR (3600u * 1000 / SIM_STEP_MS)

static struct sim_line line;

/* Base state model of ISA-TR88.00.02-2015, written down here once more, edge by edge: from, to. */
static const uint8_t legal[][2] = {
	{ 1, 2 }, { 2, 15 }, { 3, 6 }, { 4, 3 }, { 5, 14 }, { 6, 16 }, { 6, 10 }, { 6, 13 }, { 7, 2 }, { 8, 9 },
	{ 9, 1 }, { 10, 11 }, { 11, 12 }, { 12, 6 }, { 13, 5 }, { 14, 6 }, { 15, 4 }, { 16, 17 }, { 17, 15 },
	/* Stop, from all but stopped and aborted ones */
	{ 3, 7 }, { 4, 7 }, { 5, 7 }, { 6, 7 }, { 10, 7 }, { 11, 7 }, { 12, 7 }, { 13, 7 }, { 14, 7 }, { 15, 7 },
	{ 16, 7 }, { 17, 7 },
	/* Abort, from all */
	{ 1, 8 }, { 2, 8 }, { 3, 8 }, { 4, 8 }, { 5, 8 }, { 6, 8 }, { 7, 8 }, { 10, 8 }, { 11, 8 }, { 12, 8 },
	{ 13, 8 }, { 14, 8 }, { 15, 8 }, { 16, 8 }, { 17, 8 },
};

static bool
is_legal(int from, int to)
{
	for (size_t i = 0; i < sizeof legal / sizeof legal[0]; i++)
		if (legal[i][0] == from && legal[i][1] == to)
			return true;
	return false;
}

TEST(states_and_commands_allow_exactly_the_edges_of_the_standard)
{
	for (int from = 1; from < PACKML_STATES; from++)
		for (int to = 1; to < PACKML_STATES; to++) {
			bool can = false;
			for (int c = PACKML_RESET; c <= PACKML_DONE; c++)
				can |= to != from &&
				    (int)sim_packml_next((enum sim_packml)from, (enum sim_packml_cmd)c) == to;
			if (can != is_legal(from, to))
				test_fail(__FILE__, __LINE__, "from %d to %d: %d", from, to, can);
		}
}

TEST(bottles_are_conserved_through_a_day)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		sim_line_init(&line, seed);
		for (uint32_t i = 0; i < 24 * HOUR; i++) {
			sim_line_step(&line);
			const char *wrong = sim_line_imbalance(&line);
			if (wrong != NULL)
				test_fail(__FILE__, __LINE__, "seed %d step %u: %s", (int)seed, i, wrong);
		}
		CHECK(line.machine[SIM_PACKER].good > 24 * 10000);
		CHECK(line.machine[SIM_PACKER].good < line.machine[SIM_FILLER].good);
	}
}

TEST(every_move_between_states_is_legal_also_under_random_commands)
{
	struct sim_rng dice;
	int state[SIM_KINDS], moves = 0;

	sim_rng_init(&dice, 99, 0);
	sim_line_init(&line, 5);
	for (uint32_t i = 0; i < 12 * HOUR; i++) {
		for (int k = 0; k < SIM_KINDS; k++)
			state[k] = (int)line.machine[k].state;
		sim_line_step(&line);
		for (int k = 0; k < SIM_KINDS; k++) {
			int to = (int)line.machine[k].state;
			if (to != state[k] && !is_legal(state[k], to))
				test_fail(__FILE__, __LINE__, "machine %d from %d to %d", k, state[k], to);
			moves += to != state[k];
		}
		if (i % 60 == 0)
			sim_machine_command(&line.machine[sim_rng_u64(&dice) % SIM_KINDS],
			    (enum sim_packml_cmd)(sim_rng_u64(&dice) % PACKML_CMDS));
		CHECK(sim_line_imbalance(&line) == NULL);
	}
	CHECK(moves > 500);
}

static uint64_t
history_hash(uint64_t seed)
{
	uint64_t h = 0;

	sim_line_init(&line, seed);
	for (uint32_t i = 0; i < 2 * HOUR; i++) {
		sim_line_step(&line);
		for (int k = 0; k < SIM_KINDS; k++) {
			const struct sim_machine *m = &line.machine[k];
			h = hash64_more(h, &m->state, sizeof m->state);
			h = hash64_more(h, &m->good, sizeof m->good);
			h = hash64_more(h, &m->speed, sizeof m->speed);
			h = hash64_more(h, &m->vibration, sizeof m->vibration);
		}
	}
	return h;
}

TEST(the_same_seed_gives_the_same_history_another_seed_another)
{
	uint64_t a = history_hash(42), b = history_hash(42), c = history_hash(43);
	CHECK(a == b);
	CHECK(a != c);
}

TEST(a_day_shows_every_kind_of_stop_and_a_plausible_yield)
{
	uint64_t stops[SIM_CAUSES] = { 0 };

	sim_line_init(&line, 7);
	for (uint32_t i = 0; i < 72 * HOUR; i++)
		sim_line_step(&line);
	for (int k = 0; k < SIM_KINDS; k++) {
		const struct sim_machine *m = &line.machine[k];
		for (int c = 0; c < SIM_CAUSES; c++)
			stops[c] += m->stops[c];
		double running = (double)m->steps_in[PACKML_EXECUTE] / (double)line.step;
		double yield = (double)m->good / (double)m->infeed;
		if (running < 0.4 || running > 0.95 || yield < 0.97 || yield > 0.9999)
			test_fail(__FILE__, __LINE__, "%s runs %.2f of the time, yield %.4f", m->type->name, running,
			    yield);
		CHECK(m->steps_in[PACKML_COMPLETE] > 0 && m->batch > 10);
		CHECK(m->motor_temp > 15 && m->motor_temp < 90 && m->vibration >= 0 && m->vibration < 20);
	}
	CHECK(stops[SIM_STARVED] && stops[SIM_BLOCKED] && stops[SIM_MICRO_STOP]);
	CHECK(stops[SIM_JAM] && stops[SIM_FAILURE] && stops[SIM_MATERIAL]);
}

/* Step until machine k is in a state, at most an hour. */
static bool
reaches(int k, enum sim_packml s)
{
	for (uint32_t i = 0; i < HOUR && line.machine[k].state != s; i++)
		sim_line_step(&line);
	return line.machine[k].state == s;
}

TEST(a_standing_capper_blocks_the_filler_and_starves_the_labeller)
{
	sim_line_init(&line, 11);
	CHECK(reaches(SIM_CAPPER, PACKML_EXECUTE));
	for (int i = 0; i < 120 * 20; i++)
		sim_line_step(&line);
	CHECK(reaches(SIM_CAPPER, PACKML_EXECUTE));
	CHECK(sim_machine_command(&line.machine[SIM_CAPPER], PACKML_STOP));
	CHECK(reaches(SIM_FILLER, PACKML_SUSPENDED) && line.machine[SIM_FILLER].cause == SIM_BLOCKED);
	CHECK(reaches(SIM_LABELLER, PACKML_SUSPENDED) && line.machine[SIM_LABELLER].cause == SIM_STARVED);
	CHECK(reaches(SIM_PACKER, PACKML_SUSPENDED) && line.machine[SIM_PACKER].cause == SIM_STARVED);
	for (uint32_t i = 0; i < HOUR / 4; i++)
		sim_line_step(&line);
	/* Nobody restarts what was stopped from outside. */
	CHECK_INT(line.machine[SIM_CAPPER].state, PACKML_STOPPED);
	CHECK(sim_machine_command(&line.machine[SIM_CAPPER], PACKML_RESET));
	CHECK(reaches(SIM_CAPPER, PACKML_IDLE));
	CHECK(sim_machine_command(&line.machine[SIM_CAPPER], PACKML_START));
	CHECK(reaches(SIM_FILLER, PACKML_EXECUTE) && reaches(SIM_PACKER, PACKML_EXECUTE));
}

TEST(an_upset_happens_at_once_and_costs_bottles)
{
	sim_line_init(&line, 3);
	CHECK(!sim_machine_upset(&line.machine[SIM_FILLER], SIM_JAM));
	CHECK(reaches(SIM_FILLER, PACKML_EXECUTE));
	for (int i = 0; i < 600; i++)
		sim_line_step(&line);
	CHECK(reaches(SIM_FILLER, PACKML_EXECUTE));
	uint64_t before = line.machine[SIM_FILLER].reject;
	CHECK(sim_machine_upset(&line.machine[SIM_FILLER], SIM_JAM));
	CHECK(line.machine[SIM_FILLER].reject > before);
	CHECK_INT(line.machine[SIM_FILLER].state, PACKML_HOLDING);
	CHECK(reaches(SIM_FILLER, PACKML_HELD) && reaches(SIM_FILLER, PACKML_EXECUTE));
	CHECK(sim_line_imbalance(&line) == NULL);
}

TEST_MAIN
