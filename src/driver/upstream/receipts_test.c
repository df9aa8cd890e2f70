/* Receipts on disk: what is written is found again, a torn row is cut, a damaged one is told, a long file is folded. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "driver/upstream/upstream.h"

static const uint8_t schema[LINK_HASH] = { 7 };

static struct receipt
row(uint64_t no)
{
	return (struct receipt){ .first = no, .last = no, .samples = 1, .sealed.ns = (int64_t)no, .flags = RECEIPT_CHAINED, .hash = { (uint8_t)no } };
}

TEST(rows_are_found_again_and_a_torn_one_is_cut)
{
	struct receipts *r = calloc(1, sizeof *r);
	const char *dir = test_dir();
	struct receipt v[3] = { row(1), row(2), row(3) };

	CHECK_INT(receipts_open(r, &disk_os, dir, 0xabc, 5, schema), 0);
	CHECK_INT(receipts_add(r, v, 3), 0);
	receipts_close(r);
	CHECK_INT(truncate(r->path, RECEIPT_HEAD + 3 * RECEIPT_ROW - 1), 0);
	CHECK_INT(receipts_open(r, &disk_os, dir, 0xabc, 5, schema), 0);
	CHECK_INT(r->n, 2);
	CHECK_INT((long)r->newest[1].last, 2);
	CHECK_INT(receipts_add(r, &v[2], 1), 0);
	receipts_close(r);
	CHECK_INT(receipts_open(r, &disk_os, dir, 0xabc, 5, schema), 0);
	CHECK_INT(r->n, 3);
	receipts_close(r);
	CHECK_INT(receipts_open(r, &disk_os, dir, 0xabc, 6, schema), ERR_CORRUPT);
	free(r);
}

TEST(a_damaged_row_with_others_behind_it_is_told)
{
	struct receipts *r = calloc(1, sizeof *r);
	const char *dir = test_dir();
	struct receipt v[3] = { row(1), row(2), row(3) };

	CHECK_INT(receipts_open(r, &disk_os, dir, 0xdef, 5, schema), 0);
	CHECK_INT(receipts_add(r, v, 3), 0);
	CHECK_INT(disk_write_all(&disk_os, r->fd, "!", 1, RECEIPT_HEAD + RECEIPT_ROW + 20), 0);
	receipts_close(r);
	CHECK_INT(receipts_open(r, &disk_os, dir, 0xdef, 5, schema), ERR_CORRUPT);
	free(r);
}

static struct disk counted;
static uint64_t bytes_read, calls;

static ssize_t
count_read(void *ctx, int fd, void *p, size_t len, uint64_t off)
{
	calls++;
	bytes_read += len;
	return disk_os.pread(ctx, fd, p, len, off);
}

/* A loop waits for it: so much is read and no more, and no sync is waited for. */
TEST(opening_a_long_file_reads_its_newest_rows_alone)
{
	struct receipts *r = calloc(1, sizeof *r);
	const char *dir = test_dir();
	enum { N = RECEIPTS_MAX };
	struct receipt *v = calloc(N, sizeof *v);

	for (uint32_t i = 0; i < N; i++)
		v[i] = row(i + 1);
	CHECK_INT(receipts_open(r, &disk_os, dir, 0x55, 5, schema), 0);
	CHECK_INT(receipts_check(r), 0);	/* no file yet */
	CHECK_INT(receipts_add(r, v, N), 0);
	CHECK_INT((long)r->nrows, N);
	receipts_close(r);
	CHECK_INT(truncate(r->path, RECEIPT_HEAD + N * RECEIPT_ROW - 1), 0);
	counted = disk_os;
	counted.pread = count_read;
	counted.sync = NULL;
	counted.sync_dir = NULL;
	CHECK_INT(receipts_open(r, &counted, dir, 0x55, 5, schema), 0);
	CHECK(calls == 2 && bytes_read == RECEIPT_HEAD + (RECEIPTS_KEPT + 1) * RECEIPT_ROW);
	CHECK_INT(r->n, RECEIPTS_KEPT);
	CHECK_INT((long)r->newest[0].first, N - RECEIPTS_KEPT);
	CHECK_INT((long)r->newest[r->n - 1].last, N - 1);
	CHECK_INT(receipts_check(r), 0);
	/* Damage in what was not read is no reason not to go on, and found by the check. */
	CHECK_INT(disk_write_all(&disk_os, r->fd, "!", 1, RECEIPT_HEAD + 9 * RECEIPT_ROW + 20), 0);
	receipts_close(r);
	CHECK_INT(receipts_open(r, &counted, dir, 0x55, 5, schema), 0);
	CHECK_INT((long)r->newest[r->n - 1].last, N - 1);
	CHECK_INT(receipts_check(r), ERR_CORRUPT);
	receipts_free(r);
	free(v);
}

TEST(a_stream_without_receipts_has_no_file_until_the_first_one)
{
	struct receipts *r = calloc(1, sizeof *r);
	char dir[DISK_PATH_MAX];
	struct receipt v = row(1);
	struct disk_stat st;

	snprintf(dir, sizeof dir, "%s/source", test_dir());
	counted = disk_os;
	counted.sync = NULL;
	counted.sync_dir = NULL;
	CHECK_INT(receipts_open(r, &counted, dir, 0x66, 5, schema), 0);
	CHECK_INT(disk_os.stat(disk_os.ctx, dir, &st), ERR_NOTFOUND);
	r->disk = &disk_os;
	CHECK_INT(receipts_add(r, &v, 1), 0);
	receipts_close(r);
	/* Rows that were there and are gone are not made up for by a file of holes. */
	CHECK_INT(unlink(r->path), 0);
	CHECK_INT(receipts_add(r, &v, 1), ERR_NOTFOUND);
	CHECK_INT(receipts_open(r, &disk_os, dir, 0x66, 5, schema), 0);
	CHECK_INT(receipts_add(r, &v, 1), 0);
	CHECK_INT((long)r->nrows, 1);
	receipts_free(r);
}

static void
count(void *arg, const struct receipt *v)
{
	uint64_t *sums = arg;
	sums[0]++;
	sums[1] += v->samples;
	sums[2] = v->last;
}

TEST(a_long_file_is_folded_and_still_proves_every_sample)
{
	struct receipts *r = calloc(1, sizeof *r);
	const char *dir = test_dir();
	uint64_t sums[3] = { 0 }, id;
	uint32_t version;
	enum { N = RECEIPTS_MAX + 1 };
	struct receipt *v = calloc(N, sizeof *v);

	for (uint32_t i = 0; i < N; i++)
		v[i] = row(i + 1);
	CHECK_INT(receipts_open(r, &disk_os, dir, 0x123, 5, schema), 0);
	CHECK_INT(receipts_add(r, v, N), 0);
	CHECK_INT((long)r->nrows, RECEIPTS_KEPT + 1);
	CHECK_INT(receipts_read(&disk_os, r->path, &id, &version, count, sums), 0);
	CHECK_INT((long)sums[0], RECEIPTS_KEPT + 1);
	CHECK_INT((long)sums[1], N);
	CHECK_INT((long)sums[2], N);
	CHECK(id == 0x123 && version == 5);
	struct receipt next = row(N + 1);
	CHECK_INT(receipts_add(r, &next, 1), 0);
	receipts_close(r);
	CHECK_INT(receipts_open(r, &disk_os, dir, 0x123, 5, schema), 0);
	CHECK_INT((long)r->newest[r->n - 1].last, N + 1);
	receipts_close(r);
	free(v);
	free(r);
}

static int no_rename(void *ctx, const char *from, const char *to) { (void)ctx; (void)from; (void)to; return ERR_FULL; }

TEST(rows_of_a_file_that_cannot_be_folded_are_written_once)
{
	struct receipts *r = calloc(1, sizeof *r);
	const char *dir = test_dir();
	struct disk full = disk_os;
	enum { N = RECEIPTS_MAX + 1 };
	struct receipt *v = calloc(N + 1, sizeof *v);

	for (uint32_t i = 0; i < N + 1; i++)
		v[i] = row(i + 1);
	CHECK_INT(receipts_open(r, &disk_os, dir, 0x77, 5, schema), 0);
	CHECK_INT(receipts_add(r, v, 1), 0);
	full.rename = no_rename;
	r->disk = &full;
	CHECK_INT(receipts_add(r, v + 1, N - 1), 0);	/* they are on disk: an error would have them written again */
	CHECK_INT((long)r->nrows, N);
	r->disk = &disk_os;
	CHECK_INT(receipts_add(r, &v[N], 1), 0);
	CHECK_INT((long)r->nrows, RECEIPTS_KEPT + 1);
	CHECK_INT((long)r->newest[r->n - 1].last, N + 1);
	receipts_free(r);
	free(v);
}

TEST(an_address_names_flow_path_and_type)
{
	struct upstream_at a;
	char why[200];

	CHECK_INT(upstream_at_parse("oee/Line 3/Filler/speed [type float32]", &a, why, sizeof why), 0);
	CHECK_STR(a.flow, "oee");
	CHECK_STR(a.path, "Line 3/Filler/speed");
	CHECK_INT(a.type, VALUE_F32);
	CHECK_INT(upstream_at_parse("oee/x", &a, why, sizeof why), 0);
	CHECK_INT(a.type, VALUE_F64);
	CHECK_INT(upstream_at_parse("oee/x [type int16[]]", &a, why, sizeof why), 0);
	CHECK_INT(a.type, VALUE_I16 | VALUE_ARRAY);
	CHECK_INT(upstream_at_parse("oee", &a, why, sizeof why), ERR_SYNTAX);
	CHECK_INT(upstream_at_parse("/x", &a, why, sizeof why), ERR_SYNTAX);
	CHECK_INT(upstream_at_parse("oee/x [type nonsense]", &a, why, sizeof why), ERR_SYNTAX);
}

TEST_MAIN
