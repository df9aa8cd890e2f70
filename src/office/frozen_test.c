/* Batches as bytes: what is written is read back, what is damaged is refused. */
#include "office/frozen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"

static const int16_t numbers[] = { -1, 300 };
static struct sample samples[] = {
	{ .tag = 3, .status = 0x800A0000u, .source = { -5 }, .server = { 7 }, .arrival = { 1700000000000000000 }, .flags = 3, .v = { .type = VALUE_NULL } },
	{ .tag = 0, .v = { .type = VALUE_BOOL, .b = true } },
	{ .tag = 1, .v = { .type = VALUE_I64, .i = INT64_MIN } },
	{ .tag = 1, .v = { .type = VALUE_U64, .u = UINT64_MAX } },
	{ .tag = 2, .v = { .type = VALUE_F32, .f32 = -0.0f } },
	{ .tag = 2, .v = { .type = VALUE_F64, .f64 = 0.1 } },
	{ .tag = 2, .v = { .type = VALUE_TIME, .i = 1700000000000000000 } },
	{ .tag = 4, .v = { .type = VALUE_TEXT, .len = 5, .p = "caf\xc3\xa9" } },
	{ .tag = 5, .v = { .type = VALUE_I16 | VALUE_ARRAY, .len = 4, .p = numbers } },
	{ .tag = 6, .v = { .type = VALUE_TEXT, .len = 0, .p = "" } },
};
static const struct spool_batch batch = { .first = 1001, .n = 10, .samples = samples, .sealed = { 1700000000000000001 } };

TEST(what_is_written_is_read_back)
{
	struct buf b = { 0 };
	struct frozen f;

	frozen_write(&batch, &b);
	CHECK_INT(frozen_read(b.p, b.len, &f), 0);
	CHECK_INT(f.batch.first, 1001);
	CHECK_INT(f.batch.n, 10);
	CHECK_INT(f.batch.sealed.ns, 1700000000000000001);
	for (uint32_t i = 0; i < 10; i++) {
		const struct sample *got = &f.batch.samples[i], *want = &samples[i];
		CHECK_INT(got->tag, want->tag);
		CHECK_INT(got->status, want->status);
		CHECK_INT(got->source.ns, want->source.ns);
		CHECK_INT(got->server.ns, want->server.ns);
		CHECK_INT(got->arrival.ns, want->arrival.ns);
		CHECK_INT(got->flags, want->flags);
		CHECK(value_equal(&got->v, &want->v));
	}
	frozen_free(&f);
	buf_fini(&b);
}

/* The first sample by hand, from the format in frozen.h. */
TEST(the_bytes_are_those_of_the_description)
{
	struct buf b = { 0 };
	uint8_t want[64];
	struct sample s = { .tag = 300, .status = 0x800A0000u, .arrival = { 2 }, .flags = 1, .v = { .type = VALUE_U16, .u = 200 } };
	struct spool_batch one = { .first = 1, .n = 1, .samples = &s, .sealed = { -1 } };
	size_t n = test_hex("01 01 01 01  ac 02  00 00 0a 80  00 00 04  01 05 c8 01", want, sizeof want);

	frozen_write(&one, &b);
	CHECK_INT(b.len, n);
	CHECK_BYTES(b.p, want, n);
	buf_fini(&b);
}

TEST(every_cut_and_every_foreign_version_is_refused)
{
	struct buf b = { 0 };
	struct frozen f;

	frozen_write(&batch, &b);
	for (size_t len = 0; len < b.len; len++)
		CHECK(frozen_read(b.p, len, &f) != 0);
	buf_putc(&b, 'x');
	CHECK_INT(frozen_read(b.p, b.len, &f), ERR_LONG);
	b.p[0] = 2;
	CHECK_INT(frozen_read(b.p, b.len, &f), ERR_VERSION);
	CHECK_INT(frozen_read("\x01\x01\xff\xff\x7f\x00", 6, &f), ERR_LIMIT);
	CHECK_INT(frozen_read("\x01\x00\x01\x00", 4, &f), ERR_LIMIT);
	buf_fini(&b);
}

TEST_MAIN
