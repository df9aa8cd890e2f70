/*
 * The history on disk: one SQLite file (WAL), written by the history sink alone and read by anybody. Tables:
 *
 *	series	id, flow, name, type, unit, help, lo, hi	a tag of a flow
 *	raw	id, series, t0, t1, n, open, stream, seq, data	chunks of samples (chunk.h); open: may still grow, not in the roll-ups yet;
 *								stream, seq: schema version and number of the newest sample in it
 *	roll	id, level, series, t0, data			roll-ups (roll.h), a row an aligned span
 *
 * A chunk enters the roll-ups in the transaction that closes it, so raw and rolled up never disagree: what is in an open
 * chunk is folded in when it is asked for. Times are ns since 1970 UTC.
 */
#ifndef SINK_HISTORY_STORE_H
#define SINK_HISTORY_STORE_H

#include "sink/history/roll.h"

#define HISTORY_FILE	"history.db"

struct history;		/* an open file; not shared by threads at the same time */

/* write: create and bring up to date. why: cause and remedy on failure. ERR_VERSION: made by a newer program. */
int history_open(const char *path, bool write, struct history **out, char *why, size_t size);
void history_close(struct history *h);
/* What the last failed call had to say; static until the next call. */
const char *history_fault(const struct history *h);

/* ---- writing ---- */

struct series_info {
	int64_t		 id;
	const char	*flow, *name, *unit, *help;
	uint8_t		 type;
	bool		 has_range;
	double		 lo, hi;
};
struct raw_row {
	int64_t		 id, series, t0, t1;
	uint32_t	 n, stream;
	uint64_t	 seq;
	bool		 close;		/* last word on this chunk: fold it into the roll-ups */
	const void	*data;
	size_t		 len;
};
int history_begin(struct history *h);
int history_commit(struct history *h);
void history_rollback(struct history *h);
int history_put_series(struct history *h, const struct series_info *s);
int history_put_raw(struct history *h, const struct raw_row *r);
/* Remove what is older than it is to be kept, at most some thousand rows a call. keep_ns: raw, then the levels; 0: for ever. */
int history_expire(struct history *h, int64_t now, const int64_t keep_ns[1 + ROLL_LEVELS]);

/* Numbers for the sink to go on from: one more than the largest in use. */
int history_next_ids(struct history *h, int64_t *series, int64_t *raw);
/* The newest chunk of a series: what a restarted sink goes on with. data is copied to the heap (given, free()). ERR_NOTFOUND: none. */
struct raw_tail {
	int64_t		 id;
	uint32_t	 stream;
	uint64_t	 seq;
	int64_t		 t1;
	bool		 open;
	uint8_t		*data;
	size_t		 len;
};
int history_tail(struct history *h, int64_t series, struct raw_tail *out);

/* ---- reading ---- */

/* Series whose name matches a pattern (model/path.h), in order of name. each returns false to end. Texts borrowed during the call. */
int history_each_series(struct history *h, const char *pattern, bool (*each)(void *arg, const struct series_info *s), void *arg);
/* Samples with from <= t < to, by chunk, oldest first but for late ones. */
int history_points(struct history *h, int64_t series, int64_t from, int64_t to, bool (*each)(void *arg, const struct point *p), void *arg);
/* Roll-ups of the stretches that lie in [from, to), merged into out, open chunks included. */
int history_rolls(struct history *h, int64_t series, enum roll_level l, int64_t from, int64_t to, struct rolls *out);

#endif
