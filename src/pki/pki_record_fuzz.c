/* Any bytes as the note beside a rejected certificate: never a crash, and what is read prints and reads back as the same. */
#include <stdlib.h>
#include <string.h>

#include "pki/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record a, b;
	struct buf out = { 0 };

	if (record_parse((const char *)data, size, &a) != 0)
		return 0;
	record_print(&a, &out);
	/* To whole seconds, as it is printed. */
	if (record_parse(buf_text(&out), out.len, &b) != 0) {
		/* Only a time that is within a second of "none" is lost by rounding. */
		if (llabs((long long)a.first.ns) > NS_PER_S && llabs((long long)a.last.ns) > NS_PER_S)
			abort();
	} else if (strcmp(a.from, b.from) != 0 || strcmp(a.status, b.status) != 0 || strcmp(a.why, b.why) != 0)
		abort();
	buf_fini(&out);
	return 0;
}
