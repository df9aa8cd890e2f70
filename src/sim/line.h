/*
 * The bottling line: four machines in a row with a conveyor before, between and behind them.
 *
 *   supply ->[0]-> filler ->[1]-> capper ->[2]-> labeller ->[3]-> packer ->[4]-> palletiser
 *
 * Supply and palletiser are outside the line; they too stop now and then, so the line starves and blocks at its ends.
 * A stop anywhere travels: upstream machines block when their buffer is full, downstream ones starve when it is empty.
 */
#ifndef SIM_LINE_H
#define SIM_LINE_H

#include <stdint.h>

#include "sim/machine.h"

#define SIM_BUFFERS (SIM_KINDS + 1)

struct sim_end { double left_s; bool down; double carry; };

struct sim_line {
	uint64_t		seed, step;		/* model time is step * SIM_STEP_MS */
	struct sim_machine	machine[SIM_KINDS];
	struct sim_buffer	buffer[SIM_BUFFERS];	/* buffer[k] is before machine k, buffer[k + 1] behind it */
	struct sim_end		supply, palletiser;
	struct sim_rng		rng;
};

void sim_line_init(struct sim_line *l, uint64_t seed);
void sim_line_step(struct sim_line *l);
static inline uint64_t sim_line_ms(const struct sim_line *l) { return l->step * SIM_STEP_MS; }

/* NULL while the books balance, else which sum is wrong (static text). */
const char *sim_line_imbalance(const struct sim_line *l);

#endif
