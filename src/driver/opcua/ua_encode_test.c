/* Values into OPC UA Binary: bytes printed in OPC 10000-6 1.05, 5.2; what does not fit is refused; what goes in comes out. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "driver/opcua/ua_encode.h"

static const int64_t mode_numbers[] = { 0, 3 };
static const char *const mode_names[] = { "Off", "Running" };
static const struct ua_type mode = { .kind = UA_TYPE_ENUM, .name = "Mode", .numbers = mode_numbers, .names = mode_names, .nnames = 2 };
static struct ua_type_field a_fields[] = {
	{ .name = "X", .builtin = UA_B_INT32, .rank = -1 }, { .name = "O1", .builtin = UA_B_INT32, .rank = -1, .optional = true },
	{ .name = "Y", .builtin = UA_B_SBYTE, .rank = -1 }, { .name = "O2", .builtin = UA_B_INT32, .rank = -1, .optional = true },
};
static const struct ua_type type_a = { .kind = UA_TYPE_OPTIONAL, .name = "TypeA", .fields = a_fields, .nfields = 4 };
static struct ua_type_field choice_fields[] = {
	{ .name = "A", .builtin = UA_B_INT32, .rank = -1 }, { .name = "B", .builtin = UA_B_STRING, .rank = -1 },
};
static const struct ua_type choice = { .kind = UA_TYPE_UNION, .name = "Choice", .fields = choice_fields, .nfields = 2 };
static struct ua_type_field box_fields[] = {
	{ .name = "A", .type = &type_a, .builtin = UA_B_EXTENSION, .rank = 1 }, { .name = "M", .type = &mode, .builtin = UA_B_INT32, .rank = -1 },
	{ .name = "G", .builtin = UA_B_BYTE, .rank = 2 }, { .name = "V", .builtin = UA_B_VARIANT, .rank = -1 },
};
static const struct ua_type box = { .kind = UA_TYPE_STRUCT, .name = "Box", .fields = box_fields, .nfields = 4 };

static struct buf out;
static struct arena mem;
static const char *why;

static const UA_NodeId *
encoding(const struct ua_type *t)
{
	static const UA_NodeId id = { .namespaceIndex = 2, .identifier.numeric = 1025 };
	(void)t;
	return &id;
}

static struct ua_encoder
encoder(void)
{
	buf_reset(&out);
	arena_fini(&mem);
	return (struct ua_encoder){ .out = &out, .scratch = &mem, .encoding = encoding };
}

static void
gives(const struct ua_encoder *e, const char *hex, int line)
{
	uint8_t want[512];
	size_t n = test_hex(hex, want, sizeof want);
	if (e->err != 0)
		test_fail(__FILE__, line, "refused: %s", e->why != NULL ? e->why : err_text(e->err));
	if (out.len != n || memcmp(out.p, want, n) != 0)
		test_fail(__FILE__, line, "%zu bytes, want %s", out.len, hex);
}

#define SCALAR(builtin, hex, ...) do { struct ua_encoder e_ = encoder(); struct value v_ = { __VA_ARGS__ }; \
	ua_encode_scalar(&e_, builtin, &v_); gives(&e_, hex, __LINE__); } while (0)
#define REFUSED(builtin, code, ...) do { struct ua_encoder e_ = encoder(); struct value v_ = { __VA_ARGS__ }; \
	ua_encode_scalar(&e_, builtin, &v_); CHECK_INT(e_.err, code); CHECK(e_.why != NULL); } while (0)
#define TEXT(s) .type = VALUE_TEXT, .len = sizeof(s) - 1, .p = s

TEST(scalars_have_the_bytes_of_part_6)
{
	SCALAR(UA_B_INT32, "00 CA 9A 3B", .type = VALUE_I64, .i = 1000000000);
	SCALAR(UA_B_FLOAT, "00 00 D0 C0", .type = VALUE_F64, .f64 = -6.5);
	SCALAR(UA_B_STRING, "06 00 00 00 E6 B0 B4 42 6F 79", TEXT("\xe6\xb0\xb4" "Boy"));
	SCALAR(UA_B_GUID, "91 2B 96 72 75 FA E6 4A 8D 28 B4 04 DC 7D AF 63", TEXT("72962b91-fa75-4ae6-8d28-b404dc7daf63"));
	SCALAR(UA_B_BYTESTRING, "03 00 00 00 66 6F 6F", TEXT("Zm9v"));
	SCALAR(UA_B_LTEXT, "02 01 00 00 00 61", TEXT("a"));
	SCALAR(UA_B_NODEID, "02 00 00 55 00 00 00", TEXT("i=85"));
	SCALAR(UA_B_NODEID, "03 00 00 01 00 00 00 61", TEXT("s=a"));
	SCALAR(UA_B_QNAME, "00 00 01 00 00 00 61", TEXT("a"));
	SCALAR(UA_B_DATETIME, "01 80 3E D5 DE B1 9D 01", .type = VALUE_TIME, .i = 100);
	SCALAR(UA_B_DATETIME, "02 80 3E D5 DE B1 9D 01", TEXT("1970-01-01T01:00:00.0000002+01:00"));
	SCALAR(UA_B_BOOLEAN, "01", .type = VALUE_U8, .u = 1);
}

TEST(what_does_not_fit_is_refused_with_a_reason)
{
	REFUSED(UA_B_BYTE, ERR_RANGE, .type = VALUE_I32, .i = 256);
	REFUSED(UA_B_INT32, ERR_RANGE, .type = VALUE_F64, .f64 = 0.5);
	REFUSED(UA_B_FLOAT, ERR_RANGE, .type = VALUE_F64, .f64 = 0.1);
	REFUSED(UA_B_INT32, ERR_TYPE, TEXT("5"));
	REFUSED(UA_B_STRING, ERR_TYPE, .type = VALUE_I32, .i = 5);
	REFUSED(UA_B_GUID, ERR_TYPE, TEXT("72962b91"));
	REFUSED(UA_B_BYTESTRING, ERR_TYPE, TEXT("Zm9"));
	REFUSED(UA_B_NODEID, ERR_TYPE, TEXT("ns=2;s=a"));
	REFUSED(UA_B_NODEID, ERR_NOTFOUND, TEXT("nsu=urn:unknown;s=a"));
	REFUSED(UA_B_DATETIME, ERR_TYPE, TEXT("yesterday"));
	REFUSED(UA_B_DATETIME, ERR_RANGE, .type = VALUE_TIME, .i = 150);
	REFUSED(UA_B_EXTENSION, ERR_TYPE, TEXT("{}"));
}

static struct ua_encoder
from_json(const struct ua_type *type, uint8_t builtin, int32_t rank, bool variant, const char *text)
{
	struct ua_encoder e = encoder();
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);

	CHECK(j != NULL);
	if (variant)
		ua_encode_variant_json(&e, builtin, type, rank, j);
	else
		ua_encode_json(&e, builtin, type, rank, j);
	json_decref(j);
	why = e.why;
	return e;
}
#define JSON(type, builtin, rank, variant, text, hex) do { struct ua_encoder e_ = from_json(type, builtin, rank, variant, text); \
	gives(&e_, hex, __LINE__); } while (0)
#define NO_JSON(type, builtin, rank, text, word) do { struct ua_encoder e_ = from_json(type, builtin, rank, true, text); \
	CHECK(e_.err != 0 && why != NULL); if (strstr(why, word) == NULL) test_fail(__FILE__, __LINE__, "%s", why); } while (0)

TEST(structures_and_unions_have_the_bytes_of_part_6)
{
	JSON(&type_a, 22, -1, false, "{\"X\":1,\"Y\":2,\"O2\":3}", "02 00 00 00 01 00 00 00 02 03 00 00 00");	/* 5.2.7 */
	JSON(&choice, 22, -1, false, "{\"A\":1}", "01 00 00 00 01 00 00 00");					/* 5.2.8 */
	JSON(&choice, 22, -1, false, "null", "00 00 00 00");
	JSON(&type_a, 22, -1, true, "{\"X\":1,\"Y\":2}", "16 01 02 01 04 01 09 00 00 00 00 00 00 00 01 00 00 00 02");
	JSON(&mode, 6, -1, true, "\"Running_3\"", "06 03 00 00 00");
	JSON(&mode, 6, -1, true, "\"Off\"", "06 00 00 00 00");
	JSON(NULL, UA_B_INT16, 1, true, "[1,-1]", "84 02 00 00 00 01 00 FF FF");
	JSON(NULL, UA_B_BYTE, 2, true, "{\"Array\":[1,2,3,4,5,6],\"Dimensions\":[2,3]}",
	    "C3 06 00 00 00 01 02 03 04 05 06 02 00 00 00 02 00 00 00 03 00 00 00");
	JSON(&box, 22, -1, false, "{\"A\":[{\"X\":1,\"Y\":2}],\"M\":3,\"G\":{\"Array\":[7,8],\"Dimensions\":[1,2]},\"V\":true}",
	    "01 00 00 00 00 00 00 00 01 00 00 00 02 03 00 00 00 02 00 00 00 01 00 00 00 02 00 00 00 07 08 01 01");
}

TEST(json_that_is_not_the_structure_is_refused)
{
	NO_JSON(&type_a, 22, -1, "{\"X\":1}", "lacks");
	NO_JSON(&type_a, 22, -1, "{\"X\":1,\"Y\":2,\"Z\":3}", "does not have");
	NO_JSON(&type_a, 22, -1, "[1]", "object");
	NO_JSON(&type_a, 22, -1, "{\"X\":\"one\",\"Y\":2}", "fit");
	NO_JSON(&choice, 22, -1, "{\"A\":1,\"B\":\"b\"}", "exactly one");
	NO_JSON(&choice, 22, -1, "{}", "exactly one");
	NO_JSON(&mode, 6, -1, "\"Flying\"", "enumeration");
	NO_JSON(&mode, 6, -1, "2", "no such number");
	NO_JSON(NULL, UA_B_BYTE, 2, "{\"Array\":[1,2],\"Dimensions\":[2,3]}", "matrix");
	NO_JSON(NULL, UA_B_BYTE, 1, "5", "array");
	NO_JSON(NULL, UA_B_BYTE, -1, "{}", "number or a text");
	arena_fini(&mem);
	buf_fini(&out);
}

TEST_MAIN
