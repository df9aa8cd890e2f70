/* Blocks in order into records, and the decision that a block is lost. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/diode/diode_recv_int.h"

/* ---- records ---- */

static void
record_reset(struct diode_recv *r, struct rstream *st)
{
	r->n.memory -= st->body_cap;
	free(st->body);
	st->body = NULL;
	st->body_cap = 0;
	st->body_len = st->head_len = 0;
	st->synced = false;
}

/* Memory grows with what has come, not with what a head promises. */
static bool
body_room(struct diode_recv *r, struct rstream *st, size_t len)
{
	size_t cap = st->body_cap > 0 ? st->body_cap : 4096;

	while (cap < st->body_len + len)
		cap *= 2;
	if (cap == st->body_cap)
		return true;
	uint8_t *p = r->n.memory - st->body_cap + cap <= r->conf.memory ? realloc(st->body, cap) : NULL;
	if (p == NULL)
		return false;
	r->n.memory += cap - st->body_cap;
	st->body = p;
	st->body_cap = cap;
	return true;
}

static void
record_done(struct diode_recv *r, struct rstream *st, const uint8_t *body)
{
	st->record.p = body;
	r->n.records++;
	r->conf.record(r->conf.arg, r->session, st->id, &st->record);
	st->head_len = st->body_len = 0;
}

/* The head of the next record is whole. False: it is none, and where the next one begins is not known. */
static bool
head_ready(struct diode_recv *r, struct rstream *st)
{
	if (diode_record_head_get(st->head, sizeof st->head, &st->record) == 0)
		return true;
	r->n.bad_records++;
	record_reset(r, st);
	return false;
}

static void
content(struct diode_recv *r, struct rstream *st, const uint8_t *p, size_t len)
{
	while (len > 0) {
		if (st->head_len < DIODE_RECORD_HEAD) {
			size_t n = DIODE_RECORD_HEAD - st->head_len < len ? DIODE_RECORD_HEAD - st->head_len : len;
			memcpy(st->head + st->head_len, p, n);
			st->head_len += (uint32_t)n;
			p += n;
			len -= n;
			if (st->head_len == DIODE_RECORD_HEAD && !head_ready(r, st))
				return;
			if (st->head_len < DIODE_RECORD_HEAD || st->record.len > 0)
				continue;
		}
		size_t want = st->record.len - st->body_len, n = want < len ? want : len;
		if (n == want && st->body_len == 0) {	/* it lies here in one piece */
			record_done(r, st, p);
		} else {
			if (!body_room(r, st, n)) {
				r->n.no_room++;
				record_reset(r, st);
				return;
			}
			memcpy(st->body + st->body_len, p, n);
			st->body_len += (uint32_t)n;
			if (n == want)
				record_done(r, st, st->body);
		}
		p += n;
		len -= n;
	}
}

/* ---- blocks ---- */

static void
take_block(struct diode_recv *r, struct rstream *st, const struct rblock *b)
{
	struct reader rd = rd_init(b->data, (size_t)b->used * b->size);
	uint32_t len = rd_le32(&rd), first = rd_le32(&rd);

	(void)rd_le32(&rd);
	const uint8_t *p = rd_bytes(&rd, len);
	r->n.blocks++;
	if (st->synced)
		content(r, st, p, len);
	else if (first != DIODE_NO_RECORD) {
		st->synced = true;
		content(r, st, p + first, len - first);
	}
}

static void
lose(struct diode_recv *r, struct rstream *st, uint64_t from, uint64_t to)
{
	r->n.lost_blocks += to - from + 1;
	record_reset(r, st);
	r->conf.lost(r->conf.arg, r->session, st->id, from, to);
}

/* Block `base` leaves the window: delivered if it is whole, else declared lost. */
static void
advance(struct diode_recv *r, struct rstream *st)
{
	struct rblock *b = st->slot[st->base % DIODE_WINDOW];

	if (b != NULL && b->done && !b->bad)
		take_block(r, st, b);
	else {
		r->n.bad_blocks += b != NULL && b->bad;
		lose(r, st, st->base, st->base);
	}
	block_drop(r, st, st->base);
	st->since[st->base % DIODE_WINDOW] = MONO_NEVER;
	st->base++;
}

void
deliver_until(struct diode_recv *r, struct rstream *st, uint64_t block)
{
	/* Ends: base grows to block, or past the window, behind which there is nothing to look at. */
	for (uint32_t i = 0; i < DIODE_WINDOW && st->base < block; i++)
		advance(r, st);
	if (st->base < block) {
		lose(r, st, st->base, block - 1);
		st->base = block;
	}
	st->known = st->known < st->base ? st->base : st->known;
}

void
deliver(struct diode_recv *r, struct rstream *st, struct mono now)
{
	uint32_t hold = r->conf.hold_blocks;

	while (st->base < st->known) {
		struct rblock *b = st->slot[st->base % DIODE_WINDOW];
		block_try(r, st, st->base, now);
		bool late = st->known > st->base + hold || mono_diff(now, st->since[st->base % DIODE_WINDOW]) >= r->conf.hold_ns;
		if ((b == NULL || !b->done) && !late)
			return;
		advance(r, st);
	}
}

void
stream_known(struct rstream *st, uint64_t known, struct mono now)
{
	uint64_t from = st->known > st->base ? st->known : st->base;

	if (known <= st->known)
		return;
	for (uint64_t b = from; b < known && b < st->base + DIODE_WINDOW; b++)
		st->since[b % DIODE_WINDOW] = now;
	st->known = known;
}

void
stream_end(struct diode_recv *r, struct rstream *st)
{
	deliver_until(r, st, st->known);
	record_reset(r, st);
	for (uint64_t b = 0; b < DIODE_WINDOW; b++)
		block_drop(r, st, b);
	*st = (struct rstream){ 0 };
}
