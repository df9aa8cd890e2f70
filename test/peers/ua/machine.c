/*
 * What a machine has besides plain values: analog items q0, q1, ... with unit and range (Part 8, 5.3.2.3), variables that
 * treat a write in their own way, methods, and the service level that redundant servers are chosen by (Part 4, 6.6.2).
 *
 *   w.ignore     takes a write, says Good and stays 1.0        w.clamp      keeps what is written within 0..100
 *   w.refuse     says BadUserAccessDenied                      w.readonly   may not be written at all
 *   Add(a, b)    answers a + b, both Double                    Fail()       answers BadInvalidState
 */
#include <stdio.h>

#include "plant.h"

static UA_Double clamped = 50;

static void
add_property(const UA_NodeId *of, const char *owner, const char *name, const void *value, const UA_DataType *type)
{
	UA_VariableAttributes a = UA_VariableAttributes_default;
	char id[64];

	snprintf(id, sizeof(id), "%s.%s", owner, name);
	UA_Variant_setScalar(&a.value, (void *)(uintptr_t)value, type);
	a.displayName = UA_LOCALIZEDTEXT("", (char *)(uintptr_t)name);
	a.dataType = type->typeId;
	a.valueRank = UA_VALUERANK_SCALAR;
	must(UA_Server_addVariableNode(plant.server, plant_id(id), *of, UA_NODEID_NUMERIC(0, UA_NS0ID_HASPROPERTY),
	    UA_QUALIFIEDNAME(0, (char *)(uintptr_t)name), UA_NODEID_NUMERIC(0, UA_NS0ID_PROPERTYTYPE), a, NULL, NULL), id);
}

static void
add_analog(UA_NodeId folder, int i)
{
	/* UNECE common codes: the id is the code's bytes, most significant first (Part 8, 5.6.3.3). */
	static const struct { const char *code, *sign, *text; UA_Int32 id; double low, high; } units[] = {
		{ "CEL", "\xc2\xb0" "C", "degree Celsius", 4408652, -40, 150 },
		{ "BAR", "bar", "bar", 4342098, 0, 16 },
		{ "MTR", "m", "metre", 5067858, 0, 3 },
	};
	const UA_VariableAttributes plain = UA_VariableAttributes_default;
	UA_VariableAttributes a = plain;
	UA_Double value = 1 + i;
	char name[FOLDER_NAME_MAX];
	size_t u = (size_t)i % (sizeof(units) / sizeof(units[0]));
	UA_EUInformation eu = { UA_STRING("http://www.opcfoundation.org/UA/units/un/cefact"), units[u].id,
		UA_LOCALIZEDTEXT("en", (char *)(uintptr_t)units[u].sign),
		UA_LOCALIZEDTEXT("en", (char *)(uintptr_t)units[u].text) };
	UA_Range range = { units[u].low, units[u].high };

	snprintf(name, sizeof(name), "q%d", i);
	UA_NodeId id = plant_id(name);
	UA_Variant_setScalar(&a.value, &value, &UA_TYPES[UA_TYPES_DOUBLE]);
	a.displayName = UA_LOCALIZEDTEXT("", name);
	a.description = UA_LOCALIZEDTEXT("en", "An analog item of the plant");
	a.dataType = UA_TYPES[UA_TYPES_DOUBLE].typeId;
	a.valueRank = UA_VALUERANK_SCALAR;
	a.accessLevel = UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_WRITE;
	/* Its mandatory property EURange is given by hand below, so the children that the type asks for are not made. */
	must(UA_Server_addNode_begin(plant.server, UA_NODECLASS_VARIABLE, id, folder,
	    UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES), UA_QUALIFIEDNAME(plant.ns, name),
	    UA_NODEID_NUMERIC(0, UA_NS0ID_ANALOGITEMTYPE), &a, &UA_TYPES[UA_TYPES_VARIABLEATTRIBUTES], NULL, NULL), name);
	add_property(&id, name, "EURange", &range, &UA_TYPES[UA_TYPES_RANGE]);
	add_property(&id, name, "EngineeringUnits", &eu, &UA_TYPES[UA_TYPES_EUINFORMATION]);
	must(UA_Server_addNode_finish(plant.server, id), name);
}

static UA_StatusCode
read_own(UA_Server *server, const UA_NodeId *session, void *session_context, const UA_NodeId *node, void *context,
    UA_Boolean want_time, const UA_NumericRange *range, UA_DataValue *out)
{
	static const UA_Double one = 1;

	(void)server, (void)session, (void)session_context, (void)node, (void)range;
	out->hasValue = true;
	out->hasSourceTimestamp = want_time;
	out->sourceTimestamp = UA_DateTime_now();
	return UA_Variant_setScalarCopy(&out->value, context != NULL ? context : &one, &UA_TYPES[UA_TYPES_DOUBLE]);
}

/* Where the context points to a number it is kept within 0..100; elsewhere the write is forgotten. */
static UA_StatusCode
write_own(UA_Server *server, const UA_NodeId *session, void *session_context, const UA_NodeId *node, void *context,
    const UA_NumericRange *range, const UA_DataValue *value)
{
	(void)server, (void)session, (void)session_context, (void)range;
	plant.writes++;
	control_tell_write(node, value->hasValue ? &value->value : NULL);
	if (context != NULL && value->hasValue && UA_Variant_hasScalarType(&value->value, &UA_TYPES[UA_TYPES_DOUBLE])) {
		UA_Double x = *(UA_Double *)value->value.data;
		*(UA_Double *)context = x < 0 ? 0 : x > 100 ? 100 : x;
	}
	return UA_STATUSCODE_GOOD;
}

static UA_StatusCode
write_refused(UA_Server *server, const UA_NodeId *session, void *session_context, const UA_NodeId *node, void *context,
    const UA_NumericRange *range, const UA_DataValue *value)
{
	(void)server, (void)session, (void)session_context, (void)node, (void)context, (void)range, (void)value;
	plant.writes++;
	return UA_STATUSCODE_BADUSERACCESSDENIED;
}

typedef UA_StatusCode writer(UA_Server *, const UA_NodeId *, void *, const UA_NodeId *, void *, const UA_NumericRange *,
    const UA_DataValue *);

static void
add_own(UA_NodeId folder, char *name, writer *write, void *context)
{
	UA_VariableAttributes a = UA_VariableAttributes_default;
	UA_DataSource source = { read_own, write };

	a.displayName = UA_LOCALIZEDTEXT("", name);
	a.dataType = UA_TYPES[UA_TYPES_DOUBLE].typeId;
	a.valueRank = UA_VALUERANK_SCALAR;
	a.accessLevel = write != NULL ? UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_WRITE : UA_ACCESSLEVELMASK_READ;
	must(UA_Server_addDataSourceVariableNode(plant.server, plant_id(name), folder,
	    UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES), UA_QUALIFIEDNAME(plant.ns, name),
	    UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATAVARIABLETYPE), a, source, context, NULL), name);
}

static UA_StatusCode
call_add(UA_Server *server, const UA_NodeId *session, void *session_context, const UA_NodeId *method, void *method_context,
    const UA_NodeId *object, void *object_context, size_t nin, const UA_Variant *in, size_t nout, UA_Variant *out)
{
	(void)server, (void)session, (void)session_context, (void)method, (void)method_context, (void)object,
	    (void)object_context, (void)nin, (void)nout;
	UA_Double sum = *(UA_Double *)in[0].data + *(UA_Double *)in[1].data;
	return UA_Variant_setScalarCopy(out, &sum, &UA_TYPES[UA_TYPES_DOUBLE]);
}

static UA_StatusCode
call_fail(UA_Server *server, const UA_NodeId *session, void *session_context, const UA_NodeId *method, void *method_context,
    const UA_NodeId *object, void *object_context, size_t nin, const UA_Variant *in, size_t nout, UA_Variant *out)
{
	(void)server, (void)session, (void)session_context, (void)method, (void)method_context, (void)object,
	    (void)object_context, (void)nin, (void)in, (void)nout, (void)out;
	return UA_STATUSCODE_BADINVALIDSTATE;
}

static void
add_method(UA_NodeId folder, char *name, UA_MethodCallback call, size_t nin, const UA_Argument *in, size_t nout,
    const UA_Argument *out)
{
	UA_MethodAttributes a = UA_MethodAttributes_default;

	a.displayName = UA_LOCALIZEDTEXT("", name);
	a.executable = a.userExecutable = true;
	must(UA_Server_addMethodNode(plant.server, plant_id(name), folder, UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT),
	    UA_QUALIFIEDNAME(plant.ns, name), a, call, nin, in, nout, out, NULL, NULL), name);
}

static UA_StatusCode
read_service_level(UA_Server *server, const UA_NodeId *session, void *session_context, const UA_NodeId *node, void *context,
    UA_Boolean want_time, const UA_NumericRange *range, UA_DataValue *out)
{
	(void)server, (void)session, (void)session_context, (void)node, (void)context, (void)range;
	out->hasValue = true;
	out->hasSourceTimestamp = want_time;
	out->sourceTimestamp = UA_DateTime_now();
	return UA_Variant_setScalarCopy(&out->value, &plant.service_level, &UA_TYPES[UA_TYPES_BYTE]);
}

void
machine_add(void)
{
	UA_DataSource level = { read_service_level, NULL };
	UA_NodeId folder = plant_folder(plant.root, "Machine");
	UA_Argument number[2], sum;

	for (int i = 0; i < opt.analog; i++)
		add_analog(folder, i);
	add_own(folder, "w.ignore", write_own, NULL);
	add_own(folder, "w.clamp", write_own, &clamped);
	add_own(folder, "w.refuse", write_refused, NULL);
	add_own(folder, "w.readonly", NULL, NULL);

	for (int i = 0; i < 2; i++) {
		UA_Argument_init(&number[i]);
		number[i].name = i == 0 ? UA_STRING("a") : UA_STRING("b");
		number[i].dataType = UA_TYPES[UA_TYPES_DOUBLE].typeId;
		number[i].valueRank = UA_VALUERANK_SCALAR;
	}
	sum = number[0];
	sum.name = UA_STRING("sum");
	add_method(folder, "Add", call_add, 2, number, 1, &sum);
	add_method(folder, "Fail", call_fail, 0, NULL, 0, NULL);
	UA_NodeId_clear(&folder);
	must(UA_Server_setVariableNode_dataSource(plant.server, UA_NODEID_NUMERIC(0, UA_NS0ID_SERVER_SERVICELEVEL), level),
	    "the service level");
}
