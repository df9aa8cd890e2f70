/*
 * The file of an outbox: a SQLite database (WAL, synchronous FULL), user_version 1. A newer version is refused, never guessed at.
 *
 *	item	one row an event; sequence numbers are never used again (AUTOINCREMENT)
 *		seq, state (enum outbox_state), unknown (the far end may have it), complaint, open (in line in its lane), attempts, waits,
 *		tries, put, first_sent, last_try, settled (wall clock, ns), posted_t, follow_t, aged_t (the outbox's own clock, ns), time,
 *		lane, document, code, text, target, id, event, type, ekey, flow, eno, mapping, body, way (how it was posted last: where it is looked up)
 *	lane	one row a lane with something in line: head (the first), due (may go on from then; NULL: not at all), busy (the poster has one
 *		of it), held (a person must look at the head)
 *	try	what was tried of an event and what came of it: the first few and the newest, see row.c
 *	never	ids of cancelled events whose record age has removed, numbered as they were: should they come once more, they are passed over
 *	change	what people did: who, when, why, before, after
 *	account	one row: counts by state, and what else outlives a restart. Written in the transaction that changes what it counts.
 *
 * What a turn needs is found by an index that holds only that: lanes that may go on (lane_due), those in line of a lane (item_line),
 * follow-ups (item_follow), settled ones by age (item_aged). So a million that wait, or as many lanes that are held, cost a turn
 * nothing. item_state is for people.
 *
 * Crash: each transaction is whole or not there. An event is SENT in the file before it is in the poster's hands; the verdict
 * comes into the file later. So whatever is SENT when the file is opened is of unknown outcome (recover()), and all else is as it says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/disk.h"
#include "outbox/inside.h"

_Static_assert(OUTBOX_READY == 0 && OUTBOX_SENT == 1 && OUTBOX_CANCELLED == 5, "as the statements below have them");

#define PATH_BYTES 4200
#define BUSY_MS 5000	/* somebody who looks may hold up a checkpoint for a moment */

static const char *const sql[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_GET_ACCOUNT] = "SELECT ready, sent, confirmed, refused, quarantined, cancelled, taken, repeated, removed, complaints, unknown,"
	    " lanes_held, clock, fresh, suspended FROM account",
	[SQL_PUT_ACCOUNT] = "UPDATE account SET ready=?1, sent=?2, confirmed=?3, refused=?4, quarantined=?5, cancelled=?6, taken=?7,"
	    " repeated=?8, removed=?9, complaints=?10, unknown=?11, lanes_held=?12, clock=?13, fresh=?14, suspended=?15",
	[SQL_INSERT] = "INSERT INTO item(" OUTBOX_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
	    " ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30) ON CONFLICT(id) DO NOTHING",
	[SQL_SAME] = "SELECT seq FROM item WHERE id=?1 AND time<>?2",
	[SQL_GET] = "SELECT " OUTBOX_COLUMNS " FROM item WHERE seq=?1",
	[SQL_UPDATE] = "UPDATE item SET state=?2, unknown=?3, complaint=?4, open=?5, attempts=?6, waits=?7, tries=?8, first_sent=?9,"
	    " last_try=?10, settled=?11, posted_t=?12, follow_t=?13, aged_t=?14, document=?15, code=?16, text=?17, target=?18, way=?19 WHERE seq=?1",
	[SQL_SET_BODY] = "UPDATE item SET body=?2 WHERE seq=?1",
	[SQL_LANE_GET] = "SELECT head, due, busy, held FROM lane WHERE name=?1",
	[SQL_LANE_NEW] = "INSERT INTO lane(name, head, due, busy, held) VALUES(?1, ?2, ?3, 0, 0) ON CONFLICT(name) DO NOTHING",
	[SQL_LANE_PUT] = "INSERT INTO lane(name, head, due, busy, held) VALUES(?1, ?2, ?3, ?4, ?5)"
	    " ON CONFLICT(name) DO UPDATE SET head=?2, due=?3, busy=?4, held=?5",
	[SQL_LANE_DELETE] = "DELETE FROM lane WHERE name=?1",
	[SQL_LANE_HEAD] = "SELECT seq, state FROM item INDEXED BY item_line WHERE lane=?1 AND open=1 ORDER BY seq LIMIT 1",
	[SQL_LANE_NEXT] = "SELECT name, head FROM lane INDEXED BY lane_due WHERE due IS NOT NULL AND due<=?1 ORDER BY due LIMIT 1",
	[SQL_LANE_WAKE] = "SELECT due FROM lane INDEXED BY lane_due WHERE due IS NOT NULL ORDER BY due LIMIT 1",
	[SQL_FOLLOW_NEXT] = "SELECT seq FROM item INDEXED BY item_follow WHERE follow_t IS NOT NULL AND follow_t<=?1 ORDER BY follow_t LIMIT 1",
	[SQL_FOLLOW_WAKE] = "SELECT follow_t FROM item INDEXED BY item_follow WHERE follow_t IS NOT NULL ORDER BY follow_t LIMIT 1",
	[SQL_OLDEST] = "SELECT min(put) FROM item WHERE seq IN ((SELECT min(seq) FROM item WHERE state=0),"
	    " (SELECT min(seq) FROM item WHERE state=1))",
	[SQL_TRY] = "INSERT INTO try(item, n, at, took, call, verdict, document, code, text, target)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[SQL_TRY_TRIM] = "DELETE FROM try WHERE item=?1 AND n=?2",
	[SQL_CHANGE] = "INSERT INTO change(item, at, who, verb, why, what, before, after) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_EXPIRE] = "SELECT seq, time FROM item INDEXED BY item_aged WHERE aged_t IS NOT NULL AND complaint=0 AND follow_t IS NULL"
	    " AND aged_t<=?1 ORDER BY aged_t LIMIT ?2",
	[SQL_EXPIRE_TRIES] = "DELETE FROM try WHERE item=?1",
	[SQL_EXPIRE_CHANGES] = "DELETE FROM change WHERE item=?1",
	[SQL_DELETE] = "DELETE FROM item WHERE seq=?1",
	[SQL_VACUUM] = "PRAGMA incremental_vacuum(64)",
	[SQL_NEVER_PUT] = "INSERT INTO never(id) SELECT id FROM item WHERE seq=?1 AND state=5 ON CONFLICT(id) DO NOTHING",
	[SQL_NEVER_TRIM] = "DELETE FROM never WHERE n<=(SELECT max(n) FROM never)-?1",
	[SQL_NEVER_HAS] = "SELECT n FROM never WHERE id=?1",
	[SQL_NEXT_REFUSED] = "SELECT seq FROM item WHERE state=?1 AND seq>?2 AND (?3 IS NULL OR lane=?3) AND (?4 IS NULL OR code=?4)"
	    " ORDER BY seq LIMIT 1",
};

const char store_select_from[] = "SELECT " OUTBOX_COLUMNS " FROM item WHERE seq>=?1 ORDER BY seq LIMIT 1";

static const char schema[] =
	"PRAGMA auto_vacuum=INCREMENTAL;"
	"PRAGMA journal_mode=WAL;"
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS item(seq INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, unknown INTEGER NOT NULL,"
	" complaint INTEGER NOT NULL, open INTEGER NOT NULL, attempts INTEGER NOT NULL, waits INTEGER NOT NULL, tries INTEGER NOT NULL,"
	" put INTEGER NOT NULL, first_sent INTEGER NOT NULL, last_try INTEGER NOT NULL, settled INTEGER NOT NULL,"
	" posted_t INTEGER NOT NULL, follow_t INTEGER, aged_t INTEGER, time INTEGER NOT NULL, lane TEXT NOT NULL, document TEXT NOT NULL,"
	" code TEXT NOT NULL, text TEXT NOT NULL, target TEXT NOT NULL, id TEXT NOT NULL, event TEXT NOT NULL, type TEXT NOT NULL,"
	" ekey TEXT NOT NULL, flow TEXT NOT NULL, eno INTEGER NOT NULL, mapping TEXT NOT NULL, body TEXT NOT NULL, way TEXT NOT NULL);"
	"CREATE UNIQUE INDEX IF NOT EXISTS item_id ON item(id);"
	"CREATE INDEX IF NOT EXISTS item_line ON item(lane, seq, state) WHERE open=1;"
	"CREATE INDEX IF NOT EXISTS item_state ON item(state, seq);"
	"CREATE INDEX IF NOT EXISTS item_follow ON item(follow_t) WHERE follow_t IS NOT NULL;"
	"CREATE INDEX IF NOT EXISTS item_aged ON item(aged_t, time) WHERE aged_t IS NOT NULL AND complaint=0 AND follow_t IS NULL;"
	"CREATE INDEX IF NOT EXISTS item_complaint ON item(seq) WHERE complaint=1;"
	"CREATE TABLE IF NOT EXISTS lane(name TEXT PRIMARY KEY, head INTEGER NOT NULL, due INTEGER, busy INTEGER NOT NULL,"
	" held INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS lane_due ON lane(due) WHERE due IS NOT NULL;"
	"CREATE INDEX IF NOT EXISTS lane_held ON lane(head) WHERE held=1;"
	"CREATE TABLE IF NOT EXISTS try(item INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, took INTEGER NOT NULL,"
	" call INTEGER NOT NULL, verdict INTEGER NOT NULL, document TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL,"
	" target TEXT NOT NULL, PRIMARY KEY(item, n)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS never(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);"
	"CREATE TABLE IF NOT EXISTS change(id INTEGER PRIMARY KEY, item INTEGER NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL,"
	" verb TEXT NOT NULL, why TEXT NOT NULL, what TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS change_item ON change(item);"
	"CREATE TABLE IF NOT EXISTS account(one INTEGER PRIMARY KEY CHECK(one=1), ready INTEGER NOT NULL, sent INTEGER NOT NULL,"
	" confirmed INTEGER NOT NULL, refused INTEGER NOT NULL, quarantined INTEGER NOT NULL, cancelled INTEGER NOT NULL,"
	" taken INTEGER NOT NULL, repeated INTEGER NOT NULL, removed INTEGER NOT NULL, complaints INTEGER NOT NULL,"
	" unknown INTEGER NOT NULL, lanes_held INTEGER NOT NULL, clock INTEGER NOT NULL, fresh INTEGER NOT NULL,"
	" suspended INTEGER NOT NULL);"
	"INSERT OR IGNORE INTO account VALUES(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);"
	"PRAGMA user_version=1;"
	"COMMIT;";

/* ---- statements ---- */

int
store_fail(struct outbox *b, int err)
{
	static const struct { int err; const char *remedy; } remedies[] = {
		{ ERR_NOSPACE, "make room on the disk" },
		{ ERR_CORRUPT, "it will be put aside, and what can be read of it carried over: see the log" },
		{ ERR_DENIED, "give its folder and files back to the user of the service" },
		{ ERR_BUSY, "another program writes to it: find and end that" },
	};
	const char *remedy = "look at the disk and its file system (dmesg)";

	for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++)
		if (remedies[i].err == err)
			remedy = remedies[i].remedy;
	snprintf(b->fault, sizeof b->fault, "the outbox %s cannot be used: %s; %s. Nothing is lost, and nothing is sent until then", b->path,
	    b->db != NULL && sqlite3_errcode(b->db) != SQLITE_OK ? sqlite3_errmsg(b->db) : err_text(err), remedy);
	if (err == ERR_CORRUPT)
		b->damaged = true;
	return err;
}

sqlite3_stmt *
store_statement(struct outbox *b, enum statement which)
{
	if (b->db == NULL) {
		b->damaged = true;	/* it was, and could not be replaced: fault says why */
		return NULL;
	}
	if (b->s[which] == NULL)
		sqlite3_prepare_v3(b->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &b->s[which], NULL);
	else
		sqlite3_reset(b->s[which]);
	if (b->s[which] == NULL)
		store_fail(b, sqlite_err(sqlite3_errcode(b->db)));
	return b->s[which];
}

int
store_done(struct outbox *b, sqlite3_stmt *s)
{
	if (s == NULL)
		return b->db != NULL && sqlite_err(sqlite3_errcode(b->db)) != 0 ? sqlite_err(sqlite3_errcode(b->db)) : ERR_IO;
	int rc = sqlite3_step(s);
	while (rc == SQLITE_ROW)	/* incremental_vacuum gives rows */
		rc = sqlite3_step(s);
	int err = sqlite_err(rc);
	if (err != 0)
		store_fail(b, err);
	sqlite3_reset(s);
	return err;
}

const char *
store_text(sqlite3_stmt *s, int column)
{
	const char *p = (const char *)sqlite3_column_text(s, column);
	return p != NULL ? p : "";
}

/* ---- transactions ---- */

int
store_account(struct outbox *b)
{
	sqlite3_stmt *s = store_statement(b, SQL_GET_ACCOUNT);
	int rc = s == NULL ? sqlite3_errcode(b->db) : sqlite3_step(s);

	if (rc != SQLITE_ROW) {
		int err = sqlite_err(rc) != 0 ? sqlite_err(rc) : ERR_CORRUPT;
		sqlite3_reset(s);
		return store_fail(b, err);
	}
	struct account *a = &b->acc;
	uint64_t *rest[] = { &a->taken, &a->repeated, &a->removed, &a->complaints, &a->unknown, &a->lanes_held };
	for (int i = 0; i < OUTBOX_STATE_COUNT; i++)
		a->n[i] = (uint64_t)sqlite3_column_int64(s, i);
	for (int i = 0; i < 6; i++)
		*rest[i] = (uint64_t)sqlite3_column_int64(s, OUTBOX_STATE_COUNT + i);
	a->clock = sqlite3_column_int64(s, 12);
	a->fresh = sqlite3_column_int64(s, 13);
	a->suspended = sqlite3_column_int(s, 14) != 0;
	sqlite3_reset(s);
	return 0;
}

static int
put_account(struct outbox *b)
{
	sqlite3_stmt *s = store_statement(b, SQL_PUT_ACCOUNT);
	const struct account *a = &b->acc;
	const uint64_t rest[] = { a->taken, a->repeated, a->removed, a->complaints, a->unknown, a->lanes_held };

	for (int i = 0; i < OUTBOX_STATE_COUNT; i++)
		sqlite3_bind_int64(s, i + 1, (int64_t)a->n[i]);
	for (int i = 0; i < 6; i++)
		sqlite3_bind_int64(s, OUTBOX_STATE_COUNT + i + 1, (int64_t)rest[i]);
	sqlite3_bind_int64(s, 13, a->clock);
	sqlite3_bind_int64(s, 14, a->fresh);
	sqlite3_bind_int(s, 15, a->suspended);
	return store_done(b, s);
}

int
store_begin(struct outbox *b)
{
	if (b->in_transaction)
		return 0;
	int err = store_done(b, store_statement(b, SQL_BEGIN));
	b->in_transaction = err == 0;
	b->before = b->acc;
	b->dirty = false;
	return err;
}

int
store_commit(struct outbox *b, int64_t t)
{
	int err = 0;

	if (b->dirty) {
		b->acc.clock = t > b->acc.clock ? t : b->acc.clock;
		err = put_account(b);
	}
	if (err == 0)
		err = store_done(b, store_statement(b, SQL_COMMIT));
	if (err != 0) {
		store_rollback(b);
		return err;
	}
	b->in_transaction = false;
	b->fault[0] = '\0';
	return 0;
}

void
store_rollback(struct outbox *b)
{
	char fault[sizeof b->fault];

	/* A full disk may have rolled back already; what the fault was stays said. */
	memcpy(fault, b->fault, sizeof fault);
	if (b->db != NULL && sqlite3_get_autocommit(b->db) == 0)
		store_done(b, store_statement(b, SQL_ROLLBACK));
	memcpy(b->fault, fault, sizeof fault);
	b->in_transaction = false;
	b->acc = b->before;
}

/* ---- opening ---- */

static int
pragma(struct outbox *b, const char *text, int *out)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(b->db, text, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return sqlite_err(rc);
}

/* What was SENT has no outcome that we know; the far end may be at work with it from now for as long as ever. */
static int
recover(struct outbox *b)
{
	char text[700];

	snprintf(text, sizeof text,
	    "BEGIN IMMEDIATE;"
	    "UPDATE item SET unknown=1, posted_t=%lld WHERE state=%d;"
	    "UPDATE lane SET busy=0, due=%lld WHERE busy=1 AND held=0;"
	    "UPDATE lane SET busy=0 WHERE busy=1;"
	    "UPDATE account SET unknown=(SELECT count(*) FROM item WHERE state=%d)"
	    " + (SELECT count(*) FROM item WHERE state IN (%d, %d) AND unknown=1);"
	    "COMMIT;",
	    (long long)b->clock0, OUTBOX_SENT, (long long)b->clock0, OUTBOX_SENT, OUTBOX_REFUSED, OUTBOX_QUARANTINED);
	return sqlite_err(sqlite3_exec(b->db, text, NULL, NULL, NULL));
}

static int
open_file(struct outbox *b, struct wall wall)
{
	int version = -1;

	int err = sqlite_err(sqlite3_open_v2(b->path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
	if (err == 0) {
		sqlite3_busy_timeout(b->db, BUSY_MS);
		sqlite3_extended_result_codes(b->db, 1);
		err = pragma(b, "PRAGMA user_version", &version);
	}
	if (err == 0 && version > OUTBOX_SCHEMA)
		return ERR_VERSION;
	if (err == 0)
		err = sqlite_err(sqlite3_exec(b->db, "PRAGMA synchronous=FULL;", NULL, NULL, NULL));
	if (err == 0)
		err = sqlite_err(sqlite3_exec(b->db, schema, NULL, NULL, NULL));
	/* The sandbox has no folder for temporary files. The cache is what bounds our memory. */
	if (err == 0)
		err = sqlite_err(sqlite3_exec(b->db, "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192;", NULL, NULL, NULL));
	if (err == 0)
		err = store_account(b);
	if (err != 0)
		return err;
	b->clock0 = wall.ns > b->acc.clock ? wall.ns : b->acc.clock + 1;
	err = recover(b);
	return err != 0 ? err : store_account(b);
}

/* A crash between the two renames of store_replace(): the new one is whole, and the only one. */
static int
finish_replacing(const char *path)
{
	char new[PATH_BYTES];

	if ((size_t)snprintf(new, sizeof new, "%s.new", path) >= sizeof new)
		return ERR_LIMIT;
	if (access(path, F_OK) == 0 || access(new, F_OK) != 0)
		return 0;
	return rename(new, path) == 0 ? disk_sync_parent(&disk_os, path) : err_from_errno(errno);
}

int
store_open(struct outbox *b, struct wall wall, char *why, size_t size)
{
	int err = finish_replacing(b->path);

	if (err == 0)
		err = open_file(b, wall);
	if (err == ERR_CORRUPT)
		err = store_replace(b, wall);
	if (err == ERR_VERSION)
		snprintf(why, size, "the outbox %s was made by a newer penstock; run that one, its events wait in there", b->path);
	else if (err != 0)
		snprintf(why, size, "the outbox %s cannot be opened: %s; check its folder, who may write there, and the disk", b->path,
		    b->db != NULL ? sqlite3_errmsg(b->db) : err_text(err));
	if (err != 0)
		store_close(b);
	return err;
}

void
store_close(struct outbox *b)
{
	for (size_t i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(b->s[i]);
		b->s[i] = NULL;
	}
	sqlite3_close(b->db);
	b->db = NULL;
	b->in_transaction = false;
}

/* ---- a damaged file ---- */

static const char *const suffixes[] = { "-wal", "-shm", "" };	/* the log goes first: it must never meet another file */

/* Rename a database with what belongs to it. What is not there need not be renamed. */
static int
rename_all(const char *path, const char *kept)
{
	char from[PATH_BYTES], to[PATH_BYTES];

	for (size_t i = 0; i < 3; i++) {
		if ((size_t)snprintf(from, sizeof from, "%s%s", path, suffixes[i]) >= sizeof from ||
		    (size_t)snprintf(to, sizeof to, "%s%s", kept, suffixes[i]) >= sizeof to)
			return ERR_LIMIT;
		if (rename(from, to) != 0 && errno != ENOENT)
			return err_from_errno(errno);
	}
	return disk_sync_parent(&disk_os, path);
}

static void
remove_all(const char *path)
{
	char name[PATH_BYTES];

	for (size_t i = 0; i < 3; i++)
		if ((size_t)snprintf(name, sizeof name, "%s%s", path, suffixes[i]) < sizeof name)
			unlink(name);
}

/* Fill the new store from the damaged one, suspended: whole when this returns 0. */
static int
make_new(struct outbox *b, const char *damaged, struct wall wall, uint64_t *n, uint64_t *lost)
{
	int err = open_file(b, wall);

	err = err != 0 ? err : salvage(b, damaged, n, lost);
	err = err != 0 ? err : store_begin(b);
	if (err == 0) {
		b->acc.suspended = true;
		b->acc.fresh = wall.ns;
		b->dirty = true;
		err = store_commit(b, b->clock0);
	}
	store_close(b);		/* its log is folded in: one file */
	return err;
}

/*
 * The new store is made beside (".new") and takes the place of the damaged one when it is whole. A crash before that begins anew; between
 * the two renames there is only ".new", which store_open() takes.
 */
int
store_replace(struct outbox *b, struct wall wall)
{
	char kept[PATH_BYTES], new[PATH_BYTES], when[WALL_TEXT], *path = b->path;
	char unread[40];
	uint64_t n = 0, lost = 0;

	store_close(b);
	flights_orphan(b);
	wall_format(wall, 0, when);
	if ((size_t)snprintf(kept, sizeof kept, "%s.damaged-%s", path, when) >= sizeof kept ||
	    (size_t)snprintf(new, sizeof new, "%s.new", path) >= sizeof new)
		return ERR_LIMIT;
	remove_all(new);
	b->path = new;
	int err = make_new(b, path, wall, &n, &lost);
	b->path = path;
	if (err == 0)
		err = rename_all(path, kept);
	if (err == 0)
		err = rename_all(new, path);
	if (err == 0)
		err = open_file(b, wall);
	b->damaged = err != 0;
	if (err != 0) {
		snprintf(b->fault, sizeof b->fault, "the outbox %s is damaged, and no new one can be made beside it: %s; make room on the disk. "
		    "Nothing is sent until then", path, err_text(err));
		return err;
	}
	snprintf(unread, sizeof unread, lost == UINT64_MAX ? "all" : "%llu numbers", (unsigned long long)lost);
	log_error("outbox_damaged", "file=\"%s\" kept=\"%s\" carried_over=%llu not_read=\"%s\" effect=\"nothing is sent\" "
	    "remedy=\"compare with the far end, then: penstock outbox resume --reason TEXT; what comes is looked up before it is sent\"",
	    path, kept, (unsigned long long)n, unread);
	return 0;
}
