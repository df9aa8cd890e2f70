/* See near.h: optimal string alignment over three rows. */
#include "base/near.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define NEAR_MAX 64	/* longer names are not guessed at */

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t
distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t rows[3][NEAR_MAX + 1], *two = rows[0], *one = rows[1], *now = rows[2];

	for (size_t j = 0; j <= lb; j++)
		one[j] = j;
	for (size_t i = 1; i <= la; i++) {
		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			now[j] = min3(one[j] + 1, now[j - 1] + 1, one[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) && two[j - 2] + 1 < now[j])
				now[j] = two[j - 2] + 1;
		}
		size_t *t = two;
		two = one;
		one = now;
		now = t;
	}
	return one[lb];
}

void
near_try(struct near *n, const char *candidate)
{
	size_t la = strlen(n->word), lb = strlen(candidate);

	if (la > NEAR_MAX || lb > NEAR_MAX)
		return;
	size_t limit = (la > lb ? la : lb) / 3, apart = la > lb ? la - lb : lb - la;
	limit = limit > 0 ? limit : 1;
	if (n->best != NULL && n->distance <= limit)
		limit = n->distance > 0 ? n->distance - 1 : 0;
	/* A difference in length is a distance already; most candidates end here. */
	if (apart > limit || (n->best != NULL && n->distance == 0))
		return;
	size_t d = distance(n->word, la, candidate, lb);
	if (d <= limit) {
		n->best = candidate;
		n->distance = d;
	}
}
