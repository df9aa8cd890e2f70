/* Symbols into blocks, and blocks made whole: the place where a loss is repaired. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "proto/diode/diode_recv_int.h"

static uint8_t *
symbol_at(struct rblock *b, uint32_t i)
{
	return b->data + (size_t)i * b->size;
}

void
block_drop(struct diode_recv *r, struct rstream *st, uint64_t block)
{
	struct rblock **at = &st->slot[block % DIODE_WINDOW];

	if (*at == NULL)
		return;
	r->n.memory -= (*at)->bytes;
	free(*at);
	*at = NULL;
}

static struct rblock *
block_new(struct diode_recv *r, const struct diode_head *h)
{
	size_t bytes = sizeof(struct rblock) + (size_t)(h->used + r->conf.params.p) * h->size;
	struct rblock *b = r->n.memory + bytes <= r->conf.memory ? malloc(bytes) : NULL;

	if (b == NULL)
		return NULL;
	*b = (struct rblock){ .used = h->used, .size = h->size, .bytes = bytes };
	r->n.memory += bytes;
	return b;
}

bool
block_symbol(struct diode_recv *r, struct rstream *st, const struct diode_head *h, const uint8_t *p)
{
	struct rblock **at = &st->slot[h->block % DIODE_WINDOW], *b = *at;

	if (b == NULL && (b = *at = block_new(r, h)) == NULL) {
		r->n.no_room++;
		return false;
	}
	if (b->used != h->used || b->size != h->size) {
		r->n.malformed++;	/* with a good MAC: the sender is broken */
		return false;
	}
	memcpy(symbol_at(b, h->symbol), p, h->size);
	b->there[h->symbol] = true;
	b->have++;
	return true;
}

/* The head at the beginning of a block's bytes says what they are. */
static bool
whole(const struct rstream *st, uint64_t block, const struct rblock *b)
{
	struct reader r = rd_init(b->data, (size_t)b->used * b->size);
	uint8_t named[12];
	struct writer w = wr_init(named, sizeof named);
	uint32_t len = rd_le32(&r), first = rd_le32(&r), crc = rd_le32(&r);

	wr_le32(&w, st->id);
	wr_le64(&w, block);
	if (r.err != 0 || len > rd_left(&r) || (first != DIODE_NO_RECORD && first >= len))
		return false;
	return crc32c(crc32c(0, named, sizeof named), r.p, len) == crc;
}

/* A token bucket of one second: rebuilding is the one thing here that costs much. */
static bool
may_invert(struct diode_recv *r, struct mono now)
{
	double most = r->conf.inversions_per_s, passed = (double)mono_diff(now, r->budget_at) / 1e9;

	r->inversions += passed > 0 ? passed * most : 0;
	r->inversions = r->inversions > most ? most : r->inversions;
	r->budget_at = now;
	return r->inversions >= 1;
}

void
block_try(struct diode_recv *r, struct rstream *st, uint64_t block, struct mono now)
{
	struct rblock *b = st->slot[block % DIODE_WINDOW];
	uint8_t *symbols[DIODE_SYMBOLS_MAX];
	uint32_t lost = 0;
	bool inverted = false;

	if (b == NULL || b->done || b->have < b->used)
		return;
	for (uint32_t i = 0; i < (uint32_t)b->used + r->conf.params.p; i++)
		symbols[i] = symbol_at(b, i);
	for (uint32_t i = 0; i < b->used; i++)
		lost += !b->there[i];
	if (lost > 0 && !may_invert(r, now)) {
		r->n.put_off++;
		return;
	}
	if (lost > 0 && diode_fec_rebuild(r->fec, b->used, b->size, symbols, b->there, &inverted) != 0)
		return;
	b->done = true;
	b->bad = !whole(st, block, b);
	r->inversions -= inverted;
	r->n.inversions += inverted;
	r->n.rebuilt += lost > 0;
	r->n.rebuilt_symbols += lost;
}
