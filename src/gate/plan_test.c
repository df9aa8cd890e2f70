/* A plan in place of another: streams that stay, change, or go. */
#include "gate/rig.h"

TEST(a_new_plan_keeps_backlog_and_numbers)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan(), *z = rig_plan();

	rig_flow(p, "stays", 1, 1, 1, REDUCE_EVERY);
	rig_flow(p, "changes", 1, 3, 1, REDUCE_EVERY);
	rig_flow(p, "goes", 1, 1, 1, REDUCE_EVERY);
	struct gate *g = rig_begin(dir, &disk_os, p, &ring);
	rig_write(&ring, 0, RIG_T0, 1);
	rig_turns(g, 1);

	rig_flow(q, "stays", 1, 1, 3, REDUCE_ON_CHANGE);	/* other sinks, other reduction: the same stream */
	rig_flow(q, "changes", 2, 1, 1, REDUCE_EVERY);
	gate_plan(g, q, RIG_SOON, RIG_WALL0);
	rig_write(&ring, 0, RIG_T0 + 1, 5);
	rig_turns(g, 1);
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
	CHECK_INT(rig_report(g, MSG_DELIVERED, "goes@00000001", "broker", 0, 4), 0);
	CHECK_INT(gate_drain(g, RIG_SOON, RIG_WALL0), 0);
	a = rig_account(dir, "goes@00000001");
	CHECK_INT(ledger_find(&a, "broker")->delivered, 4);

	/* The broker leaves the first flow; what it was owed is dropped by that. */
	rig_flow(z, "stays", 1, 1, 2, REDUCE_EVERY);
	gate_plan(g, z, RIG_SOON, RIG_WALL0);
	a = rig_account(dir, "stays@00000001");
	CHECK(!ledger_find(&a, "broker")->active);
	CHECK_INT(ledger_find(&a, "broker")->dropped, 8);
	gate_free(g);

	/* And a gate that starts afresh finds them all. */
	g = rig_gate(dir, &disk_os);
	q = rig_plan();
	rig_flow(q, "stays", 1, 1, 3, REDUCE_EVERY);
	gate_plan(g, q, RIG_SOON, RIG_WALL0);
	CHECK_INT(rig_report(g, MSG_DELIVERED, "changes@00000001", "broker", 0, 4), 0);
	CHECK_INT(gate_drain(g, RIG_SOON, RIG_WALL0), 0);
	a = rig_account(dir, "changes@00000001");
	CHECK_INT(ledger_find(&a, "broker")->pending, 0);
	rig_end(g, &ring);
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
	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	f = rig_flow(q, "f", 1, 1, 1, REDUCE_EVERY);
	f->durability = DURABLE_EACH;
	f->quota_bytes = 1 << 19;
	struct gate *g = rig_begin(dir, &counting, p, &ring);
	syncs = 0;
	rig_write(&ring, 0, RIG_T0, 1);
	rig_turns(g, 1);
	CHECK_INT(syncs, 0);
	gate_plan(g, q, RIG_SOON, RIG_WALL0);
	CHECK_INT(syncs, 1);	/* what was admitted before counts too */
	rig_write(&ring, 0, RIG_T0 + 1, 5);
	rig_turns(g, 1);
	CHECK_INT(syncs, 2);
	for (int i = 0; i < 5000; i++) {
		rig_write(&ring, 0, RIG_T0 + 2 + i, i);
		rig_turns(g, 1);
	}
	rig_turns(g, 10);
	struct ledger_account a = rig_account(dir, "f@00000001");
	CHECK(ledger_find(&a, "broker")->dropped > 0);
	rig_end(g, &ring);
}

TEST(batches_of_a_source_that_has_just_left_still_arrive)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan();

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	struct gate *g = rig_begin(dir, &disk_os, p, &ring);
	rig_write(&ring, 0, RIG_T0, 1);	/* in the ring when the plan changes */
	q->sources[0].key = 0x9999;
	rig_flow(q, "f", 1, 1, 1, REDUCE_EVERY);
	gate_plan(g, q, RIG_SOON, RIG_WALL0);
	rig_turns(g, 1);
	CHECK_INT(gate_totals(g).admitted, 4);
	rig_turns(g, 60);
	rig_write(&ring, 0, RIG_T0 + 1, 1);
	rig_turns(g, 61);
	CHECK_INT(gate_totals(g).refused_records, 1);
	rig_end(g, &ring);
}

TEST_MAIN
