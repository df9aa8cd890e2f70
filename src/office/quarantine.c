/*
 * See quarantine.h. One table, a rollback journal (so that `penstock quarantine` may read it beside us), synchronous FULL.
 *
 *	item: id, stream, sink, first, last, time_ns, reason, preview, note, state, attempts, samples; one row a (stream, sink, first)
 */
#include "office/quarantine.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/sqlite.h"

#define BUSY_MS 5000

static const char schema[] =
	"PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA cache_size=-256;"
	"CREATE TABLE IF NOT EXISTS item(id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, sink TEXT NOT NULL, first INTEGER NOT NULL,"
	" last INTEGER NOT NULL, time_ns INTEGER NOT NULL, reason TEXT NOT NULL, preview TEXT NOT NULL, note TEXT NOT NULL DEFAULT '',"
	" state INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, samples BLOB NOT NULL, UNIQUE(stream, sink, first));"
	"PRAGMA user_version=1;";

struct waiting {
	struct waiting	*next;
	struct quarantine_item item;		/* texts and samples in the same allocation */
	void		(*stored)(void *arg, int err);
	void		*arg;
	int		 err;
};

struct quarantine {
	sqlite3		*db;
	uv_loop_t	*loop;
	uv_work_t	 work;
	bool		 working, closing;
	struct waiting	*queue, **tail;		/* the loop's */
	struct waiting	*batch;			/* the worker's while working */
	uint64_t	 bytes, items;		/* of samples held, and how many: read and written by whoever has the work */
};

static int
complain(struct quarantine *q, const char *what, int rc)
{
	if (sqlite_err(rc) != 0)
		log_error("quarantine_disk", "what=%s error=\"%s\"", what, sqlite3_errmsg(q->db));
	return sqlite_err(rc);
}

static uint64_t
number(struct quarantine *q, const char *sql, const char *sink)
{
	sqlite3_stmt *s = NULL;
	uint64_t n = 0;

	if (sqlite3_prepare_v2(q->db, sql, -1, &s, NULL) == SQLITE_OK) {
		if (sink != NULL)
			sqlite3_bind_text(s, 1, sink, -1, SQLITE_STATIC);
		if (sqlite3_step(s) == SQLITE_ROW)
			n = (uint64_t)sqlite3_column_int64(s, 0);
	}
	sqlite3_finalize(s);
	return n;
}

static void
measure(struct quarantine *q)
{
	q->bytes = number(q, "SELECT coalesce(sum(length(samples)),0) FROM item", NULL);
	q->items = number(q, "SELECT count(*) FROM item", NULL);
}

static int
open_db(const char *path, int flags, struct quarantine **out, char *why, size_t size)
{
	struct quarantine *q = calloc(1, sizeof *q);

	if (q == NULL)
		return ERR_NOMEM;
	q->tail = &q->queue;
	int rc = sqlite3_open_v2(path, &q->db, flags, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(q->db, BUSY_MS);
	if (rc == SQLITE_OK && (flags & SQLITE_OPEN_READWRITE) != 0)
		rc = sqlite3_exec(q->db, schema, NULL, NULL, NULL);
	if (rc == SQLITE_OK)	/* reads the file: a damaged one is found here, not taken for one of another version */
		rc = sqlite3_exec(q->db, "PRAGMA schema_version", NULL, NULL, NULL);
	if (rc == SQLITE_OK && number(q, "PRAGMA user_version", NULL) != 1) {
		snprintf(why, size, "%s was made by another version of penstock", path);
		sqlite3_close(q->db);
		free(q);
		return ERR_VERSION;
	}
	if (rc != SQLITE_OK) {
		snprintf(why, size, "%s: %s", path, q->db != NULL ? sqlite3_errmsg(q->db) : "out of memory");
		sqlite3_close(q->db);
		free(q);
		return sqlite_err(rc);
	}
	*out = q;
	return 0;
}

/*
 * A store that is no database any more would keep office, and with it every sink, from starting. It is kept under another name; what was
 * in it stays in quarantine in the ledger, and a person may still recover it. Its journal goes first: it must never meet the new store.
 */
static int
set_aside(const char *path, const char *why)
{
	char kept[2000], journal[2100], kept_journal[2100];
	int n = snprintf(kept, sizeof kept, "%s.damaged-%lld", path, (long long)(wall_now().ns / NS_PER_S));

	if (n < 0 || (size_t)n >= sizeof kept)
		return ERR_LIMIT;
	snprintf(journal, sizeof journal, "%s-journal", path);
	snprintf(kept_journal, sizeof kept_journal, "%s-journal", kept);
	if ((rename(journal, kept_journal) != 0 && errno != ENOENT) || rename(path, kept) != 0)
		return err_from_errno(errno);
	log_error("quarantine_damaged", "why=\"%s\" kept=\"%s\" remedy=\"a new store is begun; try: sqlite3 FILE .recover, and check the disk\"",
	    why, kept);
	return 0;
}

int
quarantine_open(const char *path, uv_loop_t *loop, struct quarantine **out, char *why, size_t size)
{
	mode_t mask = umask(077);	/* samples are nobody else's business */
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
	int err = open_db(path, flags, out, why, size);

	if (err == ERR_CORRUPT && set_aside(path, why) == 0)
		err = open_db(path, flags, out, why, size);
	umask(mask);
	if (err == 0) {
		(*out)->loop = loop;
		measure(*out);
	}
	return err;
}

int
quarantine_look(const char *path, struct quarantine **out, char *why, size_t size)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		int err = errno;
		if (err != ENOENT && err != ENOTDIR) {
			snprintf(why, size, "%s cannot be looked at: %s; is this the user of the service?", path, strerror(err));
			return err_from_errno(err);
		}
		snprintf(why, size, "there is no %s: nothing was ever refused here, or this is not the state directory", path);
		return ERR_NOTFOUND;
	}
	return open_db(path, SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX, out, why, size);
}

/* ---- putting aside ---- */

static int
insert(struct quarantine *q, sqlite3_stmt *s, const struct quarantine_item *i)
{
	if (q->bytes + i->samples_len > QUARANTINE_BYTES_MAX || q->items >= QUARANTINE_ITEMS_MAX)
		return ERR_LIMIT;
	sqlite3_reset(s);
	sqlite3_bind_text(s, 1, i->stream, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, i->sink, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, (int64_t)i->first);
	sqlite3_bind_int64(s, 4, (int64_t)i->last);
	sqlite3_bind_int64(s, 5, i->when.ns);
	sqlite3_bind_text(s, 6, i->reason, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 7, i->preview, -1, SQLITE_STATIC);
	sqlite3_bind_blob(s, 8, i->samples, (int)i->samples_len, SQLITE_STATIC);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_DONE) {
		q->bytes += i->samples_len;
		q->items++;
	}
	return complain(q, "insert", rc);
}

/*
 * An item of the same number is replaced: it is the same batch refused again, or, after a power cut that took the first one from the
 * spool, another one to which the number was given anew. In the thread pool; all or nothing, so that one answer fits all but those for
 * which there was no room.
 */
static void
work(uv_work_t *w)
{
	struct quarantine *q = w->data;
	sqlite3_stmt *s = NULL;
	uint64_t bytes = q->bytes, items = q->items;

	int rc = sqlite3_exec(q->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(q->db, "INSERT INTO item(stream,sink,first,last,time_ns,reason,preview,samples) VALUES(?,?,?,?,?,?,?,?)"
		    " ON CONFLICT(stream,sink,first) DO UPDATE SET last=excluded.last, time_ns=excluded.time_ns, reason=excluded.reason,"
		    " preview=excluded.preview, samples=excluded.samples, state=0, note=''", -1, &s, NULL);
	int err = complain(q, "begin", rc);
	for (struct waiting *i = q->batch; i != NULL; i = i->next)
		i->err = err != 0 ? err : insert(q, s, &i->item);
	sqlite3_finalize(s);
	if (err == 0)
		err = complain(q, "commit", sqlite3_exec(q->db, "COMMIT", NULL, NULL, NULL));
	if (err == 0)
		return;
	sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
	q->bytes = bytes;
	q->items = items;
	for (struct waiting *i = q->batch; i != NULL; i = i->next)
		i->err = err;
}

static void start(struct quarantine *q);

static void
after(uv_work_t *w, int status)
{
	struct quarantine *q = w->data;
	struct waiting *i = q->batch;

	q->batch = NULL;
	q->working = false;
	while (i != NULL) {
		struct waiting *next = i->next;
		i->stored(i->arg, status != 0 ? ERR_IO : i->err);
		free(i);
		i = next;
	}
	start(q);
}

static void
start(struct quarantine *q)
{
	if (q->working || q->queue == NULL)
		return;
	q->batch = q->queue;
	q->queue = NULL;
	q->tail = &q->queue;
	q->working = true;
	q->work.data = q;
	uv_queue_work(q->loop, &q->work, work, after);
}

static const char *
copy_text(char **to, const char *s)
{
	size_t len = strlen(s) + 1;
	char *at = memcpy(*to, s, len);
	*to += len;
	return at;
}

void
quarantine_put(struct quarantine *q, const struct quarantine_item *i, void (*stored)(void *arg, int err), void *arg)
{
	size_t texts = strlen(i->stream) + strlen(i->sink) + strlen(i->reason) + strlen(i->preview) + 4;
	struct waiting *w = calloc(1, sizeof *w + texts + i->samples_len);

	if (w == NULL)
		fatal("out_of_memory", "what=quarantine");
	char *p = (char *)(w + 1);
	w->item = *i;
	w->item.samples = memcpy(p, i->samples, i->samples_len);
	p += i->samples_len;
	w->item.stream = copy_text(&p, i->stream);
	w->item.sink = copy_text(&p, i->sink);
	w->item.reason = copy_text(&p, i->reason);
	w->item.preview = copy_text(&p, i->preview);
	w->stored = stored;
	w->arg = arg;
	*q->tail = w;
	q->tail = &w->next;
	start(q);
}

bool
quarantine_idle(const struct quarantine *q)
{
	return !q->working && q->queue == NULL;
}

void
quarantine_close(struct quarantine *q)
{
	if (q == NULL)
		return;
	/* Ends: each turn of the loop brings the one work under way nearer to its end. */
	while (q->working)
		uv_run(q->loop, UV_RUN_ONCE);
	sqlite3_close(q->db);
	free(q);
}

/* ---- looking and deciding ---- */

static const char *
text_at(sqlite3_stmt *s, int column)
{
	const unsigned char *t = sqlite3_column_text(s, column);
	return t != NULL ? (const char *)t : "";
}

static void
fill(sqlite3_stmt *s, struct quarantine_item *i)
{
	*i = (struct quarantine_item){
		.id = sqlite3_column_int64(s, 0), .stream = text_at(s, 1), .sink = text_at(s, 2),
		.first = (uint64_t)sqlite3_column_int64(s, 3), .last = (uint64_t)sqlite3_column_int64(s, 4),
		.when = { sqlite3_column_int64(s, 5) }, .reason = text_at(s, 6), .note = text_at(s, 7),
		.state = (enum quarantine_state)sqlite3_column_int(s, 8), .attempts = sqlite3_column_int64(s, 9), .preview = "",
	};
}

#define COLUMNS "id,stream,sink,first,last,time_ns,reason,note,state,attempts"

int
quarantine_each(struct quarantine *q, int state, const char *sink, void (*each)(void *arg, const struct quarantine_item *item), void *arg)
{
	struct quarantine_item i;
	sqlite3_stmt *s = NULL;

	int rc = sqlite3_prepare_v2(q->db, "SELECT " COLUMNS " FROM item WHERE (?1<0 OR state=?1) AND (?2 IS NULL OR sink=?2) ORDER BY id", -1, &s,
	    NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int(s, 1, state);
		sqlite3_bind_text(s, 2, sink, -1, SQLITE_STATIC);
		while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
			fill(s, &i);
			each(arg, &i);
		}
	}
	sqlite3_finalize(s);
	return complain(q, "list", rc);
}

int
quarantine_get(struct quarantine *q, int64_t id, void (*each)(void *arg, const struct quarantine_item *item), void *arg)
{
	struct quarantine_item i;
	sqlite3_stmt *s = NULL;

	int rc = sqlite3_prepare_v2(q->db, "SELECT " COLUMNS ",preview,samples FROM item WHERE id=?", -1, &s, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, id);
		rc = sqlite3_step(s);
	}
	bool found = rc == SQLITE_ROW;
	if (found) {
		fill(s, &i);
		i.preview = text_at(s, 10);
		i.samples = sqlite3_column_blob(s, 11);
		i.samples_len = (size_t)sqlite3_column_bytes(s, 11);
		each(arg, &i);
	}
	sqlite3_finalize(s);
	int err = complain(q, "get", rc);
	return err != 0 ? err : found ? 0 : ERR_NOTFOUND;
}

/* Run a statement with a number, an id and a text. ERR_NOTFOUND when it changed nothing. */
static int
change(struct quarantine *q, const char *sql, int64_t id, int value, const char *text)
{
	sqlite3_stmt *s = NULL;

	int rc = sqlite3_prepare_v2(q->db, sql, -1, &s, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, id);
		sqlite3_bind_int(s, 2, value);
		sqlite3_bind_text(s, 3, text, -1, SQLITE_STATIC);
		rc = sqlite3_step(s);
	}
	sqlite3_finalize(s);
	int err = complain(q, "change", rc);
	return err != 0 ? err : sqlite3_changes(q->db) > 0 ? 0 : ERR_NOTFOUND;
}

int
quarantine_set(struct quarantine *q, int64_t id, enum quarantine_state state, const char *note)
{
	return change(q, "UPDATE item SET state=?2, note=coalesce(?3,note) WHERE id=?1 AND state=0", id, (int)state, note);
}

int
quarantine_again(struct quarantine *q, int64_t id, const char *reason)
{
	return change(q, "UPDATE item SET attempts=attempts+1, reason=?3 WHERE id=?1 AND ?2=0", id, 0, reason);
}

int
quarantine_delete(struct quarantine *q, int64_t id)
{
	int err = change(q, "DELETE FROM item WHERE id=?1 AND ?2=0 AND ?3 IS NULL", id, 0, NULL);

	if (err == 0 && !q->working)
		measure(q);
	return err;
}

uint64_t
quarantine_count(struct quarantine *q, const char *sink)
{
	return number(q, "SELECT count(*) FROM item WHERE state=0 AND (?1 IS NULL OR sink=?1)", sink);
}
