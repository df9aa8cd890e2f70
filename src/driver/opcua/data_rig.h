/*
 * A rig for the data half: an agent without a connection, a clock that stands until it is moved, and a list of the calls that the parts have made, which a test answers
 * as a server would (Part 4), in any order or not at all. What goes to the engine is kept. For *_test.c and *_fuzz.c alone: it takes the place of agent and
 * out queue.
 */
#ifndef DRIVER_OPCUA_DATA_RIG_H
#define DRIVER_OPCUA_DATA_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "driver/opcua/ua_data.h"
#include "driver/opcua/ua_value.h"

#define RIG_CALLS	128u
#define RIG_EPOCH	1790000000LL		/* seconds since 1970 of the rig's time 0 */

struct rig_call {
	const UA_DataType	*type;		/* of the request; NULL: free */
	void			*request;
	ua_reply		 reply;
	void			*arg;
	uint32_t		 timeout_ms, no;
};
struct rig_value { uint32_t tag; UA_DateTime source; int64_t v; UA_StatusCode status; uint8_t flags; };

static struct rig {
	struct ua_agent	 a;
	struct source	 source;
	struct ua_data	 data;
	struct rig_call	 calls[RIG_CALLS];
	uint32_t	 ncalls;		/* ever */
	struct rig_value *values;
	size_t		 nvalues, room;
	char		*why[64];		/* of the last trouble of the first tags */
	uint32_t	 troubles;
	char		 dropped[300];
	uint64_t	 alive;
	bool		 full;			/* ua_call says ERR_BUSY */
	size_t		 bytes_max;		/* ...ERR_LIMIT beyond; 0: none */
	char		*nsu[8];
} rig;

static const struct ua_part rig_parts[] = { UA_PART_ROW(resolve), UA_PART_ROW(subs), UA_PART_ROW(cyclic), UA_PART_ROW(history) };
#define RIG_PARTS	(sizeof rig_parts / sizeof rig_parts[0])

/* ---- in the place of agent and out queue ---- */

int
ua_call(struct ua_agent *a, const void *request, const UA_DataType *req, const UA_DataType *res, uint32_t timeout_ms, ua_reply reply, void *arg)
{
	(void)res;
	if (!a->session)
		return ERR_CONN;
	if (rig.bytes_max != 0 && UA_calcSizeBinary(request, req) > rig.bytes_max)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < RIG_CALLS && !rig.full; i++) {
		struct rig_call *c = &rig.calls[i];
		if (c->type != NULL)
			continue;
		*c = (struct rig_call){ req, UA_new(req), reply, arg, timeout_ms, rig.ncalls++ };
		if (UA_copy(request, c->request, req) != UA_STATUSCODE_GOOD)
			abort();
		return 0;
	}
	return ERR_BUSY;
}

void
ua_drop(struct ua_agent *a, const char *why)
{
	(void)a;
	snprintf(rig.dropped, sizeof rig.dropped, "%s", why);
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

struct wall ua_wall(UA_DateTime t) { return (struct wall){ t == 0 ? 0 : (t - UA_DATETIME_UNIX_EPOCH) * 100 }; }
UA_DateTime ua_datetime(struct wall t) { return t.ns == 0 ? 0 : t.ns / 100 + UA_DATETIME_UNIX_EPOCH; }

static void
rig_value(uint32_t tag, UA_DateTime t, int64_t v, UA_StatusCode status, uint8_t flags)
{
	if (rig.nvalues == rig.room) {
		rig.room = rig.room * 2 + 1024;
		rig.values = realloc(rig.values, rig.room * sizeof *rig.values);
	}
	rig.values[rig.nvalues++] = (struct rig_value){ tag, t, v, status, flags };
}

void
ua_out_value(struct ua_agent *a, uint32_t tag, const UA_DataValue *dv, struct wall arrival, uint8_t flags)
{
	struct ua_item *it = &a->items[tag];
	struct wall t = ua_wall(dv->hasSourceTimestamp ? dv->sourceTimestamp : 0);
	UA_StatusCode status = dv->hasStatus ? dv->status : 0;
	int64_t v = dv->hasValue && UA_Variant_hasScalarType(&dv->value, &UA_TYPES[UA_TYPES_INT32]) ? *(int32_t *)dv->value.data : INT64_MIN;

	(void)arrival;
	if ((flags & SAMPLE_HISTORICAL) == 0) {
		if (t.ns > it->newest.ns)
			it->newest = t;
		it->status = status;
		it->trouble = 0;
		it->troubles = 0;
	}
	rig_value(tag, dv->sourceTimestamp, v, status, flags);
}

void
ua_out_trouble(struct ua_agent *a, uint32_t tag, UA_StatusCode status, const char *why)
{
	a->items[tag].trouble = status;
	rig.troubles++;
	if (tag < 64) {
		free(rig.why[tag]);
		rig.why[tag] = strdup(why != NULL ? why : "");
	}
}

void ua_out_alive(struct ua_agent *a) { (void)a; rig.alive++; }

/* ---- the test's side ---- */

/* What the well-behaved server below has made. */
struct rig_server {
	uint32_t	 subs;			/* made ever; the id is the number */
	uint32_t	 items;			/* monitored items made ever */
	UA_StatusCode	(*item)(const UA_MonitoredItemCreateRequest *q);	/* NULL: all good */
};
static struct rig_server rig_server;

/* n items "nsu=urn:a;s=tag<i>", 1 s. */
static inline struct ua_agent *
rig_open(uint32_t n)
{
	struct ua_agent *a = &rig.a;

	memset(&rig, 0, sizeof rig);
	memset(&rig_server, 0, sizeof rig_server);
	a->source = &rig.source;
	rig.source.name = "rig";
	rig.source.ntags = n;
	rig.source.tags = arena_array(&a->memory, n, sizeof *rig.source.tags);
	a->items = arena_array(&a->memory, n, sizeof *a->items);
	for (uint32_t i = 0; i < n; i++) {
		rig.source.tags[i].scan_ns = NS_PER_S;
		a->items[i] = (struct ua_item){ .tag = &rig.source.tags[i], .addr = { .kind = UA_ADDR_NODE, .nsu = "urn:a", .id_kind = 's',
			.s = arena_printf(&a->memory, "tag%u", i), .attribute = 13, .mode = -1, .sampling_ns = -1 } };
	}
	rig.data = (struct ua_data){ .keep_alive_ns = 10 * NS_PER_S, .lifetime_ns = 60 * NS_PER_S, .per_call = 100, .timeout_ns = 5 * NS_PER_S,
		.transfer = true, .history = true, .history_window_ns = 3600 * NS_PER_S, .history_rate = 1000000, .history_max = 100000, .random = 1 };
	a->data = &rig.data;
	a->limits = (struct ua_limits){ .read = 300, .translate = 50, .monitored_items = 40, .history_read_data = 10 };
	rig.nsu[0] = "http://opcfoundation.org/UA/";
	rig.nsu[1] = "urn:a";
	a->namespaces = rig.nsu;
	a->nnamespaces = 2;
	a->now.ns = 1000 * NS_PER_S;
	a->wall.ns = RIG_EPOCH * NS_PER_S;
	return a;
}

static inline void
rig_start(void)
{
	for (size_t i = 0; i < RIG_PARTS; i++)
		CHECK_INT(rig_parts[i].init(&rig.a), 0);
}

static inline void
rig_tick(void)
{
	for (size_t i = 0; i < RIG_PARTS; i++)
		if (!mono_before(rig.a.now, rig_parts[i].next(&rig.a)))
			rig_parts[i].tick(&rig.a, rig.a.now);
}

static inline void
rig_up(void)
{
	rig.a.session = true;
	rig.dropped[0] = '\0';
	for (size_t i = 0; i < RIG_PARTS; i++)
		rig_parts[i].up(&rig.a, rig.a.now);
	rig_tick();
}

static inline void
rig_end(struct rig_call *c, UA_StatusCode status, const void *response)
{
	struct rig_call was = *c;

	c->type = NULL;
	was.reply(&rig.a, was.arg, status, response);
	UA_delete(was.request, was.type);
}

/* The session is lost: calls under way fail, then the parts hear of it. */
static inline void
rig_down(void)
{
	for (uint32_t i = 0; i < RIG_CALLS; i++)
		if (rig.calls[i].type != NULL)
			rig_end(&rig.calls[i], UA_STATUSCODE_BADCONNECTIONCLOSED, NULL);
	rig.a.session = false;
	for (uint32_t i = 0; i < RIG_CALLS; i++)	/* what was asked from within those replies */
		if (rig.calls[i].type != NULL)
			rig_end(&rig.calls[i], UA_STATUSCODE_BADCONNECTIONCLOSED, NULL);
	for (size_t i = 0; i < RIG_PARTS; i++)
		rig_parts[i].down(&rig.a, rig.a.now, "test");
}

static inline void
rig_close(void)
{
	if (rig.a.session)
		rig_down();
	for (size_t i = RIG_PARTS; i-- > 0;)
		rig_parts[i].fini(&rig.a);
	for (size_t i = 0; i < 64; i++)
		free(rig.why[i]);
	free(rig.values);
	arena_fini(&rig.a.memory);
}

/* Time passes, with a tick whenever a part wants one. A part that wants one for ever without time passing fails the test. */
static inline void
rig_run(int64_t ns)
{
	struct mono end = mono_add(rig.a.now, ns);
	uint32_t turns = 0;

	for (;;) {
		struct mono t = end;
		for (size_t i = 0; i < RIG_PARTS; i++)
			t = mono_min(t, rig_parts[i].next(&rig.a));
		if (mono_before(rig.a.now, t)) {
			rig.a.wall.ns += t.ns - rig.a.now.ns;
			rig.a.now = t;
			turns = 0;
		}
		if (rig.dropped[0] != '\0')
			return;
		if (++turns > 1000)
			test_fail(__FILE__, __LINE__, "a part spins");
		rig_tick();
		if (!mono_before(rig.a.now, end))
			return;
	}
}

/* The oldest call of this type that waits for an answer; NULL: none. */
static inline struct rig_call *
rig_call_of(size_t type)
{
	struct rig_call *best = NULL;
	for (uint32_t i = 0; i < RIG_CALLS; i++)
		if (rig.calls[i].type == &UA_TYPES[type] && (best == NULL || rig.calls[i].no < best->no))
			best = &rig.calls[i];
	return best;
}

static inline uint32_t
rig_count(size_t type)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < RIG_CALLS; i++)
		n += rig.calls[i].type == &UA_TYPES[type];
	return n;
}

/* UA time of a moment of the rig: s seconds after its beginning. */
static inline UA_DateTime rig_time(double s) { return ua_datetime((struct wall){ RIG_EPOCH * NS_PER_S + (int64_t)(s * 1e9) }); }

static inline UA_DataValue
rig_dv(int32_t v, UA_DateTime t)
{
	UA_DataValue dv = { .hasValue = true, .hasSourceTimestamp = true, .hasServerTimestamp = true, .sourceTimestamp = t, .serverTimestamp = t };
	UA_Variant_setScalarCopy(&dv.value, &v, &UA_TYPES[UA_TYPES_INT32]);
	return dv;
}

/* ---- a well-behaved server, for what a test is not about ---- */

static inline void
rig_answer_items(struct rig_call *c)
{
	const UA_CreateMonitoredItemsRequest *q = c->request;
	UA_CreateMonitoredItemsResponse r;

	UA_CreateMonitoredItemsResponse_init(&r);
	r.resultsSize = q->itemsToCreateSize;
	r.results = UA_Array_new(r.resultsSize, &UA_TYPES[UA_TYPES_MONITOREDITEMCREATERESULT]);
	for (size_t i = 0; i < r.resultsSize; i++) {
		r.results[i].statusCode = rig_server.item != NULL ? rig_server.item(&q->itemsToCreate[i]) : 0;
		r.results[i].monitoredItemId = ++rig_server.items;
		r.results[i].revisedSamplingInterval = q->itemsToCreate[i].requestedParameters.samplingInterval;
		r.results[i].revisedQueueSize = q->itemsToCreate[i].requestedParameters.queueSize;
	}
	rig_end(c, 0, &r);
	UA_CreateMonitoredItemsResponse_clear(&r);
}

static inline void
rig_answer_attrs(struct rig_call *c)
{
	const UA_ReadRequest *q = c->request;
	UA_NodeId type = UA_TYPES[UA_TYPES_INT32].typeId;
	int32_t rank = -1;
	uint8_t access = 5;
	UA_ReadResponse r;

	UA_ReadResponse_init(&r);
	r.resultsSize = q->nodesToReadSize;
	r.results = UA_Array_new(r.resultsSize, &UA_TYPES[UA_TYPES_DATAVALUE]);
	for (size_t i = 0; i < r.resultsSize; i++) {
		UA_UInt32 at = q->nodesToRead[i].attributeId;
		r.results[i].hasValue = true;
		if (at == UA_ATTRIBUTEID_DATATYPE)
			UA_Variant_setScalarCopy(&r.results[i].value, &type, &UA_TYPES[UA_TYPES_NODEID]);
		else if (at == UA_ATTRIBUTEID_VALUERANK)
			UA_Variant_setScalarCopy(&r.results[i].value, &rank, &UA_TYPES[UA_TYPES_INT32]);
		else
			UA_Variant_setScalarCopy(&r.results[i].value, &access, &UA_TYPES[UA_TYPES_BYTE]);
	}
	rig_end(c, 0, &r);
	UA_ReadResponse_clear(&r);
}

/* Answer what creates and describes until nothing of it is left; Publish, Republish, Transfer, History and reads of values stay for the test. */
static inline void
rig_serve(void)
{
	for (;;) {
		struct rig_call *c;
		rig_tick();
		if ((c = rig_call_of(UA_TYPES_CREATESUBSCRIPTIONREQUEST)) != NULL) {
			const UA_CreateSubscriptionRequest *q = c->request;
			UA_CreateSubscriptionResponse r;
			UA_CreateSubscriptionResponse_init(&r);
			r.subscriptionId = ++rig_server.subs;
			r.revisedPublishingInterval = q->requestedPublishingInterval;
			r.revisedLifetimeCount = q->requestedLifetimeCount;
			r.revisedMaxKeepAliveCount = q->requestedMaxKeepAliveCount;
			rig_end(c, 0, &r);
		} else if ((c = rig_call_of(UA_TYPES_CREATEMONITOREDITEMSREQUEST)) != NULL)
			rig_answer_items(c);
		else if ((c = rig_call_of(UA_TYPES_READREQUEST)) != NULL &&
		    ((const UA_ReadRequest *)c->request)->nodesToRead[0].attributeId == UA_ATTRIBUTEID_DATATYPE)
			rig_answer_attrs(c);
		else if ((c = rig_call_of(UA_TYPES_DELETESUBSCRIPTIONSREQUEST)) != NULL) {
			UA_DeleteSubscriptionsResponse r;
			UA_DeleteSubscriptionsResponse_init(&r);
			rig_end(c, 0, &r);
		} else
			return;
	}
}

/* A notification message with n values of one element. */
static inline void
rig_message(UA_NotificationMessage *m, uint32_t seq, const uint32_t *tags, const int32_t *v, const UA_DateTime *t, size_t n)
{
	UA_DataChangeNotification *d = UA_DataChangeNotification_new();

	UA_NotificationMessage_init(m);
	m->sequenceNumber = seq;
	m->publishTime = ua_datetime(rig.a.wall);
	m->notificationData = UA_Array_new(1, &UA_TYPES[UA_TYPES_EXTENSIONOBJECT]);
	m->notificationDataSize = 1;
	d->monitoredItems = UA_Array_new(n, &UA_TYPES[UA_TYPES_MONITOREDITEMNOTIFICATION]);
	d->monitoredItemsSize = n;
	for (size_t i = 0; i < n; i++) {
		d->monitoredItems[i].clientHandle = tags[i] + 1;
		d->monitoredItems[i].value = rig_dv(v[i], t[i]);
	}
	UA_ExtensionObject_setValue(m->notificationData, d, &UA_TYPES[UA_TYPES_DATACHANGENOTIFICATION]);
}

/* Answer the oldest Publish with this message (taken). False: none is outstanding. */
static inline bool
rig_publish(uint32_t sub, UA_NotificationMessage *m)
{
	struct rig_call *c = rig_call_of(UA_TYPES_PUBLISHREQUEST);
	UA_PublishResponse r;

	UA_PublishResponse_init(&r);
	r.subscriptionId = sub;
	r.notificationMessage = *m;
	if (c != NULL)
		rig_end(c, 0, &r);
	UA_PublishResponse_clear(&r);
	return c != NULL;
}

static inline bool
rig_publish_one(uint32_t sub, uint32_t seq, uint32_t tag, int32_t v, double at_s)
{
	UA_NotificationMessage m;
	UA_DateTime t = rig_time(at_s);

	rig_message(&m, seq, &tag, &v, &t, 1);
	return rig_publish(sub, &m);
}

static inline bool
rig_keep_alive(uint32_t sub, uint32_t next)
{
	UA_NotificationMessage m;

	UA_NotificationMessage_init(&m);
	m.sequenceNumber = next;
	return rig_publish(sub, &m);
}

static inline uint32_t
rig_tag_of(const UA_NodeId *id)		/* "tag17" */
{
	uint32_t tag = 0;
	for (size_t i = 3; i < id->identifier.string.length; i++)
		tag = tag * 10 + id->identifier.string.data[i] - '0';
	return tag;
}

/* n items, all made at the server. */
static inline void
rig_begin(uint32_t n)
{
	rig_open(n);
	rig_start();
	rig_up();
	rig_serve();
}

#endif
