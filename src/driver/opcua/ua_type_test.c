/* OPC UA Binary against the encodings printed in OPC 10000-6 1.05, 5.2, and bytes of a foreign stack (origin at each row). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/test.h"
#include "driver/opcua/ua_type.h"

static const char *const namespaces[] = { "http://opcfoundation.org/UA/", "urn:a;b", "http://acme.com/" };

/* Definitions: point { X Double, Y Double }; mode Off 0, Running 3; type_a of 5.2.7; choice of 5.2.8; tree { Name, Children[] } */
static const int64_t mode_numbers[] = { 0, 3 };
static const char *const mode_names[] = { "Off", "Running" };
static const struct ua_type mode = { .kind = UA_TYPE_ENUM, .name = "Mode", .numbers = mode_numbers, .names = mode_names, .nnames = 2 };
static struct ua_type_field point_fields[] = {
	{ .name = "X", .builtin = UA_B_DOUBLE, .rank = -1 }, { .name = "Y", .builtin = UA_B_DOUBLE, .rank = -1 },
};
static const struct ua_type point = { .kind = UA_TYPE_STRUCT, .name = "Point", .fields = point_fields, .nfields = 2 };
static struct ua_type_field a_fields[] = {
	{ .name = "X", .builtin = UA_B_INT32, .rank = -1 }, { .name = "O1", .builtin = UA_B_INT32, .rank = -1, .optional = true },
	{ .name = "Y", .builtin = UA_B_SBYTE, .rank = -1 }, { .name = "O2", .builtin = UA_B_INT32, .rank = -1, .optional = true },
};
static const struct ua_type type_a = { .kind = UA_TYPE_OPTIONAL, .name = "TypeA", .fields = a_fields, .nfields = 4 };
static struct ua_type_field choice_fields[] = {
	{ .name = "A", .builtin = UA_B_INT32, .rank = -1 }, { .name = "B", .builtin = UA_B_STRING, .rank = -1 },
};
static const struct ua_type choice = { .kind = UA_TYPE_UNION, .name = "Choice", .fields = choice_fields, .nfields = 2 };
extern const struct ua_type tree;
static struct ua_type_field tree_fields[] = {
	{ .name = "Name", .builtin = UA_B_STRING, .rank = -1 }, { .name = "Children", .type = &tree, .builtin = UA_B_EXTENSION, .rank = 1 },
	{ .name = "Mode", .type = &mode, .builtin = UA_B_INT32, .rank = -1 }, { .name = "At", .type = &point, .builtin = UA_B_EXTENSION, .rank = -1 },
	{ .name = "Grid", .builtin = UA_B_INT16, .rank = 2 },
};
const struct ua_type tree = { .kind = UA_TYPE_STRUCT, .name = "Tree", .fields = tree_fields, .nfields = 5 };

/* Encodings ns=2;i=1.. of the above. */
static const struct ua_type *
find(void *arg, const struct ua_id *id)
{
	static const struct ua_type *const all[] = { &point, &type_a, &choice, &tree };
	(void)arg;
	return id->ns == 2 && id->kind == 'i' && id->i >= 1 && id->i <= 4 ? all[id->i - 1] : NULL;
}

static const struct ua_type_book book = { .namespaces = namespaces, .nnamespaces = 3, .find = find };
static struct arena mem;
static uint8_t bytes[4096];
static struct buf text;
static struct ua_decoder d;

static struct ua_decoder
decoder(const char *hex)
{
	arena_fini(&mem);
	return (struct ua_decoder){ .r = rd_init(bytes, test_hex(hex, bytes, sizeof bytes)), .book = &book, .a = &mem };
}

static const char *
json(uint8_t builtin, const struct ua_type *type, int32_t rank, const char *hex)
{
	struct json j = { .out = &text };

	d = decoder(hex);
	buf_reset(&text);
	ua_decode_json(&d, builtin, type, rank, &j);
	if (rd_end(&d.r) != 0)
		return err_name(d.r.err);
	CHECK_INT(d.depth, 0);
	if (!json_valid(text.p, text.len))
		test_fail(__FILE__, __LINE__, "no JSON: %s", text.p);
	return buf_text(&text);
}

TEST(scalars_are_those_of_part_6)
{
	static const struct { uint8_t builtin; const char *hex, *json; } rows[] = {
		{ UA_B_BOOLEAN, "01", "true" }, { UA_B_BOOLEAN, "00", "false" }, { UA_B_SBYTE, "FF", "-1" }, { UA_B_BYTE, "FF", "255" },
		{ UA_B_INT16, "00 80", "-32768" }, { UA_B_UINT16, "FF FF", "65535" },
		{ UA_B_INT32, "00 CA 9A 3B", "1000000000" },				/* 5.2.2.2, the figure */
		{ UA_B_UINT32, "FF FF FF FF", "4294967295" }, { UA_B_INT64, "00 00 00 00 00 00 00 80", "-9223372036854775808" },
		{ UA_B_UINT64, "FF FF FF FF FF FF FF FF", "18446744073709551615" },
		{ UA_B_FLOAT, "00 00 D0 C0", "-6.5" },					/* 5.2.2.3 */
		{ UA_B_DOUBLE, "00 00 00 00 00 00 1A C0", "-6.5" }, { UA_B_FLOAT, "00 00 C0 7F", "null" },
		{ UA_B_DOUBLE, "00 00 00 00 00 00 F0 7F", "null" },
		{ UA_B_STRING, "06 00 00 00 E6 B0 B4 42 6F 79", "\"\xe6\xb0\xb4" "Boy\"" },	/* 5.2.2.4 */
		{ UA_B_STRING, "FF FF FF FF", "null" }, { UA_B_STRING, "00 00 00 00", "\"\"" },
		{ UA_B_GUID, "91 2B 96 72 75 FA E6 4A 8D 28 B4 04 DC 7D AF 63", "\"72962b91-fa75-4ae6-8d28-b404dc7daf63\"" },	/* 5.2.2.6 */
		{ UA_B_BYTESTRING, "03 00 00 00 66 6F 6F", "\"Zm9v\"" }, { UA_B_BYTESTRING, "FF FF FF FF", "null" },
		{ UA_B_XML, "04 00 00 00 3C 61 2F 3E", "\"<a/>\"" },
		{ UA_B_NODEID, "03 01 00 06 00 00 00 48 6F 74 E6 B0 B4", "\"nsu=urn:a%3Bb;s=Hot\xe6\xb0\xb4\"" },		/* 5.2.2.9 */
		{ UA_B_NODEID, "00 72", "\"i=114\"" }, { UA_B_NODEID, "01 02 01 04", "\"nsu=http://acme.com/;i=1025\"" },
		{ UA_B_NODEID, "02 05 00 01 00 00 00", "\"ns=5;i=1\"" },		/* the server has no such index */
		{ UA_B_NODEID, "05 02 00 03 00 00 00 66 6F 6F", "\"nsu=http://acme.com/;b=Zm9v\"" },
		{ UA_B_NODEID, "04 00 00 91 2B 96 72 75 FA E6 4A 8D 28 B4 04 DC 7D AF 63", "\"g=72962b91-fa75-4ae6-8d28-b404dc7daf63\"" },
		{ UA_B_EXPANDED, "C0 55 03 00 00 00 75 72 6E 07 00 00 00", "\"svr=7;nsu=urn;i=85\"" },
		{ UA_B_STATUS, "80 04 00 00", "1152" },					/* info bits stay: overflow */
		{ UA_B_QNAME, "02 00 03 00 00 00 61 62 63", "\"nsu=http://acme.com/;abc\"" }, { UA_B_QNAME, "00 00 01 00 00 00 61", "\"a\"" },
		{ UA_B_LTEXT, "03 02 00 00 00 64 65 02 00 00 00 4A 61", "\"Ja\"" }, { UA_B_LTEXT, "02 01 00 00 00 61", "\"a\"" },
		{ UA_B_LTEXT, "00", "null" },
		{ UA_B_DATETIME, "00 00 00 00 00 00 00 00", "null" },
		{ UA_B_DIAGNOSTIC, "73 01 00 00 00 02 00 00 00 01 00 00 00 61 00 00 00 80 00", "null" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		CHECK_STR(json(rows[i].builtin, NULL, -1, rows[i].hex), rows[i].json);
	/* 1970-01-01 is 116444736000000000 ticks; a tick more shows. */
	CHECK_STR(json(UA_B_DATETIME, NULL, -1, "01 80 3E D5 DE B1 9D 01"), "\"1970-01-01T00:00:00.000000100Z\"");
}

TEST(times_past_ours_are_texts)
{
	char t[WALL_TEXT];
	ua_time_text(1, t);
	CHECK_STR(t, "1601-01-01T00:00:00.0000001Z");
	ua_time_text(116444736000000000 + 951782400LL * 10000000, t);	/* 951782400 s: date -u -d @951782400 */
	CHECK_STR(t, "2000-02-29T00:00:00.0000000Z");
	ua_time_text(2650467743990000000 - 1, t);
	CHECK_STR(t, "9999-12-31T23:59:58.9999999Z");
	ua_time_text(116444736000000000 + 16725225600LL * 10000000, t);	/* date -u -d @16725225600 */
	CHECK_STR(t, "2500-01-01T00:00:00.0000000Z");
	ua_time_text(2650467743990000000, t);
	CHECK_STR(t, "");
	ua_time_text(0, t);
	CHECK_STR(t, "");
}

TEST(a_variant_is_its_value)
{
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "00"), "null");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "06 05 00 00 00"), "5");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "84 02 00 00 00 01 00 FF FF"), "[1,-1]");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "84 FF FF FF FF"), "[]");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "C3 06 00 00 00 01 02 03 04 05 06 02 00 00 00 02 00 00 00 03 00 00 00"),
	    "{\"Array\":[1,2,3,4,5,6],\"Dimensions\":[2,3]}");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "98 02 00 00 00 01 01 0C 01 00 00 00 61"), "[true,\"a\"]");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "97 01 00 00 00 03 06 05 00 00 00 80 04 00 00"), "[{\"Value\":5,\"Status\":1152}]");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "1A 01 00 00 00 66"), "\"Zg==\"");	/* 26 to 31 stand for ByteString */
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "18 01 01"), "PROTO");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "20"), "PROTO");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "46 05 00 00 00"), "PROTO");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "C3 05 00 00 00 01 02 03 04 05 02 00 00 00 02 00 00 00 03 00 00 00"), "PROTO");
}

TEST(structures_are_read_by_their_definitions)
{
	const char *xy = "00 00 00 00 00 00 F0 3F 00 00 00 00 00 00 00 40";
	CHECK_STR(json(UA_B_EXTENSION, &point, -1, xy), "{\"X\":1,\"Y\":2}");
	/* 5.2.7: TypeA with X = 1, Y = 2, O2 = 3 and no O1 */
	CHECK_STR(json(UA_B_EXTENSION, &type_a, -1, "02 00 00 00 01 00 00 00 02 03 00 00 00"), "{\"X\":1,\"Y\":2,\"O2\":3}");
	CHECK_STR(json(UA_B_EXTENSION, &type_a, -1, "00 00 00 00 01 00 00 00 02"), "{\"X\":1,\"Y\":2}");
	/* 5.2.8 */
	CHECK_STR(json(UA_B_EXTENSION, &choice, -1, "01 00 00 00 01 00 00 00"), "{\"A\":1}");
	CHECK_STR(json(UA_B_EXTENSION, &choice, -1, "02 00 00 00 01 00 00 00 62"), "{\"B\":\"b\"}");
	CHECK_STR(json(UA_B_EXTENSION, &choice, -1, "00 00 00 00"), "null");
	CHECK_STR(json(UA_B_EXTENSION, &choice, -1, "03 00 00 00"), "PROTO");
	/* Within ExtensionObjects, 5.2.2.15; the last body is longer than its definition. */
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "16 01 02 02 00 01 0D 00 00 00 00 00 00 00 01 00 00 00 02 DE AD BE EF"), "{\"X\":1,\"Y\":2}");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "16 01 02 02 00 01 08 00 00 00 00 00 00 00 01 00 00 00"), "SHORT");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "16 00 00 00"), "null");
}

TEST(structures_nest_and_recur)
{
	static const char leaf[] = "01 00 00 00 62 FF FF FF FF 07 00 00 00 00 00 00 00 00 00 F0 3F 00 00 00 00 00 00 00 40 02 00 00 00 01 00 00 00 "
	    "02 00 00 00 05 00 06 00";
	char hex[1024];
	snprintf(hex, sizeof hex, "01 00 00 00 61 01 00 00 00 %s 03 00 00 00 00 00 00 00 00 00 F0 3F 00 00 00 00 00 00 00 40 00 00 00 00", leaf);
	CHECK_STR(json(UA_B_EXTENSION, &tree, -1, hex), "{\"Name\":\"a\",\"Children\":[{\"Name\":\"b\",\"Children\":[],\"Mode\":7,"
	    "\"At\":{\"X\":1,\"Y\":2},\"Grid\":{\"Array\":[5,6],\"Dimensions\":[1,2]}}],\"Mode\":\"Running_3\",\"At\":{\"X\":1,\"Y\":2},"
	    "\"Grid\":{\"Array\":[],\"Dimensions\":[]}}");
}

TEST(what_nobody_defines_keeps_its_bytes_and_is_said)
{
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "16 01 02 09 00 01 03 00 00 00 66 6F 6F"),
	    "{\"TypeId\":\"nsu=http://acme.com/;i=9\",\"Body\":\"Zm9v\"}");
	CHECK(d.unknown && d.missing.ns == 2 && d.missing.i == 9);
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "16 01 02 09 00 02 04 00 00 00 3C 61 2F 3E"),
	    "{\"TypeId\":\"nsu=http://acme.com/;i=9\",\"Body\":\"<a/>\"}");
}

TEST(limits_hold)
{
	char hex[2000] = "";
	size_t at = 0;
	/* Variants in arrays in Variants: two bytes and a length each */
	for (unsigned i = 0; i <= UA_NESTING_MAX; i++)
		at += (size_t)snprintf(hex + at, sizeof hex - at, "98 01 00 00 00 ");
	snprintf(hex + at, sizeof hex - at, "00");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, hex), "LIMIT");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "81 FF FF FF 7F 01"), "LIMIT");		/* 2^31 - 1 elements said */
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "81 FF FF 00 00 01"), "SHORT");
	CHECK_STR(json(UA_B_STRING, NULL, -1, "FF FF FF 7F 61"), "SHORT");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "C1 01 00 00 00 01 09 00 00 00"), "LIMIT");	/* nine dimensions */
	CHECK_STR(json(UA_B_NODEID, NULL, -1, "06 00"), "PROTO");
	CHECK_STR(json(UA_B_NODEID, NULL, -1, "80 55 FF FF FF FF"), "PROTO");
	CHECK_STR(json(UA_B_LTEXT, NULL, -1, "04"), "PROTO");
	CHECK_STR(json(UA_B_DATAVALUE, NULL, -1, "40"), "PROTO");
	CHECK_STR(json(UA_B_VARIANT, NULL, -1, "16 00 00 03"), "PROTO");
	at = 0;
	for (unsigned i = 0; i <= UA_NESTING_MAX; i++)
		at += (size_t)snprintf(hex + at, sizeof hex - at, "40 ");
	CHECK_STR(json(UA_B_DIAGNOSTIC, NULL, -1, hex), "LIMIT");
}

static int
pick(const char *hex, const char *fields, struct value *v)
{
	static char copy[100];
	const char *path[8];
	uint32_t n = 0;

	snprintf(copy, sizeof copy, "%s", fields);
	for (char *p = strtok(copy, "."); p != NULL; p = strtok(NULL, "."))
		path[n++] = p;
	d = decoder(hex);
	return ua_decode_select(&d, UA_B_VARIANT, NULL, -1, path, n, v);
}

TEST(a_field_is_had_in_its_own_type)
{
	/* tree { "a", [ tree { "b", [], 7, ... } ], Running, point { 1, 2 }, [[5,6]] } as ExtensionObject */
	static const char hex[] = "16 01 02 04 00 01 4E 00 00 00 01 00 00 00 61 01 00 00 00 "
	    "01 00 00 00 62 FF FF FF FF 07 00 00 00 00 00 00 00 00 00 F0 3F 00 00 00 00 00 00 00 40 00 00 00 00 "
	    "03 00 00 00 00 00 00 00 00 00 F0 3F 00 00 00 00 00 00 00 40 02 00 00 00 01 00 00 00 02 00 00 00 05 00 06 00";
	struct value v;
	CHECK_INT(pick(hex, "At.Y", &v), 0);
	CHECK(v.type == VALUE_F64 && v.f64 == 2);
	CHECK_INT(pick(hex, "Mode", &v), 0);
	CHECK(v.type == VALUE_I32 && v.i == 3);
	CHECK_INT(pick(hex, "Children.0.Name", &v), 0);
	CHECK(v.type == VALUE_TEXT && v.len == 1 && memcmp(v.p, "b", 1) == 0);
	CHECK_INT(pick(hex, "Grid.1", &v), 0);
	CHECK(v.type == VALUE_I16 && v.i == 6);
	CHECK_INT(pick(hex, "At", &v), 0);
	CHECK(v.type == VALUE_JSON && v.len == 13 && memcmp(v.p, "{\"X\":1,\"Y\":2}", 13) == 0);
	CHECK_INT(pick(hex, "Grid", &v), 0);
	CHECK(v.type == VALUE_JSON);
	CHECK_INT(pick(hex, "Grid.2", &v), ERR_NOTFOUND);
	CHECK_INT(pick(hex, "At.Z", &v), ERR_NOTFOUND);
	CHECK(strstr(d.why, "no such field") != NULL);
	CHECK_INT(pick(hex, "At.X.Deeper", &v), ERR_NOTFOUND);
	CHECK_INT(pick(hex, "Children.Name", &v), ERR_NOTFOUND);
	CHECK_INT(pick(hex, "Children.1", &v), ERR_NOTFOUND);
	CHECK_INT(v.type, VALUE_NULL);
}

TEST(variants_come_in_their_own_type)
{
	struct value v;
	CHECK_INT(pick("84 02 00 00 00 01 00 FF FF", "", &v), 0);
	CHECK(v.type == (VALUE_I16 | VALUE_ARRAY) && value_count(&v) == 2 && value_at(&v, 1).i == -1);
	CHECK_INT(pick("81 02 00 00 00 02 00", "", &v), 0);
	CHECK(v.type == (VALUE_BOOL | VALUE_ARRAY) && value_at(&v, 0).b && !value_at(&v, 1).b);
	CHECK_INT(pick("8C 02 00 00 00 01 00 00 00 61 FF FF FF FF", "", &v), 0);
	CHECK(v.type == VALUE_JSON && memcmp(v.p, "[\"a\",null]", v.len) == 0);
	CHECK_INT(pick("8C 02 00 00 00 01 00 00 00 61 01 00 00 00 62", "1", &v), 0);
	CHECK(v.type == VALUE_TEXT && memcmp(v.p, "b", 1) == 0);
	CHECK_INT(pick("16 01 02 02 00 01 0D 00 00 00 02 00 00 00 01 00 00 00 02 03 00 00 00", "O1", &v), ERR_NOTFOUND);
	CHECK(strstr(d.why, "optional") != NULL);
	CHECK_INT(pick("16 01 02 02 00 01 0D 00 00 00 02 00 00 00 01 00 00 00 02 03 00 00 00", "O2", &v), 0);
	CHECK_INT(v.i, 3);
	CHECK_INT(pick("16 01 02 03 00 01 09 00 00 00 02 00 00 00 01 00 00 00 62", "A", &v), ERR_NOTFOUND);
	CHECK_INT(pick("16 01 02 03 00 01 09 00 00 00 02 00 00 00 01 00 00 00 62", "B", &v), 0);
	CHECK_INT(pick("16 01 02 09 00 01 01 00 00 00 00", "B", &v), ERR_NOTFOUND);
	CHECK(d.unknown);
	arena_fini(&mem);
	buf_fini(&text);
}

TEST_MAIN
