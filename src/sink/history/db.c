/* See db.h: opening, the schema, and every statement in one table. */
#include "sink/history/db.h"

#include <stdio.h>
#include <stdlib.h>

#define SCHEMA_VERSION	1
#define BUSY_MS		5000	/* a reader or a checkpoint may hold the file for a moment */

static const char *const sql[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_PUT_SERIES] = ("INSERT INTO series(id, flow, name, type, unit, help, lo, hi) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
	    "ON CONFLICT(id) DO UPDATE SET type=?4, unit=?5, help=?6, lo=?7, hi=?8"),
	[SQL_PUT_RAW] = "INSERT OR REPLACE INTO raw(id, series, t0, t1, n, open, stream, seq, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_GET_ROLL] = "SELECT id, data FROM roll WHERE level=?1 AND series=?2 AND t0=?3",
	[SQL_PUT_ROLL] = "INSERT INTO roll(level, series, t0, data) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(level, series, t0) DO UPDATE SET data=?4",
	[SQL_EXPIRE_RAW] = "DELETE FROM raw WHERE id IN (SELECT id FROM raw ORDER BY id LIMIT 200) AND t1 < ?1",
	[SQL_EXPIRE_ROLL] = "DELETE FROM roll WHERE id IN (SELECT id FROM roll WHERE level=?1 ORDER BY id LIMIT 50) AND t0 < ?2",
	[SQL_VACUUM] = "PRAGMA incremental_vacuum(64)",
	[SQL_NEXT_SERIES] = "SELECT coalesce(max(id), 0) + 1 FROM series",
	[SQL_NEXT_RAW] = "SELECT coalesce(max(id), 0) + 1 FROM raw",
	[SQL_TAIL] = "SELECT id, stream, seq, open, data, t1 FROM raw WHERE series=?1 ORDER BY id DESC LIMIT 1",
	[SQL_SERIES] = "SELECT id, flow, name, type, unit, help, lo, hi FROM series ORDER BY name, flow",
	/* A chunk spans at most an hour (CHUNK_SPAN_NS), so those that reach into the range begin at most that long before it. */
	[SQL_POINTS] = "SELECT data FROM raw WHERE series=?1 AND t0>=?2 AND t0<?3 AND t1>=?4 ORDER BY t0, id",
	[SQL_OPEN_RAW] = "SELECT data, open FROM raw WHERE series=?1 ORDER BY id DESC LIMIT 1",
	[SQL_ROLLS] = "SELECT data FROM roll WHERE level=?1 AND series=?2 AND t0>=?3 AND t0<?4 ORDER BY t0",
};

static const char schema[] =
	"PRAGMA auto_vacuum=INCREMENTAL;"
	"PRAGMA journal_mode=WAL;"
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS series(id INTEGER PRIMARY KEY, flow TEXT NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL,"
	" unit TEXT NOT NULL, help TEXT NOT NULL, lo REAL, hi REAL, UNIQUE(flow, name));"
	"CREATE TABLE IF NOT EXISTS raw(id INTEGER PRIMARY KEY, series INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,"
	" n INTEGER NOT NULL, open INTEGER NOT NULL, stream INTEGER NOT NULL, seq INTEGER NOT NULL, data BLOB NOT NULL);"
	"CREATE INDEX IF NOT EXISTS raw_time ON raw(series, t0);"
	"CREATE INDEX IF NOT EXISTS raw_age ON raw(series);"
	"CREATE TABLE IF NOT EXISTS roll(id INTEGER PRIMARY KEY, level INTEGER NOT NULL, series INTEGER NOT NULL, t0 INTEGER NOT NULL,"
	" data BLOB NOT NULL, UNIQUE(level, series, t0));"
	"CREATE INDEX IF NOT EXISTS roll_age ON roll(level);"
	"PRAGMA user_version=1;"
	"COMMIT;";

static int
user_version(struct history *h)
{
	sqlite3_stmt *s;
	int v = -1;

	if (sqlite3_prepare_v2(h->db, "PRAGMA user_version", -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		v = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return v;
}

int
history_open(const char *path, bool write, struct history **out, char *why, size_t size)
{
	struct history *h = calloc(1, sizeof *h);
	if (h == NULL)
		return ERR_NOMEM;
	/* A reader must be able to write the shared-memory file of WAL where it is the first to come; it writes nothing else. */
	int flags = (write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
	int rc = sqlite3_open_v2(path, &h->db, flags, NULL), err = sqlite_err(rc);
	if (err == 0) {
		sqlite3_busy_timeout(h->db, BUSY_MS);
		int version = user_version(h);
		if (version < 0)
			err = sqlite_err(sqlite3_errcode(h->db)) != 0 ? sqlite_err(sqlite3_errcode(h->db)) : ERR_CORRUPT;
		else if (version > SCHEMA_VERSION)
			err = ERR_VERSION;
		else if (write)
			err = sqlite_err(sqlite3_exec(h->db, schema, NULL, NULL, NULL));
	}
	/* The sandbox has no folder for temporary files: a sort too large for the cache would fail for want of one. */
	if (err == 0)
		err = sqlite_err(sqlite3_exec(h->db, "PRAGMA temp_store=MEMORY;", NULL, NULL, NULL));
	/* NORMAL: a power cut may undo the newest transactions but never damages the file; sinks go on from what it holds. */
	if (err == 0 && write)
		err = sqlite_err(sqlite3_exec(h->db, "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-4096;", NULL, NULL, NULL));
	if (err != 0) {
		snprintf(why, size, "the history %s cannot be opened: %s; %s", path,
		    err == ERR_VERSION ? "it was made by a newer penstock" : h->db != NULL ? sqlite3_errmsg(h->db) : err_text(err),
		    err == ERR_CORRUPT ? "move the file aside, a new one is made" : "check the file, its folder and who may write there");
		history_close(h);
		return err;
	}
	*out = h;
	return 0;
}

void
history_close(struct history *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(h->s[i]);
	sqlite3_close(h->db);
	free(h);
}

const char *
history_fault(const struct history *h)
{
	return sqlite3_errmsg(h->db);
}

sqlite3_stmt *
db_statement(struct history *h, enum statement which)
{
	if (h->s[which] == NULL)
		sqlite3_prepare_v3(h->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &h->s[which], NULL);
	else
		sqlite3_reset(h->s[which]);
	return h->s[which];
}

int
db_done(struct history *h, sqlite3_stmt *s)
{
	if (s == NULL)
		return sqlite_err(sqlite3_errcode(h->db)) != 0 ? sqlite_err(sqlite3_errcode(h->db)) : ERR_IO;
	int rc = sqlite3_step(s);
	while (rc == SQLITE_ROW)	/* incremental_vacuum gives rows */
		rc = sqlite3_step(s);
	sqlite3_reset(s);
	return sqlite_err(rc);
}
