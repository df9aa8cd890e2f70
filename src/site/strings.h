/*
 * Texts of a plan, each kept once: the same unit, address or driver name in a hundred thousand rows is one pointer.
 * The texts live in the arena; the pool itself is only needed while a plan is being built.
 */
#ifndef SITE_STRINGS_H
#define SITE_STRINGS_H

#include "base/arena.h"
#include "base/map.h"

struct strings {
	struct arena	*arena;		/* borrowed; owns the texts */
	struct map	 known;
	char		*free;		/* room left in the open chunk */
	size_t		 left;
};

/* The text of len bytes at s, NUL-ended, the same pointer for the same text. */
const char *strings_keep(struct strings *p, const char *s, size_t len);
/* The same without looking for an equal one: for texts that are known to be different, as full paths are. */
const char *strings_add(struct strings *p, const char *s, size_t len);
void strings_fini(struct strings *p);

#endif
