/* Any bytes as a batch from the quarantine: refused, or read and written to the same bytes again. */
#include <stdlib.h>
#include <string.h>

#include "office/frozen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frozen f, again;
	struct buf b = { 0 };

	if (frozen_read(data, size, &f) != 0)
		return 0;
	frozen_write(&f.batch, &b);
	if (b.err != 0 || frozen_read(b.p, b.len, &again) != 0 || again.batch.n != f.batch.n || again.batch.first != f.batch.first)
		abort();
	for (uint32_t i = 0; i < f.batch.n; i++)
		if (!value_equal(&f.batch.samples[i].v, &again.batch.samples[i].v) || f.batch.samples[i].tag != again.batch.samples[i].tag)
			abort();
	frozen_free(&again);
	frozen_free(&f);
	buf_fini(&b);
	return 0;
}
