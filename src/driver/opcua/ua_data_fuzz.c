/*
 * A server that says anything: each byte of the input picks what happens next to a session with a few tags of every kind. Answers are made with hostile counts, handles, sequence
 * numbers, types and continuation points, or decoded from the input as they come. Never a crash, never a part that spins, memory within its
 * bounds, and no value for a tag that was not asked for.
 */
#include "driver/opcua/data_rig.h"
#include "driver/opcua/subs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TAGS	12u

static const uint8_t *p, *end;
static const struct ua_name path[] = { { "urn:a", "Plant" }, { NULL, "Speed" } };

static uint32_t u8(void) { return p < end ? *p++ : 0; }
static uint32_t u32(void) { uint32_t v = u8(); return v < 200 ? v : v << 24 | u8() << 16 | u8() << 8 | u8(); }
static UA_StatusCode status(void)
{
	static const UA_StatusCode some[] = { 0, 0, 0, UA_STATUSCODE_BADTIMEOUT, UA_STATUSCODE_BADTOOMANYOPERATIONS, UA_STATUSCODE_BADNODEIDUNKNOWN,
		UA_STATUSCODE_BADSUBSCRIPTIONIDINVALID, UA_STATUSCODE_BADMESSAGENOTAVAILABLE, UA_STATUSCODE_BADNOSUBSCRIPTION,
		UA_STATUSCODE_BADTOOMANYPUBLISHREQUESTS, UA_STATUSCODE_BADNOCONTINUATIONPOINTS, UA_STATUSCODE_BADCONNECTIONCLOSED,
		UA_STATUSCODE_BADSESSIONIDINVALID, UA_STATUSCODE_UNCERTAIN, UA_STATUSCODE_BADHISTORYOPERATIONUNSUPPORTED, 0x80FF1234 };
	return some[u8() % (sizeof some / sizeof some[0])];
}

static size_t
response_of(const UA_DataType *req)
{
	static const size_t pairs[][2] = {
		{ UA_TYPES_PUBLISHREQUEST, UA_TYPES_PUBLISHRESPONSE }, { UA_TYPES_REPUBLISHREQUEST, UA_TYPES_REPUBLISHRESPONSE },
		{ UA_TYPES_CREATESUBSCRIPTIONREQUEST, UA_TYPES_CREATESUBSCRIPTIONRESPONSE }, { UA_TYPES_READREQUEST, UA_TYPES_READRESPONSE },
		{ UA_TYPES_CREATEMONITOREDITEMSREQUEST, UA_TYPES_CREATEMONITOREDITEMSRESPONSE },
		{ UA_TYPES_TRANSFERSUBSCRIPTIONSREQUEST, UA_TYPES_TRANSFERSUBSCRIPTIONSRESPONSE },
		{ UA_TYPES_HISTORYREADREQUEST, UA_TYPES_HISTORYREADRESPONSE }, { UA_TYPES_DELETESUBSCRIPTIONSREQUEST, UA_TYPES_DELETESUBSCRIPTIONSRESPONSE },
		{ UA_TYPES_TRANSLATEBROWSEPATHSTONODEIDSREQUEST, UA_TYPES_TRANSLATEBROWSEPATHSTONODEIDSRESPONSE },
	};
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (req == &UA_TYPES[pairs[i][0]])
			return pairs[i][1];
	abort();
}

/* The answer as it stands in the input, whatever the library makes of it. */
static void
raw_answer(struct rig_call *c)
{
	const UA_DataType *type = &UA_TYPES[response_of(c->type)];
	uint32_t n = u8();
	UA_ByteString in = { n < (size_t)(end - p) ? n : (size_t)(end - p), (uint8_t *)(uintptr_t)p };
	void *r = UA_new(type);

	p += in.length;
	if (UA_decodeBinary(&in, r, type, NULL) == UA_STATUSCODE_GOOD)
		rig_end(c, 0, r);
	else
		rig_end(c, UA_STATUSCODE_BADDECODINGERROR, NULL);
	UA_delete(r, type);
}

static void
message(UA_NotificationMessage *m)
{
	UA_ExtensionObject *x;
	uint32_t kind = u8() % 8, n = u8() % 20;

	UA_NotificationMessage_init(m);
	m->sequenceNumber = u32();
	m->publishTime = (UA_DateTime)((uint64_t)u32() << (u8() % 40));
	if (kind == 0)
		return;
	m->notificationDataSize = 1 + kind % 2;
	x = m->notificationData = UA_Array_new(m->notificationDataSize, &UA_TYPES[UA_TYPES_EXTENSIONOBJECT]);
	if (kind == 1) {
		UA_StatusChangeNotification s = { .status = status() };
		UA_ExtensionObject_setValueCopy(x, &s, &UA_TYPES[UA_TYPES_STATUSCHANGENOTIFICATION]);
		return;
	}
	UA_DataChangeNotification *d = UA_DataChangeNotification_new();
	d->monitoredItems = UA_Array_new(n, &UA_TYPES[UA_TYPES_MONITOREDITEMNOTIFICATION]);
	d->monitoredItemsSize = n;
	for (uint32_t i = 0; i < n; i++) {
		d->monitoredItems[i].clientHandle = u32();
		d->monitoredItems[i].value = rig_dv((int32_t)u8(), rig_time(u8()));
		d->monitoredItems[i].value.hasSourceTimestamp = u8() % 4 != 0;
		d->monitoredItems[i].value.hasStatus = u8() % 4 == 0;
		d->monitoredItems[i].value.status = u8() % 2 ? 0x480 : status();
	}
	UA_ExtensionObject_setValue(x, d, &UA_TYPES[UA_TYPES_DATACHANGENOTIFICATION]);
}

static void
history_answer(struct rig_call *c)
{
	const UA_HistoryReadRequest *q = c->request;
	UA_HistoryReadResponse r;

	UA_HistoryReadResponse_init(&r);
	r.resultsSize = q->nodesToReadSize;
	r.results = UA_Array_new(r.resultsSize, &UA_TYPES[UA_TYPES_HISTORYREADRESULT]);
	for (size_t i = 0; i < r.resultsSize; i++) {
		UA_HistoryData *h = UA_HistoryData_new();
		h->dataValuesSize = u8() % 8;
		h->dataValues = UA_Array_new(h->dataValuesSize, &UA_TYPES[UA_TYPES_DATAVALUE]);
		for (size_t k = 0; k < h->dataValuesSize; k++)
			h->dataValues[k] = rig_dv(1, rig_time(u8()));
		r.results[i].statusCode = status();
		if (u8() % 2)
			UA_ByteString_allocBuffer(&r.results[i].continuationPoint, 1 + u8() * 20);
		UA_ExtensionObject_setValue(&r.results[i].historyData, h, &UA_TYPES[UA_TYPES_HISTORYDATA]);
	}
	rig_end(c, 0, &r);
	UA_HistoryReadResponse_clear(&r);
}

static void
step(void)
{
	UA_NotificationMessage m;
	struct rig_call *c;
	uint32_t sub;

	switch (u8() % 9) {
	case 0:
		rig_run((int64_t)u8() * 20 * NS_PER_MS);
		return;
	case 1:
		rig_serve();
		return;
	case 2:
		sub = u8() % 8;
		message(&m);
		rig_publish(sub, &m);
		return;
	case 3:
		if ((c = rig_call_of(UA_TYPES_REPUBLISHREQUEST)) == NULL)
			return;
		UA_RepublishResponse r;
		UA_RepublishResponse_init(&r);
		message(&r.notificationMessage);
		if (u8() % 2)
			r.notificationMessage.sequenceNumber = ((const UA_RepublishRequest *)c->request)->retransmitSequenceNumber;
		rig_end(c, 0, &r);
		UA_RepublishResponse_clear(&r);
		return;
	case 4:
		if ((c = rig_call_of(UA_TYPES_HISTORYREADREQUEST)) != NULL)
			history_answer(c);
		return;
	case 5:
		rig_down();
		rig.a.same_server = u8() % 4 != 0;
		rig_run(u8() * NS_PER_S);
		rig_up();
		return;
	case 6:
	case 7:
		c = &rig.calls[u8() % RIG_CALLS];
		if (c->type != NULL)
			raw_answer(c);
		return;
	default:
		c = &rig.calls[u8() % RIG_CALLS];
		UA_StatusCode s = status();
		if (c->type != NULL)
			rig_end(c, UA_StatusCode_isBad(s) ? s : UA_STATUSCODE_BADINTERNALERROR, NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	p = data;
	end = data + size;
	log_open("fuzz", LOG_LEVEL_ERROR);
	rig_open(TAGS);
	for (uint32_t i = 0; i < TAGS; i += 4) {
		rig.a.items[i].addr.mode = UA_MODE_READ;
		rig.a.items[i + 1].addr.kind = UA_ADDR_PATH;
		rig.a.items[i + 1].addr.path = (struct ua_name *)(uintptr_t)path;
		rig.a.items[i + 1].addr.npath = 2;
	}
	rig.source.tags[2].scan_ns = 500 * NS_PER_MS;
	rig.data.stale_ns = u8() % 2 ? 3 * NS_PER_S : 0;
	rig.data.history_max = 500;
	rig_start();
	size_t used = rig.a.memory.used;
	rig_up();
	rig_serve();
	while (p < end) {
		step();
		if (rig.dropped[0] != '\0') {
			rig_down();
			rig_up();
		}
	}
	if (rig.a.memory.used != used)
		abort();
	rig_close();
	return 0;
}
