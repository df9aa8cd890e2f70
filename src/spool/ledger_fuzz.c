/*
 * Ledger bytes from anywhere: read as they are, and, if the first byte is odd, with the checksums of head and totals
 * put right, so that the totals are reached. What is read must balance or be refused; opening it for writing must leave
 * a ledger that reads.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "os/disk_sim.h"
#include "spool/ledger_file.h"

#define DIR "/f@00000001"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
put_le32(uint8_t *p, uint32_t v)
{
	struct writer w = wr_init(p, 4);
	wr_le32(&w, v);
}

static void
put_right(uint8_t *p, size_t size)
{
	if (size < LEDGER_HEAD)
		return;
	struct reader r = rd_init(p + 12, 4);
	uint32_t totals = rd_le32(&r);
	if (totals > size - LEDGER_HEAD)
		put_le32(p + 12, totals = (uint32_t)(size - LEDGER_HEAD));
	put_le32(p + 56, crc32c(0, p + LEDGER_HEAD, totals));
	put_le32(p + 60, crc32c(0, p, 60));
}

static void
count(void *arg, const struct ledger_entry *e)
{
	must(e->kind < LEDGER_KINDS && strlen(e->note) <= LEDGER_NOTE_MAX);
	++*(uint64_t *)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ledger_account a;
	struct disk_sim *sim = disk_sim_new();
	const struct disk *d = disk_sim_table(sim);
	struct ledger *l;
	struct buf where = { 0 };
	uint64_t n = 0;

	log_open("fuzz", LOG_LEVEL_ERROR);
	if (size < 1 || size > 1 << 20)
		size = 1;
	uint8_t *p = malloc(size);
	must(p != NULL && d->mkdir(d->ctx, DIR) == 0);
	if (size > 1)
		memcpy(p, data + 1, size - 1);
	if (size > 1 && (data[0] & 1) != 0)
		put_right(p, size - 1);
	must(disk_replace(d, DIR "/ledger", p, size - 1) == 0);
	free(p);
	ledger_read(DIR, d, &a, &where);
	ledger_each(DIR, d, count, &n);
	ledger_verify(DIR, d, &a, &where);
	int err = ledger_open(DIR, d, &l);
	if (err == ERR_CORRUPT)
		err = ledger_open(DIR, d, &l);
	if (err == 0) {
		err = ledger_put(l, &(struct ledger_entry){ .kind = LEDGER_OPEN, .note = "fuzz" });
		must(err == 0 && ledger_sync(l) == 0);
		ledger_close(l);
		must(ledger_read(DIR, d, &a, &where) == 0);
	}
	buf_fini(&where);
	disk_sim_free(sim);
	return 0;
}
