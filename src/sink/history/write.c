/* The writing half of the store; see store.h. All of it runs within a transaction of the sink's worker. */
#include <stdlib.h>

#include "sink/history/db.h"

#define EXPIRE_ROUNDS 32	/* of 200 rows each */

int
history_begin(struct history *h)
{
	return db_done(h, db_statement(h, SQL_BEGIN));
}

int
history_commit(struct history *h)
{
	return db_done(h, db_statement(h, SQL_COMMIT));
}

void
history_rollback(struct history *h)
{
	if (sqlite3_get_autocommit(h->db) == 0)
		db_done(h, db_statement(h, SQL_ROLLBACK));
}

int
history_put_series(struct history *h, const struct series_info *i)
{
	sqlite3_stmt *s = db_statement(h, SQL_PUT_SERIES);

	sqlite3_bind_int64(s, 1, i->id);
	sqlite3_bind_text(s, 2, i->flow, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, i->name, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 4, i->type);
	sqlite3_bind_text(s, 5, i->unit, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 6, i->help, -1, SQLITE_STATIC);
	if (i->has_range) {
		sqlite3_bind_double(s, 7, i->lo);
		sqlite3_bind_double(s, 8, i->hi);
	} else {
		sqlite3_bind_null(s, 7);
		sqlite3_bind_null(s, 8);
	}
	return db_done(h, s);
}

/* Entries [v, v + n) lie in one span: merge them into its row. */
static int
fold_span(struct history *h, int64_t series, enum roll_level l, int64_t t0, const struct roll *v, size_t n)
{
	struct rolls row = { 0 };
	int err = 0;

	sqlite3_stmt *s = db_statement(h, SQL_GET_ROLL);
	sqlite3_bind_int(s, 1, (int)l);
	sqlite3_bind_int64(s, 2, series);
	sqlite3_bind_int64(s, 3, t0);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		err = rolls_unpack(sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1), &row);
	else
		err = sqlite_err(rc);
	sqlite3_reset(s);
	for (size_t i = 0; err == 0 && i < n; i++)
		err = rolls_merge(&row, &v[i]);
	uint8_t *bytes = err == 0 ? malloc(row.n * ROLL_BYTES) : NULL;
	if (err == 0 && bytes == NULL)
		err = ERR_NOMEM;
	if (err == 0) {
		rolls_pack(row.v, row.n, bytes);
		s = db_statement(h, SQL_PUT_ROLL);
		sqlite3_bind_int(s, 1, (int)l);
		sqlite3_bind_int64(s, 2, series);
		sqlite3_bind_int64(s, 3, t0);
		sqlite3_bind_blob64(s, 4, bytes, row.n * ROLL_BYTES, SQLITE_STATIC);
		err = db_done(h, s);
	}
	free(bytes);
	rolls_fini(&row);
	return err;
}

struct fold {
	struct rolls	rolls;
	enum roll_level	level;
	int		err;
};

static bool
fold_point(void *arg, const struct point *p)
{
	struct fold *f = arg;
	f->err = rolls_add(&f->rolls, f->level, p);
	return f->err == 0;
}

static int
fold_chunk(struct history *h, const struct raw_row *r)
{
	struct fold f = { 0 };
	int err = 0;

	for (int l = 0; err == 0 && l < ROLL_LEVELS; l++) {
		f.level = (enum roll_level)l;
		f.rolls.n = 0;
		err = chunk_read(r->data, r->len, fold_point, &f);
		err = err != 0 ? err : f.err;
		int64_t span = roll_span_ns(f.level);
		for (size_t i = 0, k; err == 0 && i < f.rolls.n; i = k) {
			int64_t t0 = roll_floor(f.rolls.v[i].t, span);
			for (k = i + 1; k < f.rolls.n && f.rolls.v[k].t - t0 < span; k++)
				;
			err = fold_span(h, r->series, f.level, t0, &f.rolls.v[i], k - i);
		}
	}
	rolls_fini(&f.rolls);
	return err;
}

int
history_put_raw(struct history *h, const struct raw_row *r)
{
	sqlite3_stmt *s = db_statement(h, SQL_PUT_RAW);

	sqlite3_bind_int64(s, 1, r->id);
	sqlite3_bind_int64(s, 2, r->series);
	sqlite3_bind_int64(s, 3, r->t0);
	sqlite3_bind_int64(s, 4, r->t1);
	sqlite3_bind_int64(s, 5, r->n);
	sqlite3_bind_int(s, 6, !r->close);
	sqlite3_bind_int64(s, 7, r->stream);
	sqlite3_bind_int64(s, 8, (int64_t)r->seq);
	sqlite3_bind_blob64(s, 9, r->data, r->len, SQLITE_STATIC);
	int err = db_done(h, s);
	return err == 0 && r->close ? fold_chunk(h, r) : err;
}

int
history_expire(struct history *h, int64_t now, const int64_t keep_ns[1 + ROLL_LEVELS])
{
	int err = 0;

	/* As many as a job may have written, some at a time; ends when a round removes nothing. */
	for (int i = 0, gone = keep_ns[0] > 0; err == 0 && gone > 0 && i < EXPIRE_ROUNDS; i++) {
		sqlite3_stmt *s = db_statement(h, SQL_EXPIRE_RAW);
		sqlite3_bind_int64(s, 1, now - keep_ns[0]);
		err = db_done(h, s);
		gone = sqlite3_changes(h->db);
	}
	for (int l = 0; err == 0 && l < ROLL_LEVELS; l++) {
		if (keep_ns[1 + l] <= 0)
			continue;
		sqlite3_stmt *s = db_statement(h, SQL_EXPIRE_ROLL);
		sqlite3_bind_int(s, 1, l);
		sqlite3_bind_int64(s, 2, now - keep_ns[1 + l] - roll_span_ns((enum roll_level)l));
		err = db_done(h, s);
	}
	return err != 0 ? err : db_done(h, db_statement(h, SQL_VACUUM));
}

static int
number(struct history *h, enum statement which, int64_t *out)
{
	sqlite3_stmt *s = db_statement(h, which);
	int rc = s == NULL ? SQLITE_ERROR : sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return rc == SQLITE_ROW ? 0 : sqlite_err(rc) != 0 ? sqlite_err(rc) : ERR_IO;
}

int
history_next_ids(struct history *h, int64_t *series, int64_t *raw)
{
	int err = number(h, SQL_NEXT_SERIES, series);
	return err != 0 ? err : number(h, SQL_NEXT_RAW, raw);
}

int
history_tail(struct history *h, int64_t series, struct raw_tail *out)
{
	sqlite3_stmt *s = db_statement(h, SQL_TAIL);

	*out = (struct raw_tail){ 0 };
	sqlite3_bind_int64(s, 1, series);
	int rc = s == NULL ? SQLITE_ERROR : sqlite3_step(s), err = rc == SQLITE_DONE ? ERR_NOTFOUND : sqlite_err(rc);
	if (rc == SQLITE_ROW) {
		out->id = sqlite3_column_int64(s, 0);
		out->stream = (uint32_t)sqlite3_column_int64(s, 1);
		out->seq = (uint64_t)sqlite3_column_int64(s, 2);
		out->open = sqlite3_column_int(s, 3) != 0;
		out->t1 = sqlite3_column_int64(s, 5);
		const void *blob = sqlite3_column_blob(s, 4);
		out->len = (size_t)sqlite3_column_bytes(s, 4);
		out->data = malloc(out->len + 1);
		if (out->data == NULL)
			err = ERR_NOMEM;
		else if (out->len > 0)
			memcpy(out->data, blob, out->len);
	}
	sqlite3_reset(s);
	return err;
}
