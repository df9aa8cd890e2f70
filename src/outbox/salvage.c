/*
 * What can still be read of a damaged store is carried over, number by number. Where reading fails, the end of the damage is searched by
 * steps that grow and then halve. Whatever was ready or sent comes back as sent with an unknown outcome, since the newest writes may be what is
 * missing: it is looked up before anything is posted. Histories of tries stay in the file that was put aside.
 */
#include <stdlib.h>
#include <string.h>

#include "outbox/inside.h"

#define COMMIT_EVERY	1000u
#define STEP_MAX	(1ll << 40)	/* numbers skipped at once */

struct rescue {
	struct outbox	*b;
	sqlite3		*from;
	sqlite3_stmt	*next;
	uint64_t	 n, lost;
	int		 err;		/* of the new store */
};

static int
copy(struct rescue *k, const struct row *r, const struct outbox_new *v)
{
	struct outbox *b = k->b;
	struct row mine = *r;
	bool fresh;

	if (r->state == OUTBOX_READY || r->state == OUTBOX_SENT) {
		mine.state = OUTBOX_SENT;
		mine.unknown = true;
		mine.posted_t = b->clock0;
		mine.open = true;
	}
	mine.tries = 0;
	int err = store_begin(b);
	err = err != 0 ? err : row_new(b, &mine, v, &fresh);
	if (err == 0 && fresh && mine.open) {
		err = lane_new(b, v->lane, mine.seq, b->clock0);
		err = err != 0 ? err : lane_refresh(b, v->lane, LANE_KEEP, b->clock0, false);
	}
	if (err == 0 && ++k->n % COMMIT_EVERY == 0)
		err = store_commit(b, b->clock0);
	return err;
}

/* Is there something to be read at or after seq? SQLITE_ROW, SQLITE_DONE, or what is wrong. */
static int
probe(struct rescue *k, int64_t seq)
{
	sqlite3_bind_int64(k->next, 1, seq);
	int rc = sqlite3_step(k->next);
	sqlite3_reset(k->next);
	return rc;
}

/* The first row at or after seq. SQLITE_ROW: carried over, *seq is its number. */
static int
next(struct rescue *k, int64_t *seq)
{
	struct outbox_item i;
	struct row r;

	sqlite3_bind_int64(k->next, 1, *seq);
	int rc = sqlite3_step(k->next);
	if (rc == SQLITE_ROW) {
		row_read(k->next, &r);
		row_item(k->next, &i);
		*seq = r.seq;
		k->err = copy(k, &r, &i.of);
	}
	sqlite3_reset(k->next);
	return rc;
}

/* Reading fails at bad: the first number past the damage, to within one; 0: nothing more can be read. */
static int64_t
past_damage(struct rescue *k, int64_t bad)
{
	int64_t good = bad, step = 1;
	int rc = SQLITE_CORRUPT;

	/* Ends: the step doubles until it is larger than any store. */
	for (; rc != SQLITE_ROW && step <= STEP_MAX; step *= 2) {
		bad = good;
		good += step;
		rc = probe(k, good);
		if (rc == SQLITE_DONE)
			return 0;
	}
	while (rc == SQLITE_ROW && good - bad > 1) {	/* halves each time */
		int64_t middle = bad + (good - bad) / 2;
		if (probe(k, middle) == SQLITE_ROW)
			good = middle;
		else
			bad = middle;
	}
	return rc == SQLITE_ROW ? good : 0;
}

/* Ids of cancelled ones that are no longer there, as many as can be read. A store of before has no such table. */
static void
copy_never(struct rescue *k)
{
	sqlite3_stmt *from = NULL, *to = NULL;
	int rc = SQLITE_ERROR;

	if (k->err == 0 && (k->err = store_begin(k->b)) == 0 &&
	    sqlite3_prepare_v2(k->from, "SELECT id FROM never ORDER BY n", -1, &from, NULL) == SQLITE_OK)
		k->err = sqlite_err(sqlite3_prepare_v2(k->b->db, "INSERT OR IGNORE INTO never(id) VALUES(?1)", -1, &to, NULL));
	while (k->err == 0 && from != NULL && (rc = sqlite3_step(from)) == SQLITE_ROW) {
		sqlite3_bind_value(to, 1, sqlite3_column_value(from, 0));
		k->err = store_done(k->b, to);
	}
	k->lost += from != NULL && k->err == 0 && rc != SQLITE_DONE;
	sqlite3_finalize(from);
	sqlite3_finalize(to);
}

int
salvage(struct outbox *b, const char *path, uint64_t *n, uint64_t *lost)
{
	struct rescue k = { .b = b };
	int rc;

	*lost = UINT64_MAX;
	if (sqlite3_open_v2(path, &k.from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(k.from, store_select_from, -1, &k.next, NULL) == SQLITE_OK) {
		/* Ends: seq grows; a store has an end, or reading fails from some number on. */
		for (int64_t seq = 1; k.err == 0 && seq > 0;) {
			int64_t at = seq;
			rc = next(&k, &seq);
			if (rc == SQLITE_DONE)
				break;
			seq = rc == SQLITE_ROW ? seq + 1 : past_damage(&k, at);
			k.lost += rc == SQLITE_ROW ? 0 : seq > 0 ? (uint64_t)(seq - at) : 1;
		}
		copy_never(&k);
		*lost = k.lost;
	}
	sqlite3_finalize(k.next);
	sqlite3_close(k.from);
	if (k.err == 0 && b->in_transaction)
		k.err = store_commit(b, b->clock0);
	*n = k.n;
	return k.err;
}
