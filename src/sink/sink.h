/*
 * The contract of a sink: it takes batches of a stream in order and says, for each, when the far end has it. Sinks run in the office
 * process on its loop; what would block goes to a helper thread of the sink's own and comes back through the loop.
 *
 * A sink instance serves one sink of the site file and any number of streams. Delivery (office/) reads the spool, offers batches, keeps the
 * account, retries; a sink connects, encodes, sends, and reports. A sink never drops: it reports done, or refused with a reason
 * that quarantines the batch, or nothing (then the batch is still owed).
 */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include <uv.h>

#include "base/clock.h"
#include "model/request.h"
#include "site/catalog.h"
#include "spool/spool.h"

/* One stream as a sink sees it; valid from stream_add to stream_remove. */
struct sink_stream {
	const char			*flow;
	uint32_t			 schema_version;
	const struct spool_schema	*schema;
	const struct flow		*plan_flow;	/* NULL when the stream outlived its flow */
	const struct plan		*plan;		/* the office's slice: enterprise, site, tags */
	void				*user;		/* the sink's own */
	void				*delivery;	/* office's own */
};

struct findings;

#define SINK_NEWEST_MAX	200000u
#define SINK_ONE_WAY_FILE "one-way"	/* in a sink's state_dir: what it calls done was sent, and is not known to have arrived */

struct sink_host {
	uv_loop_t	*loop;
	const char	*state_dir;	/* a directory of this sink's own, "<state>/office/<sink name>"; made before open */
	/* The far end has the samples first..last of the stream (one whole batch offered). In any order; office keeps the order. */
	void	(*done)(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last);
	/* The far end (or the encoder) will never take this batch: quarantine. reason: for people, copied. */
	void	(*refused)(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last, const char *reason);
	/* Room again after offer() returned ERR_FULL, or connected: offer. */
	void	(*ready)(struct sink_host *h);
	/* The connection is lost: everything offered and not done is owed again and will be offered anew, from the oldest. why: for people. */
	void	(*lost)(struct sink_host *h, const char *why);
	/* State for the status page and `penstock status`: connected or not, a text for people (copied). */
	void	(*state)(struct sink_host *h, bool connected, const char *text);
	/*
	 * The newest batches of a stream that hold numbers >= from, oldest first, at most about SINK_NEWEST_MAX samples: each(arg, batch), the batch
	 * borrowed during the call. For a far end that is told the present values before it gets what is owed. Changes nothing of what is
	 * owed or offered. Reads the disk. 0, or an error of the spool after which some may be missing.
	 */
	int	(*newest)(struct sink_host *h, struct sink_stream *s, uint64_t from, void (*each)(void *arg, const struct spool_batch *b),
	    void *arg);
	/*
	 * The way back: ask something of a device (model/request.h). The sink authenticates its user and fills kind, target, args, user,
	 * roles, key, note and deadline; `from` is set to the sink's name. 0: done(arg, result) comes exactly once, from the loop, never from
	 * within the call, and not after request_forget or close. An error: nothing was asked (ERR_FULL, ERR_CONN, ERR_LIMIT). NULL: this
	 * host passes no requests on: refuse.
	 */
	int	(*request)(struct sink_host *h, const struct request *q, request_done *done, void *arg);
	void	(*request_forget)(struct sink_host *h, const void *arg);
	uint64_t *stats;	/* counters on the status page, see `sink` in ring/stats.def */
};

/*
 * A verb of the command line that the sink itself answers, such as those of `penstock outbox`. Who asks was seen by the supervisor; what
 * changes something stands in the audit log before it comes here without `dry`.
 */
struct sink_ask {
	const char		*verb;		/* "outbox" */
	int			 argc;
	const char *const	*argv;		/* borrowed during the call */
	const char		*who;		/* the person */
	bool			 dry;		/* say what would be done, change nothing */
	/* Lines of JSON, {"error": "..."} for what cannot be. Exactly once, from the loop, also from within the call; not after close. */
	void			(*answer)(void *arg, const char *lines, size_t len);
	void			*arg;
};

struct sink_type {
	struct sink_info	 info;
	size_t			 size;		/* bytes of an instance */
	/* inst is zeroed. cfg, plan and h outlive it. 0, or an error with why for people; connecting starts here and is retried by the sink for ever, with
	 * jittered back-off. */
	int	(*open)(void *inst, const struct sink *cfg, const struct plan *plan, struct sink_host *h, char *why, size_t size);
	int	(*stream_add)(void *inst, struct sink_stream *s);
	void	(*stream_remove)(void *inst, struct sink_stream *s);
	/*
	 * Take a batch (borrowed during the call). live: it has just been admitted; else it is backlog. 0: taken, done or refused will follow (or lost). ERR_FULL: the
	 * window is full, offer again after ready(). ERR_CONN: not connected, wait for ready().
	 */
	int	(*offer)(void *inst, struct sink_stream *s, const struct spool_batch *b, bool live);
	/* Text of the exact message(s) this batch makes, for `penstock quarantine show` and dry runs. */
	int	(*preview)(void *inst, struct sink_stream *s, const struct spool_batch *b, struct buf *out);
	/*
	 * The same of values (of type json) without an instance, for `penstock event try --to`. dir: where a running sink keeps what is its own
	 * (NULL: nowhere). 0, or an error with its cause in out. Reads the disk. NULL: what is delivered is the value itself.
	 */
	int	(*dry_run)(const struct sink *cfg, const struct plan *plan, const char *dir, const struct value *v, size_t n, struct buf *out);
	/*
	 * What a sink is told to do, held against what its far end can: findings for `penstock check`. online: the far end is asked, for a while.
	 * Else dir, where a running sink keeps what it knows of it (NULL: nowhere). Blocks. NULL: there is nothing to hold it against.
	 */
	void	(*verify)(const struct sink *cfg, const struct plan *plan, const char *dir, bool online, struct findings *f);
	/* NULL: it has nothing to be asked. 0: an answer follows; an error (ERR_UNSUPPORTED: not this verb): none will. */
	int	(*ask)(void *inst, const struct sink_ask *a);
	/* Stop in good order: finish what is in flight, at most until deadline, then call stopped(arg) once from the loop. */
	void	(*stop)(void *inst, struct mono deadline, void (*stopped)(void *arg), void *arg);
	void	(*close)(void *inst);	/* after stopped, or at once on a failed open */
};

#define SINK(name) extern const struct sink_type name##_sink;
#include "sink/sinks.def"
#undef SINK

/* All sinks, NULL-ended; and one by the name a site file uses. */
extern const struct sink_type *const sinks[];
const struct sink_type *sink_find(const char *kind);

#endif
