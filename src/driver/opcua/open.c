/*
 * One attempt to open a session, with clients of its own: see conn.h. Nothing of an earlier attempt is used but the certificates in the store.
 */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <open62541/client_highlevel_async.h>

#include "driver/opcua/conn.h"
#include "os/clock.h"

#define TRIM_BYTES (2u << 20)

void
ua_open_fail(struct ua_open *o, const char *fmt, ...)
{
	va_list ap;

	if (o->state == UA_OPEN_FAILED)
		return;		/* the first cause counts */
	va_start(ap, fmt);
	vsnprintf(o->why, sizeof o->why, fmt, ap);
	va_end(ap);
	for (char *p = o->why; (p = strchr(p, '"')) != NULL; )
		*p = '\'';		/* it stands in quotes in logs */
	o->state = UA_OPEN_FAILED;
}

/* What the library complains of is kept for a text; the rest is not looked at. */
__attribute__((format(printf, 4, 0))) static void
on_log(void *context, UA_LogLevel level, UA_LogCategory category, const char *msg, va_list args)
{
	struct ua_open *o = context;

	(void)category;
	if (level >= UA_LOGLEVEL_ERROR)
		vsnprintf(o->said, sizeof o->said, msg, args);
}

static void
on_state(UA_Client *client, UA_SecureChannelState channel, UA_SessionState session, UA_StatusCode status)
{
	struct ua_open *o = UA_Client_getConfig(client)->clientContext;

	(void)session;
	if (status != UA_STATUSCODE_GOOD && o->status == UA_STATUSCODE_GOOD)
		o->status = status;	/* the first one tells most */
	o->connected |= channel >= UA_SECURECHANNELSTATE_CONNECTED && channel < UA_SECURECHANNELSTATE_CLOSING;
	o->channel |= channel == UA_SECURECHANNELSTATE_OPEN;
}

static void
describe(struct ua_open *o, UA_ClientConfig *cc)
{
	struct ua_thread *t = o->t;
	const struct ua_conn *c = t->agent.conn;
	char name[200];

	cc->clientDescription.applicationUri = UA_STRING_ALLOC(c->own.uri[0] != '\0' ? c->own.uri : "urn:penstock");
	cc->clientDescription.productUri = UA_STRING_ALLOC("urn:penstock");
	cc->clientDescription.applicationName = UA_LOCALIZEDTEXT_ALLOC("en", "Penstock");
	cc->clientDescription.applicationType = UA_APPLICATIONTYPE_CLIENT;
	snprintf(name, sizeof name, "Penstock %s", t->agent.source->name);
	cc->sessionName = UA_STRING_ALLOC(t->conf.session_name != NULL ? t->conf.session_name : name);
	if (t->conf.nlocales > 0 && (cc->sessionLocaleIds = UA_Array_new(t->conf.nlocales, &UA_TYPES[UA_TYPES_LOCALEID])) != NULL) {
		cc->sessionLocaleIdsSize = t->conf.nlocales;
		for (size_t i = 0; i < t->conf.nlocales; i++)
			cc->sessionLocaleIds[i] = UA_STRING_ALLOC(t->conf.locales[i]);
	}
}

/* A client for the chosen endpoint; asking: for GetEndpoints alone. 0, or the attempt has failed. */
static int
new_client(struct ua_open *o, bool asking)
{
	struct ua_thread *t = o->t;
	const char *url = t->agent.conn->servers[o->server].url;
	UA_ClientConfig cc = { 0 };

	cc.clientContext = o;
	cc.logging = &o->logger;
	cc.timeout = (UA_UInt32)(t->conf.timeout_ns / NS_PER_MS);
	cc.secureChannelLifeTime = (UA_UInt32)(t->conf.channel_ns / NS_PER_MS);
	cc.requestedSessionTimeout = (UA_UInt32)(t->conf.session_ns / NS_PER_MS);
	cc.localConnectionConfig = (UA_ConnectionConfig){ .recvBufferSize = 65536, .sendBufferSize = 65536,
		.localMaxMessageSize = UA_MESSAGE_MAX, .localMaxChunkCount = UA_CHUNKS_MAX };
	cc.eventLoop = ua_loop_el(t->loop);
	cc.externalEventLoop = true;
	cc.stateCallback = on_state;
	cc.noReconnect = cc.noNewSession = true;
	describe(o, &cc);
	enum ua_policy p = asking ? UA_POLICY_NONE : o->choice.policy;
	if (asking) {
		cc.endpoint.endpointUrl = UA_STRING_ALLOC(url);
		cc.endpoint.securityMode = UA_MESSAGESECURITYMODE_NONE;
		cc.endpoint.securityPolicyUri = UA_STRING_ALLOC(ua_policy_uri(p));
	} else {
		UA_EndpointDescription_copy(&o->choice.endpoint, &cc.endpoint);
		/* The library compares with the certificate alone, servers send the issuers along. */
		cc.endpoint.serverCertificate.length = ua_leaf(cc.endpoint.serverCertificate).length;
	}
	int err = ua_security_config(o, &cc, p);
	if (err == 0 && !asking)
		err = ua_identity(o, &cc);
	if (err == 0 && (o->client = UA_Client_newWithConfig(&cc)) == NULL)
		err = ERR_NOMEM;
	if (err != 0) {
		ua_open_fail(o, "out of memory: see the key `memory`");
		UA_ClientConfig_clear(&cc);
		return err;
	}
	o->status = UA_STATUSCODE_GOOD;
	o->connected = o->channel = false;
	o->deadline = mono_add(t->agent.now, 2 * t->conf.timeout_ns);
	ua_loop_forget(t->loop);
	ua_loop_set_connect(t->loop, t->conf.timeout_ns);
	if (asking)
		UA_Client_connectSecureChannelAsync(o->client, url);
	else
		UA_Client_connectAsync(o->client, url);
	return 0;
}

static void
drop_client(struct ua_open *o, bool close)
{
	UA_Client *client = o->client;

	if (client == NULL)
		return;
	if (!close)	/* else deleting asks for an answer to CloseSession, which may never come */
		UA_Client_disconnectSecureChannelAsync(client);
	UA_Client_delete(client);
	o->client = NULL;
	/* A large message was held: what malloc keeps of it for this thread would otherwise stay for good. */
	if (o->t->memory.peak - o->t->memory.used > TRIM_BYTES) {
		malloc_trim(0);
		o->t->memory.peak_ever = o->t->memory.peak > o->t->memory.peak_ever ? o->t->memory.peak : o->t->memory.peak_ever;
		o->t->memory.peak = o->t->memory.used;
	}
}

struct ua_open *
ua_open_new(struct ua_thread *t, uint32_t server)
{
	struct ua_open *o = calloc(1, sizeof *o);

	if (o == NULL)
		return NULL;
	o->t = t;
	o->server = server;
	o->logger = (UA_Logger){ .log = on_log, .context = o };
	o->state = UA_OPEN_ASKING;
	if (t->conf.policies != 1u << UA_POLICY_NONE && ua_security_own(t, o->why, sizeof o->why) != 0) {
		o->state = UA_OPEN_FAILED;
		return o;
	}
	o->generation = t->agent.conn->own.generation;
	new_client(o, true);
	return o;
}

void
ua_open_free(struct ua_open *o, bool close)
{
	if (o == NULL)
		return;
	drop_client(o, close);
	ua_choice_clear(&o->choice);
	ua_facts_clear(&o->facts);
	free(o);
}

static void
on_endpoints(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_open *o = arg;
	const UA_GetEndpointsResponse *r = response;

	(void)a;
	o->asked = true;
	if (o->state != UA_OPEN_ASKING || o->status != UA_STATUSCODE_GOOD)
		return;
	if (r == NULL)
		ua_open_explain(o, "asking for endpoints", status);
	else if (ua_choose(&o->t->conf, r->endpoints, r->endpointsSize, &o->choice, o->why, sizeof o->why) != 0)
		o->state = UA_OPEN_FAILED;
	else
		o->chosen = true;
}

/* The same list once more, now over the secured channel: nobody on the way can have altered this one. */
static void
on_endpoints_again(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_open *o = arg;
	const UA_GetEndpointsResponse *r = response;
	char why[UA_TEXT_MAX];

	(void)a;
	o->facts.waiting--;
	if (o->state != UA_OPEN_FACTS || o->status != UA_STATUSCODE_GOOD)
		return;
	if (r == NULL)
		ua_open_explain(o, "checking the endpoints over the secured channel", status);
	else if (!ua_choice_stands(&o->t->conf, &o->choice, r->endpoints, r->endpointsSize, why, sizeof why))
		ua_open_fail(o, "%s", why);
}

static int
ask(struct ua_open *o, ua_reply reply)
{
	UA_GetEndpointsRequest request;

	UA_GetEndpointsRequest_init(&request);
	request.endpointUrl = UA_STRING((char *)(uintptr_t)o->t->agent.conn->servers[o->server].url);
	return ua_call_on(&o->t->agent, o->client, &request, &UA_TYPES[UA_TYPES_GETENDPOINTSREQUEST],
	    &UA_TYPES[UA_TYPES_GETENDPOINTSRESPONSE], 0, reply, o);
}

/* Judge what was chosen, then open the channel. Nothing secret has been said so far. */
static void
go_on(struct ua_open *o)
{
	const struct ua_conf *conf = &o->t->conf;
	const UA_EndpointDescription *e = &o->choice.endpoint;
	const UA_String *uri = &e->server.applicationUri;

	drop_client(o, true);
	if (conf->server_uri != NULL && (uri->length != strlen(conf->server_uri) || memcmp(uri->data, conf->server_uri, uri->length) != 0)) {
		ua_open_fail(o, "choosing an endpoint: the server calls itself %.*s, but the site file (`server-uri`) wants %s: another "
		    "server answers at this address", (int)(uri->length < 200 ? uri->length : 200), (const char *)uri->data, conf->server_uri);
		return;
	}
	bool secret = o->choice.policy != UA_POLICY_NONE || o->choice.token.tokenType != UA_USERTOKENTYPE_ANONYMOUS;
	if (secret && !ua_security_judge(o, &e->serverCertificate)) {
		ua_open_fail(o, "the server's certificate: %s", o->verdict.text);
		return;
	}
	o->state = UA_OPEN_CHANNEL;
	new_client(o, false);
}

static void
tick_asking(struct ua_open *o)
{
	if (o->chosen)
		go_on(o);
	else if (o->status != UA_STATUSCODE_GOOD)
		ua_open_explain(o, o->connected ? "asking for endpoints" : "connecting", o->status);
	else if (o->channel && !o->asked)
		o->asked = ask(o, on_endpoints) == 0;
}

static void
tick_channel(struct ua_open *o)
{
	UA_SessionState session;

	UA_Client_getState(o->client, NULL, &session, NULL);
	if (o->status != UA_STATUSCODE_GOOD)
		ua_open_explain(o, o->channel ? "opening the session" : o->connected ? "opening the secure channel" : "connecting",
		    o->status);
	else if (session == UA_SESSIONSTATE_ACTIVATED) {
		o->state = UA_OPEN_FACTS;
		o->deadline = mono_add(o->t->agent.now, 2 * o->t->conf.timeout_ns);
		if (ua_facts_read(o) != 0)
			ua_open_fail(o, "reading the server's namespaces and limits: the connection was lost");
		else if (o->choice.policy == UA_POLICY_NONE)
			return;		/* nothing can be proved */
		else if (ask(o, on_endpoints_again) != 0)
			ua_open_fail(o, "checking the endpoints over the secured channel: the connection was lost");
		else
			o->facts.waiting++;
	}
}

static void
tick_facts(struct ua_open *o)
{
	if (o->status != UA_STATUSCODE_GOOD)
		ua_open_explain(o, "reading the server's namespaces and limits", o->status);
	else if (o->facts.failed)
		ua_open_explain(o, "reading the server's namespaces and limits", o->facts.why);
	else if (o->facts.waiting == 0 && o->facts.nnamespaces == 0)
		ua_open_fail(o, "reading the server's namespaces and limits: the server does not tell its namespaces, so no address can be found");
	else if (o->facts.waiting == 0)
		o->state = UA_OPEN_DONE;
}

void
ua_open_tick(struct ua_open *o, struct mono now)
{
	static const char *const steps[] = { "asking for endpoints", "opening channel and session",
		"reading the server's namespaces and limits" };

	if (o->state == UA_OPEN_ASKING)
		tick_asking(o);
	if (o->state == UA_OPEN_CHANNEL)
		tick_channel(o);
	if (o->state == UA_OPEN_FACTS)
		tick_facts(o);
	if (o->state < UA_OPEN_DONE && !mono_before(now, o->deadline))
		ua_open_fail(o, "%s: %s", steps[o->state], !o->connected && ua_loop_why(o->t->loop)[0] != '\0' ? ua_loop_why(o->t->loop) :
		    "the server has accepted the connection but does not answer; what answers there may be no OPC UA server, or it hangs");
}
