/* A write: what the node takes is read first, the value is made into exactly that, then it is written, once (OPC 10000-4 1.05, 5.11.4). */
#include <math.h>
#include <stdio.h>

#include "driver/opcua/asks_int.h"
#include "driver/opcua/types.h"

static const UA_UInt32 wanted[] = { UA_ATTRIBUTEID_DATATYPE, UA_ATTRIBUTEID_VALUERANK, UA_ATTRIBUTEID_ARRAYDIMENSIONS, UA_ATTRIBUTEID_USERACCESSLEVEL };
#define WANTED	(sizeof wanted / sizeof wanted[0])

void
op_clear_target(struct op *o)
{
	UA_NodeId_clear(&o->target.data_type);
	UA_Array_delete((void *)(uintptr_t)o->target.dims, o->target.ndims, &UA_TYPES[UA_TYPES_UINT32]);
	o->target.dims = NULL;
	o->target.ndims = 0;
}

static void
was_written(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct op *o = arg;
	const UA_WriteResponse *r = response;

	(void)a;
	if (UA_StatusCode_isBad(status) || r == NULL || r->resultsSize != 1) {
		op_failed(o, UA_StatusCode_isBad(status) ? status : UA_STATUSCODE_BADUNEXPECTEDERROR, true, "the server did not confirm the write");
		return;
	}
	if (UA_StatusCode_isBad(r->results[0]))
		op_failed(o, r->results[0], true, "the server refused the write");
	else if (r->results[0] == UA_STATUSCODE_GOODCOMPLETESASYNCHRONOUSLY)
		op_done(o, 0, "the server has taken it and carries it out later (GoodCompletesAsynchronously)");
	else
		op_done(o, 0, NULL);
}

/* The tag's value before scaling. False: it lies between two that the node can hold, or is no number. */
static bool
unscaled(const struct tag *tag, const struct value *v, struct value *out)
{
	double x;

	*out = *v;
	if (tag == NULL || !tag->scaled)
		return true;
	if (!value_as_f64(v, &x))
		return false;
	double raw = (x - tag->offset) / tag->factor, whole = round(raw);
	/* 12.3 / 0.1 is no whole number in binary; that it is meant is shown by the way back. */
	if (fabs(raw - whole) < 1e-6)
		raw = whole;
	*out = (struct value){ .type = VALUE_F64, .f64 = raw };
	return true;
}

static int
write_it(struct op *o)
{
	const struct ua_item *it = &o->a->items[o->ask->tags[0]];
	const char *why = NULL;
	struct value v;

	if (!unscaled(it->tag, &o->ask->args[0], &v)) {
		op_done(o, ERR_TYPE, "the tag is scaled (factor, offset): give a number");
		return 0;
	}
	UA_WriteValue w = { .nodeId = it->node, .attributeId = it->addr.attribute };
	if (it->addr.index_range != NULL) {
		w.indexRange = UA_STRING((char *)(uintptr_t)it->addr.index_range);
		o->target.rank = o->target.rank > 0 ? -2 : o->target.rank;	/* a part of the array, of any length */
	}
	int err = ua_value_to(o->a, &o->target, &v, &w.value.value, &why);
	if (err == ERR_AGAIN)
		return err;
	if (err == 0 && it->addr.index_range != NULL && UA_Variant_isScalar(&w.value.value)) {
		/* Part 4, 5.11.4.2: one element is an array of one. */
		w.value.value.arrayLength = 1;
	}
	if (err != 0) {
		UA_Variant_clear(&w.value.value);
		op_done(o, err, why);
		return 0;
	}
	w.value.hasValue = true;
	if (op_expired(o)) {
		UA_Variant_clear(&w.value.value);
		return 0;
	}
	UA_WriteRequest r = { .nodesToWriteSize = 1, .nodesToWrite = &w };
	err = ua_call(o->a, &r, &UA_TYPES[UA_TYPES_WRITEREQUEST], &UA_TYPES[UA_TYPES_WRITERESPONSE], 0, was_written, o);
	UA_Variant_clear(&w.value.value);
	if (err == 0)
		o->step = NULL;
	return err == ERR_CONN ? ERR_BUSY : err;
}

static bool
take(struct op *o, const UA_ReadResponse *r)
{
	const UA_Variant *type = &r->results[0].value, *rank = &r->results[1].value, *dims = &r->results[2].value, *access = &r->results[3].value;

	if (!r->results[0].hasValue || !UA_Variant_hasScalarType(type, &UA_TYPES[UA_TYPES_NODEID])) {
		UA_StatusCode s = r->results[0].hasStatus ? r->results[0].status : UA_STATUSCODE_BADATTRIBUTEIDINVALID;
		op_failed(o, s, false, "the node does not say what it takes (is it a variable?)");
		return false;
	}
	if (access->type == &UA_TYPES[UA_TYPES_BYTE] && (*(const UA_Byte *)access->data & 2) == 0) {
		op_done(o, ERR_DENIED, "the server lets this user read the node, not write it (UserAccessLevel)");
		return false;
	}
	op_clear_target(o);
	o->target.rank = UA_Variant_hasScalarType(rank, &UA_TYPES[UA_TYPES_INT32]) ? *(const UA_Int32 *)rank->data : -2;
	if (UA_NodeId_copy(type->data, &o->target.data_type) != UA_STATUSCODE_GOOD) {
		op_done(o, ERR_NOMEM, NULL);
		return false;
	}
	if (dims->type == &UA_TYPES[UA_TYPES_UINT32] && dims->arrayLength > 0) {
		void *copy = NULL;
		if (UA_Array_copy(dims->data, dims->arrayLength, &copy, &UA_TYPES[UA_TYPES_UINT32]) == UA_STATUSCODE_GOOD) {
			o->target.dims = copy;
			o->target.ndims = dims->arrayLength;
		}
	}
	return true;
}

static void
described(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct op *o = arg;
	const UA_ReadResponse *r = response;

	(void)a;
	if (UA_StatusCode_isBad(status) || r == NULL || r->resultsSize != WANTED)
		op_failed(o, UA_StatusCode_isBad(status) ? status : UA_STATUSCODE_BADUNEXPECTEDERROR, false, "the server did not say what the node takes");
	else if (take(o, r))
		o->step = write_it;
}

int
op_write(struct op *o)
{
	const struct ua_item *it = &o->a->items[o->ask->tags[0]];
	UA_ReadValueId ids[WANTED];

	if (it->addr.kind == UA_ADDR_EVENTS || it->addr.attribute != UA_ATTRIBUTEID_VALUE || it->addr.nfield > 0) {
		op_done(o, ERR_DENIED, "this address cannot be written: only values of variables can, as a whole or by index");
		return 0;
	}
	if (UA_NodeId_isNull(&it->node)) {
		snprintf(o->why, sizeof o->why, "the node is not known on this connection%s%s", it->why != NULL ? ": " : "",
		    it->why != NULL ? it->why : it->trouble != UA_STATUSCODE_GOOD ? UA_StatusCode_name(it->trouble) : "");
		op_done(o, ERR_NOTFOUND, o->why);
		return 0;
	}
	for (size_t i = 0; i < WANTED; i++)
		ids[i] = (UA_ReadValueId){ .nodeId = it->node, .attributeId = wanted[i] };
	UA_ReadRequest r = { .timestampsToReturn = UA_TIMESTAMPSTORETURN_NEITHER, .nodesToReadSize = WANTED, .nodesToRead = ids };
	int err = ua_call(o->a, &r, &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0, described, o);
	if (err == 0)
		o->step = NULL;
	return err == ERR_CONN ? ERR_BUSY : err;
}
