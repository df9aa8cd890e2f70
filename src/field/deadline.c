/* See deadline.h. */
#include "field/deadline.h"

#include <stdlib.h>

#include "base/log.h"

static void
put(struct deadlines *h, uint32_t i, struct deadline *d)
{
	h->v[i] = d;
	d->place = i + 1;
}

static void
sift_up(struct deadlines *h, uint32_t i, struct deadline *d)
{
	while (i > 0 && mono_before(d->at, h->v[(i - 1) / 2]->at)) {
		put(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(h, i, d);
}

static void
sift_down(struct deadlines *h, uint32_t i, struct deadline *d)
{
	for (uint32_t child; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && mono_before(h->v[child + 1]->at, h->v[child]->at))
			child++;
		if (!mono_before(h->v[child]->at, d->at))
			break;
		put(h, i, h->v[child]);
	}
	put(h, i, d);
}

static void
grow(struct deadlines *h)
{
	uint32_t cap = h->cap > 0 ? h->cap * 2 : 64;
	struct deadline **v = realloc(h->v, cap * sizeof *v);

	if (v == NULL)
		fatal("out_of_memory", "what=deadlines n=%u", cap);
	h->v = v;
	h->cap = cap;
}

void
deadline_set(struct deadlines *h, struct deadline *d, struct mono at)
{
	if (at.ns == INT64_MAX) {
		deadline_clear(h, d);
		return;
	}
	if (d->place == 0) {
		if (h->n == h->cap)
			grow(h);
		d->at = at;
		sift_up(h, h->n++, d);
		return;
	}
	bool earlier = mono_before(at, d->at);
	d->at = at;
	if (earlier)
		sift_up(h, d->place - 1, d);
	else
		sift_down(h, d->place - 1, d);
}

void
deadline_clear(struct deadlines *h, struct deadline *d)
{
	if (d->place == 0)
		return;
	uint32_t i = d->place - 1;
	struct deadline *last = h->v[--h->n];
	d->place = 0;
	if (last == d)
		return;
	if (i > 0 && mono_before(last->at, h->v[(i - 1) / 2]->at))
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

uint32_t
deadlines_run(struct deadlines *h, struct mono now, uint32_t max)
{
	uint32_t fired = 0;

	while (h->n > 0 && !mono_before(now, h->v[0]->at) && fired < max) {
		struct deadline *d = h->v[0];
		deadline_clear(h, d);
		d->fire(d, now);
		fired++;
	}
	return fired;
}

void
deadlines_fini(struct deadlines *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		h->v[i]->place = 0;
	free(h->v);
	*h = (struct deadlines){ 0 };
}
