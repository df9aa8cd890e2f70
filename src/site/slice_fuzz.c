/*
 * Any bytes as the body of a slice, behind a head that is made right, so that the checksum does not keep the fuzzer
 * out. What is read must be consistent: it can be written again, and reads back as the same plan.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "site/hash.h"
#include "site/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
touch_all(const struct plan *p)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < p->nsources; i++)
		sum ^= hash_source(&p->sources[i], p->folder);
	for (uint32_t i = 0; i < p->nsinks; i++)
		sum ^= hash_sink(&p->sinks[i], p->folder);
	for (uint32_t i = 0; i < p->nflows; i++)
		sum ^= hash_flow(p, &p->flows[i]) ^ hash_schema(p, &p->flows[i]);
	if (sum == 1 && plan_tag(p, "a") != NULL && plan_tag(p, "a")->path[0] != 'a')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *whole = malloc(size + 12);
	struct plan *p = NULL, *again = NULL;
	struct buf b = { 0 };

	if (whole == NULL)
		abort();
	struct writer w = wr_init(whole, size + 12);
	wr_bytes(&w, "PSLC", 4);
	wr_le32(&w, 1);
	wr_le32(&w, crc32c(0, data, size));
	wr_bytes(&w, data, size);
	if (slice_read(whole, size + 12, &p) == 0) {
		touch_all(p);
		if (slice_write(p, SLICE_ALL, 0, &b) != 0 || slice_read(b.p, b.len, &again) != 0 ||
		    again->ntags != p->ntags)
			abort();
	}
	plan_free(p);
	plan_free(again);
	buf_fini(&b);
	free(whole);
	return 0;
}
