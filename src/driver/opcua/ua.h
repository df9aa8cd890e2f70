/*
 * Inside of the opcua driver: what its parts share. Nobody else includes this.
 *
 * One source is one link is one *agent*: a thread with an open62541 client in it. The library owns the secure channel, the session and the
 * encoding; all else is ours, made from raw services: endpoints and policies, certificates, reconnecting, resolving of names,
 * subscriptions with their Publish, Republish and TransferSubscriptions, history, events, writes. The library's own subscriptions and reconnects
 * are not used.
 *
 *	engine's thread                      agent's thread
 *	driver.tick  <── samples, outcomes ── ua_out_*()        out.c     a bounded queue and an eventfd
 *	driver.read, write, call ── asks ──>  parts             asks.c
 *
 * The agent owns copies of all that it needs of the plan, so it can outlive the link for the moment that its thread needs to leave.
 *
 * *Parts* do the work on a connection: resolving (resolve.c), subscriptions (subs.c), cyclic reads (cyclic.c), history (history.c), events
 * (events.c), asks (asks.c). A part is a row of ua_parts[]; its functions are called from the agent's thread, in that order of rows. A part
 * keeps its state behind agent->part[its index] and uses no locks.
 */
#ifndef DRIVER_OPCUA_UA_H
#define DRIVER_OPCUA_UA_H

#include <open62541/client.h>
#include <open62541/types_generated.h>

#include "base/arena.h"
#include "base/clock.h"
#include "driver/driver.h"
#include "driver/opcua/ua_addr.h"

struct ua_ask;

/* What a server may make us hold, all declared here. Beyond it the connection is dropped, or the value is bad. */
#define UA_MESSAGE_MAX		(16u << 20)	/* bytes of one message of a server */
#define UA_CHUNKS_MAX		1024u		/* of one message */
#define UA_MEMORY_MAX		(512ull << 20)	/* bytes that the library may hold for one server; a key lowers or raises it */
#define UA_OUT_MAX		(32u << 20)	/* bytes of samples that wait for the engine; then the agent stops reading from the server */
#define UA_CALLS_MAX		64u		/* service calls under way, without Publish */

struct ua_agent;

/* One tag of the source. */
struct ua_item {
	const struct tag	*tag;		/* the agent's copy */
	UA_StatusCode		 trouble;	/* why it has no value on this connection; Good: none */
	uint32_t		 troubles;	/* attempts that failed in a row */
	struct wall		 newest;	/* source time of the newest live sample handed on; history fills from here. 0: none yet */
	UA_StatusCode		 status;	/* of that sample */
	uint32_t		 monitored_id;	/* of the server; 0: not monitored */
	struct ua_addr		 addr;		/* up to here and its first members: what each value touches, so they stand together */
	UA_NodeId		 node;		/* resolved on this connection; null: not (yet) */
	struct mono		 retry_at;	/* when it is tried again (bad items are tried slowly and alone) */
	struct mono		 since;		/* of the trouble */
	char			*why;		/* in words, given (free); NULL: the status code says all */
	void			*sub;		/* subs.c's */
	/* What the node says of itself (Part 3, 5.6.2), read some time after the node is resolved (attrs.c); type null: not known (yet). */
	UA_NodeId		 data_type;
	int32_t			 value_rank;
	uint8_t			 access_level;	/* AccessLevelType: 1 read, 2 write, 4 history; only with a data_type */
};

struct ua_part {
	const char	*name;
	int		(*init)(struct ua_agent *a);	/* once; items are there. 0 or an error */
	void		(*fini)(struct ua_agent *a);
	/* A session is active, namespaces and operation limits have been read. resumed: not used by most; the session before is lost but the
	 * server is the same and kept running (subs.c then tries TransferSubscriptions). */
	void		(*up)(struct ua_agent *a, struct mono now);
	/* The session is lost: replies to calls under way have come already, with a bad status. Forget what belongs to it. */
	void		(*down)(struct ua_agent *a, struct mono now, const char *why);
	void		(*tick)(struct ua_agent *a, struct mono now);
	struct mono	(*next)(struct ua_agent *a);	/* when tick is wanted; MONO_NEVER */
	/* An ask of the engine that this part may want. True: taken, it will end with ua_out_done(). */
	bool		(*ask)(struct ua_agent *a, const struct ua_ask *ask);
	/* Members for `penstock why` of this item / figures. May be NULL. Called with the agent's lock held, in the engine's thread. */
	void		(*why)(struct ua_agent *a, const struct ua_item *it, struct json *out);
};

extern const struct ua_part ua_parts[];		/* NULL name ends; parts.c */
enum ua_part_no { UA_PART_TYPES, UA_PART_RESOLVE, UA_PART_SUBS, UA_PART_CYCLIC, UA_PART_HISTORY, UA_PART_EVENTS, UA_PART_ASKS, UA_PARTS };

/* What a server allows in one call (Part 5, 6.3.11 OperationLimits), 0 replaced by a bound of ours. */
struct ua_limits {
	uint32_t read, write, method_call, browse, translate, monitored_items, history_read_data, history_read_events, register_nodes;
	uint32_t array, string, continuation_points_browse, continuation_points_history;
};

/* What parts see of the agent; conn.c fills it. Only the agent's thread touches it. */
struct ua_agent {
	const struct source	*source;	/* a copy with all texts, in memory */
	struct keyval		*keys;		/* = source->keys: enum ua_key */
	struct arena		 memory;	/* lives as long as the agent */
	struct ua_item		*items;		/* [source->ntags], same index */
	UA_Client		*client;	/* NULL while there is none */
	bool			 session;	/* between up and down */
	struct mono		 now;		/* of this turn of the loop; set before parts and replies are called */
	struct wall		 wall;		/* the same moment: the arrival of what came in this turn */
	struct ua_limits	 limits;
	char			**namespaces;	/* of this session; [0] is "http://opcfoundation.org/UA/" */
	uint32_t		 nnamespaces;
	bool			 namespaces_moved;	/* other than in the session before */
	UA_DateTime		 server_started;	/* Server/ServerStatus/StartTime; the same as before: the server was not restarted */
	bool			 same_server;	/* ...and so says the application's URI too */
	void			*part[UA_PARTS];
	struct ua_data		*data;		/* what resolve, subs, cyclic and history share (ua_data.h) */
	struct ua_conn		*conn;		/* conn.c's own */
	struct ua_out		*out;		/* out.c's own */
	struct ua_browse	*browse;	/* the agent is there to browse; NULL: it is not */
	struct driver_counts	 counts;	/* parts count here */
};

/*
 * Call a service. reply gets the response (borrowed, of type `res`) or a bad status with NULL, exactly once, later, never from within; also when the
 * session is lost. timeout_ms 0: the source's `timeout`. 0, or ERR_BUSY (UA_CALLS_MAX under way: come again with the next tick), ERR_CONN.
 */
typedef void (*ua_reply)(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response);
int ua_call(struct ua_agent *a, const void *request, const UA_DataType *req, const UA_DataType *res, uint32_t timeout_ms,
    ua_reply reply, void *arg);
/* The session is of no use (no keep-alive, sequence broken beyond repair): drop it and connect anew. why for people, copied. */
void ua_drop(struct ua_agent *a, const char *why);
/* Index of a namespace URI on this connection; NULL is 0. -1: the server has no such namespace. */
int ua_namespace(const struct ua_agent *a, const char *nsu);

/*
 * To the engine. sample: bytes copied; waits while the queue is full (the engine's loop is slow: then the server's queues fill and say so). trouble: an item
 * became bad or changed its reason; gives the bad sample and keeps why for `penstock why`.
 */
void ua_out_sample(struct ua_agent *a, uint32_t tag, uint32_t status, const struct value *v, struct wall source, struct wall server,
    struct wall arrival, uint8_t flags);
/* A DataValue of an item: value, status, times, exactly as the server gave them (no status means Good, Part 4, 7.11). Uses ua_value_of(). */
void ua_out_value(struct ua_agent *a, uint32_t tag, const UA_DataValue *dv, struct wall arrival, uint8_t flags);
void ua_out_trouble(struct ua_agent *a, uint32_t tag, UA_StatusCode status, const char *why);
/* Output argument i of the call with this id, before its ua_out_done(); v's bytes copied. */
void ua_out_result(struct ua_agent *a, uint32_t id, uint32_t i, const struct value *v);
/* An ask is done (it is freed). err and why as driver.h's host.done says; copied. Once; later ones are ignored. */
void ua_out_done(struct ua_agent *a, uint32_t id, int err, const char *why);
/* One line for `penstock trace`, only while it is on (ua_tracing()); copied. */
bool ua_tracing(struct ua_agent *a);
void ua_out_trace(struct ua_agent *a, bool out, const char *text);
/* The data lives (a notification, a keep-alive, a reply): health is judged by this. */
void ua_out_alive(struct ua_agent *a);

/* What the engine asks; owned by the agent until done. */
enum ua_ask_kind { UA_ASK_READ, UA_ASK_WRITE, UA_ASK_CALL, UA_ASK_ACK };
struct ua_ask {
	enum ua_ask_kind	 kind;
	uint32_t		 id;
	const uint32_t		*tags;		/* READ: all, WRITE: one */
	uint32_t		 ntags;
	struct value		*args;		/* WRITE: one, CALL: any */
	uint32_t		 nargs;
	const char		*method;	/* CALL: address text; ACK: the event's id, "" the newest (its tag is tags[0]) */
	const char		*comment;	/* ACK: for the device */
	struct mono		 deadline;
};

#endif
