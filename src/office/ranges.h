/* Sample numbers that are settled beyond a cursor: a few sorted, disjoint ranges. Bounded; "full" is an ordinary answer. */
#ifndef OFFICE_RANGES_H
#define OFFICE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX 512u

struct ranges {
	struct range {
		uint64_t first, last;	/* inclusive */
	} r[RANGES_MAX];
	size_t n;
};

/* Add first..last, merging with what it meets. False when it would need a range more than there is room for: nothing was added. */
bool ranges_add(struct ranges *s, uint64_t first, uint64_t last);
/* The first number >= from that is in no range. */
uint64_t ranges_skip(const struct ranges *s, uint64_t from);
/* Move a cursor over what is settled from it on, and forget all below it. */
uint64_t ranges_advance(struct ranges *s, uint64_t cursor);

#endif
