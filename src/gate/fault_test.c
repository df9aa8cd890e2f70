/*
 * The disk fails at every single call in turn: an I/O error, no space, a short transfer, once and for a while. Whatever it is, in the
 * end each stream holds what it holds on a disk that works, and its account balances.
 */
#include "base/log.h"
#include "gate/rig.h"
#include "os/disk_sim.h"
#include "ring/report.h"

static const char *const streams[] = { "every@00000001", "change@00000001", "shared@00000001", "window@00000001" };
#define STREAMS (sizeof streams / sizeof streams[0])

static struct plan *
plan(void)
{
	struct plan *p = rig_plan();

	rig_flow(p, "every", 1, 3, 3, REDUCE_EVERY)->durability = DURABLE_EACH;
	rig_flow(p, "change", 1, 3, 1, REDUCE_ON_CHANGE)->durability = DURABLE_INTERVAL;
	rig_flow(p, "shared", 1, 2, 1, REDUCE_EVERY)->latency_ns = 3 * NS_PER_S;
	rig_flow(p, "window", 1, 1, 1, REDUCE_WINDOW);
	return p;
}

struct run {
	struct disk_sim	*sim;
	struct gate	*gate;
	int64_t		 t;
};

static void
pass_time(struct run *r, int64_t s)
{
	r->t += s;
	gate_turn(r->gate, (struct mono){ r->t * NS_PER_S }, (struct wall){ RIG_T0 + r->t * NS_PER_S });
}

/* Report until the gate takes it, as office does. */
static void
delivered(struct run *r, const char *stream, uint64_t last)
{
	uint8_t bytes[REPORT_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);

	report_write(&w, stream, "broker", 0, last, "");
	for (int i = 0; i < 50; i++) {
		int err = gate_report(r->gate, MSG_DELIVERED, bytes, wr_len(&w), (struct mono){ r->t * NS_PER_S },
		    (struct wall){ RIG_T0 + r->t * NS_PER_S });
		if (err != ERR_AGAIN) {
			CHECK_INT(err, 0);
			return;
		}
		pass_time(r, 1);
	}
	test_fail(__FILE__, __LINE__, "the report was never taken");
}

/* A gate's life on this disk: two plans, some scans, some reports, a good end. */
static void
live(struct run *r)
{
	struct gate_opts o = { .spool_dir = "/spool", .disk = disk_sim_table(r->sim) };
	struct rig_ring ring;
	int err = ERR_AGAIN;

	/* A gate that cannot begin leaves, and is started again. */
	for (int i = 0; err != 0; i++) {
		CHECK(i < 50);
		err = gate_new(&o, &r->gate);
	}
	rig_ring_new(&ring, 1 << 18);
	pass_time(r, 1);
	gate_plan(r->gate, plan(), (struct mono){ r->t * NS_PER_S }, (struct wall){ RIG_T0 + r->t * NS_PER_S });
	gate_ring(r->gate, "field:a", rig_reader(&ring));
	for (int i = 0; i < 30; i++) {
		rig_write(&ring, (uint32_t)i % 2, RIG_T0 + i * NS_PER_S, i / 4);
		pass_time(r, 1);
		if (i == 15)
			gate_plan(r->gate, plan(), (struct mono){ r->t * NS_PER_S }, (struct wall){ RIG_T0 + r->t * NS_PER_S });
	}
	for (int i = 0; i < 20; i++)
		pass_time(r, 6);
	delivered(r, "every@00000001", 40);
	delivered(r, "every@00000001", 80);
	for (int i = 0; (err = gate_drain(r->gate, (struct mono){ r->t * NS_PER_S }, (struct wall){ RIG_T0 + r->t * NS_PER_S })) != 0; i++) {
		CHECK(i < 50);
		pass_time(r, 6);
	}
	CHECK_INT(gate_totals(r->gate).lost, 0);
	gate_free(r->gate);
	rig_ring_free(&ring);
}

/*
 * The samples of a stream, without "no data": how many windows stay empty while gate waits for its disk is up to the clock.
 * *all receives how many there are with them.
 */
static struct rig_rows
rows_of(struct disk_sim *sim, const char *stream, uint64_t *all)
{
	struct rig_rows rows = { 0 };
	struct spool_reader *r = NULL;
	struct spool_batch b;
	struct spool_damage d;
	char path[300];
	int err;

	snprintf(path, sizeof path, "/spool/%s", stream);
	CHECK_INT(spool_reader_open(path, 0, disk_sim_table(sim), &r), 0);
	*all = 0;
	while ((err = spool_next(r, &b, &d)) == 0) {
		CHECK_INT(b.first, *all + 1);
		*all += b.n;
		rows.v = reallocarray(rows.v, *all, sizeof *rows.v);
		CHECK(rows.v != NULL);
		for (uint32_t i = 0; i < b.n; i++)
			if (b.samples[i].status != (uint32_t)STATUS_BadNoData)
				rows.v[rows.n++] = b.samples[i];
	}
	CHECK_INT(err, ERR_AGAIN);
	spool_reader_close(r);
	return rows;
}

static void
check_account(struct disk_sim *sim, const char *stream, uint64_t admitted)
{
	struct ledger_account a;
	struct buf where = { 0 };
	char path[300];

	snprintf(path, sizeof path, "/spool/%s", stream);
	CHECK_INT(ledger_read(path, disk_sim_table(sim), &a, &where), 0);
	buf_fini(&where);
	const struct ledger_sink *s = ledger_find(&a, "broker");
	CHECK(s != NULL);
	CHECK_INT(a.admitted, admitted);
	CHECK_INT(s->owed, admitted);
	CHECK_INT(s->delivered + s->pending, admitted);
	CHECK_INT(s->delivered, strcmp(stream, "every@00000001") == 0 ? 80 : 0);
}

static void
check_all(struct disk_sim *sim, const struct rig_rows *want)
{
	for (size_t k = 0; k < STREAMS; k++) {
		uint64_t all;
		struct rig_rows got = rows_of(sim, streams[k], &all);
		rig_same(streams[k], got, want[k]);
		check_account(sim, streams[k], all);
		free(got.v);
	}
}

static uint64_t
undisturbed(struct rig_rows *want)
{
	struct run r = { .sim = disk_sim_new() };

	disk_sim_fault(r.sim, SIM_NONE, 0, 0);
	live(&r);
	uint64_t calls = disk_sim_calls(r.sim);
	for (size_t k = 0; k < STREAMS; k++) {
		uint64_t all;
		want[k] = rows_of(r.sim, streams[k], &all);
		CHECK(want[k].n > 0);
	}
	disk_sim_free(r.sim);
	return calls;
}

static void
every_call_fails_with(enum sim_fault fault, uint64_t times, uint64_t stride)
{
	struct rig_rows want[STREAMS];
	uint64_t calls = undisturbed(want);

	for (uint64_t call = 1; call <= calls; call += stride) {
		struct run r = { .sim = disk_sim_new() };
		disk_sim_fault(r.sim, fault, call, times);
		live(&r);
		disk_sim_fault(r.sim, SIM_NONE, 0, 0);
		check_all(r.sim, want);
		disk_sim_free(r.sim);
	}
	for (size_t k = 0; k < STREAMS; k++)
		free(want[k].v);
}

/* What a sink has, as far as it told us; the far end keeps it by number. */
static uint64_t
scan_and_deliver(struct run *r, struct rig_ring *ring, int scans, bool deliver)
{
	uint64_t n = 0;

	for (int i = 0; i < scans; i++) {
		rig_write(ring, 0, RIG_T0 + (r->t + i) * NS_PER_S, (double)(r->t + i));
		pass_time(r, 1);
		n = gate_totals(r->gate).admitted;
		if (deliver)
			delivered(r, "f@00000001", n);
	}
	return n;
}

/* One stream of one durability; power is cut at any point of what is not durable; then a new machine life with a new ring. */
static void
power_cut(enum durability durability, uint64_t pick)
{
	struct run r = { .sim = disk_sim_new() }, after = { 0 };
	struct gate_opts o = { .spool_dir = "/spool", .disk = disk_sim_table(r.sim) };
	struct rig_ring ring;
	struct plan *p = rig_plan();

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY)->durability = durability;
	p->flows[0].sync_ns = 3 * NS_PER_S;
	CHECK_INT(gate_new(&o, &r.gate), 0);
	gate_plan(r.gate, p, (struct mono){ 0 }, (struct wall){ RIG_T0 });
	rig_ring_new(&ring, 1 << 18);
	gate_ring(r.gate, "field:a", rig_reader(&ring));
	uint64_t had = scan_and_deliver(&r, &ring, 10 + (int)(pick % 7), true);
	after.sim = disk_sim_cut(r.sim, pick * 7919 % disk_sim_states(r.sim, 20), 20);
	gate_free(r.gate);
	rig_ring_free(&ring);
	disk_sim_free(r.sim);

	/* Reopened: the account must stand, and of the new samples none may count as delivered already. */
	o.disk = disk_sim_table(after.sim);
	CHECK_INT(gate_new(&o, &after.gate), 0);
	p = rig_plan();
	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY)->durability = durability;
	gate_plan(after.gate, p, (struct mono){ 0 }, (struct wall){ RIG_T0 + 100 * NS_PER_S });
	rig_ring_new(&ring, 1 << 18);
	gate_ring(after.gate, "field:a", rig_reader(&ring));
	uint64_t fresh = scan_and_deliver(&after, &ring, 5, false);
	CHECK_INT(gate_drain(after.gate, (struct mono){ 10 * NS_PER_S }, (struct wall){ RIG_T0 + 110 * NS_PER_S }), 0);
	gate_free(after.gate);
	struct ledger_account a;
	struct buf where = { 0 };
	CHECK_INT(ledger_read("/spool/f@00000001", disk_sim_table(after.sim), &a, &where), 0);
	buf_fini(&where);
	const struct ledger_sink *s = ledger_find(&a, "broker");
	CHECK(s != NULL && s->active);
	CHECK(s->next + fresh <= a.admitted + 1);
	CHECK(s->delivered <= a.admitted && s->pending <= a.admitted && s->pending >= fresh);
	CHECK_INT(s->delivered + s->pending, a.admitted);
	if (durability == DURABLE_EACH)
		CHECK_INT(a.admitted, had + fresh);
	disk_sim_free(after.sim);
	rig_ring_free(&ring);
}

TEST(after_a_power_cut_no_new_sample_counts_as_delivered)
{
	for (uint64_t pick = 0; pick < 60; pick++) {
		power_cut(DURABLE_EACH, pick);
		power_cut(DURABLE_INTERVAL, pick);
		power_cut(DURABLE_NONE, pick);
	}
}

TEST(an_io_error_at_any_call_loses_nothing) { every_call_fails_with(SIM_IO, 1, 1); }
TEST(a_disk_that_is_gone_for_a_while_loses_nothing) { every_call_fails_with(SIM_IO, 12, 3); }
TEST(a_full_disk_at_any_call_loses_nothing) { every_call_fails_with(SIM_NOSPACE, 1, 1); }
TEST(a_disk_that_is_full_for_a_while_loses_nothing) { every_call_fails_with(SIM_NOSPACE, 12, 3); }
TEST(a_short_transfer_at_any_call_loses_nothing) { every_call_fails_with(SIM_SHORT, 1, 1); }

int
main(int argc, char **argv)
{
	log_open("fault_test", LOG_LEVEL_ERROR);
	return test_main(argc, argv);
}
