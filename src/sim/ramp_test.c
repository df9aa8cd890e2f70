/* The values of a load device are the documented function, and one answer is of one tick. */
#include "sim/ramp.h"

#include "base/test.h"

TEST(every_register_of_a_block_follows_from_the_tick)
{
	struct sim_ramp r;
	uint16_t v[125], bits[16];

	sim_ramp_init(&r, 3, 1000, 0);
	CHECK_INT(sim_ramp_read(&r, MBS_HOLDING, 0, 125, v), MBS_OK);
	uint32_t tick = (uint32_t)v[0] << 16 | v[1];
	CHECK_INT(tick, 1);
	for (uint32_t a = 2; a < 125; a++)
		CHECK_INT(v[a], (tick + 7 * a + 131 * 3) % 65536);
	CHECK_INT(sim_ramp_read(&r, MBS_INPUT, 900, 100, v), MBS_OK);
	CHECK_INT(v[99], (2 + 7 * 999 + 131 * 3) % 65536);
	CHECK_INT(sim_ramp_read(&r, MBS_COIL, 0, 16, bits), MBS_OK);
	CHECK(bits[0] == 1 && bits[1] == 0 && bits[15] == 0);
	CHECK_INT(sim_ramp_read(&r, MBS_HOLDING, 900, 101, v), MBS_ILLEGAL_ADDRESS);
}

TEST(with_a_period_the_tick_follows_the_clock)
{
	struct sim_ramp r;

	sim_ramp_init(&r, 0, 10, 100);
	uint32_t a = sim_ramp_tick(&r), b;
	CHECK(a - (uint32_t)(r.start_wall_ms / 100) <= 1);
	r.start_ms -= 1000;	/* a second passes */
	b = sim_ramp_tick(&r);
	CHECK(b - a >= 10 && b - a <= 11);
}

TEST_MAIN
