/* Inside insight/: setup.c makes the tables of a plan, turn.c runs them, keep.c is about what outlives the process. */
#ifndef INSIGHT_INSIDE_H
#define INSIGHT_INSIDE_H

#include "base/buf.h"
#include "base/map.h"
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

/* A derived tag. */
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
	struct prog	*progs;		uint32_t nprogs;
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

struct kept_pos { uint64_t epoch, pos; };

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
	/* keep.c */
	struct map		 kept;		/* path hash + key -> struct kept_item, as found on disk */
	struct arena		 kept_arena;
	struct kept_pos		 found[INSIGHT_RINGS_MAX], cursor[INSIGHT_RINGS_MAX];
	size_t			 nfound, ncursor;
	uint64_t		 kept_seq;
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
/* keep.c */
void keep_open(struct insight *in);
void keep_close(struct insight *in);
void keep_plan(struct insight *in);			/* another plan is in force */
void keep_restore(struct insight *in, struct prog *g);	/* counts found on disk, into a fresh state */
void keep_place(struct insight *in, struct held_ring *h);	/* where reading of a ring begins */
void keep_cursor(struct insight *in);			/* what was read is sent */
int64_t keep_turn(struct insight *in, int64_t now_ns);	/* write what is due; when next, 0: never */

#endif
