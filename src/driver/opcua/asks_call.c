/*
 * A method call: where are object and method, what arguments does it take (its InputArguments, OPC 10000-3 1.05, 5.7), then the call, once
 * (OPC 10000-4, 5.12.2). An acknowledgement is such a call on its condition (OPC 10000-9 1.05, 5.7.3).
 */
#include <stdio.h>
#include <stdlib.h>

#include "driver/opcua/asks_int.h"
#include "driver/opcua/events.h"
#include "driver/opcua/resolve.h"

static int find_arguments(struct op *o);

/* ---- the call ---- */

static bool
outputs(struct op *o, const UA_CallMethodResult *r)
{
	const char *why = NULL;

	for (size_t i = 0; i < r->outputArgumentsSize && i < UA_ARGUMENTS_MAX; i++) {
		struct value v;
		struct arena scratch = { 0 };
		int err = ua_value_plain(o->a, &r->outputArguments[i], &scratch, &v, &why);
		if (err == 0)
			ua_out_result(o->a, o->ask->id, (uint32_t)i, &v);
		arena_fini(&scratch);
		if (err != 0) {
			snprintf(o->why, sizeof o->why, "it was carried out, but its output %zu cannot be read: %s", i, why != NULL ? why : err_text(err));
			return false;
		}
	}
	return true;
}

static void
was_called(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct op *o = arg;
	const UA_CallResponse *c = response;

	(void)a;
	if (UA_StatusCode_isBad(status) || c == NULL || c->resultsSize != 1) {
		op_failed(o, UA_StatusCode_isBad(status) ? status : UA_STATUSCODE_BADUNEXPECTEDERROR, true, "the server did not confirm the call");
		return;
	}
	const UA_CallMethodResult *r = &c->results[0];
	if (!UA_StatusCode_isBad(r->statusCode)) {
		if (outputs(o, r))
			op_done(o, 0, NULL);
		else
			op_done(o, 0, o->why);
		return;
	}
	for (size_t i = 0; i < r->inputArgumentResultsSize; i++)
		if (UA_StatusCode_isBad(r->inputArgumentResults[i])) {
			char what[160];
			snprintf(what, sizeof what, "the method refused its argument %zu (%s)", i, UA_StatusCode_name(r->inputArgumentResults[i]));
			op_failed(o, r->statusCode, true, what);
			return;
		}
	op_failed(o, r->statusCode, true, "the method refused");
}

static int
make_arguments(struct op *o)
{
	const char *why = NULL;

	if (o->described && o->ninputs != o->ask->nargs) {
		snprintf(o->why, sizeof o->why, "the method takes %zu arguments, %u were given", o->ninputs, o->ask->nargs);
		op_done(o, ERR_TYPE, o->why);
		return ERR_TYPE;
	}
	if (o->args == NULL)
		o->args = arena_array(&o->memory, o->ask->nargs + 1, sizeof *o->args);
	for (uint32_t i = 0; i < o->ask->nargs; i++) {
		if (o->args[i].type != NULL)
			continue;	/* made already, before another's type had to be read */
		struct ua_target t = { .data_type = UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATATYPE), .rank = -2 };
		if (o->described)
			t = (struct ua_target){ o->inputs[i].dataType, o->inputs[i].valueRank, o->inputs[i].arrayDimensions,
			    o->inputs[i].arrayDimensionsSize };
		int err = ua_value_to(o->a, &t, &o->ask->args[i], &o->args[i], &why);
		if (err == ERR_AGAIN)
			return err;
		if (err != 0) {
			snprintf(o->why, sizeof o->why, "argument %u (%.*s): %s", i, o->described ? (int)o->inputs[i].name.length : 0,
			    o->described ? (const char *)o->inputs[i].name.data : "", why != NULL ? why : err_text(err));
			op_done(o, err, o->why);
			return err;
		}
	}
	return 0;
}

static int
call_it(struct op *o)
{
	int err = make_arguments(o);

	if (err != 0)
		return err == ERR_AGAIN ? err : 0;
	if (op_expired(o))
		return 0;
	UA_CallMethodRequest m = { .objectId = o->object, .methodId = o->method, .inputArgumentsSize = o->ask->nargs, .inputArguments = o->args };
	UA_CallRequest r = { .methodsToCallSize = 1, .methodsToCall = &m };
	err = ua_call(o->a, &r, &UA_TYPES[UA_TYPES_CALLREQUEST], &UA_TYPES[UA_TYPES_CALLRESPONSE], 0, was_called, o);
	if (err == 0)
		o->step = NULL;
	return err == ERR_CONN ? ERR_BUSY : err;
}

/* ---- its arguments ---- */

static void
arguments_read(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct op *o = arg;
	const UA_ReadResponse *r = response;

	(void)a;
	if (UA_StatusCode_isBad(status) || r == NULL || r->resultsSize != 1) {
		op_failed(o, UA_StatusCode_isBad(status) ? status : UA_STATUSCODE_BADUNEXPECTEDERROR, false, "the server did not say what the method takes");
		return;
	}
	const UA_Variant *v = &r->results[0].value;
	void *copy = NULL;
	size_t n = v->type != NULL && UA_Variant_isScalar(v) ? 1 : v->arrayLength;
	if (v->type == &UA_TYPES[UA_TYPES_ARGUMENT] && n <= UA_ARGUMENTS_MAX && UA_Array_copy(v->data, n, &copy, v->type) == UA_STATUSCODE_GOOD) {
		o->inputs = copy;
		o->ninputs = n;
		o->described = true;
	}
	o->step = call_it;
}

static int
read_arguments(struct op *o)
{
	UA_ReadValueId id = { .nodeId = o->inputs_node, .attributeId = UA_ATTRIBUTEID_VALUE };
	UA_ReadRequest r = { .timestampsToReturn = UA_TIMESTAMPSTORETURN_NEITHER, .nodesToReadSize = 1, .nodesToRead = &id };
	int err = ua_call(o->a, &r, &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0, arguments_read, o);
	if (err == 0)
		o->step = NULL;
	return err == ERR_CONN ? ERR_BUSY : err;
}

static const UA_NodeId *
target(const UA_BrowsePathResult *r)
{
	return UA_StatusCode_isBad(r->statusCode) || r->targetsSize == 0 || r->targets[0].remainingPathIndex != UINT32_MAX ||
	    r->targets[0].targetId.serverIndex != 0 ? NULL : &r->targets[0].targetId.nodeId;
}

static void
arguments_found(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct op *o = arg;
	const UA_TranslateBrowsePathsToNodeIdsResponse *r = response;

	(void)a;
	if (UA_StatusCode_isBad(status) || r == NULL || r->resultsSize != 1) {
		op_failed(o, UA_StatusCode_isBad(status) ? status : UA_STATUSCODE_BADUNEXPECTEDERROR, false, "the server did not say what the method takes");
		return;
	}
	const UA_NodeId *node = target(&r->results[0]);
	/* A method without arguments has no such property; one of a condition type may not be shown at all. */
	o->described = node == NULL && r->results[0].statusCode == UA_STATUSCODE_BADNOMATCH && o->method.namespaceIndex != 0;
	o->step = call_it;
	if (node != NULL && UA_NodeId_copy(node, &o->inputs_node) == UA_STATUSCODE_GOOD)
		o->step = read_arguments;
}

static int
find_arguments(struct op *o)
{
	UA_RelativePathElement e = { .referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HASPROPERTY), .includeSubtypes = true,
	    .targetName = UA_QUALIFIEDNAME(0, (char *)(uintptr_t)"InputArguments") };
	UA_BrowsePath p = { .startingNode = o->method, .relativePath = { .elementsSize = 1, .elements = &e } };
	UA_TranslateBrowsePathsToNodeIdsRequest r = { .browsePathsSize = 1, .browsePaths = &p };
	int err = ua_call(o->a, &r, &UA_TYPES[UA_TYPES_TRANSLATEBROWSEPATHSTONODEIDSREQUEST],
	    &UA_TYPES[UA_TYPES_TRANSLATEBROWSEPATHSTONODEIDSRESPONSE], 0, arguments_found, o);
	if (err == 0)
		o->step = NULL;
	return err == ERR_CONN ? ERR_BUSY : err;
}

/* ---- where object and method are ---- */

static void
translated(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct op *o = arg;
	const UA_TranslateBrowsePathsToNodeIdsResponse *r = response;
	UA_NodeId *to[2] = { &o->object, &o->method };
	size_t k = 0;

	(void)a;
	if (UA_StatusCode_isBad(status) || r == NULL) {
		op_failed(o, UA_StatusCode_isBad(status) ? status : UA_STATUSCODE_BADUNEXPECTEDERROR, false, "the server did not say where the method is");
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		if (o->addr[i].kind != UA_ADDR_PATH)
			continue;
		const UA_NodeId *found = k < r->resultsSize ? target(&r->results[k]) : NULL;
		k++;
		if (found == NULL || UA_NodeId_copy(found, to[i]) != UA_STATUSCODE_GOOD) {
			snprintf(o->why, sizeof o->why, "the browse path of the %s leads nowhere (%s)", i == 0 ? "object" : "method",
			    k <= r->resultsSize ? UA_StatusCode_name(r->results[k - 1].statusCode) : "no answer");
			op_done(o, ERR_NOTFOUND, o->why);
			return;
		}
	}
	o->step = find_arguments;
}

static int
translate(struct op *o)
{
	UA_BrowsePath paths[2];
	size_t n = 0;

	for (unsigned i = 0; i < 2; i++) {
		const struct ua_addr *x = &o->addr[i];
		if (x->kind != UA_ADDR_PATH)
			continue;
		UA_RelativePathElement *e = arena_array(&o->memory, x->npath, sizeof *e);
		for (uint32_t k = 0; k < x->npath; k++) {
			int ns = ua_namespace(o->a, x->path[k].nsu);
			if (ns < 0) {
				snprintf(o->why, sizeof o->why, "the server has no namespace \"%.200s\"", x->path[k].nsu);
				op_done(o, ERR_NOTFOUND, o->why);
				return 0;
			}
			e[k] = (UA_RelativePathElement){ .referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HIERARCHICALREFERENCES),
			    .includeSubtypes = true, .targetName = UA_QUALIFIEDNAME((UA_UInt16)ns, (char *)(uintptr_t)x->path[k].name) };
		}
		paths[n++] = (UA_BrowsePath){ .startingNode = UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER),
		    .relativePath = { .elementsSize = x->npath, .elements = e } };
	}
	UA_TranslateBrowsePathsToNodeIdsRequest r = { .browsePathsSize = n, .browsePaths = paths };
	int err = ua_call(o->a, &r, &UA_TYPES[UA_TYPES_TRANSLATEBROWSEPATHSTONODEIDSREQUEST],
	    &UA_TYPES[UA_TYPES_TRANSLATEBROWSEPATHSTONODEIDSRESPONSE], 0, translated, o);
	if (err == 0)
		o->step = NULL;
	return err == ERR_CONN ? ERR_BUSY : err;
}

int
op_call(struct op *o)
{
	UA_NodeId *to[2] = { &o->object, &o->method };
	bool paths = false;

	if (o->ask->nargs > UA_ARGUMENTS_MAX) {
		op_done(o, ERR_RANGE, "more than 64 arguments");
		return 0;
	}
	if (ua_method_parse(o->ask->method, &o->memory, &o->addr[0], &o->addr[1], o->why, sizeof o->why) != 0) {
		op_done(o, ERR_NOTFOUND, o->why);
		return 0;
	}
	for (unsigned i = 0; i < 2; i++) {
		if (o->addr[i].kind == UA_ADDR_PATH) {
			paths = true;
			continue;
		}
		UA_NodeId node;
		bool owned;
		char *why = NULL;
		UA_StatusCode s = ua_node_of(o->a, &o->addr[i], &node, &owned, &why);
		if (s == UA_STATUSCODE_GOOD && UA_NodeId_copy(&node, to[i]) != UA_STATUSCODE_GOOD)
			s = UA_STATUSCODE_BADOUTOFMEMORY;
		if (owned)
			UA_NodeId_clear(&node);
		if (s != UA_STATUSCODE_GOOD) {
			snprintf(o->why, sizeof o->why, "%s", why != NULL ? why : UA_StatusCode_name(s));
			free(why);
			op_done(o, ERR_NOTFOUND, o->why);
			return 0;
		}
	}
	o->step = paths ? translate : find_arguments;
	return o->step(o);
}

/* ---- acknowledge ---- */

static int
acknowledge(struct op *o)
{
	if (op_expired(o))
		return 0;
	UA_LocalizedText comment = { .text = UA_STRING((char *)(uintptr_t)(o->ask->comment != NULL ? o->ask->comment : "")) };
	UA_ByteString id = o->inputs_node.identifier.byteString;	/* op_ack() put the EventId there */
	UA_Variant args[2];
	UA_Variant_setScalar(&args[0], &id, &UA_TYPES[UA_TYPES_BYTESTRING]);
	UA_Variant_setScalar(&args[1], &comment, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
	UA_CallMethodRequest m = { .objectId = o->object, .methodId = o->method, .inputArgumentsSize = 2, .inputArguments = args };
	UA_CallRequest r = { .methodsToCallSize = 1, .methodsToCall = &m };
	int err = ua_call(o->a, &r, &UA_TYPES[UA_TYPES_CALLREQUEST], &UA_TYPES[UA_TYPES_CALLRESPONSE], 0, was_called, o);
	if (err == 0)
		o->step = NULL;
	return err == ERR_CONN ? ERR_BUSY : err;
}

int
op_ack(struct op *o)
{
	UA_ByteString event;

	if (!ua_events_find(o->a, o->ask->tags[0], o->ask->method, &o->object, &event, o->why, sizeof o->why)) {
		op_done(o, ERR_NOTFOUND, o->why);
		return 0;
	}
	/* A copy: the next event of the condition takes its place, and it may have to wait for a free call. */
	o->inputs_node.identifierType = UA_NODEIDTYPE_BYTESTRING;
	if (UA_ByteString_copy(&event, &o->inputs_node.identifier.byteString) != UA_STATUSCODE_GOOD) {
		op_done(o, ERR_NOMEM, NULL);
		return 0;
	}
	/* Part 9, 5.7.3: on any condition the method of its type may be named. */
	o->method = UA_NODEID_NUMERIC(0, UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE_ACKNOWLEDGE);
	o->step = acknowledge;
	return acknowledge(o);
}
