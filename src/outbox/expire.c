/*
 * Confirmed and cancelled events are kept for a time, then their records go, a few hundred a turn. They stay in the account. Those with a
 * complaint that nobody has seen stay. An event of such an age that comes once more cannot be told from a new one by
 * its id any more: `fresh` remembers the newest time of all that were removed, and what is not newer is looked up at the far end
 * before it is sent. Of a cancelled one the far end would say that it is not there, and it would be sent although a person said
 * never: so of these the ids stay, the newest million of them.
 */
#include "outbox/inside.h"

#define ROWS		250
#define PERIOD_NS	(10 * NS_PER_S)

static int
drop(struct outbox *b, int64_t seq)
{
	static const enum statement what[] = { SQL_NEVER_PUT, SQL_EXPIRE_TRIES, SQL_EXPIRE_CHANGES, SQL_DELETE };
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof what / sizeof what[0]; i++) {
		sqlite3_stmt *s = store_statement(b, what[i]);
		sqlite3_bind_int64(s, 1, seq);
		err = store_done(b, s);
	}
	return err;
}

int
expire_some(struct outbox *b, int64_t t, bool *more)
{
	uint64_t kept = b->acc.n[OUTBOX_CONFIRMED] + b->acc.n[OUTBOX_CANCELLED] - b->acc.removed;
	uint64_t over = b->opts.keep_max > 0 && kept > b->opts.keep_max ? kept - b->opts.keep_max : 0;
	int64_t seqs[ROWS], before = b->opts.keep_ns > 0 && over == 0 ? t - b->opts.keep_ns : over > 0 ? INT64_MAX : INT64_MIN;
	size_t n = 0, most = over > 0 && over < ROWS ? (size_t)over : ROWS;
	int rc;

	*more = false;
	if (before == INT64_MIN || (t < b->expire_t && over == 0))
		return 0;
	sqlite3_stmt *s = store_statement(b, SQL_EXPIRE);
	if (s == NULL)
		return ERR_IO;
	sqlite3_bind_int64(s, 1, before);
	sqlite3_bind_int64(s, 2, (int64_t)most);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		int64_t time = sqlite3_column_int64(s, 1);
		seqs[n++] = sqlite3_column_int64(s, 0);
		b->acc.fresh = time > b->acc.fresh ? time : b->acc.fresh;
	}
	int err = sqlite_err(rc);
	sqlite3_reset(s);
	for (size_t i = 0; err == 0 && i < n; i++)
		err = drop(b, seqs[i]);
	if (err != 0)
		return err;
	if (n > 0) {
		b->acc.removed += n;
		b->dirty = true;
		sqlite3_stmt *trim = store_statement(b, SQL_NEVER_TRIM);
		sqlite3_bind_int64(trim, 1, OUTBOX_NEVER_MAX);
		err = store_done(b, trim);
		err = err != 0 ? err : store_done(b, store_statement(b, SQL_VACUUM));
	}
	*more = n == ROWS;
	if (!*more)
		b->expire_t = t + PERIOD_NS;
	return err;
}
