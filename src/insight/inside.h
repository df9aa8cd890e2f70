/* Inside insight/: setup.c makes the tables of a plan, turn.c runs them, keep.c is about what outlives the process. */
#ifndef INSIGHT_INSIDE_H
#define INSIGHT_INSIDE_H

#include "base/buf.h"
#include "base/map.h"
#include "insight/event.h"
#include "insight/insight.h"

#define RANKS_MAX	34u		/* derived from derived from ...: site/load_derived.c allows 32 */
#define NONE		UINT32_MAX
#define TICK_NS		NS_PER_S	/* how often what time alone changes is evaluated */

struct use { uint32_t prog; uint8_t bit; };

/* A tag that an expression uses: its present value, and who is to know of a new one. */
struct point {
	struct expr_input	 in;
	char			*text;		/* own memory, of cap bytes */
	uint32_t		 cap;
	uint32_t		 use0, nuses;
	const struct tag	*tag;
};

#define ROLE_TRIGGER	UINT32_MAX

/* A derived tag, or an expression of an event, whose tag is made up. */
struct prog {
	const struct tag	*tag;
	struct expr		*p;
	uint64_t		*state;
	const struct expr_input	**in;
	uint64_t		 fresh;		/* inputs with news since the last evaluation */
	uint64_t		 path_hash;
	uint32_t		 point;		/* as an input of others, NONE */
	uint32_t		 rank;
	bool			 queued;
	uint32_t		 event, role;	/* NONE: a derived tag; of which event, which field or ROLE_TRIGGER */
	int64_t			 eval_ns;	/* when last */
	struct expr_result	 last;		/* that was sent; of a text only what it is worth */
	int64_t			 last_ns;
};

/* A source of the plan: of field, whose tags are looked up here, or a pseudo source, whose batch is collected here. */
struct feed {
	const struct source	*source;
	uint32_t		*points;	/* by tag number, NONE */
	uint64_t		 seq,
	    epoch;	/* field: of the last batch, in which ring; derived: of the last one sent */
	struct sample		*out;		/* derived: what waits */
	uint32_t		 nout;
	struct buf		 blob;
};

/* Derived tags of one source that are due together. */
struct due {
	int64_t			 period_ns, next_ns;
	uint32_t		*progs, n;
};

struct queue { uint32_t *v, n; };

struct setup {			/* all that a plan gives; replaced as a whole */
	struct arena	 arena;
	struct plan	*plan;
	struct map	 feeds_by_key, points_by_path, paths;
	struct feed	*feeds;		/* one a source */
	struct point	*points;	uint32_t npoints;
	struct use	*uses;
	struct prog	*progs;		uint32_t nprogs, nderived;	/* those of events stand behind those of tags */
	struct event	*events;	uint32_t nevents;
	struct map	 events_by_path;
	uint32_t	*ticking;	uint32_t
	    nticking;	/* with their inputs, and time alone changes them; by rank */
	struct due	*dues;		uint32_t ndues;
	struct queue	 queue[RANKS_MAX];
	uint32_t	 lowest;	/* of the ranks that may have something queued */
};

struct held_ring {
	struct held_ring	*next;
	char			*writer;
	struct ring_reader	*r;
	uint64_t		 epoch;
	uint64_t		 quiet_to;	/* what was read up to here was sent before this process began */
	bool			 placed, missed;	/* missed: what was to be read first is overwritten */
};

struct insight {
	struct insight_opts	 opts;
	struct setup		*s;		/* NULL: no plan yet */
	struct held_ring	*rings;		/* in the order of coming: of one writer the oldest first */
	size_t			 nrings;
	uint8_t			*record;
	struct sample		*room;
	bool			 quiet;		/* what is read now was sent before */
	int64_t			 group_ns;	/* arrival of the samples being taken, 0: none wait */
	int64_t			 tick_ns;	/* next tick */
	struct events		 ev;
	struct held_ring	*reading;	/* the ring whose record is being taken; NULL: time passes */
	/* keep.c */
	struct map		 kept;		/* path hash + key -> struct kept_item, as found on disk */
	struct arena		 kept_arena;
	struct kept_pos		 found[INSIGHT_RINGS_MAX], cursor[INSIGHT_RINGS_MAX];
	size_t			 nfound, ncursor;
	uint64_t		 kept_seq, found_seq;	/* of the last file; of the one that was found */
	int			 cursor_fd;	/* -1: none */
	bool			 cursor_dirty, state_dirty,
	    keeping;	/* keeping: something in the plan outlives the process */
	int64_t			 live_ns, safe_ns;	/* when next */
	struct insight_figures	 f;
};

/* setup.c */
int setup_new(struct plan *p, struct setup **out);	/* p taken, also on failure */
void setup_free(struct setup *s);
/* What the new one shares with the old one goes on in it. */
void setup_carry(struct setup *s, const struct setup *old);
/* keep_found.c */
void keep_open(struct insight *in);
void keep_close(struct insight *in);
void keep_restore(struct insight *in, struct prog *g);	/* counts found on disk, into a fresh state */
void keep_place(struct insight *in, struct held_ring *h);	/* where reading of a ring begins */
#define KEEP_TRIGGER	0x7472696767657200u
bool keep_has(const struct insight *in, uint64_t path, uint64_t key, uint8_t *byte);	/* an item of one byte was found */
/* keep.c */
void keep_plan(struct insight *in);			/* another plan is in force */
void keep_cursor(struct insight *in);			/* what was read is sent */
int64_t keep_turn(struct insight *in, int64_t now_ns);	/* write what is due; when next, 0: never */
/* Where reading of all rings stands, with those that are not held any more or not yet. Returns how many. */
size_t keep_positions(const struct insight *in, struct kept_pos out[INSIGHT_RINGS_MAX]);
void keep_ended(struct insight *in, const struct held_ring *h);	/* a ring is read to its end, and let go */

/* setup.c: by which a program is known over plans; field NULL: of a tag */
uint64_t prog_hash(const char *path, const char *field);

/* event_setup.c: the programs of the events of a plan, and what they are tied to */
uint32_t events_count_progs(const struct plan *p);
int events_compile(struct setup *s, uint32_t first);
int prog_compile(struct setup *s, struct prog *g, const struct tag *t, const char *unit);
/* Another plan is in force: its events know what they were. */
void events_plan(struct insight *in, bool first, struct wall now);

/* event_run.c: when one is made */
void event_triggered(struct insight *in, struct prog *g, const struct expr_result *r, int64_t time_ns);
void events_due(struct insight *in, int64_t now_ns);		/* a group of samples is through */
int64_t events_tick(struct insight *in, int64_t now_ns);	/* those made by the clock, what waits; when next, 0: never */
bool events_hold(const struct insight *in);			/* no record may be read at present */
/* Does this program have what is being read already? */
bool event_passes(const struct insight *in, const struct prog *g);
void events_pass(struct insight *in, int64_t now_ns);		/* who has passed what it had? */
/* A machine asks for one. False: not yet, it is not known yet what it is made of. */
bool event_make_asked(struct insight *in, struct event *e, int64_t now_ns);

/* event_journal.c: what outlives the process */
void events_open(struct insight *in);
void events_close(struct insight *in);
int events_commit(struct insight *in, int64_t now_ns);
/* What the expressions of all events remember, into their memories. */
void events_remember(struct insight *in);
/* An item that the journal has newer than keep.c; NULL: none. */
const struct event_kept *event_found(const struct insight *in, const struct prog *g, uint64_t key);

/* event_out.c: to gate */
void events_emit(struct insight *in, int64_t now_ns);

/* event_shake.c: handshakes */
void events_shake(struct insight *in, int64_t now_ns);

#endif
