/* The account as bytes and back: the totals that a ledger file begins with. See ledger_file.c for the layout. */
#include "spool/account.h"

#define SINK_BYTES	(1 + 11 * 8 + 4)	/* without its name and ranges */
#define RANGE_BYTES	(8 + 8 + 1)

size_t
account_size(const struct account *a)
{
	size_t n = 3 * 8 + 2 * (8 + SPOOL_HASH) + 4;

	for (uint32_t i = 0; i < a->nsinks; i++)
		n += SINK_BYTES + 10 + sizeof a->sinks[i].name + (size_t)a->sinks[i].n * RANGE_BYTES;
	return n;
}

void
account_put(const struct account *a, struct writer *w)
{
	wr_le64(w, a->admitted);
	wr_le64(w, a->lost);
	wr_le64(w, a->entries);
	for (int i = 0; i < 2; i++) {
		wr_le64(w, a->seals[i].last);
		wr_bytes(w, a->seals[i].hash, SPOOL_HASH);
	}
	wr_le32(w, a->nsinks);
	for (uint32_t i = 0; i < a->nsinks; i++) {
		const struct account_sink *s = &a->sinks[i];
		const uint64_t numbers[] = { s->owed_from, s->next, s->owed_before, s->left_at, s->delivered,
			s->quarantined, s->dropped, s->damaged, s->ahead, (uint64_t)s->last_ack.ns };
		wr_text(w, s->name);
		wr_u8(w, s->active);
		for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
			wr_le64(w, numbers[k]);
		wr_le32(w, s->n);
		for (uint32_t k = 0; k < s->n; k++) {
			wr_le64(w, s->ranges[k].first);
			wr_le64(w, s->ranges[k].last);
			wr_u8(w, s->ranges[k].quarantined);
		}
	}
}

static int
get_ranges(struct reader *r, struct account_sink *s)
{
	uint32_t n = rd_le32(r);
	uint64_t before = 0;

	if (n > rd_left(r) / RANGE_BYTES)
		return ERR_CORRUPT;
	int err = account_room(s, n);
	if (err != 0)
		return err == ERR_LIMIT ? ERR_CORRUPT : err;
	for (s->n = 0; s->n < n; s->n++) {
		struct account_range *g = &s->ranges[s->n];
		g->first = rd_le64(r);
		g->last = rd_le64(r);
		g->quarantined = rd_u8(r) != 0;
		if (g->first <= before || g->last < g->first || g->last == UINT64_MAX)
			return ERR_CORRUPT;
		before = g->last;
	}
	return 0;
}

static int
get_sink(struct reader *r, struct account_sink *s)
{
	uint64_t ack;
	uint64_t *const numbers[] = { &s->owed_from, &s->next, &s->owed_before, &s->left_at, &s->delivered,
		&s->quarantined, &s->dropped, &s->damaged, &s->ahead, &ack };

	rd_text(r, s->name, sizeof s->name - 1);
	s->active = rd_u8(r) != 0;
	for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
		*numbers[k] = rd_le64(r);
	s->last_ack.ns = (int64_t)ack;
	if (r->err != 0 || s->owed_from == 0 || s->next < s->owed_from || s->next == UINT64_MAX)
		return ERR_CORRUPT;
	return get_ranges(r, s);
}

int
account_get(struct reader *r, struct account *a)
{
	*a = (struct account){ .admitted = rd_le64(r) };
	a->lost = rd_le64(r);
	a->entries = rd_le64(r);
	for (int i = 0; i < 2; i++) {
		a->seals[i].last = rd_le64(r);
		const uint8_t *hash = rd_bytes(r, SPOOL_HASH);
		if (hash != NULL)
			memcpy(a->seals[i].hash, hash, SPOOL_HASH);
	}
	uint32_t n = rd_le32(r);
	if (r->err != 0 || n > LEDGER_SINKS_MAX || a->admitted == UINT64_MAX)
		return ERR_CORRUPT;
	for (; a->nsinks < n; a->nsinks++) {
		int err = get_sink(r, &a->sinks[a->nsinks]);
		if (err != 0) {
			a->nsinks++;	/* so that its ranges are freed */
			return err;
		}
	}
	return r->err != 0 ? ERR_CORRUPT : 0;
}
