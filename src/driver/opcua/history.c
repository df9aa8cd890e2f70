/*
 * The history part: one reader works the queue of gaps off, one call at a time, no faster than the site allows. An answer may be continued; that is bounded by the values a gap may
 * have, and a server that continues without giving anything is stopped. Continuation points that are not used up are released.
 */
#include "driver/opcua/history.h"

#include <string.h>

#include "driver/opcua/history_int.h"

#define BEGIN_NS	(2 * NS_PER_S)		/* after the session began: live values first */
#define BETWEEN_NS	(20 * NS_PER_MS)
#define WAIT_FIRST_NS	(5 * NS_PER_S)
#define WAIT_LAST_NS	(300 * NS_PER_S)
#define EMPTY_MAX	10u

int
ua_history_init(struct ua_agent *a)
{
	uint32_t n = a->source->ntags;
	struct history *h = arena_new(&a->memory, struct history);

	ua_data_init(a);
	a->part[UA_PART_HISTORY] = h;
	h->room = a->data->history ? n * GAPS_EACH + 16 : 0;
	h->gaps = arena_array(&a->memory, h->room, sizeof *h->gaps);
	h->free_gaps = arena_array(&a->memory, h->room, sizeof *h->free_gaps);
	for (uint32_t i = h->room; i-- > 0;)
		ua_gap_free(h, i);
	ua_line_init(&h->queue, &a->memory, h->room);
	h->open = arena_array(&a->memory, n, sizeof *h->open);
	h->filled = arena_array(&a->memory, n, sizeof *h->filled);
	h->status = arena_array(&a->memory, n, sizeof *h->status);
	h->busy_tag = arena_array(&a->memory, n, sizeof *h->busy_tag);
	return 0;
}

/* The batch is over; what is not done goes back to the front of the queue, from where it has come to. */
static void
settle(struct history *h)
{
	for (uint32_t i = h->nbatch; i-- > 0;) {
		struct reading *r = &h->batch[i];
		struct gap *g = &h->gaps[r->gap];
		UA_ByteString_clear(&r->cont);
		h->busy_tag[g->tag] = 0;
		if (r->last > g->from)
			g->from = r->last;
		if (r->over || g->from + 1 >= g->to)
			ua_gap_free(h, r->gap);
		else
			ua_line_unget(&h->queue, r->gap);
	}
	h->nbatch = h->nasked = 0;
}

void
ua_history_fini(struct ua_agent *a)
{
	if (ua_history_of(a) != NULL)
		settle(ua_history_of(a));
	a->part[UA_PART_HISTORY] = NULL;
}

void
ua_history_up(struct ua_agent *a, struct mono now)
{
	struct history *h = ua_history_of(a);

	ua_bulk_init(&h->bulk, BATCH_MAX, a->limits.history_read_data > 0 ? a->limits.history_read_data : BATCH_MAX);
	h->hold = mono_add(now, ua_jitter(a, BEGIN_NS));
	h->waits = 0;
}

void
ua_history_down(struct ua_agent *a, struct mono now, const char *why)
{
	(void)now;
	(void)why;
	settle(ua_history_of(a));
	ua_history_of(a)->busy = false;
}

static void
give_up(struct history *h, struct reading *r, UA_StatusCode status)
{
	h->status[h->gaps[r->gap].tag] = status;
	h->given_up++;
	r->over = true;
	r->more = false;
}

/* Not now: all of it again, later and later. */
static void
wait(struct ua_agent *a, struct history *h)
{
	int64_t ns = WAIT_FIRST_NS;

	for (uint32_t i = 0; i < h->waits && ns < WAIT_LAST_NS; i++)
		ns *= 2;
	h->waits++;
	h->hold = mono_add(a->now, ua_jitter(a, ns < WAIT_LAST_NS ? ns : WAIT_LAST_NS));
}

static bool
busy_status(UA_StatusCode s)
{
	return s == UA_STATUSCODE_BADTOOMANYOPERATIONS || s == UA_BADSERVERTOOBUSY || s == UA_STATUSCODE_BADTCPSERVERTOOBUSY ||
	    s == UA_STATUSCODE_BADTIMEOUT || s == UA_STATUSCODE_BADREQUESTTIMEOUT || s == UA_STATUSCODE_BADRESOURCEUNAVAILABLE ||
	    s == UA_STATUSCODE_BADOUTOFMEMORY || s == UA_STATUSCODE_BADNOCOMMUNICATION || ua_status_lost(s);
}

static uint32_t
give(struct ua_agent *a, struct history *h, struct reading *r, const UA_HistoryData *d)
{
	struct gap *g = &h->gaps[r->gap];
	uint32_t n = 0;

	for (size_t i = 0; i < d->dataValuesSize; i++) {
		const UA_DataValue *dv = &d->dataValues[i];
		UA_DateTime t = dv->hasSourceTimestamp ? dv->sourceTimestamp : dv->hasServerTimestamp ? dv->serverTimestamp : 0;
		if (t <= g->from || t >= g->to || t >= h->end)
			continue;
		if (!dv->hasValue && (!dv->hasStatus || dv->status == UA_STATUSCODE_BADBOUNDNOTFOUND ||
		    dv->status == UA_STATUSCODE_GOODNODATA || dv->status == UA_STATUSCODE_BADNODATA))
			continue;	/* says that there is nothing */
		if (t < r->last) {
			h->unordered++;
			continue;
		}
		r->last = t;
		ua_out_value(a, g->tag, dv, a->wall, SAMPLE_HISTORICAL | SAMPLE_LATE);
		n++;
	}
	h->values += n;
	h->filled[g->tag] += n;
	g->values += n;
	return n;
}

/* This node's window is read to its end. */
static void
window_done(struct history *h, struct reading *r)
{
	struct gap *g = &h->gaps[r->gap];

	r->more = false;
	if (h->end >= g->to) {
		r->over = true;
		h->done++;
	} else if (r->last < h->end - 1)
		r->last = h->end - 1;
}

/* One node's part of an answer. Returns the values that it had. False in *fine: the server wants to be left alone for a while. */
static uint32_t
take(struct ua_agent *a, struct history *h, struct reading *r, const UA_HistoryReadResult *res, bool *fine)
{
	const UA_ExtensionObject *x = &res->historyData;
	uint32_t n = 0, raw = 0;

	UA_ByteString_clear(&r->cont);
	if (UA_StatusCode_isBad(res->statusCode)) {
		r->more = false;
		if (res->statusCode == UA_STATUSCODE_BADNOCONTINUATIONPOINTS || res->statusCode == UA_STATUSCODE_BADCONTINUATIONPOINTINVALID) {
			*fine = h->bulk.size > 1;
			h->bulk.size = h->bulk.max = h->bulk.size > 1 ? h->bulk.size / 2 : 1;
		} else if (busy_status(res->statusCode) && ++h->gaps[r->gap].busy < BUSY_MAX)
			*fine = false;
		else if (res->statusCode == UA_STATUSCODE_BADNODATA)
			window_done(h, r);
		else
			give_up(h, r, res->statusCode);
		return 0;
	}
	if (x->encoding >= UA_EXTENSIONOBJECT_DECODED && x->content.decoded.type == &UA_TYPES[UA_TYPES_HISTORYDATA] &&
	    x->content.decoded.data != NULL) {
		const UA_HistoryData *d = x->content.decoded.data;
		raw = (uint32_t)d->dataValuesSize;
		n = give(a, h, r, d);
	}
	if (res->continuationPoint.length == 0) {
		window_done(h, r);
		return raw;
	}
	r->empty = n > 0 ? 0 : r->empty + 1;
	/* Kept also when it is given up: it is released then. */
	if (res->continuationPoint.length > CONT_MAX || UA_ByteString_copy(&res->continuationPoint, &r->cont) != UA_STATUSCODE_GOOD ||
	    h->gaps[r->gap].values > a->data->history_max || r->empty >= EMPTY_MAX)
		give_up(h, r, UA_STATUSCODE_BADTOOMANYOPERATIONS);
	return raw;
}

static void ask(struct ua_agent *a, struct history *h, bool release, bool all);

static void
released(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	(void)arg;
	(void)response;
	if (UA_StatusCode_isBad(status))
		log_debug("opcua_release_refused", "source=\"%s\" status=%s", a->source->name, ua_status_name(status));
}

static void
next_or_settle(struct ua_agent *a, struct history *h, bool fine)
{
	bool more = false, left = false;

	for (uint32_t i = 0; i < h->nbatch; i++) {
		more |= h->batch[i].more;
		left |= h->batch[i].cont.length > 0 && (!h->batch[i].more || !fine);
	}
	if (left)
		ask(a, h, true, !fine);
	if (!more || !fine)
		settle(h);
	if (h->nbatch > 0 || h->queue.n > 0 || h->done + h->given_up == h->said)
		return;
	h->said = h->done + h->given_up;
	log_info("opcua_history_filled", "source=\"%s\" values=%llu gaps=%llu given_up=%llu dropped=%llu", a->source->name,
	    (unsigned long long)h->values, (unsigned long long)h->done, (unsigned long long)h->given_up, (unsigned long long)h->dropped);
}

static void
refused(struct ua_agent *a, struct history *h, UA_StatusCode status)
{
	struct reading *r = &h->batch[h->asked[0]];
	bool alone = h->nasked == 1 && !ua_status_lost(status);

	if (busy_status(status) && !(alone && ++h->gaps[r->gap].busy >= BUSY_MAX)) {
		if (h->nasked > 1 && !ua_status_lost(status))
			h->bulk.size = h->nasked / 2;
		wait(a, h);
		next_or_settle(a, h, false);
		return;
	}
	/* Too big, or too busy again and again, for one node's values: the gaps behind this one must not wait for ever. */
	if (ua_bulk_bad(&h->bulk, h->nasked, status) == UA_BULK_GUILTY || alone)
		give_up(h, r, status);
	next_or_settle(a, h, false);
}

static void
reply(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct history *h = arg;
	const UA_HistoryReadResponse *res = response;
	uint64_t values = 0;
	bool fine = true;

	if (!a->session || !h->busy)
		return;
	h->busy = false;
	if (UA_StatusCode_isBad(status) || res == NULL) {
		refused(a, h, status);
		return;
	}
	if (res->resultsSize != h->nasked) {
		ua_drop(a, "the server's answer about history has another number of results than asked for");
		return;
	}
	for (uint32_t i = 0; i < h->nasked; i++)
		values += take(a, h, &h->batch[h->asked[i]], &res->results[i], &fine);
	if (fine) {
		h->waits = 0;
		h->hold = mono_add(a->now, BETWEEN_NS + (int64_t)(values * (uint64_t)NS_PER_S / a->data->history_rate));
	} else
		wait(a, h);
	next_or_settle(a, h, fine);
}

/*
 * The call for all nodes of the batch that have more; or, with release, the one that lets go of continuation points nobody will use: of those that are over, or
 * all.
 */
static void
ask(struct ua_agent *a, struct history *h, bool release, bool all)
{
	UA_HistoryReadValueId ids[BATCH_MAX];
	UA_ReadRawModifiedDetails details;
	UA_HistoryReadRequest req;
	uint32_t page = a->data->history_rate / h->nbatch, n = 0;

	for (uint32_t i = 0; i < h->nbatch; i++) {
		struct reading *r = &h->batch[i];
		const struct ua_item *it = &a->items[h->gaps[r->gap].tag];
		if (release ? r->cont.length == 0 || (r->more && !all) : !r->more)
			continue;
		UA_HistoryReadValueId_init(&ids[n]);
		ids[n].nodeId = it->node;
		if (it->addr.index_range != NULL)
			ids[n].indexRange = UA_STRING((char *)(uintptr_t)it->addr.index_range);
		ids[n].continuationPoint = r->cont;
		h->asked[n++] = i;
	}
	UA_ReadRawModifiedDetails_init(&details);
	details.startTime = h->start;
	details.endTime = h->end;
	details.numValuesPerNode = page < 10 ? 10 : page > PAGE_MAX ? PAGE_MAX : page;
	UA_HistoryReadRequest_init(&req);
	req.historyReadDetails.encoding = UA_EXTENSIONOBJECT_DECODED_NODELETE;
	req.historyReadDetails.content.decoded.type = &UA_TYPES[UA_TYPES_READRAWMODIFIEDDETAILS];
	req.historyReadDetails.content.decoded.data = &details;
	req.timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH;
	req.releaseContinuationPoints = release;
	req.nodesToRead = ids;
	req.nodesToReadSize = n;
	int rv = ua_call(a, &req, &UA_TYPES[UA_TYPES_HISTORYREADREQUEST], &UA_TYPES[UA_TYPES_HISTORYREADRESPONSE], 0, release ? released : reply, h);
	if (release) {
		for (uint32_t i = 0; i < n; i++)
			UA_ByteString_clear(&h->batch[h->asked[i]].cont);
		return;
	}
	h->nasked = n;
	h->busy = rv == 0;
	if (rv != 0)
		h->hold = mono_add(a->now, 100 * NS_PER_MS);
}

void
ua_history_tick(struct ua_agent *a, struct mono now)
{
	struct history *h = ua_history_of(a);

	if (!a->session || h->busy || mono_before(now, h->hold))
		return;
	if (h->nbatch == 0 && (h->queue.n == 0 || !ua_gaps_choose(a, h))) {
		h->hold = mono_add(now, NS_PER_S);	/* attributes are still being read, or a node is not resolved */
		return;
	}
	ask(a, h, false, false);
}

struct mono
ua_history_next(struct ua_agent *a)
{
	const struct history *h = ua_history_of(a);
	return a->session && !h->busy && (h->nbatch > 0 || h->queue.n > 0) ? h->hold : MONO_NEVER;
}

void
ua_history_why(struct ua_agent *a, const struct ua_item *it, struct json *out)
{
	const struct history *h = ua_history_of(a);
	size_t i = (size_t)(it - a->items);

	if (!a->data->history || (h->filled[i] == 0 && h->status[i] == 0 && h->open[i] == 0 && h->queue.n == 0))
		return;
	json_key(out, "history");
	json_open(out, '{');
	json_key_u64(out, "values_filled", h->filled[i]);
	json_key(out, "gap");
	json_text(out, h->open[i] != 0 ? "waits for the first value after the outage" : h->busy_tag[i] ? "is being read" : "none or queued");
	json_key_u64(out, "gaps_waiting_of_source", h->queue.n + h->nbatch);
	if (h->status[i] != 0)
		json_key_text(out, "given_up", ua_status_name(h->status[i]));
	json_close(out, '}');
}
