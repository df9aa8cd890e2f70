/*
 * One event in the file: read, written, put in line. All changes of state go through row_put(), which keeps the account; all changes
 * of who is first in a lane through lane_refresh().
 */
#include <string.h>

#include "outbox/inside.h"

enum {
	C_SEQ, C_STATE, C_UNKNOWN, C_COMPLAINT, C_OPEN, C_ATTEMPTS, C_WAITS, C_TRIES, C_PUT, C_FIRST_SENT, C_LAST_TRY, C_SETTLED, C_POSTED_T,
	C_FOLLOW_T, C_AGED_T, C_TIME, C_LANE, C_DOCUMENT, C_CODE, C_TEXT, C_TARGET, C_ID, C_EVENT, C_TYPE, C_KEY, C_FLOW, C_NO, C_MAPPING,
	C_BODY, C_WAY
};

static enum outbox_state
state_of(int v)
{
	return v >= 0 && v < OUTBOX_STATE_COUNT ? (enum outbox_state)v : OUTBOX_QUARANTINED;
}

void
row_read(sqlite3_stmt *s, struct row *r)
{
	*r = (struct row){
		.seq = sqlite3_column_int64(s, C_SEQ), .state = state_of(sqlite3_column_int(s, C_STATE)),
		.unknown = sqlite3_column_int(s, C_UNKNOWN) != 0, .complaint = sqlite3_column_int(s, C_COMPLAINT) != 0,
		.open = sqlite3_column_int(s, C_OPEN) != 0, .attempts = (uint32_t)sqlite3_column_int64(s, C_ATTEMPTS),
		.waits = (uint32_t)sqlite3_column_int64(s, C_WAITS), .tries = (uint32_t)sqlite3_column_int64(s, C_TRIES),
		.put = sqlite3_column_int64(s, C_PUT), .first_sent = sqlite3_column_int64(s, C_FIRST_SENT),
		.last_try = sqlite3_column_int64(s, C_LAST_TRY), .settled = sqlite3_column_int64(s, C_SETTLED),
		.posted_t = sqlite3_column_int64(s, C_POSTED_T), .follow_t = sqlite3_column_int64(s, C_FOLLOW_T),
		.aged_t = sqlite3_column_int64(s, C_AGED_T), .time = sqlite3_column_int64(s, C_TIME),
		.lane = store_text(s, C_LANE), .document = store_text(s, C_DOCUMENT), .code = store_text(s, C_CODE),
		.text = store_text(s, C_TEXT), .target = store_text(s, C_TARGET), .way = store_text(s, C_WAY),
	};
}

void
row_item(sqlite3_stmt *s, struct outbox_item *i)
{
	struct row r;

	row_read(s, &r);
	*i = (struct outbox_item){
		.seq = r.seq, .state = r.state, .outcome_unknown = r.unknown, .complaint = r.complaint, .attempts = r.attempts,
		.put = { r.put }, .first_sent = { r.first_sent }, .last_try = { r.last_try }, .settled = { r.settled },
		.document = r.document, .code = r.code, .text = r.text, .target = r.target, .way = r.way,
		.of = { .id = store_text(s, C_ID), .event = store_text(s, C_EVENT), .type = store_text(s, C_TYPE),
		    .key = store_text(s, C_KEY), .lane = r.lane, .body = store_text(s, C_BODY),
		    .body_len = (size_t)sqlite3_column_bytes(s, C_BODY), .flow = store_text(s, C_FLOW),
		    .no = (uint64_t)sqlite3_column_int64(s, C_NO), .time = { r.time }, .mapping = store_text(s, C_MAPPING) },
	};
}

int
row_get(struct outbox *b, int64_t seq, sqlite3_stmt **out)
{
	sqlite3_stmt *s = store_statement(b, SQL_GET);

	if (s == NULL)
		return ERR_IO;
	sqlite3_bind_int64(s, 1, seq);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*out = s;
		return 0;
	}
	int err = rc == SQLITE_DONE ? ERR_NOTFOUND : store_fail(b, sqlite_err(rc));
	sqlite3_reset(s);
	return err;
}

static void
bind_text(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

static void
bind_time(sqlite3_stmt *s, int at, int64_t t)
{
	if (t != 0)
		sqlite3_bind_int64(s, at, t);
	else
		sqlite3_bind_null(s, at);
}

static void
count(struct account *a, const struct row *r, int by)
{
	a->n[r->state] += (uint64_t)(int64_t)by;
	if (r->unknown && r->state != OUTBOX_CANCELLED)	/* that one is a person's affair now */
		a->unknown += (uint64_t)(int64_t)by;
	if (r->complaint)
		a->complaints += (uint64_t)(int64_t)by;
}

int
row_new(struct outbox *b, const struct row *r, const struct outbox_new *v, bool *fresh)
{
	sqlite3_stmt *s = store_statement(b, SQL_INSERT);
	const int64_t numbers[] = {
		[C_STATE] = r->state, [C_UNKNOWN] = r->unknown, [C_COMPLAINT] = r->complaint, [C_OPEN] = r->open,
		[C_ATTEMPTS] = r->attempts, [C_WAITS] = r->waits, [C_TRIES] = r->tries, [C_PUT] = r->put, [C_FIRST_SENT] = r->first_sent,
		[C_LAST_TRY] = r->last_try, [C_SETTLED] = r->settled, [C_POSTED_T] = r->posted_t,
	};

	if (s == NULL)
		return ERR_IO;
	bind_time(s, C_SEQ + 1, r->seq);
	for (int i = C_STATE; i <= C_POSTED_T; i++)
		sqlite3_bind_int64(s, i + 1, numbers[i]);
	bind_time(s, C_FOLLOW_T + 1, r->follow_t);
	bind_time(s, C_AGED_T + 1, r->aged_t);
	sqlite3_bind_int64(s, C_TIME + 1, v->time.ns);
	const char *const texts[] = { v->lane, r->document, r->code, r->text, r->target, v->id, v->event, v->type, v->key, v->flow };
	for (int i = 0; i < 10; i++)
		bind_text(s, C_LANE + i + 1, texts[i]);
	sqlite3_bind_int64(s, C_NO + 1, (int64_t)v->no);
	bind_text(s, C_MAPPING + 1, v->mapping);
	sqlite3_bind_text64(s, C_BODY + 1, v->body, v->body_len, SQLITE_STATIC, SQLITE_UTF8);
	bind_text(s, C_WAY + 1, r->way);
	int err = store_done(b, s);
	*fresh = err == 0 && sqlite3_changes(b->db) > 0;
	b->dirty = true;
	if (err != 0)
		return err;
	if (!*fresh)
		b->acc.repeated++;
	else {
		b->acc.taken++;
		count(&b->acc, r, 1);
	}
	return 0;
}

int
row_put(struct outbox *b, const struct row *was, const struct row *r)
{
	sqlite3_stmt *s = store_statement(b, SQL_UPDATE);
	const int64_t numbers[] = {
		r->seq, r->state, r->unknown, r->complaint, r->open, r->attempts, r->waits, r->tries, r->first_sent, r->last_try, r->settled,
		r->posted_t,
	};

	if (s == NULL)
		return ERR_IO;
	for (int i = 0; i < 12; i++)
		sqlite3_bind_int64(s, i + 1, numbers[i]);
	bind_time(s, 13, r->follow_t);
	bind_time(s, 14, r->aged_t);
	bind_text(s, 15, r->document);
	bind_text(s, 16, r->code);
	bind_text(s, 17, r->text);
	bind_text(s, 18, r->target);
	bind_text(s, 19, r->way);
	int err = store_done(b, s);
	if (err != 0)
		return err;
	b->dirty = true;
	count(&b->acc, was, -1);
	count(&b->acc, r, 1);
	return 0;
}

/* ---- lanes ---- */

struct lane {
	int64_t	head, due;
	bool	there, waits, busy, held;	/* waits: due is set */
};

static int
lane_get(struct outbox *b, const char *name, struct lane *out)
{
	sqlite3_stmt *s = store_statement(b, SQL_LANE_GET);

	*out = (struct lane){ 0 };
	if (s == NULL)
		return ERR_IO;
	bind_text(s, 1, name);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*out = (struct lane){ .there = true, .head = sqlite3_column_int64(s, 0), .due = sqlite3_column_int64(s, 1),
		    .waits = sqlite3_column_type(s, 1) != SQLITE_NULL, .busy = sqlite3_column_int(s, 2) != 0,
		    .held = sqlite3_column_int(s, 3) != 0 };
	sqlite3_reset(s);
	return sqlite_err(rc) != 0 ? store_fail(b, sqlite_err(rc)) : 0;
}

static int
lane_put(struct outbox *b, const char *name, const struct lane *was, const struct lane *l)
{
	sqlite3_stmt *s = store_statement(b, l->there ? SQL_LANE_PUT : SQL_LANE_DELETE);

	if (s == NULL)
		return ERR_IO;
	bind_text(s, 1, name);
	if (l->there) {
		sqlite3_bind_int64(s, 2, l->head);
		if (l->waits)
			sqlite3_bind_int64(s, 3, l->due);
		else
			sqlite3_bind_null(s, 3);
		sqlite3_bind_int(s, 4, l->busy);
		sqlite3_bind_int(s, 5, l->held);
	}
	b->acc.lanes_held += (uint64_t)((int)l->held - (int)was->held);
	b->dirty = true;
	return store_done(b, s);
}

int
lane_new(struct outbox *b, const char *name, int64_t head, int64_t t)
{
	sqlite3_stmt *s = store_statement(b, SQL_LANE_NEW);

	if (s == NULL)
		return ERR_IO;
	bind_text(s, 1, name);
	sqlite3_bind_int64(s, 2, head);
	sqlite3_bind_int64(s, 3, t);
	return store_done(b, s);
}

int
lane_busy(struct outbox *b, const char *name, int64_t head)
{
	struct lane was, l;
	int err = lane_get(b, name, &was);

	if (err != 0)
		return err;
	l = (struct lane){ .there = true, .head = head, .busy = true };
	return lane_put(b, name, &was, &l);
}

int
lane_refresh(struct outbox *b, const char *name, int64_t due_t, int64_t t, bool over)
{
	struct lane was, l = { 0 };
	int err = lane_get(b, name, &was);
	sqlite3_stmt *s = err == 0 ? store_statement(b, SQL_LANE_HEAD) : NULL;

	if (s == NULL)
		return err != 0 ? err : ERR_IO;
	bind_text(s, 1, name);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		enum outbox_state state = state_of(sqlite3_column_int(s, 1));
		l.there = true;
		l.head = sqlite3_column_int64(s, 0);
		l.busy = was.busy && !over;
		l.held = state == OUTBOX_REFUSED || state == OUTBOX_QUARANTINED;
		l.waits = !l.busy && !l.held;
		l.due = due_t != LANE_KEEP ? due_t : was.waits && was.head == l.head ? was.due : t;
	}
	sqlite3_reset(s);
	if (sqlite_err(rc) != 0)
		return store_fail(b, sqlite_err(rc));
	return l.there || was.there ? lane_put(b, name, &was, &l) : 0;
}
