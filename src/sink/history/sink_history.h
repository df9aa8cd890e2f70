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
#define HISTORY_CLOSE_AT	(18u << 20)	/* from here on what is written is closed and leaves the memory, full or not */
#define HISTORY_BATCHES_MAX	4096u		/* batches taken and not done */
#define HISTORY_COMMIT_MS	1000

enum { KEEP_RAW, KEEP_1S, KEEP_1MIN, KEEP_1H, KEEPS };

struct stream;

/*
 * One series of the store. Streams of one flow that hold the same tag share it (when a plan changes, the old stream still has its backlog
 * while the new one is there already): one open chunk, one row. It outlives its streams while rows of it wait.
 */
struct series {
	struct known	*known;
	int64_t		 id, row;	/* row: of the open chunk in the store */
	struct chunk	 chunk;
	uint32_t	 version;	/* of the stream that the newest sample came from */
	uint64_t	 seq;		/* newest sample taken of that stream */
	int64_t		 t_newest;	/* newest time taken */
	uint64_t	 dirty_from;	/* oldest sample that is not committed; valid while dirty */
	bool		 dirty;
	struct stream	*stream;	/* whose samples are not committed; valid while dirty */
	struct series	*next;		/* in that stream's list of dirty ones */
	unsigned	 refs, rows;	/* streams that have it, rows of it that wait */
};

struct taken {		/* a batch that is not done yet */
	uint64_t	first, last;
	struct taken	*next;
};

struct stream {
	struct sink_stream	*of;
	struct series		**series;	/* by tag */
	struct series		*dirty, **dirty_end;
	struct taken		*taken, **taken_end;
	struct stream		*next;
};

struct job_row {
	struct raw_row	row;
	uint8_t		*bytes;
	struct series	*series;
};

struct job_rows {
	struct job_row	*v;
	size_t		 n, cap;
};

struct job {
	uv_work_t	 work;
	struct job_rows	 waiting;	/* those of full chunks at once, others when a job starts */
	struct job_rows	 out;		/* the worker's while a job runs; kept for the next if it fails */
	int64_t		 now;
	int		 err;
	char		 fault[256];
};

struct known {		/* a series that the store has */
	int64_t		 id;
	struct series	*series;	/* NULL: nobody holds it at the moment */
};

struct history_sink {
	struct sink_host	*host;
	struct history		*writer;	/* the worker's while a job runs */
	struct history		*own;		/* the loop's: new series, and where the store stands */
	int64_t			 keep_ns[KEEPS];
	int64_t			 next_series, next_row;
	struct map		 ids;		/* "flow\nname" -> struct known, all in arena */
	struct arena		 arena;
	struct stream		*streams;
	struct job		 job;
	bool			 running, stopping, want_ready, failing;
	unsigned		 retry_ms;
	size_t			 buffered, ntaken;
	uv_timer_t		 timer;
	void			(*stopped)(void *arg);
	void			*stopped_arg;
};

/* history.c: free a series that no stream has and of which no row waits. */
void series_let_go(struct history_sink *k, struct series *s);
/* history.c: room again after ERR_FULL: say so. */
void history_say_ready(struct history_sink *k);
/* work.c: the open chunk of a series as a row of the next job; close: it is full, a new one begins. */
int work_add_row(struct history_sink *k, struct series *s, bool close);
void work_start(struct history_sink *k);	/* nothing while one runs */
void work_report(struct history_sink *k);	/* say done for all that is committed; none runs, no row waits */
void work_fini(struct history_sink *k);		/* forget all rows */
bool work_idle(const struct history_sink *k);	/* no job runs and no row waits */
void work_ended(struct history_sink *k);	/* no job runs and none will: stopped() follows */

#endif
