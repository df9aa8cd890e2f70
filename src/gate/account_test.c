/* What gate enters in the account: reports of sinks, quotas, quarantine, an absence, a ledger that was lost. */
#include "gate/rig.h"

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
	gate_plan(g, p, RIG_SOON, RIG_WALL0);
	gate_ring(g, "field:a", rig_reader(&ring));
	for (int i = 0; i < 10; i++)
		rig_write(&ring, 0, RIG_T0 + i, i);
	rig_turns(g, 1);
	told = 0;
	CHECK_INT(rig_report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 4), 0);
	CHECK_INT(rig_report(g, MSG_QUARANTINED, "f@00000001", "broker", 9, 12), 0);
	CHECK_INT(rig_report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 20), 0);
	rig_turns(g, 2);
	CHECK_INT(told, 20);
	CHECK_INT(rig_report(g, MSG_RELEASED, "f@00000001", "broker", 9, 10), 0);
	CHECK_INT(rig_report(g, MSG_DISCARDED, "f@00000001", "broker", 11, 11), 0);
	/* Refused: never admitted, no such stream, no such sink, not in quarantine, backwards, and no report at all. */
	CHECK_INT(rig_report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 41), ERR_RANGE);
	CHECK_INT(rig_report(g, MSG_DELIVERED, "g@00000001", "broker", 0, 4), ERR_NOTFOUND);
	CHECK_INT(rig_report(g, MSG_DELIVERED, "f@00000001", "history", 0, 4), ERR_NOTFOUND);
	CHECK_INT(rig_report(g, MSG_RELEASED, "f@00000001", "broker", 30, 31), ERR_RANGE);
	CHECK_INT(rig_report(g, MSG_DISCARDED, "f@00000001", "broker", 12, 11), ERR_RANGE);
	CHECK_INT(gate_report(g, MSG_DELIVERED, "\x05", 1, RIG_SOON, RIG_WALL0), ERR_SHORT);
	CHECK_INT(rig_report(g, MSG_PLAN, "f@00000001", "broker", 0, 4), ERR_DENIED);
	CHECK_INT(gate_drain(g, RIG_SOON, RIG_WALL0), 0);
	CHECK_INT(gate_totals(g).refused_reports, 7);
	struct ledger_account a = rig_account(dir, "f@00000001");
	const struct ledger_sink *s = ledger_find(&a, "broker");
	CHECK_INT(s->delivered, 18);
	CHECK_INT(s->quarantined, 1);
	CHECK_INT(s->dropped, 1);
	CHECK_INT(s->pending, 20);
	rig_end(g, &ring);
}

/* Quota takes what is not delivered; what office said just before is entered first. */
TEST(what_was_delivered_is_not_dropped_by_quota)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan();

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY)->quota_bytes = 1 << 19;
	struct gate *g = rig_begin(dir, &disk_os, p, &ring);
	for (int i = 0; i < 5000; i++) {
		rig_write(&ring, 0, RIG_T0 + 2 + i, i);
		rig_turns(g, -4);	/* the first trim is at 0 */
	}
	CHECK_INT(rig_report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 19000), 0);
	rig_turns(g, 1);
	CHECK_INT(gate_drain(g, RIG_SOON, RIG_WALL0), 0);
	struct ledger_account a = rig_account(dir, "f@00000001");
	CHECK_INT(ledger_find(&a, "broker")->delivered, 19000);
	CHECK_INT(ledger_find(&a, "broker")->dropped, 0);
	rig_end(g, &ring);
}

TEST(what_a_sink_left_in_quarantine_can_still_be_dropped)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan();

	rig_flow(p, "f", 1, 1, 3, REDUCE_EVERY);
	rig_flow(q, "f", 1, 1, 2, REDUCE_EVERY);
	struct gate *g = rig_begin(dir, &disk_os, p, &ring);
	rig_write(&ring, 0, RIG_T0, 1);
	rig_turns(g, 1);
	CHECK_INT(rig_report(g, MSG_QUARANTINED, "f@00000001", "broker", 1, 4), 0);
	gate_plan(g, q, RIG_SOON, RIG_WALL0);
	CHECK_INT(rig_report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 4), ERR_NOTFOUND);
	CHECK_INT(rig_report(g, MSG_DISCARDED, "f@00000001", "broker", 1, 4), 0);
	struct ledger_account a = rig_account(dir, "f@00000001");
	CHECK_INT(ledger_find(&a, "broker")->quarantined, 0);
	CHECK_INT(ledger_find(&a, "broker")->dropped, 4);
	CHECK_INT(ledger_balance(ledger_find(&a, "broker")), 0);
	rig_end(g, &ring);
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
		gate_plan(g, p, RIG_SOON, RIG_WALL0);
		gate_ring(g, "field:a", rig_reader(&ring));
		for (int i = 0; i < (life == 0 ? before : 0); i++) {
			rig_write(&ring, (uint32_t)i % 2, RIG_T0 + i, 7);
			rig_turns(g, 1);
		}
		for (int i = 0; i < (life == 0 ? meanwhile : 0); i++)
			rig_write(&ring, (uint32_t)i % 2, RIG_T0 + before + i, 7);
		if (life == 1)
			while (gate_drain(g, RIG_SOON, RIG_WALL0) == ERR_AGAIN)
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

/* What had not been delivered when the ledger was lost is still owed: more rather than less. */
static void
lose_the_ledger(const char *bytes)
{
	const char *dir = test_dir();
	struct rig_ring ring;
	struct plan *p = rig_plan(), *q = rig_plan();
	char path[4096];

	rig_flow(p, "f", 1, 1, 1, REDUCE_EVERY);
	rig_flow(q, "f", 1, 1, 1, REDUCE_EVERY);
	struct gate *g = rig_begin(dir, &disk_os, p, &ring);
	rig_write(&ring, 0, RIG_T0, 1);
	rig_turns(g, 1);
	CHECK_INT(rig_report(g, MSG_DELIVERED, "f@00000001", "broker", 0, 1), 0);
	gate_free(g);
	snprintf(path, sizeof path, "%s/f@00000001/ledger", dir);
	CHECK_INT(unlink(path), 0);
	FILE *f = bytes != NULL ? fopen(path, "w") : NULL;
	if (f != NULL) {
		fputs(bytes, f);
		fclose(f);
	}
	g = rig_gate(dir, &disk_os);
	CHECK_INT(gate_plan(g, q, RIG_SOON, RIG_WALL0), 0);
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

TEST_MAIN
