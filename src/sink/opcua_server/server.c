/*
 * The server's thread: opens the port, runs the library's loop, and in between, at each tick, takes the loop's orders: streams come and go, batches
 * are applied. The library's loop cannot be woken from outside, so the tick is a timer: 10 ms while there is work, 50 ms when there is none.
 */
#include <open62541/plugin/log.h>
#include <open62541/plugin/nodestore_default.h>
#include <open62541/server_config_default.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "model/path.h"
#include "os/clock.h"
#include "sink/opcua_server/mem.h"
#include "sink/opcua_server/uas.h"

#define TICK_MS		10.0
#define TICK_IDLE_MS	50.0
#define IDLE_TICKS	100u
#define FIGURES_NS	NS_PER_S
#define CERTIFICATE_NS	(2 * NS_PER_S)
#define NAMESPACE	2	/* 0 is OPC UA's own, 1 the server's own URI */

/* ---- the library's log ---- */

__attribute__((format(printf, 4, 0))) static void
on_log(void *ctx, UA_LogLevel level, UA_LogCategory category, const char *fmt, va_list ap)
{
	static _Thread_local struct log_limit limit = { .burst = 10, .period_ms = 60000 };
	char text[512];
	unsigned long more;
	(void)ctx;
	(void)category;

	if (level < UA_LOGLEVEL_ERROR)	/* what clients do wrong is told by those who refuse it */
		return;
	if (!log_limit_ok(&limit, mono_now(), &more))
		return;
	vsnprintf(text, sizeof text, fmt, ap);
	log_warn("opcua_server_library", "text=\"%s\" more=%lu", text, more);
}

/* ---- orders ---- */

static void
apply_batch(struct uas_server *s, struct uas_order *o)
{
	struct uas_stream *st = uas_space_stream(&s->space, o->stream);
	struct uas_news *n;

	for (uint32_t i = 0; st != NULL && i < o->n; i++)
		if (o->samples[i].tag < st->n)
			uas_space_apply(&s->space, st->vars[o->samples[i].tag], &o->samples[i], o->live);
	if (!o->owed)
		return;
	if ((n = calloc(1, sizeof *n)) == NULL)
		fatal("out_of_memory", "what=\"opcua server\"");
	*n = (struct uas_news){ .kind = UAS_DONE, .stream = o->stream, .first = o->first, .last = o->last };
	uas_hand_tell(s->hand, n);
}

static void
obey(struct uas_server *s, struct uas_order *o)
{
	switch (o->kind) {
	case UAS_ADD:
		if (uas_space_add(&s->space, o->add) != 0)
			log_error("opcua_server_stream_refused", "flow=\"%s\" why=\"a tag's path is longer than %u bytes\"", o->add->flow, PATH_LEN_MAX * 2);
		else
			o->add = NULL;	/* taken */
		break;
	case UAS_BATCH: apply_batch(s, o); break;
	case UAS_REMOVE: uas_space_remove(&s->space, o->stream); break;
	case UAS_OUTCOME: uas_ask_outcome(s->ask, o); break;
	}
}

/* The text of the status page. */
static void
say_up(struct uas_server *s)
{
	const struct uas_figures *f = &s->told;
	char text[500];

	snprintf(text, sizeof text, "listening on opc.tcp://%s:%u%s%s; %zu of %u sessions, %u variables%s%s", s->cfg->host, s->cfg->port,
	    s->cfg->security & 1u << UAS_SEC_NONE ? ", WITHOUT SECURITY for those who ask so" : "", s->cfg->anonymous ? ", anonymous users may read" : "",
	    f->sessions, s->cfg->sessions, f->variables, f->refused != 0 ? "; the memory limit was reached" : "",
	    f->cut != 0 ? "; clients that did not read were cut" : "");
	uas_hand_state(s->hand, true, text);
}

static void
tell_figures(struct uas_server *s, struct mono now)
{
	if (mono_diff(now, s->figures_at) < FIGURES_NS)
		return;
	s->figures_at = now;
	UA_ServerStatistics st = UA_Server_getStatistics(s->server);
	struct uas_figures f = { .sessions = st.ss.currentSessionCount, .variables = s->space.nvars, .refused = uas_mem_refused(),
	    .cut = uas_out_closed(s->out) };
	if (f.sessions == s->told.sessions && f.variables == s->told.variables && f.refused == s->told.refused && f.cut == s->told.cut)
		return;
	if (f.refused != s->told.refused)
		log_warn("opcua_server_memory_limit", "sink=%s limit=%llu refused=%llu remedy=\"raise memory: of the sink, or have clients ask for less\"",
		    s->cfg->sink, (unsigned long long)s->cfg->memory, (unsigned long long)f.refused);
	s->told = f;
	say_up(s);
}

/*
 * A renewed certificate is shown from now on. Open channels live until their clients renew them, which then open new ones; sessions and subscriptions
 * live on. (UA_Server_updateCertificate() of 1.4 looks for the old certificate where it has none yet, and changes nothing.)
 */
static void
look_at_certificate(struct uas_server *s, struct mono now)
{
	UA_ServerConfig *c = UA_Server_getConfig(s->server);
	UA_StatusCode err = UA_STATUSCODE_GOOD;

	if (mono_diff(now, s->certificate_at) < CERTIFICATE_NS)
		return;
	s->certificate_at = now;
	if (!uas_trust_renewed(s->trust))
		return;
	const struct pki_own *own = uas_trust_own(s->trust);
	UA_ByteString cert = { .length = own->cert_len, .data = own->cert }, key = { .length = own->key_len, .data = own->key };
	for (size_t i = 0; i < c->securityPoliciesSize && err == UA_STATUSCODE_GOOD; i++) {
		UA_SecurityPolicy *sp = &c->securityPolicies[i];
		if (sp->updateCertificateAndPrivateKey != NULL)
			err = sp->updateCertificateAndPrivateKey(sp, cert, key);
	}
	if (err == UA_STATUSCODE_GOOD)
		log_info("opcua_server_certificate_renewed", "sink=%s sha1=%s", s->cfg->sink, own->sha1);
	else
		log_error("opcua_server_certificate_not_renewed", "sink=%s error=%s remedy=\"stop and start penstock\"", s->cfg->sink, UA_StatusCode_name(err));
}

/* The memory limit was reached since the tick before: who holds most goes, so that the others have room again. */
static void
make_room(struct uas_server *s)
{
	if (uas_mem_refused() == s->refused_seen)
		return;
	s->refused_seen = uas_mem_refused();
	uas_mem_reserve(UAS_MEMORY_RESERVE);
	if (!uas_out_cut_largest(s->out, UAS_OUT_MAX / 4))
		uas_access_close_largest(s->access);
	uas_mem_reserve(0);
}

static void
on_tick(UA_Server *server, void *arg)
{
	struct uas_server *s = arg;
	struct mono now = mono_now();
	struct uas_order *o = uas_hand_orders(s->hand);

	s->idle = o != NULL ? 0 : s->idle + 1;
	for (struct uas_order *next; o != NULL; o = next) {
		next = o->next;
		obey(s, o);
		uas_order_free(o);
	}
	if (uas_out_flush(s->out, now) > 0)
		s->idle = 0;
	make_room(s);
	tell_figures(s, now);
	look_at_certificate(s, now);
	bool slow = s->idle > IDLE_TICKS;
	if (slow != s->slow_tick) {
		s->slow_tick = slow;
		UA_Server_changeRepeatedCallbackInterval(server, s->tick_id, slow ? TICK_IDLE_MS : TICK_MS);
	}
}

/* ---- making the server ---- */

static void
set_limits(UA_ServerConfig *c, const struct uas_cfg *cfg)
{
	c->tcpBufSize = UAS_CHUNK_BYTES;
	c->tcpMaxMsgSize = UAS_MESSAGE_MAX;
	c->tcpMaxChunks = UAS_CHUNKS_MAX;
	c->maxSecureChannels = (UA_UInt16)(cfg->sessions + cfg->sessions / 4 + 20);
	c->maxSessions = (UA_UInt16)cfg->sessions;
	c->maxSessionTimeout = 3600e3;
	c->maxNodesPerRead = UAS_READ_MAX;
	c->maxNodesPerWrite = UAS_WRITE_MAX;
	c->maxNodesPerMethodCall = 100;
	c->maxNodesPerBrowse = UAS_BROWSE_MAX;
	c->maxNodesPerRegisterNodes = UAS_REGISTER_MAX;
	c->maxNodesPerTranslateBrowsePathsToNodeIds = UAS_TRANSLATE_MAX;
	c->maxNodesPerNodeManagement = 1;
	c->maxMonitoredItemsPerCall = UAS_ITEMS_CALL_MAX;
	c->maxReferencesPerNode = UAS_REFERENCES_MAX;
	c->maxSubscriptions = cfg->subscriptions;
	c->maxSubscriptionsPerSession = UAS_SUBS_SESSION_MAX;
	c->publishingIntervalLimits = (UA_DurationRange){ 20.0, 3600e3 };
	c->lifeTimeCountLimits = (UA_UInt32Range){ 3, 15000 };
	c->keepAliveCountLimits = (UA_UInt32Range){ 1, 1000 };
	c->maxNotificationsPerPublish = UAS_NOTIFY_MAX;
	c->maxRetransmissionQueueSize = UAS_RETRANSMIT_MAX;
	c->maxMonitoredItems = cfg->items;
	c->maxMonitoredItemsPerSubscription = UAS_ITEMS_SUB_MAX;
	/*
	 * An interval of 0 and nothing else: each sample that comes is given to each monitored item, whatever interval the client asked for (OPC
	 * 10000-4, 7.21: the server revises it). Sampling at intervals would miss what comes in between.
	 */
	c->samplingIntervalLimits = (UA_DurationRange){ 0.0, 0.0 };
	c->queueSizeLimits = (UA_UInt32Range){ 1, UAS_QUEUE_MAX };
	c->maxPublishReqPerSession = UAS_PUBLISH_MAX;
	c->maxReturnDataValues = UAS_HISTORY_VALUES_MAX;
}

static UA_StatusCode
add_security(UA_ServerConfig *c, const struct uas_cfg *cfg, const struct pki_own *own)
{
	UA_ByteString cert = { .length = own->cert_len, .data = own->cert };	/* alone: the library takes its thumbprint */
	UA_ByteString key = { .length = own->key_len, .data = own->key };
	static const struct {
		UA_StatusCode	(*add)(UA_ServerConfig *, const UA_ByteString *, const UA_ByteString *);
		const char	*uri;
	} policies[] = {
		[UAS_POLICY_B256] = { UA_ServerConfig_addSecurityPolicyBasic256Sha256, "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256" },
		[UAS_POLICY_A128] = { UA_ServerConfig_addSecurityPolicyAes128Sha256RsaOaep, "http://opcfoundation.org/UA/SecurityPolicy#Aes128_Sha256_RsaOaep" },
		[UAS_POLICY_A256] = { UA_ServerConfig_addSecurityPolicyAes256Sha256RsaPss, "http://opcfoundation.org/UA/SecurityPolicy#Aes256_Sha256_RsaPss" },
	};
	const UA_String none = UA_STRING("http://opcfoundation.org/UA/SecurityPolicy#None");
	UA_StatusCode err = UA_ServerConfig_addSecurityPolicyNone(c, &cert);	/* GetEndpoints is asked without security */

	c->securityPolicyNoneDiscoveryOnly = (cfg->security & 1u << UAS_SEC_NONE) == 0;
	if (cfg->security & 1u << UAS_SEC_NONE && err == UA_STATUSCODE_GOOD)
		err = UA_ServerConfig_addEndpoint(c, none, UA_MESSAGESECURITYMODE_NONE);
	for (size_t i = 0; i < sizeof policies / sizeof policies[0] && err == UA_STATUSCODE_GOOD; i++) {
		UA_String uri = UA_STRING((char *)(uintptr_t)policies[i].uri);
		if (!(cfg->policies & 1u << i))
			continue;
		err = policies[i].add(c, &cert, &key);
		if (err == UA_STATUSCODE_GOOD && cfg->security & 1u << UAS_SEC_SIGN)
			err = UA_ServerConfig_addEndpoint(c, uri, UA_MESSAGESECURITYMODE_SIGN);
		if (err == UA_STATUSCODE_GOOD && cfg->security & 1u << UAS_SEC_ENCRYPT)
			err = UA_ServerConfig_addEndpoint(c, uri, UA_MESSAGESECURITYMODE_SIGNANDENCRYPT);
	}
	return err;
}

static void
replace(UA_String *at, const char *text)
{
	UA_String_clear(at);
	*at = UA_String_fromChars(text);
}

static UA_StatusCode
describe(UA_ServerConfig *c, const struct uas_cfg *cfg, const struct pki_own *own)
{
	char url[320];

	snprintf(url, sizeof url, strchr(cfg->host, ':') != NULL ? "opc.tcp://[%s]:%u" : "opc.tcp://%s:%u", cfg->host, cfg->port);
	replace(&c->applicationDescription.applicationUri, own->uri);
	replace(&c->applicationDescription.productUri, "urn:penstock");
	UA_LocalizedText_clear(&c->applicationDescription.applicationName);
	c->applicationDescription.applicationName = UA_LOCALIZEDTEXT_ALLOC("", "Penstock");
	replace(&c->buildInfo.productUri, "urn:penstock");
	replace(&c->buildInfo.manufacturerName, "Penstock");
	replace(&c->buildInfo.productName, "Penstock");
	replace(&c->buildInfo.softwareVersion, PENSTOCK_VERSION);
	replace(&c->buildInfo.buildNumber, PENSTOCK_VERSION);
	if (c->serverUrlsSize != 1)
		return UA_STATUSCODE_BADINTERNALERROR;
	replace(&c->serverUrls[0], url);
	return UA_STATUSCODE_GOOD;
}

/* The root under Objects. The library's own way would want to write the reference into our node too, where it stands already. */
static UA_StatusCode
hang_root(struct uas_server *s)
{
	UA_NodeId objects = UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER);
	UA_ExpandedNodeId root = { .nodeId = s->space.root.node.id };
	UA_QualifiedName name = { .namespaceIndex = s->space.ns, .name = UA_STRING((char *)(uintptr_t)s->space.root_name) };
	const UA_Node *n = s->space.inner.getNode(s->space.inner.context, &objects, UA_NODEATTRIBUTESMASK_ALL, UA_REFERENCETYPESET_ALL,
	    UA_BROWSEDIRECTION_BOTH);

	if (n == NULL)
		return UA_STATUSCODE_BADINTERNALERROR;
	UA_StatusCode err = UA_Node_addReference((UA_Node *)(uintptr_t)n, UA_REFERENCETYPEINDEX_ORGANIZES, true, &root, UA_QualifiedName_hash(&name));
	s->space.inner.releaseNode(s->space.inner.context, n);
	return err;
}

static UA_StatusCode
add_loop(struct uas_server *s, UA_ServerConfig *c)
{
	UA_ConnectionManager *tcp;

	c->eventLoop = UA_EventLoop_new_POSIX(&s->logger);
	tcp = c->eventLoop != NULL ? UA_ConnectionManager_new_POSIX_TCP(UA_STRING("tcp")) : NULL;
	if (tcp == NULL)
		return UA_STATUSCODE_BADOUTOFMEMORY;
	s->out = uas_out_new(tcp);
	return c->eventLoop->registerEventSource(c->eventLoop, &tcp->eventSource);
}

static UA_StatusCode
configure(struct uas_server *s, UA_ServerConfig *c)
{
	const struct pki_own *own = uas_trust_own(s->trust);
	UA_StatusCode err;

	c->logging = &s->logger;
	UA_Nodestore_HashMap(&c->nodestore);
	uas_nodestore(&s->space, &c->nodestore);
	if ((err = add_loop(s, c)) != UA_STATUSCODE_GOOD || (err = UA_ServerConfig_setBasics_withPort(c, s->cfg->port)) != UA_STATUSCODE_GOOD ||
	    (err = describe(c, s->cfg, own)) != UA_STATUSCODE_GOOD)
		return err;
	set_limits(c, s->cfg);
	uas_trust_install(s->trust, &c->secureChannelPKI);
	uas_trust_install(s->trust, &c->sessionPKI);
	c->context = s;
	uas_access_install(s->access, c);
	if (s->history != NULL)
		uas_history_install(s->history, s, c);
	return add_security(c, s->cfg, own);
}

static bool
begin(struct uas_server *s, char *why, size_t size)
{
	UA_ServerConfig c = { 0 };
	UA_StatusCode err = configure(s, &c);

	if (err == UA_STATUSCODE_GOOD && (s->server = UA_Server_newWithConfig(&c)) == NULL)
		err = UA_STATUSCODE_BADOUTOFMEMORY;
	else if (err != UA_STATUSCODE_GOOD)
		UA_ServerConfig_clean(&c);
	if (err == UA_STATUSCODE_GOOD && UA_Server_addNamespace(s->server, s->cfg->namespace) != NAMESPACE)
		err = UA_STATUSCODE_BADINTERNALERROR;
	if (err == UA_STATUSCODE_GOOD)
		err = hang_root(s);
	s->space.server = s->server;
	if (err != UA_STATUSCODE_GOOD) {
		snprintf(why, size, "the OPC UA server cannot be made: %s", UA_StatusCode_name(err));
		return false;
	}
	if (UA_Server_run_startup(s->server) != UA_STATUSCODE_GOOD) {
		snprintf(why, size, "cannot listen on %s port %u: another program has it, or it is no address of this machine; see `listen` of the sink",
		    s->cfg->host, s->cfg->port);
		return false;
	}
	return UA_Server_addRepeatedCallback(s->server, on_tick, s, TICK_MS, &s->tick_id) == UA_STATUSCODE_GOOD;
}

static void
end(struct uas_server *s)
{
	if (s->server != NULL) {
		if (UA_Server_getLifecycleState(s->server) == UA_LIFECYCLESTATE_STARTED)
			UA_Server_run_shutdown(s->server);
		UA_Server_delete(s->server);
	}
	uas_space_fini(&s->space);
	uas_out_free(s->out);
	uas_ask_free(s->ask);
	uas_access_free(s->access);
	uas_history_free(s->history);
	uas_trust_free(s->trust);
}

/* One life. False: it could not begin. */
static bool
live(struct uas_thread *t)
{
	struct uas_server s = { .cfg = &t->cfg, .hand = &t->hand, .logger = { .log = on_log } };
	char why[1024];
	bool up = false;

	uas_space_init(&s.space, NAMESPACE, t->cfg.site);
	s.trust = uas_trust_new(&t->cfg, why, sizeof why);
	if (s.trust != NULL) {
		s.access = uas_access_new(&t->cfg, &s);
		s.ask = uas_ask_new(&s);
		s.history = t->cfg.history ? uas_history_new(&t->cfg) : NULL;
		up = begin(&s, why, sizeof why);
	}
	if (up) {
		if (t->cfg.security & 1u << UAS_SEC_NONE)
			log_warn("opcua_server_without_security",
			    "sink=%s why=\"the site file's security: has none; anyone on the way can read and change what passes\"", t->cfg.sink);
		say_up(&s);
	} else
		uas_hand_state(&t->hand, false, why);
	while (up && !uas_hand_stopping(&t->hand))
		UA_Server_run_iterate(s.server, true);
	end(&s);
	return up;
}

void *
uas_thread_main(void *arg)
{
	struct uas_thread *t = arg;
	struct uas_news *n;
	int pause_ms = 500;

	uas_mem_begin(t->cfg.memory);
	while (!uas_hand_stopping(&t->hand) && !live(t)) {
		uas_hand_wait(&t->hand, pause_ms);
		pause_ms = pause_ms < 15000 ? pause_ms * 2 : 30000;
	}
	if ((n = calloc(1, sizeof *n)) == NULL)
		fatal("out_of_memory", "what=\"opcua server\"");
	n->kind = UAS_STOPPED;
	uas_hand_tell(&t->hand, n);
	return NULL;
}
