/*
 * Numbered streams of other nodes: each number is admitted once, in each flow, over repeats and deaths of everybody; what is said to be durable is.
 */
#include "base/log.h"
#include "gate/rig.h"

#define ORIGIN	0xfeedu

struct told { uint64_t no; bool hole; unsigned n; };

static int
on_durable(void *arg, const char *writer, uint64_t origin, uint64_t no, bool hole)
{
	struct told *t = arg;

	CHECK_STR(writer, "field:a");
	CHECK_INT((long)origin, ORIGIN);
	*t = (struct told){ no, t->hole || hole, t->n + 1 };
	return 0;
}

static struct gate *
start(const char *dir, struct plan *p, const struct rig_ring *ring, struct told *t)
{
	struct gate_opts o = { .spool_dir = dir, .disk = &disk_os, .durable = on_durable, .arg = t };
	struct gate *g = NULL;

	log_open("test", LOG_LEVEL_ERROR);
	CHECK_INT(gate_new(&o, &g), 0);
	CHECK_INT(gate_plan(g, p, (struct mono){ RIG_T0 }, (struct wall){ RIG_T0 }), 0);
	gate_ring(g, "field:a", rig_reader(ring));
	return g;
}

static void
turns(struct gate *g)
{
	for (int i = 0; i < 20; i++)
		gate_turn(g, (struct mono){ RIG_T0 + i * NS_PER_S }, (struct wall){ RIG_T0 + i * NS_PER_S });
}

/* n samples up to number no of the other node, one tag; their value is their number. */
static void
put_flags(struct rig_ring *r, uint64_t prev, uint64_t no, uint64_t base, uint32_t n, uint16_t flags)
{
	struct sample s[16];
	struct batch_head head = { .flags = flags, .source_key = RIG_KEY(0), .seq = ++r->seq[0], .n = n, .origin = ORIGIN, .origin_no = no, .origin_prev = prev,
	    .origin_base = base };
	void *to = ring_reserve(r->w, batch_size(n, 0));

	for (uint32_t i = 0; i < n; i++)
		s[i] = (struct sample){ .arrival = { RIG_T0 + (int64_t)i }, .v = { .type = VALUE_F64, .f64 = (double)(prev + 1 + i) } };
	ring_commit(r->w, batch_pack(&head, s, NULL, to), n);
}

static void
put(struct rig_ring *r, uint64_t prev, uint64_t no, uint64_t base)
{
	put_flags(r, prev, no, base, (uint32_t)(no - prev), 0);
}

static void
whole(const char *dir, const char *stream, size_t n)
{
	struct rig_rows rows = rig_read(dir, stream);

	CHECK_INT((long)rows.n, (long)n);
	for (size_t i = 0; i < n; i++)
		CHECK(rows.v[i].v.f64 == (double)(i + 1));
	free(rows.v);
}

static struct plan *
two_flows(void)
{
	struct plan *p = rig_plan();

	rig_flow(p, "a", 1, 1, 1, REDUCE_EVERY);
	rig_flow(p, "b", 1, 1, 1, REDUCE_EVERY)->latency_ns = 3 * NS_PER_S;
	return p;
}

TEST(a_number_that_comes_again_is_passed_over_and_told_anew)
{
	char dir[300];
	struct rig_ring r;
	struct told t = { 0 };

	snprintf(dir, sizeof dir, "%s/spool", test_dir());
	rig_ring_new(&r, 1 << 20);
	struct gate *g = start(dir, two_flows(), &r, &t);
	put(&r, 0, 4, 0);
	put(&r, 4, 8, 0);
	turns(g);
	CHECK_INT((long)t.no, 8);
	unsigned told = t.n;
	put(&r, 0, 4, 0);
	put(&r, 4, 8, 0);
	turns(g);
	CHECK(t.n > told);
	CHECK_INT((long)t.no, 8);
	gate_free(g);
	whole(dir, "a@00000001", 8);
	whole(dir, "b@00000001", 8);
	rig_ring_free(&r);
}

/* After a gate has died its ring is read from the beginning, which is overwritten when it has gone round: that was admitted, or is given again. */
TEST(what_a_ring_no_longer_holds_of_another_node_is_no_loss)
{
	char dir[300];
	struct rig_ring r;
	struct told t = { 0 };
	enum { N = 2000 };

	snprintf(dir, sizeof dir, "%s/spool", test_dir());
	rig_ring_new(&r, 64 << 10);
	struct gate *g = start(dir, two_flows(), &r, &t);
	for (uint64_t no = 0; no < N; no += 4) {
		put(&r, no, no + 4, 0);
		gate_turn(g, (struct mono){ RIG_T0 }, (struct wall){ RIG_T0 });
	}
	turns(g);
	CHECK_INT((long)t.no, N);
	gate_free(g);
	g = start(dir, two_flows(), &r, &t);
	put(&r, N, N + 4, N);
	turns(g);
	CHECK_INT((long)t.no, N + 4);
	CHECK_INT((long)gate_totals(g).lost, 0);
	gate_free(g);
	CHECK_INT((long)rig_account(dir, "a@00000001").lost, 0);
	whole(dir, "a@00000001", N + 4);
	whole(dir, "b@00000001", N + 4);
	rig_ring_free(&r);
}

TEST(a_gate_that_died_takes_what_it_had_not_from_the_same_ring)
{
	char dir[300];
	struct rig_ring r;
	struct told t = { 0 };

	snprintf(dir, sizeof dir, "%s/spool", test_dir());
	rig_ring_new(&r, 1 << 20);
	struct gate *g = start(dir, two_flows(), &r, &t);
	put(&r, 0, 4, 0);
	/* "a" writes at once, "b" waits for its latency: gate dies between. */
	gate_turn(g, (struct mono){ RIG_T0 }, (struct wall){ RIG_T0 });
	CHECK_INT((long)t.no, 0);
	gate_free(g);
	put(&r, 4, 8, 0);
	g = start(dir, two_flows(), &r, &t);
	turns(g);
	CHECK_INT((long)t.no, 8);
	gate_free(g);
	whole(dir, "a@00000001", 8);
	whole(dir, "b@00000001", 8);
	rig_ring_free(&r);
}

TEST(a_node_that_died_with_its_rings_is_sent_the_rest_and_each_flow_takes_what_it_lacks)
{
	char dir[300];
	struct rig_ring r;
	struct told t = { 0 };

	snprintf(dir, sizeof dir, "%s/spool", test_dir());
	rig_ring_new(&r, 1 << 20);
	struct gate *g = start(dir, two_flows(), &r, &t);
	put(&r, 0, 4, 0);
	gate_turn(g, (struct mono){ RIG_T0 }, (struct wall){ RIG_T0 });
	gate_free(g);
	rig_ring_free(&r);
	rig_ring_new(&r, 1 << 20);
	g = start(dir, two_flows(), &r, &t);
	put(&r, 0, 4, 0);
	put(&r, 4, 8, 0);
	turns(g);
	CHECK_INT((long)t.no, 8);
	CHECK(!t.hole);
	gate_free(g);
	whole(dir, "a@00000001", 8);
	whole(dir, "b@00000001", 8);
	rig_ring_free(&r);
}

TEST(what_comes_behind_a_hole_is_not_taken_until_the_hole_is_filled)
{
	char dir[300];
	struct rig_ring r;
	struct told t = { 0 };

	snprintf(dir, sizeof dir, "%s/spool", test_dir());
	rig_ring_new(&r, 1 << 20);
	struct gate *g = start(dir, two_flows(), &r, &t);
	put(&r, 0, 4, 0);
	put(&r, 8, 12, 0);
	turns(g);
	CHECK(t.hole);
	t.hole = false;
	CHECK_INT((long)t.no, 4);
	put(&r, 4, 8, 4);
	put(&r, 8, 12, 4);
	turns(g);
	CHECK(!t.hole);
	CHECK_INT((long)t.no, 12);
	gate_free(g);
	whole(dir, "a@00000001", 12);
	whole(dir, "b@00000001", 12);
	rig_ring_free(&r);
}

TEST(numbers_that_are_lost_for_good_leave_no_hole_and_stand_in_the_ledger_once)
{
	char dir[300], path[400];
	struct ledger_account acc;
	struct rig_ring r;
	struct told t = { 0 };

	snprintf(dir, sizeof dir, "%s/spool", test_dir());
	rig_ring_new(&r, 1 << 20);
	struct gate *g = start(dir, two_flows(), &r, &t);
	put(&r, 0, 4, 0);
	put_flags(&r, 4, 9, 0, 1, BATCH_LOST);		/* the gap itself is one sample, that says so */
	put(&r, 9, 12, 0);
	put_flags(&r, 4, 9, 0, 1, BATCH_LOST);		/* again: the driver was sent back */
	turns(g);
	CHECK(!t.hole);
	CHECK_INT((long)t.no, 12);
	gate_free(g);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%c@00000001", dir, 'a' + i);
		CHECK_INT(ledger_read(path, &disk_os, &acc, NULL), 0);
		CHECK_INT((long)acc.lost, 5);
		CHECK_INT((long)acc.admitted, 4 + 1 + 3);
	}
	rig_ring_free(&r);
}

TEST(a_question_is_answered_when_all_that_was_taken_is_durable)
{
	char dir[300];
	struct rig_ring r;
	struct told t = { 0 };

	snprintf(dir, sizeof dir, "%s/spool", test_dir());
	rig_ring_new(&r, 1 << 20);
	struct gate *g = start(dir, two_flows(), &r, &t);
	put(&r, 0, 4, 0);
	put(&r, 4, 8, 0);
	put_flags(&r, 0, 0, 0, 0, BATCH_ASK);		/* of one that knows of nothing that gate has */
	for (int i = 0; i < 3; i++)
		gate_turn(g, (struct mono){ RIG_T0 + i }, (struct wall){ RIG_T0 + i });
	CHECK_INT((long)t.n, 0);			/* "b" waits for its latency */
	turns(g);
	CHECK_INT((long)t.no, 8);
	CHECK(!t.hole);
	gate_free(g);
	rig_ring_free(&r);
}

TEST_MAIN
