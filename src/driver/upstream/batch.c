/*
 * Batches and losses of a stream. A batch is one of
 *
 *	new		behind all that came before: given to gate in pieces, then pending until gate has made it durable
 *	in work		repeated: it is on its way already
 *	received	its receipt is here
 *	late		its numbers were declared lost before it came after all: it stays lost, gate takes numbers in order
 *	given anew	numbers that were given before, to other samples: after a power cut the sender may have lost batches that it had not synced and had
 *			sent already (doc/spool-format.md). What was received stays; the stream goes on as a new generation.
 *
 * Pieces are cut by the sender's samples, never by what of them is wanted here, so that a repeat is cut in the same places whatever plan is in
 * force: gate knows a piece by its last number (gate/origin.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/upstream/upstream.h"
#include "os/clock.h"

#define CHUNK		1024u		/* upstream samples of one record in the ring, at most */
#define CHUNK_BYTES	(128u << 10)	/* and bytes of their texts; with one more text at most */
#define TIME_MAX_NS	7258118400000000000LL	/* 2200-01-01, as in gate/admit.c */

static bool
same(const struct receipt *r, const struct spool_batch *b)
{
	return r->first == b->first && r->last == b->first + b->n - 1 && memcmp(r->hash, b->hash, LINK_HASH) == 0;
}

/* A row of what was lost for good, among those in work and those written. */
static bool
in_a_loss(const struct upstreams *us, const struct upstream *u, const struct spool_batch *b)
{
	for (uint32_t i = 0; i < us->npending; i++) {
		const struct receipt *r = &us->pending[i].r;
		if (us->pending[i].up == u && (r->flags & RECEIPT_LOST) != 0 && b->first <= r->last && b->first + b->n - 1 >= r->first && b->sealed.ns <= r->sealed.ns)
			return true;
	}
	for (uint32_t i = 0; i < u->receipts->n; i++) {
		const struct receipt *r = &u->receipts->newest[i];
		if ((r->flags & RECEIPT_LOST) != 0 && b->first <= r->last && b->first + b->n - 1 >= r->first && b->sealed.ns <= r->sealed.ns)
			return true;
	}
	return false;
}

static enum batch_is
judge(const struct upstreams *us, struct upstream *u, const struct spool_batch *b, const struct receipt *newest, struct pending **p)
{
	uint64_t last = b->first + b->n - 1;

	if (b->first > newest->last)	/* the usual one */
		return BATCH_NEW;
	for (uint32_t i = 0; i < us->npending; i++)
		if (us->pending[i].up == u && same(&us->pending[i].r, b)) {
			*p = &us->pending[i];
			return BATCH_IN_WORK;
		}
	bool have = false;
	for (uint32_t i = 0; i < u->receipts->n && !have; i++)
		have = same(&u->receipts->newest[i], b);
	/* Of long ago, when receipts were kept that are folded now: a batch that was sealed since cannot be meant. */
	if (!have && u->receipts->n > 0 && last < u->receipts->newest[0].first && b->sealed.ns <= newest->sealed.ns)
		have = true;
	return have ? BATCH_REPEATED : in_a_loss(us, u, b) ? BATCH_LATE : BATCH_NEW;
}

static void
emit(struct upstreams *us, struct upstream *u, const struct spool_batch *b, uint32_t from, uint32_t to)
{
	static struct sample out[CHUNK];
	struct driver_numbers no = { .origin = u->origin, .no = b->first + to - 1, .prev = u->emitted, .base = u->base };
	uint32_t n = 0;

	for (uint32_t i = from; i < to; i++) {
		uint32_t tag = u->map[b->samples[i].tag];
		if (tag == 0)
			continue;
		out[n] = b->samples[i];
		out[n++].tag = tag - 1;
	}
	us->h->numbered(us->h, 0, out, n, &no);
	u->emitted = no.no;
	u->samples += n;
}

static bool
times_ok(const struct spool_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct sample *s = &b->samples[i];
		if (s->arrival.ns <= 0 || s->arrival.ns > TIME_MAX_NS || s->source.ns < 0 || s->source.ns > TIME_MAX_NS || s->server.ns < 0 ||
		    s->server.ns > TIME_MAX_NS)
			return false;
	}
	return true;
}

/* Returns the bytes that it takes in the ring. */
static size_t
emit_all(struct upstreams *us, struct upstream *u, const struct spool_batch *b)
{
	uint32_t from = 0, bytes = 0;
	size_t total = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		bytes += value_has_bytes(b->samples[i].v.type) ? b->samples[i].v.len : 0;
		if (i + 1 == b->n || i + 1 - from == CHUNK || bytes >= CHUNK_BYTES) {
			emit(us, u, b, from, i + 1);
			total += batch_size(i + 1 - from, bytes);
			from = i + 1;
			bytes = 0;
		}
	}
	u->newest.ns = b->t_max.ns > u->newest.ns ? b->t_max.ns : u->newest.ns;
	return total;
}

uint64_t
upstream_last(const struct upstreams *us, const struct upstream *u, struct receipt *r)
{
	const struct receipt *last = NULL;

	for (uint32_t i = us->npending; i > 0 && last == NULL; i--)
		if (us->pending[i - 1].up == u)
			last = &us->pending[i - 1].r;
	if (last == NULL && u->receipts->n > 0)
		last = &u->receipts->newest[u->receipts->n - 1];
	if (r != NULL)
		*r = last != NULL ? *last : (struct receipt){ 0 };
	return last != NULL ? last->last : u->start;
}

/* Numbers that were given to other samples before: see the top. */
static void
given_anew(struct upstreams *us, struct upstream *u, uint64_t first, uint64_t last)
{
	log_error("link_numbers_given_anew", "source=\"%s\" flow=\"%s\" from=%llu received_to=%llu note=\"the other node lost what it had not synced, and went on "
	    "from there; both are kept\"", us->s->name, u->flow, (unsigned long long)first, (unsigned long long)last);
	upstream_begin(us, u, u->generation + 1, 0);
}

static void
keep_copy(struct pending *p, const uint8_t rec[LINK_REC], const uint8_t *payload, size_t len)
{
	p->copy = malloc(LINK_REC + len);
	if (p->copy == NULL)
		fatal("out_of_memory", "what=\"copy of a batch\"");
	memcpy(p->copy, rec, LINK_REC);
	memcpy(p->copy + LINK_REC, payload, len);
	p->copy_len = (uint32_t)(LINK_REC + len);
}

int
upstream_batch(struct upstreams *us, struct upstream *u, const uint8_t rec[LINK_REC], const uint8_t *payload, size_t len,
    enum batch_is *is, uint64_t *first, uint64_t *last, struct pending **p)
{
	struct spool_batch b;
	struct receipt before;
	bool chained;
	uint64_t have = upstream_last(us, u, &before);
	bool hash_known = before.last != 0 && (before.flags & RECEIPT_LOST) == 0;
	const uint8_t *link = hash_known ? before.hash : have == 0 ? u->schema.hash : NULL;

	if (stored_take(&us->stored, rec, payload, len, &u->schema, link, &chained, &b) != 0 || !times_ok(&b)) {
		snprintf(us->why, sizeof us->why, "a batch of flow %.100s is damaged: run penstock spool verify at the other node", u->flow);
		return ERR_CORRUPT;
	}
	*first = b.first;
	*last = b.first + b.n - 1;
	*is = judge(us, u, &b, &before, p);
	if (*is != BATCH_NEW) {
		u->repeats += *is != BATCH_LATE;
		u->late += *is == BATCH_LATE;
		return 0;
	}
	if (us->npending == PENDING_MAX)
		return ERR_FULL;
	bool gap = b.first != have + 1 || (have != 0 && !hash_known);
	if (b.first <= have)
		given_anew(us, u, b.first, have);
	else if (!gap && !chained)
		log_error("link_chain_broken", "source=\"%s\" flow=\"%s\" first=%llu note=\"this batch does not follow the one before by its hash; run penstock "
		    "spool verify at the other node\"", us->s->name, u->flow, (unsigned long long)b.first);
	*p = &us->pending[us->npending++];
	**p = (struct pending){ .up = u, .origin = u->origin,
	    .r = { .first = b.first, .last = b.first + b.n - 1, .samples = b.n, .sealed = b.sealed, .generation = u->generation,
		.flags = (chained && !gap ? RECEIPT_CHAINED : 0u) | (gap ? RECEIPT_GAP : 0u) } };
	memcpy((*p)->r.hash, b.hash, LINK_HASH);
	if (us->keep)
		keep_copy(*p, rec, payload, len);
	if (us->begins != NULL)
		us->begins(us->arg, *p);
	(*p)->bytes = emit_all(us, u, &b);
	u->batches++;
	us->pending_bytes += (*p)->bytes;
	return 0;
}

/*
 * A loss, as its tags see it: from just after the newest sample that came on, and before the next one, nothing is known of them. The tags of a record of the ring that is never split
 * are limited; what more there are get theirs without a number, which may come twice after a crash and says the same.
 */
static size_t
emit_loss(struct upstreams *us, struct upstream *u, const struct receipt *r, struct wall at)
{
	static struct sample out[BATCH_SAMPLES_MAX];
	struct driver_numbers no = { .origin = u->origin, .no = r->last, .prev = u->emitted, .base = u->base, .kind = NUMBERS_LOST };
	struct wall none = { 0 };
	struct value nothing = { .type = VALUE_NULL };
	uint32_t n = 0, i = 0;

	for (; i < u->schema.schema.n && n < BATCH_SAMPLES_MAX; i++)
		if (u->map[i] != 0)
			out[n++] = (struct sample){ .tag = u->map[i] - 1, .status = (uint32_t)STATUS_BadDataLost, .arrival = at, .v = nothing };
	us->h->numbered(us->h, 0, out, n, &no);
	u->emitted = r->last;
	for (; i < u->schema.schema.n; i++)
		if (u->map[i] != 0)
			us->h->sample(us->h, 0, u->map[i] - 1, (uint32_t)STATUS_BadDataLost, &nothing, none, none, at, 0);
	return batch_size(n, 0);
}

static struct wall
time_of_loss(const struct upstream *u, struct wall before)
{
	struct wall at = { u->newest.ns > 0 ? u->newest.ns + 1 : before.ns > 0 ? before.ns - 1 : wall_now().ns };

	at.ns = before.ns > 1 && at.ns >= before.ns ? before.ns - 1 : at.ns;
	return at.ns > 0 ? at : wall_now();
}

int
upstream_lost(struct upstreams *us, struct upstream *u, uint64_t to, struct wall made, struct wall before)
{
	uint64_t have = upstream_last(us, u, NULL);

	if (to <= have)
		return 0;
	if (us->npending == PENDING_MAX)
		return ERR_FULL;
	struct pending *p = &us->pending[us->npending++];
	*p = (struct pending){ .up = u, .origin = u->origin, .at = time_of_loss(u, before),
	    .r = { .first = have + 1, .last = to, .samples = to - have, .sealed = made, .generation = u->generation, .flags = RECEIPT_LOST } };
	log_error("samples_lost_on_the_way", "source=\"%s\" flow=\"%s\" first=%llu last=%llu samples=%llu", us->s->name, u->flow,
	    (unsigned long long)(have + 1), (unsigned long long)to, (unsigned long long)(to - have));
	if (us->begins != NULL)
		us->begins(us->arg, p);
	p->bytes = emit_loss(us, u, &p->r, p->at);
	us->pending_bytes += p->bytes;
	u->lost += to - have;
	return 0;
}

void
upstream_again(struct upstreams *us, uint64_t origin)
{
	struct spool_batch b;
	bool chained;

	for (struct upstream *u = us->list; u != NULL; u = u->next)
		if (origin == 0 || u->origin == origin)
			u->emitted = u->base;
	for (uint32_t i = 0; i < us->npending; i++) {
		struct pending *p = &us->pending[i];
		if (p->durable || (origin != 0 && p->origin != origin) || p->origin != p->up->origin)
			continue;
		if ((p->r.flags & RECEIPT_LOST) != 0)
			emit_loss(us, p->up, &p->r, p->at);
		else if (stored_take(&us->stored, p->copy, p->copy + LINK_REC, p->copy_len - LINK_REC, &p->up->schema, NULL, &chained, &b) == 0)
			emit_all(us, p->up, &b);
	}
}
