/*
 * The connection of an agent: who keeps it alive, how one is opened, how a server is judged. Inside of conn.c, open.c, endpoints.c, security.c, identity.c,
 * facts.c, failover.c and call.c.
 *
 *	wait ──> opening ──> up ──> wait		conn.c; pauses grow from 1 s to `retry-max`
 *	            │
 *	            └ asking ──> channel ──> facts	open.c: one attempt, with a client of its own
 *
 * Each attempt has a fresh client. The first one speaks over a channel without security and only asks GetEndpoints; what it hears is judged (endpoints.c,
 * security.c) before anything secret is said; the second one opens the channel and the session and reads what parts must know (facts.c). Over a channel with
 * security it asks for the endpoints once more: who has altered the first list on the way, to have a weaker one chosen, is found out before a part may use it.
 */
#ifndef DRIVER_OPCUA_CONN_H
#define DRIVER_OPCUA_CONN_H

#include "base/backoff.h"
#include "driver/opcua/agent.h"
#include "pki/pki.h"

#define UA_SERVERS_MAX	8u		/* of one redundant set */
#define UA_URL_MAX	512u
#define UA_ENDPOINTS_MAX 128u		/* of one server that are looked at */
#define UA_LEVEL_GOOD	200u		/* ServiceLevel: healthy from here (Part 4, 6.6.2.4.2) */

/* A server of the set. */
struct ua_server {
	char		 url[UA_URL_MAX];	/* opc.tcp://host:port/path */
	char		 host[256];
	int		 level;			/* ServiceLevel when last connected, -1: not known, -2: could not be reached */
	struct mono	 at;			/* of that */
};

/* What GetEndpoints and the site file together allow; endpoints.c. */
struct ua_choice {
	UA_EndpointDescription	 endpoint;	/* a copy: UA_EndpointDescription_clear */
	UA_UserTokenPolicy	 token;		/* a copy */
	enum ua_policy		 policy;
};

enum ua_open_state { UA_OPEN_ASKING, UA_OPEN_CHANNEL, UA_OPEN_FACTS, UA_OPEN_DONE, UA_OPEN_FAILED };

struct ua_facts {		/* read of a session before it is used; facts.c */
	struct ua_limits limits;
	char		**namespaces;		/* malloc, and each */
	uint32_t	 nnamespaces;
	char		 server_uri[256];	/* ServerArray[0] */
	UA_DateTime	 started, time;		/* StartTime, CurrentTime */
	struct wall	 time_at;		/* when CurrentTime was read */
	UA_ServerState	 state;
	int		 level;			/* ServiceLevel; 255 where the server has none */
	uint32_t	 waiting;		/* answers that are out */
	bool		 failed;
	UA_StatusCode	 why;
};

struct ua_open {
	enum ua_open_state state;
	struct ua_thread *t;
	uint32_t	 server;		/* index in conn.servers */
	UA_Client	*client;
	struct mono	 deadline;		/* of the state */
	bool		 asked;
	struct ua_choice choice;
	struct ua_facts	 facts;
	struct pki_verdict verdict;		/* of the server's certificate, if it was judged */
	bool		 judged;
	uint64_t	 generation;		/* of our certificate */
	char		 said[300];		/* what the library complained of last */
	char		 why[UA_TEXT_MAX];	/* state FAILED: step, cause, remedy */
	UA_StatusCode	 status;		/* the client's first failure */
	bool		 connected, channel;	/* TCP stood, the secure channel was open: with the client there is now */
	bool		 chosen;		/* GetEndpoints was answered, choice holds what was chosen */
	UA_Logger	 logger;		/* the library's complaints go to said */
};

enum ua_conn_state { UA_CONN_WAIT, UA_CONN_OPENING, UA_CONN_UP, UA_CONN_LEFT };

struct ua_conn {
	enum ua_conn_state	 state;
	struct mono		 retry_at;
	struct backoff		 retry;
	bool			 counted;	/* in the process's budget of connects */
	struct ua_open		*opening;	/* an attempt; also beside a session that is up (a renewed certificate, a better server) */
	struct ua_open		*up;		/* the one in use: its client is agent.client */
	bool			 was_up;	/* since the agent began */
	bool			 told;		/* the engine knows that it cannot be reached */
	struct mono		 up_at, heard_at, watch_at, renew_at;
	bool			 watching;	/* the read of state and level is under way */
	uint32_t		 watch_refused;	/* such reads in a row that the server has refused */
	char			 drop[UA_TEXT_MAX];	/* a part wants the session dropped, and why */
	char			 text[UA_TEXT_MAX];	/* the state in words */
	uint32_t		 ncalls;
	uint64_t		 memory_refused;
	struct ua_server	 servers[UA_SERVERS_MAX];
	uint32_t		 nservers, current;
	int			 level;
	uint64_t		 attempts, connects, failovers, clock_warnings;
	int64_t			 clock_off_ms;
	char			 last_uri[256];
	char			 **last_namespaces;
	uint32_t		 nlast;
	struct log_limit	 clock_quiet, level_quiet;
	struct mono		 better_at;	/* when a better server may be looked for again */
	struct pki		*pki;
	struct pki_own		 own;
	char			 home[512], site[128];
};

/* open.c. NULL: out of memory. Given: ua_open_free(). */
struct ua_open *ua_open_new(struct ua_thread *t, uint32_t server);
/* Take the next step; state DONE or FAILED in the end. */
void ua_open_tick(struct ua_open *o, struct mono now);
/* close: end the session in good order as far as that takes no time. Calls under way are answered (with a bad status) before this returns. */
void ua_open_free(struct ua_open *o, bool close);
void ua_open_fail(struct ua_open *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* explain.c: the attempt has failed in this step with this status. */
void ua_open_explain(struct ua_open *o, const char *step, UA_StatusCode s);

/* endpoints.c: choose, by the keys alone. 0, or ERR_DENIED with a text that lists what both sides have. */
int ua_choose(const struct ua_conf *conf, const UA_EndpointDescription *v, size_t n, struct ua_choice *out, char *why, size_t size);
void ua_choice_clear(struct ua_choice *c);
/*
 * Does a list of endpoints that came over a secured channel lead to the same choice as the one that came without security? That one could have been altered on
 * the way. Part 4 1.05, 5.5.4.1 and 5.6.2.1. False: why says what differs.
 */
bool ua_choice_stands(const struct ua_conf *conf, const struct ua_choice *c, const UA_EndpointDescription *v, size_t n, char *why, size_t size);
/* Policy by its URI; UA_POLICIES: none of ours. And its names. */
enum ua_policy ua_policy_of(const UA_String *uri);
const char *ua_policy_uri(enum ua_policy p);
const char *ua_policy_name(enum ua_policy p);
const char *ua_mode_name(UA_MessageSecurityMode m);

/* security.c: our certificate and the server's. Texts go to o->why. */
int ua_security_own(struct ua_thread *t, char *why, size_t size);
bool ua_security_judge(struct ua_open *o, const UA_ByteString *certificate);
/* Fill a client's configuration for a policy (UA_POLICY_NONE: no certificates needed). */
int ua_security_config(struct ua_open *o, UA_ClientConfig *cc, enum ua_policy p);
/* One more policy instance in a list of a client's configuration. 0, or an error with the attempt failed. */
int ua_security_policy(struct ua_open *o, enum ua_policy p, UA_ByteString cert, UA_ByteString key, UA_SecurityPolicy **v, size_t *n);
/* The certificate's own bytes, without the issuers that may follow. */
UA_ByteString ua_leaf(UA_ByteString chain);

/* identity.c: the user's token, into cc. 0 or an error with o->why filled. */
int ua_identity(struct ua_open *o, UA_ClientConfig *cc);

/* facts.c: begin to read; facts.waiting becomes 0 in the end. */
int ua_facts_read(struct ua_open *o);
void ua_facts_clear(struct ua_facts *f);
/* State and level again, on the session that is up. */
int ua_watch(struct ua_thread *t);

/* failover.c */
int ua_servers_init(struct ua_thread *t);
/* Which server to try next after `failed` attempts on the current one. */
uint32_t ua_servers_next(struct ua_conn *c, struct mono now);
/* Is there reason to look at another server than the one in use? */
bool ua_servers_better(struct ua_conn *c, struct mono now, uint32_t *which);

/* call.c */
int ua_call_on(struct ua_agent *a, UA_Client *client, const void *request, const UA_DataType *req, const UA_DataType *res,
    uint32_t timeout_ms, ua_reply reply, void *arg);

#endif
