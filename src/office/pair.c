/* See delivery.h: a pair, what is offered of it and what is settled. */
#include "office/pair.h"

#include <stdlib.h>
#include <string.h>

#include "office/lane.h"

void
delivery_add(struct delivery *d, struct pair *p, uint64_t next)
{
	p->next = NULL;
	*d->tail = p;
	d->tail = &p->next;
	p->cursor = p->main.next = next > 0 ? next : 1;
	p->entries = calloc(DELIVERY_INFLIGHT_MAX, sizeof *p->entries);
	if (p->entries == NULL)
		fatal("out_of_memory", "what=pair");
	p->complaints = (struct log_limit){ .burst = 3, .period_ms = 60000 };
	p->stream.delivery = p;
}

void
delivery_remove(struct delivery *d, struct pair *p)
{
	struct pair **at = &d->pairs;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (d->tail == &p->next)
		d->tail = at;
	for (struct pair *o = d->pairs; o != NULL; o = o->next)
		if (o->older == p)
			o->older = p->older;
	if (d->retry.pair == p)
		d->retry.on = false;
	lane_close(&p->main);
	lane_close(&p->live);
	free(p->entries);
	p->entries = NULL;
}

bool
pair_drained(const struct pair *p)
{
	return p->main.at_end && !p->main.held && !p->live_on && p->n == 0 && p->cursor == p->main.next;
}

/* first..last need no more care. */
void
pair_settle(struct delivery *d, struct pair *p, uint64_t first, uint64_t last)
{
	uint64_t before = p->cursor;

	/* There is room: no lane reads on when few ranges are left, see pair_may_read(). */
	if (last < p->cursor || !ranges_add(&p->done, first, last))
		return;
	p->cursor = ranges_advance(&p->done, p->cursor);
	if (p->cursor > before)
		d->ops->settled(d->arg, p, p->cursor - 1);
}

struct entry *
pair_entry(const struct pair *p, uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->entries[i].first == first && p->entries[i].last == last)
			return &p->entries[i];
	return NULL;
}

void
pair_drop_entry(struct pair *p, struct entry *e)
{
	size_t i = (size_t)(e - p->entries);
	if (e->refused)
		p->nrefused--;
	memmove(e, e + 1, (p->n - i - 1) * sizeof *e);
	p->n--;
}

/* Every entry may become a range of its own: keep room for all of them. */
bool
pair_may_read(const struct pair *p)
{
	return p->n < DELIVERY_INFLIGHT_MAX && p->nrefused < DELIVERY_REFUSED_MAX && p->done.n + p->n < RANGES_MAX - 1;
}
