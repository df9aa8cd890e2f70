/*
 * Any bytes as a Variant with structures in it: never a crash, bounded memory, and what comes out as JSON is JSON. The first byte chooses the
 * part of the value that is asked for, the second which definition stands first.
 */
#include <stdlib.h>
#include <string.h>

#include "driver/opcua/ua_type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct ua_type fuzz_tree;
static const int64_t numbers[] = { -1, 0, 3 };
static const char *const enum_names[] = { "Broken", "Off", "On" };
static const struct ua_type mode = { .kind = UA_TYPE_ENUM, .name = "Mode", .numbers = numbers, .names = enum_names, .nnames = 3 };
static const struct ua_type empty = { .kind = UA_TYPE_STRUCT, .name = "Empty" };
static struct ua_type_field choice_fields[] = {
	{ .name = "A", .builtin = UA_B_INT32, .rank = -1 }, { .name = "T", .type = &fuzz_tree, .builtin = UA_B_EXTENSION, .rank = -1 },
	{ .name = "E", .type = &empty, .builtin = UA_B_EXTENSION, .rank = 1 },
};
static const struct ua_type choice = { .kind = UA_TYPE_UNION, .name = "Choice", .fields = choice_fields, .nfields = 3 };
static struct ua_type_field tree_fields[] = {
	{ .name = "V", .builtin = UA_B_VARIANT, .rank = -1 }, { .name = "C", .type = &fuzz_tree, .builtin = UA_B_EXTENSION, .rank = 1, .optional = true },
	{ .name = "M", .type = &mode, .builtin = UA_B_INT32, .rank = 2 }, { .name = "U", .type = &choice, .builtin = UA_B_EXTENSION, .rank = -1 },
	{ .name = "S", .type = &fuzz_tree, .builtin = UA_B_EXTENSION, .rank = -1, .subtyped = true },
	{ .name = "D", .builtin = UA_B_DATAVALUE, .rank = 1, .optional = true },
};
const struct ua_type fuzz_tree = { .kind = UA_TYPE_OPTIONAL, .name = "Tree", .fields = tree_fields, .nfields = 6 };

static const struct ua_type *
find(void *arg, const struct ua_id *id)
{
	static const struct ua_type *const all[] = { &fuzz_tree, &choice, &empty };
	const uint8_t *first = arg;
	return id->kind == 'i' && id->i < 200 ? all[(id->i + *first) % 3] : NULL;
}

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const namespaces[] = { "http://opcfoundation.org/UA/", "a;b%" };
	static const char *const paths[][3] = { { NULL }, { "C", "0", "M" }, { "V" }, { "U", "T" }, { "2" }, { "M", "1" }, { "S", "V" }, { "D", "0" } };
	static const uint32_t lengths[] = { 0, 3, 1, 2, 1, 2, 2, 2 };

	if (size < 2 || size > 1 << 16)
		return 0;
	struct ua_type_book book = { .namespaces = namespaces, .nnamespaces = 2, .find = find, .arg = (void *)(uintptr_t)(data + 1) };
	struct arena a = { 0 };
	struct ua_decoder d = { .r = rd_init(data + 2, size - 2), .book = &book, .a = &a };
	struct value v;
	unsigned p = data[0] % 8;

	int err = ua_decode_select(&d, UA_B_VARIANT, NULL, -1, paths[p], lengths[p], &v);
	must(value_type_valid(v.type) && (err == 0 || v.type == VALUE_NULL));
	if (v.type == VALUE_JSON)
		must(json_valid(v.p, v.len) && v.len <= VALUE_BYTES_MAX);
	if ((v.type & VALUE_ARRAY) != 0)
		must(v.len % value_size(v.type) == 0 && v.len <= VALUE_BYTES_MAX);

	/* The same bytes as JSON and skipped: both go equally far. */
	struct buf b = { .max = 1 << 20 };
	struct json j = { .out = &b };
	struct ua_decoder x = { .r = rd_init(data + 2, size - 2), .book = &book, .a = &a };
	ua_decode_json(&x, UA_B_VARIANT, NULL, -1, &j);
	must(x.depth == 0 && (x.r.err != 0 || json_valid(b.p, b.len)));
	struct ua_decoder s = { .r = rd_init(data + 2, size - 2), .book = &book, .a = &a };
	ua_decode_json(&s, UA_B_VARIANT, NULL, -1, NULL);
	must(s.depth == 0 && (b.err != 0 || (s.r.err == x.r.err && s.r.p == x.r.p)));
	buf_fini(&b);
	arena_fini(&a);
	return 0;
}
