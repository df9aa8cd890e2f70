/*
 * Whose turn it is to be probed. Silent feeds of a link queue up; one is probed at a time, and while others live on the
 * link only as often as the link's budget for dead devices allows. First come, first served, so each gets its turn.
 */
#include "field/feed.h"
#include "field/link.h"
#include "os/clock.h"

static bool
anyone_lives(const struct link *l)
{
	for (uint32_t i = 0; i < l->sources.n; i++)
		if (!health_demoted(&l->feeds[i]->health))
			return true;
	return false;
}

static void
set_turn(struct link *l)
{
	struct mono now = mono_now();

	if (l->probing != NULL || l->probe_head == NULL || l->state != LINK_UP || l->field->stopping)
		deadline_clear(&l->field->deadlines, &l->probe_turn);
	else
		deadline_set(&l->field->deadlines, &l->probe_turn,
		    anyone_lives(l) && mono_before(now, l->budget.free_at) ? l->budget.free_at : now);
}

static void
turn_due(struct deadline *d, struct mono now)
{
	struct link *l = CONTAINER(d, struct link, probe_turn);
	struct feed *f = l->probe_head;

	if (f == NULL || l->state != LINK_UP || l->probing != NULL)
		return;
	link_probe_forget(l, f);
	l->probing = f;
	if (!health_demoted(&f->health) || !feed_probe(f, now))
		link_probe_ended(l, f, now);
}

void
link_probe_init(struct link *l)
{
	l->probe_turn.fire = turn_due;
}

void
link_probe_enqueue(struct link *l, struct feed *f)
{
	if (f->probe_queued || l->probing == f || l->state != LINK_UP)
		return;		/* on the next up all silent feeds queue up anyway */
	deadline_clear(&l->field->deadlines, &f->probe);
	f->probe_queued = true;
	f->probe_next = NULL;
	*(l->probe_tail != NULL ? &l->probe_tail->probe_next : &l->probe_head) = f;
	l->probe_tail = f;
	set_turn(l);
}

void
link_probe_forget(struct link *l, struct feed *f)
{
	struct feed *prev = NULL;

	if (!f->probe_queued)
		return;
	f->probe_queued = false;
	for (struct feed *i = l->probe_head; i != f; i = i->probe_next)
		prev = i;
	*(prev != NULL ? &prev->probe_next : &l->probe_head) = f->probe_next;
	if (l->probe_tail == f)
		l->probe_tail = prev;
}

void
link_probe_ended(struct link *l, struct feed *f, struct mono now)
{
	if (l->probing != f)
		return;
	l->probing = NULL;
	health_probe_failed(&f->health, now);	/* had it answered, it would not be probing any more */
	if (health_demoted(&f->health) && l->state == LINK_UP)
		deadline_set(&l->field->deadlines, &f->probe, mono_add(now, health_pause(&f->health)));
	set_turn(l);
}

void
link_probe_others(struct link *l)
{
	for (uint32_t i = 0; i < l->sources.n; i++)
		if (health_demoted(&l->feeds[i]->health))
			link_probe_enqueue(l, l->feeds[i]);
}
