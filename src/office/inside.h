/* The inside of the office, shared by its files. Everything here runs on the one loop. */
#ifndef OFFICE_INSIDE_H
#define OFFICE_INSIDE_H

#include "office/delivery.h"
#include "office/frozen.h"
#include "office/office.h"
#include "office/quarantine.h"
#include "office/report.h"
#include "spool/ledger.h"

#define OFFICE_PATH_MAX		4096u
#define OFFICE_STATE_MAX	400u
#define OFFICE_RETRIES_MAX	16384u	/* items of the quarantine waiting to be sent again, of one sink */

/* A plan lives as long as a sink or a stream looks into it. */
struct plan_ref {
	struct plan	*plan;
	unsigned	 refs;
};

/* A directory of the spool. */
struct stream {
	struct stream		*next;
	char			 name[REPORT_STREAM_MAX + 1];	/* of the directory */
	char			*path, *flow;
	uint32_t		 version;
	int64_t			 born_ns;	/* when its schema was written */
	struct spool_reader	*reader;	/* holds the schema; NULL until somebody needs it */
	bool			 examined;	/* an old stream that gets nothing more: not looked at again */
	struct mono		 looked;	/* at an old stream, ns 0: not yet */
	unsigned		 pairs;
};

enum outlet_phase {
	OUTLET_RUNNING,
	OUTLET_STOPPING,	/* the sink finishes; then it is closed, and opened anew if the plan has it */
	OUTLET_BROKEN,		/* it could not be opened: state says why */
};

/* One sink of the site file. */
struct outlet {
	struct outlet		*next;
	struct office		*office;
	char			 name[64];
	uint64_t		 key;
	struct plan_ref		*plan;
	const struct sink	*cfg;		/* in plan */
	const struct sink_type	*type;
	void			*inst;
	struct sink_host	 host;
	char			*dir;
	struct delivery		 delivery;
	enum outlet_phase	 phase;
	bool			 connected;
	char			 state[OFFICE_STATE_MAX];
	struct wall		 since;		/* of `connected` */
	uv_timer_t		 pump_timer;
	int64_t			*retries;	/* ids to be sent again, oldest first */
	size_t			 nretries;
	char			*retry_bytes;	/* of the one under way */
	struct frozen		 retry_frozen;
};

/* A stream owed to a sink: delivery's pair with what the office knows of it. */
struct owed {
	struct pair		 pair;
	struct outlet		*outlet;
	struct stream		*stream;
	struct plan_ref		*plan;
	struct account		*account;
	bool			 current;	/* its flow and schema are those of the plan */
	bool			 visiting;	/* only there for a batch from quarantine */
};

struct office {
	struct office_opts	 opts;
	char			*spool, *dir;
	struct plan_ref		*plan;		/* in force; NULL until the first came */
	struct outlet		*outlets;
	unsigned		 outlets_closing;	/* no longer in the list, their handles not closed yet */
	struct stream		*streams;
	struct reporter		 reporter;
	struct quarantine	*quarantine;
	uv_timer_t		 tick, flush, stop_timer;
	uv_poll_t		*gate_poll;
	int			 handles;	/* not closed yet, at the end */
	bool			 stopping, said_stopped;
	struct mono		 deadline, scanned, confirmed, replanned;
	struct log_limit	 complaints;
	struct office_ask	*asks;		/* requests that gate has and has not answered, request.c */
	uint32_t		 nasks;
	uint64_t		 next_ask;
	struct office_change	*changes;	/* what people do with outboxes, under way, change.c */
	uint32_t		 nchanges;
	uint64_t		 next_change;
};

/* office.c */
struct plan_ref *plan_hold(struct plan_ref *r);
void plan_let_go(struct plan_ref *r);
/* Something is to be said to gate: soon. */
void office_flush_soon(struct office *o);
void office_outlet_gone(struct office *o);	/* a stopped outlet was closed */
char *office_path(const char *a, const char *b);	/* "a/b", given (free) */

/* outlet.c */
struct outlet *outlet_new(struct office *o, const struct sink *cfg);
void outlet_stop(struct outlet *k, struct mono deadline);
void outlet_free(struct outlet *k);
struct outlet *outlet_find(const struct office *o, const char *name);	/* NULL: none */
extern const struct delivery_ops outlet_ops;	/* arg: the outlet */

/* streams.c */
void streams_scan(struct office *o);
/* A new plan: which streams are current, which are owed no more. */
void streams_replan(struct office *o);
/* Plan or sinks have changed: each stream may be owed to somebody anew. */
void streams_look_again(struct office *o);
void streams_tick(struct office *o);	/* streams of old that are drained */
struct owed *owed_new(struct outlet *k, struct stream *s, uint64_t next);
void owed_free(struct owed *w);
struct owed *owed_find(const struct outlet *k, const char *stream);
/* Is the sink still one of this stream's, by plan and ledger? *next: the first number not settled. */
bool owed_may(struct outlet *k, const char *stream, uint64_t *next);
/* The pair for a batch from quarantine, made if it is not there. NULL: the stream or its schema is gone, or the sink has left it. */
struct owed *owed_visit(struct outlet *k, const char *stream);
int stream_ledger(struct office *o, const struct stream *s, const char *sink, struct ledger_sink *out, uint64_t *admitted);
void streams_free(struct office *o);

/* aside.c */
void aside_put(struct owed *w, const struct spool_batch *b, const char *reason);
void aside_recall(struct owed *w, uint64_t next);	/* items put aside that the ledger does not know yet */

/* release.c */
void release_retried(struct outlet *k, struct owed *w, int64_t id, const char *reason);
void release_next(struct outlet *k);	/* the next item that waits to be sent again */
void release_confirm(struct office *o);	/* items the ledger has as released or discarded are deleted */
void release_resume(struct office *o);	/* at start: what may not have been told */
void release_ask(struct office *o, int argc, const char *const *argv, struct buf *out);

/* request.c: what office itself needs of it. */
int office_outcome(struct office *o, const void *p, size_t len);	/* OUTCOME of gate; an error: it is malformed */
void office_requests_lost(struct office *o);	/* gate is gone: what it had is unknown */
void office_requests_of_sink_gone(struct office *o, const char *sink);
void office_requests_tick(struct office *o);
void office_requests_free(struct office *o);

/* change.c: what office itself needs of it. */
int office_audited(struct office *o, const void *p, size_t len);
void office_changes_lost(struct office *o);	/* gate is gone: what is not in its log is not done */
void office_changes_of_sink_gone(struct office *o, const char *sink);
void office_changes_tick(struct office *o);
void office_changes_free(struct office *o);

static inline struct owed *
owed_of(struct pair *p)
{
	return p->office;
}

#endif
