/* Batches under a clock that the test turns by hand: what goes out, when, and how it is marked. */
#include "field/emit.h"

#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "field/engine.h"
#include "field/feed.h"

static struct { struct batch_head head; struct sample samples[64]; char blob[256]; } out[16];
static uint32_t nout;

static void
on_batch(void *arg, const struct batch_head *head, const struct sample *samples, const void *blob)
{
	(void)arg;
	CHECK(nout < 16 && head->n <= 64 && head->blob_len <= sizeof out[0].blob);
	out[nout].head = *head;
	memcpy(out[nout].samples, samples, head->n * sizeof *samples);
	memcpy(out[nout].blob, blob, head->blob_len);
	nout++;
}

static struct field *field;
static struct feed feed;
static struct source source = { .name = "plc", .key = 77 };

static struct emit *
setup(struct emit *e, uint32_t cap)
{
	nout = 0;
	field = calloc(1, sizeof *field);
	field->out.batch = on_batch;
	field->batch_max = SIZE_MAX;
	feed = (struct feed){ .field = field, .source = &source };
	emit_init(e, &feed, 3, cap);
	return e;
}

static void
teardown(struct emit *e)
{
	emit_fini(e);
	CHECK(field->emits.head == NULL && field->emits.tail == NULL);
	free(field);
}

static void
add(struct emit *e, uint32_t tag, int64_t now_ms)
{
	struct sample s = { .tag = tag, .v = { .type = VALUE_U16, .u = tag + 100 } };
	emit_add(e, &s, (struct mono){ now_ms * NS_PER_MS });
}

TEST(the_end_of_a_scan_sends_what_there_is_and_says_so)
{
	struct emit e;

	setup(&e, 10);
	e.due_ns = 1234;
	add(&e, 0, 1);
	add(&e, 1, 1);
	CHECK_INT(nout, 0);
	emit_flush(&e, true);
	CHECK_INT(nout, 1);
	CHECK_INT(out[0].head.source_key, 77);
	CHECK_INT(out[0].head.scan_class, 3);
	CHECK_INT(out[0].head.seq, 1);
	CHECK_INT(out[0].head.n, 2);
	CHECK_INT(out[0].head.flags, BATCH_SCAN_END);
	CHECK_INT(out[0].head.due_ns, 1234);
	CHECK_INT(out[0].samples[1].v.u, 101);
	teardown(&e);
}

TEST(a_full_batch_goes_out_and_the_scan_still_gets_its_end)
{
	struct emit e;

	setup(&e, 2);
	for (uint32_t i = 0; i < 4; i++)
		add(&e, i, 1);
	CHECK_INT(nout, 1);
	emit_flush(&e, false);
	emit_flush(&e, true);	/* nothing is left, but its end must be known */
	CHECK_INT(nout, 3);
	CHECK_INT(out[0].head.flags | out[1].head.flags, 0);
	CHECK_INT(out[2].head.n, 0);
	CHECK_INT(out[2].head.flags, BATCH_SCAN_END);
	for (uint32_t i = 0; i < 3; i++)
		CHECK_INT(out[i].head.seq, i + 1);
	emit_flush(&e, true);	/* a scan without any sample is no batch */
	CHECK_INT(nout, 3);
	teardown(&e);
}

TEST(a_batch_waits_no_longer_than_four_milliseconds)
{
	struct emit a, b;

	setup(&a, 10);
	emit_init(&b, &feed, 4, 10);
	CHECK_INT(emit_next(&field->emits).ns, MONO_NEVER.ns);
	add(&a, 0, 10);
	add(&b, 1, 12);
	add(&a, 2, 13);
	CHECK_INT(emit_next(&field->emits).ns, 14 * NS_PER_MS);
	emit_run(&field->emits, (struct mono){ 14 * NS_PER_MS - 1 });
	CHECK_INT(nout, 0);
	emit_run(&field->emits, (struct mono){ 14 * NS_PER_MS });
	CHECK_INT(nout, 1);
	CHECK_INT(out[0].head.n, 2);
	CHECK_INT(emit_next(&field->emits).ns, 16 * NS_PER_MS);
	emit_run(&field->emits, (struct mono){ 20 * NS_PER_MS });
	CHECK_INT(nout, 2);
	emit_fini(&b);
	teardown(&a);
}

TEST(texts_go_to_the_blob_and_are_found_again)
{
	struct emit e;
	struct sample s = { .tag = 1, .v = { .type = VALUE_TEXT, .len = 5, .p = "hello" } };
	uint64_t bytes[128];
	static struct sample room[BATCH_SAMPLES_MAX];
	struct batch b;

	setup(&e, 10);
	add(&e, 0, 1);
	emit_add(&e, &s, (struct mono){ NS_PER_MS });
	s.v = (struct value){ .type = VALUE_U16 | VALUE_ARRAY, .len = 4, .p = "\1\0\2\0" };
	emit_add(&e, &s, (struct mono){ NS_PER_MS });
	emit_flush(&e, true);
	/* As the ring carries it: the reader must find it believable and the same. */
	size_t len = batch_pack(&out[0].head, out[0].samples, out[0].blob, bytes);
	CHECK_INT(batch_parse(bytes, len, room, &b), 0);
	CHECK_BYTES(b.samples[1].v.p, "hello", 5);
	CHECK_INT(value_count(&b.samples[2].v), 2);
	teardown(&e);
}

TEST(a_batch_stays_within_the_room_that_the_ring_has)
{
	struct emit e;

	setup(&e, 50);
	field->batch_max = batch_size(8, 0);
	for (uint32_t i = 0; i < 20; i++)
		add(&e, i, 1);
	emit_flush(&e, true);
	CHECK_INT(nout, 3);
	CHECK_INT(out[0].head.n, 8);
	CHECK_INT(out[1].head.n, 8);
	CHECK_INT(out[2].head.n, 4);
	teardown(&e);
}

TEST_MAIN
