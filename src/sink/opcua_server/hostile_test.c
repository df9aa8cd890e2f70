/* tsan */
/* What clients ask that nobody should: others' subscriptions, who is there, and more than there is. */
#include "sink/opcua_server/client_rig.h"

static struct spool_tag tags[] = {
	{ .name = "a", .unit = "", .help = "", .type = VALUE_F64 },
	{ .name = "state", .unit = "", .help = "", .type = VALUE_U16 },
};

TEST(a_client_without_a_name_takes_no_subscription_of_another)
{
	struct rig r;
	UA_TransferSubscriptionsRequest q;
	UA_TransferSubscriptionsResponse p;

	rig_begin(&r);
	CHECK_INT(rig_add(&r, tags, 1, NULL), 0);
	UA_Client *a = rig_client(&r), *b = rig_client(&r);
	UA_CreateSubscriptionResponse s = UA_Client_Subscriptions_create(a, UA_CreateSubscriptionRequest_default(), NULL, NULL, NULL);
	CHECK_INT(s.responseHeader.serviceResult, 0);
	UA_TransferSubscriptionsRequest_init(&q);
	q.subscriptionIds = &s.subscriptionId;
	q.subscriptionIdsSize = 1;
	__UA_Client_Service(b, &q, &UA_TYPES[UA_TYPES_TRANSFERSUBSCRIPTIONSREQUEST], &p, &UA_TYPES[UA_TYPES_TRANSFERSUBSCRIPTIONSRESPONSE]);
	CHECK_INT(p.responseHeader.serviceResult, 0);
	CHECK_INT(p.resultsSize, 1);
	CHECK_INT(p.results[0].statusCode, UA_STATUSCODE_BADUSERACCESSDENIED);
	UA_TransferSubscriptionsResponse_clear(&p);
	rig_leave(b);
	rig_end(&r, a);
}

/* All below a node, as far as it says who is logged in: readable or not? Ends: the objects of sessions are three levels deep. */
static unsigned
read_below(UA_Client *c, UA_NodeId id, UA_UInt16 ns, unsigned *seen, int depth)
{
	UA_BrowseDescription d = { .nodeId = id, .resultMask = UA_BROWSERESULTMASK_ALL, .referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HIERARCHICALREFERENCES),
	    .includeSubtypes = true };
	UA_BrowseRequest q = { .nodesToBrowse = &d, .nodesToBrowseSize = 1 };
	UA_BrowseResponse p = UA_Client_Service_browse(c, q);
	unsigned readable = 0;

	for (size_t i = 0; p.resultsSize == 1 && i < p.results[0].referencesSize; i++) {
		const UA_ReferenceDescription *to = &p.results[0].references[i];
		UA_Variant v;
		if (to->nodeId.nodeId.namespaceIndex == ns && to->nodeClass == UA_NODECLASS_VARIABLE) {
			(*seen)++;
			if (UA_Client_readValueAttribute(c, to->nodeId.nodeId, &v) == UA_STATUSCODE_GOOD) {
				readable++;
				UA_Variant_clear(&v);
			}
		}
		if (depth > 0)
			readable += read_below(c, to->nodeId.nodeId, ns, seen, depth - 1);
	}
	UA_BrowseResponse_clear(&p);
	return readable;
}

TEST(who_is_logged_in_is_nobodys_business)
{
	unsigned seen = 0;
	struct rig r;
	UA_Variant v;

	rig_begin(&r);
	CHECK_INT(rig_add(&r, tags, 1, NULL), 0);
	UA_Client *c = rig_client(&r);
	CHECK_INT(read_below(c, UA_NODEID_NUMERIC(0, 3706), 1, &seen, 2), 0);	/* SessionsDiagnosticsSummary */
	CHECK(seen > 0);
	CHECK_INT(UA_Client_readValueAttribute(c, UA_NODEID_NUMERIC(0, 3708), &v), UA_STATUSCODE_BADUSERACCESSDENIED);	/* SessionSecurityDiagnosticsArray */
	CHECK_INT(UA_Client_readValueAttribute(c, UA_NODEID_NUMERIC(0, 2275), &v), 0);	/* ServerDiagnosticsSummary: numbers alone */
	UA_Variant_clear(&v);
	rig_end(&r, c);
}

static void
on_text(UA_Client *c, UA_UInt32 sub, void *sub_ctx, UA_UInt32 mon, void *ctx, UA_DataValue *v)
{
	bool *seen = ctx;
	(void)c, (void)sub, (void)sub_ctx, (void)mon;

	if (v->hasValue && v->value.type == &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]) {
		const UA_LocalizedText *t = v->value.data;
		*seen = *seen || (t->text.length == 7 && memcmp(t->text.data, "Execute", 7) == 0);
	}
}

TEST(the_text_of_a_state_changes_for_those_who_watch_it)
{
	struct enum_item items[] = { { .value = 0, .text = "Stopped" }, { .value = 6, .text = "Execute" } };
	struct enum_def states = { .name = "s", .items = items, .n = 2 };
	struct tag t = { .path = "state", .enumeration = &states };
	struct source source = { .name = "s", .tags = &t, .ntags = 1 };
	struct flow_tag ft = { 0 };
	struct flow flow = { .tags = &ft, .ntags = 1 };
	double intervals[] = { 0, 250 };
	bool seen[2] = { false, false };
	struct rig r;

	rig_begin(&r);
	r.plan.sources = &source;
	r.plan.nsources = 1;
	CHECK_INT(rig_add(&r, tags + 1, 1, &flow), 0);
	UA_Client *c = rig_client(&r);
	for (int i = 0; i < 2; i++) {
		UA_CreateSubscriptionRequest q = UA_CreateSubscriptionRequest_default();
		q.requestedPublishingInterval = 50;
		UA_CreateSubscriptionResponse s = UA_Client_Subscriptions_create(c, q, NULL, NULL, NULL);
		CHECK_INT(s.responseHeader.serviceResult, 0);
		UA_MonitoredItemCreateRequest m = UA_MonitoredItemCreateRequest_default(rig_node("state//ValueAsText"));
		m.requestedParameters.samplingInterval = intervals[i];
		UA_MonitoredItemCreateResult got = UA_Client_MonitoredItems_createDataChange(c, s.subscriptionId, UA_TIMESTAMPSTORETURN_BOTH, m, &seen[i],
		    on_text, NULL);
		CHECK_INT(got.statusCode, 0);
		CHECK(got.revisedSamplingInterval > 0);
	}
	struct sample v = { .tag = 0, .source.ns = T0, .arrival.ns = T0, .v = { .type = VALUE_U16, .u = 6 } };
	rig_offer(&r, &v, 1, true);
	for (int i = 0; i < 2000 && !(seen[0] && seen[1]); i++) {
		rig_pump(&r);
		UA_Client_run_iterate(c, 5);
	}
	CHECK(seen[0] && seen[1]);
	rig_end(&r, c);
}

TEST(a_value_that_the_client_itself_calls_bad_is_not_asked_of_a_device)
{
	static const struct uas_user maria = { "maria", UAS_ROLE_OPERATE };
	struct { const struct uas_user *user; } session = { &maria };
	struct uas_var v = { .node = { .kind = UAS_VAR, .id = rig_node("a") } };
	struct uas_hand hand;
	struct uas_server s = { .hand = &hand };
	double x = 7;
	UA_DataValue dv = { .hasValue = true, .hasStatus = true, .status = UA_STATUSCODE_BADSENSORFAILURE };

	uas_hand_init(&hand, NULL);
	s.ask = uas_ask_new(&s);
	UA_Variant_setScalar(&dv.value, &x, &UA_TYPES[UA_TYPES_DOUBLE]);
	CHECK_INT(uas_ask_source()->write(NULL, NULL, &session, &v.node.id, &v, NULL, &dv), UA_STATUSCODE_BADWRITENOTSUPPORTED);
	CHECK(hand.news == NULL);
	dv.status = UA_STATUSCODE_GOOD;
	CHECK_INT(uas_ask_source()->write(NULL, NULL, &session, &v.node.id, &v, NULL, &dv), UA_STATUSCODE_GOODCOMPLETESASYNCHRONOUSLY);
	CHECK(hand.news != NULL);
	uas_ask_free(s.ask);
	uas_hand_fini(&hand);
}

/* ---- limits ---- */

TEST(sessions_have_their_limit_and_a_place_that_is_left_is_free_again)
{
	struct rig r;
	UA_Client *c[3];
	UA_StatusCode status;

	rig_begin_with(&r, UAS_K_SESSIONS, 3);
	CHECK_INT(rig_add(&r, tags, 1, NULL), 0);
	for (int i = 0; i < 3; i++)
		c[i] = rig_client(&r);
	UA_Client *more = rig_try_client(&r, &status);
	CHECK(status != UA_STATUSCODE_GOOD);
	UA_Client_delete(more);
	rig_leave(c[1]);
	c[1] = rig_client(&r);
	for (int i = 0; i < 3; i++)
		rig_leave(c[i]);
	rig_fini(&r);
}

/* A client that asks for ever more monitored items is told BadOutOfMemory or that there are too many; the server lives, and so do others. */
TEST(what_one_client_asks_for_has_its_limit_in_memory)
{
	struct rig r;
	struct sample v = rig_sample(0, 1, T0);
	UA_Variant got;
	unsigned refused = 0;
	bool seen = false;

	rig_begin_with(&r, UAS_K_MEMORY, 18 << 20);
	CHECK_INT(rig_add(&r, tags, 1, NULL), 0);
	UA_Client *c = rig_client(&r), *other = rig_client(&r);
	UA_CreateSubscriptionRequest q = UA_CreateSubscriptionRequest_default();
	q.requestedPublishingInterval = 3600e3;
	UA_CreateSubscriptionResponse s = UA_Client_Subscriptions_create(c, q, NULL, NULL, NULL);
	CHECK_INT(s.responseHeader.serviceResult, 0);
	for (int i = 0; i < 60000 && refused < 100; i++) {
		UA_MonitoredItemCreateRequest m = UA_MonitoredItemCreateRequest_default(rig_node(tags[0].name));
		m.requestedParameters.queueSize = 1000;
		UA_MonitoredItemCreateResult got_item = UA_Client_MonitoredItems_createDataChange(c, s.subscriptionId, UA_TIMESTAMPSTORETURN_BOTH, m, &seen,
		    on_text, NULL);
		refused += got_item.statusCode != UA_STATUSCODE_GOOD;
		if (i % 500 == 0) {
			v.v.f64 = i;
			rig_offer(&r, &v, 1, true);
			rig_pump(&r);
		}
	}
	CHECK(refused > 0);
	rig_leave(c);
	v.v.f64 = -1;
	v.source.ns = T0 + 1;
	rig_offer(&r, &v, 1, true);
	rig_settle(&r);
	CHECK_INT(UA_Client_readValueAttribute(other, rig_node(tags[0].name), &got), 0);
	CHECK(*(double *)got.data == -1);
	UA_Variant_clear(&got);
	rig_end(&r, other);
}

TEST_MAIN
