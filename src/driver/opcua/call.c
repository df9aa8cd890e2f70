/*
 * Service calls on the session, see ua_call() in ua.h: the library's asynchronous service with a bound of how many are under way, and a line for
 * `penstock trace` each way. The library answers every call once: with a response, after its time is over (looked at once a second), or when the
 * connection is lost.
 */
#include <stdio.h>
#include <stdlib.h>

#include <open62541/client_highlevel_async.h>

#include "driver/opcua/conn.h"
#include "os/clock.h"

struct pending {
	struct ua_agent		*a;
	const UA_DataType	*req, *res;
	ua_reply		 reply;
	void			*arg;
	struct mono		 at;
	bool			 publish;
};

static void
trace_reply(struct ua_agent *a, const struct pending *p, uint32_t id, UA_StatusCode status)
{
	char text[200];

	snprintf(text, sizeof text, "%s id=%u status=%s after_ms=%lld", p->res->typeName, id, UA_StatusCode_name(status),
	    (long long)(mono_diff(a->now, p->at) / NS_PER_MS));
	ua_out_trace(a, false, text);
}

static void
answered(UA_Client *client, void *arg, UA_UInt32 id, void *response)
{
	struct pending p = *(struct pending *)arg;
	const UA_ResponseHeader *h = response;
	UA_StatusCode status = h->serviceResult;
	struct ua_conn *c = p.a->conn;

	(void)client;
	free(arg);
	c->ncalls -= !p.publish;
	if (status == UA_STATUSCODE_BADTIMEOUT)
		p.a->counts.timeouts++;
	else if (status == UA_STATUSCODE_BADSECURECHANNELCLOSED || status == UA_STATUSCODE_BADSHUTDOWN ||
	    status == UA_STATUSCODE_BADSESSIONCLOSED)
		;
	else {
		p.a->counts.replies++;
		c->heard_at = p.a->now;
		if (status == UA_STATUSCODE_BADDECODINGERROR || status == UA_STATUSCODE_BADCOMMUNICATIONERROR)
			p.a->counts.garbage++;
		else if (status != UA_STATUSCODE_GOOD)
			p.a->counts.exceptions++;
	}
	if (ua_tracing(p.a))
		trace_reply(p.a, &p, id, status);
	/* The library refuses memory by the agent's limit: what is missing would be missed for good. */
	if (status == UA_STATUSCODE_BADOUTOFMEMORY && ua_thread_of(p.a)->memory.refused > c->memory_refused)
		ua_drop(p.a, "an answer of the server takes more memory than the key `memory` allows");
	p.reply(p.a, p.arg, status, UA_StatusCode_isBad(status) ? NULL : response);
}

int
ua_call_on(struct ua_agent *a, UA_Client *client, const void *request, const UA_DataType *req, const UA_DataType *res,
    uint32_t timeout_ms, ua_reply reply, void *arg)
{
	struct ua_conn *c = a->conn;
	bool publish = req == &UA_TYPES[UA_TYPES_PUBLISHREQUEST];
	/* Every request begins with its header; the hint is put back, the request stays the caller's. */
	UA_RequestHeader *h = (UA_RequestHeader *)(uintptr_t)request;
	UA_UInt32 hint = h->timeoutHint, id = 0;

	if (!publish && c->ncalls >= UA_CALLS_MAX)
		return ERR_BUSY;
	struct pending *p = malloc(sizeof *p);
	if (p == NULL)
		return ERR_NOMEM;
	*p = (struct pending){ a, req, res, reply, arg, a->now, publish };
	h->timeoutHint = timeout_ms != 0 ? timeout_ms : (UA_UInt32)(ua_thread_of(a)->conf.timeout_ns / NS_PER_MS);
	UA_StatusCode s = __UA_Client_AsyncService(client, request, req, answered, res, p, &id);
	h->timeoutHint = hint;
	if (s != UA_STATUSCODE_GOOD) {
		free(p);
		return s == UA_STATUSCODE_BADOUTOFMEMORY ? ERR_NOMEM : s == UA_STATUSCODE_BADENCODINGLIMITSEXCEEDED ||
		    s == UA_STATUSCODE_BADREQUESTTOOLARGE ? ERR_LIMIT : ERR_CONN;
	}
	c->ncalls += !publish;
	a->counts.requests++;
	if (ua_tracing(a)) {
		char text[200];
		snprintf(text, sizeof text, "%s id=%u bytes=%zu", req->typeName, id, UA_calcSizeBinary(request, req));
		ua_out_trace(a, true, text);
	}
	return 0;
}

int
ua_call(struct ua_agent *a, const void *request, const UA_DataType *req, const UA_DataType *res, uint32_t timeout_ms,
    ua_reply reply, void *arg)
{
	if (!a->session || a->client == NULL)
		return ERR_CONN;
	return ua_call_on(a, a->client, request, req, res, timeout_ms, reply, arg);
}

bool
ua_tracing(struct ua_agent *a)
{
	return atomic_load_explicit(&ua_thread_of(a)->trace, memory_order_relaxed);
}

int
ua_namespace(const struct ua_agent *a, const char *nsu)
{
	if (nsu == NULL)
		return 0;
	for (uint32_t i = 0; i < a->nnamespaces; i++)
		if (strcmp(a->namespaces[i], nsu) == 0)
			return (int)i;
	return -1;
}
