/*
 * The inside of an outbox, shared by its files: the store (store.c, row.c), what is under way (flight.c), how a turn goes (turn.c,
 * verdict.c), what people do (act.c, edit.c). One thread; see outbox.h.
 */
#ifndef OUTBOX_INSIDE_H
#define OUTBOX_INSIDE_H

#include <sqlite3.h>

#include "base/backoff.h"
#include "os/sqlite.h"
#include "outbox/outbox.h"

#define OUTBOX_SCHEMA		1
#define OUTBOX_NEVER_MAX	1000000	/* ids of cancelled events that age has removed */
#define OUTBOX_LATE_MAX		4096u	/* complaints of confirmed ones that wait for the disk */
#define OUTBOX_TRIES_FIRST	5	/* of the history of one event these are kept, */
#define OUTBOX_TRIES_LAST	45	/* and so many of the newest */
#define OUTBOX_BUCKETS		1024u	/* a power of two */
#define OUTBOX_SLOW_NS		(60 * NS_PER_S)	/* nothing is due: look again after this */

/* Of table item, as row.c reads them. */
#define OUTBOX_COLUMNS "seq, state, unknown, complaint, open, attempts, waits, tries, put, first_sent, last_try, settled, posted_t, follow_t," \
	" aged_t, time, lane, document, code, text, target, id, event, type, ekey, flow, eno, mapping, body, way"

enum statement {
	SQL_BEGIN, SQL_COMMIT, SQL_ROLLBACK,
	SQL_GET_ACCOUNT, SQL_PUT_ACCOUNT,
	SQL_INSERT, SQL_SAME, SQL_GET, SQL_UPDATE, SQL_SET_BODY,
	SQL_LANE_GET, SQL_LANE_NEW, SQL_LANE_PUT, SQL_LANE_DELETE, SQL_LANE_HEAD, SQL_LANE_NEXT, SQL_LANE_WAKE,
	SQL_FOLLOW_NEXT, SQL_FOLLOW_WAKE, SQL_OLDEST,
	SQL_TRY, SQL_TRY_TRIM, SQL_CHANGE,
	SQL_EXPIRE, SQL_EXPIRE_TRIES, SQL_EXPIRE_CHANGES, SQL_DELETE, SQL_VACUUM, SQL_NEVER_PUT, SQL_NEVER_TRIM, SQL_NEVER_HAS,
	SQL_NEXT_REFUSED, SQL_COUNT
};

enum call { CALL_POST, CALL_LOOKUP, CALL_FOLLOW };

/* What is kept of one event beside its texts; all columns that change. Times named *_t are on the outbox's own clock (outbox_clock()). */
struct row {
	int64_t			 seq;
	enum outbox_state	 state;
	bool			 unknown, complaint, open;	/* open: in line in its lane */
	uint32_t		 attempts, waits, tries;	/* waits: pauses in a row */
	int64_t			 put, first_sent, last_try, settled;	/* wall */
	int64_t			 posted_t;	/* begin of the newest post, or when it was given up: `settle` counts from here */
	int64_t			 follow_t, aged_t;	/* follow_t 0: none; aged_t 0: not settled for good */
	int64_t			 time;
	/* Borrowed from the statement or the flight: */
	const char		*lane, *document, *code, *text, *target, *way;
};

/* Numbers that stand in the one row of the table account; changed in memory within a transaction and written at its end. */
struct account {
	uint64_t	n[OUTBOX_STATE_COUNT];
	uint64_t	taken, repeated, removed, complaints, unknown, lanes_held;
	int64_t		clock;		/* newest reading of the outbox's clock */
	int64_t		fresh;		/* events up to this time are looked up first */
	bool		suspended;
};

/* An event that the poster has. */
struct flight {
	struct flight		*next;		/* of its bucket */
	struct outbox_item	 item;		/* its texts in the same allocation */
	enum call		 call;
	struct group		*group;
	int64_t			 began_t, began_wall;
	bool			 answered;
	bool			 orphan;	/* its store was replaced: the verdict changes nothing, a lookup will tell */
	struct outbox_verdict	 verdict;	/* once answered; texts in said */
	int64_t			 answered_t;
	char			*said;
};

/* One call of the poster; takes one connection until its last event has a verdict. */
struct group {
	struct group	*next;
	enum call	 call;
	size_t		 n, open;	/* open: without a verdict yet */
	struct flight	*v[];
};

/* A complaint about one that is confirmed. */
struct late {
	struct late	*next;
	int64_t		 seq;
	struct outbox_verdict verdict;	/* texts in said */
	char		*said;
};

struct outbox {
	struct outbox_opts	 opts;
	char			*path;
	sqlite3			*db;
	sqlite3_stmt		*s[SQL_COUNT];
	bool			 in_transaction, dirty, damaged;	/* dirty: the account has changed */
	struct account		 acc, before;	/* before: as of the last commit */
	int64_t			 clock0;	/* the outbox's own clock when mono was mono0 */
	struct mono		 mono0;
	struct flight		*flights[OUTBOX_BUCKETS];	/* by seq */
	size_t			 nflights, nanswered, connections_used;
	struct late		*lates;
	size_t			 nlates;
	bool			 draining;
	struct backoff		 down;		/* of the far end as a whole */
	int64_t			 down_until_t;	/* 0: it is up, as far as we know */
	bool			 probing;	/* it was down: one call alone, until it answers */
	char			 down_why[OUTBOX_CODE_MAX + 200];
	double			 tokens;	/* of `rate` */
	int64_t			 tokens_t;
	bool			 in_window;
	int64_t			 expire_t;	/* look for what is old at this time */
	uint64_t		 random, strays;
	int			 retry_disk;	/* failures in a row */
	char			 fault[700];
};

/*
 * The clock that delays are measured on. Steady like mono while we run, and never behind what it was before a restart: as far ahead as the wall clock at the open, or the last
 * reading, whichever is later. So a wall clock that is set makes no delay longer or shorter.
 */
static inline int64_t
outbox_clock(const struct outbox *b, struct mono now)
{
	int64_t passed = mono_diff(now, b->mono0);
	return b->clock0 + (passed > 0 ? passed : 0);
}

/* The same clock from here on, before its store is replaced: opening the new one sets clock0 by the wall clock of now, not of the start. */
static inline void
outbox_clock_here(struct outbox *b, struct mono now)
{
	b->clock0 = outbox_clock(b, now);
	b->mono0 = now;
}

/* ---- store.c ---- */

int store_open(struct outbox *b, struct wall wall, char *why, size_t size);
void store_close(struct outbox *b);
/* The file is damaged: close it, put it aside, carry over what can be read, open the new one suspended. Running: outbox_clock_here() first. */
int store_replace(struct outbox *b, struct wall wall);
/* A prepared statement, reset, ready to bind; NULL when it cannot be made (db_fail says why). */
sqlite3_stmt *store_statement(struct outbox *b, enum statement which);
/* Step one that gives no rows. */
int store_done(struct outbox *b, sqlite3_stmt *s);
/* Note what the database has to say about a failure, with what to do. Returns err. */
int store_fail(struct outbox *b, int err);
int store_account(struct outbox *b);	/* read it from the file */
int store_begin(struct outbox *b);	/* 0 also within a transaction */
int store_commit(struct outbox *b, int64_t t);
void store_rollback(struct outbox *b);
/* Text of a column, never NULL; borrowed until the statement is reset. */
const char *store_text(sqlite3_stmt *s, int column);

/* The first event from a number on, with the columns of SQL_GET. */
extern const char store_select_from[];

/* salvage.c: what can be read of the store at path goes into b's. 0 with events carried over and numbers that could not be read
 * (UINT64_MAX: none could). */
int salvage(struct outbox *b, const char *path, uint64_t *n, uint64_t *lost);

/* ---- row.c: the only place where a state changes ---- */

/* Columns of SQL_GET, in order. row: its texts borrowed until s is reset; item too. */
void row_read(sqlite3_stmt *s, struct row *out);
void row_item(sqlite3_stmt *s, struct outbox_item *out);
/* 0, ERR_NOTFOUND or the disk's. s: reset it when done with the texts. */
int row_get(struct outbox *b, int64_t seq, sqlite3_stmt **s);
/* A new event: seq 0: the next number. *fresh: false when its id is there already. */
int row_new(struct outbox *b, const struct row *r, const struct outbox_new *v, bool *fresh);
/* Write what is now; was: as it was read, for the account. */
int row_put(struct outbox *b, const struct row *was, const struct row *now);
/*
 * Look who is first in line in a lane: the lane goes on at due_t (LANE_KEEP: when it would have, if the same one is first; else now), or not
 * at all while the poster has one of it (over: what it had is over) or a person must look.
 */
#define LANE_KEEP INT64_MIN
int lane_refresh(struct outbox *b, const char *lane, int64_t due_t, int64_t t, bool over);
int lane_new(struct outbox *b, const char *lane, int64_t head, int64_t t);	/* if it is not there */
int lane_busy(struct outbox *b, const char *lane, int64_t head);	/* the poster has its first */

/* ---- flight.c ---- */

/* From a row of SQL_GET. Not yet known to the outbox: flight_add(). NULL: out of memory. */
struct flight *flight_new(sqlite3_stmt *s, enum call call, int64_t t, struct wall wall);
void flight_add(struct outbox *b, struct flight *f);
void flight_remove(struct outbox *b, struct flight *f);	/* and free */
struct flight *flight_find(const struct outbox *b, int64_t seq);
void flights_orphan(struct outbox *b);
void flights_free(struct outbox *b);

/* ---- verdict.c ---- */

/* Within a transaction: what has been answered is noted. */
int verdicts_apply(struct outbox *b, int64_t t, struct wall wall);
/* After its commit: those flights are over. */
void verdicts_done(struct outbox *b);

/* ---- turn.c and beside ---- */

bool window_in(const struct outbox_opts *o, struct wall now);
int expire_some(struct outbox *b, int64_t t, bool *more);
const struct outbox_rule *rule_find(const struct outbox_opts *o, const char *code);

/* ---- edit.c ---- */

/*
 * Put a value in place of a member of "fields" of an event; all other bytes stay as they are. body: valid JSON. value: as typed: a number
 * or boolean stays one. before: what stood there, as JSON. 0; ERR_NOTFOUND: no such field; ERR_TYPE: not of its type; ERR_LIMIT.
 */
int edit_field(const char *body, size_t len, const char *field, const char *value, struct buf *out, struct buf *before);

#endif
