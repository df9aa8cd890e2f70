/* See rng.h. */
#include "sim/rng.h"

#include <math.h>

static uint64_t
rotl(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}

void
sim_rng_init(struct sim_rng *r, uint64_t seed, uint64_t stream)
{
	uint64_t x = seed ^ stream * 0xD1342543DE82EF95u;

	for (int i = 0; i < 4; i++) {
		uint64_t z = x += 0x9E3779B97F4A7C15u;
		z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
		z = (z ^ z >> 27) * 0x94D049BB133111EBu;
		r->s[i] = z ^ z >> 31;
	}
}

uint64_t
sim_rng_u64(struct sim_rng *r)
{
	uint64_t *s = r->s, result = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

double
sim_rng_unit(struct sim_rng *r)
{
	return (double)(sim_rng_u64(r) >> 11) * 0x1p-53;
}

double
sim_rng_between(struct sim_rng *r, double lo, double hi)
{
	return lo + (hi - lo) * sim_rng_unit(r);
}

double
sim_rng_normal(struct sim_rng *r)
{
	double u = 1 - sim_rng_unit(r), v = sim_rng_unit(r);	/* Box-Muller; 1 - u keeps log() away from 0 */
	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

double
sim_rng_wait(struct sim_rng *r, double mean)
{
	return -mean * log(1 - sim_rng_unit(r));
}

bool
sim_rng_chance(struct sim_rng *r, double p)
{
	return sim_rng_unit(r) < p;
}
