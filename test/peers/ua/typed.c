/*
 * A variable of every kind. Values are fixed, so that a test may state them:
 *
 *   t.Boolean true, t.SByte -8, t.Byte 200, t.Int16 -1600, t.UInt16 60000, t.Int32 -320000, t.UInt32 4000000000,
 *   t.Int64 -9007199254740993, t.UInt64 18446744073709551615, t.Float 1.5, t.Double -0.1, t.String "Füller €",
 *   t.DateTime 2026-11-22T12:34:56.7890123Z, t.Guid 72962b91-fa75-4ae6-8d28-b404dc7daf63, t.ByteString 00 ff 10,
 *   t.XmlElement <a/>, t.NodeId ns=PLANT;s=v0, t.ExpandedNodeId nsu=urn:elsewhere;i=7, t.StatusCode 0x80340000,
 *   t.QualifiedName PLANT:Filler, t.LocalizedText de "Füllstand", t.Duration 1250 (a subtype of Double)
 *   t.Mode 2 (Manual), t.Point 1 2 -3, t.Recipe, t.Batch with a weight and without a note, t.Choice text "left"
 *   a.Int32 -1 0 1, a.Double 0.5 1.5 2.5, a.String "a" "" "c", a.Boolean true false true, a.Empty (Int32, none),
 *   a.Points two, m.Double 2 x 3: 1..6, t.Null (Double without a value)
 */
#include <stdlib.h>
#include <string.h>

#include "types.h"

static UA_NodeId folder;

static void
scalar(const char *name, const void *value, const UA_DataType *type)
{
	UA_Variant v;

	UA_Variant_init(&v);
	UA_Variant_setScalar(&v, (void *)(uintptr_t)value, type);
	plant_variable(folder, name, &v, type->typeId);
}

static void
array(const char *name, const void *values, size_t n, const UA_DataType *type)
{
	UA_Variant v;

	UA_Variant_init(&v);
	UA_Variant_setArray(&v, n > 0 ? (void *)(uintptr_t)values : UA_EMPTY_ARRAY_SENTINEL, n, type);
	plant_variable(folder, name, &v, type->typeId);
}

#define SCALAR(name, ctype, type, ...) do {		\
	ctype x_ = __VA_ARGS__;				\
	scalar("t." name, &x_, &UA_TYPES[type]);	\
} while (0)

static void
add_numbers(void)
{
	SCALAR("Boolean", UA_Boolean, UA_TYPES_BOOLEAN, true);
	SCALAR("SByte", UA_SByte, UA_TYPES_SBYTE, -8);
	SCALAR("Byte", UA_Byte, UA_TYPES_BYTE, 200);
	SCALAR("Int16", UA_Int16, UA_TYPES_INT16, -1600);
	SCALAR("UInt16", UA_UInt16, UA_TYPES_UINT16, 60000);
	SCALAR("Int32", UA_Int32, UA_TYPES_INT32, -320000);
	SCALAR("UInt32", UA_UInt32, UA_TYPES_UINT32, 4000000000U);
	SCALAR("Int64", UA_Int64, UA_TYPES_INT64, -9007199254740993);
	SCALAR("UInt64", UA_UInt64, UA_TYPES_UINT64, UINT64_MAX);
	SCALAR("Float", UA_Float, UA_TYPES_FLOAT, 1.5F);
	SCALAR("Double", UA_Double, UA_TYPES_DOUBLE, -0.1);
	SCALAR("Duration", UA_Duration, UA_TYPES_DURATION, 1250);
	SCALAR("DateTime", UA_DateTime, UA_TYPES_DATETIME,
	    UA_DateTime_fromUnixTime(1795350896) + 7890123);	/* 100 ns each */
	SCALAR("StatusCode", UA_StatusCode, UA_TYPES_STATUSCODE, 0x80340000);
}

static void
add_texts(void)
{
	UA_Byte bytes[] = { 0x00, 0xff, 0x10 };
	UA_ByteString blob = { sizeof(bytes), bytes };

	SCALAR("String", UA_String, UA_TYPES_STRING, UA_STRING("F\xc3\xbcller \xe2\x82\xac"));
	SCALAR("Guid", UA_Guid, UA_TYPES_GUID, UA_GUID("72962b91-fa75-4ae6-8d28-b404dc7daf63"));
	scalar("t.ByteString", &blob, &UA_TYPES[UA_TYPES_BYTESTRING]);
	SCALAR("XmlElement", UA_XmlElement, UA_TYPES_XMLELEMENT, UA_STRING("<a/>"));
	SCALAR("NodeId", UA_NodeId, UA_TYPES_NODEID, plant_id("v0"));
	SCALAR("ExpandedNodeId", UA_ExpandedNodeId, UA_TYPES_EXPANDEDNODEID,
	    { UA_NODEID_NUMERIC(0, 7), UA_STRING("urn:elsewhere"), 0 });
	SCALAR("QualifiedName", UA_QualifiedName, UA_TYPES_QUALIFIEDNAME, UA_QUALIFIEDNAME(plant.ns, "Filler"));
	SCALAR("LocalizedText", UA_LocalizedText, UA_TYPES_LOCALIZEDTEXT,
	    UA_LOCALIZEDTEXT("de", "F\xc3\xbcllstand"));
}

static void
add_structures(void)
{
	UA_Double temperatures[] = { 72.5, 85, 4 }, weight = 998.5;
	struct point points[] = { { 1, 2, -3 }, { 4, 5, 6 } };
	struct recipe recipe = { .name = UA_STRING("Apfelschorle"), .number = 4711, .mode = MODE_CLEANING,
		.ntemperatures = 3, .temperatures = temperatures, .start = points[0], .valid = true };
	struct batch batch = { .id = -7, .weight = &weight, .note = NULL };
	struct choice choice = { .which = 2, .fields.text = UA_STRING("left") };
	enum mode mode = MODE_MANUAL;

	scalar("t.Mode", &mode, type_custom(TYPE_MODE));
	scalar("t.Point", &points[0], type_custom(TYPE_POINT));
	scalar("t.Recipe", &recipe, type_custom(TYPE_RECIPE));
	scalar("t.Batch", &batch, type_custom(TYPE_BATCH));
	scalar("t.Choice", &choice, type_custom(TYPE_CHOICE));
	array("a.Points", points, 2, type_custom(TYPE_POINT));
}

static void
add_arrays(void)
{
	static const UA_Int32 ints[] = { -1, 0, 1 };
	static const UA_Double doubles[] = { 0.5, 1.5, 2.5 }, grid[] = { 1, 2, 3, 4, 5, 6 };
	static const UA_Boolean bools[] = { true, false, true };
	UA_String texts[] = { UA_STRING("a"), UA_STRING(""), UA_STRING("c") };
	UA_UInt32 dims[] = { 2, 3 };
	UA_Variant v;

	array("a.Int32", ints, 3, &UA_TYPES[UA_TYPES_INT32]);
	array("a.Double", doubles, 3, &UA_TYPES[UA_TYPES_DOUBLE]);
	array("a.Boolean", bools, 3, &UA_TYPES[UA_TYPES_BOOLEAN]);
	array("a.String", texts, 3, &UA_TYPES[UA_TYPES_STRING]);
	array("a.Empty", NULL, 0, &UA_TYPES[UA_TYPES_INT32]);

	UA_Variant_init(&v);
	UA_Variant_setArray(&v, (void *)(uintptr_t)grid, 6, &UA_TYPES[UA_TYPES_DOUBLE]);
	v.arrayDimensions = dims;
	v.arrayDimensionsSize = 2;
	plant_variable(folder, "m.Double", &v, UA_TYPES[UA_TYPES_DOUBLE].typeId);

	UA_Variant_init(&v);
	plant_variable(folder, "t.Null", &v, UA_TYPES[UA_TYPES_DOUBLE].typeId);
}

void
typed_add(void)
{
	folder = plant_folder(plant.root, "Types");
	add_numbers();
	add_texts();
	add_structures();
	add_arrays();
	UA_NodeId_clear(&folder);
}
