/* See ranges.h. */
#include "office/ranges.h"

#include <string.h>

/* Index of the first range that ends at or behind `number`. */
static size_t
find(const struct ranges *s, uint64_t number)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (s->r[mid].last < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
cut(struct ranges *s, size_t from, size_t to)
{
	memmove(s->r + from, s->r + to, (s->n - to) * sizeof s->r[0]);
	s->n -= to - from;
}

bool
ranges_add(struct ranges *s, uint64_t first, uint64_t last)
{
	/* Those in [i, j) meet or touch the new one. */
	size_t i = find(s, first > 0 ? first - 1 : 0), j = i;

	while (j < s->n && s->r[j].first <= (last < UINT64_MAX ? last + 1 : last))
		j++;
	if (i == j) {
		if (s->n == RANGES_MAX)
			return false;
		memmove(s->r + i + 1, s->r + i, (s->n - i) * sizeof s->r[0]);
		s->n++;
		s->r[i] = (struct range){ first, last };
		return true;
	}
	if (s->r[i].first < first)
		first = s->r[i].first;
	if (s->r[j - 1].last > last)
		last = s->r[j - 1].last;
	s->r[i] = (struct range){ first, last };
	cut(s, i + 1, j);
	return true;
}

uint64_t
ranges_skip(const struct ranges *s, uint64_t from)
{
	size_t i = find(s, from);
	return i < s->n && s->r[i].first <= from ? s->r[i].last + 1 : from;
}

uint64_t
ranges_advance(struct ranges *s, uint64_t cursor)
{
	size_t gone = 0;

	cursor = ranges_skip(s, cursor);
	while (gone < s->n && s->r[gone].last < cursor)
		gone++;
	cut(s, 0, gone);
	return cursor;
}
