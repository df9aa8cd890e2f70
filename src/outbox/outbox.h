/*
 * The outbox: business events on their way to a far end that books them (an ERP), each with exactly one effect there. A
 * sink puts events in, durably, and from then on the spool owes nothing more; the outbox decides what is sent when,
 * remembers what is known of each event, and never forgets one because an outage lasted or because it was tried often.
 *
 *	                         ┌───────── rule: again later ─────────┐
 *	                         v                                     │
 *	 put ──> READY ──post──> SENT ──done──> CONFIRMED (may carry a complaint that a person must see)
 *	         ^  ^            │  │
 *	         │  └─busy, down─┘  ├─refused──> REFUSED ──────┐ a person (or a rule): retry, edit ──> READY
 *	         │                  ├─bad──────> QUARANTINED ──┤                       cancel ───────> CANCELLED
 *	         │                  └─unknown──┐               │
 *	         └──────absent──── lookup <────┘ <─────────────┘ if its outcome is unknown
 *
 * What holds, whatever is killed when, and however the clock is set:
 *  - SENT is durable before post() is called. Nothing is posted a second time before a lookup, begun at least `settle`
 *    after the post was given up, has said that the far end does not have it: a post that nobody heard of again may
 *    still be at work there.
 *  - After a restart every event that was SENT is looked up first. So is one that may have been in a store that was
 *    lost, or in a record that was removed by age.
 *  - Within a lane one event is under way at a time, in the order in which they were put. A refused one holds its lane
 *    (or lets others pass, as told).
 *  - taken = ready + sent + confirmed + refused + quarantined + cancelled, always; what age has removed is counted.
 *
 * One SQLite file (store.c has its format), opened for writing by one thread, which alone calls all functions here;
 * anybody may look at the same time (look.h). Memory is bounded by what is under way, not by what waits. No clock and
 * no socket of its own: time is given, a poster (below) speaks to the far end, so a test can play any order of events.
 *
 * Disk full or broken: nothing is posted that could not be noted, nothing noted is lost, outbox_fault() says why, and
 * it is tried again.
 */
#ifndef OUTBOX_OUTBOX_H
#define OUTBOX_OUTBOX_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define OUTBOX_FILE		"outbox.db"
/* Bytes of texts; longer ones are refused (id to body) or cut (what a far end says). */
#define OUTBOX_ID_MAX		64u
#define OUTBOX_NAME_MAX		1023u	/* event path, key, lane, flow, mapping, type */
#define OUTBOX_BODY_MAX		65535u	/* an event is one value, model/value.h */
#define OUTBOX_TEXT_MAX		4000u	/* what a far end says of an event */
#define OUTBOX_CODE_MAX		200u
#define OUTBOX_CONNECTIONS_MAX	64u
#define OUTBOX_BATCH_MAX	1000u

/*      name         text           what it means */
#define OUTBOX_STATES(X)							\
	X(READY,       "ready")		/* waits for its turn */		\
	X(SENT,        "sent")		/* handed to the poster, or its outcome is not known yet */	\
	X(CONFIRMED,   "confirmed")	/* the far end has it: its document number is known */	\
	X(REFUSED,     "refused")	/* the far end says no; waits for a person */		\
	X(QUARANTINED, "quarantined")	/* no message can be made of it; waits for a person */	\
	X(CANCELLED,   "cancelled")	/* a person said: never */
enum outbox_state {
#define X(name, text) OUTBOX_##name,
	OUTBOX_STATES(X)
#undef X
	OUTBOX_STATE_COUNT
};
const char *outbox_state_name(enum outbox_state s);
int outbox_state_parse(const char *s);		/* -1: none */

/* What is put in; all texts borrowed, none NULL ("" where there is none). */
struct outbox_new {
	const char	*id;		/* identity of the event, the same whoever repeats it */
	const char	*event;		/* path of its declaration */
	const char	*type, *key;
	const char	*lane;		/* what is serialised, e.g. the order; "": nothing but itself */
	const char	*body;		/* the event, one JSON object (model: the contract of events) */
	size_t		 body_len;
	const char	*flow;
	uint64_t	 no;
	struct wall	 time;		/* of the event; part of it, so the same whenever it is repeated */
	const char	*mapping;	/* as the sink calls what makes the message */
};

/* One event of the outbox; texts borrowed for as long as the function that hands it out says. */
struct outbox_item {
	int64_t			 seq;		/* number in this outbox, from 1; what people call it by */
	struct outbox_new	 of;
	enum outbox_state	 state;
	bool			 outcome_unknown;	/* the far end may have it */
	bool			 complaint;	/* CONFIRMED, but a follow-up failed: code, text, target say what */
	uint32_t		 attempts;	/* posts begun */
	struct wall		 put, first_sent, last_try, settled;	/* ns 0: not yet */
	const char		*document;	/* number(s) at the far end */
	const char		*code, *text, *target;	/* what was said last: code, words, field */
	const char		*way;		/* how it was posted last, as the poster said; "": it was not */
};

/*
 * How a far end is spoken to. Each call starts something and returns at once; it ends with exactly one outbox_verdict()
 * for each item, which may come from within the call. Items live until their verdict. Return 0; an error: nothing was
 * started and no verdict will follow, which counts as OUTBOX_IS_DOWN.
 */
struct outbox_poster {
	/* Send; n > 1 only with opts.batch > 1: they may travel together, and are of different lanes. */
	int	(*post)(void *arg, const struct outbox_item *const *v, size_t n);
	/*
	 * In a line, how it will be posted and would be found again, noted before it is: a lookup gets it, and must not look elsewhere because mappings or the
	 * server have changed since. NULL: it is always the same.
	 */
	void	(*way)(void *arg, const struct outbox_item *item, char *out, size_t size);
	/*
	 * Is it there already? IS_DONE, IS_ABSENT; BUSY, DOWN, UNKNOWN: ask again later; REFUSED: it cannot say, a person
	 * must look.
	 */
	int	(*lookup)(void *arg, const struct outbox_item *item);
	/*
	 * Asked some time after a verdict IS_DONE that wants it (follow_ns). IS_DONE: all is well; IS_LATE_FAILED; or
	 * later again, as above. NULL where no verdict wants it.
	 */
	int	(*follow)(void *arg, const struct outbox_item *item);
	/* The exact message, as text for people; an error: none can be made, out says why. Starts nothing. NULL: cannot say. */
	int	(*preview)(void *arg, const struct outbox_item *item, struct buf *out);
	void	*arg;
};

enum outbox_verdict_kind {
	OUTBOX_IS_DONE,		/* the far end has it: document = its number(s) there, text = warnings */
	OUTBOX_IS_ABSENT,	/* answer of lookup: it is not there */
	OUTBOX_IS_REFUSED,	/* for good: code, text, target as the far end says; rules may still say otherwise */
	/* after_ns 0 in these: back-off 2, 4, 8 s ... with jitter */
	OUTBOX_IS_BUSY,		/* locked, in conflict: this lane again after after_ns */
	OUTBOX_IS_DOWN,		/* nothing was done; throttled, logged out, unreachable: everything waits after_ns */
	OUTBOX_IS_UNKNOWN,	/* sent, and nobody can say what became of it: lookup before anything else */
	OUTBOX_IS_BAD,		/* nothing was sent: no message can be made of it; code, text, target */
	OUTBOX_IS_LATE_FAILED,	/* confirmed, but what follows from it failed: a complaint. Also of a confirmed one */
	OUTBOX_VERDICT_KINDS
};
struct outbox_verdict {
	enum outbox_verdict_kind kind;
	int64_t		 after_ns;	/* BUSY, DOWN, UNKNOWN */
	int64_t		 follow_ns;	/* DONE of a post or lookup: call follow() after this; 0: never */
	const char	*document, *code, *text, *target;	/* copied; NULL: "" */
};

/* "code -> what": codes are compared whole, '*' stands for anything; the first rule that fits decides. */
enum outbox_rule_action { OUTBOX_HOLD, OUTBOX_PASS, OUTBOX_RETRY };
struct outbox_rule {
	const char		*code;
	enum outbox_rule_action	 action;
	int64_t			 after_ns;	/* RETRY */
};
/*
 * "RU/013 -> retry after 5 min", "CO_* -> pass", "* -> hold". 0, or ERR_SYNTAX with cause and remedy in why. out->code
 * is given (free).
 */
int outbox_rule_parse(const char *text, struct outbox_rule *out, char *why, size_t size);

/*
 * A time in which nothing is sent, every week, by the clock on the wall there: "Sun 02:00-06:00",
 * "Mon-Fri 12:00-12:30", "daily 23:30-00:30" (ends on the next day).
 */
struct outbox_window {
	uint8_t		days;		/* bit 0: Monday; of its beginning */
	uint32_t	from_s, len_s;	/* since midnight */
};
int outbox_window_parse(const char *text, struct outbox_window *out, char *why, size_t size);

struct outbox_opts {
	unsigned		 connections;	/* calls of the poster under way, 1..OUTBOX_CONNECTIONS_MAX */
	unsigned		 batch;		/* events in a post, 1..OUTBOX_BATCH_MAX */
	double			 rate;		/* events a second, at most; 0: as fast as it goes */
	bool			 pass;		/* a refused event lets its lane go on; no: it holds it */
	const struct outbox_rule *rules;	size_t nrules;		/* borrowed, as all below, until outbox_close */
	const struct outbox_window *windows;	size_t nwindows;
	const struct zone_offset *zone;		size_t nzone;		/* of the site's time zone; none: UTC */
	int64_t			 settle_ns;	/* so long may the far end go on with a post that nobody waits for any more */
	int64_t			 backoff_max_ns;	/* pauses between attempts grow to this; 0: 5 min */
	int64_t			 keep_ns;	/* confirmed and cancelled ones are kept so long; 0: for ever */
	uint64_t		 keep_max;	/* and so many at most; 0: any number */
	uint64_t		 seed;		/* of jitter: an identity of this sink */
	struct outbox_poster	 poster;
};

struct outbox;
/*
 * Open or create. 0 with *out given (outbox_close). An error with cause and remedy in why: ERR_VERSION: made by a
 * newer program. A damaged file is not replaced in silence: it is moved aside (outbox.db.damaged-TIME), what can be
 * read of it is carried over, and the outbox opens *suspended*: it takes events and sends none until a person has
 * looked (verb resume). Reads and writes the disk.
 */
int outbox_open(const char *path, const struct outbox_opts *o, struct mono now, struct wall wall, struct outbox **out,
    char *why, size_t size);
/* What is under way has no outcome then: looked up after the next open. Items handed to the poster are gone. */
void outbox_close(struct outbox *b);
/*
 * Take events: durable on return, one transaction, all or none. One whose id is there already is passed over and
 * counted. 0; ERR_LIMIT: the event *bad (NULL: not asked) is malformed or too long, nothing was taken; ERR_NOSPACE,
 * ERR_IO...: nothing was taken, later.
 */
int outbox_put(struct outbox *b, const struct outbox_new *v, size_t n, struct mono now, struct wall wall, size_t *bad);
/*
 * What became of an item that the poster has, or OUTBOX_IS_LATE_FAILED of a confirmed one. Kept in memory and made
 * durable by the next turn, so call outbox_turn() soon; a crash before that costs one lookup. A verdict on an item that
 * is not under way is counted and changes nothing.
 */
void outbox_verdict(struct outbox *b, int64_t seq, const struct outbox_verdict *v, struct mono now);

struct outbox_turn {
	struct mono	again;		/* call again then at the latest; earlier after a verdict or a put */
	size_t		started;	/* calls of the poster begun */
	int		err;		/* 0, or the disk's: see outbox_fault() */
};
/*
 * Note verdicts, start what may start, remove what is old. One transaction, one sync. Bounded in time: comes back for
 * the rest.
 */
struct outbox_turn outbox_turn(struct outbox *b, struct mono now, struct wall wall);
/* Nothing new is started (stopping); verdicts are still noted. */
void outbox_drain(struct outbox *b);
/* Calls of the poster under way. */
size_t outbox_in_flight(const struct outbox *b);
/* What the last failing call had to say, for people, with the remedy; "" when all is well. Until the next call. */
const char *outbox_fault(const struct outbox *b);

struct outbox_counts {
	uint64_t	n[OUTBOX_STATE_COUNT];	/* of all ever taken */
	uint64_t	taken, repeated;
	uint64_t	removed;		/* confirmed and cancelled ones whose record age has removed; still in n[] */
	uint64_t	complaints;		/* unseen */
	uint64_t	unknown;		/* of SENT and refused ones: whose outcome nobody knows */
	uint64_t	strays;			/* verdicts on what was not under way, since the start */
	uint64_t	lanes_held;		/* lanes that wait for a person */
	struct wall	oldest;			/* when the oldest that is ready or sent was put; 0: none waits */
	bool		suspended;
	int64_t		down_ns;		/* everything waits so long from now on; 0: no */
	const char	*down_why;		/* code and text of it; "": the far end is up, as far as we know */
	bool		in_window;		/* of maintenance */
};
/* Cheap, however many wait. Texts until the next call. */
int outbox_counts(struct outbox *b, struct mono now, struct outbox_counts *out);

/* ---- what people do; each durable on return, and noted with the item: who, when, what, why, before, after ---- */

/*
 * One verb of `penstock outbox` as it comes from the command line (doc/outbox.md): argv[0] is the verb. Appends lines
 * of JSON to out; an error is {"error": "..."}. who: the person. dry: say what would change (for the audit log) and
 * change nothing.
 *	retry ID... --reason TEXT		edit ID FIELD=VALUE... --reason TEXT
 *	cancel ID... --reason TEXT		seen ID... --reason TEXT	resume --reason TEXT
 *	retry|cancel all [--lane L] [--code C] --reason TEXT			message ID
 * 0, or the first error.
 */
int outbox_do(struct outbox *b, int argc, const char *const *argv, const char *who, bool dry, struct mono now,
    struct wall wall, struct buf *out);

#endif
