/*
 * A schema file from anywhere, as it is and with its checksum put right. What parses must be written back as the same.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "os/disk_sim.h"
#include "spool/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
try(const uint8_t *p, size_t size, struct chain *chain)
{
	struct schema_file f, again;

	if (schema_parse(p, size, chain, &f) != 0)
		return;
	struct disk_sim *sim = disk_sim_new();
	const struct disk *d = disk_sim_table(sim);
	must(d->mkdir(d->ctx, "/s") == 0 && schema_write("/s", d, &f.schema) == 0);
	must(schema_read("/s", d, chain, &again) == 0 && schema_same(&f.schema, &again.schema));
	schema_free(&again);
	schema_free(&f);
	disk_sim_free(sim);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chain chain;

	must(chain_init(&chain) == 0);
	try(data, size, &chain);
	if (size >= 4 && size < 1 << 20) {
		uint8_t *p = malloc(size);
		must(p != NULL);
		memcpy(p, data, size);
		struct writer w = wr_init(p + size - 4, 4);
		wr_le32(&w, crc32c(0, p, size - 4));
		try(p, size, &chain);
		free(p);
	}
	chain_fini(&chain);
	return 0;
}
