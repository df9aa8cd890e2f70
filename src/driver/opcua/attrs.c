/*
 * What the nodes say of themselves: DataType, ValueRank and AccessLevel, read in the background after the values have begun to come, one call at a time. Writing needs the type,
 * filling gaps needs to know whether there is history. It holds for as long as the server runs.
 */
#include "driver/opcua/resolve.h"

#define ATTRS_PAUSE_NS	(50 * NS_PER_MS)
#define ATTRS_LATER_NS	(30 * NS_PER_S)

static const UA_UInt32 wanted[] = { UA_ATTRIBUTEID_DATATYPE, UA_ATTRIBUTEID_VALUERANK, UA_ATTRIBUTEID_ACCESSLEVEL };
#define WANTED	(sizeof wanted / sizeof wanted[0])

static const void *
scalar(const UA_DataValue *dv, const UA_DataType *type)
{
	return dv->hasValue && UA_Variant_hasScalarType(&dv->value, type) ? dv->value.data : NULL;
}

/* A node whose attributes cannot be read has none: what needs them says so when it is asked. */
static void
take(struct ua_item *it, const UA_DataValue *v)
{
	const UA_NodeId *type = scalar(&v[0], &UA_TYPES[UA_TYPES_NODEID]);
	const int32_t *rank = scalar(&v[1], &UA_TYPES[UA_TYPES_INT32]);
	const uint8_t *access = scalar(&v[2], &UA_TYPES[UA_TYPES_BYTE]);

	UA_NodeId_clear(&it->data_type);
	if (type == NULL || UA_NodeId_copy(type, &it->data_type) != UA_STATUSCODE_GOOD)
		return;
	it->value_rank = rank != NULL ? *rank : -2;	/* Any, Part 3, 5.6.2 */
	it->access_level = access != NULL ? *access : 1;
}

static void
reply(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_resolve *r = arg;
	const UA_ReadResponse *res = response;

	r->attrs_busy = false;
	if (!a->session)
		return;
	r->attrs_hold = mono_add(a->now, ATTRS_PAUSE_NS);
	if (!UA_StatusCode_isBad(status) && res != NULL) {
		if (res->resultsSize != r->nattrs_asked * WANTED) {
			ua_drop(a, "the server's answer about attributes has another number of results than asked for");
			return;
		}
		ua_bulk_good(&r->read);
		for (uint32_t i = 0; i < r->nattrs_asked; i++)
			take(&a->items[r->attrs_asked[i]], &res->results[i * WANTED]);
		return;
	}
	enum ua_bulk_do what = ua_bulk_bad(&r->read, r->nattrs_asked, status);
	for (uint32_t i = r->nattrs_asked; what != UA_BULK_GUILTY && i-- > 0;)
		ua_line_unget(&r->attrs, r->attrs_asked[i]);
	if (what == UA_BULK_LATER)
		r->attrs_hold = mono_add(a->now, ua_jitter(a, ATTRS_LATER_NS));
}

bool
ua_attrs_pending(const struct ua_agent *a)
{
	const struct ua_resolve *r = a->part[UA_PART_RESOLVE];
	return r->attrs.n > 0 || r->attrs_busy;
}

void
ua_attrs_tick(struct ua_agent *a, struct ua_resolve *r)
{
	struct arena m = { 0 };
	UA_ReadRequest req;
	uint32_t n = 0;

	UA_ReadRequest_init(&req);
	req.nodesToRead = arena_array(&m, r->read.size * WANTED, sizeof *req.nodesToRead);
	while (n < r->read.size && r->attrs.n > 0) {
		uint32_t tag = ua_line_get(&r->attrs);
		if (UA_NodeId_isNull(&a->items[tag].node))
			continue;	/* lost since; it comes again when it is resolved on the next connection */
		for (size_t k = 0; k < WANTED; k++) {
			req.nodesToRead[n * WANTED + k].nodeId = a->items[tag].node;
			req.nodesToRead[n * WANTED + k].attributeId = wanted[k];
		}
		r->attrs_asked[n++] = tag;
	}
	req.nodesToReadSize = n * WANTED;
	req.timestampsToReturn = UA_TIMESTAMPSTORETURN_NEITHER;
	r->nattrs_asked = n;
	r->attrs_busy = n > 0;
	int err = n > 0 ? ua_call(a, &req, &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0, reply, r) : 0;
	if (err != 0) {
		ua_bulk_refused(&r->read, n, err);
		r->attrs_busy = false;
		for (uint32_t i = n; i-- > 0;)
			ua_line_unget(&r->attrs, r->attrs_asked[i]);
		r->attrs_hold = mono_add(a->now, 100 * NS_PER_MS);
	}
	arena_fini(&m);
}
