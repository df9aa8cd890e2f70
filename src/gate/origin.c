/*
 * Numbered streams of other nodes (the link driver): each number is admitted once, and who brought it is told what is durable.
 *
 * A place in a ring is worth nothing once the ring is gone, and the ring of a field process goes with the node. So a spool batch whose samples come
 * from another node's stream does not carry a ring's mark but {that stream, its number}: written with the samples, in one piece. From these
 * marks follows, for each stream of ours alone, what it has, whoever died:
 *
 *	field dies	It had put numbers into its ring that nobody confirmed. The new one asks for them again; gate finds them in the ring of the
 *			dead one and again in the new one. The second is a repeat by its number: passed over.
 *	gate dies	The new one reads the ring from its beginning, as for a ring without a mark; what the spool has is by its number only looked
 *			at (REDUCE_QUIET, for windows and such), what it has not is taken.
 *	node dies	Rings and all are gone. The driver asks from the last number that gate has confirmed. Streams that had more pass over it.
 *	ring runs over	A record says which number stood before it. A record whose forerunner is missing is not taken; `hole` sends the driver back.
 *
 * Nothing can be asked for again over a one-way link (the diode driver). There a record may say of numbers that they are lost for good: it takes their
 * place, so that no hole is left, and each flow that does not have them enters them in its ledger. After a restart such a driver asks how far gate
 * is before it declares anything lost: the answer waits until all that gate took, from the dead one's ring as well, is durable.
 *
 * What gate says is durable: the lowest number that any stream still holds unwritten or unsynced, else all that every flow has taken. A flow
 * that keeps samples in a window has no more than the window's memory of them: on the death of the whole node an open window is lost, as it
 * is for any source.
 */
#include <stdio.h>

#include "gate/inside.h"

static struct origin *
find(struct gate *g, uint64_t id)
{
	for (uint32_t i = 0; i < g->norigins; i++)
		if (g->origins[i].id == id)
			return &g->origins[i];
	return NULL;
}

static uint64_t
mark_on_disk(const struct stream *st, uint64_t id)
{
	for (size_t i = 0; i < MARKS_MAX && st->restored[i].epoch != 0; i++)
		if (st->restored[i].epoch == id)
			return st->restored[i].pos;
	return 0;
}

static struct taken *
taken_find(struct stream *st, uint64_t id)
{
	for (size_t i = 0; i < MARKS_MAX; i++)
		if (st->taken[i].origin == id)
			return &st->taken[i];
	return NULL;
}

/* The entry of this origin; a settled one of another makes room. NULL: there is none. */
static struct taken *
taken_of(struct stream *st, uint64_t id)
{
	struct taken *t = taken_find(st, id);

	for (size_t i = 0; i < MARKS_MAX && t == NULL; i++)
		if (st->taken[i].origin == 0)
			t = &st->taken[i];
	for (size_t i = 0; i < MARKS_MAX && t == NULL; i++)
		if (st->taken[i].durable >= st->taken[i].no) {
			t = &st->taken[i];
			t->origin = 0;
		}
	if (t != NULL && t->origin == 0) {
		uint64_t disk = mark_on_disk(st, id);
		*t = (struct taken){ .origin = id, .disk = disk, .flushed = disk, .durable = disk };
	}
	return t;
}

/*
 * The least that the flows of the record in work have on disk. One that has nothing of it counts as 0: what it may lack is
 * known only to who sends (origin_base).
 */
static uint64_t
least_on_disk(const struct source_route *sr, uint64_t id)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < sr->nlegs; i++) {
		uint64_t disk = mark_on_disk(sr->legs[i].st, id);
		least = disk < least ? disk : least;
	}
	return least != UINT64_MAX ? least : 0;
}

/* A place for a new one: where all is told, since the least is known of it elsewhere too. */
static struct origin *
room(struct gate *g)
{
	if (g->norigins < ORIGINS_MAX)
		return &g->origins[g->norigins++];
	for (uint32_t i = 0; i < g->norigins; i++)
		if (!g->origins[i].due && g->origins[i].told == g->origins[i].no)
			return &g->origins[i];
	return NULL;
}

bool
origin_admit(struct gate *g, const struct source_route *sr, const char *writer)
{
	const struct batch_head *h = &g->batch.head;
	struct origin *o = find(g, h->origin);

	if (o == NULL && (o = room(g)) != NULL) {
		*o = (struct origin){ .id = h->origin, .no = 0 };
		uint64_t disk = least_on_disk(sr, h->origin);
		o->no = disk > h->origin_base ? disk : h->origin_base;
	}
	if (o == NULL) {
		log_error("too_many_origins", "most=%u effect=\"a stream of another node waits\"", ORIGINS_MAX);
		return false;
	}
	snprintf(o->writer, sizeof o->writer, "%s", writer);
	o->due = true;
	o->asked = o->asked || (h->flags & BATCH_ASK) != 0;
	if (h->origin_base > o->no)
		o->no = h->origin_base;
	o->hole = h->origin_prev > o->no;
	return !o->hole;
}

bool
origin_mode(struct stream *st, const struct batch_head *h, enum reduce_mode *mode)
{
	struct taken *t = taken_of(st, h->origin);

	if (t == NULL) {
		log_error("too_many_origins", "stream=\"%s\" most=%u effect=\"samples of another node are not taken\"", st->dir, MARKS_MAX);
		return false;
	}
	if (h->origin_no <= t->no)
		return false;
	if (h->origin_no <= t->disk)
		*mode = REDUCE_QUIET;
	return true;
}

uint64_t
origin_lost(struct stream *st, const struct batch_head *h)
{
	const struct taken *t = taken_find(st, h->origin);
	uint64_t has = t->no > t->disk ? t->no : t->disk;

	has = has > h->origin_prev ? has : h->origin_prev;
	return h->origin_no > has ? h->origin_no - has : 0;
}

void
origin_took(struct stream *st, const struct batch_head *h)
{
	struct taken *t = taken_find(st, h->origin);

	t->no = h->origin_no;
	if (st->out.n == 0)	/* nothing of it, and nothing before it, waits */
		origin_flushed(st);
}

void
origin_flushed(struct stream *st)
{
	for (size_t i = 0; i < MARKS_MAX && st->taken[i].origin != 0; i++) {
		struct taken *t = &st->taken[i];
		if (t->no > t->flushed) {
			t->flushed = t->no;
			t->at_next = st->next;
		}
	}
}

void
origin_done(struct gate *g, const struct batch_head *h)
{
	struct origin *o = find(g, h->origin);

	if (o != NULL && h->origin_no > o->no)
		o->no = h->origin_no;
}

/* What of this origin is durable in all streams. */
static uint64_t
durable(struct gate *g, const struct origin *o)
{
	uint64_t least = o->no;

	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		struct taken *t = st->spool != NULL ? taken_find(st, o->id) : NULL;
		if (t == NULL || t->durable >= t->no)
			continue;
		struct spool_state s;
		spool_state(st->spool, &s);
		if (st->opts.durability == SPOOL_NONE || s.durable >= t->at_next)
			t->durable = t->flushed;
		if (t->durable < t->no && t->durable < least)
			least = t->durable;
	}
	return least;
}

void
origins_tell(struct gate *g)
{
	for (uint32_t i = 0; i < g->norigins; i++) {
		struct origin *o = &g->origins[i];
		if (g->opts.durable == NULL || (o->told == o->no && !o->due))
			continue;
		uint64_t no = durable(g, o);
		if (o->asked && no < o->no)
			continue;
		if (no <= o->told && !o->due)
			continue;
		if (g->opts.durable(g->opts.arg, o->writer, o->id, no, o->hole) == 0) {
			o->told = no;
			o->due = o->hole = o->asked = false;
		}
	}
}
