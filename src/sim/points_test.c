/* The register map: rows that fit together, and an image that shows what the model holds. */
#include "sim/points.h"

#include <math.h>
#include <string.h>

#include "base/test.h"

static struct sim_line line;
static struct sim_image image;

static uint64_t
words(const uint16_t *v, int n)
{
	uint64_t u = 0;
	for (int i = 0; i < n; i++)
		u = u << 16 | v[i];
	return u;
}

static void
run_line(uint32_t seconds)
{
	for (uint32_t i = 0; i < seconds * 1000 / SIM_STEP_MS; i++)
		sim_line_step(&line);
}

TEST(no_two_points_share_an_address)
{
	for (int k = 0; k < SIM_KINDS; k++) {
		const struct sim_point *rows[SIM_POINTS_MAX];
		size_t n = sim_points((enum sim_kind)k, rows, SIM_POINTS_MAX);
		uint8_t used[MBS_TABLES][SIM_IMAGE_SPAN] = { 0 };
		for (size_t i = 0; i < n; i++)
			for (uint16_t a = 0; a < sim_point_width(rows[i]); a++) {
				CHECK(rows[i]->addr0 + a < SIM_IMAGE_SPAN);
				if (used[rows[i]->table][rows[i]->addr0 + a]++)
					test_fail(__FILE__, __LINE__, "%s overlaps at %u", rows[i]->name,
					    rows[i]->addr0 + a);
			}
	}
}

TEST(values_stand_where_the_design_says_and_in_its_types)
{
	uint16_t v[8];
	const struct sim_machine *m = &line.machine[SIM_FILLER];

	sim_line_init(&line, 4);
	sim_image_init(&image, &line, SIM_FILLER);
	run_line(1000);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 100, 2, v), MBS_OK);
	uint32_t bits = (uint32_t)words(v, 2);
	float f;
	memcpy(&f, &bits, sizeof f);
	CHECK(f == (float)m->speed && f > 0);
	CHECK_INT(sim_image_read(&image, MBS_INPUT, 30, 2, v), MBS_OK);
	CHECK(v[1] == bits >> 16 && v[0] == (bits & 0xFFFF));
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 110, 6, v), MBS_OK);
	CHECK_INT(words(v, 2), m->good);
	CHECK_INT(words(v + 2, 2), m->reject);
	CHECK_INT(words(v + 4, 2), m->infeed);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 120, 1, v), MBS_OK);
	CHECK_INT(v[0], m->state);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 140, 8, v), MBS_OK);
	CHECK(v[0] == ('L' << 8 | 'E') || v[0] == ('C' << 8 | 'O') || v[0] == ('W' << 8 | 'A'));
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 170, 4, v), MBS_OK);
	uint64_t wide = words(v, 4);
	double d;
	memcpy(&d, &wide, sizeof d);
	CHECK(d == m->energy_kwh && d > 0);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 180, 4, v), MBS_OK);
	CHECK_INT(words(v, 4), 1000 * 1000);
	CHECK_INT(sim_image_read(&image, MBS_INPUT, 10, 1, v), MBS_OK);
	CHECK_INT((int16_t)v[0], lround(m->motor_temp / 0.1));
	CHECK_INT(sim_image_read(&image, MBS_DISCRETE, 0, 1, v), MBS_OK);
	CHECK_INT(v[0], m->state == PACKML_EXECUTE);
}

TEST(a_negative_value_is_shown_in_two_s_complement)
{
	uint16_t v;

	sim_line_init(&line, 4);
	sim_image_init(&image, &line, SIM_LABELLER);
	line.machine[SIM_LABELLER].wander[0] = -2;	/* two spreads of 0.45 mm, in 0.01 mm */
	CHECK_INT(sim_image_read(&image, MBS_INPUT, 40, 1, &v), MBS_OK);
	CHECK_INT(v, 65536 - 90);
}

TEST(registers_that_do_not_exist_are_refused)
{
	uint16_t v[125];

	sim_line_init(&line, 4);
	sim_image_init(&image, &line, SIM_CAPPER);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 100, 50, v), MBS_OK);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 100, 51, v), MBS_ILLEGAL_ADDRESS);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 150, 1, v), MBS_ILLEGAL_ADDRESS);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 151, 33, v), MBS_OK);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 0, 1, v), MBS_ILLEGAL_ADDRESS);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 1000, 125, v), MBS_ILLEGAL_ADDRESS);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 65535, 1, v), MBS_ILLEGAL_ADDRESS);
	CHECK_INT(sim_image_write(&image, MBS_HOLDING, 110, 1, v), MBS_ILLEGAL_ADDRESS);
	CHECK_INT(sim_image_write(&image, MBS_INPUT, 10, 1, v), MBS_ILLEGAL_ADDRESS);
}

TEST(writes_act_on_the_machine)
{
	static const uint16_t wanted[2] = { 0x43FA, 0x0000 }, nan[2] = { 0x7FC0, 0 };	/* 500.0, not a number */
	static const uint16_t stop = PACKML_STOP, no_command = PACKML_CMDS, on = 1;
	struct sim_machine *m = &line.machine[SIM_PACKER];
	uint16_t v[2];

	sim_line_init(&line, 4);
	sim_image_init(&image, &line, SIM_PACKER);
	run_line(60);
	CHECK_INT(sim_image_write(&image, MBS_HOLDING, 102, 2, wanted), MBS_OK);
	CHECK(m->setpoint == 500);
	CHECK_INT(sim_image_write(&image, MBS_HOLDING, 102, 2, nan), MBS_ILLEGAL_VALUE);
	CHECK(m->setpoint == 500);
	CHECK_INT(sim_image_write(&image, MBS_HOLDING, 130, 1, &no_command), MBS_ILLEGAL_VALUE);
	CHECK_INT(sim_image_write(&image, MBS_HOLDING, 130, 1, &stop), MBS_OK);
	CHECK_INT(m->state, PACKML_STOPPING);
	run_line(10);
	CHECK_INT(sim_image_write(&image, MBS_COIL, 2, 1, &on), MBS_OK);
	CHECK_INT(m->state, PACKML_RESETTING);
	CHECK_INT(sim_image_read(&image, MBS_COIL, 2, 1, v), MBS_OK);
	CHECK_INT(v[0], 0);
	CHECK_INT(sim_image_write(&image, MBS_COIL, 20, 1, &on), MBS_OK);
	CHECK_INT(sim_image_write(&image, MBS_HOLDING, 998, 2, wanted), MBS_OK);
	run_line(1);
	CHECK_INT(sim_image_read(&image, MBS_COIL, 20, 1, v), MBS_OK);
	CHECK_INT(v[0], 1);
	CHECK_INT(sim_image_read(&image, MBS_HOLDING, 998, 2, v), MBS_OK);
	CHECK_INT(words(v, 2), 0x43FA0000);
}

TEST_MAIN
