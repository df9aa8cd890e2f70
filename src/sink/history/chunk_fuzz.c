/* Stored chunks and roll-ups as a damaged file gives them. */
#include <stdlib.h>

#include "sink/history/roll.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
add(void *arg, const struct point *p)
{
	return rolls_add(arg, ROLL_1S, p) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rolls r = { 0 };
	chunk_read(data, size, add, &r);
	r.n = 0;
	rolls_unpack(data, size, &r);
	rolls_fini(&r);
	return 0;
}
