/*
 * Registers whose value is known to the receiver without asking: made for load tests, where far more values flow than
 * anybody could compare with a log.
 *
 *   tick            change_ms > 0: milliseconds since 1970 (UTC) / change_ms, whole part, modulo 2^32; the clock is
 *                   read once at start and runs steadily from there
 *                   change_ms = 0: how often this device was read, from 1
 *   register 0, 1   tick, high word first
 *   register a > 1  (tick + 7 a + 131 device) modulo 65536; device counts from 0
 *   coil, discrete  (tick + a) modulo 2
 *
 * Holding and input registers show the same. All values of one answer belong to one tick, so a receiver checks a block
 * by one value, and by any one value how old it is.
 */
#ifndef SIM_RAMP_H
#define SIM_RAMP_H

#include <stdint.h>

#include "sim/mbs_pdu.h"

struct sim_ramp {
	uint32_t	device, change_ms, registers, reads;
	int64_t		start_wall_ms;
	uint64_t	start_ms;	/* loop-independent monotonic clock at start */
};

void sim_ramp_init(struct sim_ramp *r, uint32_t device, uint32_t registers, uint32_t change_ms);
uint32_t sim_ramp_tick(struct sim_ramp *r);
static inline uint16_t
sim_ramp_value(uint32_t tick, uint32_t device, uint32_t addr0)
{
	return (uint16_t)(addr0 == 0 ? tick >> 16 : addr0 == 1 ? tick : tick + 7 * addr0 + 131 * device);
}
int sim_ramp_read(void *ramp, enum mbs_table t, uint16_t addr0, uint16_t n, uint16_t *out);

#endif
