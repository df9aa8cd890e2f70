/* See ramp.h. */
#include "sim/ramp.h"

#include "os/clock.h"

void
sim_ramp_init(struct sim_ramp *r, uint32_t device, uint32_t registers, uint32_t change_ms)
{
	*r = (struct sim_ramp){
		.device = device, .change_ms = change_ms, .registers = registers,
		.start_wall_ms = wall_now().ns / NS_PER_MS, .start_ms = (uint64_t)(mono_now().ns / NS_PER_MS),
	};
}

uint32_t
sim_ramp_tick(struct sim_ramp *r)
{
	if (r->change_ms == 0)
		return ++r->reads;
	uint64_t now = (uint64_t)r->start_wall_ms + (uint64_t)(mono_now().ns / NS_PER_MS) - r->start_ms;
	return (uint32_t)(now / r->change_ms);
}

int
sim_ramp_read(void *ramp, enum mbs_table t, uint16_t addr0, uint16_t n, uint16_t *out)
{
	struct sim_ramp *r = ramp;

	if (addr0 + (uint32_t)n > r->registers)
		return MBS_ILLEGAL_ADDRESS;
	uint32_t tick = sim_ramp_tick(r);
	for (uint16_t i = 0; i < n; i++) {
		uint32_t a = (uint32_t)addr0 + i;
		out[i] = t == MBS_COIL || t == MBS_DISCRETE ? (tick + a) & 1 : sim_ramp_value(tick, r->device, a);
	}
	return MBS_OK;
}
