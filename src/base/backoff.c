/* See backoff.h. */
#include "base/backoff.h"

/* splitmix64 (Steele, Lea, Flood, 2014): enough to pull devices apart, nothing depends on its secrecy. */
static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

int64_t
backoff_next(struct backoff *b)
{
	int64_t range = b->last_ns == 0 ? b->min_ns : b->last_ns > b->max_ns / 2 ? b->max_ns : b->last_ns * 2;

	b->last_ns = range;
	return range - (int64_t)(draw(&b->random) % (uint64_t)(range / 2 > 0 ? range / 2 : 1));
}
