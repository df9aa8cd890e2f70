/* The subscription of a source's event tags: made, taken over, refreshed. See events.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "driver/opcua/events_int.h"

#define HOLD_NS		(5 * NS_PER_S)	/* after the server refused the subscription */
#define INTERVAL_NS	(500 * NS_PER_MS)
#define PER_CALL	100u
#define PER_PUBLISH_MAX	1000u	/* events in one message: what is more comes in the next, and memory has a bound */

/* ---- what comes ---- */

static void
notification(struct ua_agent *a, struct ua_sub *s, const UA_ExtensionObject *data)
{
	struct ua_events *e = s->arg;

	if (data->encoding < UA_EXTENSIONOBJECT_DECODED || data->content.decoded.type != &UA_TYPES[UA_TYPES_EVENTNOTIFICATIONLIST])
		return;
	const UA_EventNotificationList *l = data->content.decoded.data;
	for (size_t i = 0; i < l->eventsSize; i++)
		if (l->events[i].clientHandle < e->ntags)
			event_notified(e, &e->tags[l->events[i].clientHandle], &l->events[i]);
	ua_out_alive(a);
}

static void
all_gone(struct ua_events *e)
{
	e->state = EVENT_SUB_NONE;
	for (uint32_t i = 0; i < e->ntags; i++) {
		e->tags[i].state = EVENT_ITEM_NONE;
		e->tags[i].refreshing = false;
	}
}

static void
gone(struct ua_agent *a, struct ua_sub *s, UA_StatusCode status)
{
	struct ua_events *e = s->arg;

	unsigned long left_out;

	if (log_limit_ok(&e->gone_lines, a->now, &left_out))
		log_warn("opcua_event_subscription_gone", "source=\"%s\" status=%s left_out=%lu", a->source->name, UA_StatusCode_name(status), left_out);
	for (uint32_t i = 0; i < e->ntags; i++)
		if (e->tags[i].state == EVENT_ITEM_LIVE)
			event_lost(e, &e->tags[i], 0);
	all_gone(e);
	/* At once the first time; one that the server ends right after its birth waits. */
	e->hold = mono_diff(a->now, e->born) > HOLD_NS ? a->now : mono_add(a->now, HOLD_NS);
}

static void
hole(struct ua_agent *a, struct ua_sub *s, uint32_t n)
{
	struct ua_events *e = s->arg;

	(void)a;
	for (uint32_t i = 0; i < e->ntags; i++)
		if (e->tags[i].state == EVENT_ITEM_LIVE)
			event_lost(e, &e->tags[i], n);
	e->refresh = true;	/* what is active now is known again after it */
}

/* ---- refresh ---- */

static void
refreshed(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_events *e = arg;
	const UA_CallResponse *r = response;

	e->asked = false;
	if (!UA_StatusCode_isBad(status) && r != NULL && r->resultsSize == 1)
		status = r->results[0].statusCode;
	/* A server without conditions has no such method, which is no trouble. */
	if (status == UA_STATUSCODE_BADREFRESHINPROGRESS)
		e->refresh = true;
	else if (UA_StatusCode_isBad(status) && !e->said)
		log_info("opcua_no_condition_refresh", "source=\"%s\" status=%s", a->source->name, UA_StatusCode_name(status));
	e->said = true;
	e->hold = mono_add(a->now, NS_PER_S);
}

static void
refresh(struct ua_events *e)
{
	UA_Variant arg;
	UA_Variant_setScalar(&arg, &e->sub.id, &UA_TYPES[UA_TYPES_UINT32]);
	UA_CallMethodRequest m = { .objectId = UA_NODEID_NUMERIC(0, UA_NS0ID_CONDITIONTYPE),
	    .methodId = UA_NODEID_NUMERIC(0, UA_NS0ID_CONDITIONTYPE_CONDITIONREFRESH), .inputArgumentsSize = 1, .inputArguments = &arg };
	UA_CallRequest r = { .methodsToCallSize = 1, .methodsToCall = &m };

	if (ua_call(e->agent, &r, &UA_TYPES[UA_TYPES_CALLREQUEST], &UA_TYPES[UA_TYPES_CALLRESPONSE], 0, refreshed, e) == 0) {
		e->asked = true;
		e->refresh = false;
	}
}

/* ---- monitored items ---- */

static bool
wanted(const struct ua_events *e, const struct event_tag *t)
{
	const struct ua_item *it = &e->agent->items[t->tag];
	return t->state == EVENT_ITEM_NONE && !UA_NodeId_isNull(&it->node) && it->trouble == UA_STATUSCODE_GOOD;
}

/* A filter that the server does not take, in whole or in part: a simpler one. */
static bool
simpler(struct event_tag *t, UA_StatusCode s)
{
	switch (s) {
	case UA_STATUSCODE_BADEVENTFILTERINVALID:
	case UA_STATUSCODE_BADMONITOREDITEMFILTERINVALID:
	case UA_STATUSCODE_BADMONITOREDITEMFILTERUNSUPPORTED:
	case UA_STATUSCODE_BADFILTERNOTALLOWED:
	case UA_STATUSCODE_BADCONTENTFILTERINVALID:
	case UA_STATUSCODE_BADTYPEDEFINITIONINVALID:
	case UA_STATUSCODE_BADNODEIDUNKNOWN:
		break;
	default:
		return false;
	}
	if (t->filter + 1 == EVENT_FILTERS)
		return false;
	t->filter++;
	return true;
}

static void
item_created(struct ua_events *e, struct event_tag *t, const UA_MonitoredItemCreateResult *r)
{
	struct ua_agent *a = e->agent;
	char why[200];

	t->state = EVENT_ITEM_NONE;
	if (!UA_StatusCode_isBad(r->statusCode)) {
		t->state = EVENT_ITEM_LIVE;
		a->items[t->tag].monitored_id = r->monitoredItemId;
		e->refresh = true;
		if (t->filter == EVENT_FILTER_BARE && a->items[t->tag].addr.event_kind != NULL)
			log_warn("opcua_event_filter", "source=\"%s\" tag=\"%s\" text=\"the server filters no events: all kinds come\"", a->source->name,
			    a->source->tags[t->tag].path);
		return;
	}
	if (simpler(t, r->statusCode))
		return;		/* the next tick tries it */
	snprintf(why, sizeof why, "the server does not report its events: %s%s", UA_StatusCode_name(r->statusCode),
	    r->statusCode == UA_STATUSCODE_BADATTRIBUTEIDINVALID || r->statusCode == UA_STATUSCODE_BADNOTSUPPORTED ?
	    "; the node is no notifier: name the Server object (i=2253), or an object with EventNotifier set" : "");
	ua_item_fail(a, t->tag, r->statusCode, why);
}

static void
items_created(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_events *e = arg;
	const UA_CreateMonitoredItemsResponse *r = response;
	size_t k = 0;

	for (uint32_t i = 0; i < e->ntags; i++) {
		if (e->tags[i].state != EVENT_ITEM_ASKED)
			continue;
		e->tags[i].state = EVENT_ITEM_NONE;
		if (!a->session)
			continue;
		UA_MonitoredItemCreateResult none = { .statusCode = UA_StatusCode_isBad(status) ? status : UA_STATUSCODE_BADUNEXPECTEDERROR };
		bool there = !UA_StatusCode_isBad(status) && r != NULL && k < r->resultsSize;
		item_created(e, &e->tags[i], there ? &r->results[k] : &none);
		k++;
	}
}

static void
create_items(struct ua_events *e)
{
	struct arena m = { 0 };
	UA_MonitoredItemCreateRequest *v = arena_array(&m, PER_CALL, sizeof *v);
	size_t n = 0;

	for (uint32_t i = 0; i < e->ntags; i++)
		if (e->tags[i].state == EVENT_ITEM_ASKED)
			goto out;	/* one call at a time */
	for (uint32_t i = 0; i < e->ntags && n < PER_CALL && n < e->agent->limits.monitored_items; i++) {
		struct event_tag *t = &e->tags[i];
		const struct ua_item *it = &e->agent->items[t->tag];
		UA_EventFilter *f = arena_new(&m, UA_EventFilter);
		if (!wanted(e, t))
			continue;
		UA_StatusCode s = event_filter_make(e->agent, &it->addr, t->filter, &m, f);
		if (s != UA_STATUSCODE_GOOD) {
			ua_item_fail(e->agent, t->tag, s, "the server does not know the event type that the address names (its namespace is missing)");
			continue;
		}
		v[n] = (UA_MonitoredItemCreateRequest){ .itemToMonitor = { .nodeId = it->node, .attributeId = UA_ATTRIBUTEID_EVENTNOTIFIER },
		    .monitoringMode = UA_MONITORINGMODE_REPORTING, .requestedParameters = { .clientHandle = i, .discardOldest = true,
		    .queueSize = it->addr.queue > 0 ? it->addr.queue : UA_EVENTS_QUEUE } };
		UA_ExtensionObject_setValueNoDelete(&v[n].requestedParameters.filter, f, &UA_TYPES[UA_TYPES_EVENTFILTER]);
		t->state = EVENT_ITEM_ASKED;
		n++;
	}
	UA_CreateMonitoredItemsRequest r = { .subscriptionId = e->sub.id, .timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH, .itemsToCreateSize = n,
	    .itemsToCreate = v };
	if (n > 0 && ua_call(e->agent, &r, &UA_TYPES[UA_TYPES_CREATEMONITOREDITEMSREQUEST], &UA_TYPES[UA_TYPES_CREATEMONITOREDITEMSRESPONSE], 0,
	    items_created, e) != 0)
		for (uint32_t i = 0; i < e->ntags; i++)
			if (e->tags[i].state == EVENT_ITEM_ASKED)
				e->tags[i].state = EVENT_ITEM_NONE;
out:
	arena_fini(&m);
}

/* ---- the subscription ---- */

static void
created(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_events *e = arg;
	const UA_CreateSubscriptionResponse *r = response;

	e->state = EVENT_SUB_NONE;
	e->hold = mono_add(a->now, HOLD_NS);
	if (!a->session || UA_StatusCode_isBad(status) || r == NULL) {
		if (a->session)
			log_warn("opcua_event_subscription_refused", "source=\"%s\" status=%s", a->source->name, UA_StatusCode_name(status));
		return;
	}
	e->sub.id = r->subscriptionId;
	e->sub.interval_ms = isfinite(r->revisedPublishingInterval) ? r->revisedPublishingInterval : (double)INTERVAL_NS / NS_PER_MS;
	e->sub.keep_alive_count = r->revisedMaxKeepAliveCount > 0 ? r->revisedMaxKeepAliveCount : 1;
	e->born = a->now;
	if (ua_publish_add(a, &e->sub) == 0) {
		e->state = EVENT_SUB_UP;
		e->hold = a->now;
	}
}

static uint32_t
count_of(int64_t span_ns)
{
	int64_t n = (span_ns + INTERVAL_NS - 1) / INTERVAL_NS;
	return n < 1 ? 1 : n > 1000000 ? 1000000 : (uint32_t)n;
}

static void
create(struct ua_events *e)
{
	const struct ua_data *d = e->agent->data;
	uint32_t keep_alive = count_of(d->keep_alive_ns), lifetime = count_of(d->lifetime_ns);
	UA_CreateSubscriptionRequest r = { .requestedPublishingInterval = (double)INTERVAL_NS / NS_PER_MS, .requestedMaxKeepAliveCount = keep_alive,
	    .requestedLifetimeCount = lifetime < 3 * keep_alive ? 3 * keep_alive : lifetime,
		.maxNotificationsPerPublish = PER_PUBLISH_MAX, .publishingEnabled = true };

	if (ua_call(e->agent, &r, &UA_TYPES[UA_TYPES_CREATESUBSCRIPTIONREQUEST], &UA_TYPES[UA_TYPES_CREATESUBSCRIPTIONRESPONSE], 0, created, e) == 0)
		e->state = EVENT_SUB_ASKED;
}

static void
transferred(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_events *e = arg;
	const UA_TransferSubscriptionsResponse *r = response;

	if (!a->session)
		return;		/* kept for the next session */
	if (!UA_StatusCode_isBad(status) && r != NULL && r->resultsSize == 1 && !UA_StatusCode_isBad(r->results[0].statusCode) &&
	    ua_publish_resume(a, &e->sub, r->results[0].availableSequenceNumbers, r->results[0].availableSequenceNumbersSize) == 0) {
		e->state = EVENT_SUB_UP;
		e->refresh = true;
		return;
	}
	gone(a, &e->sub, UA_StatusCode_isBad(status) ? status : UA_STATUSCODE_BADSUBSCRIPTIONIDINVALID);
}

static bool
transfer(struct ua_events *e)
{
	const struct ua_agent *a = e->agent;
	UA_TransferSubscriptionsRequest r = { .subscriptionIdsSize = 1, .subscriptionIds = &e->sub.id };

	if (!a->data->transfer || !a->same_server || a->namespaces_moved)
		return false;
	e->state = EVENT_SUB_TRANSFER;
	return ua_call(e->agent, &r, &UA_TYPES[UA_TYPES_TRANSFERSUBSCRIPTIONSREQUEST], &UA_TYPES[UA_TYPES_TRANSFERSUBSCRIPTIONSRESPONSE], 0,
	    transferred, e) == 0;
}

/* ---- the part ---- */

int
ua_events_init(struct ua_agent *a)
{
	struct ua_events *e = arena_new(&a->memory, struct ua_events);

	e->agent = a;
	e->gone_lines = (struct log_limit){ .burst = 3, .period_ms = 60000 };
	e->sub = (struct ua_sub){ .arg = e, .notification = notification, .gone = gone, .hole = hole };
	for (uint32_t i = 0; i < a->source->ntags; i++)
		e->ntags += a->items[i].addr.kind == UA_ADDR_EVENTS;
	e->tags = arena_array(&a->memory, e->ntags + 1, sizeof *e->tags);
	for (uint32_t i = 0, n = 0; i < a->source->ntags; i++)
		if (a->items[i].addr.kind == UA_ADDR_EVENTS) {
			e->tags[n] = (struct event_tag){ .tag = i, .of = e };
			e->tags[n++].known = arena_array(&a->memory, UA_EVENTS_KNOWN, sizeof(struct event_known));
		}
	a->part[UA_PART_EVENTS] = e;
	return 0;
}

void
ua_events_fini(struct ua_agent *a)
{
	struct ua_events *e = events_of(a);
	for (uint32_t i = 0; e != NULL && i < e->ntags; i++)
		event_forget(&e->tags[i]);
}

void
ua_events_up(struct ua_agent *a, struct mono now)
{
	struct ua_events *e = events_of(a);

	e->hold = now;
	e->asked = e->said = false;
	for (uint32_t i = 0; i < e->ntags; i++)
		event_forget(&e->tags[i]);	/* their NodeIds were of the session before */
	if (e->state == EVENT_SUB_KEPT && !transfer(e))
		gone(a, &e->sub, UA_STATUSCODE_BADSUBSCRIPTIONIDINVALID);
}

void
ua_events_down(struct ua_agent *a, struct mono now, const char *why)
{
	struct ua_events *e = events_of(a);

	(void)now;
	(void)why;
	if (e->state == EVENT_SUB_UP || e->state == EVENT_SUB_TRANSFER)
		e->state = EVENT_SUB_KEPT;
	else if (e->state == EVENT_SUB_ASKED)
		e->state = EVENT_SUB_NONE;
	for (uint32_t i = 0; i < e->ntags; i++) {
		e->tags[i].refreshing = false;
		if (e->tags[i].state == EVENT_ITEM_ASKED)
			e->tags[i].state = EVENT_ITEM_NONE;
	}
}

void
ua_events_tick(struct ua_agent *a, struct mono now)
{
	struct ua_events *e = events_of(a);
	bool some = false;

	if (mono_before(now, e->hold))
		return;
	for (uint32_t i = 0; i < e->ntags; i++)
		some |= wanted(e, &e->tags[i]);
	if (some && e->state == EVENT_SUB_NONE)
		create(e);
	if (e->state != EVENT_SUB_UP)
		return;
	if (some)
		create_items(e);
	if (e->refresh && !e->asked)
		refresh(e);
}

struct mono
ua_events_next(struct ua_agent *a)
{
	struct ua_events *e = events_of(a);
	bool some = e->refresh && !e->asked;

	for (uint32_t i = 0; i < e->ntags; i++)
		some |= wanted(e, &e->tags[i]);
	if (!some || e->state == EVENT_SUB_ASKED || e->state == EVENT_SUB_TRANSFER)
		return MONO_NEVER;
	return mono_before(a->now, e->hold) ? e->hold : mono_add(a->now, 50 * NS_PER_MS);
}

void
ua_events_why(struct ua_agent *a, const struct ua_item *it, struct json *out)
{
	const struct ua_events *e = events_of(a);

	for (uint32_t i = 0; e != NULL && i < e->ntags; i++)
		if (&a->items[e->tags[i].tag] == it) {
			json_key_u64(out, "events", e->tags[i].events);
			json_key_u64(out, "overflows", e->tags[i].overflows);
			json_key(out, "event-filter");
			json_text(out, e->tags[i].filter <= EVENT_FILTER_WISH ? "all fields" : e->tags[i].filter == EVENT_FILTER_BASE ?
			    "fields of BaseEventType only: the server took no others" : "no filter: the server took none");
		}
}
