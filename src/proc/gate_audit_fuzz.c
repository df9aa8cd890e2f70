/* Any bytes as AUDIT or CHANGED of a process that may have been taken over: malformed, or one JSON object for an entry. */
#include <stdlib.h>

#include "base/json.h"
#include "proc/gate_audit.h"
#include "proc/notes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = { .max = 60000 };
	uint64_t number;

	if (gate_audit_read(data, size, &number, &b) == 0 && b.err == 0 && !json_valid(b.p, b.len))
		abort();
	buf_reset(&b);
	if (notes_read(data, size, "field:z", &b) == 0 && b.err == 0 && !json_valid(b.p, b.len))
		abort();
	buf_fini(&b);
	return 0;
}
