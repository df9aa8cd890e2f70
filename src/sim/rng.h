/*
 * Random numbers that are the same for the same seed, on every run: xoshiro256++ by Blackman and Vigna, seeded through
 * splitmix64. One generator a machine, so that what happens to one leaves the dice of another alone. Not for secrets.
 */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct sim_rng { uint64_t s[4]; };

/* stream: which of many independent sequences of this seed. */
void sim_rng_init(struct sim_rng *r, uint64_t seed, uint64_t stream);
uint64_t sim_rng_u64(struct sim_rng *r);
double sim_rng_unit(struct sim_rng *r);				/* [0, 1) */
double sim_rng_between(struct sim_rng *r, double lo, double hi);	/* uniform */
double sim_rng_normal(struct sim_rng *r);			/* mean 0, standard deviation 1 */
double sim_rng_wait(struct sim_rng *r, double mean);		/* exponential: time to the next random event */
bool sim_rng_chance(struct sim_rng *r, double p);

#endif
