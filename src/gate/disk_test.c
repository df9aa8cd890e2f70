/* A disk that is full, or gives no file, or has a damaged one: gate holds what it can, and goes on with the rest. */
#include "gate/rig.h"

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
	gate_plan(g, p, RIG_SOON, RIG_WALL0);
	gate_ring(g, "field:a", rig_reader(&ring));
	int64_t t = 1;
	for (int i = 0; i < 300; i++) {
		full = i / 10 % 2 == 1;
		rig_write(&ring, (uint32_t)i % 2, RIG_T0 + i, i);
		struct gate_turn turn = gate_turn(g, (struct mono){ t * NS_PER_S }, RIG_WALL0);
		CHECK(!turn.held || turn.next.ns > t * NS_PER_S);
		t += i % 10 == 9 ? 6 : 0;
	}
	full = false;
	rig_turns(g, t + 10);
	rig_turns(g, t + 20);
	CHECK_INT(gate_drain(g, (struct mono){ (t + 30) * NS_PER_S }, RIG_WALL0), 0);
	static const char *const streams[] = { "f@00000001", "h@00000001" };
	for (int k = 0; k < 2; k++) {
		struct rig_rows rows = rig_read(dir, streams[k]);
		CHECK_INT(rows.n, 1200);
		for (size_t i = 0; i < rows.n; i++)
			CHECK_INT(rows.v[i].arrival.ns, RIG_T0 + (int64_t)i / 4);
		free(rows.v);
	}
	CHECK_INT(gate_totals(g).lost, 0);
	rig_end(g, &ring);
}

TEST(a_flow_that_cannot_be_opened_yet_holds_the_ring)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	rig_ring_new(&ring, 1 << 16);
	struct gate *g = rig_gate(dir, full_disk());
	full = true;
	CHECK_INT(gate_plan(g, p, RIG_SOON, RIG_WALL0), 0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	CHECK(gate_turn(g, RIG_SOON, RIG_WALL0).held);
	full = false;
	rig_turns(g, 10);
	CHECK_INT(gate_totals(g).admitted, 4);
	rig_end(g, &ring);
}

/* "goes" has left the plan and is owed to the broker still; whatever the disk did at the start, what is delivered of it counts. */
static void
start_over_a_backlog(const struct disk *bad, bool *on)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan();
	char path[4096];

	rig_flow(p, "goes", 1, 1, 1, REDUCE_EVERY);
	struct gate *g = rig_begin(dir, &disk_os, p, &ring);
	rig_write(&ring, 0, RIG_T0, 1);
	rig_turns(g, 1);
	gate_free(g);
	snprintf(path, sizeof path, "%s/goes@00000001/ledger.reserve", dir);
	unlink(path);

	g = rig_gate(dir, bad);
	*on = true;
	gate_plan(g, q, RIG_SOON, RIG_WALL0);
	rig_turns(g, 2);
	*on = false;
	rig_turns(g, 20);
	CHECK_INT(rig_report(g, MSG_DELIVERED, "goes@00000001", "broker", 0, 4), 0);
	CHECK_INT(gate_drain(g, RIG_SOON, RIG_WALL0), 0);
	struct ledger_account a = rig_account(dir, "goes@00000001");
	CHECK_INT(ledger_find(&a, "broker")->delivered, 4);
	rig_end(g, &ring);
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
	gate_plan(g, p, RIG_SOON, RIG_WALL0);
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
	CHECK_INT(gate_plan(g, q, RIG_SOON, RIG_WALL0), 0);
	gate_ring(g, "field:a", rig_reader(&ring));
	rig_write(&ring, 0, RIG_T0, 1);
	rig_turns(g, 1);
	CHECK_INT(gate_totals(g).admitted, 4);
	rig_end(g, &ring);
}

TEST_MAIN
