/* Any answer of a batch, its Content-Type on the first line: refused, or parts that lie within it. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/odata/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct odata_part *v;
	size_t n, used = 0;
	char why[256];
	const uint8_t *nl = size > 0 ? memchr(data, '\n', size) : NULL;

	if (nl == NULL)
		return 0;
	char *type = arena_strndup(&a, (const char *)data, (size_t)(nl - data));
	size_t len = size - (size_t)(nl + 1 - data);
	int err = odata_batch_parse(type, (const char *)nl + 1, len, &a, &v, &n, why);
	if (err != 0 && why[0] == '\0')
		abort();
	for (size_t i = 0; i < n; i++) {
		used += v[i].len;
		if (v[i].status < 100 || v[i].status > 599 || v[i].body[v[i].len] != '\0')
			abort();
		odata_header(v[i].headers, "content-type", &a);
	}
	if (used > len || n > BATCH_PARTS_MAX)
		abort();
	arena_fini(&a);
	return 0;
}
