/*
 * Any JSON as a structure: never a crash; what is taken decodes, all of it, to JSON that encodes to the same bytes. The first byte chooses the type.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "driver/opcua/ua_encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct ua_type encode_fuzz_tree;
static const int64_t numbers[] = { -1, 0, 3 };
static const char *const enum_names[] = { "Broken", "Off", "On" };
static const struct ua_type mode = { .kind = UA_TYPE_ENUM, .name = "Mode", .numbers = numbers, .names = enum_names, .nnames = 3 };
static struct ua_type_field choice_fields[] = {
	{ .name = "A", .builtin = UA_B_INT32, .rank = -1 }, { .name = "T", .type = &encode_fuzz_tree, .builtin = UA_B_EXTENSION, .rank = -1 },
	{ .name = "D", .builtin = UA_B_DATETIME, .rank = -1 },
};
static const struct ua_type choice = { .kind = UA_TYPE_UNION, .name = "Choice", .fields = choice_fields, .nfields = 3 };
static struct ua_type_field tree_fields[] = {
	{ .name = "S", .builtin = UA_B_STRING, .rank = -1, .optional = true }, { .name = "N", .builtin = UA_B_NODEID, .rank = -1, .optional = true },
	{ .name = "C", .type = &encode_fuzz_tree, .builtin = UA_B_EXTENSION, .rank = 1, .optional = true },
	{ .name = "M", .type = &mode, .builtin = UA_B_INT32, .rank = 2, .optional = true },
	{ .name = "U", .type = &choice, .builtin = UA_B_EXTENSION, .rank = -1, .optional = true },
	{ .name = "F", .builtin = UA_B_DOUBLE, .rank = 1, .optional = true }, { .name = "B", .builtin = UA_B_BYTESTRING, .rank = -1, .optional = true },
};
const struct ua_type encode_fuzz_tree = { .kind = UA_TYPE_OPTIONAL, .name = "Tree", .fields = tree_fields, .nfields = 7 };

static const UA_NodeId *
encoding(const struct ua_type *t)
{
	static const UA_NodeId id = { .identifier.numeric = 1025 };
	(void)t;
	return &id;
}

static const struct ua_type *
find(void *arg, const struct ua_id *id)
{
	return id->i == 1025 ? arg : NULL;
}

/* NULL: refused. */
static bool
encode(const struct ua_type *type, const char *text, size_t len, struct buf *out)
{
	struct arena scratch = { 0 };
	struct ua_encoder e = { .out = out, .scratch = &scratch, .encoding = encoding };
	json_t *j = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

	if (j == NULL)
		return false;
	ua_encode_variant_json(&e, UA_B_INT16, type, -1, j);
	json_decref(j);
	arena_fini(&scratch);
	if ((e.err != 0) != (e.why != NULL))
		abort();
	return e.err == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ua_type *const all[] = { &encode_fuzz_tree, &choice, &mode, NULL };
	struct buf once = { .max = 1 << 20 }, text = { .max = 1 << 20 }, twice = { .max = 1 << 20 };
	struct json j = { .out = &text };
	struct arena a = { 0 };

	if (size < 1 || size > 1 << 14)
		return 0;
	const struct ua_type *type = all[data[0] % 4];
	if (encode(type, (const char *)data + 1, size - 1, &once)) {
		struct ua_type_book book = { .find = find, .arg = (void *)(uintptr_t)type };
		struct ua_decoder d = { .r = rd_init(once.p, once.len), .book = &book, .a = &a };
		ua_decode_json(&d, UA_B_VARIANT, NULL, -1, &j);
		/* Decoding goes one level further for the ExtensionObject and the Variant around it. */
		if (rd_end(&d.r) != 0 && d.r.err != ERR_LIMIT)
			abort();
		/* A reader of JSON takes -0 for a whole number, which has no sign. */
		bool negative_zero = strstr(buf_text(&text), "-0,") != NULL || strstr(buf_text(&text), "-0]") != NULL;
		if (d.r.err == 0 && !negative_zero && (!encode(type, text.p, text.len, &twice) || once.len != twice.len || memcmp(once.p, twice.p, once.len) != 0))
			abort();
	}
	buf_fini(&once);
	buf_fini(&text);
	buf_fini(&twice);
	arena_fini(&a);
	return 0;
}
