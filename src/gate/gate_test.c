/* Gate as a whole, over real rings and a real disk: admission, plans, losses, reports. restart_test.c kills it. */
#include "gate/gate.h"

#include "gate/rig.h"
#include "ring/report.h"

static const struct mono soon = { NS_PER_S };
static const struct wall wall0 = { RIG_T0 };

static void
turns(struct gate *g, int64_t at_s)
{
	struct mono now = { at_s * NS_PER_S };
	while (gate_turn(g, now, (struct wall){ RIG_T0 + at_s * NS_PER_S }).more)
		;
}

static int
report(struct gate *g, enum msg_type type, const char *stream, const char *sink, uint64_t first, uint64_t last)
{
	uint8_t bytes[REPORT_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);
	report_write(&w, stream, sink, first, last, "because");
	return gate_report(g, type, bytes, wr_len(&w), soon, wall0);
}

TEST(a_ring_batch_becomes_a_spool_batch_in_each_flow)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "both", 1, 3, 1, REDUCE_EVERY);
	rig_flow(p, "second", 2, 2, 1, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	CHECK_INT(gate_plan(g, p, soon, wall0), 0);
	gate_ring(g, "field:a", rig_reader(&ring));
	for (int i = 0; i < 3; i++) {
		rig_write(&ring, 0, RIG_T0 + i, 10 * i);
		rig_write(&ring, 1, RIG_T0 + i, 100 * i);
	}
	turns(g, 1);
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
	gate_free(g);
	rig_ring_free(&ring);
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
	CHECK_INT(gate_plan(g, p, soon, wall0), 0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	ring_reserve(ring.w, 8);
	ring_commit(ring.w, 1u << 28, 1);	/* a record longer than its ring */
	turns(g, 1);
	turns(g, 2);
	CHECK_INT(deaths, 1);
	CHECK(dead_epoch == ring_writer_epoch(ring.w));
	/* The writer that takes its place is read. */
	gate_ring(g, "field:a", rig_reader(&good));
	good.seq[0] = ring.seq[0];
	rig_write(&good, 0, RIG_T0 + 1, 2);
	turns(g, 3);
	CHECK_INT(gate_totals(g).admitted, 2 * RIG_TAGS);
	gate_free(g);
	rig_ring_free(&ring);
	rig_ring_free(&good);
}

TEST(samples_may_wait_to_share_a_batch)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "f", 1, 3, 1, REDUCE_EVERY)->latency_ns = 2 * NS_PER_S;
	rig_ring_new(&ring, 1 << 16);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	struct gate_turn t = gate_turn(g, soon, wall0);
	CHECK(!t.admitted && t.next.ns <= 3 * NS_PER_S);
	rig_write(&ring, 1, RIG_T0, 1);
	turns(g, 2);
	CHECK_INT(gate_totals(g).admitted, 0);
	turns(g, 3);
	struct rig_rows rows = rig_read(dir, "f@00000001");
	CHECK_INT(rows.n, 8);
	CHECK_INT(rows.batches, 1);
	free(rows.v);
	gate_free(g);
	rig_ring_free(&ring);
}

TEST(an_older_ring_is_read_to_its_end_first)
{
	const char *dir = test_dir();
	struct rig_ring old, new;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	gate_plan(g, p, soon, wall0);
	rig_ring_new(&old, 1 << 16);
	rig_ring_new(&new, 1 << 16);
	for (int i = 0; i < 5; i++) {
		rig_write(&old, 0, RIG_T0 + i, i);
		rig_write(&new, 0, RIG_T0 + 100 + i, 100 + i);
	}
	gate_ring(g, "field:a", rig_reader(&old));
	gate_ring(g, "field:a", rig_reader(&new));
	turns(g, 1);
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
	gate_plan(g, p, soon, wall0);
	rig_ring_new(&ring, RING_SIZE_MIN);
	gate_ring(g, "field:a", rig_reader(&ring));
	for (int i = 0; i < written; i++)
		rig_write(&ring, 0, RIG_T0 + i, i);
	turns(g, 1);
	rig_write(&ring, 0, RIG_T0 + written, 0);
	turns(g, 2);
	CHECK_INT(gate_drain(g, soon, wall0), 0);
	struct ledger_account a = rig_account(dir, "f@00000001");
	CHECK(a.lost > 0);
	CHECK_INT(a.lost + a.admitted, (written + 1) * (int)RIG_TAGS);
	CHECK_INT(rig_losses, 1);
	CHECK_INT(gate_totals(g).lost, a.lost);
	gate_free(g);
	rig_ring_free(&ring);
}

TEST(missing_batches_are_a_loss_of_their_own)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	rig_flow(p, "other", 1, 2, 1, REDUCE_EVERY);
	gate_plan(g, p, soon, wall0);
	rig_ring_new(&ring, 1 << 16);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 0);
	rig_write(&ring, 1, RIG_T0, 0);
	ring.seq[0] += 3;
	rig_write(&ring, 0, RIG_T0 + 1, 0);
	turns(g, 1);
	CHECK_INT(gate_drain(g, soon, wall0), 0);
	CHECK_INT(rig_account(dir, "f@00000001").lost, 12);
	CHECK_INT(rig_losses, 1);
	CHECK_INT(rig_account(dir, "other@00000001").lost, 0);
	gate_free(g);
	rig_ring_free(&ring);
}

TEST(a_source_has_one_writer_and_unknown_ones_are_refused)
{
	const char *dir = test_dir();
	struct rig_ring a, b;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	gate_plan(g, p, soon, wall0);
	rig_ring_new(&a, 1 << 16);
	rig_ring_new(&b, 1 << 16);
	gate_ring(g, "field:a", rig_reader(&a));
	gate_ring(g, "field:b", rig_reader(&b));
	rig_write(&a, 0, RIG_T0, 1);
	turns(g, 1);
	rig_write(&b, 0, RIG_T0, 666);	/* speaks for a source of another zone */
	turns(g, 2);
	struct batch_head foreign = { .source_key = 77, .seq = 1 };
	void *to = ring_reserve(b.w, batch_size(0, 0));
	ring_commit(b.w, batch_pack(&foreign, NULL, NULL, to), 0);
	turns(g, 3);
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
	gate_plan(g, p, soon, wall0);
	rig_ring_new(&a, 1 << 16);
	rig_ring_new(&b, 1 << 16);
	gate_ring(g, "field:line-3", rig_reader(&a));
	gate_ring(g, "insight", rig_reader(&b));
	rig_write(&a, 0, RIG_T0, 1);
	rig_write(&a, 1, RIG_T0, 666);
	rig_write(&b, 1, RIG_T0, 666);
	turns(g, 1);
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
	gate_plan(g, p, soon, wall0);
	rig_ring_new(&a, 1 << 16);
	rig_ring_new(&b, 1 << 16);
	gate_ring(g, "field:line-3", rig_reader(&a));
	gate_ring(g, "insight", rig_reader(&b));
	rig_write(&a, 1, RIG_T0, 666);
	turns(g, 1);
	CHECK_INT(gate_totals(g).admitted, 0);
	CHECK_INT(gate_totals(g).refused_records, 1);
	rig_write(&b, 1, RIG_T0, 1);
	turns(g, 2);
	CHECK_INT(gate_totals(g).admitted, RIG_TAGS);
	gate_free(g);
	rig_ring_free(&a);
	rig_ring_free(&b);
}

TEST(a_new_plan_keeps_backlog_and_numbers)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan(), *z = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "stays", 1, 1, 1, REDUCE_EVERY);
	rig_flow(p, "changes", 1, 3, 1, REDUCE_EVERY);
	rig_flow(p, "goes", 1, 1, 1, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	turns(g, 1);

	rig_flow(q, "stays", 1, 1, 3, REDUCE_ON_CHANGE);	/* other sinks, other reduction: the same stream */
	rig_flow(q, "changes", 2, 1, 1, REDUCE_EVERY);
	gate_plan(g, q, soon, wall0);
	rig_write(&ring, 0, RIG_T0 + 1, 5);
	turns(g, 1);
	struct ledger_account a = rig_account(dir, "stays@00000001");
	CHECK_INT(a.admitted, 8);
	CHECK_INT(a.nsinks, 2);
	CHECK_INT(ledger_find(&a, "broker")->next, 1);
	CHECK_INT(ledger_find(&a, "history")->owed_from, 5);
	a = rig_account(dir, "changes@00000001");
	CHECK_INT(a.admitted, 4);
	CHECK_INT(ledger_find(&a, "broker")->pending, 4);
	CHECK_INT(rig_account(dir, "changes@00000002").admitted, 4);
	a = rig_account(dir, "goes@00000001");
	CHECK_INT(ledger_find(&a, "broker")->pending, 4);
	/* The backlog of the old ones is still delivered and accounted for. */
	CHECK_INT(report(g, MSG_DELIVERED, "goes@00000001", "broker", 0, 4), 0);
	CHECK_INT(gate_drain(g, soon, wall0), 0);
	a = rig_account(dir, "goes@00000001");
	CHECK_INT(ledger_find(&a, "broker")->delivered, 4);

	/* The broker leaves the first flow; what it was owed is dropped by that. */
	rig_flow(z, "stays", 1, 1, 2, REDUCE_EVERY);
	gate_plan(g, z, soon, wall0);
	a = rig_account(dir, "stays@00000001");
	CHECK(!ledger_find(&a, "broker")->active);
	CHECK_INT(ledger_find(&a, "broker")->dropped, 8);
	gate_free(g);

	/* And a gate that starts afresh finds them all. */
	g = rig_gate(dir, &disk_os);
	q = rig_plan();
	rig_flow(q, "stays", 1, 1, 3, REDUCE_EVERY);
	gate_plan(g, q, soon, wall0);
	CHECK_INT(report(g, MSG_DELIVERED, "changes@00000001", "broker", 0, 4), 0);
	CHECK_INT(gate_drain(g, soon, wall0), 0);
	a = rig_account(dir, "changes@00000001");
	CHECK_INT(ledger_find(&a, "broker")->pending, 0);
	gate_free(g);
	rig_ring_free(&ring);
}

static struct disk	counting;
static unsigned		syncs;

static int
count_sync(void *ctx, int fd)
{
	syncs++;
	return disk_os.sync(ctx, fd);
}

/* A stream that a new plan keeps is kept as that plan says: durable when it says so, and no larger, no older. */
TEST(a_new_plan_changes_durability_and_quota_of_a_stream_that_stays)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan();
	struct flow *f;

	counting = disk_os;
	counting.sync = count_sync;
	struct gate *g = rig_gate(dir, &counting);
	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	f = rig_flow(q, "f", 1, 1, 1, REDUCE_EVERY);
	f->durability = DURABLE_EACH;
	f->quota_bytes = 1 << 19;
	rig_ring_new(&ring, 1 << 16);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	syncs = 0;
	rig_write(&ring, 0, RIG_T0, 1);
	turns(g, 1);
	CHECK_INT(syncs, 0);
	gate_plan(g, q, soon, wall0);
	CHECK_INT(syncs, 1);	/* what was admitted before counts too */
	rig_write(&ring, 0, RIG_T0 + 1, 5);
	turns(g, 1);
	CHECK_INT(syncs, 2);
	for (int i = 0; i < 5000; i++) {
		rig_write(&ring, 0, RIG_T0 + 2 + i, i);
		turns(g, 1);
	}
	turns(g, 10);
	struct ledger_account a = rig_account(dir, "f@00000001");
	CHECK(ledger_find(&a, "broker")->dropped > 0);
	gate_free(g);
	rig_ring_free(&ring);
}

TEST(batches_of_a_source_that_has_just_left_still_arrive)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);	/* in the ring when the plan changes */
	q->sources[0].key = 0x9999;
	rig_flow(q, "f", 1, 1, 1, REDUCE_EVERY);
	gate_plan(g, q, soon, wall0);
	turns(g, 1);
	CHECK_INT(gate_totals(g).admitted, 4);
	turns(g, 60);
	rig_write(&ring, 0, RIG_T0 + 1, 1);
	turns(g, 61);
	CHECK_INT(gate_totals(g).refused_records, 1);
	gate_free(g);
	rig_ring_free(&ring);
}

static uint64_t	told;

static int
note_accounted(void *arg, const char *stream, const char *sink, uint64_t last)
{
	(void)arg;
	CHECK_STR(stream, "f@00000001");
	CHECK_STR(sink, "broker");
	told = last;
	return 0;
}

TEST(reports_must_fit_the_account)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();
	struct gate_opts o = { .spool_dir = dir, .disk = &disk_os, .accounted = note_accounted };
	struct gate *g;

	CHECK_INT(gate_new(&o, &g), 0);
	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	for (int i = 0; i < 10; i++)
		rig_write(&ring, 0, RIG_T0 + i, i);
	turns(g, 1);
	told = 0;
	CHECK_INT(report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 4), 0);
	CHECK_INT(report(g, MSG_QUARANTINED, "f@00000001", "broker", 9, 12), 0);
	CHECK_INT(report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 20), 0);
	turns(g, 2);
	CHECK_INT(told, 20);
	CHECK_INT(report(g, MSG_RELEASED, "f@00000001", "broker", 9, 10), 0);
	CHECK_INT(report(g, MSG_DISCARDED, "f@00000001", "broker", 11, 11), 0);
	/* Refused: never admitted, no such stream, no such sink, not in quarantine, backwards, and no report at all. */
	CHECK_INT(report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 41), ERR_RANGE);
	CHECK_INT(report(g, MSG_DELIVERED, "g@00000001", "broker", 0, 4), ERR_NOTFOUND);
	CHECK_INT(report(g, MSG_DELIVERED, "f@00000001", "history", 0, 4), ERR_NOTFOUND);
	CHECK_INT(report(g, MSG_RELEASED, "f@00000001", "broker", 30, 31), ERR_RANGE);
	CHECK_INT(report(g, MSG_DISCARDED, "f@00000001", "broker", 12, 11), ERR_RANGE);
	CHECK_INT(gate_report(g, MSG_DELIVERED, "\x05", 1, soon, wall0), ERR_SHORT);
	CHECK_INT(report(g, MSG_PLAN, "f@00000001", "broker", 0, 4), ERR_DENIED);
	CHECK_INT(gate_drain(g, soon, wall0), 0);
	CHECK_INT(gate_totals(g).refused_reports, 7);
	struct ledger_account a = rig_account(dir, "f@00000001");
	const struct ledger_sink *s = ledger_find(&a, "broker");
	CHECK_INT(s->delivered, 18);
	CHECK_INT(s->quarantined, 1);
	CHECK_INT(s->dropped, 1);
	CHECK_INT(s->pending, 20);
	gate_free(g);
	rig_ring_free(&ring);
}

/* Quota takes what is not delivered; what office said just before is entered first. */
TEST(what_was_delivered_is_not_dropped_by_quota)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY)->quota_bytes = 1 << 19;
	rig_ring_new(&ring, 1 << 16);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	for (int i = 0; i < 5000; i++) {
		rig_write(&ring, 0, RIG_T0 + 2 + i, i);
		turns(g, -4);	/* the first trim is at 0 */
	}
	CHECK_INT(report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 19000), 0);
	turns(g, 1);
	CHECK_INT(gate_drain(g, soon, wall0), 0);
	struct ledger_account a = rig_account(dir, "f@00000001");
	CHECK_INT(ledger_find(&a, "broker")->delivered, 19000);
	CHECK_INT(ledger_find(&a, "broker")->dropped, 0);
	gate_free(g);
	rig_ring_free(&ring);
}

TEST(what_a_sink_left_in_quarantine_can_still_be_dropped)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "f", 1, 1, 3, REDUCE_EVERY);
	rig_flow(q, "f", 1, 1, 2, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	turns(g, 1);
	CHECK_INT(report(g, MSG_QUARANTINED, "f@00000001", "broker", 1, 4), 0);
	gate_plan(g, q, soon, wall0);
	CHECK_INT(report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 4), ERR_NOTFOUND);
	CHECK_INT(report(g, MSG_DISCARDED, "f@00000001", "broker", 1, 4), 0);
	struct ledger_account a = rig_account(dir, "f@00000001");
	CHECK_INT(ledger_find(&a, "broker")->quarantined, 0);
	CHECK_INT(ledger_find(&a, "broker")->dropped, 4);
	CHECK_INT(ledger_balance(ledger_find(&a, "broker")), 0);
	gate_free(g);
	rig_ring_free(&ring);
}

/* A gate that has taken `before` batches, leaves without a word, and comes back when there are `meanwhile` more. */
static struct ledger_account
away(int before, int meanwhile)
{
	const char *dir = test_dir();
	struct rig_ring ring;

	rig_ring_new(&ring, RING_SIZE_MIN);
	for (int life = 0; life < 2; life++) {
		struct gate *g = rig_gate(dir, &disk_os);
		struct plan *p = rig_plan();
		rig_flow(p, "f", 1, 3, 1, REDUCE_EVERY);
		rig_flow(p, "quiet", 1, 3, 1, REDUCE_ON_CHANGE);	/* its mark stays behind */
		gate_plan(g, p, soon, wall0);
		gate_ring(g, "field:a", rig_reader(&ring));
		for (int i = 0; i < (life == 0 ? before : 0); i++) {
			rig_write(&ring, (uint32_t)i % 2, RIG_T0 + i, 7);
			turns(g, 1);
		}
		for (int i = 0; i < (life == 0 ? meanwhile : 0); i++)
			rig_write(&ring, (uint32_t)i % 2, RIG_T0 + before + i, 7);
		if (life == 1)
			while (gate_drain(g, soon, wall0) == ERR_AGAIN)
				;
		gate_free(g);
	}
	rig_ring_free(&ring);
	return rig_account(dir, "f@00000001");
}

TEST(a_short_absence_is_no_loss)
{
	struct ledger_account a = away(20, 50);
	CHECK_INT(a.admitted, 70 * (int)RIG_TAGS);
	CHECK_INT(a.entries, 3);	/* opened, a sink joined, opened again */
}

TEST(a_long_absence_is_told)
{
	struct ledger_account a = away(20, 1000);
	CHECK(a.admitted < 1020 * RIG_TAGS);
	CHECK_INT(a.entries, 4);
}

/* A disk that is full while it is told to be. */
static struct disk	broken;
static bool		full;

static ssize_t
full_pwrite(void *ctx, int fd, const void *p, size_t len, uint64_t off)
{
	return full ? ERR_NOSPACE : disk_os.pwrite(ctx, fd, p, len, off);
}

static int
full_open(void *ctx, const char *path, int flags)
{
	return full && (flags & DISK_CREATE) != 0 ? ERR_NOSPACE : disk_os.open(ctx, path, flags);
}

static const struct disk *
full_disk(void)
{
	broken = disk_os;
	broken.pwrite = full_pwrite;
	broken.open = full_open;
	return &broken;
}

TEST(a_full_disk_loses_nothing_that_the_ring_can_hold)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, full_disk());

	full = false;
	rig_flow(p, "f", 1, 3, 1, REDUCE_EVERY);
	rig_flow(p, "g", 1, 1, 1, REDUCE_ON_CHANGE);
	rig_flow(p, "h", 1, 3, 1, REDUCE_EVERY)->latency_ns = NS_PER_S;
	rig_ring_new(&ring, 1 << 20);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	int64_t t = 1;
	for (int i = 0; i < 300; i++) {
		full = i / 10 % 2 == 1;
		rig_write(&ring, (uint32_t)i % 2, RIG_T0 + i, i);
		struct gate_turn turn = gate_turn(g, (struct mono){ t * NS_PER_S }, wall0);
		CHECK(!turn.held || turn.next.ns > t * NS_PER_S);
		t += i % 10 == 9 ? 6 : 0;
	}
	full = false;
	turns(g, t + 10);
	turns(g, t + 20);
	CHECK_INT(gate_drain(g, (struct mono){ (t + 30) * NS_PER_S }, wall0), 0);
	static const char *const streams[] = { "f@00000001", "h@00000001" };
	for (int k = 0; k < 2; k++) {
		struct rig_rows rows = rig_read(dir, streams[k]);
		CHECK_INT(rows.n, 1200);
		for (size_t i = 0; i < rows.n; i++)
			CHECK_INT(rows.v[i].arrival.ns, RIG_T0 + (int64_t)i / 4);
		free(rows.v);
	}
	CHECK_INT(gate_totals(g).lost, 0);
	gate_free(g);
	rig_ring_free(&ring);
}

TEST(a_flow_that_cannot_be_opened_yet_holds_the_ring)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, full_disk());

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	full = true;
	CHECK_INT(gate_plan(g, p, soon, wall0), 0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	CHECK(gate_turn(g, soon, wall0).held);
	full = false;
	turns(g, 10);
	CHECK_INT(gate_totals(g).admitted, 4);
	gate_free(g);
	rig_ring_free(&ring);
}

/* "goes" has left the plan and is owed to the broker still; whatever the disk did at the start, what is delivered of it counts. */
static void
start_over_a_backlog(const struct disk *bad, bool *on)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);
	char path[4096];

	rig_flow(p, "goes", 1, 1, 1, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	turns(g, 1);
	gate_free(g);
	snprintf(path, sizeof path, "%s/goes@00000001/ledger.reserve", dir);
	unlink(path);

	g = rig_gate(dir, bad);
	*on = true;
	gate_plan(g, q, soon, wall0);
	turns(g, 2);
	*on = false;
	turns(g, 20);
	CHECK_INT(report(g, MSG_DELIVERED, "goes@00000001", "broker", 0, 4), 0);
	CHECK_INT(gate_drain(g, soon, wall0), 0);
	struct ledger_account a = rig_account(dir, "goes@00000001");
	CHECK_INT(ledger_find(&a, "broker")->delivered, 4);
	gate_free(g);
	rig_ring_free(&ring);
}

static bool	no_open;

static int
failing_open(void *ctx, const char *path, int flags)
{
	return no_open && strstr(path, "/goes@") != NULL ? ERR_IO : disk_os.open(ctx, path, flags);
}

TEST(a_backlog_found_on_a_full_disk_is_accounted_for) { start_over_a_backlog(full_disk(), &full); }

TEST(a_backlog_that_could_not_be_opened_is_tried_again)
{
	struct disk bad = disk_os;

	bad.open = failing_open;
	start_over_a_backlog(&bad, &no_open);
}

TEST(a_damaged_stream_is_off_alone)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);
	char path[4096];

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	rig_flow(p, "g", 1, 1, 1, REDUCE_EVERY);
	gate_plan(g, p, soon, wall0);
	gate_free(g);
	snprintf(path, sizeof path, "%s/f@00000001/schema", dir);
	FILE *f = fopen(path, "r+");
	CHECK(f != NULL);
	fputs("nonsense", f);
	fclose(f);
	g = rig_gate(dir, &disk_os);
	rig_flow(q, "f", 1, 1, 1, REDUCE_EVERY);
	rig_flow(q, "g", 1, 1, 1, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	CHECK_INT(gate_plan(g, q, soon, wall0), 0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	turns(g, 1);
	CHECK_INT(gate_totals(g).admitted, 4);
	gate_free(g);
	rig_ring_free(&ring);
}

/* What had not been delivered when the ledger was lost is still owed: more rather than less. */
static void
lose_the_ledger(const char *bytes)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);
	char path[4096];

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	rig_flow(q, "f", 1, 1, 1, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	turns(g, 1);
	CHECK_INT(report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 1), 0);
	gate_free(g);
	snprintf(path, sizeof path, "%s/f@00000001/ledger", dir);
	CHECK_INT(unlink(path), 0);
	FILE *f = bytes != NULL ? fopen(path, "w") : NULL;
	if (f != NULL) {
		fputs(bytes, f);
		fclose(f);
	}
	g = rig_gate(dir, &disk_os);
	CHECK_INT(gate_plan(g, q, soon, wall0), 0);
	gate_free(g);
	struct ledger_account a = rig_account(dir, "f@00000001");
	CHECK_INT(a.nsinks, 1);
	CHECK_INT(a.sinks[0].owed, 4);
	CHECK_INT(a.sinks[0].pending, 4);
	rig_ring_free(&ring);
}

TEST(what_a_lost_ledger_knew_is_owed_again) { lose_the_ledger(NULL); }
TEST(what_an_emptied_ledger_knew_is_owed_again) { lose_the_ledger(""); }
TEST(what_a_garbled_ledger_knew_is_owed_again) { lose_the_ledger("nonsense where a head of 64 bytes should be, and more than that of it"); }

TEST(a_drain_ends_what_is_open)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();
	struct gate *g = rig_gate(dir, &disk_os);

	rig_flow(p, "w", 1, 1, 1, REDUCE_WINDOW);
	rig_flow(p, "h", 1, 1, 1, REDUCE_EVERY)->latency_ns = 3600 * NS_PER_S;
	rig_ring_new(&ring, 1 << 16);
	gate_plan(g, p, soon, wall0);
	gate_ring(g, "field:a", rig_reader(&ring));
	for (int i = 0; i < 5; i++)
		rig_write(&ring, 0, RIG_T0 + i * NS_PER_S, i);
	CHECK_INT(gate_drain(g, soon, wall0), 0);
	struct rig_rows w = rig_read(dir, "w@00000001"), h = rig_read(dir, "h@00000001");
	CHECK_INT(w.n, 4);
	CHECK_INT(w.v[0].status, STATUS_UncertainSubNormal);
	CHECK(w.v[0].v.f64 == 2);
	CHECK_INT(h.n, 20);
	free(w.v);
	free(h.v);
	gate_free(g);
	rig_ring_free(&ring);
}

TEST_MAIN
