/* The nearest of several names, for "did you mean": edit distance with transpositions, at most a third of the length. */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include <stddef.h>

struct near {
	const char	*word;		/* what was written; borrowed */
	const char	*best;		/* nearest so far, borrowed; NULL: none is near enough */
	size_t		 distance;
};

void near_try(struct near *n, const char *candidate);

#endif
