/* Addresses of tags of another node: FLOW/PATH, and the type there. */
#include <stdio.h>
#include <string.h>

#include "driver/upstream/upstream.h"

const char *const upstream_at_forms[] = {
	"FLOW/PATH: the tag PATH of the flow FLOW of the other node, as float64; FLOW/Packaging/Line 3/Filler/speed",
	"FLOW/PATH [type float32]: of another type; it must be the tag's type in the other node, [type int16[]] for an array",
	NULL
};

static int
parse_type(const char *text, size_t len, uint8_t *out)
{
	bool array = len > 2 && memcmp(text + len - 2, "[]", 2) == 0;
	int t = value_type_parse(text, array ? len - 2 : len);

	if (t <= 0)
		return ERR_SYNTAX;
	*out = (uint8_t)(array ? t | (int)VALUE_ARRAY : t);
	return value_type_valid(*out) ? 0 : ERR_SYNTAX;
}

int
upstream_at_parse(const char *at, struct upstream_at *out, char *why, size_t size)
{
	const char *slash = strchr(at, '/'), *end = at + strlen(at), *type = NULL;

	out->type = VALUE_F64;
	for (const char *p = strstr(at, " [type "); p != NULL; p = strstr(p + 1, " [type "))
		type = p;
	if (type != NULL && end[-1] == ']') {
		if (parse_type(type + 7, (size_t)(end - 1 - (type + 7)), &out->type) != 0) {
			snprintf(why, size, "\"%.40s\" names no type: write [type float32], bool, int16, string and so on, [type int16[]] for an array", type + 1);
			return ERR_SYNTAX;
		}
		end = type;
	}
	if (slash == NULL || slash == at || slash + 1 >= end || (size_t)(slash - at) > LINK_NAME_MAX || (size_t)(end - slash - 1) > SCHEMA_TEXT_MAX) {
		snprintf(why, size, "it is not FLOW/PATH: write the flow's name in the other node, a slash, and the tag's path there");
		return ERR_SYNTAX;
	}
	snprintf(out->flow, sizeof out->flow, "%.*s", (int)(slash - at), at);
	snprintf(out->path, sizeof out->path, "%.*s", (int)(end - slash - 1), slash + 1);
	return 0;
}

int
upstream_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size)
{
	struct upstream_at a;
	(void)keys;

	int err = upstream_at_parse(at, &a, why, size);
	/* No two addresses overlap unless they are the same text: a place of its own for each. */
	uint64_t hash = 1469598103934665603ull;
	for (const char *c = at; *c != '\0'; c++)
		hash = (hash ^ (uint8_t)*c) * 1099511628211ull;
	*out = (struct at_info){ .type = err == 0 ? a.type : 0, .first = hash, .last = hash };
	return err;
}
