/* Gate as a whole, over real rings and a real disk: admission and losses. restart_test.c kills it. */
#include "gate/rig.h"

TEST(a_ring_batch_becomes_a_spool_batch_in_each_flow)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();

	rig_flow(p, "both", 1, 3, 1, REDUCE_EVERY);
	rig_flow(p, "second", 2, 2, 1, REDUCE_EVERY);
	struct gate *g = rig_begin(dir, &disk_os, p, &ring);
	for (int i = 0; i < 3; i++) {
		rig_write(&ring, 0, RIG_T0 + i, 10 * i);
		rig_write(&ring, 1, RIG_T0 + i, 100 * i);
	}
	rig_turns(g, 1);
	struct rig_rows both = rig_read(dir, "both@00000001"), second = rig_read(dir, "second@00000002");
	CHECK_INT(both.n, 24);
	CHECK_INT(both.batches, 6);
	CHECK_INT(second.n, 12);
	CHECK_INT(second.batches, 3);
	CHECK_INT(both.v[4].tag, 4);	/* the schema counts on where the second source begins */
	CHECK_INT(second.v[5].tag, 1);
	CHECK(second.v[5].v.f64 == 101);
	CHECK_INT(gate_totals(g).admitted, 36);
	free(both.v);
	free(second.v);
	rig_end(g, &ring);
}

static uint64_t	dead_epoch;
static unsigned	deaths;

static void
on_ring_dead(void *arg, const char *writer, uint64_t epoch)
{
	(void)arg;
	CHECK_STR(writer, "field:a");
	dead_epoch = epoch;
	deaths++;
}

TEST(a_ring_that_breaks_its_format_is_reported_once_and_left)
{
	struct gate_opts o = { .spool_dir = test_dir(), .disk = &disk_os, .ring_dead = on_ring_dead };
	struct rig_ring ring, good;
	struct plan *p = rig_plan();
	struct gate *g;

	CHECK_INT(gate_new(&o, &g), 0);
	rig_flow(p, "both", 1, 3, 1, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	rig_ring_new(&good, 1 << 16);
	CHECK_INT(gate_plan(g, p, RIG_SOON, RIG_WALL0), 0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	ring_reserve(ring.w, 8);
	ring_commit(ring.w, 1u << 28, 1);	/* a record longer than its ring */
	rig_turns(g, 1);
	rig_turns(g, 2);
	CHECK_INT(deaths, 1);
	CHECK(dead_epoch == ring_writer_epoch(ring.w));
	/* The writer that takes its place is read. */
	gate_ring(g, "field:a", rig_reader(&good));
	good.seq[0] = ring.seq[0];
	rig_write(&good, 0, RIG_T0 + 1, 2);
	rig_turns(g, 3);
	CHECK_INT(gate_totals(g).admitted, 2 * RIG_TAGS);
	rig_end(g, &ring);
	rig_ring_free(&good);
}

TEST(samples_may_wait_to_share_a_batch)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();

	rig_flow(p, "f", 1, 3, 1, REDUCE_EVERY)->latency_ns = 2 * NS_PER_S;
	struct gate *g = rig_begin(dir, &disk_os, p, &ring);
	rig_write(&ring, 0, RIG_T0, 1);
	struct gate_turn t = gate_turn(g, RIG_SOON, RIG_WALL0);
	CHECK(!t.admitted && t.next.ns <= 3 * NS_PER_S);
	rig_write(&ring, 1, RIG_T0, 1);
	rig_turns(g, 2);
	CHECK_INT(gate_totals(g).admitted, 0);
	rig_turns(g, 3);
	struct rig_rows rows = rig_read(dir, "f@00000001");
	CHECK_INT(rows.n, 8);
	CHECK_INT(rows.batches, 1);
	free(rows.v);
	rig_end(g, &ring);
}

TEST(an_older_ring_is_read_to_its_end_first)
{
	const char *dir = test_dir();
	struct rig_ring old, new;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	gate_plan(g, p, RIG_SOON, RIG_WALL0);
	rig_ring_new(&old, 1 << 16);
	rig_ring_new(&new, 1 << 16);
	for (int i = 0; i < 5; i++) {
		rig_write(&old, 0, RIG_T0 + i, i);
		rig_write(&new, 0, RIG_T0 + 100 + i, 100 + i);
	}
	gate_ring(g, "field:a", rig_reader(&old));
	gate_ring(g, "field:a", rig_reader(&new));
	rig_turns(g, 1);
	struct rig_rows rows = rig_read(dir, "f@00000001");
	CHECK_INT(rows.n, 40);
	for (size_t i = 1; i < rows.n; i++)
		CHECK(rows.v[i].arrival.ns >= rows.v[i - 1].arrival.ns);
	free(rows.v);
	gate_free(g);
	rig_ring_free(&old);
	rig_ring_free(&new);
}

TEST(what_is_overwritten_in_a_ring_stands_in_the_ledger)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);
	const int written = 2000;

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	gate_plan(g, p, RIG_SOON, RIG_WALL0);
	rig_ring_new(&ring, RING_SIZE_MIN);
	gate_ring(g, "field:a", rig_reader(&ring));
	for (int i = 0; i < written; i++)
		rig_write(&ring, 0, RIG_T0 + i, i);
	rig_turns(g, 1);
	rig_write(&ring, 0, RIG_T0 + written, 0);
	rig_turns(g, 2);
	CHECK_INT(gate_drain(g, RIG_SOON, RIG_WALL0), 0);
	struct ledger_account a = rig_account(dir, "f@00000001");
	CHECK(a.lost > 0);
	CHECK_INT(a.lost + a.admitted, (written + 1) * (int)RIG_TAGS);
	CHECK_INT(rig_losses, 1);
	CHECK_INT(gate_totals(g).lost, a.lost);
	rig_end(g, &ring);
}

TEST(missing_batches_are_a_loss_of_their_own)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	rig_flow(p, "other", 1, 2, 1, REDUCE_EVERY);
	struct gate *g = rig_begin(dir, &disk_os, p, &ring);
	rig_write(&ring, 0, RIG_T0, 0);
	rig_write(&ring, 1, RIG_T0, 0);
	ring.seq[0] += 3;
	rig_write(&ring, 0, RIG_T0 + 1, 0);
	rig_turns(g, 1);
	CHECK_INT(gate_drain(g, RIG_SOON, RIG_WALL0), 0);
	CHECK_INT(rig_account(dir, "f@00000001").lost, 12);
	CHECK_INT(rig_losses, 1);
	CHECK_INT(rig_account(dir, "other@00000001").lost, 0);
	rig_end(g, &ring);
}

TEST(a_source_has_one_writer_and_unknown_ones_are_refused)
{
	const char *dir = test_dir();
	struct rig_ring a, b;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	gate_plan(g, p, RIG_SOON, RIG_WALL0);
	rig_ring_new(&a, 1 << 16);
	rig_ring_new(&b, 1 << 16);
	gate_ring(g, "field:a", rig_reader(&a));
	gate_ring(g, "field:b", rig_reader(&b));
	rig_write(&a, 0, RIG_T0, 1);
	rig_turns(g, 1);
	rig_write(&b, 0, RIG_T0, 666);	/* speaks for a source of another zone */
	rig_turns(g, 2);
	struct batch_head foreign = { .source_key = 77, .seq = 1 };
	void *to = ring_reserve(b.w, batch_size(0, 0));
	ring_commit(b.w, batch_pack(&foreign, NULL, NULL, to), 0);
	rig_turns(g, 3);
	CHECK_INT(gate_totals(g).admitted, RIG_TAGS);
	CHECK_INT(gate_totals(g).refused_records, 2);
	gate_free(g);
	rig_ring_free(&a);
	rig_ring_free(&b);
}

TEST(a_zone_speaks_for_its_own_sources_only)
{
	const char *dir = test_dir();
	struct rig_ring a, b;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	p->nzones = 2;
	p->zones = arena_array(&p->arena, 2, sizeof *p->zones);
	p->zones[0].name = "line-3";
	p->zones[1].name = "line-4";
	p->sources[1].zone = 1;
	rig_flow(p, "f", 1, 3, 1, REDUCE_EVERY);
	gate_plan(g, p, RIG_SOON, RIG_WALL0);
	rig_ring_new(&a, 1 << 16);
	rig_ring_new(&b, 1 << 16);
	gate_ring(g, "field:line-3", rig_reader(&a));
	gate_ring(g, "insight", rig_reader(&b));
	rig_write(&a, 0, RIG_T0, 1);
	rig_write(&a, 1, RIG_T0, 666);
	rig_write(&b, 1, RIG_T0, 666);
	rig_turns(g, 1);
	CHECK_INT(gate_totals(g).admitted, RIG_TAGS);
	CHECK_INT(gate_totals(g).refused_records, 2);
	gate_free(g);
	rig_ring_free(&a);
	rig_ring_free(&b);
}

TEST(what_is_derived_comes_from_insight_alone)
{
	const char *dir = test_dir();
	struct rig_ring a, b;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	p->sources[1].name = "insight:line-3";
	rig_flow(p, "f", 1, 3, 1, REDUCE_EVERY);
	gate_plan(g, p, RIG_SOON, RIG_WALL0);
	rig_ring_new(&a, 1 << 16);
	rig_ring_new(&b, 1 << 16);
	gate_ring(g, "field:line-3", rig_reader(&a));
	gate_ring(g, "insight", rig_reader(&b));
	rig_write(&a, 1, RIG_T0, 666);
	rig_turns(g, 1);
	CHECK_INT(gate_totals(g).admitted, 0);
	CHECK_INT(gate_totals(g).refused_records, 1);
	rig_write(&b, 1, RIG_T0, 1);
	rig_turns(g, 2);
	CHECK_INT(gate_totals(g).admitted, RIG_TAGS);
	gate_free(g);
	rig_ring_free(&a);
	rig_ring_free(&b);
}

TEST(a_drain_ends_what_is_open)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();

	rig_flow(p, "w", 1, 1, 1, REDUCE_WINDOW);
	rig_flow(p, "h", 1, 1, 1, REDUCE_EVERY)->latency_ns = 3600 * NS_PER_S;
	struct gate *g = rig_begin(dir, &disk_os, p, &ring);
	for (int i = 0; i < 5; i++)
		rig_write(&ring, 0, RIG_T0 + i * NS_PER_S, i);
	CHECK_INT(gate_drain(g, RIG_SOON, RIG_WALL0), 0);
	struct rig_rows w = rig_read(dir, "w@00000001"), h = rig_read(dir, "h@00000001");
	CHECK_INT(w.n, 4);
	CHECK_INT(w.v[0].status, STATUS_UncertainSubNormal);
	CHECK(w.v[0].v.f64 == 2);
	CHECK_INT(h.n, 20);
	free(w.v);
	free(h.v);
	rig_end(g, &ring);
}

TEST_MAIN
