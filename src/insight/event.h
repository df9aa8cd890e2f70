/*
 * Inside insight/: events. Where to start reading: event_run.c (when one is made), event_record.c (what it says),
 * event_journal.c (what outlives the process), event_out.c (how it comes to gate), event_shake.c (the handshake with a
 * machine).
 *
 *	samples -> triggers -> record -> journal (synced) -> ring, numbered -> gate -> spool
 *	                                    ^                                    |
 *	                                    +----------- what is durable --------+   then the acknowledge, as a request
 */
#ifndef INSIGHT_EVENT_H
#define INSIGHT_EVENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "expr/expr.h"
#include "model/status.h"
#include "site/plan.h"

#define EVENTS_WAITING_MAX	(16u << 20)	/* bytes of events that gate has not confirmed; then no ring is read */
#define EVENTS_FRESH_MAX	256u		/* events that share one sync */
#define EVENTS_FLYING_MAX	(192u << 10)	/* bytes in the ring that gate has not confirmed */
#define EVENTS_RETRY_NS		NS_PER_S	/* after the disk refused */
#define EVENTS_STUCK_NS		(30 * NS_PER_S)	/* gate says nothing for so long: what waits is sent again */

enum trigger_level { TRIGGER_UNKNOWN, TRIGGER_FALSE, TRIGGER_TRUE };

enum shake_state {
	SHAKE_IDLE,	/* the machine asks for nothing */
	SHAKE_OPEN,	/* it asks; its event is made, and not durable or not acknowledged yet */
	SHAKE_ACKED,	/* the acknowledge is set, the machine has not lowered its request */
	SHAKE_CLOSING,	/* it has; the acknowledge is to be reset */
};

/* Counter at the last event. */
struct event_total { uint64_t field; bool real; union { int64_t i; double f; }; };
/* What an expression of it remembers (expr_keep()), as the journal has it. */
struct event_kept { uint64_t prog, key; uint8_t len, bytes[EXPR_KEEP_MAX]; };
struct kept_pos { uint64_t epoch, pos; };	/* in a ring */

/* What is known of a declaration; it lives as long as the process, and in the journal. */
struct event_memory {
	struct event_memory	*next;
	uint64_t		 hash;		/* of the path */
	char			*path;
	uint64_t		 no;		/* of its last event */
	int64_t			 time_ns;
	char			 key[EVENT_KEY_BYTES + 1];
	uint8_t			 trigger;	/* enum trigger_level */
	uint64_t		 trigger_of;	/* hash of the expression that it is of */
	uint8_t			 shake;		/* enum shake_state; on disk IDLE or OPEN */
	uint64_t		 shake_no;	/* stream's number of the event that is acknowledged */
	struct event_total	*totals;	uint32_t ntotals, totals_cap;
	struct event_kept	*kept;		uint32_t nkept;		/* as found in the journal */
	uint64_t		 kept_seq;	/* of keep.c, when it was written */
	struct kept_pos		*places;	uint32_t nplaces;	/* its expressions have all up to there */
	bool			 passing;	/* and what is read now may lie before that */
	bool			 dirty;		/* the journal does not have it as it is */
	/* the handshake, of this process */
	bool			 linked, was_linked;	/* the plan has it; the one before had */
	bool			 newer;		/* what the journal had of it was newer than what keep.c had */
	bool			 raised;	/* its trigger rose, and it is not made yet */
	int64_t			 raised_ns;	/* time of what raised it */
	uint8_t			 level;		/* the request now; enum trigger_level */
	int64_t			 level_ns;
	bool			 asking, ask_value, told;
	uint64_t		 ask_token;	/* of what was asked last */
	int64_t			 since_ns, ask_ns;	/* in this state; ask again then */
	char			 trouble[240];	/* why it is not acknowledged, "" none */
	uint64_t		 faults;	/* events with a fault, of this process */
};

/* A declaration of the plan in force. */
struct event {
	const struct event_rule	*rule;
	struct event_memory	*m;
	uint32_t		 trigger;	/* program; UINT32_MAX: none */
	uint32_t		*progs;		/* of each field; UINT32_MAX: a constant */
	int64_t			 next_ns;	/* every: when next; 0: not known yet */
};

/* An event that gate has not confirmed. */
struct event_wait {
	struct event_wait	*next;
	uint64_t		 no;		/* of its stream */
	uint64_t		 hash;		/* of its path */
	const char		*path;		/* of the memory */
	int64_t			 time_ns, arrival_ns;
	uint32_t		 status, len;
	bool			 journaled;
	char			 bytes[];
};

/* The events of one zone, numbered without holes. "": those whose declaration is in no plan. */
struct event_stream {
	struct event_stream	*next;
	char			*name;		/* of the pseudo source */
	uint64_t		 origin;	/* random */
	uint64_t		 last, confirmed, sent;
	struct event_wait	*first, **end;
	uint64_t		 newest;	/* number of the last that waits */
	size_t			 bytes, flying;
	int64_t			 moved_ns;	/* when gate last confirmed, or the first of them was sent */
	bool			 dirty;		/* the journal does not know its numbers */
};

struct events {
	struct event_memory	*memories;
	struct map		 by_hash;
	struct event_stream	*streams;
	size_t			 bytes;		/* of all that waits */
	uint32_t		 fresh;		/* events that are not journaled */
	bool			 dirty;		/* something is to be journaled */
	bool			 whole;		/* the next frame is to say all: a snapshot */
	bool			 damaged;	/* the journal cannot be believed: nothing is made */
	bool			 full_told, shaken;	/* shaken: a request may have changed */
	uint32_t		 nraised, nshakes;
	uint64_t		 asked;
	uint32_t		 npassing;	/* memories that pass over what they have */
	int64_t			 opened_ns;
	/* the journal */
	int			 fd;		/* -1: none */
	uint64_t		 frame, size, base;	/* number of the last frame; bytes; bytes of the snapshot it began with */
	int64_t			 retry_ns;
	struct buf		 out, record;
};

/* ---- event_record.c: pure ---- */

struct event_value { struct value v; uint32_t status; };	/* v: BOOL, I64, F64, TIME, TEXT or NULL */
struct event_facts {
	const char		*enterprise, *site;
	uint64_t		 no;
	struct wall		 time;
	const struct event_value *values;	/* one a field */
	const struct expr *const *progs;	/* one a field, for its lineage; NULL: a constant */
	const struct expr_input *const *const *in;	/* one a field: what its inputs were */
};
/* The constant of a field as a value; a text is borrowed from the rule. */
struct event_value event_constant(const struct event_rule_field *f);
/*
 * The record into out, its key into key. 0: it keeps its rules; 1: it has a fault, and says so itself; ERR_LIMIT:
 * longer than a value may be, which the checks of the site rule out.
 */
int event_record(const struct event_rule *r, const struct event_facts *f, char key[EVENT_KEY_BYTES + 1], struct buf *out);

#endif
