/* tsan */
/* The sink as a whole, with a host that stands in for office and open62541's client as its client. */
#include "sink/opcua_server/client_rig.h"

static struct spool_tag tags[] = {
	{ .name = "Packaging/Line 3/Filler/speed", .unit = "/min", .help = "bottles a minute", .type = VALUE_F64, .has_range = true, .lo = 0, .hi = 1200 },
	{ .name = "Packaging/Line 3/Filler/state", .unit = "", .help = "", .type = VALUE_U16 },
	{ .name = "Packaging/Line 3/batch", .unit = "", .help = "", .type = VALUE_TEXT },
	{ .name = "curve", .unit = "Cel", .help = "", .type = VALUE_F32 | VALUE_ARRAY },
};
#define NTAGS	4

static UA_DataValue
read_node(UA_Client *c, UA_ReadValueId *id)
{
	UA_ReadRequest q;

	UA_ReadRequest_init(&q);
	q.nodesToRead = id;
	q.nodesToReadSize = 1;
	q.timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH;
	UA_ReadResponse p = UA_Client_Service_read(c, q);
	CHECK_INT(p.responseHeader.serviceResult, 0);
	CHECK_INT(p.resultsSize, 1);
	UA_DataValue v = p.results[0];
	p.resultsSize = 0;
	UA_free(p.results);
	p.results = NULL;
	UA_ReadResponse_clear(&p);
	return v;
}

TEST(a_sample_is_read_with_its_type_status_and_times)
{
	struct rig r;
	UA_DataValue dv;
	UA_ReadValueId id = { .attributeId = UA_ATTRIBUTEID_VALUE };
	float curve[3] = { 1, 2.5f, -3 };

	rig_begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	struct sample v[4] = { rig_sample(0, 613.5, T0), rig_sample(1, 0, T0), rig_sample(2, 0, T0), rig_sample(3, 0, T0) };
	v[0].status = 0x40940000;
	v[1].v = (struct value){ .type = VALUE_U16, .u = 6 };
	v[2].v = (struct value){ .type = VALUE_TEXT, .p = "L-4711", .len = 6 };
	v[3].v = (struct value){ .type = VALUE_F32 | VALUE_ARRAY, .p = curve, .len = sizeof curve };
	UA_Client *c = rig_client(&r);

	id.nodeId = rig_node(tags[0].name);
	dv = read_node(c, &id);
	CHECK_INT(dv.status, 0x80320000);	/* BadWaitingForInitialData */
	CHECK(!dv.hasValue);
	UA_DataValue_clear(&dv);
	rig_offer(&r, v, 4, true);
	rig_settle(&r);

	dv = read_node(c, &id);
	CHECK(dv.hasValue && dv.value.type == &UA_TYPES[UA_TYPES_DOUBLE]);
	CHECK(*(double *)dv.value.data == 613.5);
	CHECK_INT(dv.status, 0x40940000);
	CHECK_INT(dv.sourceTimestamp, 11644473600LL * 10000000 + T0 / 100);	/* 1601 to 1970 in s, OPC 10000-6, 5.2.2.5 */
	CHECK(dv.hasServerTimestamp);
	UA_DataValue_clear(&dv);
	id.nodeId = rig_node(tags[1].name);
	dv = read_node(c, &id);
	CHECK(dv.value.type == &UA_TYPES[UA_TYPES_UINT16] && *(uint16_t *)dv.value.data == 6);
	UA_DataValue_clear(&dv);
	id.nodeId = rig_node(tags[2].name);
	dv = read_node(c, &id);
	CHECK(dv.value.type == &UA_TYPES[UA_TYPES_STRING] && ((UA_String *)dv.value.data)->length == 6);
	UA_DataValue_clear(&dv);
	id.nodeId = rig_node(tags[3].name);
	dv = read_node(c, &id);
	CHECK(dv.value.type == &UA_TYPES[UA_TYPES_FLOAT] && dv.value.arrayLength == 3 && ((float *)dv.value.data)[1] == 2.5f);
	UA_DataValue_clear(&dv);
	rig_end(&r, c);
}

struct counted { unsigned n; double last; unsigned out_of_order; UA_StatusCode status; };

static void
on_change(UA_Client *c, UA_UInt32 sub, void *sub_ctx, UA_UInt32 mon, void *ctx, UA_DataValue *v)
{
	struct counted *k = ctx;
	(void)c, (void)sub, (void)sub_ctx, (void)mon;

	k->n++;
	k->status = v->status;
	if (v->hasValue && v->value.type == &UA_TYPES[UA_TYPES_DOUBLE]) {
		double x = *(double *)v->value.data;
		k->out_of_order += k->last >= x;
		k->last = x;
	}
}

static UA_UInt32
subscribe(UA_Client *c, const char *id, double sampling_ms, struct counted *k)
{
	UA_CreateSubscriptionRequest q = UA_CreateSubscriptionRequest_default();
	q.requestedPublishingInterval = 50;
	UA_CreateSubscriptionResponse s = UA_Client_Subscriptions_create(c, q, NULL, NULL, NULL);
	CHECK_INT(s.responseHeader.serviceResult, 0);
	UA_MonitoredItemCreateRequest m = UA_MonitoredItemCreateRequest_default(rig_node(id));
	m.requestedParameters.samplingInterval = sampling_ms;
	m.requestedParameters.queueSize = 1000;
	UA_MonitoredItemCreateResult got = UA_Client_MonitoredItems_createDataChange(c, s.subscriptionId, UA_TIMESTAMPSTORETURN_BOTH, m, k, on_change, NULL);
	CHECK_INT(got.statusCode, 0);
	return s.subscriptionId;
}

static void
listen_for(struct rig *r, UA_Client *c, const unsigned *n, unsigned want)
{
	for (int i = 0; i < 4000 && *n < want; i++) {
		rig_pump(r);
		UA_Client_run_iterate(c, 5);
	}
}

TEST(every_sample_reaches_a_monitored_item_whatever_interval_it_asked_for)
{
	struct rig r;
	struct counted fast = { .last = -1 }, slow = { .last = -1 };

	rig_begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = rig_client(&r);
	subscribe(c, tags[0].name, 0, &fast);
	subscribe(c, tags[0].name, 5000, &slow);
	listen_for(&r, c, &slow.n, 1);
	for (int i = 0; i < 500; i++) {
		struct sample v = rig_sample(0, i, T0 + i * NS_PER_MS);
		rig_offer(&r, &v, 1, true);
		UA_Client_run_iterate(c, 0);
	}
	listen_for(&r, c, &slow.n, 501);
	listen_for(&r, c, &fast.n, 501);
	CHECK_INT(fast.n, 501);		/* one is what stood there: waiting for initial data */
	CHECK_INT(slow.n, 501);
	CHECK_INT(fast.out_of_order + slow.out_of_order, 0);
	rig_end(&r, c);
}

static UA_BrowseResponse
browse(UA_Client *c, UA_NodeId id)
{
	UA_BrowseRequest q;
	UA_BrowseDescription d;

	UA_BrowseRequest_init(&q);
	UA_BrowseDescription_init(&d);
	d.nodeId = id;
	d.resultMask = UA_BROWSERESULTMASK_ALL;
	d.browseDirection = UA_BROWSEDIRECTION_FORWARD;
	d.referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HIERARCHICALREFERENCES);
	d.includeSubtypes = true;
	q.nodesToBrowse = &d;
	q.nodesToBrowseSize = 1;
	UA_BrowseResponse resp = UA_Client_Service_browse(c, q);
	CHECK_INT(resp.responseHeader.serviceResult, 0);
	CHECK_INT(resp.resultsSize, 1);
	return resp;
}

static bool
has(const UA_BrowseResponse *b, const char *name, UA_NodeClass class, const char *id)
{
	UA_String want = UA_STRING((char *)(uintptr_t)name), text = UA_STRING((char *)(uintptr_t)id);

	for (size_t i = 0; i < b->results[0].referencesSize; i++) {
		const UA_ReferenceDescription *d = &b->results[0].references[i];
		if (UA_String_equal(&d->browseName.name, &want) && d->nodeClass == class && UA_String_equal(&d->nodeId.nodeId.identifier.string, &text))
			return true;
	}
	return false;
}

TEST(the_equipment_is_browsed_from_objects_down_to_ranges_and_units)
{
	struct rig r;

	rig_begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	rig_pump(&r);
	UA_Client *c = rig_client(&r);
	UA_BrowseResponse b = browse(c, UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER));
	CHECK(has(&b, "Dresden", UA_NODECLASS_OBJECT, "/"));
	UA_BrowseResponse_clear(&b);
	b = browse(c, rig_node("/"));
	CHECK_INT(b.results[0].referencesSize, 2);
	CHECK(has(&b, "Packaging", UA_NODECLASS_OBJECT, "Packaging/"));
	CHECK(has(&b, "curve", UA_NODECLASS_VARIABLE, "curve"));
	UA_BrowseResponse_clear(&b);
	b = browse(c, rig_node("Packaging/Line 3/"));
	CHECK(has(&b, "Filler", UA_NODECLASS_OBJECT, "Packaging/Line 3/Filler/"));
	CHECK(has(&b, "batch", UA_NODECLASS_VARIABLE, "Packaging/Line 3/batch"));
	UA_BrowseResponse_clear(&b);
	b = browse(c, rig_node(tags[0].name));
	CHECK_INT(b.results[0].referencesSize, 2);
	CHECK(has(&b, "EURange", UA_NODECLASS_VARIABLE, "Packaging/Line 3/Filler/speed//EURange"));
	CHECK(has(&b, "EngineeringUnits", UA_NODECLASS_VARIABLE, "Packaging/Line 3/Filler/speed//EngineeringUnits"));
	UA_BrowseResponse_clear(&b);

	UA_Variant v;
	CHECK_INT(UA_Client_readValueAttribute(c, rig_node("Packaging/Line 3/Filler/speed//EURange"), &v), 0);
	CHECK(v.type == &UA_TYPES[UA_TYPES_RANGE] && ((UA_Range *)v.data)->high == 1200);
	UA_Variant_clear(&v);
	CHECK_INT(UA_Client_readValueAttribute(c, rig_node("Packaging/Line 3/Filler/speed//EngineeringUnits"), &v), 0);
	CHECK(v.type == &UA_TYPES[UA_TYPES_EUINFORMATION]);
	CHECK_INT(((UA_EUInformation *)v.data)->unitId, 'C' << 16 | '9' << 8 | '4');	/* C94: reciprocal minute */
	UA_Variant_clear(&v);
	UA_NodeId type;
	CHECK_INT(UA_Client_readDataTypeAttribute(c, rig_node("curve"), &type), 0);
	CHECK_INT(type.identifier.numeric, UA_NS0ID_FLOAT);
	UA_Int32 rank;
	CHECK_INT(UA_Client_readValueRankAttribute(c, rig_node("curve"), &rank), 0);
	CHECK_INT(rank, 1);
	UA_LocalizedText help;
	CHECK_INT(UA_Client_readDescriptionAttribute(c, rig_node(tags[0].name), &help), 0);
	CHECK_INT(help.text.length, strlen("bottles a minute"));
	UA_LocalizedText_clear(&help);
	rig_end(&r, c);
}

TEST(a_variable_that_goes_says_so_and_comes_back_for_those_who_watch)
{
	struct rig r;
	struct counted k = { .last = -1 };
	struct sample v = rig_sample(0, 1, T0);

	rig_begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = rig_client(&r);
	rig_offer(&r, &v, 1, true);
	rig_settle(&r);
	subscribe(c, tags[0].name, 0, &k);
	listen_for(&r, c, &k.n, 1);
	CHECK_INT(k.status, 0);
	opcua_server_sink.stream_remove(r.inst, &r.stream);
	listen_for(&r, c, &k.n, 2);
	CHECK_INT(k.status, 0x80340000);	/* BadNodeIdUnknown */
	UA_BrowseResponse b = browse(c, rig_node("/"));
	CHECK_INT(b.results[0].referencesSize, 0);
	UA_BrowseResponse_clear(&b);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	v = rig_sample(0, 2, T0 + NS_PER_S);
	rig_offer(&r, &v, 1, true);
	listen_for(&r, c, &k.n, 4);		/* waiting for data, then the value */
	CHECK_INT(k.status, 0);
	CHECK(k.last == 2);
	rig_end(&r, c);
}

TEST(backlog_never_takes_the_place_of_what_is_newer)
{
	struct rig r;
	UA_Variant got;
	struct sample now = rig_sample(0, 10, T0 + 60 * NS_PER_S), old = rig_sample(0, 5, T0), back = rig_sample(0, 3, T0 + 1);

	rig_begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = rig_client(&r);
	rig_offer(&r, &now, 1, true);
	rig_offer(&r, &old, 1, false);
	rig_settle(&r);
	CHECK_INT(UA_Client_readValueAttribute(c, rig_node(tags[0].name), &got), 0);
	CHECK(*(double *)got.data == 10);
	UA_Variant_clear(&got);
	rig_offer(&r, &back, 1, true);		/* a clock was set back: what is live is what is there */
	rig_settle(&r);
	CHECK_INT(UA_Client_readValueAttribute(c, rig_node(tags[0].name), &got), 0);
	CHECK(*(double *)got.data == 3);
	UA_Variant_clear(&got);
	rig_end(&r, c);
}

TEST(nothing_is_written_that_no_request_entry_admits)
{
	struct rig r;
	double x = 7;
	UA_Variant v;

	rig_begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = rig_client(&r);
	UA_Variant_setScalar(&v, &x, &UA_TYPES[UA_TYPES_DOUBLE]);
	CHECK_INT(UA_Client_writeValueAttribute(c, rig_node(tags[0].name), &v), UA_STATUSCODE_BADNOTWRITABLE);
	CHECK_INT(r.asks, 0);
	rig_end(&r, c);
}

/* ---- users, states, writes ---- */

TEST(an_enumeration_is_a_multi_state_with_its_texts)
{
	static struct enum_item items[] = { { 0, "none" }, { 6, "Execute" } };
	static const struct enum_def states = { .name = "packml", .items = items, .n = 2 };
	static struct tag plan_tags[] = { { .path = "Packaging/Line 3/Filler/speed" }, { .path = "Packaging/Line 3/Filler/state", .enumeration = &states } };
	static struct source source = { .name = "plc", .tags = plan_tags, .ntags = 2 };
	static struct flow_tag flow_tags[] = { { 0, 0, "" }, { 0, 1, "" } };
	struct flow flow = { .name = "f", .tags = flow_tags, .ntags = 2 };
	struct rig r;
	UA_Variant v;
	struct sample x = rig_sample(1, 0, T0);

	rig_begin(&r);
	r.plan.sources = &source;
	r.plan.nsources = 1;
	CHECK_INT(rig_add(&r, tags, 2, &flow), 0);
	UA_Client *c = rig_client(&r);
	x.v = (struct value){ .type = VALUE_U16, .u = 6 };
	rig_offer(&r, &x, 1, true);
	rig_settle(&r);
	CHECK_INT(UA_Client_readValueAttribute(c, rig_node("Packaging/Line 3/Filler/state//ValueAsText"), &v), 0);
	CHECK(v.type == &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
	UA_String want = UA_STRING("Execute");
	CHECK(UA_String_equal(&((UA_LocalizedText *)v.data)->text, &want));
	UA_Variant_clear(&v);
	CHECK_INT(UA_Client_readValueAttribute(c, rig_node("Packaging/Line 3/Filler/state//EnumValues"), &v), 0);
	CHECK(v.type == &UA_TYPES[UA_TYPES_ENUMVALUETYPE] && v.arrayLength == 2 && ((UA_EnumValueType *)v.data)[1].value == 6);
	UA_Variant_clear(&v);
	CHECK_INT(UA_Client_readValueAttribute(c, rig_node("Packaging/Line 3/Filler/state//EURange"), &v), UA_STATUSCODE_BADNODEIDUNKNOWN);
	rig_end(&r, c);
}

TEST(a_deadband_in_per_cent_goes_by_the_range_of_the_tag)
{
	struct rig r;
	struct counted k = { .last = -1 };

	rig_begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = rig_client(&r);
	struct sample v = rig_sample(0, 100, T0);
	rig_offer(&r, &v, 1, true);
	rig_settle(&r);
	UA_DataChangeFilter f = { .trigger = UA_DATACHANGETRIGGER_STATUSVALUE, .deadbandType = UA_DEADBANDTYPE_PERCENT, .deadbandValue = 10 };
	UA_CreateSubscriptionRequest q = UA_CreateSubscriptionRequest_default();
	q.requestedPublishingInterval = 50;
	UA_CreateSubscriptionResponse s = UA_Client_Subscriptions_create(c, q, NULL, NULL, NULL);
	UA_MonitoredItemCreateRequest m = UA_MonitoredItemCreateRequest_default(rig_node(tags[0].name));
	m.requestedParameters.queueSize = 100;
	UA_ExtensionObject_setValueNoDelete(&m.requestedParameters.filter, &f, &UA_TYPES[UA_TYPES_DATACHANGEFILTER]);
	CHECK_INT(UA_Client_MonitoredItems_createDataChange(c, s.subscriptionId, UA_TIMESTAMPSTORETURN_BOTH, m, &k, on_change, NULL).statusCode, 0);
	listen_for(&r, c, &k.n, 1);
	for (int i = 1; i <= 3; i++) {
		v = rig_sample(0, 100 + 60 * i, T0 + i);	/* 10 % of 1200 is 120: only the third is further away */
		rig_offer(&r, &v, 1, true);
	}
	listen_for(&r, c, &k.n, 2);
	CHECK(k.last == 280);
	CHECK_INT(k.n, 2);
	rig_end(&r, c);
}

TEST_MAIN
