/* Inside of gate: what its files share. Nobody else includes this. */
#ifndef GATE_INSIDE_H
#define GATE_INSIDE_H

#include "base/log.h"
#include "base/map.h"
#include "gate/gate.h"
#include "gate/reduce.h"
#include "ring/report.h"
#include "spool/ledger.h"
#include "spool/names.h"
#include "spool/spool.h"

#define MARKS_MAX	16u	/* as in struct spool_state */
#define BORDERS		64u	/* places in a ring that a restart may go back to */

#define ORIGINS_MAX	256u	/* streams of other nodes that are on their way at one time */

/* How far a stream has taken a numbered stream of another node, see origin.c. */
struct taken {
	uint64_t	origin;		/* 0: free */
	uint64_t	disk;		/* as found on disk */
	uint64_t	no;		/* taken in this life; 0: nothing yet */
	uint64_t	flushed, durable;	/* in the spool; and synced */
	uint64_t	at_next;	/* durable once the spool is up to this number of its own */
};
struct origin {
	uint64_t	id, no;		/* taken by all flows that want it */
	uint64_t	told;
	bool		due, hole;
	bool		asked;		/* who brings it waits for all of it to be durable */
	char		writer[64];
};

/* A sink of a stream. */
struct member {
	char		name[REPORT_SINK_MAX + 1];
	uint64_t	delivered;	/* reported, not entered in the ledger yet; 0: nothing */
	uint64_t	entered;	/* entered and not yet durable or not yet answered; 0: nothing */
	bool		present, wanted;
};

struct stream {
	char			 dir[NAME_DIR_MAX];	/* its name under the root, and in reports */
	const char		*flow;			/* own memory */
	uint32_t		 schema;
	struct spool		*spool;			/* NULL: not opened yet, or off */
	struct ledger		*ledger;
	bool			 ready;			/* open, and its sinks are as the plan says */
	bool			 off;			/* damaged for good: its samples are lost and counted */
	bool			 current;		/* a flow of the plan in force */
	bool			 stale;			/* has left the plan lately, may still get samples of before */
	struct spool_opts	 opts;

	struct reduce_how	 how;
	struct reduce		*reduce;		/* NULL: only to be delivered */
	bool			 bytes;			/* has tags of text or array */
	struct out		 out;
	struct mono		 out_since;
	uint64_t		 epoch, from, pos;	/* of what waits: its ring, begin of oldest, end of newest record */
	uint64_t		 origin, origin_no, origin_before;	/* of what waits: the other node's stream, 0: none; up to where; up to where without it */
	struct taken		 taken[MARKS_MAX];
	int64_t			 latency_ns;
	struct spool_mark	 restored[MARKS_MAX];	/* as found on disk; epoch 0 ends */

	struct member		 sinks[LEDGER_SINKS_MAX];
	uint32_t		 nsinks;
	bool			 ledger_dirty;
	uint64_t		 next;			/* number that the next sample gets */
	uint64_t		 owe_from;		/* the ledger was lost: sinks are owed from here on again; 0: it was not */
	uint64_t		 lost;			/* to be entered in the ledger */
	char			 lost_note[160];	/* "": nothing to enter */
	struct mono		 sync_at, tick_at;
	uint64_t		 stamp;			/* of the last loss counted, so that it counts once */

	uint64_t		 admitted, batches, write_errors, dropped, lost_total;
	struct wall		 last_admitted;
	stat_t			*stats;
	struct stream		*next_stream;
};

/* Where the batches of a source go. */
struct leg {
	struct stream	*st;
	uint32_t	*slot;		/* of each tag: its point + 1 */
};
struct source_route {
	uint64_t	 key;
	const char	*name;		/* in the routes' arena */
	uint32_t	 ntags;
	struct leg	*legs;
	uint32_t	 nlegs;
	char		*writer;	/* who may bring it: its zone's field process, else who comes first */
	uint64_t	 epoch, seq;	/* of its last batch */
	uint64_t	 gaps;		/* of the ring, when it came */
	bool		 numbered;	/* of another node: what is missing in a ring is seen by its numbers, and given again */
};
struct routes {
	struct arena		 arena;
	struct map		 by_key;
	struct source_route	*sources;
	uint32_t		 n;
};

struct ring_in {
	struct ring_in		*next;		/* older ones of a writer stand before newer ones */
	char			*writer;
	struct ring_reader	*r;
	uint64_t		 epoch;
	bool			 placed;	/* its first position was chosen */
	uint64_t		 replay;	/* a gate before may have taken it up to here; 0: unknown ring */
	uint64_t		 taken;		/* up to here some stream has taken it for certain */
	uint64_t		 borders[BORDERS];	/* record borders, oldest first */
	uint32_t		 nborders;
	uint64_t		 gaps;
	uint64_t		 overwritten;	/* samples, not told yet: whose they were the next record says */
	uint64_t		 records, samples, lost, refused;
	stat_t			*stats;
};

struct gate {
	const struct disk	*disk;
	char			*spool_dir;
	struct spool_root	*root;
	struct stats		*stats;
	struct gate_opts	 opts;
	struct plan		*plan;
	struct stream		*streams;
	struct routes		 routes, before;	/* of the plan in force, of the one before it */
	struct mono		 before_until;
	struct ring_in		*rings;
	bool			 memory;	/* a stream needs to read back after a restart */

	void			*record;	/* the batch in work, as it stood in the ring */
	struct sample		*room;		/* and unpacked */
	struct source_route	*route;		/* of it, while legs are left to do */
	uint32_t		 legs_left;
	struct batch		 batch;
	struct ring_in		*from;
	uint64_t		 start, end;	/* its place */

	struct origin		 origins[ORIGINS_MAX];
	uint32_t		 norigins;

	bool			 held, admitted;
	int64_t			 back_off_ns;
	struct mono		 retry_at, sync_at, tick_at, flush_at, account_at, trim_at, publish_at;
	uint64_t		 stamp;
	uint64_t		 refused_reports;
	struct log_limit	 log_write, log_refused, log_report, log_lost, log_trim, log_old;
};

/* stream.c */
struct stream *stream_new(struct gate *g, const char *dir, const char *flow, uint32_t schema);
struct stream *stream_by_dir(struct gate *g, const char *dir);
/* Open spool and ledger; schema NULL: as it stands on disk. Reads back the state of the reduction. */
int stream_open(struct gate *g, struct stream *st, const struct spool_schema *schema, struct wall wall);
void stream_free(struct stream *st);
/* Samples of this stream are lost; the ledger is told with the next account. */
void stream_lose(struct stream *st, uint64_t n, const char *who, const char *note);
/* <root>/<dir> */
int stream_path(const struct gate *g, const struct stream *st, char out[DISK_PATH_MAX]);

/* flush.c: what waits goes into the spool. 0 or the disk's error; nothing is lost either way. */
int stream_flush(struct gate *g, struct stream *st, struct mono now, struct wall wall);
/* Note that a write failed and when to try again; a flush that succeeds ends it. */
void gate_hold(struct gate *g, struct stream *st, int err, struct mono now);
/* Make durable what is due, or all. The first error; the gate is held then. */
int gate_sync(struct gate *g, struct mono now, bool force);
/* Try again what is held. True: nothing is held any more. */
bool gate_release(struct gate *g, struct mono now, struct wall wall);

/* members.c */
void members_load(struct stream *st);
/* SINK and LEAVE entries for a difference between plan and ledger. */
int members_update(struct stream *st, const struct plan *p, const struct flow *f, struct wall wall);
struct member *member_find(struct stream *st, const char *name);

/* routes.c */
/* What f's tags are in the stream: the points and the schema's tags (arena). */
uint32_t flow_points(const struct plan *p, const struct flow *f, struct reduce_point **points,
    struct spool_schema *schema, struct arena *a);
void routes_build(struct gate *g, const struct plan *p, struct stream *const *of_flow, struct routes *out);
void routes_fini(struct routes *r);

/* inforce.c */
/* Set up the streams of the plan that the disk refused before. True: none is missing. */
bool plan_open_missing(struct gate *g, struct mono now, struct wall wall);
/* Streams without a flow: open those that are not, and settle who is owed them. What the disk refuses is tried again with the next call. */
void plan_settle_old(struct gate *g, const struct plan *p, struct mono now, struct wall wall);
/* The plan before is over: what its batches left half done goes out. */
void plan_forget_before(struct gate *g, struct mono now, struct wall wall);

/* admit.c */
/* Take the batch in g->record, len bytes; then admit_go(). False: it was refused. */
bool admit_parse(struct gate *g, struct ring_in *in, size_t len, struct mono now);
void admit_go(struct gate *g, struct mono now, struct wall wall);
/* Tell what was overwritten in this ring. */
void admit_overwritten(struct gate *g, struct ring_in *in, struct mono now);
/* Samples that never reached the gate: enter them in the ledgers of all streams fed by this ring, or by this source. */
void admit_lost(struct gate *g, struct ring_in *in, const struct source_route *only, uint64_t n, const char *note,
    struct mono now);

/* origin.c: streams of other nodes, each number once */
/* May the record in work be taken? False: something before it is missing, or there are too many. */
bool origin_admit(struct gate *g, const struct source_route *sr, const char *writer);
/* How this stream has to take it; false: not at all, it has it. */
bool origin_mode(struct stream *st, const struct batch_head *h, enum reduce_mode *mode);
/* How many numbers of this record, which says that they are lost, the stream does not have. */
uint64_t origin_lost(struct stream *st, const struct batch_head *h);
void origin_took(struct stream *st, const struct batch_head *h);
void origin_flushed(struct stream *st);
void origin_done(struct gate *g, const struct batch_head *h);
/* Say what became durable. */
void origins_tell(struct gate *g);

/* rings.c */
/* Read at most `records`. True: there is more. */
bool rings_read(struct gate *g, uint32_t records, struct mono now, struct wall wall);
uint64_t ring_low(const struct gate *g, const struct ring_in *in);
struct ring_in *ring_by_epoch(struct gate *g, uint64_t epoch);
void rings_free(struct gate *g);

/* account.c */
/* Enter what is due, make it durable, answer. */
int gate_account(struct gate *g, struct mono now, struct wall wall, bool force);
/* Enter what sinks of this stream were said to have; without making it durable or answering. */
int account_enter(struct gate *g, struct stream *st, struct wall wall);

/* retain.c */
void gate_trim(struct gate *g, struct mono now, struct wall wall);

/* figures.c */
void gate_publish(struct gate *g);
void gate_figures(struct gate *g);	/* make the objects anew, after a plan */

#endif
