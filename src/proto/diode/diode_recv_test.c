/*
 * A sender and a receiver with a bad way between them: what the code can bear comes whole and in order, what it cannot is declared lost, block by block, and
 * nothing else is. What must be lost is computed here from the datagrams that the way dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/test.h"
#include "proto/diode/diode_recv.h"
#include "proto/diode/diode_send.h"

#define WAY_MAX		200000u
#define RECORDS_MAX	20000u
#define BLOCKS_MAX	4000u
#define RECORD_LEN	700u
#define MEMORY		(8u << 20)

struct way { uint8_t *p; size_t len; bool lost; };

static struct {
	struct diode_keys	 keys;
	struct diode_sender	*s;
	struct diode_recv	*r;
	struct diode_params	 params;
	struct way		*way;
	size_t			 n;
	bool			 got[RECORDS_MAX], gone[BLOCKS_MAX];	/* records that came, blocks that were declared lost */
	uint64_t		 last_seq, records, wrong, blocks_lost, adopted, mismatches, settled;
	bool			 deny;
	struct mono		 now;
	uint32_t		 stream;
} t;

static void
on_out(void *arg, const uint8_t *p, size_t len)
{
	(void)arg;
	CHECK(t.n < WAY_MAX);
	t.way[t.n] = (struct way){ .p = malloc(len), .len = len };
	memcpy(t.way[t.n++].p, p, len);
}

static uint8_t
byte_of(uint64_t seq, size_t i)
{
	return (uint8_t)(seq * 131 + i * 7 + (i >> 8));
}

static void
on_record(void *arg, uint64_t session, uint32_t stream, const struct diode_record *r)
{
	(void)arg;
	(void)session;
	(void)stream;
	t.wrong += t.records > 0 && r->seq <= t.last_seq;
	t.last_seq = r->seq;
	t.records++;
	for (size_t i = 0; i < r->len; i++)
		t.wrong += r->p[i] != byte_of(r->seq, i);
	if (r->seq < RECORDS_MAX)
		t.got[r->seq] = true;
}

static void
on_lost(void *arg, uint64_t session, uint32_t stream, uint64_t from, uint64_t to)
{
	(void)arg;
	(void)session;
	(void)stream;
	t.blocks_lost += to - from + 1;
	for (uint64_t b = from; b <= to && b < BLOCKS_MAX; b++) {
		t.wrong += t.gone[b];
		t.gone[b] = true;
	}
}

static bool
on_adopt(void *arg, uint64_t session)
{
	(void)arg;
	t.adopted = session;
	return !t.deny;
}

static void
on_control(void *arg, uint64_t session, const struct diode_control *c, const bool settled[])
{
	(void)arg;
	(void)session;
	for (uint32_t i = 0; i < c->n; i++)
		t.settled += settled[i];
}

static void
on_mismatch(void *arg, const struct diode_params *theirs)
{
	(void)arg;
	(void)theirs;
	t.mismatches++;
}

static void
sender(uint64_t session)
{
	struct diode_send_conf c = { .params = t.params, .session = session, .keys = &t.keys, .out = on_out };

	diode_send_free(t.s);
	t.s = diode_send_new(&c);
	CHECK(t.s != NULL);
	t.stream = diode_send_open(t.s);
	CHECK_INT(t.stream, 1);
}

static void
receiver(struct diode_params params)
{
	struct diode_recv_conf c = { .params = params, .keys = &t.keys, .memory = MEMORY, .hold_ns = NS_PER_S, .inversions_per_s = 100000,
	    .adopt = on_adopt, .record = on_record, .lost = on_lost, .control = on_control, .mismatch = on_mismatch };

	diode_recv_free(t.r);
	t.r = diode_recv_new(&c);
	CHECK(t.r != NULL);
}

static void
begin(uint8_t k, uint8_t p, uint8_t depth)
{
	static const char key[] = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	char why[200];

	for (size_t i = 0; i < t.n; i++)
		free(t.way[i].p);
	diode_send_free(t.s);
	diode_recv_free(t.r);
	diode_keys_fini(&t.keys);
	struct way *way = t.way != NULL ? t.way : calloc(WAY_MAX, sizeof *way);
	memset(&t, 0, sizeof t);
	t.way = way;
	t.now.ns = NS_PER_S;
	CHECK_INT(diode_keys_parse(key, sizeof key - 1, &t.keys, why, sizeof why), 0);
	t.params = (struct diode_params){ .k = k, .p = p, .depth = depth, .size = 400 };
	sender(77);
	receiver(t.params);
	struct diode_control c = { .kind = DIODE_START, .interval_ns = NS_PER_S };
	diode_send_control(t.s, &c);
}

static void
records(uint64_t from, uint64_t n)
{
	static uint8_t body[RECORD_LEN];

	for (uint64_t seq = from; seq < from + n; seq++) {
		for (size_t i = 0; i < RECORD_LEN; i++)
			body[i] = byte_of(seq, i);
		CHECK_INT(diode_send_record(t.s, t.stream, DIODE_BATCH, body, 120, body + 120, RECORD_LEN - 120), 0);
	}
}

static void
beacon(void)
{
	struct diode_control c = { .kind = DIODE_BEACON, .n = 1, .interval_ns = NS_PER_S,
	    .rows = { { .stream = t.stream, .id = 1, .blocks = diode_send_state(t.s, t.stream).blocks, .first = 1 } } };
	diode_send_control(t.s, &c);
}

static void
pass(size_t from)
{
	for (size_t i = from; i < t.n; i++)
		if (!t.way[i].lost)
			diode_recv_datagram(t.r, t.way[i].p, t.way[i].len, t.now);
}

static void
settle(void)
{
	size_t from = t.n;

	beacon();
	pass(from);
	t.now.ns += 2 * NS_PER_S;
	diode_recv_tick(t.r, t.now);
}

/* Blocks of the stream that lost more than they can bear, from what the way dropped; and that exactly these were declared lost. */
static uint64_t
expect_exactly(uint64_t sent)
{
	static uint16_t lost[BLOCKS_MAX], all[BLOCKS_MAX];
	uint64_t beyond = 0, cap = (uint64_t)t.params.k * t.params.size - DIODE_BLOCK_HEAD;
	struct diode_head h;

	memset(lost, 0, sizeof lost);
	memset(all, 0, sizeof all);
	for (size_t i = 0; i < t.n; i++) {
		CHECK_INT(diode_head_get(t.way[i].p, t.way[i].len, &h), 0);
		if (h.control)
			continue;
		all[h.block]++;
		lost[h.block] = (uint16_t)(lost[h.block] + t.way[i].lost);
	}
	for (uint64_t b = 0; b < BLOCKS_MAX && all[b] > 0; b++) {
		beyond += lost[b] > t.params.p;
		CHECK_INT(t.gone[b], lost[b] > t.params.p);
	}
	/* Records lie one behind the other: which blocks each is in, follows. */
	for (uint64_t seq = 0; seq < sent; seq++) {
		uint64_t at = seq * (RECORD_LEN + DIODE_RECORD_HEAD), end = at + RECORD_LEN + DIODE_RECORD_HEAD - 1;
		bool whole = true;
		for (uint64_t b = at / cap; b <= end / cap; b++)
			whole = whole && !t.gone[b];
		CHECK_INT(t.got[seq], whole);
	}
	CHECK_INT((long)t.wrong, 0);
	CHECK_INT((long)t.blocks_lost, (long)beyond);
	const struct diode_recv_counts *c = diode_recv_counts(t.r);
	CHECK_INT((long)c->lost_blocks, (long)beyond);
	CHECK_INT((long)(c->blocks + c->lost_blocks), (long)diode_send_state(t.s, t.stream).blocks);
	CHECK(c->memory <= 4096);	/* of the record that was put together last */
	return beyond;
}

static uint64_t
random_step(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

TEST(random_losses_up_to_a_fifth_are_repaired_or_declared_exactly)
{
	static const unsigned per_mille[] = { 0, 1, 10, 50, 200 };
	uint64_t x = 88172645463325252ull, beyond = 0;

	for (size_t i = 0; i < sizeof per_mille / sizeof per_mille[0]; i++) {
		begin(32, 8, 4);
		records(0, 8000);
		diode_send_flush(t.s, t.stream);
		size_t lost = 0;
		for (size_t d = 0; d < t.n; d++)
			lost += t.way[d].lost = d > 0 && random_step(&x) % 1000 < per_mille[i];
		pass(0);
		settle();
		beyond = expect_exactly(8000);
		CHECK(per_mille[i] > 10 || beyond == 0);
		CHECK_INT((long)diode_recv_counts(t.r)->missing, (long)lost);
	}
	CHECK(beyond > 0);	/* a fifth is more than 8 of 40 often enough */
}

static uint64_t
burst(size_t n, uint8_t depth)
{
	begin(32, 8, depth);
	records(0, 2000);
	diode_send_flush(t.s, t.stream);
	for (size_t i = 0; i < n; i++)
		t.way[1 + 40u * depth + i].lost = true;	/* from the beginning of the second group on */
	pass(0);
	settle();
	return expect_exactly(2000);
}

TEST(bursts_up_to_depth_times_p_are_repaired_and_one_more_costs_one_block)
{
	CHECK_INT((long)burst(1, 1), 0);
	CHECK_INT((long)burst(8, 1), 0);
	CHECK_INT((long)burst(9, 1), 1);
	CHECK_INT((long)burst(32, 4), 0);
	CHECK_INT((long)burst(33, 4), 1);
	CHECK_INT((long)burst(128, 16), 0);
	CHECK_INT((long)burst(129, 16), 1);
}

TEST(repeats_and_disorder_change_nothing)
{
	uint64_t x = 12345;

	begin(32, 8, 4);
	records(0, 3000);
	diode_send_flush(t.s, t.stream);
	/* Shuffled in runs of 1,000, and every third one twice. */
	size_t n = t.n;
	for (size_t i = 1; i < n; i++) {	/* the START aside */
		size_t end = (i / 1000 + 1) * 1000 < n ? (i / 1000 + 1) * 1000 : n, j = i + random_step(&x) % (end - i);
		struct way w = t.way[i];
		t.way[i] = t.way[j];
		t.way[j] = w;
	}
	for (size_t i = 0; i < n; i++) {
		diode_recv_datagram(t.r, t.way[i].p, t.way[i].len, t.now);
		if (i % 3 == 0)
			diode_recv_datagram(t.r, t.way[i].p, t.way[i].len, t.now);
	}
	settle();
	CHECK_INT((long)expect_exactly(3000), 0);
	CHECK_INT((long)diode_recv_counts(t.r)->duplicate, (long)((n + 2) / 3));
	CHECK_INT((long)diode_recv_counts(t.r)->missing, 0);
}

TEST(a_replayed_session_gives_nothing_twice)
{
	begin(32, 8, 4);
	records(0, 500);
	diode_send_flush(t.s, t.stream);
	pass(0);
	settle();
	uint64_t records_then = t.records;
	pass(0);
	pass(0);
	CHECK_INT((long)t.records, (long)records_then);
	/* A new session comes; the old one, replayed, is asked for and refused, and nothing of the new one is disturbed. */
	size_t old = t.n;
	sender(78);
	records(0, 500);
	diode_send_flush(t.s, t.stream);
	t.records = 0;
	memset(t.gone, 0, sizeof t.gone);
	pass(old);
	CHECK_INT((long)t.records, 500);
	t.deny = true;
	uint64_t refused = diode_recv_counts(t.r)->refused;
	for (size_t i = 0; i < old; i++)
		diode_recv_datagram(t.r, t.way[i].p, t.way[i].len, t.now);
	CHECK_INT((long)diode_recv_session(t.r), 78);
	CHECK_INT((long)t.records, 500);
	CHECK_INT((long)(diode_recv_counts(t.r)->refused - refused), (long)old);
}

TEST(damaged_short_and_long_datagrams_are_counted_and_nothing_else)
{
	uint8_t copy[1600];

	begin(8, 2, 1);
	records(0, 20);
	diode_send_flush(t.s, t.stream);
	uint64_t bad = 0;
	for (size_t i = 0; i < t.n; i++) {
		for (size_t b = 0; b < DIODE_HEAD + 2; b++) {
			memcpy(copy, t.way[i].p, t.way[i].len);
			copy[b] ^= 0x41;
			diode_recv_datagram(t.r, copy, t.way[i].len, t.now);
			bad++;
		}
		diode_recv_datagram(t.r, t.way[i].p, t.way[i].len - 1, t.now);
		memcpy(copy, t.way[i].p, t.way[i].len);
		diode_recv_datagram(t.r, copy, t.way[i].len + 1, t.now);
		bad += 2;
	}
	const struct diode_recv_counts *c = diode_recv_counts(t.r);
	CHECK_INT((long)(c->malformed + c->bad_mac), (long)bad);
	CHECK(c->datagrams == 0 && c->memory == 0 && t.adopted == 0);
	pass(0);
	settle();
	CHECK_INT((long)expect_exactly(20), 0);
}

TEST(other_parameters_are_refused_and_told)
{
	begin(32, 8, 4);
	records(0, 100);
	diode_send_flush(t.s, t.stream);
	receiver((struct diode_params){ .k = 32, .p = 4, .depth = 4, .size = 400 });
	pass(0);
	CHECK_INT((long)t.mismatches, (long)t.n);
	CHECK_INT((long)t.records, 0);
	CHECK_INT((long)diode_recv_counts(t.r)->mismatched, (long)t.n);
}

/* A datagram with a good MAC of a block that is far away: as only a broken sender makes one. */
static void
far_symbol(uint64_t block, uint64_t serial)
{
	uint8_t p[DIODE_OVER + 16];
	struct diode_head h = { .epoch = 1, .session = 77, .serial = serial, .stream = t.stream, .block = block, .used = 1, .size = 16, .params = t.params };

	diode_head_put(&h, p);
	memset(p + DIODE_HEAD, 0, 16);
	CHECK_INT(diode_mac_put(&t.keys, 1, p, DIODE_HEAD + 16), 0);
	diode_recv_datagram(t.r, p, sizeof p, t.now);
}

TEST(a_block_far_ahead_moves_nothing_alone_and_memory_stays_bounded)
{
	begin(32, 8, 4);
	records(0, 400);
	diode_send_flush(t.s, t.stream);
	pass(0);
	far_symbol(1ull << 63, 2000);
	for (uint64_t i = 1; i < 2000; i++)
		far_symbol((1ull << 63) + i * 1000, 2000 + i);
	size_t from = t.n;
	records(400, 400);
	diode_send_flush(t.s, t.stream);
	pass(from);
	settle();
	CHECK_INT((long)t.records, 800);
	CHECK_INT((long)t.blocks_lost, 0);
	CHECK(diode_recv_counts(t.r)->memory <= 4096);
}

TEST(a_flood_of_begun_blocks_takes_no_more_memory_than_it_may)
{
	uint64_t serial = 0;

	begin(32, 8, 4);
	for (uint32_t stream = 1; stream < 300; stream++)
		for (uint64_t block = 0; block < 2 * DIODE_WINDOW; block++) {
			uint8_t p[DIODE_OVER + 400] = { 0 };
			struct diode_head h = { .epoch = 1, .session = 77, .serial = serial++, .stream = stream, .block = block, .used = 32, .size = 400,
			    .params = t.params };
			diode_head_put(&h, p);
			CHECK_INT(diode_mac_put(&t.keys, 1, p, DIODE_HEAD + 400), 0);
			diode_recv_datagram(t.r, p, sizeof p, t.now);
			CHECK(diode_recv_counts(t.r)->memory <= MEMORY);
		}
	CHECK(diode_recv_counts(t.r)->no_room > 0);
}

TEST(a_receiver_that_joins_late_takes_what_begins_after_it)
{
	begin(32, 8, 4);
	records(0, 4000);
	diode_send_flush(t.s, t.stream);
	size_t from = t.n * 3 / 4;
	pass(from);
	settle();
	CHECK(t.records > 900 && t.records < 1010);
	CHECK(t.got[3999] && !t.got[2900]);
	CHECK_INT((long)t.wrong, 0);
}

TEST(the_end_of_a_stream_that_is_lost_is_known_from_the_beacon)
{
	begin(32, 8, 4);
	records(0, 400);
	diode_send_flush(t.s, t.stream);
	for (size_t i = t.n - 160; i < t.n; i++)
		t.way[i].lost = true;
	pass(0);
	settle();
	CHECK(expect_exactly(400) > 0);
	t.settled = 0;
	size_t from = t.n;
	beacon();
	pass(from);
	CHECK_INT((long)t.settled, 1);
}

TEST(matrices_beyond_the_budget_are_put_off_not_made)
{
	begin(32, 8, 1);
	struct diode_recv_conf c = { .params = t.params, .keys = &t.keys, .memory = MEMORY, .hold_ns = NS_PER_S, .inversions_per_s = 3,
	    .adopt = on_adopt, .record = on_record, .lost = on_lost, .control = on_control, .mismatch = on_mismatch };
	diode_recv_free(t.r);
	t.r = diode_recv_new(&c);
	records(0, 300);
	diode_send_flush(t.s, t.stream);
	for (size_t i = 0; i < t.n; i++)
		t.way[i].lost = i > 0 && (i - 1) % 40 == (i - 1) / 40;	/* another symbol of each block */
	pass(0);
	CHECK(diode_recv_counts(t.r)->inversions <= 3);
	CHECK(diode_recv_counts(t.r)->put_off > 0);
	CHECK(diode_recv_counts(t.r)->records > 0 && diode_recv_counts(t.r)->records < 300);
	for (int i = 0; i < 9; i++) {
		t.now.ns += NS_PER_S / 10;
		diode_recv_tick(t.r, t.now);
	}
	CHECK(diode_recv_counts(t.r)->inversions <= 6);
	CHECK_INT((long)t.wrong, 0);
}

TEST_MAIN
