/*
 * Data types of the plant's own: the enumeration Mode and the structures Point, Recipe (which holds a Point, a Mode and an
 * array), Batch (with optional fields) and Choice (a union). Their definitions are what open62541 answers for the attribute
 * DataTypeDefinition; for the enumeration it has none, so Mode has the property EnumStrings alone (Part 3, 5.8.3). A client
 * that insists on definitions cannot decode Recipe here.
 */
#include <stddef.h>

#include "types.h"

enum { ID_MODE = 3001, ID_POINT, ID_RECIPE, ID_BATCH, ID_CHOICE, ID_ENCODING = 1000 };

#define GAP(type, member, before, before_type) \
	(offsetof(struct type, member) - offsetof(struct type, before) - sizeof(before_type))
#define NUMERIC(id) { 0, UA_NODEIDTYPE_NUMERIC, { id } }
#define ARRAY_SIZE (sizeof(size_t) + sizeof(void *))

static UA_DataType types[TYPES_CUSTOM];

static UA_DataTypeMember point_members[] = {
	{ "x", &UA_TYPES[UA_TYPES_DOUBLE], 0, false, false },
	{ "y", &UA_TYPES[UA_TYPES_DOUBLE], GAP(point, y, x, UA_Double), false, false },
	{ "z", &UA_TYPES[UA_TYPES_DOUBLE], GAP(point, z, y, UA_Double), false, false },
};
static UA_DataTypeMember recipe_members[] = {
	{ "name", &UA_TYPES[UA_TYPES_STRING], 0, false, false },
	{ "number", &UA_TYPES[UA_TYPES_UINT32], GAP(recipe, number, name, UA_String), false, false },
	{ "mode", &types[TYPE_MODE], GAP(recipe, mode, number, UA_UInt32), false, false },
	{ "temperatures", &UA_TYPES[UA_TYPES_DOUBLE], GAP(recipe, ntemperatures, mode, enum mode), true, false },
	{ "start", &types[TYPE_POINT], GAP(recipe, start, ntemperatures, char[ARRAY_SIZE]), false, false },
	{ "valid", &UA_TYPES[UA_TYPES_BOOLEAN], GAP(recipe, valid, start, struct point), false, false },
};
static UA_DataTypeMember batch_members[] = {
	{ "id", &UA_TYPES[UA_TYPES_INT32], 0, false, false },
	{ "weight", &UA_TYPES[UA_TYPES_DOUBLE], GAP(batch, weight, id, UA_Int32), false, true },
	{ "note", &UA_TYPES[UA_TYPES_STRING], GAP(batch, note, weight, void *), false, true },
};
static UA_DataTypeMember choice_members[] = {
	{ "number", &UA_TYPES[UA_TYPES_UINT32], offsetof(struct choice, fields.number), false, false },
	{ "text", &UA_TYPES[UA_TYPES_STRING], offsetof(struct choice, fields.text), false, false },
};

static UA_DataType types[TYPES_CUSTOM] = {
	[TYPE_MODE] = { "Mode", NUMERIC(ID_MODE), NUMERIC(0), sizeof(enum mode), UA_DATATYPEKIND_ENUM, true, false, 0, NULL },
	[TYPE_POINT] = { "Point", NUMERIC(ID_POINT), NUMERIC(ID_POINT + ID_ENCODING), sizeof(struct point),
	    UA_DATATYPEKIND_STRUCTURE, true, false, 3, point_members },
	[TYPE_RECIPE] = { "Recipe", NUMERIC(ID_RECIPE), NUMERIC(ID_RECIPE + ID_ENCODING), sizeof(struct recipe),
	    UA_DATATYPEKIND_STRUCTURE, false, false, 6, recipe_members },
	[TYPE_BATCH] = { "Batch", NUMERIC(ID_BATCH), NUMERIC(ID_BATCH + ID_ENCODING), sizeof(struct batch),
	    UA_DATATYPEKIND_OPTSTRUCT, false, false, 3, batch_members },
	[TYPE_CHOICE] = { "Choice", NUMERIC(ID_CHOICE), NUMERIC(ID_CHOICE + ID_ENCODING), sizeof(struct choice),
	    UA_DATATYPEKIND_UNION, false, false, 2, choice_members },
};
static const UA_DataTypeArray custom = { NULL, TYPES_CUSTOM, types, false };

const UA_DataType *
type_custom(enum custom_type which)
{
	return &types[which];
}

const UA_DataTypeArray *
types_custom(UA_UInt16 ns)
{
	for (int i = 0; i < TYPES_CUSTOM; i++)
		types[i].typeId.namespaceIndex = types[i].binaryEncodingId.namespaceIndex = ns;
	return &custom;
}

/* A data type below its parent, with the node that clients look up its binary encoding by (Part 3, 5.8.4). */
static void
add_type(const UA_DataType *type, UA_UInt32 parent)
{
	UA_DataTypeAttributes a = UA_DataTypeAttributes_default;
	UA_ObjectAttributes e = UA_ObjectAttributes_default;

	a.displayName = UA_LOCALIZEDTEXT("", (char *)(uintptr_t)type->typeName);
	must(UA_Server_addDataTypeNode(plant.server, type->typeId, UA_NODEID_NUMERIC(0, parent),
	    UA_NODEID_NUMERIC(0, UA_NS0ID_HASSUBTYPE), UA_QUALIFIEDNAME(plant.ns, (char *)(uintptr_t)type->typeName), a, NULL,
	    NULL), type->typeName);
	if (type->binaryEncodingId.identifier.numeric == 0)
		return;
	e.displayName = UA_LOCALIZEDTEXT("", "Default Binary");
	must(UA_Server_addNode_begin(plant.server, UA_NODECLASS_OBJECT, type->binaryEncodingId, UA_NODEID_NULL, UA_NODEID_NULL,
	    UA_QUALIFIEDNAME(0, "Default Binary"), UA_NODEID_NUMERIC(0, UA_NS0ID_DATATYPEENCODINGTYPE), &e,
	    &UA_TYPES[UA_TYPES_OBJECTATTRIBUTES], NULL, NULL), "the encoding of a type");
	must(UA_Server_addReference(plant.server, type->typeId, UA_NODEID_NUMERIC(0, UA_NS0ID_HASENCODING),
	    (UA_ExpandedNodeId){ type->binaryEncodingId, UA_STRING_NULL, 0 }, true), "HasEncoding");
	must(UA_Server_addNode_finish(plant.server, type->binaryEncodingId), "the encoding of a type");
}

void
types_add_nodes(void)
{
	static const char *const modes[] = { "Off", "Automatic", "Manual", "Cleaning" };
	UA_LocalizedText texts[4];
	UA_VariableAttributes a = UA_VariableAttributes_default;

	add_type(&types[TYPE_MODE], UA_NS0ID_ENUMERATION);
	add_type(&types[TYPE_POINT], UA_NS0ID_STRUCTURE);
	add_type(&types[TYPE_RECIPE], UA_NS0ID_STRUCTURE);
	add_type(&types[TYPE_BATCH], UA_NS0ID_STRUCTURE);
	add_type(&types[TYPE_CHOICE], UA_NS0ID_UNION);

	for (size_t i = 0; i < 4; i++)
		texts[i] = UA_LOCALIZEDTEXT("en", (char *)(uintptr_t)modes[i]);
	UA_UInt32 dims = 4;
	UA_Variant_setArray(&a.value, texts, 4, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
	a.displayName = UA_LOCALIZEDTEXT("", "EnumStrings");
	a.dataType = UA_TYPES[UA_TYPES_LOCALIZEDTEXT].typeId;
	a.valueRank = UA_VALUERANK_ONE_DIMENSION;
	a.arrayDimensions = &dims;
	a.arrayDimensionsSize = 1;
	must(UA_Server_addVariableNode(plant.server, plant_id("Mode.EnumStrings"), types[TYPE_MODE].typeId,
	    UA_NODEID_NUMERIC(0, UA_NS0ID_HASPROPERTY), UA_QUALIFIEDNAME(0, "EnumStrings"),
	    UA_NODEID_NUMERIC(0, UA_NS0ID_PROPERTYTYPE), a, NULL, NULL), "EnumStrings");
}
