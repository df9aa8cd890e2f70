/*
 * Monitored items: created in bulk, one call at a time, each with what its address asks for; and their values on the way to the engine. A value finds its tag by the
 * client handle alone; all that is out of the ordinary about an item stands in one byte.
 */
#include <math.h>
#include <string.h>

#include "driver/opcua/history.h"
#include "driver/opcua/subs.h"
#include "driver/opcua/ua_value.h"

#define OVERFLOW_BITS	0x480u	/* InfoType DataValue and Overflow, Part 4, 7.39.1 */
#define QUEUE_MAX	1000u
#define AHEAD		8u

static uint32_t
queue_size(const struct ua_agent *a, const struct ua_class *c, const struct ua_item *it, int64_t sampling_ns)
{
	int64_t n = it->addr.queue > 0 ? it->addr.queue : a->data->queue;

	if (n == 0) {	/* two publishing intervals of values; and two at least: a queue of one cannot say that it has lost something */
		n = sampling_ns > 0 ? 2 * ((c->interval_ns + sampling_ns - 1) / sampling_ns) : 2;
		n = n < 2 ? 2 : n > QUEUE_MAX ? QUEUE_MAX : n;
	}
	return (uint32_t)n;
}

static void
ask_for(struct ua_agent *a, struct ua_subs *s, const struct ua_class *c, uint32_t tag, uint32_t i)
{
	const struct ua_item *it = &a->items[tag];
	UA_MonitoredItemCreateRequest *q = &s->requests[i];
	int64_t sampling_ns = it->addr.sampling_ns >= 0 ? it->addr.sampling_ns : a->source->tags[tag].scan_ns;

	UA_MonitoredItemCreateRequest_init(q);
	q->itemToMonitor.nodeId = it->node;
	q->itemToMonitor.attributeId = it->addr.attribute;
	if (it->addr.index_range != NULL)
		q->itemToMonitor.indexRange = UA_STRING((char *)(uintptr_t)it->addr.index_range);
	q->monitoringMode = UA_MONITORINGMODE_REPORTING;
	q->requestedParameters.clientHandle = tag + 1;
	q->requestedParameters.samplingInterval = (double)sampling_ns / NS_PER_MS;
	q->requestedParameters.queueSize = queue_size(a, c, it, sampling_ns);
	q->requestedParameters.discardOldest = true;
	if (it->addr.deadband_kind == UA_DEADBAND_NONE)
		return;
	UA_DataChangeFilter *f = &s->filters[i];
	UA_DataChangeFilter_init(f);
	f->trigger = UA_DATACHANGETRIGGER_STATUSVALUE;
	f->deadbandType = it->addr.deadband_kind == UA_DEADBAND_ABSOLUTE ? UA_DEADBANDTYPE_ABSOLUTE : UA_DEADBANDTYPE_PERCENT;
	f->deadbandValue = it->addr.deadband;
	q->requestedParameters.filter.encoding = UA_EXTENSIONOBJECT_DECODED_NODELETE;
	q->requestedParameters.filter.content.decoded.type = &UA_TYPES[UA_TYPES_DATACHANGEFILTER];
	q->requestedParameters.filter.content.decoded.data = f;
}

static const char *
reason(const struct ua_item *it, UA_StatusCode s)
{
	switch (s) {
	case UA_STATUSCODE_BADDEADBANDFILTERINVALID:
	case UA_STATUSCODE_BADFILTERNOTALLOWED:
	case UA_STATUSCODE_BADMONITOREDITEMFILTERINVALID:
	case UA_STATUSCODE_BADMONITOREDITEMFILTERUNSUPPORTED:
		return it->addr.deadband_kind == UA_DEADBAND_PERCENT ? "the server refuses this tag's deadband: per cent needs a numeric value with "
		    "the property EURange on the server; give an absolute deadband, or none" :
		    "the server refuses this tag's deadband: it needs a numeric value, and some servers know none; take it out of the address";
	case UA_STATUSCODE_BADTOOMANYMONITOREDITEMS:
		return "the server has as many monitored items as it can: subscribe to fewer tags, or end other clients";
	case UA_STATUSCODE_BADNODEIDUNKNOWN:
	case UA_STATUSCODE_BADNODEIDINVALID:
		return "the server knows no such node: check the address, or whether the object was removed or not downloaded yet";
	case UA_STATUSCODE_BADUSERACCESSDENIED:
	case UA_STATUSCODE_BADNOTREADABLE:
		return "the server does not let this user read the node: check the user's rights on the server";
	case UA_STATUSCODE_BADATTRIBUTEIDINVALID:
		return "the node has no such attribute; a tag's value is attribute 13 of a Variable";
	default:
		return NULL;
	}
}

static void
take(struct ua_agent *a, struct ua_subs *s, struct ua_class *c, uint32_t tag, const UA_MonitoredItemCreateResult *res)
{
	struct ua_item *it = &a->items[tag];

	if (s->state[tag] != UA_MON_ASKED)
		return;
	if (UA_StatusCode_isBad(res->statusCode)) {
		s->state[tag] = UA_MON_OFF;
		ua_item_fail(a, tag, res->statusCode, reason(it, res->statusCode));
		return;
	}
	s->state[tag] = UA_MON_LIVE;
	s->revised_ms[tag] = isfinite(res->revisedSamplingInterval) ? (float)res->revisedSamplingInterval : -1.0f;
	s->revised_queue[tag] = res->revisedQueueSize;
	c->nitems++;
	it->monitored_id = res->monitoredItemId;
	ua_item_good(a, tag);
}

/* The call as a whole has failed: Part 4, 5.12.2.3, or a server that lets one item spoil all. */
static void
failed(struct ua_agent *a, struct ua_subs *s, struct ua_class *c, UA_StatusCode status)
{
	enum ua_bulk_do what = ua_bulk_bad(&s->bulk, s->nasked, status);

	for (uint32_t i = s->nasked; i-- > 0;) {
		uint32_t tag = s->asked[i];
		if (s->state[tag] != UA_MON_ASKED)
			continue;
		s->state[tag] = what == UA_BULK_GUILTY ? UA_MON_OFF : UA_MON_WAIT;
		if (what == UA_BULK_GUILTY)
			ua_item_fail(a, tag, status, reason(&a->items[tag], status));
		else
			ua_line_unget(&c->wait, tag);
	}
	if (what == UA_BULK_LATER)
		s->hold = mono_add(a->now, ua_jitter(a, 5 * NS_PER_S));
}

static void
reply(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_subs *s = arg;
	struct ua_class *c = s->asked_of;
	const UA_CreateMonitoredItemsResponse *res = response;
	bool bad = UA_StatusCode_isBad(status) || res == NULL;

	s->busy = false;
	s->hold = mono_add(a->now, a->data->pause_ns);
	if (!a->session || c == NULL || s->nasked == 0)	/* the subscription went meanwhile: its items wait again already */
		return;
	if (!bad && res->resultsSize != s->nasked)
		ua_drop(a, "the server's answer about monitored items has another number of results than asked for");
	else if (bad && status == UA_STATUSCODE_BADSUBSCRIPTIONIDINVALID) {
		ua_publish_remove(a, &c->sub);
		ua_subs_lost(a, c);
		c->hold = mono_add(a->now, ua_jitter(a, NS_PER_S));
	} else if (bad)
		failed(a, s, c, status);
	else {
		ua_bulk_good(&s->bulk);
		for (uint32_t i = 0; i < s->nasked; i++)
			take(a, s, c, s->asked[i], &res->results[i]);
		ua_out_alive(a);
	}
	s->nasked = 0;
	s->asked_of = NULL;
}

void
ua_monitor_tick(struct ua_agent *a, struct ua_subs *s, struct mono now)
{
	struct ua_class *c = NULL;
	UA_CreateMonitoredItemsRequest req;

	for (uint32_t i = 0; i < s->nclasses && c == NULL; i++)
		if (s->classes[i].state == UA_SUB_UP && s->classes[i].wait.n > 0)
			c = &s->classes[i];
	if (c == NULL || s->busy || mono_before(now, s->hold))
		return;
	for (s->nasked = 0; s->nasked < s->bulk.size && c->wait.n > 0;) {
		uint32_t tag = ua_line_get(&c->wait);
		s->state[tag] = UA_MON_OFF;
		if (UA_NodeId_isNull(&a->items[tag].node))
			continue;	/* in trouble since; the resolver brings it back */
		s->state[tag] = UA_MON_ASKED;
		ask_for(a, s, c, tag, s->nasked);
		s->asked[s->nasked++] = tag;
	}
	if (s->nasked == 0)
		return;
	UA_CreateMonitoredItemsRequest_init(&req);
	req.subscriptionId = c->sub.id;
	req.timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH;
	req.itemsToCreate = s->requests;
	req.itemsToCreateSize = s->nasked;
	s->asked_of = c;
	s->busy = true;
	int err = ua_call(a, &req, &UA_TYPES[UA_TYPES_CREATEMONITOREDITEMSREQUEST], &UA_TYPES[UA_TYPES_CREATEMONITOREDITEMSRESPONSE], 0,
	    reply, s);
	if (err == 0)
		return;
	ua_bulk_refused(&s->bulk, s->nasked, err);
	for (uint32_t i = s->nasked; i-- > 0;) {
		s->state[s->asked[i]] = UA_MON_WAIT;
		ua_line_unget(&c->wait, s->asked[i]);
	}
	s->busy = false;
	s->nasked = 0;
	s->asked_of = NULL;
	s->hold = mono_add(now, 100 * NS_PER_MS);
}

/* An item with a mark. False: the value is one that we have. */
static bool
marked(struct ua_agent *a, struct ua_subs *s, struct ua_class *c, uint32_t tag, const UA_DataValue *dv, UA_StatusCode status)
{
	struct ua_item *it = &a->items[tag];
	uint8_t *m = &s->mark[tag];

	if ((*m & UA_MARK_MOVED) != 0) {
		if ((*m & UA_MARK_FRESH) != 0 && dv->hasSourceTimestamp && it->newest.ns != 0 && mono_before(a->now, c->moved_until) &&
		    ua_wall(dv->sourceTimestamp).ns == it->newest.ns && status == it->status) {
			*m = 0;
			s->repeats++;
			return false;
		}
		if ((*m & UA_MARK_GAP) != 0 && !c->torn && s->revised_queue[tag] > 1 && (status & OVERFLOW_BITS) != OVERFLOW_BITS) {
			ua_history_end(a, tag, NULL);	/* taken over, and the server's queue has kept all */
			*m &= (uint8_t)~UA_MARK_GAP;
		}
		*m |= UA_MARK_FRESH;
		if (!mono_before(a->now, c->moved_until))
			*m &= UA_MARK_GAP;
	}
	if ((*m & UA_MARK_GAP) != 0) {
		ua_history_end(a, tag, dv);
		*m &= (uint8_t)~UA_MARK_GAP;
	}
	return true;
}

static void
value(struct ua_agent *a, struct ua_subs *s, struct ua_class *c, const UA_MonitoredItemNotification *n)
{
	uint32_t tag = n->clientHandle - 1;
	const UA_DataValue *dv = &n->value;

	if (tag >= a->source->ntags || s->class_of[tag] != c->no || s->state[tag] < UA_MON_ASKED) {
		s->strangers++;
		return;
	}
	UA_StatusCode status = dv->hasStatus ? dv->status : UA_STATUSCODE_GOOD;
	if (s->mark[tag] != 0 && !marked(a, s, c, tag, dv, status))
		return;
	if ((status & OVERFLOW_BITS) == OVERFLOW_BITS)
		s->overflows++;
	ua_out_value(a, tag, dv, a->wall, 0);
	if (s->stale != NULL)
		ua_stale_value(a, tag, dv);
}

void
ua_monitor_notification(struct ua_agent *a, struct ua_sub *sub, const UA_ExtensionObject *data)
{
	struct ua_subs *s = ua_subs_of(a);
	struct ua_class *c = sub->arg;

	if (data->encoding < UA_EXTENSIONOBJECT_DECODED || data->content.decoded.type != &UA_TYPES[UA_TYPES_DATACHANGENOTIFICATION] ||
	    data->content.decoded.data == NULL) {
		s->strangers++;
		return;
	}
	const UA_DataChangeNotification *n = data->content.decoded.data;
	s->values += n->monitoredItemsSize;
	for (size_t i = 0; i < n->monitoredItemsSize; i++) {
		/* With 100,000 items each is a miss of the cache, so the one that comes soon is fetched ahead. */
		if (i + AHEAD < n->monitoredItemsSize && n->monitoredItems[i + AHEAD].clientHandle <= a->source->ntags)
			__builtin_prefetch(&a->items[n->monitoredItems[i + AHEAD].clientHandle - 1], 1);
		value(a, s, c, &n->monitoredItems[i]);
	}
}
