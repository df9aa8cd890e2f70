/* Subscriptions as Part 4, 5.12 and 5.13 describe them, on the rig: creating, sequence numbers, Republish, transfer, what one bad item does to the others. */
#include "driver/opcua/data_rig.h"
#include "driver/opcua/subs.h"

static void
begin(uint32_t n)
{
	rig_open(n);
	rig_start();
	rig_up();
	rig_serve();
}

TEST(all_items_are_created_within_the_servers_limit)
{
	rig_open(1000);
	rig_start();
	rig_up();
	CHECK_INT(rig_count(UA_TYPES_CREATESUBSCRIPTIONREQUEST), 1);
	const UA_CreateSubscriptionRequest *q = rig_call_of(UA_TYPES_CREATESUBSCRIPTIONREQUEST)->request;
	CHECK(q->requestedPublishingInterval == 1000.0);
	CHECK_INT(q->requestedMaxKeepAliveCount, 10);
	CHECK_INT(q->requestedLifetimeCount, 60);
	CHECK(q->publishingEnabled);
	rig_serve();
	CHECK_INT(rig_server.items, 1000);
	CHECK_INT(rig_count(UA_TYPES_PUBLISHREQUEST), 3);	/* two and one a subscription */
	for (uint32_t i = 0; i < 1000; i++)
		CHECK_INT(ua_subs_of(&rig.a)->state[i], UA_MON_LIVE);
	rig_close();
}

static bool deadbands;
static UA_StatusCode
bad_items(const UA_MonitoredItemCreateRequest *q)
{
	CHECK_INT(q->itemToMonitor.nodeId.namespaceIndex, 1);
	CHECK_INT(q->itemToMonitor.attributeId, 13);
	CHECK(q->requestedParameters.samplingInterval == 1000.0);
	CHECK(q->requestedParameters.discardOldest);
	CHECK_INT(q->requestedParameters.queueSize, 2);
	if (q->requestedParameters.filter.encoding >= UA_EXTENSIONOBJECT_DECODED) {
		const UA_DataChangeFilter *f = q->requestedParameters.filter.content.decoded.data;
		CHECK_INT(f->deadbandType, UA_DEADBANDTYPE_PERCENT);
		CHECK(f->deadbandValue == 2.5);
		deadbands = true;
		return UA_STATUSCODE_BADDEADBANDFILTERINVALID;
	}
	return q->requestedParameters.clientHandle == 8 ? UA_STATUSCODE_BADNODEIDUNKNOWN : 0;
}

/* Time passes and the server says that it lives; nothing was sent yet. */
static void
idle(int64_t ns)
{
	for (; ns > 0; ns -= NS_PER_S) {
		rig_run(ns < NS_PER_S ? ns : NS_PER_S);
		rig_keep_alive(1, 1);
	}
}

TEST(a_bad_item_hurts_only_itself_and_is_tried_again_slowly)
{
	rig_open(100);
	rig_server.item = bad_items;
	deadbands = false;
	rig.a.items[20].addr.deadband_kind = UA_DEADBAND_PERCENT;
	rig.a.items[20].addr.deadband = 2.5;
	rig_start();
	rig_up();
	rig_serve();
	CHECK(deadbands);
	CHECK_INT(rig.troubles, 2);
	CHECK_INT(rig.a.items[7].trouble, UA_STATUSCODE_BADNODEIDUNKNOWN);
	CHECK(strstr(rig.why[20], "EURange") != NULL);
	CHECK_INT(ua_subs_of(&rig.a)->state[6], UA_MON_LIVE);
	CHECK_INT(ua_subs_of(&rig.a)->state[7], UA_MON_OFF);
	uint32_t before = rig.ncalls;
	idle(7 * NS_PER_S);
	CHECK(rig_call_of(UA_TYPES_CREATEMONITOREDITEMSREQUEST) == NULL);
	idle(6 * NS_PER_S);	/* 10 s, a quarter more at most */
	rig_serve();
	CHECK_INT(rig.troubles, 4);
	CHECK(rig.ncalls > before);
	CHECK_INT(rig.a.items[7].troubles, 2);
	rig_server.item = NULL;
	idle(26 * NS_PER_S);
	rig_serve();
	CHECK_INT(rig.a.items[7].trouble, 0);
	CHECK_INT(ua_subs_of(&rig.a)->state[7], UA_MON_LIVE);
	rig_close();
}

TEST(a_server_that_refuses_whole_calls_for_one_item_is_halved_down_to_it)
{
	rig_open(64);
	rig_start();
	rig_up();
	for (uint32_t calls = 0;; calls++) {
		struct rig_call *c;
		bool poisoned = false;
		if (rig_call_of(UA_TYPES_CREATESUBSCRIPTIONREQUEST) != NULL) {
			UA_CreateSubscriptionResponse r = { .subscriptionId = 1, .revisedPublishingInterval = 1000, .revisedMaxKeepAliveCount = 10 };
			rig_end(rig_call_of(UA_TYPES_CREATESUBSCRIPTIONREQUEST), 0, &r);
		}
		rig_tick();
		if ((c = rig_call_of(UA_TYPES_CREATEMONITOREDITEMSREQUEST)) == NULL)
			break;
		const UA_CreateMonitoredItemsRequest *q = c->request;
		for (size_t i = 0; i < q->itemsToCreateSize; i++)
			poisoned |= q->itemsToCreate[i].requestedParameters.clientHandle == 33;
		if (poisoned)
			rig_end(c, UA_STATUSCODE_BADNODEIDINVALID, NULL);
		else
			rig_answer_items(c);
		CHECK(calls < 40);
	}
	CHECK_INT(rig.troubles, 1);
	CHECK_INT(rig.a.items[32].trouble, UA_STATUSCODE_BADNODEIDINVALID);
	CHECK_INT(rig_server.items, 63);
	rig_close();
}

TEST(values_reach_their_tags_once_and_are_acknowledged)
{
	begin(10);
	CHECK(rig_publish_one(1, 1, 3, 33, 1));
	CHECK(rig_publish_one(1, 2, 4, 44, 2));
	CHECK_INT(rig.nvalues, 2);
	CHECK_INT(rig.values[1].tag, 4);
	CHECK_INT(rig.values[1].v, 44);
	CHECK_INT(rig.a.items[4].newest.ns, (RIG_EPOCH + 2) * NS_PER_S);
	CHECK_INT(rig_count(UA_TYPES_PUBLISHREQUEST), 3);
	const UA_PublishRequest *q = NULL;
	for (uint32_t i = 0; i < RIG_CALLS; i++)
		if (rig.calls[i].type != NULL && rig.calls[i].no == rig.ncalls - 1)
			q = rig.calls[i].request;
	CHECK(q != NULL);
	CHECK_INT(q->subscriptionAcknowledgementsSize, 1);
	CHECK_INT(q->subscriptionAcknowledgements[0].sequenceNumber, 2);
	rig_publish_one(1, 2, 4, 45, 2);	/* again: handed on already */
	rig_publish_one(7, 3, 4, 46, 2);	/* a subscription that is not ours */
	CHECK_INT(rig.nvalues, 2);
	rig_publish_one(1, 3, 99, 46, 2);	/* a handle that we never gave */
	CHECK_INT(rig.nvalues, 2);
	rig_close();
}

/* The server still has message `seq` if have says so. */
static bool
answer_republish(bool (*have)(uint32_t), uint32_t ntags)
{
	struct rig_call *c = rig_call_of(UA_TYPES_REPUBLISHREQUEST);
	if (c == NULL)
		return false;
	uint32_t seq = ((const UA_RepublishRequest *)c->request)->retransmitSequenceNumber;
	if (!have(seq)) {
		rig_end(c, UA_STATUSCODE_BADMESSAGENOTAVAILABLE, NULL);
		return true;
	}
	UA_RepublishResponse r;
	uint32_t tag = seq % ntags;
	int32_t v = (int32_t)seq;
	UA_DateTime t = rig_time(seq);
	UA_RepublishResponse_init(&r);
	rig_message(&r.notificationMessage, seq, &tag, &v, &t, 1);
	rig_end(c, 0, &r);
	UA_RepublishResponse_clear(&r);
	return true;
}
static bool has_all(uint32_t seq) { (void)seq; return true; }
static bool has_none(uint32_t seq) { (void)seq; return false; }

TEST(a_missing_message_is_asked_for_again_and_order_is_kept)
{
	begin(10);
	rig_publish_one(1, 1, 1, 1, 1);
	rig_publish_one(1, 3, 3, 3, 3);
	CHECK_INT(rig.nvalues, 1);
	rig_run(150 * NS_PER_MS);
	CHECK(rig_call_of(UA_TYPES_REPUBLISHREQUEST) == NULL);	/* it may be on its way */
	rig_run(60 * NS_PER_MS);
	CHECK(rig_call_of(UA_TYPES_REPUBLISHREQUEST) != NULL);
	CHECK(answer_republish(has_all, 10));
	CHECK_INT(rig.nvalues, 3);
	for (int i = 0; i < 3; i++)
		CHECK_INT(rig.values[i].v, i + 1);
	rig_close();
}

TEST(a_message_that_comes_late_by_itself_needs_no_republish)
{
	begin(10);
	rig_publish_one(1, 2, 2, 2, 2);
	rig_publish_one(1, 1, 1, 1, 1);
	CHECK_INT(rig.nvalues, 2);
	CHECK_INT(rig.values[0].v, 1);
	rig_run(NS_PER_S);
	CHECK(rig_call_of(UA_TYPES_REPUBLISHREQUEST) == NULL);
	rig_close();
}

TEST(a_keep_alive_that_knows_more_than_we_have_is_a_hole_too)
{
	begin(10);
	rig_publish_one(1, 1, 1, 1, 1);
	rig_keep_alive(1, 4);		/* 2 and 3 are missing */
	rig_run(300 * NS_PER_MS);
	CHECK(answer_republish(has_all, 10));
	rig_tick();
	CHECK(answer_republish(has_all, 10));
	rig_tick();
	CHECK(!answer_republish(has_all, 10));
	CHECK_INT(rig.nvalues, 3);
	rig_keep_alive(1, 4);
	rig_run(NS_PER_S);
	CHECK(rig_call_of(UA_TYPES_REPUBLISHREQUEST) == NULL);
	rig_close();
}

TEST(what_the_server_has_no_more_is_counted_and_the_rest_goes_on)
{
	begin(10);
	rig_publish_one(1, 1, 1, 1, 1);
	rig_publish_one(1, 4, 4, 4, 4);
	rig_run(300 * NS_PER_MS);
	while (answer_republish(has_none, 10))
		rig_tick();
	CHECK_INT(rig.nvalues, 2);
	CHECK_INT(ua_subs_of(&rig.a)->classes[0].sub.lost, 2);
	rig_publish_one(1, 5, 5, 5, 5);
	CHECK_INT(rig.nvalues, 3);
	rig_close();
}

TEST(sequence_numbers_go_on_from_1_after_the_largest)
{
	begin(10);
	struct ua_sub *s = &ua_subs_of(&rig.a)->classes[0].sub;
	s->expected = UINT32_MAX - 1;
	rig_publish_one(1, UINT32_MAX - 1, 1, 1, 1);
	rig_publish_one(1, 1, 3, 3, 3);
	rig_publish_one(1, UINT32_MAX, 2, 2, 2);
	rig_publish_one(1, 2, 4, 4, 4);
	CHECK_INT(rig.nvalues, 4);
	for (int i = 0; i < 4; i++)
		CHECK_INT(rig.values[i].v, i + 1);
	CHECK_INT(s->lost, 0);
	CHECK_INT(ua_seq_steps(UINT32_MAX, 1), 1);
	CHECK_INT(ua_seq_steps(1, UINT32_MAX), UINT32_MAX - 1);
	CHECK_INT(ua_seq_steps(5, 5), 0);
	rig_close();
}

/* A server that sends in any order, loses some and answers Republish: everything once, in order. One that forgets: everything else. */
static uint32_t seed;
static uint32_t dice(uint32_t n) { seed = seed * 1664525u + 1013904223u; return (seed >> 8) % n; }
static uint32_t forgets;
static bool sometimes(uint32_t seq) { return forgets == 0 || seq * 2654435761u % 100 >= forgets; }

static void
shuffle_run(uint32_t base, uint32_t n)
{
	uint32_t window[8], k = 0, nw = 0;

	while (k < n || nw > 0) {
		while (k < n && nw < 8) {
			uint32_t seq = base;
			for (uint32_t i = 0; i < k; i++)
				seq = ua_seq_next(seq);
			k++;
			if (k < n && dice(10) == 0)
				continue;	/* never sent by itself; not the last: nothing would tell of it */
			window[nw++] = seq;
		}
		if (nw == 0)
			break;
		uint32_t i = dice(nw);
		CHECK(rig_publish_one(1, window[i], window[i] % 10, (int32_t)window[i], window[i]));
		if (dice(20) == 0)
			rig_publish_one(1, window[i], window[i] % 10, (int32_t)window[i], window[i]);	/* twice */
		window[i] = window[--nw];
		if (dice(4) == 0)
			rig_run(50 * NS_PER_MS);
		while (dice(2) == 0 && answer_republish(sometimes, 10))
			rig_tick();
	}
	for (int i = 0; i < 3000; i++) {
		rig_run(100 * NS_PER_MS);
		if (!answer_republish(sometimes, 10) && i > 20)
			break;
	}
}

TEST(in_any_order_and_with_losses_each_message_is_handed_on_once_and_in_order)
{
	for (uint32_t trial = 0; trial < 60; trial++) {
		uint32_t base = trial % 3 == 0 ? UINT32_MAX - 40 : 1, n = 100;
		seed = trial + 1;
		forgets = trial % 2 == 0 ? 0 : 30;
		begin(10);
		struct ua_sub *s = &ua_subs_of(&rig.a)->classes[0].sub;
		s->expected = base;
		shuffle_run(base, n);
		uint32_t at = base, lost = 0;
		for (size_t i = 0; i < rig.nvalues; i++) {
			uint32_t skip = ua_seq_steps(at, (uint32_t)rig.values[i].v);
			CHECK(skip < n);	/* never backwards, never twice */
			lost += skip;
			at = ua_seq_next((uint32_t)rig.values[i].v);
		}
		CHECK_INT(rig.nvalues + lost, n);
		CHECK_INT(s->lost, lost);
		if (forgets == 0)
			CHECK_INT(lost, 0);
		CHECK_STR(rig.dropped, "");
		rig_close();
	}
}

TEST(silence_beyond_keep_alive_and_timeout_drops_the_session)
{
	begin(10);
	rig_publish_one(1, 1, 1, 1, 1);
	rig_run(14 * NS_PER_S);
	CHECK_STR(rig.dropped, "");
	rig_keep_alive(1, 2);
	rig_run(14 * NS_PER_S);
	CHECK_STR(rig.dropped, "");
	rig_run(3 * NS_PER_S);
	CHECK(strstr(rig.dropped, "no message of subscription 1") != NULL);
	rig_close();
}

TEST(too_many_publish_requests_lowers_their_number)
{
	begin(10);
	CHECK_INT(rig_count(UA_TYPES_PUBLISHREQUEST), 3);
	rig_end(rig_call_of(UA_TYPES_PUBLISHREQUEST), UA_STATUSCODE_BADTOOMANYPUBLISHREQUESTS, NULL);
	rig_run(NS_PER_S);
	CHECK_INT(rig_count(UA_TYPES_PUBLISHREQUEST), 2);
	rig_publish_one(1, 1, 1, 1, 1);
	CHECK_INT(rig_count(UA_TYPES_PUBLISHREQUEST), 2);
	rig_close();
}

/* Whatever a server says at once to each request: it is not asked as fast as it answers. */
TEST(publish_requests_that_fail_at_once_are_not_repeated_without_end)
{
	static const UA_StatusCode says[] = { UA_STATUSCODE_BADTOOMANYPUBLISHREQUESTS, UA_STATUSCODE_BADTIMEOUT };

	for (size_t i = 0; i < 2; i++) {
		struct rig_call *c;
		uint32_t sent = 0;
		begin(1);
		for (int k = 0; k < 400 && rig.dropped[0] == '\0'; k++) {
			while ((c = rig_call_of(UA_TYPES_PUBLISHREQUEST)) != NULL && sent < 1000) {
				sent++;
				rig_end(c, says[i], NULL);
			}
			rig_run(10 * NS_PER_MS);
		}
		CHECK(sent > 3 && sent < 30);
		rig_close();
	}
}

TEST(a_subscription_that_dies_again_and_again_is_made_ever_more_slowly)
{
	begin(1);
	for (int k = 0; k < 6000; k++) {
		struct rig_call *c;
		if (ua_subs_of(&rig.a)->classes[0].state == UA_SUB_UP && (c = rig_call_of(UA_TYPES_PUBLISHREQUEST)) != NULL)
			rig_end(c, UA_STATUSCODE_BADNOSUBSCRIPTION, NULL);
		rig_run(10 * NS_PER_MS);
		rig_serve();
	}
	CHECK(rig_server.subs >= 4 && rig_server.subs < 10);
	rig_close();
}

TEST(a_subscription_that_nobody_follows_is_ended)
{
	struct rig_call *c;

	begin(1);
	for (uint32_t k = 1; k <= 8; k++) {
		CHECK(rig_call_of(UA_TYPES_DELETESUBSCRIPTIONSREQUEST) == NULL);
		rig_publish_one(77, k, 0, 1, 1);
	}
	CHECK((c = rig_call_of(UA_TYPES_DELETESUBSCRIPTIONSREQUEST)) != NULL);
	CHECK_INT(((const UA_DeleteSubscriptionsRequest *)c->request)->subscriptionIds[0], 77);
	CHECK_INT(rig.nvalues, 0);
	rig_close();
}

TEST(a_subscription_that_the_server_ends_is_made_anew)
{
	begin(10);
	rig_publish_one(1, 1, 1, 1, 1);
	UA_NotificationMessage m;
	UA_StatusChangeNotification *n = UA_StatusChangeNotification_new();
	n->status = UA_STATUSCODE_BADTIMEOUT;
	UA_NotificationMessage_init(&m);
	m.sequenceNumber = 2;
	m.notificationData = UA_Array_new(1, &UA_TYPES[UA_TYPES_EXTENSIONOBJECT]);
	m.notificationDataSize = 1;
	UA_ExtensionObject_setValue(m.notificationData, n, &UA_TYPES[UA_TYPES_STATUSCHANGENOTIFICATION]);
	rig_publish(1, &m);
	rig_run(NS_PER_S);
	rig_serve();
	CHECK_INT(rig_server.subs, 2);
	CHECK_INT(rig_server.items, 20);
	rig_publish_one(2, 1, 1, 2, 5);
	CHECK_INT(rig.nvalues, 2);
	CHECK_STR(rig.dropped, "");
	rig_close();
}

TEST(a_server_restarted_with_its_namespaces_moved_has_all_items_right)
{
	begin(1000);
	rig_down();
	rig.nsu[1] = "urn:other";
	rig.nsu[2] = "urn:a";
	rig.a.nnamespaces = 3;
	rig.a.namespaces_moved = true;
	rig_up();
	CHECK(rig_call_of(UA_TYPES_TRANSFERSUBSCRIPTIONSREQUEST) == NULL);
	for (struct rig_call *c; (rig_serve(), c = rig_call_of(UA_TYPES_CREATEMONITOREDITEMSREQUEST)) != NULL;)
		rig_answer_items(c);
	for (uint32_t i = 0; i < 1000; i++) {
		CHECK_INT(ua_subs_of(&rig.a)->state[i], UA_MON_LIVE);
		CHECK_INT(rig.a.items[i].node.namespaceIndex, 2);
	}
	CHECK_INT(rig_server.subs, 2);
	rig_close();
}

static void
answer_transfer(UA_StatusCode status, const uint32_t *available, size_t n)
{
	struct rig_call *c = rig_call_of(UA_TYPES_TRANSFERSUBSCRIPTIONSREQUEST);
	UA_TransferResult res = { .statusCode = status, .availableSequenceNumbers = (uint32_t *)(uintptr_t)available, .availableSequenceNumbersSize = n };
	UA_TransferSubscriptionsResponse r = { .results = &res, .resultsSize = 1 };

	CHECK(c != NULL);
	CHECK(((const UA_TransferSubscriptionsRequest *)c->request)->sendInitialValues);
	CHECK_INT(((const UA_TransferSubscriptionsRequest *)c->request)->subscriptionIds[0], 1);
	rig_end(c, 0, &r);
}

TEST(after_a_transfer_nothing_is_lost_and_nothing_comes_twice)
{
	static const uint32_t available[] = { 2, 3, 4 };

	begin(10);
	rig_publish_one(1, 1, 1, 1, 1);
	rig_publish_one(1, 2, 2, 2, 2);		/* had; its acknowledgement was lost with the session */
	rig_down();
	rig_run(3 * NS_PER_S);
	rig.a.same_server = true;
	rig_up();
	answer_transfer(0, available, 3);
	rig_serve();
	while (answer_republish(has_all, 10))
		rig_serve();
	CHECK_INT(rig.nvalues, 4);
	CHECK_INT(rig.values[3].v, 4);
	/* The initial values: tag 3 and 4 as republished, tag 2 as before the loss (it is bad here since, so it comes), tag 5 new. */
	UA_NotificationMessage m;
	rig_message(&m, 5, (uint32_t[]){ 2, 3, 4, 5 }, (int32_t[]){ 2, 3, 4, 5 },
	    (UA_DateTime[]){ rig_time(2), rig_time(3), rig_time(4), rig_time(5) }, 4);
	rig_publish(1, &m);
	CHECK_INT(rig.nvalues, 6);
	CHECK_INT(rig.values[4].tag, 2);
	CHECK_INT(rig.values[5].tag, 5);
	CHECK_INT(rig_server.subs, 1);
	rig_run(5 * NS_PER_S);
	CHECK(rig_call_of(UA_TYPES_HISTORYREADREQUEST) == NULL);
	rig_close();
}

TEST(a_refused_transfer_makes_all_anew)
{
	begin(10);
	rig_publish_one(1, 1, 1, 1, 1);
	rig_down();
	rig.a.same_server = true;
	rig_up();
	answer_transfer(UA_STATUSCODE_BADUSERACCESSDENIED, NULL, 0);
	rig_serve();
	CHECK_INT(rig_server.subs, 2);
	CHECK_INT(rig_server.items, 20);
	rig_publish_one(2, 1, 1, 1, 1);		/* the same value: the tag was bad, it must come */
	CHECK_INT(rig.nvalues, 2);
	rig_close();
}

TEST(a_connection_that_takes_no_more_calls_is_tried_again)
{
	rig_open(100);
	rig_start();
	rig.full = true;
	rig_up();
	rig_run(5 * NS_PER_S);
	rig.full = false;
	for (int i = 0; i < 10; i++) {
		rig_run(100 * NS_PER_MS);
		rig_serve();
	}
	CHECK_INT(rig_server.items, 100);
	CHECK_INT(rig_count(UA_TYPES_PUBLISHREQUEST), 3);
	rig_close();
}

TEST(a_call_too_big_for_the_channel_is_made_of_fewer_items)
{
	rig_open(100);
	rig_start();
	rig.bytes_max = 700;
	rig_up();
	for (int i = 0; i < 100; i++) {
		rig_run(100 * NS_PER_MS);
		rig_serve();
	}
	CHECK_INT(rig_server.items, 100);
	CHECK_INT(rig.a.items[99].access_level, 5);
	rig_close();
}

TEST(a_deaf_subscription_is_found_by_reading_and_made_anew)
{
	rig_open(10);
	rig.data.stale_ns = 8 * NS_PER_S;
	rig_start();
	rig_up();
	rig_serve();
	for (uint32_t i = 0; i < 10; i++)
		rig_publish_one(1, i + 1, i, 1, 1);
	for (int s = 0; s < 40 && rig_server.subs == 1; s++) {
		struct rig_call *c;
		rig_run(NS_PER_S);
		rig_keep_alive(1, 11);
		rig_serve();
		if ((c = rig_call_of(UA_TYPES_READREQUEST)) == NULL)
			continue;
		const UA_ReadRequest *q = c->request;
		UA_DataValue v[10];
		UA_ReadResponse r = { .results = v, .resultsSize = q->nodesToReadSize };
		for (size_t i = 0; i < q->nodesToReadSize; i++)	/* tag3 has changed, others only in their time */
			v[i] = rig_dv(q->nodesToRead[i].nodeId.identifier.string.data[3] == '3' ? 2 : 1, rig_time(20));
		rig_end(c, 0, &r);
		for (size_t i = 0; i < r.resultsSize; i++)
			UA_DataValue_clear(&v[i]);
		rig_serve();
	}
	CHECK_INT(ua_subs_of(&rig.a)->rebuilt, 1);
	CHECK_INT(rig_server.subs, 2);
	rig_close();
}

TEST_MAIN
