/* Subscriptions as Part 4, 5.12 and 5.13 describe them, on the rig: creating, ending, what one bad item does to the others. */
#include "driver/opcua/data_rig.h"
#include "driver/opcua/subs.h"

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

TEST(silence_beyond_keep_alive_and_timeout_drops_the_session)
{
	rig_begin(10);
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
	rig_begin(10);
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
		rig_begin(1);
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
	rig_begin(1);
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

	rig_begin(1);
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
	rig_begin(10);
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
	rig_begin(1000);
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
