/*
 * The spool and the ledger on a disk that fails. One small life of a gate (open, append, sync, deliver, trim, close) is
 * run again and again: with the power cut at each of its calls and the disk left in each state that such a cut may
 * leave, and with each of its calls failing in each way. A sample is a function of its number, so whatever is read back
 * can be checked.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "os/disk_sim.h"
#include "spool/account.h"
#include "spool/ledger.h"

#define T0	1700000000000000000LL
#define ROOT	"/spool"
#define DIR	ROOT "/f@00000001"
#define TRIES	4

static struct spool_tag tags[] = {
	{ .name = "a", .type = VALUE_F32 }, { .name = "b", .type = VALUE_U16 }, { .name = "c", .type = VALUE_TEXT },
};
static const struct spool_schema schema = { .flow = "f", .version = 1, .tags = tags, .n = 3 };

struct life {
	struct disk_sim		*sim;
	const struct disk	*disk;
	struct spool_opts	 opts;
	struct spool_root	*r;
	struct spool		*s;
	struct ledger		*l;
	struct spool_reader	*reader;
	uint64_t		 ledger_bytes;	/* when its file is replaced */
	uint64_t		 put;		/* highest number that an append was tried with */
	uint64_t		 admitted;	/* highest that one succeeded with */
	uint64_t		 durable;	/* highest that was reported durable */
	uint64_t		 seen;		/* highest read back */
	uint64_t		 acked;		/* highest in a DELIVERED that was synced */
	uint64_t		 trimmed;	/* highest that a trim was allowed to delete */
};

static struct sample
make(uint64_t k)
{
	static char texts[64][40];
	struct sample s = {
		.tag = (uint32_t)(k % 3), .arrival = { T0 + (int64_t)(k / 3) * 1000 }, .v = { .type = tags[k % 3].type }
	};

	if (s.tag == 0)
		s.v.f32 = (float)k;
	else if (s.tag == 1)
		s.v.u = k * 31 & 0xffff;
	else {
		s.v.len = (uint32_t)snprintf(texts[k % 64], sizeof texts[0], "%llx %llu",
		    (unsigned long long)(k * 0x9e3779b97f4a7c15u), (unsigned long long)k);
		s.v.p = texts[k % 64];
	}
	return s;
}

static void
check_batch(const struct spool_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct sample want = make(b->first + i);
		CHECK_INT(b->samples[i].tag, want.tag);
		CHECK_INT(b->samples[i].arrival.ns, want.arrival.ns);
		CHECK(value_equal(&b->samples[i].v, &want.v));
	}
}

static void
note_durable(struct life *g)
{
	struct spool_state st;
	spool_state(g->s, &st);
	if (st.durable - 1 > g->durable)
		g->durable = st.durable - 1;
	CHECK(g->admitted <= st.next - 1);
	CHECK(st.durable <= st.next);
}

static int
append(struct life *g, size_t n)
{
	struct sample v[64];
	struct spool_state before, after;
	struct spool_mark mark = { 5, 1, 1 };
	uint64_t first;

	spool_state(g->s, &before);
	for (size_t i = 0; i < n; i++)
		v[i] = make(before.next + i);
	if (before.next + n - 1 > g->put)
		g->put = before.next + n - 1;
	int err = spool_append(g->s, v, n, &mark, (struct wall){ T0 + (int64_t)before.next }, &first);
	spool_state(g->s, &after);
	if (err == 0) {
		CHECK_INT(first, before.next);
		CHECK_INT(after.next, first + n);
		g->admitted = first + n - 1;
	} else {
		CHECK(err == ERR_IO || err == ERR_NOSPACE);
		CHECK_INT(after.next, before.next);
	}
	note_durable(g);
	if (err == 0 && g->opts.durability == SPOOL_EACH)
		CHECK_INT(g->durable, g->admitted);
	return err;
}

static int
refuse_drop(void *arg, uint64_t first, uint64_t last, const char *policy)
{
	(void)arg;
	(void)policy;
	CHECK(first > last);	/* nothing unsettled is ever to go here */
	return 0;
}

/* What a live reader sees: every number once, in order. */
static int
follow(struct life *g)
{
	struct spool_batch b;
	struct spool_damage d;
	int err;

	while ((err = spool_next(g->reader, &b, &d)) == 0) {
		CHECK_INT(b.first, g->seen + 1);
		CHECK(b.first + b.n - 1 <= g->put);
		check_batch(&b);
		g->seen = b.first + b.n - 1;
	}
	CHECK(err == ERR_AGAIN || err == ERR_IO);
	return err == ERR_AGAIN ? 0 : err;
}

static int
deliver(struct life *g)
{
	uint64_t upto = g->seen < g->durable ? g->seen : g->durable;

	int err = ledger_put(g->l,
	    &(struct ledger_entry){ .kind = LEDGER_DELIVERED, .when = { T0 }, .sink = "x", .first = 1, .last = upto });
	if (err == 0)
		err = ledger_sync(g->l);
	if (err == 0)
		g->acked = upto;
	return err;
}

static int
trim(struct life *g)
{
	/* A reader stands at its number, so what lies below may go. */
	uint64_t settled = ledger_settled(g->l);

	if (settled != UINT64_MAX && settled - 1 > g->trimmed)
		g->trimmed = settled - 1;
	return spool_trim(g->s, settled, (struct wall){ T0 }, refuse_drop, NULL);
}

static int
join(struct life *g)
{
	struct ledger_account a;

	int err = ledger_account(g->l, &a);
	if (err != 0 || ledger_find(&a, "x") != NULL)
		return err;
	err = ledger_put(g->l, &(struct ledger_entry){ .kind = LEDGER_SINK, .when = { T0 }, .sink = "x", .first = 1 });
	return err == 0 ? ledger_sync(g->l) : err;
}

static int
seal(void *arg, const struct spool_seal *s)
{
	struct life *g = arg;
	return ledger_seal(g->l, s);
}

static int
open_all(struct life *g)
{
	long holder;
	int err = 0;

	if (g->r == NULL)
		err = spool_root_open(ROOT, g->disk, &g->r, &holder);
	if (err == 0 && g->s == NULL)
		err = spool_open(g->r, &schema, &g->opts, &g->s);
	if (err == 0 && g->l == NULL)
		err = ledger_open(DIR, g->disk, &g->l);
	if (err == 0)
		ledger_limit(g->l, g->ledger_bytes);
	if (err == 0)
		err = join(g);
	if (err == 0 && g->reader == NULL)
		err = spool_reader_open(DIR, 0, g->disk, &g->reader);
	return err;
}

static void
close_all(struct life *g)
{
	spool_reader_close(g->reader);
	ledger_close(g->l);
	spool_close(g->s);
	spool_root_close(g->r);
	g->reader = NULL;
	g->l = NULL;
	g->s = NULL;
	g->r = NULL;
}

static int
sync_all(struct life *g)
{
	struct mono next;
	int err = spool_sync(g->s, (struct mono){ 1 }, true, &next);
	note_durable(g);
	if (err == 0)
		CHECK_INT(g->durable, g->admitted);
	return err;
}

#define TRY(call) do {								\
	int err_ = -1;								\
	for (int i_ = 0; i_ < TRIES && err_ != 0; i_++)				\
		err_ = (call);							\
	if (err_ != 0)								\
		return err_;							\
} while (0)

/* A segment that was replaced after a failed sync is noticed at every so many looks only. */
static int
follow_to_end(struct life *g)
{
	int err = 0;
	for (int i = 0; err == 0 && i < 20 && g->seen < g->admitted; i++)
		err = follow(g);
	return err;
}

/* The life. Each step is tried again when it fails, as a gate would. */
static int
live(struct life *g)
{
	static const uint8_t sizes[] = { 7, 40, 1, 55, 30, 22, 60, 9, 33, 50, 48, 3 };

	TRY(open_all(g));
	for (size_t i = 0; i < sizeof sizes; i++) {
		TRY(append(g, sizes[i]));
		if (i % 2 == 1)
			TRY(follow(g));
		if (i % 4 == 3) {
			TRY(sync_all(g));
			TRY(deliver(g));
		}
		if (i == 9)
			TRY(trim(g));
	}
	TRY(sync_all(g));
	TRY(follow_to_end(g));
	return 0;
}

static struct life
begin(enum spool_durability durability)
{
	struct life g = { .sim = disk_sim_new(), .opts = { .durability = durability, .segment_bytes = 2048 },
		.ledger_bytes = 200 };
	g.disk = disk_sim_table(g.sim);
	return g;
}

static void
end(struct life *g)
{
	close_all(g);
	disk_sim_free(g->sim);
}

/* Read all that is there. Holes may only be where nothing was durable. Returns the number behind the last. */
static uint64_t
read_back(const struct life *g, const struct disk *disk, uint64_t first)
{
	struct spool_reader *r;
	struct spool_batch b;
	struct spool_damage d;
	int err;

	CHECK_INT(spool_reader_open(DIR, first, disk, &r), 0);
	while ((err = spool_next(r, &b, &d)) == 0 || err == ERR_GAP) {
		CHECK_INT(err == 0 ? b.first : d.first, first);
		if (err == 0)
			check_batch(&b);
		else
			CHECK(d.first > g->durable || d.last <= g->trimmed);
		first = err == 0 ? b.first + b.n : d.last + 1;
	}
	CHECK_INT(err, ERR_AGAIN);
	spool_reader_close(r);
	return first;
}

/*
 * A machine that comes up again with this disk: all that was durable is there once, nothing is there that never was,
 * and life goes on.
 */
static void
come_up(const struct life *before, struct disk_sim *sim)
{
	struct life g = { .sim = sim, .disk = disk_sim_table(sim), .opts = before->opts };
	struct spool_state st;
	struct ledger_account a;
	long holder;

	disk_sim_fault(sim, SIM_NONE, 0, 0);
	CHECK_INT(spool_root_open(ROOT, g.disk, &g.r, &holder), 0);
	CHECK_INT(spool_open(g.r, &schema, &g.opts, &g.s), 0);
	CHECK(disk_sim_calls(sim) < 80);
	spool_state(g.s, &st);
	CHECK(st.next > before->durable);
	CHECK(st.next <= before->put + 1);
	CHECK(st.first <= before->trimmed + 1);
	CHECK_INT(read_back(before, g.disk, st.first), st.next);
	/* Entries that were not synced may leave a hole; what was synced is proved all the same. */
	int err = ledger_open(DIR, g.disk, &g.l);
	if (err == ERR_CORRUPT)
		err = ledger_open(DIR, g.disk, &g.l);
	CHECK_INT(err, 0);
	CHECK_INT(join(&g), 0);
	CHECK_INT(ledger_account(g.l, &a), 0);
	CHECK(a.sinks[0].next > before->acked);
	CHECK_INT(a.admitted, st.next - 1);
	CHECK_INT(ledger_balance(&a.sinks[0]), 0);
	g.put = g.admitted = g.durable = st.next - 1;
	CHECK_INT(append(&g, 20), 0);
	CHECK_INT(append(&g, 30), 0);
	CHECK_INT(read_back(before, g.disk, st.first), st.next + 50);
	CHECK_INT(
	    ledger_put(g.l,
		&(struct ledger_entry){ .kind = LEDGER_DELIVERED, .when = { T0 }, .sink = "x", .last = st.next + 49 }),
	    0);
	CHECK_INT(ledger_account(g.l, &a), 0);
	CHECK_INT(a.sinks[0].pending, 0);
	CHECK_INT(ledger_balance(&a.sinks[0]), 0);
	close_all(&g);
}

static void
begin_sealed(enum spool_durability durability, struct life *self)
{
	*self = begin(durability);
	self->opts.seal = seal;
	self->opts.seal_arg = self;
}

static uint64_t
calls_of_a_life(enum spool_durability durability)
{
	struct life g;
	struct ledger_account a;
	struct buf findings = { 0 };

	begin_sealed(durability, &g);
	CHECK_INT(live(&g), 0);
	uint64_t calls = disk_sim_calls(g.sim);
	CHECK_INT(g.seen, g.admitted);
	CHECK(g.trimmed > 0);
	close_all(&g);
	int err = ledger_verify(DIR, g.disk, &a, &findings);
	CHECK_STR(buf_text(&findings), "");
	CHECK_INT(err, 0);
	buf_fini(&findings);
	end(&g);
	return calls;
}

static void
cut_everywhere(enum spool_durability durability, uint64_t subsets)
{
	uint64_t calls = calls_of_a_life(durability), states = 0;

	for (uint64_t n = 1; n <= calls; n++) {
		struct life g;
		begin_sealed(durability, &g);
		disk_sim_fault(g.sim, SIM_OFF, n, 0);
		live(&g);
		uint64_t all = disk_sim_states(g.sim, subsets);
		for (uint64_t i = 0; i < all; i++, states++) {
			struct disk_sim *after = disk_sim_cut(g.sim, i, subsets);
			come_up(&g, after);
			disk_sim_free(after);
		}
		struct disk_sim *killed = disk_sim_killed(g.sim);
		come_up(&g, killed);
		disk_sim_free(killed);
		end(&g);
	}
	printf("   %llu calls, %llu states\n", (unsigned long long)calls, (unsigned long long)states);
}

TEST(a_power_cut_at_any_call_loses_nothing_durable_each)
{
	cut_everywhere(SPOOL_EACH, 4);
}

TEST(a_power_cut_at_any_call_loses_nothing_durable_interval)
{
	cut_everywhere(SPOOL_INTERVAL, 4);
}

TEST(a_power_cut_at_any_call_loses_nothing_durable_none)
{
	cut_everywhere(SPOOL_NONE, 4);
}

/* What the ledger has in memory is what its file says, also right after failures. */
static void
check_ledger(struct life *g)
{
	struct ledger_account a, on_disk;
	struct buf where = { 0 };

	disk_sim_fault(g->sim, SIM_NONE, 0, 0);
	CHECK_INT(ledger_account(g->l, &a), 0);
	CHECK_INT(ledger_read(DIR, g->disk, &on_disk, &where), 0);
	CHECK_INT(on_disk.entries, a.entries);
	CHECK_INT(on_disk.sinks[0].delivered, a.sinks[0].delivered);
	CHECK(a.sinks[0].delivered >= g->acked);
	buf_fini(&where);
}

/* One call fails, or three in a row; a gate that tries again gets everything in, and a reader misses nothing. */
static void
fail_everywhere(enum spool_durability durability, enum sim_fault fault, uint64_t times)
{
	uint64_t calls = calls_of_a_life(durability);

	for (uint64_t n = 1; n <= calls + 20; n++) {
		struct life g;
		begin_sealed(durability, &g);
		disk_sim_fault(g.sim, fault, n, times);
		CHECK_INT(live(&g), 0);
		CHECK_INT(g.admitted, 358);
		CHECK_INT(g.seen, 358);
		check_ledger(&g);
		uint64_t all = disk_sim_states(g.sim, 2);
		for (uint64_t i = 0; i < all; i += 1 + all / 3) {
			struct disk_sim *after = disk_sim_cut(g.sim, i, 2);
			come_up(&g, after);
			disk_sim_free(after);
		}
		close_all(&g);
		come_up(&g, g.sim);
		end(&g);
	}
}

TEST(any_call_may_fail_once)
{
	fail_everywhere(SPOOL_EACH, SIM_IO, 1);
	fail_everywhere(SPOOL_INTERVAL, SIM_IO, 1);
	fail_everywhere(SPOOL_NONE, SIM_IO, 1);
}

TEST(any_call_may_fail_three_times)
{
	fail_everywhere(SPOOL_EACH, SIM_IO, 3);
	fail_everywhere(SPOOL_INTERVAL, SIM_IO, 3);
}

TEST(any_call_may_find_no_space)
{
	fail_everywhere(SPOOL_EACH, SIM_NOSPACE, 1);
	fail_everywhere(SPOOL_INTERVAL, SIM_NOSPACE, 3);
}

TEST(any_transfer_may_be_short)
{
	fail_everywhere(SPOOL_EACH, SIM_SHORT, 1);
	fail_everywhere(SPOOL_INTERVAL, SIM_SHORT, 100);
}

/*
 * The disk goes bad for good at any call, the process lives on, then the disk is well again: nothing admitted is
 * missing.
 */
TEST(a_bad_disk_that_gets_well_costs_nothing_that_was_admitted)
{
	for (int durability = SPOOL_EACH; durability <= SPOOL_INTERVAL; durability++) {
		uint64_t calls = calls_of_a_life((enum spool_durability)durability);
		for (uint64_t n = 1; n <= calls; n++) {
			struct life g;
			begin_sealed((enum spool_durability)durability, &g);
			disk_sim_fault(g.sim, SIM_IO, n, 0);
			live(&g);
			uint64_t admitted = g.admitted;
			disk_sim_fault(g.sim, SIM_NONE, 0, 0);
			CHECK_INT(open_all(&g), 0);
			CHECK_INT(append(&g, 11), 0);
			CHECK_INT(g.admitted, admitted + 11);
			CHECK_INT(sync_all(&g), 0);
			CHECK_INT(follow_to_end(&g), 0);
			CHECK_INT(g.seen, g.admitted);
			struct disk_sim *after = disk_sim_cut(g.sim, 0, 1);
			come_up(&g, after);
			disk_sim_free(after);
			end(&g);
		}
	}
}

TEST(a_full_disk_keeps_what_is_admitted_and_goes_on_when_there_is_room)
{
	for (uint64_t room = 170000; room < 174000; room += 61) {
		struct life g;
		begin_sealed(SPOOL_INTERVAL, &g);
		disk_sim_limit(g.sim, room);
		CHECK_INT(open_all(&g), 0);
		int err = 0;
		while (err == 0 && g.admitted < 100000)
			err = append(&g, 50);
		CHECK_INT(err, ERR_NOSPACE);
		CHECK_INT(append(&g, 50), ERR_NOSPACE);
		CHECK_INT(follow(&g), 0);
		CHECK_INT(g.seen, g.admitted);
		/* The sinks go on, and room is made by deleting what they have: no restart, no help. */
		struct mono next;
		spool_sync(g.s, (struct mono){ 1 }, true, &next);
		note_durable(&g);
		CHECK_INT(deliver(&g), 0);
		CHECK_INT(trim(&g), 0);
		uint64_t was = g.admitted;
		CHECK_INT(append(&g, 50), 0);
		CHECK_INT(g.admitted, was + 50);
		CHECK_INT(follow(&g), 0);
		CHECK_INT(g.seen, g.admitted);
		end(&g);
	}
}

TEST_MAIN
