/*
 * One connection (TCP or a serial line), the driver context that speaks on it, and the feeds behind it.
 *
 *	idle ──> queued ──> resolving ──> connecting ──> up
 *	            └─────────────────────┘ (an address)  │
 *	            ^           failure │        │        │ lost, reset by the driver, silent
 *	            └────── waiting <───┴────────┴────────┘
 *
 * A link of kind LINK_OWN has a driver that connects by itself: connecting until it says something, then up or waiting
 * as it says (link_own.c).
 *
 * Waiting lasts 1 to 30 s, growing and jittered; it becomes short again when a device has answered, not when a socket
 * has opened. A connection that was of use and is lost is tried again within a tenth of a second first.
 */
#ifndef FIELD_LINK_H
#define FIELD_LINK_H

#include <netinet/in.h>

#include "base/backoff.h"
#include "field/engine.h"
#include "field/health.h"

#define LINK_RETRY_MIN_NS	NS_PER_S
#define LINK_RETRY_MAX_NS	(30 * NS_PER_S)
#define LINK_RETRY_SOON_NS	(100 * NS_PER_MS)
#define LINK_RESOLVE_NS		(10 * NS_PER_S)	/* longest that a name lookup is waited for */
#define LINK_ADDRESSES_MAX	8u		/* of one name; they are tried in turn */
#define LINK_CAUSE_MAX		1024u	/* bytes of a text for people; certificates need many words */
#define LINK_QUEUE_MAX		(16u << 10)	/* bytes that wait for a peer to read */
/* Requests in a row nobody on the link answered: the connection is half open. */
#define LINK_SILENCE_MAX	3u

enum link_state {
	LINK_IDLE,		/* not started, or closed */
	LINK_QUEUED,		/* wants to connect, too many others do so right now */
	LINK_RESOLVING,		/* a name lookup is under way */
	LINK_CONNECTING,	/* a TCP connect is under way */
	LINK_UP,		/* bytes may pass */
	LINK_WAITING,		/* pauses before the next attempt */
	LINK_STATES
};
const char *link_state_name(enum link_state s);

/* A descriptor in the loop. Lives on its own: the loop releases it later than the link. */
struct wire {
	uv_poll_t	 poll;
	int		 fd;
	bool		 borrowed;	/* fd is somebody else's */
	int		 events;	/* asked of the loop */
	struct link	*link;		/* NULL once the link has let go */
};

struct lookup;
struct link_change;

struct link {
	struct driver_host	 host;		/* first: what the driver sees of us */
	struct field		*field;
	const struct driver	*driver;
	const char		*name;		/* "10.3.1.10:502" */
	struct link_spec	 spec;		/* its texts are ours */
	void			*ctx;		/* of the driver */
	struct link_sources	 sources;	/* ours, in memory */
	struct arena		 memory;
	struct feed		**feeds;	/* [sources.n] */

	enum link_state		 state;
	struct deadline		 timeout;	/* of the state: resolve, connect, wait */
	struct backoff		 retry;
	struct link		*queue_next;	/* in field.connect_queue */
	bool			 counted;	/* in field.connecting */
	struct lookup		*lookup;
	struct { struct sockaddr_storage a; socklen_t len; } addresses[LINK_ADDRESSES_MAX];
	uint32_t		 naddresses, address;	/* found; the one to try now */
	struct wire		*wire;
	struct { uint8_t *p; size_t len, at; } out;	/* bytes the kernel did not take; p NULL while there are none */

	int			 depth;		/* within a driver call */
	const char		*broken;	/* the link must be dropped, and why; static text */
	int			 broken_errno;
	bool			 todo;		/* some feed wants something, see feed.todo */
	struct deadline		 tick;		/* the driver's next deadline, or earlier */

	struct mono		 up_at;
	bool			 answered;	/* on this connection */
	uint32_t		 silence;	/* requests in a row without any answer */
	uint32_t		 running;	/* scans under way on it */
	struct budget		 budget;
	struct deadline		 probe_turn;
	struct feed		*probe_head, *probe_tail;	/* silent feeds that may be probed next */
	struct feed		*probing;	/* the one being probed; one at a time */
	uint64_t		 connects;	/* that succeeded */
	char			 cause[LINK_CAUSE_MAX];	/* of the last failure, for people */
	struct log_limit	 quiet;

	bool			 leaving;	/* LINK_OWN: at a stop, until the driver has left the device */
	bool			 kept;		/* by the plan that is being applied */
	/* A new set of sources, to be taken over when no scan is under way; see apply.h. */
	struct link_change	*change;
};

/* link.c: the connection. */
void link_init(struct link *l);
void link_start(struct link *l);
/* Let go of connection and lookups; state idle. The driver gets no down(): what was under way is simply forgotten. */
void link_close(struct link *l);
/* The connection is of no use any more (l->broken says why): down, wait, try again. Not from within a driver call. */
void link_drop(struct link *l);
/* The descriptor of a connect under way is ready. */
void link_connected(struct link *l);
void link_resolved(struct link *l, int gai_error);
/* Change the state; deadline MONO_NEVER: none. For link.c and link_own.c. */
void link_move(struct link *l, enum link_state to, struct mono deadline);

/* link_own.c: links of a driver's own threads. */
static inline bool link_is_own(const struct link *l) { return l->spec.kind == LINK_OWN; }
void link_own_start(struct link *l);
/* The driver's descriptor is readable. */
void link_own_ready(struct link *l);
/* What the driver says: see host.reach and host.left in driver/driver.h. */
void link_own_reach(struct link *l, uint32_t src, bool reached, const char *text);
void link_own_left(struct link *l);
/* The process stops: have the driver leave the device; field.running counts that until it has. */
void link_own_leave(struct link *l);
void link_own_durable(struct link *l, uint64_t origin, uint64_t no, bool hole);

/* link_io.c: bytes and driver calls. */
void link_io_init(struct link *l);
/*
 * Enclose every driver call: enter, call, leave. leave acts on what the host callbacks noted; the link may be dropped
 * by it.
 */
static inline void link_enter(struct link *l) { l->depth++; }
void link_leave(struct link *l);
/*
 * Queue bytes for the peer, copied. 0, ERR_FULL, or ERR_CONN when the connection is gone (the link is marked broken).
 */
int link_send(struct link *l, const void *p, size_t len);
/* Drop the connection once the driver has returned. why: static text; errnum: 0 the peer closed it, -1 none. */
void link_break(struct link *l, const char *why, int errnum);
/* An event of the connection. */
void link_ready(struct link *l, int events);
void link_forget_output(struct link *l);

/* probe.c: whose turn it is to be probed. */
void link_probe_init(struct link *l);
/* A silent feed may be probed: it waits for its turn on the link. */
void link_probe_enqueue(struct link *l, struct feed *f);
/* Its probe ended. */
void link_probe_ended(struct link *l, struct feed *f, struct mono now);
void link_probe_forget(struct link *l, struct feed *f);
/*
 * One has come back, perhaps for a common cause (a cabinet has power again): the other silent ones get their turn
 * early.
 */
void link_probe_others(struct link *l);

/* host.c: what the driver sees of us. */
void link_host_init(struct driver_host *h);

/* wire.c: the descriptor in the loop; fd taken. */
int wire_open(struct link *l, int fd, int events);
/* The same for a descriptor that somebody else closes, after wire_close(). */
int wire_borrow(struct link *l, int fd, int events);
void wire_close(struct link *l);
void wire_want(struct link *l, int events);

/* resolve.c: name lookup. Ends with link_resolved(), never from within. */
int resolve_start(struct link *l);
void resolve_cancel(struct link *l);

#endif
