/*
 * Numbered streams of other nodes: each number is admitted once, in each flow, over repeats and deaths of everybody; what is said to be durable is.
 */
#include "base/log.h"
#include "gate/rig.h"

#define ORIGIN	0xfeedu

struct told { uint64_t no; bool hole; unsigned n; };

static const char *const	streams[] = { "a@00000001", "b@00000001" };
static char		dir[300];
static struct rig_ring	ring;
static struct gate	*g;
static struct told	told;

static int
on_durable(void *arg, const char *writer, uint64_t origin, uint64_t no, bool hole)
{
	(void)arg;
	CHECK_STR(writer, "field:a");
	CHECK_INT((long)origin, ORIGIN);
	told = (struct told){ no, told.hole || hole, told.n + 1 };
	return 0;
}

/* "a" writes at once, "b" waits for its latency. */
static void
start_gate(void)
{
	struct gate_opts o = { .spool_dir = dir, .disk = &disk_os, .durable = on_durable };
	struct plan *p = rig_plan();

	rig_flow(p, "a", 1, 1, 1, REDUCE_EVERY);
	rig_flow(p, "b", 1, 1, 1, REDUCE_EVERY)->latency_ns = 3 * NS_PER_S;
	CHECK_INT(gate_new(&o, &g), 0);
	CHECK_INT(gate_plan(g, p, (struct mono){ RIG_T0 }, (struct wall){ RIG_T0 }), 0);
	gate_ring(g, "field:a", rig_reader(&ring));
}

/* A gate with an empty spool and a ring of so many bytes. */
static void
begin(size_t size)
{
	log_open("test", LOG_LEVEL_ERROR);
	snprintf(dir, sizeof dir, "%s/spool", test_dir());
	told = (struct told){ 0 };
	rig_ring_new(&ring, size);
	start_gate();
}

static void
turn(int64_t after_ns)
{
	gate_turn(g, (struct mono){ RIG_T0 + after_ns }, (struct wall){ RIG_T0 + after_ns });
}

static void
turns(void)
{
	for (int i = 0; i < 20; i++)
		turn(i * NS_PER_S);
}

/* n samples up to number no of the other node, one tag; their value is their number. */
static void
put_flags(uint64_t prev, uint64_t no, uint64_t base, uint32_t n, uint16_t flags)
{
	struct sample s[16];
	struct batch_head head = { .flags = flags, .source_key = RIG_KEY(0), .seq = ++ring.seq[0], .n = n, .origin = ORIGIN, .origin_no = no, .origin_prev = prev,
	    .origin_base = base };
	void *to = ring_reserve(ring.w, batch_size(n, 0));

	for (uint32_t i = 0; i < n; i++)
		s[i] = (struct sample){ .arrival = { RIG_T0 + (int64_t)i }, .v = { .type = VALUE_F64, .f64 = (double)(prev + 1 + i) } };
	ring_commit(ring.w, batch_pack(&head, s, NULL, to), n);
}

static void
put(uint64_t prev, uint64_t no, uint64_t base)
{
	put_flags(prev, no, base, (uint32_t)(no - prev), 0);
}

/* Gate ends; both flows have the numbers 1 to n, once. */
static void
end(size_t n)
{
	gate_free(g);
	for (int k = 0; k < 2; k++) {
		struct rig_rows rows = rig_read(dir, streams[k]);
		CHECK_INT((long)rows.n, (long)n);
		for (size_t i = 0; i < n; i++)
			CHECK(rows.v[i].v.f64 == (double)(i + 1));
		free(rows.v);
	}
	rig_ring_free(&ring);
}

TEST(a_number_that_comes_again_is_passed_over_and_told_anew)
{
	begin(1 << 20);
	put(0, 4, 0);
	put(4, 8, 0);
	turns();
	CHECK_INT((long)told.no, 8);
	unsigned before = told.n;
	put(0, 4, 0);
	put(4, 8, 0);
	turns();
	CHECK(told.n > before);
	CHECK_INT((long)told.no, 8);
	end(8);
}

/* After a gate has died its ring is read from the beginning, which is overwritten when it has gone round: that was admitted, or is given again. */
TEST(what_a_ring_no_longer_holds_of_another_node_is_no_loss)
{
	enum { N = 2000 };

	begin(64 << 10);
	for (uint64_t no = 0; no < N; no += 4) {
		put(no, no + 4, 0);
		turn(0);
	}
	turns();
	CHECK_INT((long)told.no, N);
	gate_free(g);
	start_gate();
	put(N, N + 4, N);
	turns();
	CHECK_INT((long)told.no, N + 4);
	CHECK_INT((long)gate_totals(g).lost, 0);
	end(N + 4);
	CHECK_INT((long)rig_account(dir, streams[0]).lost, 0);
}

TEST(a_gate_that_died_takes_what_it_had_not_from_the_same_ring)
{
	begin(1 << 20);
	put(0, 4, 0);
	/* "a" writes at once, "b" waits for its latency: gate dies between. */
	turn(0);
	CHECK_INT((long)told.no, 0);
	gate_free(g);
	put(4, 8, 0);
	start_gate();
	turns();
	CHECK_INT((long)told.no, 8);
	end(8);
}

TEST(a_node_that_died_with_its_rings_is_sent_the_rest_and_each_flow_takes_what_it_lacks)
{
	begin(1 << 20);
	put(0, 4, 0);
	turn(0);
	gate_free(g);
	rig_ring_free(&ring);
	rig_ring_new(&ring, 1 << 20);
	start_gate();
	put(0, 4, 0);
	put(4, 8, 0);
	turns();
	CHECK_INT((long)told.no, 8);
	CHECK(!told.hole);
	end(8);
}

TEST(what_comes_behind_a_hole_is_not_taken_until_the_hole_is_filled)
{
	begin(1 << 20);
	put(0, 4, 0);
	put(8, 12, 0);
	turns();
	CHECK(told.hole);
	told.hole = false;
	CHECK_INT((long)told.no, 4);
	put(4, 8, 4);
	put(8, 12, 4);
	turns();
	CHECK(!told.hole);
	CHECK_INT((long)told.no, 12);
	end(12);
}

TEST(numbers_that_are_lost_for_good_leave_no_hole_and_stand_in_the_ledger_once)
{
	begin(1 << 20);
	put(0, 4, 0);
	put_flags(4, 9, 0, 1, BATCH_LOST);		/* the gap itself is one sample, that says so */
	put(9, 12, 0);
	put_flags(4, 9, 0, 1, BATCH_LOST);		/* again: the driver was sent back */
	turns();
	CHECK(!told.hole);
	CHECK_INT((long)told.no, 12);
	gate_free(g);
	for (int i = 0; i < 2; i++) {
		struct ledger_account acc = rig_account(dir, streams[i]);
		CHECK_INT((long)acc.lost, 5);
		CHECK_INT((long)acc.admitted, 4 + 1 + 3);
	}
	rig_ring_free(&ring);
}

TEST(a_question_is_answered_when_all_that_was_taken_is_durable)
{
	begin(1 << 20);
	put(0, 4, 0);
	put(4, 8, 0);
	put_flags(0, 0, 0, 0, BATCH_ASK);		/* of one that knows of nothing that gate has */
	for (int i = 0; i < 3; i++)
		turn(i);
	CHECK_INT((long)told.n, 0);			/* "b" waits for its latency */
	turns();
	CHECK_INT((long)told.no, 8);
	CHECK(!told.hole);
	gate_free(g);
	rig_ring_free(&ring);
}

TEST_MAIN
