/* See look.h. */
#include "outbox/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outbox/inside.h"

#define PAGE	200
#define BUSY_MS	3000

struct outbox_look {
	struct outbox	store;		/* of it only path, db and what store.c needs to read */
};

int
outbox_look_open(const char *path, struct outbox_look **out, char *why, size_t size)
{
	struct outbox_look *l = calloc(1, sizeof *l);
	int version = 0;
	sqlite3_stmt *s = NULL;

	if (l == NULL || (l->store.path = strdup(path)) == NULL) {
		free(l);
		snprintf(why, size, "%s", err_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	int err = sqlite_err(sqlite3_open_v2(path, &l->store.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL));
	if (err == 0) {
		sqlite3_busy_timeout(l->store.db, BUSY_MS);
		int rc = sqlite3_prepare_v2(l->store.db, "PRAGMA user_version", -1, &s, NULL);
		rc = rc == SQLITE_OK ? sqlite3_step(s) : rc;
		version = rc == SQLITE_ROW ? sqlite3_column_int(s, 0) : 0;
		err = sqlite_err(rc);
	}
	if (err == 0 && version > OUTBOX_SCHEMA) {
		err = ERR_VERSION;
		snprintf(why, size, "%s was made by a newer penstock", path);
	} else if (err == 0 && version == 0)
		err = ERR_NOTFOUND;	/* just being made */
	else if (err != 0)
		snprintf(why, size, "%s cannot be read: %s; is this the user of the service?", path,
		    l->store.db != NULL ? sqlite3_errmsg(l->store.db) : err_text(err));
	sqlite3_finalize(s);
	if (err != 0) {
		outbox_look_close(l);
		return err;
	}
	*out = l;
	return 0;
}

void
outbox_look_close(struct outbox_look *l)
{
	if (l == NULL)
		return;
	store_close(&l->store);
	free(l->store.path);
	free(l);
}

int
outbox_look_counts(struct outbox_look *l, struct outbox_counts *out)
{
	int err = store_account(&l->store);

	return err != 0 ? err : outbox_counts(&l->store, (struct mono){ 0 }, out);
}

int
outbox_look_each(struct outbox_look *l, const struct outbox_filter *f, bool (*each)(void *arg, const struct outbox_item *i), void *arg)
{
	static const char by_state[] = "SELECT " OUTBOX_COLUMNS " FROM item WHERE state=?1 AND seq>?2 AND (?3 IS NULL OR lane=?3)"
	    " AND (?4 IS NULL OR code=?4) ORDER BY seq LIMIT ?5";
	static const char by_complaint[] = "SELECT " OUTBOX_COLUMNS " FROM item INDEXED BY item_complaint WHERE complaint=1 AND seq>?2"
	    " AND (?3 IS NULL OR lane=?3) AND (?4 IS NULL OR code=?4) ORDER BY seq LIMIT ?5";
	uint64_t left = f->limit != 0 ? f->limit : UINT64_MAX;
	int64_t seq = 0;
	sqlite3_stmt *s = NULL;
	bool more = true;

	int rc = sqlite3_prepare_v2(l->store.db, f->complaint ? by_complaint : by_state, -1, &s, NULL);
	if (rc != SQLITE_OK)
		return sqlite_err(rc);
	while (more && left > 0) {	/* ends: seq grows; each page is a read of its own */
		int n = 0;
		if (!f->complaint)
			sqlite3_bind_int(s, 1, f->state);
		sqlite3_bind_int64(s, 2, seq);
		sqlite3_bind_text(s, 3, f->lane, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 4, f->code, -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 5, left < PAGE ? (int64_t)left : PAGE);
		while (more && (rc = sqlite3_step(s)) == SQLITE_ROW) {
			struct outbox_item i;
			row_item(s, &i);
			seq = i.seq;
			n++;
			left--;
			more = each(arg, &i);
		}
		sqlite3_reset(s);
		more = more && rc == SQLITE_DONE && n == PAGE;
	}
	sqlite3_finalize(s);
	return sqlite_err(rc);
}

static const char *
name_of(const char *const *names, size_t n, int64_t i)
{
	return i >= 0 && (size_t)i < n ? names[i] : "?";
}

static void
visit_try(sqlite3_stmt *s, const struct outbox_visitor *v)
{
	static const char *const calls[] = { [CALL_POST] = "post", [CALL_LOOKUP] = "lookup", [CALL_FOLLOW] = "follow-up" };
	static const char *const verdicts[OUTBOX_VERDICT_KINDS] = {
		[OUTBOX_IS_DONE] = "done", [OUTBOX_IS_ABSENT] = "not there", [OUTBOX_IS_REFUSED] = "refused", [OUTBOX_IS_BUSY] = "busy",
		[OUTBOX_IS_DOWN] = "down", [OUTBOX_IS_UNKNOWN] = "unknown", [OUTBOX_IS_BAD] = "no message", [OUTBOX_IS_LATE_FAILED] = "failed late",
	};

	v->attempt(v->arg, &(struct outbox_try){
		.n = (uint32_t)sqlite3_column_int64(s, 0), .at = { sqlite3_column_int64(s, 1) }, .took_ns = sqlite3_column_int64(s, 2),
		.call = name_of(calls, 3, sqlite3_column_int64(s, 3)), .verdict = name_of(verdicts, OUTBOX_VERDICT_KINDS, sqlite3_column_int64(s, 4)),
		.document = store_text(s, 5), .code = store_text(s, 6), .text = store_text(s, 7), .target = store_text(s, 8) });
}

static void
visit_change(sqlite3_stmt *s, const struct outbox_visitor *v)
{
	v->change(v->arg, &(struct outbox_change){
		.at = { sqlite3_column_int64(s, 0) }, .who = store_text(s, 1), .verb = store_text(s, 2), .why = store_text(s, 3),
		.what = store_text(s, 4), .before = store_text(s, 5), .after = store_text(s, 6) });
}

static int
visit(struct outbox_look *l, const char *sql, int64_t seq, void (*each)(sqlite3_stmt *s, const struct outbox_visitor *v),
    const struct outbox_visitor *v)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(l->store.db, sql, -1, &s, NULL);

	if (rc == SQLITE_OK)
		sqlite3_bind_int64(s, 1, seq);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(s);
		if (rc == SQLITE_ROW)
			each(s, v);
	}
	sqlite3_finalize(s);
	return sqlite_err(rc);
}

int
outbox_look_item(struct outbox_look *l, int64_t seq, const struct outbox_visitor *v)
{
	struct outbox_item i;
	sqlite3_stmt *s;

	int err = row_get(&l->store, seq, &s);
	if (err != 0)
		return err;
	row_item(s, &i);
	v->item(v->arg, &i);
	sqlite3_reset(s);
	if (v->attempt != NULL)
		err = visit(l, "SELECT n, at, took, call, verdict, document, code, text, target FROM try WHERE item=?1 ORDER BY n", seq, visit_try, v);
	return err != 0 || v->change == NULL ? err : visit(l, "SELECT at, who, verb, why, what, before, after FROM change WHERE item=?1 ORDER BY id", seq,
	    visit_change, v);
}
