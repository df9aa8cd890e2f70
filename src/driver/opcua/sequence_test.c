/* Messages of a subscription on the rig: sequence numbers, Republish, transfer; everything once, in order, whatever is lost. */
#include "driver/opcua/data_rig.h"
#include "driver/opcua/subs.h"

TEST(values_reach_their_tags_once_and_are_acknowledged)
{
	rig_begin(10);
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
	rig_begin(10);
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
	rig_begin(10);
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
	rig_begin(10);
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
	rig_begin(10);
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
	rig_begin(10);
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
		rig_begin(10);
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

	rig_begin(10);
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
	rig_begin(10);
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

TEST_MAIN
