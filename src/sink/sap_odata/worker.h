/*
 * The worker of an sap-odata sink: one thread that owns the outbox, the connections and the poster. It and the loop share two queues under one
 * lock: what comes in (batches of events, questions of people), and what goes out (what became of them, the state).
 *
 *	loop                          worker
 *	offer() ----- job ----->  outbox_put(), one transaction for all that wait
 *	done()  <---- job ------
 *	ask()   ----- ask ----->  outbox_do()
 *	answer() <--- ask ------
 *	state() <--- state -----  outbox_turn() -> poster -> far end
 */
#ifndef SAP_ODATA_WORKER_H
#define SAP_ODATA_WORKER_H

#include <pthread.h>
#include <uv.h>

#include "sink/sap_odata/keys.h"
#include "sink/sap_odata/poster.h"
#include "sink/sink.h"

#define WORKER_BYTES_MAX	(4u << 20)	/* of events that wait to be put; one batch is always taken */
#define WORKER_JOBS_MAX		256u
#define WORKER_ASKS_MAX		64u
#define WORKER_STATE_MAX	400u

/* A batch of events on its way into the outbox. The loop makes it, the worker fills err and why, the loop frees it. */
struct sap_job {
	struct sap_job		*next, *all;
	struct sink_stream	*s;		/* the loop's; NULL: the stream is gone */
	uint64_t		 first, last;
	struct arena		 arena;
	const char		*flow;
	struct sap_sample { const char *json; size_t len; } *v;
	size_t			 n, bytes;
	/* The worker's answer: 0 all stand in the outbox; else why one of them does not. The others do. */
	int			 err;
	char			 why[300];
};

struct sap_ask {
	struct sap_ask		*next;
	struct arena		 arena;
	struct sink_ask		 q;		/* texts in the arena */
	struct buf		 out;
};

/* A value read from SAP, for a tag: the loop passes it on as a request. */
struct sap_write {
	struct sap_write	*next;
	char			*tag, *key;
	void			*of;		/* the reading that it is of; the worker's */
	uint64_t		 row;		/* of all that were read */
	bool			 last;		/* the row's key: not written when a part of the row was refused */
	struct value		 v;		/* its bytes follow the struct */
};

struct worker_state {
	bool			 connected;
	char			 text[WORKER_STATE_MAX];
	uint64_t		 messages, bytes;
};

struct reads;
struct worker {
	/* Fixed before worker_go(). */
	const struct sap_cfg	*cfg;
	const struct mapping_set *set;
	const struct plan	*plan;
	const char		*name;
	char			*dir;
	int			 wake_fd;
	uv_async_t		*async;
	pthread_t		 thread;

	pthread_mutex_t		 lock;
	/* Under lock. */
	struct sap_job		*in, **in_end, *out, **out_end;
	struct sap_ask		*asks, **asks_end, *answers, **answers_end;
	struct sap_write	*writes, **writes_end;	/* to the loop */
	struct sap_write	*unwritten;		/* back from it: gate refused */
	size_t			 nwrites;
	struct worker_state	 state;
	bool			 state_new, quit, ended;
	struct mono		 deadline;		/* of quit */

	/* The thread's. */
	struct outbox		*outbox;
	struct metas		*metas;
	struct far		*far;
	struct poster		 poster;
	struct reads		*reads;
	struct mono		 open_again, put_again, told;
	struct sap_job		*putting;		/* taken in and not durable yet */
	int64_t			 put_pause_ns;
	char			 fault[300];		/* what keeps the outbox from working; "" */
};

/* cfg, set, plan, name and dir are filled. 0, or an error with why: nothing is left of it then. */
int worker_open(struct worker *w, char *why, size_t size);
/* Start the thread: the far end is spoken to from now on. async is told whenever there is news. Once worker_open() was well. */
void worker_go(struct worker *w, uv_async_t *async);
/* After `ended` was seen: nothing of the thread is left. Frees what waits in the queues but jobs, which are the loop's. */
void worker_join(struct worker *w);
void worker_wake(struct worker *w);

/* worker_put.c: jobs into the outbox. Returns when to call again. */
struct mono worker_put(struct worker *w, struct mono now);
/* worker_state.c: the sentence for people. */
void worker_tell(struct worker *w);

#endif
