/* tsan: what clients ask that nobody should: others' subscriptions, times at the ends of the world, made-up continuation points. */
#include <open62541/client.h>
#include <open62541/client_config_default.h>
#include <open62541/client_highlevel.h>
#include <open62541/client_subscriptions.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/test.h"
#include "sink/history/store.h"
#include "sink/opcua_server/rig.h"

#ifdef __SANITIZE_THREAD__
/* The library takes its locks in two orders, but always in one thread. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "detect_deadlocks=0"; }
#endif

#define NS	2
#define T0	(1700000000 * NS_PER_S)
#define DENSE	310000
#define DENSE_T	(90 * 60 * NS_PER_S)	/* behind T0 */

static struct spool_tag tags[] = {
	{ .name = "a", .unit = "", .help = "", .type = VALUE_F64 },
	{ .name = "state", .unit = "", .help = "", .type = VALUE_U16 },
};

static void
quiet(void *ctx, UA_LogLevel level, UA_LogCategory c, const char *fmt, va_list ap)
{
	(void)ctx, (void)level, (void)c, (void)fmt, (void)ap;
}
static UA_Logger no_log = { .log = quiet };

static void
begin(struct rig *r)
{
	static char dir[600];
	char why[500], path[700];

	snprintf(dir, sizeof dir, "%s", test_dir());
	snprintf(path, sizeof path, "%s/office", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/office/ua", dir);
	mkdir(path, 0700);
	rig_init(r, dir);
	CHECK_INT(rig_open(r, why, sizeof why), 0);
	CHECK(rig_until(r, &r->up));
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

static void
end(struct rig *r, UA_Client *c)
{
	UA_Client_disconnect(c);
	UA_Client_delete(c);
	rig_fini(r);
}

static UA_NodeId
node(const char *id)
{
	return UA_NODEID_STRING(NS, (char *)(uintptr_t)id);
}

TEST(a_client_without_a_name_takes_no_subscription_of_another)
{
	struct rig r;
	UA_TransferSubscriptionsRequest q;
	UA_TransferSubscriptionsResponse p;

	begin(&r);
	CHECK_INT(rig_add(&r, tags, 1, NULL), 0);
	UA_Client *a = client(&r), *b = client(&r);
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
	UA_Client_disconnect(b);
	UA_Client_delete(b);
	end(&r, a);
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

	begin(&r);
	CHECK_INT(rig_add(&r, tags, 1, NULL), 0);
	UA_Client *c = client(&r);
	CHECK_INT(read_below(c, UA_NODEID_NUMERIC(0, 3706), 1, &seen, 2), 0);	/* SessionsDiagnosticsSummary */
	CHECK(seen > 0);
	CHECK_INT(UA_Client_readValueAttribute(c, UA_NODEID_NUMERIC(0, 3708), &v), UA_STATUSCODE_BADUSERACCESSDENIED);	/* SessionSecurityDiagnosticsArray */
	CHECK_INT(UA_Client_readValueAttribute(c, UA_NODEID_NUMERIC(0, 2275), &v), 0);	/* ServerDiagnosticsSummary: numbers alone */
	UA_Variant_clear(&v);
	end(&r, c);
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

	begin(&r);
	r.plan.sources = &source;
	r.plan.nsources = 1;
	CHECK_INT(rig_add(&r, tags + 1, 1, &flow), 0);
	UA_Client *c = client(&r);
	for (int i = 0; i < 2; i++) {
		UA_CreateSubscriptionRequest q = UA_CreateSubscriptionRequest_default();
		q.requestedPublishingInterval = 50;
		UA_CreateSubscriptionResponse s = UA_Client_Subscriptions_create(c, q, NULL, NULL, NULL);
		CHECK_INT(s.responseHeader.serviceResult, 0);
		UA_MonitoredItemCreateRequest m = UA_MonitoredItemCreateRequest_default(node("state//ValueAsText"));
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
	end(&r, c);
}

TEST(a_value_that_the_client_itself_calls_bad_is_not_asked_of_a_device)
{
	static const struct uas_user maria = { "maria", UAS_ROLE_OPERATE };
	struct { const struct uas_user *user; } session = { &maria };
	struct uas_var v = { .node = { .kind = UAS_VAR, .id = node("a") } };
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

/* ---- history ---- */

/* A value a second, n of them; then, with dense, DENSE of them every 40 ms from DENSE_T on. */
static void
put_history(const char *state, int n, bool dense)
{
	char path[700], why[200];
	struct history *h;
	struct chunk c = { 0 };
	struct series_info info = { .id = 7, .flow = "f", .name = tags[0].name, .unit = "", .help = "", .type = VALUE_F64 };
	int all = n + (dense ? DENSE : 0);

	snprintf(path, sizeof path, "%s/office/hist", state);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/office/hist/" HISTORY_FILE, state);
	CHECK_INT(history_open(path, true, &h, why, sizeof why), 0);
	CHECK_INT(history_begin(h), 0);
	CHECK_INT(history_put_series(h, &info), 0);
	for (int i = 0, row = 1; i < all; i++) {
		struct value v = { .type = VALUE_F64, .f64 = i };
		int64_t t = T0 + (i < n ? i * NS_PER_S : DENSE_T + (i - n) * 40 * NS_PER_MS);
		int err = chunk_append(&c, t, 0, 0, &v);
		if (err == ERR_FULL || i == all - 1) {
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
history(UA_Client *c, void *details, const UA_DataType *type, const UA_ByteString *cp)
{
	UA_HistoryReadRequest q;
	UA_HistoryReadValueId v;
	UA_HistoryReadResponse p;

	UA_HistoryReadRequest_init(&q);
	UA_HistoryReadValueId_init(&v);
	v.nodeId = node(tags[0].name);
	if (cp != NULL)
		v.continuationPoint = *cp;
	q.timestampsToReturn = UA_TIMESTAMPSTORETURN_SOURCE;
	q.nodesToRead = &v;
	q.nodesToReadSize = 1;
	UA_ExtensionObject_setValueNoDelete(&q.historyReadDetails, details, type);
	__UA_Client_Service(c, &q, &UA_TYPES[UA_TYPES_HISTORYREADREQUEST], &p, &UA_TYPES[UA_TYPES_HISTORYREADRESPONSE]);
	CHECK_INT(p.responseHeader.serviceResult, 0);
	CHECK_INT(p.resultsSize, 1);
	return p;
}

static size_t
values(const UA_HistoryReadResponse *p, double *first)
{
	const UA_HistoryData *d = p->results[0].historyData.content.decoded.data;

	CHECK_INT(p->results[0].statusCode, 0);
	if (first != NULL)
		*first = *(double *)d->dataValues[0].value.data;
	return d->dataValuesSize;
}

TEST(history_goes_on_where_sparse_values_are_followed_by_dense_ones)
{
	UA_ReadRawModifiedDetails d = { .startTime = at(0), .endTime = at(5 * 3600), .numValuesPerNode = 100 };
	struct rig r;

	begin(&r);
	put_history(r.state, 5, true);
	CHECK_INT(rig_add(&r, tags, 1, NULL), 0);
	UA_Client *c = client(&r);
	UA_HistoryReadResponse p = history(c, &d, &UA_TYPES[UA_TYPES_READRAWMODIFIEDDETAILS], NULL);
	CHECK_INT(values(&p, NULL), 100);
	CHECK(p.results[0].continuationPoint.length != 0);
	UA_HistoryReadResponse_clear(&p);
	d.startTime = at(0);
	d.endTime = at(-100 * 3600);
	p = history(c, &d, &UA_TYPES[UA_TYPES_READRAWMODIFIEDDETAILS], NULL);
	CHECK_INT(values(&p, NULL), 1);
	UA_HistoryReadResponse_clear(&p);
	end(&r, c);
}

TEST(a_bound_at_the_end_is_not_one_value_too_many)
{
	UA_ReadRawModifiedDetails d = { .numValuesPerNode = 5, .returnBounds = true };
	int64_t ends[2][2] = { { 5, 10 }, { 10, 5 } };
	struct rig r;
	double first;

	begin(&r);
	put_history(r.state, 50, false);
	CHECK_INT(rig_add(&r, tags, 1, NULL), 0);
	UA_Client *c = client(&r);
	for (int i = 0; i < 2; i++) {
		d.startTime = at(ends[i][0]);
		d.endTime = at(ends[i][1]);
		UA_HistoryReadResponse p = history(c, &d, &UA_TYPES[UA_TYPES_READRAWMODIFIEDDETAILS], NULL);
		CHECK_INT(values(&p, &first), 5);
		CHECK(first == (double)ends[i][0]);
		CHECK(p.results[0].continuationPoint.length != 0);
		UA_HistoryReadResponse rest = history(c, &d, &UA_TYPES[UA_TYPES_READRAWMODIFIEDDETAILS], &p.results[0].continuationPoint);
		CHECK_INT(values(&rest, &first), 1);
		CHECK(first == (double)ends[i][1]);
		CHECK_INT(rest.results[0].continuationPoint.length, 0);
		UA_HistoryReadResponse_clear(&rest);
		UA_HistoryReadResponse_clear(&p);
	}
	end(&r, c);
}

TEST(continuation_points_of_a_clients_own_making_do_no_harm)
{
	static const int64_t times[] = { INT64_MIN, -1, 0, T0 + 5 * NS_PER_S, INT64_MAX };
	static const uint32_t skips[] = { 0, 1, 49, 50, UINT32_MAX };
	struct rig r;

	begin(&r);
	put_history(r.state, 50, false);
	CHECK_INT(rig_add(&r, tags, 1, NULL), 0);
	UA_Client *c = client(&r);
	for (size_t i = 0; i < 5 * 5 * 2; i++) {
		UA_ReadRawModifiedDetails d = { .startTime = i % 2 == 0 ? at(0) : at(100), .endTime = i % 2 == 0 ? at(100) : at(0), .numValuesPerNode = 5 };
		uint8_t bytes[16];
		UA_ByteString cp = { .data = bytes, .length = sizeof bytes };
		struct writer w = wr_init(bytes, sizeof bytes);
		wr_be32(&w, 0x52415731);
		wr_be32(&w, skips[i / 10]);
		wr_be64(&w, (uint64_t)times[i / 2 % 5]);
		UA_HistoryReadResponse p = history(c, &d, &UA_TYPES[UA_TYPES_READRAWMODIFIEDDETAILS], &cp);
		CHECK(!UA_StatusCode_isBad(p.results[0].statusCode));
		UA_HistoryReadResponse_clear(&p);
	}
	end(&r, c);
}

TEST(an_interval_as_long_as_all_time_is_one)
{
	UA_NodeId count = UA_NODEID_NUMERIC(0, 2352);
	UA_ReadProcessedDetails d = { .startTime = UA_DATETIME_UNIX_EPOCH, .endTime = INT64_MAX, .aggregateType = &count, .aggregateTypeSize = 1,
	    .aggregateConfiguration.useServerCapabilitiesDefaults = true };
	struct rig r;

	begin(&r);
	put_history(r.state, 50, false);
	CHECK_INT(rig_add(&r, tags, 1, NULL), 0);
	UA_Client *c = client(&r);
	UA_HistoryReadResponse p = history(c, &d, &UA_TYPES[UA_TYPES_READPROCESSEDDETAILS], NULL);
	const UA_HistoryData *got = p.results[0].historyData.content.decoded.data;
	CHECK_INT(p.results[0].statusCode, 0);
	CHECK_INT(got->dataValuesSize, 1);
	CHECK_INT(*(UA_Int32 *)got->dataValues[0].value.data, 50);
	UA_HistoryReadResponse_clear(&p);
	end(&r, c);
}

TEST_MAIN
