/*
 * tsan: the sink as a whole, with a host that stands in for office and open62541's client as its client, in one process.
 */
#include <open62541/client.h>
#include <open62541/client_config_default.h>
#include <open62541/client_highlevel.h>
#include <open62541/client_subscriptions.h>
#include <sys/stat.h>

#include "base/test.h"
#include "sink/history/store.h"
#include "sink/opcua_server/rig.h"

#ifdef __SANITIZE_THREAD__
/* The library takes its locks in two orders, but always in one thread. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "detect_deadlocks=0"; }
#endif

#define NS	2

static void
quiet(void *ctx, UA_LogLevel level, UA_LogCategory c, const char *fmt, va_list ap)
{
	(void)ctx, (void)level, (void)c, (void)fmt, (void)ap;
}
static UA_Logger no_log = { .log = quiet };

static void
begin_with(struct rig *r, enum uas_key key, int64_t i)
{
	static char dir[600];
	char why[500], path[700];

	snprintf(dir, sizeof dir, "%s", test_dir());
	snprintf(path, sizeof path, "%s/office", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/office/ua", dir);
	mkdir(path, 0700);
	rig_init(r, dir);
	if (key != UAS_KEYS)
		r->keys[key].i = i;
	CHECK_INT(rig_open(r, why, sizeof why), 0);
	CHECK(rig_until(r, &r->up));
}

static void
begin(struct rig *r)
{
	begin_with(r, UAS_KEYS, 0);
}

static UA_Client *
client(struct rig *r)
{
	UA_ClientConfig c = { .logging = &no_log };
	char url[100];

	CHECK_INT(UA_ClientConfig_setDefault(&c), 0);
	c.timeout = 20000;
	UA_Client *cl = UA_Client_newWithConfig(&c);
	snprintf(url, sizeof url, "opc.tcp://127.0.0.1:%u", r->port);
	CHECK_INT(UA_Client_connect(cl, url), 0);
	return cl;
}

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

static UA_NodeId
node(const char *id)
{
	return UA_NODEID_STRING(NS, (char *)(uintptr_t)id);
}

static struct sample
sample(uint32_t tag, double v, int64_t t_ns)
{
	return (struct sample){ .tag = tag, .source.ns = t_ns, .arrival.ns = t_ns + NS_PER_MS, .v = { .type = VALUE_F64, .f64 = v } };
}

#define T0	(1700000000 * NS_PER_S)

static struct spool_tag tags[] = {
	{ .name = "Packaging/Line 3/Filler/speed", .unit = "/min", .help = "bottles a minute", .type = VALUE_F64, .has_range = true, .lo = 0, .hi = 1200 },
	{ .name = "Packaging/Line 3/Filler/state", .unit = "", .help = "", .type = VALUE_U16 },
	{ .name = "Packaging/Line 3/batch", .unit = "", .help = "", .type = VALUE_TEXT },
	{ .name = "curve", .unit = "Cel", .help = "", .type = VALUE_F32 | VALUE_ARRAY },
};
#define NTAGS	4

static void
settle(struct rig *r)
{
	for (int i = 0; i < 30000 && r->done + 1 < r->next; i++) {
		rig_pump(r);
		mono_sleep(NS_PER_MS);
	}
	CHECK_INT(r->done + 1, r->next);
}

TEST(a_sample_is_read_with_its_type_status_and_times)
{
	struct rig r;
	UA_DataValue dv;
	UA_ReadValueId id = { .attributeId = UA_ATTRIBUTEID_VALUE };
	float curve[3] = { 1, 2.5f, -3 };

	begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	struct sample v[4] = { sample(0, 613.5, T0), sample(1, 0, T0), sample(2, 0, T0), sample(3, 0, T0) };
	v[0].status = 0x40940000;
	v[1].v = (struct value){ .type = VALUE_U16, .u = 6 };
	v[2].v = (struct value){ .type = VALUE_TEXT, .p = "L-4711", .len = 6 };
	v[3].v = (struct value){ .type = VALUE_F32 | VALUE_ARRAY, .p = curve, .len = sizeof curve };
	UA_Client *c = client(&r);

	id.nodeId = node(tags[0].name);
	dv = read_node(c, &id);
	CHECK_INT(dv.status, 0x80320000);	/* BadWaitingForInitialData */
	CHECK(!dv.hasValue);
	UA_DataValue_clear(&dv);
	rig_offer(&r, v, 4, true);
	settle(&r);

	dv = read_node(c, &id);
	CHECK(dv.hasValue && dv.value.type == &UA_TYPES[UA_TYPES_DOUBLE]);
	CHECK(*(double *)dv.value.data == 613.5);
	CHECK_INT(dv.status, 0x40940000);
	CHECK_INT(dv.sourceTimestamp, 11644473600LL * 10000000 + T0 / 100);	/* 1601 to 1970 in s, OPC 10000-6, 5.2.2.5 */
	CHECK(dv.hasServerTimestamp);
	UA_DataValue_clear(&dv);
	id.nodeId = node(tags[1].name);
	dv = read_node(c, &id);
	CHECK(dv.value.type == &UA_TYPES[UA_TYPES_UINT16] && *(uint16_t *)dv.value.data == 6);
	UA_DataValue_clear(&dv);
	id.nodeId = node(tags[2].name);
	dv = read_node(c, &id);
	CHECK(dv.value.type == &UA_TYPES[UA_TYPES_STRING] && ((UA_String *)dv.value.data)->length == 6);
	UA_DataValue_clear(&dv);
	id.nodeId = node(tags[3].name);
	dv = read_node(c, &id);
	CHECK(dv.value.type == &UA_TYPES[UA_TYPES_FLOAT] && dv.value.arrayLength == 3 && ((float *)dv.value.data)[1] == 2.5f);
	UA_DataValue_clear(&dv);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
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
	UA_MonitoredItemCreateRequest m = UA_MonitoredItemCreateRequest_default(node(id));
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

	begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = client(&r);
	subscribe(c, tags[0].name, 0, &fast);
	subscribe(c, tags[0].name, 5000, &slow);
	listen_for(&r, c, &slow.n, 1);
	for (int i = 0; i < 500; i++) {
		struct sample v = sample(0, i, T0 + i * NS_PER_MS);
		rig_offer(&r, &v, 1, true);
		UA_Client_run_iterate(c, 0);
	}
	listen_for(&r, c, &slow.n, 501);
	listen_for(&r, c, &fast.n, 501);
	CHECK_INT(fast.n, 501);		/* one is what stood there: waiting for initial data */
	CHECK_INT(slow.n, 501);
	CHECK_INT(fast.out_of_order + slow.out_of_order, 0);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
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

	begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	rig_pump(&r);
	UA_Client *c = client(&r);
	UA_BrowseResponse b = browse(c, UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER));
	CHECK(has(&b, "Dresden", UA_NODECLASS_OBJECT, "/"));
	UA_BrowseResponse_clear(&b);
	b = browse(c, node("/"));
	CHECK_INT(b.results[0].referencesSize, 2);
	CHECK(has(&b, "Packaging", UA_NODECLASS_OBJECT, "Packaging/"));
	CHECK(has(&b, "curve", UA_NODECLASS_VARIABLE, "curve"));
	UA_BrowseResponse_clear(&b);
	b = browse(c, node("Packaging/Line 3/"));
	CHECK(has(&b, "Filler", UA_NODECLASS_OBJECT, "Packaging/Line 3/Filler/"));
	CHECK(has(&b, "batch", UA_NODECLASS_VARIABLE, "Packaging/Line 3/batch"));
	UA_BrowseResponse_clear(&b);
	b = browse(c, node(tags[0].name));
	CHECK_INT(b.results[0].referencesSize, 2);
	CHECK(has(&b, "EURange", UA_NODECLASS_VARIABLE, "Packaging/Line 3/Filler/speed//EURange"));
	CHECK(has(&b, "EngineeringUnits", UA_NODECLASS_VARIABLE, "Packaging/Line 3/Filler/speed//EngineeringUnits"));
	UA_BrowseResponse_clear(&b);

	UA_Variant v;
	CHECK_INT(UA_Client_readValueAttribute(c, node("Packaging/Line 3/Filler/speed//EURange"), &v), 0);
	CHECK(v.type == &UA_TYPES[UA_TYPES_RANGE] && ((UA_Range *)v.data)->high == 1200);
	UA_Variant_clear(&v);
	CHECK_INT(UA_Client_readValueAttribute(c, node("Packaging/Line 3/Filler/speed//EngineeringUnits"), &v), 0);
	CHECK(v.type == &UA_TYPES[UA_TYPES_EUINFORMATION]);
	CHECK_INT(((UA_EUInformation *)v.data)->unitId, 'C' << 16 | '9' << 8 | '4');	/* C94: reciprocal minute */
	UA_Variant_clear(&v);
	UA_NodeId type;
	CHECK_INT(UA_Client_readDataTypeAttribute(c, node("curve"), &type), 0);
	CHECK_INT(type.identifier.numeric, UA_NS0ID_FLOAT);
	UA_Int32 rank;
	CHECK_INT(UA_Client_readValueRankAttribute(c, node("curve"), &rank), 0);
	CHECK_INT(rank, 1);
	UA_LocalizedText help;
	CHECK_INT(UA_Client_readDescriptionAttribute(c, node(tags[0].name), &help), 0);
	CHECK_INT(help.text.length, strlen("bottles a minute"));
	UA_LocalizedText_clear(&help);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
}

TEST(a_variable_that_goes_says_so_and_comes_back_for_those_who_watch)
{
	struct rig r;
	struct counted k = { .last = -1 };
	struct sample v = sample(0, 1, T0);

	begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = client(&r);
	rig_offer(&r, &v, 1, true);
	settle(&r);
	subscribe(c, tags[0].name, 0, &k);
	listen_for(&r, c, &k.n, 1);
	CHECK_INT(k.status, 0);
	opcua_server_sink.stream_remove(r.inst, &r.stream);
	listen_for(&r, c, &k.n, 2);
	CHECK_INT(k.status, 0x80340000);	/* BadNodeIdUnknown */
	UA_BrowseResponse b = browse(c, node("/"));
	CHECK_INT(b.results[0].referencesSize, 0);
	UA_BrowseResponse_clear(&b);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	v = sample(0, 2, T0 + NS_PER_S);
	rig_offer(&r, &v, 1, true);
	listen_for(&r, c, &k.n, 4);		/* waiting for data, then the value */
	CHECK_INT(k.status, 0);
	CHECK(k.last == 2);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
}

TEST(backlog_never_takes_the_place_of_what_is_newer)
{
	struct rig r;
	UA_Variant got;
	struct sample now = sample(0, 10, T0 + 60 * NS_PER_S), old = sample(0, 5, T0), back = sample(0, 3, T0 + 1);

	begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = client(&r);
	rig_offer(&r, &now, 1, true);
	rig_offer(&r, &old, 1, false);
	settle(&r);
	CHECK_INT(UA_Client_readValueAttribute(c, node(tags[0].name), &got), 0);
	CHECK(*(double *)got.data == 10);
	UA_Variant_clear(&got);
	rig_offer(&r, &back, 1, true);		/* a clock was set back: what is live is what is there */
	settle(&r);
	CHECK_INT(UA_Client_readValueAttribute(c, node(tags[0].name), &got), 0);
	CHECK(*(double *)got.data == 3);
	UA_Variant_clear(&got);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
}

TEST(nothing_is_written_that_no_request_entry_admits)
{
	struct rig r;
	double x = 7;
	UA_Variant v;

	begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = client(&r);
	UA_Variant_setScalar(&v, &x, &UA_TYPES[UA_TYPES_DOUBLE]);
	CHECK_INT(UA_Client_writeValueAttribute(c, node(tags[0].name), &v), UA_STATUSCODE_BADNOTWRITABLE);
	CHECK_INT(r.asks, 0);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
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
	struct sample x = sample(1, 0, T0);

	begin(&r);
	r.plan.sources = &source;
	r.plan.nsources = 1;
	CHECK_INT(rig_add(&r, tags, 2, &flow), 0);
	UA_Client *c = client(&r);
	x.v = (struct value){ .type = VALUE_U16, .u = 6 };
	rig_offer(&r, &x, 1, true);
	settle(&r);
	CHECK_INT(UA_Client_readValueAttribute(c, node("Packaging/Line 3/Filler/state//ValueAsText"), &v), 0);
	CHECK(v.type == &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
	UA_String want = UA_STRING("Execute");
	CHECK(UA_String_equal(&((UA_LocalizedText *)v.data)->text, &want));
	UA_Variant_clear(&v);
	CHECK_INT(UA_Client_readValueAttribute(c, node("Packaging/Line 3/Filler/state//EnumValues"), &v), 0);
	CHECK(v.type == &UA_TYPES[UA_TYPES_ENUMVALUETYPE] && v.arrayLength == 2 && ((UA_EnumValueType *)v.data)[1].value == 6);
	UA_Variant_clear(&v);
	CHECK_INT(UA_Client_readValueAttribute(c, node("Packaging/Line 3/Filler/state//EURange"), &v), UA_STATUSCODE_BADNODEIDUNKNOWN);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
}

TEST(a_deadband_in_per_cent_goes_by_the_range_of_the_tag)
{
	struct rig r;
	struct counted k = { .last = -1 };

	begin(&r);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = client(&r);
	struct sample v = sample(0, 100, T0);
	rig_offer(&r, &v, 1, true);
	settle(&r);
	UA_DataChangeFilter f = { .trigger = UA_DATACHANGETRIGGER_STATUSVALUE, .deadbandType = UA_DEADBANDTYPE_PERCENT, .deadbandValue = 10 };
	UA_CreateSubscriptionRequest q = UA_CreateSubscriptionRequest_default();
	q.requestedPublishingInterval = 50;
	UA_CreateSubscriptionResponse s = UA_Client_Subscriptions_create(c, q, NULL, NULL, NULL);
	UA_MonitoredItemCreateRequest m = UA_MonitoredItemCreateRequest_default(node(tags[0].name));
	m.requestedParameters.queueSize = 100;
	UA_ExtensionObject_setValueNoDelete(&m.requestedParameters.filter, &f, &UA_TYPES[UA_TYPES_DATACHANGEFILTER]);
	CHECK_INT(UA_Client_MonitoredItems_createDataChange(c, s.subscriptionId, UA_TIMESTAMPSTORETURN_BOTH, m, &k, on_change, NULL).statusCode, 0);
	listen_for(&r, c, &k.n, 1);
	for (int i = 1; i <= 3; i++) {
		v = sample(0, 100 + 60 * i, T0 + i);	/* 10 % of 1200 is 120: only the third is further away */
		rig_offer(&r, &v, 1, true);
	}
	listen_for(&r, c, &k.n, 2);
	CHECK(k.last == 280);
	CHECK_INT(k.n, 2);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
}

/* ---- limits ---- */

TEST(sessions_have_their_limit_and_a_place_that_is_left_is_free_again)
{
	struct rig r;
	UA_ClientConfig cfg = { .logging = &no_log };
	UA_Client *c[3];
	char url[100];

	begin_with(&r, UAS_K_SESSIONS, 3);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	for (int i = 0; i < 3; i++)
		c[i] = client(&r);
	CHECK_INT(UA_ClientConfig_setDefault(&cfg), 0);
	UA_Client *more = UA_Client_newWithConfig(&cfg);
	snprintf(url, sizeof url, "opc.tcp://127.0.0.1:%u", r.port);
	CHECK(UA_Client_connect(more, url) != UA_STATUSCODE_GOOD);
	UA_Client_delete(more);
	UA_Client_disconnect(c[1]);
	UA_Client_delete(c[1]);
	c[1] = client(&r);
	for (int i = 0; i < 3; i++) {
		UA_Client_disconnect(c[i]);
		UA_Client_delete(c[i]);
	}
	rig_fini(&r);
}

/* A client that asks for ever more monitored items is told BadOutOfMemory or that there are too many; the server lives, and so do others. */
TEST(what_one_client_asks_for_has_its_limit_in_memory)
{
	struct rig r;
	struct sample v = sample(0, 1, T0);
	UA_Variant got;
	unsigned refused = 0;
	struct counted k = { 0 };

	begin_with(&r, UAS_K_MEMORY, 18 << 20);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = client(&r), *other = client(&r);
	UA_CreateSubscriptionRequest q = UA_CreateSubscriptionRequest_default();
	q.requestedPublishingInterval = 3600e3;
	UA_CreateSubscriptionResponse s = UA_Client_Subscriptions_create(c, q, NULL, NULL, NULL);
	CHECK_INT(s.responseHeader.serviceResult, 0);
	for (int i = 0; i < 60000 && refused < 100; i++) {
		UA_MonitoredItemCreateRequest m = UA_MonitoredItemCreateRequest_default(node(tags[0].name));
		m.requestedParameters.queueSize = 1000;
		UA_MonitoredItemCreateResult got_item = UA_Client_MonitoredItems_createDataChange(c, s.subscriptionId, UA_TIMESTAMPSTORETURN_BOTH, m, &k, on_change,
		    NULL);
		refused += got_item.statusCode != UA_STATUSCODE_GOOD;
		if (i % 500 == 0) {
			v.v.f64 = i;
			rig_offer(&r, &v, 1, true);
			rig_pump(&r);
		}
	}
	CHECK(refused > 0);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	v.v.f64 = -1;
	v.source.ns = T0 + 1;
	rig_offer(&r, &v, 1, true);
	settle(&r);
	CHECK_INT(UA_Client_readValueAttribute(other, node(tags[0].name), &got), 0);
	CHECK(*(double *)got.data == -1);
	UA_Variant_clear(&got);
	UA_Client_disconnect(other);
	UA_Client_delete(other);
	rig_fini(&r);
}

/* ---- history ---- */

/* A store as the history sink writes it: points at T0 + i seconds with value i, all good but the tenth. */
static void
put_history(const char *state, int n)
{
	char path[700], why[200];
	struct history *h;
	struct chunk c = { 0 };
	struct series_info info = { .id = 7, .flow = "f", .name = tags[0].name, .unit = "/min", .help = "", .type = VALUE_F64 };

	snprintf(path, sizeof path, "%s/office/hist", state);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/office/hist/" HISTORY_FILE, state);
	CHECK_INT(history_open(path, true, &h, why, sizeof why), 0);
	CHECK_INT(history_begin(h), 0);
	CHECK_INT(history_put_series(h, &info), 0);
	for (int i = 0, row = 1; i < n; i++) {
		struct value v = { .type = VALUE_F64, .f64 = i };
		int64_t t = T0 + i * NS_PER_S;
		int err = chunk_append(&c, t, i == 9 ? 0x808C0000 : 0, 0, &v);
		if (err == ERR_FULL || i == n - 1) {
			struct raw_row r = { .id = row++, .series = 7, .t0 = c.t0, .t1 = c.t1, .n = c.n, .stream = 1, .seq = (uint64_t)i + 1, .close = true,
			    .data = c.p, .len = c.len };
			CHECK_INT(history_put_raw(h, &r), 0);
			chunk_fini(&c);
			c = (struct chunk){ 0 };
			if (err == ERR_FULL)
				i--;
		}
	}
	CHECK_INT(history_commit(h), 0);
	history_close(h);
}

static UA_DateTime
at(int64_t s)
{
	return UA_DATETIME_UNIX_EPOCH + (T0 / NS_PER_S + s) * 10000000;
}

static UA_HistoryReadResponse
history(UA_Client *c, const char *id, void *details, const UA_DataType *type, const UA_ByteString *cp, bool release)
{
	UA_HistoryReadRequest q;
	UA_HistoryReadValueId v;
	UA_HistoryReadResponse p;

	UA_HistoryReadRequest_init(&q);
	UA_HistoryReadValueId_init(&v);
	v.nodeId = node(id);
	if (cp != NULL)
		v.continuationPoint = *cp;
	q.timestampsToReturn = UA_TIMESTAMPSTORETURN_SOURCE;
	q.releaseContinuationPoints = release;
	q.nodesToRead = &v;
	q.nodesToReadSize = 1;
	UA_ExtensionObject_setValueNoDelete(&q.historyReadDetails, details, type);
	__UA_Client_Service(c, &q, &UA_TYPES[UA_TYPES_HISTORYREADREQUEST], &p, &UA_TYPES[UA_TYPES_HISTORYREADRESPONSE]);
	CHECK_INT(p.responseHeader.serviceResult, 0);
	CHECK_INT(p.resultsSize, 1);
	return p;
}

static UA_HistoryReadResponse
raw(UA_Client *c, const char *id, int64_t from, int64_t to, uint32_t n, bool bounds, const UA_ByteString *cp)
{
	UA_ReadRawModifiedDetails d = { .startTime = from == INT64_MIN ? 0 : at(from), .endTime = to == INT64_MIN ? 0 : at(to), .numValuesPerNode = n,
	    .returnBounds = bounds };
	return history(c, id, &d, &UA_TYPES[UA_TYPES_READRAWMODIFIEDDETAILS], cp, false);
}

static const UA_HistoryData *
values(const UA_HistoryReadResponse *p)
{
	CHECK_INT(p->results[0].statusCode >> 30, 0);
	CHECK_INT(p->results[0].historyData.encoding, UA_EXTENSIONOBJECT_DECODED);
	return p->results[0].historyData.content.decoded.data;
}

static double
number(const UA_DataValue *v)
{
	CHECK(v->hasValue && v->value.type == &UA_TYPES[UA_TYPES_DOUBLE]);
	return *(double *)v->value.data;
}

TEST(raw_history_is_that_of_the_store_in_both_directions_with_bounds)
{
	struct rig r;

	begin(&r);
	put_history(r.state, 5000);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = client(&r);
	UA_Byte level;
	CHECK_INT(UA_Client_readAccessLevelAttribute(c, node(tags[0].name), &level), 0);
	CHECK_INT(level, UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_HISTORYREAD);
	bool historizing;
	CHECK_INT(UA_Client_readHistorizingAttribute(c, node(tags[1].name), &historizing), 0);
	CHECK(!historizing);

	UA_HistoryReadResponse p = raw(c, tags[0].name, 5, 12, 0, false, NULL);	/* the end is not in it */
	const UA_HistoryData *d = values(&p);
	CHECK_INT(d->dataValuesSize, 7);
	CHECK(number(&d->dataValues[0]) == 5);
	CHECK_INT(d->dataValues[0].sourceTimestamp, at(5));
	CHECK_INT(d->dataValues[4].status, 0x808C0000);
	CHECK(number(&d->dataValues[6]) == 11);
	UA_HistoryReadResponse_clear(&p);
	p = raw(c, tags[0].name, 12, 5, 0, false, NULL);
	d = values(&p);
	CHECK_INT(d->dataValuesSize, 7);
	CHECK(number(&d->dataValues[0]) == 12 && number(&d->dataValues[6]) == 6);
	UA_HistoryReadResponse_clear(&p);
	p = raw(c, tags[0].name, -5, 3, 0, true, NULL);
	d = values(&p);
	CHECK_INT(d->dataValuesSize, 5);		/* no bound before the first; 0, 1, 2; 3 as the end's bound */
	CHECK_INT(d->dataValues[0].status, UA_STATUSCODE_BADBOUNDNOTFOUND);
	CHECK_INT(d->dataValues[0].sourceTimestamp, at(-5));
	CHECK(number(&d->dataValues[4]) == 3);
	UA_HistoryReadResponse_clear(&p);
	p = raw(c, tags[0].name, INT64_MIN, 100, 3, false, NULL);	/* the last three up to there */
	d = values(&p);
	CHECK_INT(d->dataValuesSize, 3);
	CHECK(number(&d->dataValues[0]) == 100 && number(&d->dataValues[2]) == 98);
	UA_HistoryReadResponse_clear(&p);
	p = raw(c, tags[0].name, 100000, 200000, 0, false, NULL);
	CHECK_INT(p.results[0].statusCode, UA_STATUSCODE_GOODNODATA);
	UA_HistoryReadResponse_clear(&p);
	p = raw(c, tags[0].name, 5, INT64_MIN, 0, false, NULL);
	CHECK_INT(p.results[0].statusCode, UA_STATUSCODE_BADHISTORYOPERATIONINVALID);
	UA_HistoryReadResponse_clear(&p);
	p = raw(c, tags[1].name, 5, 12, 0, false, NULL);
	CHECK_INT(p.results[0].statusCode, UA_STATUSCODE_BADHISTORYOPERATIONUNSUPPORTED);
	UA_HistoryReadResponse_clear(&p);
	p = raw(c, "no such", 5, 12, 0, false, NULL);
	CHECK_INT(p.results[0].statusCode, UA_STATUSCODE_BADNODEIDUNKNOWN);
	UA_HistoryReadResponse_clear(&p);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
}

static void
walk(UA_Client *c, int64_t from, int64_t to, uint32_t page, int want, int step)
{
	UA_ByteString cp = UA_BYTESTRING_NULL;
	int n = 0;

	do {
		UA_HistoryReadResponse p = raw(c, tags[0].name, from, to, page, false, cp.length != 0 ? &cp : NULL);
		const UA_HistoryData *d = values(&p);
		CHECK(d->dataValuesSize <= page);
		for (size_t i = 0; i < d->dataValuesSize; i++, n++)
			CHECK_INT((int)number(&d->dataValues[i]), (int)from + n * step);
		UA_ByteString_clear(&cp);
		CHECK_INT(UA_ByteString_copy(&p.results[0].continuationPoint, &cp), 0);
		UA_HistoryReadResponse_clear(&p);
	} while (cp.length != 0);
	CHECK_INT(n, want);
}

TEST(continuation_points_give_each_value_once)
{
	struct rig r;
	UA_ByteString bad = UA_STRING("nonsense");

	begin(&r);
	put_history(r.state, 5000);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = client(&r);
	walk(c, 0, 6000, 700, 5000, 1);
	walk(c, 4999, -1, 700, 5000, -1);
	UA_HistoryReadResponse p = raw(c, tags[0].name, 0, 6000, 5, false, &bad);
	CHECK_INT(p.results[0].statusCode, UA_STATUSCODE_BADCONTINUATIONPOINTINVALID);
	UA_HistoryReadResponse_clear(&p);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
}

TEST(processed_history_has_an_interval_after_another)
{
	struct rig r;
	UA_NodeId average = UA_NODEID_NUMERIC(0, 2342), range = UA_NODEID_NUMERIC(0, 2344);
	UA_ReadProcessedDetails d = { .startTime = at(0), .endTime = at(65), .processingInterval = 20000, .aggregateType = &average, .aggregateTypeSize = 1,
	    .aggregateConfiguration.useServerCapabilitiesDefaults = true };

	begin(&r);
	put_history(r.state, 5000);
	CHECK_INT(rig_add(&r, tags, NTAGS, NULL), 0);
	UA_Client *c = client(&r);
	UA_HistoryReadResponse p = history(c, tags[0].name, &d, &UA_TYPES[UA_TYPES_READPROCESSEDDETAILS], NULL, false);
	const UA_HistoryData *got = values(&p);
	CHECK_INT(got->dataValuesSize, 4);
	CHECK(number(&got->dataValues[0]) > 9.52 && number(&got->dataValues[0]) < 9.53);	/* 0..19 without 9: 181 / 19 */
	CHECK_INT(got->dataValues[0].status, 0x40A40401);
	CHECK(number(&got->dataValues[1]) == 29.5);
	CHECK_INT(got->dataValues[1].status, 0x401);
	CHECK_INT(got->dataValues[1].sourceTimestamp, at(20));
	CHECK(number(&got->dataValues[3]) == 62);		/* 60..64 */
	CHECK_INT(got->dataValues[3].status, 0x405);		/* partial */
	UA_HistoryReadResponse_clear(&p);
	d.aggregateType = &range;
	p = history(c, tags[0].name, &d, &UA_TYPES[UA_TYPES_READPROCESSEDDETAILS], NULL, false);
	CHECK_INT(p.results[0].statusCode, UA_STATUSCODE_BADAGGREGATENOTSUPPORTED);
	UA_HistoryReadResponse_clear(&p);
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(&r);
}

TEST_MAIN
