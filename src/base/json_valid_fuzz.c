/* Any bytes: what a reader of JSON takes is JSON to us too (brackets not too deep), and asking never reads past the end. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned
larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static unsigned
nesting(const json_t *v)
{
	unsigned most = 0;
	const char *k;
	json_t *e;
	size_t i;

	if (json_is_object(v))
		json_object_foreach((json_t *)(uintptr_t)v, k, e)
			most = larger(nesting(e), most);
	else if (json_is_array(v))
		json_array_foreach(v, i, e)
			most = larger(nesting(e), most);
	else
		return 0;
	return most + 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned open = 0, deepest = 0;

	for (size_t i = 0; i < size; i++) {	/* an upper bound, so that the recursion above stays small */
		open += data[i] == '[' || data[i] == '{';
		open -= open > 0 && (data[i] == ']' || data[i] == '}');
		deepest = open > deepest ? open : deepest;
	}
	bool ours = json_valid((const char *)data, size);
	/* The reader takes a NUL behind a number for the end. */
	if (deepest > 12 || memchr(data, '\0', size) != NULL)
		return 0;
	json_t *v = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (v != NULL && nesting(v) <= JSON_NESTING_MAX && !ours)
		abort();
	json_decref(v);
	return 0;
}
