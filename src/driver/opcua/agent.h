/*
 * The agent from outside of its thread, for opcua.c, and what out.c, conn.c and memory.c keep in it. Parts see ua.h alone.
 *
 *	engine's thread: ua_agent_start, _tick, _ask, _leave, _why, _release	everything else: the agent's thread
 *
 * The agent's thread holds `lock` but while it waits for the network or for room in the queue; the engine takes it only for
 * `penstock why`, and not for long. Whoever is last, engine or thread, frees the agent.
 */
#ifndef DRIVER_OPCUA_AGENT_H
#define DRIVER_OPCUA_AGENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "driver/opcua/loop.h"
#include "driver/opcua/opcua_keys.h"
#include "driver/opcua/ua.h"

#define UA_STACK_BYTES	(512u << 10)
#define UA_ASKS_MAX	256u		/* reads, writes and calls that one agent has at a time */
#define UA_TEXT_MAX	1024u		/* of a text for people */

struct ua_asked {
	struct ua_asked	*next;
	struct ua_ask	 ask;		/* its parts stand behind it in the same memory */
	bool		 given;		/* a part has it */
};

/*
 * Small blocks of one thread, cut from one piece of memory and kept in lists by their size. open62541 puts each scalar
 * that it decodes into a block of its own, ten thousand a message; malloc's own cache for a thread holds seven of a
 * size, and beyond it takes a lock for each.
 */
#define UA_POOL_STEP	16u
#define UA_POOL_SIZES	4u		/* 16 to 64 bytes */

struct ua_block { struct ua_block *next; };

struct ua_pool {
	uint8_t		*base, *fresh, *end;	/* [fresh, end) was never given out; base NULL: no pool, all is malloc's */
	uint8_t		*size16;		/* of each step of 16 bytes that a block begins at: its size, in steps */
	struct ua_block	*spare[UA_POOL_SIZES + 1];
};

/* What the library holds for one server; counted in the agent's thread. */
struct ua_memory {
	struct ua_pool	 pool;
	size_t		 used, peak, max;	/* peak: since the last malloc_trim() */
	size_t		 peak_ever;
	uint64_t	 refused;
};

struct ua_thread {
	struct ua_agent	 agent;		/* first */
	atomic_int	 owners;	/* the engine, the thread */
	atomic_bool	 leave;		/* close the session in good order, say so, then go on waiting for stop */
	atomic_bool	 stop;
	atomic_bool	 trace;
	pthread_mutex_t	 lock;
	bool		 working;	/* under lock: connection and parts have their state, so they can be asked why */
	struct ua_loop	*loop;
	struct ua_conf	 conf;
	struct ua_memory memory;
	uint64_t	 seed;
	char		 home[512], site[128];	/* driver_state(), driver_site() when it was made */

	pthread_mutex_t	 asks_lock;
	struct ua_asked	*asks, **asks_end;	/* under asks_lock: not yet seen by the thread */
	atomic_uint	 nasks;
	struct ua_asked	*taken;		/* the thread's own */
};

static inline struct ua_thread *ua_thread_of(struct ua_agent *a) { return (struct ua_thread *)(void *)a; }

/* ---- agent.c ---- */

/* A copy of the source with its items parsed; no thread yet. 0, or an error with its reason logged. Given: ua_agent_release(). */
int ua_agent_new(const struct source *s, struct ua_thread **out);
/* Start the thread. 0 or ERR_NOMEM. */
int ua_agent_start(struct ua_thread *t);
/* The engine lets go: never blocks; the thread, if there is one, leaves by itself. */
void ua_agent_release(struct ua_thread *t);
/* Hand an ask over, copied. 0, ERR_BUSY, ERR_NOMEM. */
int ua_agent_ask(struct ua_thread *t, const struct ua_ask *ask);
/* Agents whose memory is not freed yet; for tests. */
unsigned ua_agents_living(void);
/* The asks that wait: to the parts, or back with why (up: a session is there). The agent's thread. */
void ua_agent_serve(struct ua_thread *t);
void ua_agent_refuse(struct ua_thread *t, const char *why);
/* An ask is done: forget it. */
void ua_agent_asked(struct ua_thread *t, uint32_t id);

/* ---- memory.c ---- */

/*
 * Count and limit what open62541 allocates in this thread. What it holds of small blocks must be given back in this
 * thread too, before ua_memory_leave().
 */
void ua_memory_enter(struct ua_memory *m);
/*
 * Before ua_memory_enter(): room for small blocks, of a source with so many tags; what does not fit is malloc's.
 * Without memory for it all is. Freed by ua_memory_leave().
 */
void ua_memory_pool(struct ua_memory *m, uint32_t ntags);
void ua_memory_leave(void);

/* ---- out.c ---- */

/* fd: readable while something waits for the engine. 0 or an error. */
int ua_out_new(struct ua_thread *t, struct ua_out **out);
void ua_out_free(struct ua_out *o);
int ua_out_fd(const struct ua_out *o);
/* The agent's thread: what was put since goes to the engine. */
void ua_out_flush(struct ua_thread *t);
/* The source can be reached or not; given as host.reach. */
void ua_out_reach(struct ua_agent *a, bool reached, const char *text);
void ua_out_left(struct ua_agent *a);
void ua_out_counts(struct ua_agent *a);
/* From now on nothing is kept any more (the engine has let go). Any thread. */
void ua_out_close(struct ua_out *o);

/* One thing that was put, as the engine reads it. */
enum ua_out_kind {
	UA_OUT_SAMPLE, UA_OUT_DONE, UA_OUT_RESULT, UA_OUT_REACH, UA_OUT_LEFT, UA_OUT_ALIVE, UA_OUT_COUNTS, UA_OUT_TRACE
};
struct ua_out_row {
	uint32_t	 size;		/* with its bytes, a multiple of 8 */
	uint8_t		 kind;		/* enum ua_out_kind */
	uint8_t		 flags;		/* SAMPLE: sample flags; REACH: reached; TRACE: out */
	uint32_t	 no;		/* SAMPLE: tag; DONE, RESULT: id */
	uint32_t	 status;	/* SAMPLE; RESULT: index */
	int32_t		 err;		/* DONE */
	uint32_t	 text_len;	/* bytes behind the row that are no value's */
	struct wall	 source, server, arrival;
	struct value	 v;		/* p is set by ua_out_next() */
};
/*
 * The engine: the next row, its bytes at *text (NUL-ended unless text_len is 0); NULL when nothing waits. Borrowed until the next call.
 */
const struct ua_out_row *ua_out_next(struct ua_out *o, const char **text);

/* ---- conn.c ---- */

int ua_conn_new(struct ua_thread *t);
void ua_conn_free(struct ua_thread *t);
/* One turn: connect, watch, give up; what is due. Returns when it wants to be called again. */
struct mono ua_conn_tick(struct ua_thread *t, struct mono now);
/* Close the session in good order; true once that is done (call again until then). */
bool ua_conn_leave(struct ua_thread *t, struct mono now);
/* Members for `penstock why`; with the lock held. */
void ua_conn_why(struct ua_thread *t, struct json *out);

#endif
