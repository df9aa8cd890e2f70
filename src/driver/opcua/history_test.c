/*
 * Filling gaps, on the rig. The server's history is the test's own: what a gap should give is computed from it without the part, so that each fill can be compared value by
 * value: no hole, nothing twice.
 */
#include "driver/opcua/data_rig.h"
#include "driver/opcua/history_int.h"
#include "driver/opcua/resolve.h"
#include "driver/opcua/subs.h"

#define PER_ANSWER 7u		/* values of one node that our server gives in one answer */

static uint32_t calls, releases, conts;		/* HistoryRead calls, releases, continuation points that are open */

/* The server's history: tag t has the value k at k seconds, for every k that t + 1 divides. */
static bool has(uint32_t tag, int32_t k) { return k % (int32_t)(tag + 1) == 0; }

static void
node_answer(const UA_HistoryReadRequest *q, const UA_HistoryReadValueId *id, UA_HistoryReadResult *res)
{
	const UA_ReadRawModifiedDetails *d = q->historyReadDetails.content.decoded.data;
	uint32_t tag = rig_tag_of(&id->nodeId);
	UA_HistoryData *h = UA_HistoryData_new();
	int32_t from = 0, n = 0;

	CHECK_INT(d->returnBounds, false);
	CHECK(d->startTime < d->endTime);
	if (id->continuationPoint.length > 0) {
		CHECK_INT(id->continuationPoint.length, sizeof from);
		memcpy(&from, id->continuationPoint.data, sizeof from);
		conts--;
	} else
		while (rig_time(from) < d->startTime)
			from++;
	h->dataValues = UA_Array_new(PER_ANSWER, &UA_TYPES[UA_TYPES_DATAVALUE]);
	for (; rig_time(from) <= d->endTime; from++) {	/* a server that takes the end in: those exist */
		if (!has(tag, from))
			continue;
		if (n == PER_ANSWER || (UA_UInt32)n == d->numValuesPerNode) {
			UA_ByteString_allocBuffer(&res->continuationPoint, sizeof from);
			memcpy(res->continuationPoint.data, &from, sizeof from);
			conts++;
			break;
		}
		h->dataValues[n++] = rig_dv(from, rig_time(from));
	}
	h->dataValuesSize = (size_t)n;
	if (n == 0)
		UA_Array_delete(h->dataValues, PER_ANSWER, &UA_TYPES[UA_TYPES_DATAVALUE]), h->dataValues = NULL;
	UA_ExtensionObject_setValue(&res->historyData, h, &UA_TYPES[UA_TYPES_HISTORYDATA]);
}

static bool
answer_history(void)
{
	struct rig_call *c = rig_call_of(UA_TYPES_HISTORYREADREQUEST);
	UA_HistoryReadResponse r;

	if (c == NULL)
		return false;
	const UA_HistoryReadRequest *q = c->request;
	UA_HistoryReadResponse_init(&r);
	r.resultsSize = q->nodesToReadSize;
	r.results = UA_Array_new(r.resultsSize, &UA_TYPES[UA_TYPES_HISTORYREADRESULT]);
	CHECK(q->nodesToReadSize <= 10);
	if (q->releaseContinuationPoints) {
		releases++;
		conts -= (uint32_t)q->nodesToReadSize;
	} else
		for (size_t i = 0; i < r.resultsSize; i++)
			node_answer(q, &q->nodesToRead[i], &r.results[i]);
	calls++;
	rig_end(c, 0, &r);
	UA_HistoryReadResponse_clear(&r);
	return true;
}

/* All tags have a value at `at_s`; sequence number seq. */
static void
all_at(uint32_t sub, uint32_t seq, uint32_t n, int32_t at_s)
{
	uint32_t tags[64];
	int32_t v[64];
	UA_DateTime t[64];
	UA_NotificationMessage m;

	for (uint32_t i = 0; i < n; i++) {
		tags[i] = i;
		v[i] = at_s;
		t[i] = rig_time(at_s);
	}
	rig_message(&m, seq, tags, v, t, n);
	rig_publish(sub, &m);
}

static void
begin(uint32_t n)
{
	calls = releases = conts = 0;
	rig_begin(n);
}

/* n tags are there at `from`, then the session is lost, and again at `to`. */
static void
gap(uint32_t n, int32_t from, int32_t to)
{
	all_at(1, 1, n, from);
	rig_down();
	rig_up();
	rig_serve();
	all_at(2, 1, n, to);
}

static void
work(uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++) {
		rig_run(500 * NS_PER_MS);
		rig_keep_alive(rig_server.subs, 2);
		rig_serve();
		answer_history();
	}
}

/* Of every tag: exactly the server's values in (from, to), ascending, marked historical. */
static void
check_filled(uint32_t n, int32_t from, int32_t to, bool full)
{
	for (uint32_t tag = 0; tag < n; tag++) {
		int32_t at = from;
		uint32_t count = 0, want = 0;
		for (size_t i = 0; i < rig.nvalues; i++) {
			const struct rig_value *v = &rig.values[i];
			if (v->tag != tag || (v->flags & SAMPLE_HISTORICAL) == 0)
				continue;
			CHECK_INT(v->flags, SAMPLE_HISTORICAL | SAMPLE_LATE);
			CHECK(v->v > at && v->v < to);
			CHECK_INT(v->source, rig_time((double)v->v));
			at = (int32_t)v->v;
			count++;
		}
		for (int32_t k = from + 1; k < to; k++)
			want += has(tag, k);
		if (full)
			CHECK_INT(count, want);
	}
	CHECK_INT(conts, 0);
}

TEST(a_gap_is_filled_with_what_the_server_has_and_nothing_else)
{
	begin(25);
	all_at(1, 1, 25, 60);
	rig_down();
	rig_run(120 * NS_PER_S);
	rig_up();
	rig_serve();
	all_at(2, 1, 25, 180);
	CHECK_INT(rig.nvalues, 50);
	work(60);
	check_filled(25, 60, 180, true);
	CHECK_INT(ua_history_of(&rig.a)->nfree, ua_history_of(&rig.a)->room);
	rig_close();
}

TEST(long_gaps_are_read_in_windows)
{
	begin(3);
	rig.data.history_window_ns = 50 * NS_PER_S;
	gap(3, 60, 500);
	work(200);
	check_filled(3, 60, 500, true);
	CHECK(calls > 9);
	rig_close();
}

TEST(an_outage_during_the_fill_only_interrupts_it)
{
	begin(12);
	gap(12, 60, 400);
	work(14);
	CHECK(rig.nvalues > 24);
	rig_down();
	conts = 0;			/* they are the session's */
	rig_up();
	rig_serve();
	all_at(3, 1, 12, 500);
	work(300);
	/* Two gaps: 60..400 and 400..500, and the live value at 400 is not given again. */
	for (size_t i = 0; i < rig.nvalues; i++)
		CHECK((rig.values[i].flags & SAMPLE_HISTORICAL) == 0 || rig.values[i].v != 400);
	for (uint32_t tag = 0; tag < 12; tag++) {
		uint32_t want = 0, count = 0;
		bool seen[501] = { false };
		for (int32_t k = 61; k < 500; k++)
			want += has(tag, k) && k != 400;
		for (size_t i = 0; i < rig.nvalues; i++)
			if (rig.values[i].tag == tag && (rig.values[i].flags & SAMPLE_HISTORICAL) != 0) {
				CHECK(!seen[rig.values[i].v]);
				seen[rig.values[i].v] = true;
				count++;
			}
		CHECK_INT(count, want);
	}
	rig_close();
}

TEST(a_tag_that_has_not_changed_for_long_is_not_read_from_long_ago)
{
	begin(1);
	rig_run(NS_PER_S);
	UA_NotificationMessage m;
	rig_message(&m, 1, (uint32_t[]){ 0 }, (int32_t[]){ 1 }, (UA_DateTime[]){ rig_time(-86400.0 * 300) }, 1);
	m.publishTime = rig_time(1000);
	rig_publish(1, &m);
	rig_down();
	rig_up();
	rig_serve();
	all_at(2, 1, 1, 1100);
	for (int i = 0; i < 8 && rig_call_of(UA_TYPES_HISTORYREADREQUEST) == NULL; i++) {
		rig_run(NS_PER_S);
		rig_serve();
	}
	struct rig_call *c = rig_call_of(UA_TYPES_HISTORYREADREQUEST);
	CHECK(c != NULL);
	const UA_ReadRawModifiedDetails *d = ((const UA_HistoryReadRequest *)c->request)->historyReadDetails.content.decoded.data;
	CHECK_INT(d->startTime, rig_time(940));
	CHECK_INT(d->endTime, rig_time(1100));
	rig_close();
}

TEST(the_same_value_after_the_outage_leaves_no_gap)
{
	begin(2);
	gap(2, 60, 60);
	work(20);
	CHECK_INT(calls, 0);
	CHECK_INT(ua_history_of(&rig.a)->nfree, ua_history_of(&rig.a)->room);
	rig_close();
}

TEST(a_busy_server_is_left_alone_ever_longer)
{
	uint32_t asked = 0;

	begin(2);
	gap(2, 60, 100);
	for (int s = 0; s < 120; s++) {
		struct rig_call *c;
		rig_run(NS_PER_S);
		rig_keep_alive(2, 2);
		rig_serve();
		if ((c = rig_call_of(UA_TYPES_HISTORYREADREQUEST)) != NULL) {
			rig_end(c, UA_STATUSCODE_BADTOOMANYOPERATIONS, NULL);
			asked++;
		}
	}
	CHECK(asked >= 3 && asked <= 7);	/* after 5, 10, 20, 40 s, more or less a quarter */
	work(300);
	check_filled(2, 60, 100, true);
	rig_close();
}

TEST(continuations_without_end_are_ended_and_released)
{
	begin(1);
	gap(1, 60, 100);
	for (int i = 0; i < 100; i++) {
		struct rig_call *c;
		rig_run(500 * NS_PER_MS);
		rig_keep_alive(2, 2);
		rig_serve();
		if ((c = rig_call_of(UA_TYPES_HISTORYREADREQUEST)) == NULL)
			continue;
		releases += ((const UA_HistoryReadRequest *)c->request)->releaseContinuationPoints;
		calls++;
		UA_HistoryReadResult res = { .continuationPoint = UA_STRING("more") };
		UA_HistoryReadResponse r = { .results = &res, .resultsSize = 1 };
		rig_end(c, 0, &r);
	}
	CHECK(calls <= 12);
	CHECK_INT(releases, 1);
	CHECK_INT(ua_history_of(&rig.a)->given_up, 1);
	rig_close();
}

/* The server never ends tag 0's answers and gives tag 1's in pages: what is released is what nobody will use. */
TEST(one_node_that_is_given_up_leaves_the_continuation_points_of_others)
{
	uint32_t released[2] = { 0 }, pages = 0;

	begin(2);
	gap(2, 60, 100);
	for (int i = 0; i < 100; i++) {
		struct rig_call *c;
		rig_run(500 * NS_PER_MS);
		rig_keep_alive(2, 2);
		rig_serve();
		while ((c = rig_call_of(UA_TYPES_HISTORYREADREQUEST)) != NULL) {
			const UA_HistoryReadRequest *q = c->request;
			UA_HistoryReadResult res[2] = { { .continuationPoint = UA_STRING("zero") }, { .continuationPoint = UA_STRING("one") } };
			UA_HistoryReadResponse r = { .results = res, .resultsSize = q->nodesToReadSize };
			UA_HistoryData d = { 0 };
			UA_DataValue dv = rig_dv(1, rig_time(61 + pages));
			for (size_t k = 0; k < q->nodesToReadSize; k++) {
				uint32_t tag = rig_tag_of(&q->nodesToRead[k].nodeId);
				CHECK(q->releaseContinuationPoints || pages == 0 || q->nodesToRead[k].continuationPoint.length > 0);
				released[tag] += q->releaseContinuationPoints;
				res[k].continuationPoint = UA_STRING(tag == 0 ? "zero" : "one");
				if (tag == 0 || q->releaseContinuationPoints)
					continue;
				d.dataValues = &dv;
				d.dataValuesSize = 1;
				UA_ExtensionObject_setValueNoDelete(&res[k].historyData, &d, &UA_TYPES[UA_TYPES_HISTORYDATA]);
				if (++pages == 30)
					res[k].continuationPoint = UA_BYTESTRING_NULL;
			}
			rig_end(c, 0, &r);
			UA_DataValue_clear(&dv);
		}
	}
	CHECK_INT(released[0], 1);
	CHECK_INT(released[1], 0);
	CHECK_INT(pages, 30);
	CHECK_INT(ua_history_of(&rig.a)->filled[1], 30);
	CHECK_INT(ua_history_of(&rig.a)->given_up, 1);
	rig_close();
}

/* answers: what a call that has tag 0 comes to, as a whole or for its node. */
static void
others_are_filled_though(UA_StatusCode call, UA_StatusCode node)
{
	uint32_t asked = 0;

	begin(3);
	gap(3, 60, 100);
	for (int i = 0; i < 8000; i++) {
		struct rig_call *c;
		rig_run(500 * NS_PER_MS);
		rig_keep_alive(2, 2);
		rig_serve();
		if ((c = rig_call_of(UA_TYPES_HISTORYREADREQUEST)) == NULL)
			continue;
		const UA_HistoryReadRequest *q = c->request;
		bool has_0 = false;
		for (size_t k = 0; k < q->nodesToReadSize; k++)
			has_0 |= rig_tag_of(&q->nodesToRead[k].nodeId) == 0;
		if (!has_0 || q->releaseContinuationPoints)
			answer_history();
		else if (asked++, call != 0)
			rig_end(c, call, NULL);
		else {
			UA_HistoryReadResponse r = { .resultsSize = q->nodesToReadSize };
			r.results = UA_Array_new(r.resultsSize, &UA_TYPES[UA_TYPES_HISTORYREADRESULT]);
			for (size_t k = 0; k < r.resultsSize; k++)
				if (rig_tag_of(&q->nodesToRead[k].nodeId) == 0)
					r.results[k].statusCode = node;
				else
					node_answer(q, &q->nodesToRead[k], &r.results[k]);
			rig_end(c, 0, &r);
			UA_HistoryReadResponse_clear(&r);
		}
	}
	CHECK(asked < 40);
	CHECK_INT(ua_history_of(&rig.a)->given_up, 1);
	CHECK_INT(ua_history_of(&rig.a)->filled[0], 0);
	CHECK_INT(ua_history_of(&rig.a)->filled[1], 19);
	CHECK_INT(ua_history_of(&rig.a)->filled[2], 13);
	CHECK_INT(ua_history_of(&rig.a)->nfree, ua_history_of(&rig.a)->room);
	rig_close();
}

TEST(one_node_that_is_too_much_for_the_server_does_not_hold_the_others_up)
{
	others_are_filled_though(UA_STATUSCODE_BADRESPONSETOOLARGE, 0);
	others_are_filled_though(UA_STATUSCODE_BADTIMEOUT, 0);
	others_are_filled_though(0, UA_STATUSCODE_BADNOCOMMUNICATION);
}

TEST(a_node_without_history_costs_nothing_after_it_said_so)
{
	begin(1);
	all_at(1, 1, 1, 60);
	rig_run(4 * NS_PER_S);
	rig_serve();
	CHECK_INT(rig.a.items[0].access_level, 5);
	rig.a.items[0].access_level = 1;
	rig.a.same_server = true;
	rig.data.transfer = false;
	rig_down();
	rig_up();
	rig_serve();
	all_at(2, 1, 1, 100);
	work(20);
	CHECK_INT(calls, 0);
	rig_close();
}

TEST(flapping_for_a_day_takes_no_memory)
{
	uint32_t seq = 1;

	begin(5);
	size_t used = rig.a.memory.used;
	for (int i = 0; i < 3000; i++) {
		all_at(rig_server.subs, seq, 5, 60 + i * 10);
		rig_down();
		rig_up();
		rig_serve();
	}
	CHECK_INT(rig.a.memory.used, used);
	CHECK(ua_history_of(&rig.a)->dropped > 0);
	rig_close();
}

TEST_MAIN
