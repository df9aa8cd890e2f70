/*
 * What is read of a session before parts may use it: namespaces, who the server is, since when it runs, what it allows in one call, how well it feels. And
 * state and level again while it is used. Part 5 1.05, 6.3.1 ServerType and what hangs below it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/opcua/conn.h"
#include "driver/opcua/ua_data.h"
#include "model/status.h"

#define NAMESPACES_MAX	4096u
#define NAMESPACE_BYTES	2048u
#define REFUSALS_MAX	3u
#define READS_AT_ONCE	6u	/* some small servers allow few nodes in a Read, and how few is not known yet */

enum fact_kind { FACT_NAMESPACES, FACT_URI, FACT_STARTED, FACT_TIME, FACT_STATE, FACT_LEVEL, FACT_U32, FACT_U16 };

static const struct fact { UA_UInt32 id; enum fact_kind kind; size_t at; uint32_t ours; } facts[] = {
	{ UA_NS0ID_SERVER_NAMESPACEARRAY, FACT_NAMESPACES, 0, 0 },
	{ UA_NS0ID_SERVER_SERVERARRAY, FACT_URI, 0, 0 },
	{ UA_NS0ID_SERVER_SERVERSTATUS_STARTTIME, FACT_STARTED, 0, 0 },
	{ UA_NS0ID_SERVER_SERVERSTATUS_CURRENTTIME, FACT_TIME, 0, 0 },
	{ UA_NS0ID_SERVER_SERVERSTATUS_STATE, FACT_STATE, 0, 0 },
	{ UA_NS0ID_SERVER_SERVICELEVEL, FACT_LEVEL, 0, 0 },
#define LIMIT(node, kind, field, ours) { UA_NS0ID_SERVER_SERVERCAPABILITIES_##node, kind, offsetof(struct ua_limits, field), ours }
	LIMIT(OPERATIONLIMITS_MAXNODESPERREAD, FACT_U32, read, 1000),
	LIMIT(OPERATIONLIMITS_MAXNODESPERWRITE, FACT_U32, write, 1000),
	LIMIT(OPERATIONLIMITS_MAXNODESPERMETHODCALL, FACT_U32, method_call, 100),
	LIMIT(OPERATIONLIMITS_MAXNODESPERBROWSE, FACT_U32, browse, 1000),
	LIMIT(OPERATIONLIMITS_MAXNODESPERTRANSLATEBROWSEPATHSTONODEIDS, FACT_U32, translate, 1000),
	LIMIT(OPERATIONLIMITS_MAXMONITOREDITEMSPERCALL, FACT_U32, monitored_items, 1000),
	LIMIT(OPERATIONLIMITS_MAXNODESPERHISTORYREADDATA, FACT_U32, history_read_data, 100),
	LIMIT(OPERATIONLIMITS_MAXNODESPERHISTORYREADEVENTS, FACT_U32, history_read_events, 100),
	LIMIT(OPERATIONLIMITS_MAXNODESPERREGISTERNODES, FACT_U32, register_nodes, 1000),
	LIMIT(MAXARRAYLENGTH, FACT_U32, array, 1u << 20),
	LIMIT(MAXSTRINGLENGTH, FACT_U32, string, 1u << 20),
	LIMIT(MAXBROWSECONTINUATIONPOINTS, FACT_U16, continuation_points_browse, 5),
	LIMIT(MAXHISTORYCONTINUATIONPOINTS, FACT_U16, continuation_points_history, 5),
};
#define FACTS (sizeof facts / sizeof facts[0])

static void
take_namespaces(struct ua_facts *f, const UA_Variant *v)
{
	size_t n = v->arrayLength < NAMESPACES_MAX ? v->arrayLength : NAMESPACES_MAX;
	const UA_String *s = v->data;

	if (!UA_Variant_hasArrayType(v, &UA_TYPES[UA_TYPES_STRING]) || n == 0 || f->namespaces != NULL)
		return;
	if ((f->namespaces = calloc(n, sizeof *f->namespaces)) == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		size_t len = s[i].length < NAMESPACE_BYTES ? s[i].length : NAMESPACE_BYTES;
		/* Not strndup(): the library's strings end without a NUL, and a checker that looks for one sees what lies behind. */
		if ((f->namespaces[i] = calloc(1, len + 1)) == NULL)
			return;
		if (len > 0)
			memcpy(f->namespaces[i], s[i].data, len);
		f->nnamespaces++;
	}
}

static void
take(const struct ua_agent *a, struct ua_facts *f, const struct fact *k, const UA_Variant *v)
{
	uint32_t *limit = (uint32_t *)(void *)((char *)&f->limits + k->at);
	uint32_t theirs = 0;

	switch (k->kind) {
	case FACT_NAMESPACES:
		take_namespaces(f, v);
		break;
	case FACT_URI:
		if (UA_Variant_hasArrayType(v, &UA_TYPES[UA_TYPES_STRING]) && v->arrayLength > 0) {
			const UA_String *s = v->data;
			size_t len = s->length < sizeof f->server_uri - 1 ? s->length : sizeof f->server_uri - 1;
			if (len > 0)
				memcpy(f->server_uri, s->data, len);
			f->server_uri[len] = '\0';
		}
		break;
	case FACT_STARTED:
		if (UA_Variant_hasScalarType(v, &UA_TYPES[UA_TYPES_DATETIME]))
			f->started = *(UA_DateTime *)v->data;
		break;
	case FACT_TIME:
		if (UA_Variant_hasScalarType(v, &UA_TYPES[UA_TYPES_DATETIME])) {
			f->time = *(UA_DateTime *)v->data;
			f->time_at = a->wall;
		}
		break;
	case FACT_STATE:
		if (UA_Variant_hasScalarType(v, &UA_TYPES[UA_TYPES_SERVERSTATE]) || UA_Variant_hasScalarType(v, &UA_TYPES[UA_TYPES_INT32]))
			f->state = (UA_ServerState)*(UA_Int32 *)v->data;
		break;
	case FACT_LEVEL:
		if (UA_Variant_hasScalarType(v, &UA_TYPES[UA_TYPES_BYTE]))
			f->level = *(UA_Byte *)v->data;
		break;
	case FACT_U32:
		if (UA_Variant_hasScalarType(v, &UA_TYPES[UA_TYPES_UINT32]))
			theirs = *(UA_UInt32 *)v->data;
		break;
	case FACT_U16:
		if (UA_Variant_hasScalarType(v, &UA_TYPES[UA_TYPES_UINT16]))
			theirs = *(UA_UInt16 *)v->data;
		break;
	}
	if (theirs > 0 && (theirs < *limit || k->kind == FACT_U16))
		*limit = theirs;
}

struct asked {		/* one Read: facts first .. first+n-1 */
	struct ua_open	*o;
	size_t		 first, n;
};

static void
on_read(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct asked k = *(struct asked *)arg;
	struct ua_facts *f = &k.o->facts;
	const UA_ReadResponse *r = response;

	free(arg);
	f->waiting--;
	/* Without namespaces and server status nothing can go on; limits and the like many servers do not have. */
	if (r == NULL && k.first == 0) {
		f->failed = true;
		f->why = status;
	}
	for (size_t i = 0; r != NULL && i < k.n && i < r->resultsSize; i++)
		if (r->results[i].hasValue && (!r->results[i].hasStatus || status_is_good(r->results[i].status)))
			take(a, f, &facts[k.first + i], &r->results[i].value);
}

static int
read_some(struct ua_open *o, size_t first, size_t n)
{
	UA_ReadValueId ids[READS_AT_ONCE];
	UA_ReadRequest request;
	struct asked *k = malloc(sizeof *k);

	if (k == NULL)
		return ERR_NOMEM;
	*k = (struct asked){ o, first, n };
	UA_ReadRequest_init(&request);
	request.timestampsToReturn = UA_TIMESTAMPSTORETURN_NEITHER;
	for (size_t i = 0; i < n; i++) {
		UA_ReadValueId_init(&ids[i]);
		ids[i].nodeId = UA_NODEID_NUMERIC(0, facts[first + i].id);
		ids[i].attributeId = UA_ATTRIBUTEID_VALUE;
	}
	request.nodesToRead = ids;
	request.nodesToReadSize = n;
	int err = ua_call_on(&o->t->agent, o->client, &request, &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0,
	    on_read, k);
	if (err != 0)
		free(k);
	else
		o->facts.waiting++;
	return err;
}

int
ua_facts_read(struct ua_open *o)
{
	struct ua_facts *f = &o->facts;
	int err = 0;

	f->level = 255;
	for (size_t i = 0; i < FACTS; i++)
		if (facts[i].ours > 0)
			*(uint32_t *)(void *)((char *)&f->limits + facts[i].at) = facts[i].ours;
	for (size_t i = 0; i < FACTS && err == 0; i += READS_AT_ONCE)
		err = read_some(o, i, FACTS - i < READS_AT_ONCE ? FACTS - i : READS_AT_ONCE);
	return err;
}

void
ua_facts_clear(struct ua_facts *f)
{
	for (uint32_t i = 0; i < f->nnamespaces; i++)
		free(f->namespaces[i]);
	free(f->namespaces);
	f->namespaces = NULL;
	f->nnamespaces = 0;
}

/* A server that is alive and refuses: it may be busy, else it does not take this session for one any more. */
static void
watch_refused(struct ua_agent *a, UA_StatusCode status)
{
	struct ua_conn *c = a->conn;
	char why[200];

	if (!a->session || status == UA_STATUSCODE_BADTOOMANYOPERATIONS || status == UA_BADSERVERTOOBUSY ||
	    status == UA_STATUSCODE_BADRESOURCEUNAVAILABLE || status == UA_STATUSCODE_BADOUTOFMEMORY || ++c->watch_refused < REFUSALS_MAX)
		return;
	snprintf(why, sizeof why, "the server refuses %u times in a row to tell its state (%s): the session is of no use", c->watch_refused,
	    UA_StatusCode_name(status));
	ua_drop(a, why);
}

static void
on_watch(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_conn *c = a->conn;
	const UA_ReadResponse *r = response;

	(void)arg;
	c->watching = false;
	if (r == NULL) {
		if (status == UA_STATUSCODE_BADTIMEOUT && a->session)
			ua_drop(a, "the server no longer answers: the connection stands, but its state was not told within `timeout`");
		else
			watch_refused(a, status);
		return;
	}
	c->watch_refused = 0;
	ua_out_alive(a);
	if (c->up == NULL || r->resultsSize < 3)
		return;
	struct ua_facts *f = &c->up->facts;
	for (size_t i = 0; i < 3; i++)
		if (r->results[i].hasValue)
			take(a, f, &facts[3 + i], &r->results[i].value);
	c->level = f->level;
	c->servers[c->current].level = f->level;
	c->servers[c->current].at = a->now;
}

int
ua_watch(struct ua_thread *t)
{
	UA_ReadValueId ids[3];
	UA_ReadRequest request;

	UA_ReadRequest_init(&request);
	request.timestampsToReturn = UA_TIMESTAMPSTORETURN_NEITHER;
	for (size_t i = 0; i < 3; i++) {	/* CurrentTime, State, ServiceLevel */
		UA_ReadValueId_init(&ids[i]);
		ids[i].nodeId = UA_NODEID_NUMERIC(0, facts[3 + i].id);
		ids[i].attributeId = UA_ATTRIBUTEID_VALUE;
	}
	request.nodesToRead = ids;
	request.nodesToReadSize = 3;
	return ua_call(&t->agent, &request, &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0, on_watch, NULL);
}
