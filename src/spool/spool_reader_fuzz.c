/*
 * Segment bytes from anywhere. The first byte chooses: 0, the rest is a segment file as it is; 1, as one, but with its
 * checksums put right, so that what is behind them is reached; 2, the rest is the payload of a batch, and what decodes
 * must survive being encoded and decoded again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "os/disk_sim.h"
#include "spool/columns.h"
#include "spool/format.h"
#include "spool/ledger.h"
#include "spool/schema.h"

#define DIR	"/f@00000001"
#define N	64u
#define TYPES	6u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t types[TYPES] = { VALUE_F32, VALUE_U16, VALUE_TEXT, VALUE_I16 | VALUE_ARRAY, VALUE_BOOL,
	VALUE_I64 };

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
round_trip(const uint8_t *p, size_t size)
{
	static struct sample v[N], again[N];
	static uint8_t bytes[1 << 20];
	struct writer w = wr_init(bytes, sizeof bytes);

	if (size < 1)
		return;
	size_t n = p[0] % N + 1;
	if (columns_decode(p + 1, size - 1, v, n, types, TYPES, (struct wall){ 1000 }) != 0)
		return;
	must(columns_encode(&w, v, n, types, TYPES, (struct wall){ 1000 }) == 0);
	must(columns_decode(bytes, wr_len(&w), again, n, types, TYPES, (struct wall){ 1000 }) == 0);
	for (size_t i = 0; i < n; i++)
		must(v[i].tag == again[i].tag && v[i].status == again[i].status && v[i].flags == again[i].flags &&
		    v[i].source.ns == again[i].source.ns && v[i].server.ns == again[i].server.ns &&
		    v[i].arrival.ns == again[i].arrival.ns && value_equal(&v[i].v, &again[i].v));
}

static void
put_le32(uint8_t *p, uint32_t v)
{
	struct writer w = wr_init(p, 4);
	wr_le32(&w, v);
}

static uint32_t
get_le32(const uint8_t *p)
{
	struct reader r = rd_init(p, 4);
	return rd_le32(&r);
}

/* Put magic numbers, salt and checksums right, walking by the lengths that stand there. */
static void
put_right(uint8_t *p, size_t size)
{
	if (size < SEG_HEADER)
		return;
	memcpy(p, "PNSTKSEG", 8);
	put_le32(p + SEG_HEADER - 4, crc32c(0, p, SEG_HEADER - 4));
	uint32_t salt = get_le32(p + SEG_HEADER - 4);
	for (size_t at = SEG_HEADER; size - at >= REC_HEADER;) {
		uint8_t *rec = p + at;
		size_t left = size - at - REC_HEADER, len = get_le32(rec + 12);
		if (len > left)
			put_le32(rec + 12, (uint32_t)(len = left));
		put_le32(rec, REC_MAGIC);
		put_le32(rec + 16, crc32c(0, rec + REC_HEADER, len));
		rec_header_resalt(rec, salt);
		at += REC_HEADER + len;
	}
}

static void
put_file(const struct disk *d, const char *path, const uint8_t *p, size_t size)
{
	must(disk_replace(d, path, p, size) == 0);
}

static void
read_segment(const uint8_t *p, size_t size)
{
	struct disk_sim *sim = disk_sim_new();
	const struct disk *d = disk_sim_table(sim);
	struct spool_tag tags[TYPES];
	struct spool_reader *r;
	struct spool_batch b;
	struct spool_damage damage;
	struct ledger_account account;
	struct buf findings = { 0 };
	uint64_t next = 0;
	int err;

	for (uint32_t i = 0; i < TYPES; i++)
		tags[i] = (struct spool_tag){ .name = "t", .type = types[i] };
	must(d->mkdir(d->ctx, DIR) == 0);
	must(schema_write(DIR, d, &(struct spool_schema){ .flow = "f", .version = 1, .tags = tags, .n = TYPES }) == 0);
	put_file(d, DIR "/00000000000000000001.seg", p, size);
	must(spool_reader_open(DIR, 0, d, &r) == 0);
	/* Numbers only ever go up, whatever the bytes are; so it ends. */
	while ((err = spool_next(r, &b, &damage)) == 0 || err == ERR_GAP) {
		uint64_t first = err == 0 ? b.first : damage.first, last = err == 0 ? b.first + b.n - 1 : damage.last;
		must(last >= first && (err == 0 ? last : first) >= next);
		next = last + 1;
		for (uint32_t i = 0; err == 0 && i < b.n; i++)
			must(b.samples[i].tag < TYPES && value_type_valid(b.samples[i].v.type));
	}
	spool_reader_close(r);
	ledger_verify(DIR, d, &account, &findings);
	buf_fini(&findings);
	disk_sim_free(sim);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 1 << 20)
		return 0;
	if (data[0] == 2) {
		round_trip(data + 1, size - 1);
		return 0;
	}
	uint8_t *p = malloc(size);
	must(p != NULL);
	memcpy(p, data + 1, size - 1);
	if (data[0] == 1)
		put_right(p, size - 1);
	read_segment(p, size - 1);
	free(p);
	return 0;
}
