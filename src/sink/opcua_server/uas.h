/*
 * Inside of the opcua-server sink. opcua_server.c is the contract with office and runs in its loop; everything else runs in the thread of the
 * server: server.c (its life and its tick), config.c (what the library is told), trust.c (certificates), access.c (users), rights.c (what they may), ask.c (writes become requests), hist*.c
 * (history), space.c and node_*.c (address space), out.c (sending), mem.c (memory). hand.c is what lies between the two.
 */
#ifndef SINK_OPCUA_SERVER_UAS_H
#define SINK_OPCUA_SERVER_UAS_H

#include "pki/pki.h"
#include "sink/opcua_server/hand.h"
#include "sink/opcua_server/out.h"

/* Everything that clients may make the server hold, beside the memory limit of the site file. */
#define UAS_MESSAGE_MAX		(4u << 20)	/* bytes of one request, and of one response */
#define UAS_CHUNKS_MAX		128u
#define UAS_CHUNK_BYTES		65536u
#define UAS_READ_MAX		10000u		/* nodes of one Read or HistoryRead call */
#define UAS_WRITE_MAX		1000u
#define UAS_BROWSE_MAX		5000u
#define UAS_TRANSLATE_MAX	5000u
#define UAS_REGISTER_MAX	10000u
#define UAS_ITEMS_CALL_MAX	5000u		/* monitored items of one call */
#define UAS_REFERENCES_MAX	50000u		/* of one node in one answer; then comes a continuation point */
#define UAS_SUBS_SESSION_MAX	100u
#define UAS_ITEMS_SUB_MAX	120000u
#define UAS_QUEUE_MAX		1000u		/* of one monitored item */
#define UAS_PUBLISH_MAX		64u		/* Publish requests that wait in one session */
#define UAS_RETRANSMIT_MAX	16u		/* messages kept for Republish, a subscription */
#define UAS_NOTIFY_MAX		10000u		/* notifications of one Publish response */
#define UAS_HISTORY_VALUES_MAX	10000u		/* values of one node in one HistoryRead answer */
#define UAS_PASSWORD_BYTES	256u
#define UAS_MEMORY_RESERVE	(16u << 20)	/* beyond the limit, for samples, and for closing the session that holds most */

enum uas_key {
	UAS_K_LISTEN, UAS_K_NAMES, UAS_K_SECURITY, UAS_K_POLICIES, UAS_K_ANONYMOUS, UAS_K_USERS, UAS_K_PASSWORDS, UAS_K_SESSIONS, UAS_K_SUBSCRIPTIONS,
	UAS_K_ITEMS, UAS_K_MEMORY, UAS_K_HISTORY, UAS_K_NAMESPACE, UAS_K_CRL_OPTIONAL, UAS_KEYS
};
enum uas_security { UAS_SEC_NONE, UAS_SEC_SIGN, UAS_SEC_ENCRYPT };
enum uas_policy { UAS_POLICY_B256, UAS_POLICY_A128, UAS_POLICY_A256 };
enum uas_role { UAS_ROLE_VIEW, UAS_ROLE_OPERATE, UAS_ROLES };
extern const char *const uas_role_names[UAS_ROLES + 1];

struct uas_user { const char *name; enum uas_role role; };

/* The site file's keys, read and copied; the thread's. */
struct uas_cfg {
	const char	*sink;
	char		 host[256];
	uint16_t	 port;
	const char	**names;	/* of the certificate, NULL-ended */
	unsigned	 security, policies;	/* sets of bits */
	bool		 anonymous, history, crl_optional;
	struct uas_user	*users;
	uint32_t	 nusers;
	const char	*passwords;	/* file, or NULL */
	uint32_t	 sessions, subscriptions, items;
	uint64_t	 memory;
	const char	*namespace;
	const char	*site, *enterprise;
	const char	*state;		/* the state directory of the node */
	struct arena	 arena;
};

extern const struct key uas_keys[];
/* 0, or negative with cause and remedy in why and the key it concerns in *key. */
int uas_cfg_read(const struct sink *s, struct uas_cfg *out, char *why, size_t size, size_t *key);

struct uas_trust;
struct uas_access;
struct uas_history;
struct uas_ask;

/* One life of the server: from the opening of its port to the closing. */
struct uas_server {
	const struct uas_cfg	*cfg;
	struct uas_hand		*hand;
	struct uas_space	 space;
	UA_Server		*server;
	UA_Logger		 logger;
	struct uas_out		*out;
	struct uas_trust	*trust;
	struct uas_access	*access;
	struct uas_history	*history;
	struct uas_ask		*ask;
	struct mono		 figures_at, certificate_at;	/* when they were looked at last */
	struct uas_figures { size_t sessions; uint32_t variables; uint64_t refused, cut; } told;	/* on the status page */
	uint64_t		 refused_seen;	/* allocations refused up to the tick before */
	unsigned		 idle;		/* ticks without an order */
	UA_UInt64		 tick_id;
	bool			 slow_tick;
};

/* server.c: the thread. arg: struct uas_thread. */
struct uas_thread { struct uas_cfg cfg; struct uas_hand hand; };
void *uas_thread_main(void *arg);

/* config.c: all that the library is told before it begins; s->logger, trust, access and history are there, s->out is made. */
UA_StatusCode uas_configure(struct uas_server *s, UA_ServerConfig *c);
/* Our root under Objects; once the server is made. */
UA_StatusCode uas_hang_root(struct uas_server *s);

/* trust.c: certificates of ours and of clients. NULL with why: no own certificate. */
struct uas_trust *uas_trust_new(const struct uas_cfg *cfg, char *why, size_t size);
void uas_trust_free(struct uas_trust *t);
const struct pki_own *uas_trust_own(const struct uas_trust *t);
void uas_trust_install(struct uas_trust *t, UA_CertificateVerification *cv);
/* Has our certificate been replaced? Then uas_trust_own() is the new one. */
bool uas_trust_renewed(struct uas_trust *t);

/* access.c */
struct uas_access *uas_access_new(const struct uas_cfg *cfg, struct uas_server *s);
void uas_access_install(struct uas_access *a, UA_ServerConfig *c);
/* rights.c: what a session may do. */
void uas_rights_install(UA_AccessControl *ac);
/* Who is behind a session's context; NULL: nobody (any more). */
const struct uas_user *uas_access_user(const void *context);
/* The session with the most monitored items goes. False: none has any. */
bool uas_access_close_largest(struct uas_access *a);
void uas_access_free(struct uas_access *a);

/* ask.c: a write of a client as a request. */
struct uas_ask *uas_ask_new(struct uas_server *s);
void uas_ask_free(struct uas_ask *a);
/* The data source that a node is diverted to while a client writes to it. */
const UA_DataSource *uas_ask_source(void);
void uas_ask_outcome(struct uas_ask *a, const struct uas_order *o);

/* hist.c: the local history. NULL: there is none. */
struct uas_history *uas_history_new(const struct uas_cfg *cfg);
void uas_history_free(struct uas_history *h);
void uas_history_install(struct uas_history *h, struct uas_server *s, UA_ServerConfig *c);

#endif
