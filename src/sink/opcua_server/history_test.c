/* tsan */
/* History as clients read it. */
#include "base/bytes.h"
#include "sink/history/store.h"
#include "sink/opcua_server/client_rig.h"

#define DENSE	310000
#define DENSE_T	(90 * 60 * NS_PER_S)	/* behind T0 */

static struct spool_tag tags[] = {
	{ .name = "Packaging/Line 3/Filler/speed", .unit = "/min", .help = "", .type = VALUE_F64 },
	{ .name = "Packaging/Line 3/Filler/state", .unit = "", .help = "", .type = VALUE_U16 },
};

/*
 * A store as the history sink writes it: n points at T0 + i seconds with value i, all good but the tenth; then, with dense, DENSE of
 * them every 40 ms from DENSE_T on.
 */
static void
put_history(const char *state, int n, bool dense)
{
	char path[700], why[200];
	struct history *h;
	struct chunk c = { 0 };
	struct series_info info = { .id = 7, .flow = "f", .name = tags[0].name, .unit = "/min", .help = "", .type = VALUE_F64 };
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
		int err = chunk_append(&c, t, i == 9 ? 0x808C0000 : 0, 0, &v);
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
history(UA_Client *c, const char *id, void *details, const UA_DataType *type, const UA_ByteString *cp)
{
	UA_HistoryReadRequest q;
	UA_HistoryReadValueId v;
	UA_HistoryReadResponse p;

	UA_HistoryReadRequest_init(&q);
	UA_HistoryReadValueId_init(&v);
	v.nodeId = rig_node(id);
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

static UA_HistoryReadResponse
raw(UA_Client *c, const char *id, int64_t from, int64_t to, uint32_t n, bool bounds, const UA_ByteString *cp)
{
	UA_ReadRawModifiedDetails d = { .startTime = from == INT64_MIN ? 0 : at(from), .endTime = to == INT64_MIN ? 0 : at(to), .numValuesPerNode = n,
	    .returnBounds = bounds };
	return history(c, id, &d, &UA_TYPES[UA_TYPES_READRAWMODIFIEDDETAILS], cp);
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

/* A sink beside such a store, and a client of it. */
static UA_Client *
begin(struct rig *r, int n, bool dense)
{
	rig_begin(r);
	put_history(r->state, n, dense);
	CHECK_INT(rig_add(r, tags, 2, NULL), 0);
	return rig_client(r);
}

TEST(raw_history_is_that_of_the_store_in_both_directions_with_bounds)
{
	struct rig r;
	UA_Client *c = begin(&r, 5000, false);

	UA_Byte level;
	CHECK_INT(UA_Client_readAccessLevelAttribute(c, rig_node(tags[0].name), &level), 0);
	CHECK_INT(level, UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_HISTORYREAD);
	bool historizing;
	CHECK_INT(UA_Client_readHistorizingAttribute(c, rig_node(tags[1].name), &historizing), 0);
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
	rig_end(&r, c);
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
	UA_Client *c = begin(&r, 5000, false);

	walk(c, 0, 6000, 700, 5000, 1);
	walk(c, 4999, -1, 700, 5000, -1);
	UA_HistoryReadResponse p = raw(c, tags[0].name, 0, 6000, 5, false, &bad);
	CHECK_INT(p.results[0].statusCode, UA_STATUSCODE_BADCONTINUATIONPOINTINVALID);
	UA_HistoryReadResponse_clear(&p);
	rig_end(&r, c);
}

TEST(processed_history_has_an_interval_after_another)
{
	struct rig r;
	UA_NodeId average = UA_NODEID_NUMERIC(0, 2342), range = UA_NODEID_NUMERIC(0, 2344);
	UA_ReadProcessedDetails d = { .startTime = at(0), .endTime = at(65), .processingInterval = 20000, .aggregateType = &average, .aggregateTypeSize = 1,
	    .aggregateConfiguration.useServerCapabilitiesDefaults = true };
	UA_Client *c = begin(&r, 5000, false);

	UA_HistoryReadResponse p = history(c, tags[0].name, &d, &UA_TYPES[UA_TYPES_READPROCESSEDDETAILS], NULL);
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
	p = history(c, tags[0].name, &d, &UA_TYPES[UA_TYPES_READPROCESSEDDETAILS], NULL);
	CHECK_INT(p.results[0].statusCode, UA_STATUSCODE_BADAGGREGATENOTSUPPORTED);
	UA_HistoryReadResponse_clear(&p);
	rig_end(&r, c);
}

TEST(history_goes_on_where_sparse_values_are_followed_by_dense_ones)
{
	struct rig r;
	UA_Client *c = begin(&r, 5, true);

	UA_HistoryReadResponse p = raw(c, tags[0].name, 0, 5 * 3600, 100, false, NULL);
	CHECK_INT(values(&p)->dataValuesSize, 100);
	CHECK(p.results[0].continuationPoint.length != 0);
	UA_HistoryReadResponse_clear(&p);
	p = raw(c, tags[0].name, 0, -100 * 3600, 100, false, NULL);
	CHECK_INT(values(&p)->dataValuesSize, 1);
	UA_HistoryReadResponse_clear(&p);
	rig_end(&r, c);
}

TEST(a_bound_at_the_end_is_not_one_value_too_many)
{
	static const int64_t ends[2][2] = { { 5, 10 }, { 10, 5 } };
	struct rig r;
	UA_Client *c = begin(&r, 50, false);

	for (int i = 0; i < 2; i++) {
		int64_t from = ends[i][0], to = ends[i][1];
		UA_HistoryReadResponse p = raw(c, tags[0].name, from, to, 5, true, NULL);
		CHECK_INT(values(&p)->dataValuesSize, 5);
		CHECK(number(&values(&p)->dataValues[0]) == (double)from);
		CHECK(p.results[0].continuationPoint.length != 0);
		UA_HistoryReadResponse rest = raw(c, tags[0].name, from, to, 5, true, &p.results[0].continuationPoint);
		CHECK_INT(values(&rest)->dataValuesSize, 1);
		CHECK(number(&values(&rest)->dataValues[0]) == (double)to);
		CHECK_INT(rest.results[0].continuationPoint.length, 0);
		UA_HistoryReadResponse_clear(&rest);
		UA_HistoryReadResponse_clear(&p);
	}
	rig_end(&r, c);
}

TEST(continuation_points_of_a_clients_own_making_do_no_harm)
{
	static const int64_t times[] = { INT64_MIN, -1, 0, T0 + 5 * NS_PER_S, INT64_MAX };
	static const uint32_t skips[] = { 0, 1, 49, 50, UINT32_MAX };
	struct rig r;
	UA_Client *c = begin(&r, 50, false);

	for (size_t i = 0; i < 5 * 5 * 2; i++) {
		uint8_t bytes[16];
		UA_ByteString cp = { .data = bytes, .length = sizeof bytes };
		struct writer w = wr_init(bytes, sizeof bytes);
		wr_be32(&w, 0x52415731);
		wr_be32(&w, skips[i / 10]);
		wr_be64(&w, (uint64_t)times[i / 2 % 5]);
		UA_HistoryReadResponse p = raw(c, tags[0].name, i % 2 == 0 ? 0 : 100, i % 2 == 0 ? 100 : 0, 5, false, &cp);
		CHECK(!UA_StatusCode_isBad(p.results[0].statusCode));
		UA_HistoryReadResponse_clear(&p);
	}
	rig_end(&r, c);
}

TEST(an_interval_as_long_as_all_time_is_one)
{
	UA_NodeId count = UA_NODEID_NUMERIC(0, 2352);
	UA_ReadProcessedDetails d = { .startTime = UA_DATETIME_UNIX_EPOCH, .endTime = INT64_MAX, .aggregateType = &count, .aggregateTypeSize = 1,
	    .aggregateConfiguration.useServerCapabilitiesDefaults = true };
	struct rig r;
	UA_Client *c = begin(&r, 50, false);

	UA_HistoryReadResponse p = history(c, tags[0].name, &d, &UA_TYPES[UA_TYPES_READPROCESSEDDETAILS], NULL);
	const UA_HistoryData *got = values(&p);
	CHECK_INT(got->dataValuesSize, 1);
	CHECK_INT(*(UA_Int32 *)got->dataValues[0].value.data, 49);	/* the tenth is bad */
	UA_HistoryReadResponse_clear(&p);
	rig_end(&r, c);
}

TEST_MAIN
