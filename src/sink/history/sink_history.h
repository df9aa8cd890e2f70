/*
 * Inside of the history sink: its series and the job that takes them to the store. history.c is the contract with office and what
 * happens to a sample; work.c is the job. Start reading at the top of history.c.
 */
#ifndef SINK_HISTORY_SINK_H
#define SINK_HISTORY_SINK_H

#include <uv.h>

#include "base/map.h"
#include "sink/history/store.h"
#include "sink/sink.h"

#define HISTORY_BUFFERED_MAX	(24u << 20)	/* bytes of chunks and of rows that wait */
#define HISTORY_BATCHES_MAX	4096u		/* batches taken and not done */
#define HISTORY_COMMIT_MS	1000

enum { KEEP_RAW, KEEP_1S, KEEP_1MIN, KEEP_1H, KEEPS };

struct stream;

struct series {
	int64_t		 id, row;	/* row: of the open chunk in the store */
	struct chunk	 chunk;
	uint64_t	 seq;		/* newest sample taken of the stream that it belongs to */
	int64_t		 t_newest;	/* newest time taken */
	uint64_t	 dirty_from;	/* oldest sample that is not committed; valid while dirty */
	bool		 dirty;
	struct stream	*stream;
	struct series	*next;		/* in its stream's list of dirty ones */
};

struct taken {		/* a batch that is not done yet */
	uint64_t	first, last;
	struct taken	*next;
};

struct stream {
	struct sink_stream	*of;
	struct series		*series;	/* by tag */
	struct series		*dirty, **dirty_end;
	struct taken		*taken, **taken_end;
	struct stream		*next;
};

struct job_row {
	struct raw_row	row;
	uint8_t		*bytes;
};

struct job {
	uv_work_t	 work;
	struct job_row	*rows;
	size_t		 n, cap;
	int64_t		 now;
	int		 err;
	char		 fault[256];
};

struct history_sink {
	struct sink_host	*host;
	struct history		*writer;	/* the worker's while a job runs */
	struct history		*own;		/* the loop's: new series, and where the store stands */
	int64_t			 keep_ns[KEEPS];
	int64_t			 next_series, next_row;
	struct map		 ids;		/* "flow\nname" -> series id, texts in arena */
	struct arena		 arena;
	struct stream		*streams;
	struct job		 job;		/* rows wait here: those of full chunks at once, others when a job starts */
	size_t			 sent;		/* rows handed to the running job */
	bool			 running, stopping, want_ready, failing;
	unsigned		 retry_ms;
	size_t			 buffered, ntaken;
	uv_timer_t		 timer;
	void			(*stopped)(void *arg);
	void			*stopped_arg;
};

/* work.c: the open chunk of a series as a row of the next job; close: it is full, a new one begins. */
int work_add_row(struct history_sink *k, struct series *s, bool close);
void work_start(struct history_sink *k);	/* nothing while one runs */
void work_report(struct history_sink *k);	/* say done for all that is committed; none runs, no row waits */
void work_forget_rows(struct history_sink *k);	/* those that were sent */
void work_ended(struct history_sink *k);	/* no job runs and none will: stopped() follows */

#endif
