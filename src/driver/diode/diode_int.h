/* What the files of the diode driver share; nobody else includes this. diode.c tells the whole. */
#ifndef DRIVER_DIODE_INT_H
#define DRIVER_DIODE_INT_H

#include "driver/upstream/claim.h"
#include "driver/upstream/upstream.h"
#include "proto/diode/diode_recv.h"
#include "proto/diode/diode_wire.h"

#define QUEUE_BYTES	(32u << 20)	/* records between the receiving thread and the loop, at most */
#define INVERSIONS	20000u		/* a second, at most; one of 8 x 8 takes about 2 us */
#define ASK_NS		(5 * NS_PER_S)	/* gate has not answered: ask again */

enum diode_key {
	DD_KEY_KEY, DD_KEY_DATA, DD_KEY_REPAIR, DD_KEY_INTERLEAVE, DD_KEY_DATAGRAM, DD_KEY_BUFFER, DD_KEY_MEMORY, DD_KEY_HOLD, DD_KEYS
};
extern const struct key diode_keys[];
struct diode_params diode_params_of(const struct source *s);

/* ---- receive.c: the thread ---- */

enum dd_kind { DD_RECORD, DD_CONTROL };
struct dd_event {
	struct dd_event	*next;
	enum dd_kind	 kind;
	uint64_t	 session;
	uint32_t	 stream;
	uint8_t		 record;	/* DD_RECORD: enum diode_kind */
	size_t		 len;
	struct diode_control control;	/* DD_CONTROL */
	bool		 settled[DIODE_ROWS_MAX];
	uint8_t		 data[];	/* DD_RECORD */
};
struct dd_counts {
	struct diode_recv_counts n;
	uint64_t	overrun;	/* datagrams for which the socket had no room */
	uint64_t	queue_full;	/* records for which there was no room here */
	uint64_t	session;
};
struct dd_thread;
/* Bind and start. wake_fd: borrowed, made readable when there is something to take. 0 with *out given (dd_thread_stop()), or an error with why. */
int dd_thread_start(const struct source *s, const char *dir, int wake_fd, struct dd_thread **out, char *why, size_t size);
/* Ends the thread; waits for it, some milliseconds. NULL is nothing. */
void dd_thread_stop(struct dd_thread *t);
/* The oldest event, given (free()); NULL: none. */
struct dd_event *dd_thread_take(struct dd_thread *t);
struct dd_counts dd_thread_counts(struct dd_thread *t);

/* ---- sessions.c: which ones were taken, thread's own ---- */

#define SESSIONS_MAX	4096u
struct dd_sessions { char path[DISK_PATH_MAX]; uint64_t seen[SESSIONS_MAX]; uint32_t n; };
/* 0, or an error after which none is known (a damaged file is kept aside). */
int sessions_open(struct dd_sessions *s, const char *dir);
/* May this session begin (or go on)? Writes it down. */
bool sessions_take(struct dd_sessions *s, uint64_t session);

/* ---- flight.c: what gate may have and has no receipt yet ---- */

struct flight {
	int		 fd, claim_fd;
	uint64_t	 rows;		/* in the file */
	struct receipt	*old;		/* of the life before, as long as gate has not answered */
	uint32_t	 nold;
	bool		 asking;
	struct mono	 asked_at;
	struct claim	 claim;		/* what the sender says */
};
struct diode_in;
int flight_open(struct diode_in *d, struct upstream *u);
void flight_close(struct upstream *u);
void flight_begins(void *arg, const struct pending *p);
/* Shorten the file when it is due. */
void flight_tidy(struct diode_in *d, struct upstream *u);
void flight_ask(struct diode_in *d, struct upstream *u, struct mono now);
/* Gate has everything up to no, durably. */
void flight_answered(struct diode_in *d, struct upstream *u, uint64_t no, struct wall wall);

/* ---- diode.c, take.c ---- */

enum beacon_state { BEACON_NONE, BEACON_OK, BEACON_LATE, BEACON_LOST };
struct diode_in {
	struct driver_host	*h;
	const struct source	*s;
	struct upstreams	 us;
	struct dd_thread	*t;
	int			 wake_fd;
	bool			 leaving;	/* as soon as the last receipts are written */
	struct mono		 open_at;
	char			 dir[DISK_PATH_MAX];
	struct { uint64_t session; uint32_t stream; struct upstream *u; } streams[DIODE_STREAMS_MAX];
	uint32_t		 nstreams;	/* used in turn */
	enum beacon_state	 beacon;
	struct mono		 beacon_at;
	struct diode_control	 last;		/* beacon */
	int64_t			 offset_ns;	/* sender's clock to ours, at most */
	uint64_t		 no_schema;	/* batches of streams whose schema has not come */
	struct dd_counts	 told;		/* of which people were told */
	struct log_limit	 quiet;
};
/* Take what has come, as long as there is room. */
void diode_take(struct diode_in *d, struct mono now, struct wall wall);
/* Streams of a life before: their schemas are on the disk. */
void diode_recall(struct diode_in *d, struct mono now);
struct mono diode_look_at_beacon(struct diode_in *d, struct mono now);

#endif
