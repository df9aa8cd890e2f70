/*
 * The many variables: v0, v1, ... in folders, computed from the clock when they are read, so that changing a hundred
 * thousand of them costs a server nothing. A value is the number of changes so far, starting at 0 and rising by one;
 * whoever watches one can tell that a change was missed. Its source timestamp is when it changed.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

static const UA_DataType *
type_wanted(void)
{
	static const int known[] = { UA_TYPES_DOUBLE, UA_TYPES_FLOAT, UA_TYPES_INT32, UA_TYPES_UINT32, UA_TYPES_UINT16,
		UA_TYPES_INT64, UA_TYPES_BOOLEAN };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(UA_TYPES[known[i]].typeName, opt.type) == 0)
			return &UA_TYPES[known[i]];
	fprintf(stderr, "ua_server: --type %s is not one of Double Float Int32 UInt32 UInt16 Int64 Boolean\n", opt.type);
	exit(2);
}

/* How often variable i has changed, and when it did so last, in ms of running time. */
static double
changes(uint32_t i, double *at_ms)
{
	double ran_ms = plant.running_ms + (plant.frozen ? 0 : now_ms() - plant.thawed_ms);

	*at_ms = 0;
	if (opt.rate > 0) {			/* one after the other, `rate` a second in all */
		double all = floor(ran_ms * opt.rate / 1000), mine = floor((all - i - 1) / opt.variables) + 1;
		*at_ms = mine > 0 ? ((mine - 1) * opt.variables + i + 1) * 1000 / opt.rate : 0;
		return mine;
	}
	if (opt.change_ms <= 0)
		return 0;
	double mine = floor(ran_ms / opt.change_ms);
	*at_ms = mine * opt.change_ms;
	return mine;
}

static void
set_number(UA_Variant *v, const UA_DataType *type, double n)
{
	union {
		UA_Double d; UA_Float f; UA_Int32 i; UA_UInt32 u; UA_UInt16 s; UA_Int64 l; UA_Boolean b;
	} x;

	memset(&x, 0, sizeof(x));
	switch (type->typeKind) {
	case UA_DATATYPEKIND_DOUBLE:	x.d = n; break;
	case UA_DATATYPEKIND_FLOAT:	x.f = (UA_Float)n; break;
	case UA_DATATYPEKIND_INT32:	x.i = (UA_Int32)n; break;
	case UA_DATATYPEKIND_UINT32:	x.u = (UA_UInt32)n; break;
	case UA_DATATYPEKIND_UINT16:	x.s = (UA_UInt16)(int64_t)n; break;
	case UA_DATATYPEKIND_INT64:	x.l = (UA_Int64)n; break;
	default:			x.b = (int64_t)n & 1; break;
	}
	UA_Variant_setScalarCopy(v, &x, type);
}

static UA_StatusCode
bulk_read(UA_Server *server, const UA_NodeId *session, void *session_context, const UA_NodeId *node, void *context,
    UA_Boolean want_time, const UA_NumericRange *range, UA_DataValue *out)
{
	static const UA_DataType *type;
	uint32_t i = (uint32_t)((uintptr_t)context - 1);

	(void)server, (void)session, (void)session_context, (void)node;
	if (type == NULL)
		type = type_wanted();
	plant.reads++;
	if (range != NULL) {
		out->hasStatus = true;
		out->status = UA_STATUSCODE_BADINDEXRANGEINVALID;
		return UA_STATUSCODE_GOOD;
	}
	if (plant.held != NULL && plant.held[i] != NULL)
		return UA_DataValue_copy(plant.held[i], out);
	double at_ms, n = changes(i, &at_ms);
	set_number(&out->value, type, n);
	out->hasValue = true;
	if (want_time) {
		out->sourceTimestamp = plant.zero + (UA_DateTime)((at_ms + plant.shift_ms) * UA_DATETIME_MSEC);
		out->hasSourceTimestamp = true;
	}
	return UA_STATUSCODE_GOOD;
}

void
bulk_hold(uint32_t i, const UA_DataValue *value)
{
	if (plant.held == NULL)
		plant.held = calloc((size_t)opt.variables, sizeof(*plant.held));
	if (plant.held[i] != NULL)
		UA_DataValue_delete(plant.held[i]);
	plant.held[i] = NULL;
	if (value != NULL) {
		plant.held[i] = UA_DataValue_new();
		must(UA_DataValue_copy(value, plant.held[i]), "holding a value");
	}
}

static UA_StatusCode
bulk_write(UA_Server *server, const UA_NodeId *session, void *session_context, const UA_NodeId *node, void *context,
    const UA_NumericRange *range, const UA_DataValue *value)
{
	(void)server, (void)session, (void)session_context;
	if (range != NULL)
		return UA_STATUSCODE_BADINDEXRANGEINVALID;
	plant.writes++;
	bulk_hold((uint32_t)((uintptr_t)context - 1), value);
	control_tell_write(node, value->hasValue ? &value->value : NULL);
	return UA_STATUSCODE_GOOD;
}

bool
bulk_index(const UA_NodeId *id, uint32_t *i)
{
	char name[16], end;
	unsigned n;

	if (id->namespaceIndex != plant.ns || id->identifierType != UA_NODEIDTYPE_STRING ||
	    id->identifier.string.length >= sizeof(name))
		return false;
	memcpy(name, id->identifier.string.data, id->identifier.string.length);
	name[id->identifier.string.length] = '\0';
	if (sscanf(name, "v%u%c", &n, &end) != 1 || n >= (unsigned)opt.variables)
		return false;
	*i = n;
	return true;
}

void
bulk_add(void)
{
	UA_DataSource source = { bulk_read, bulk_write };
	UA_NodeId folder = UA_NODEID_NULL;
	char name[FOLDER_NAME_MAX];
	const UA_DataType *type = type_wanted();

	for (int i = 0; i < opt.variables; i++) {
		if (i % opt.per_folder == 0) {
			snprintf(name, sizeof(name), "f%d", i / opt.per_folder);
			UA_NodeId_clear(&folder);
			folder = plant_folder(plant.root, name);
		}
		UA_VariableAttributes a = UA_VariableAttributes_default;
		snprintf(name, sizeof(name), "v%d", i);
		a.displayName = UA_LOCALIZEDTEXT("", name);
		a.dataType = type->typeId;
		a.valueRank = UA_VALUERANK_SCALAR;
		a.accessLevel = UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_WRITE;
		a.minimumSamplingInterval = opt.min_sampling_ms;
		must(UA_Server_addDataSourceVariableNode(plant.server, plant_id(name), folder,
		    UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES), UA_QUALIFIEDNAME(plant.ns, name),
		    UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATAVARIABLETYPE), a, source, (void *)((uintptr_t)i + 1), NULL), name);
	}
	UA_NodeId_clear(&folder);
}
