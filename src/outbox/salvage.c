/*
 * What can still be read of a damaged store is carried over, number by number. Where reading fails, the search goes on past the bad
 * place in growing steps. Whatever was ready or sent comes back as sent with an unknown outcome, since the newest writes may be what is
 * missing: it is looked up before anything is posted. Histories of tries stay in the file that was put aside.
 */
#include <stdlib.h>
#include <string.h>

#include "outbox/inside.h"

#define COMMIT_EVERY	1000u
#define STEP_MAX	(1 << 20)	/* numbers skipped at once */
#define FAILURES_MAX	10000u		/* of reading, until the rest is given up */

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

int
salvage(struct outbox *b, const char *path, uint64_t *n, uint64_t *lost)
{
	struct rescue k = { .b = b };
	int64_t step = 1;
	uint64_t failures = 0;

	if (sqlite3_open_v2(path, &k.from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(k.from, store_select_from, -1, &k.next, NULL) == SQLITE_OK) {
		/* Ends: seq grows, and failures are counted. */
		for (int64_t seq = 1; k.err == 0 && failures < FAILURES_MAX && seq < INT64_MAX - STEP_MAX;) {
			int64_t at = seq;
			int rc = next(&k, &seq);
			if (rc == SQLITE_DONE)
				break;
			if (rc == SQLITE_ROW) {
				seq++;
				step = 1;
				continue;
			}
			failures++;
			k.lost += (uint64_t)step;
			seq = at + step;
			step = step < STEP_MAX ? step * 2 : step;
		}
	}
	sqlite3_finalize(k.next);
	sqlite3_close(k.from);
	if (k.err == 0 && b->in_transaction)
		k.err = store_commit(b, b->clock0);
	*n = k.n;
	*lost = k.lost;
	return k.err;
}
