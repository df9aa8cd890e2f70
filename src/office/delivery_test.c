/* The delivery engine on a real spool, with a sink that does everything a sink may do, in random order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "office/delivery.h"
#include "os/clock.h"

#define NUMBERS 20000u
#define WINDOW 12u

static struct spool_tag tags[] = { { .name = "Line/a", .unit = "", .help = "", .type = VALUE_U32 } };

struct offered {
	struct sink_stream *s;
	uint64_t first, last;
};

/* The far end and the observer. */
static struct world {
	struct delivery	 d;
	struct offered	 out[WINDOW];
	size_t		 n, window;
	uint64_t	 last_offer;		/* of the backlog in this connection */
	bool		 connected, again, in_order, retry_seen;
	unsigned	 times[NUMBERS + 1];	/* how often each number was done */
	bool		 aside[NUMBERS + 1], damaged[NUMBERS + 1];
	uint64_t	 settled, refuse_every, ledger_next, admitted;
	struct { struct pair *p; uint64_t first, last; } refused[64];
	size_t		 nrefused;
	unsigned	 rnd, offers, lives, lost;
	const char	*retried;
} w;

static unsigned
rnd(unsigned n)
{
	w.rnd = w.rnd * 1103515245u + 12345u;
	return (w.rnd >> 16) % n;
}

static int
fake_offer(void *inst, struct sink_stream *s, const struct spool_batch *b, bool live)
{
	(void)inst;
	if (!w.connected)
		return ERR_CONN;
	if (w.n == w.window)
		return ERR_FULL;
	/* Samples are those of the numbers: value = number. */
	for (uint32_t i = 0; i < b->n; i++)
		if (b->samples[i].v.u != b->first + i)
			test_fail(__FILE__, __LINE__, "number %llu holds %llu", (unsigned long long)(b->first + i), (unsigned long long)b->samples[i].v.u);
	if (!live && !w.d.retry.on) {
		w.in_order = w.in_order && b->first > w.last_offer;
		w.last_offer = b->first;
	}
	w.lives += live;
	w.offers++;
	w.out[w.n++] = (struct offered){ s, b->first, b->first + b->n - 1 };
	return 0;
}

static const struct sink_type fake = { .offer = fake_offer };

static void
op_settled(void *arg, struct pair *p, uint64_t last)
{
	(void)arg;
	(void)p;
	CHECK(last > w.settled);
	for (uint64_t i = w.settled + 1; i <= last; i++)
		CHECK(w.times[i] > 0 || w.aside[i] || w.damaged[i] || i < w.ledger_next);
	w.settled = last;
}

static void
op_damaged(void *arg, struct pair *p, uint64_t first, uint64_t last, const char *cause)
{
	(void)arg;
	(void)p;
	CHECK(cause != NULL && cause[0] != '\0');
	for (uint64_t i = first; i <= last && i <= NUMBERS; i++)
		w.damaged[i] = true;
}

static void
op_refused(void *arg, struct pair *p, const struct spool_batch *b, const char *reason)
{
	(void)arg;
	CHECK_STR(reason, "no");
	CHECK(w.nrefused < 64);
	CHECK_INT(b->samples[0].v.u, b->first);
	w.refused[w.nrefused].p = p;
	w.refused[w.nrefused].first = b->first;
	w.refused[w.nrefused++].last = b->first + b->n - 1;
}

static int
op_ledger(void *arg, struct pair *p, uint64_t *next, uint64_t *admitted)
{
	(void)arg;
	(void)p;
	*next = w.ledger_next;
	*admitted = w.admitted;
	return 0;
}

static void
op_again(void *arg, unsigned after_ms)
{
	(void)arg;
	(void)after_ms;
	w.again = true;
}

static void
op_retried(void *arg, struct pair *p, int64_t id, const char *reason)
{
	(void)arg;
	(void)p;
	CHECK_INT(id, 7);
	w.retry_seen = true;
	w.retried = reason;
}

static const struct delivery_ops ops = { op_settled, op_damaged, op_refused, op_ledger, op_again, op_retried };

static struct spool_root *root;
static struct spool	*spool;
static char		 dir[200], root_path[128];
static uint64_t		 figures[STATS_FIGURES_MAX];

static void
world_begin(unsigned seed, uint32_t version)
{
	struct spool_schema schema = { .flow = "f", .version = version, .tags = tags, .n = 1 };
	struct spool_opts opts = { .durability = SPOOL_NONE, .segment_bytes = 16384 };
	long holder;

	memset(&w, 0, sizeof w);
	w.rnd = seed;
	w.in_order = true;
	w.window = WINDOW;
	w.ledger_next = 1;
	w.d = (struct delivery){ .type = &fake, .disk = &disk_os, .ops = &ops, .stats = figures, .ready = true };
	w.d.tail = &w.d.pairs;
	snprintf(root_path, sizeof root_path, "%s/spool", test_dir());
	CHECK_INT(spool_root_open(root_path, &disk_os, &root, &holder), 0);
	CHECK_INT(spool_open(root, &schema, &opts, &spool), 0);
	snprintf(dir, sizeof dir, "%s/f@%08x", root_path, version);
}

static void
world_end(struct pair *p)
{
	delivery_remove(&w.d, p);
	spool_close(spool);
	spool_root_close(root);
}

static void
append(struct spool *s, uint64_t first, uint32_t n)
{
	static struct sample v[1024];
	uint64_t got;

	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct sample){ .arrival = { (int64_t)(first + i) * NS_PER_MS }, .v = { .type = VALUE_U32, .u = first + i } };
	CHECK_INT(spool_append(s, v, n, &(struct spool_mark){ 0 }, (struct wall){ (int64_t)first }, &got), 0);
	CHECK_INT(got, first);
	w.admitted = first + n - 1;
}

/* The far end answers one that is out: done, or refused where the numbers say so; not always the oldest. */
static void
answer(void)
{
	size_t i = rnd(4) == 0 ? rnd((unsigned)w.n) : 0;
	struct offered o = w.out[i];

	memmove(w.out + i, w.out + i + 1, (w.n - i - 1) * sizeof o);
	w.n--;
	if (w.refuse_every != 0 && o.first / 64 % w.refuse_every == 3 && o.first > w.settled) {
		delivery_refused(&w.d, o.s, o.first, o.last, "no");
		return;
	}
	for (uint64_t k = o.first; k <= o.last; k++)
		w.times[k]++;
	delivery_done(&w.d, o.s, o.first, o.last, wall_now());
}

static void
put_one_aside(void)
{
	if (w.nrefused == 0)
		return;
	w.nrefused--;
	for (uint64_t k = w.refused[w.nrefused].first; k <= w.refused[w.nrefused].last; k++)
		w.aside[k] = true;
	delivery_quarantined(&w.d, w.refused[w.nrefused].p, w.refused[w.nrefused].first, w.refused[w.nrefused].last);
}

static void
one_move(void)
{
	unsigned what = rnd(100);

	if (what < 2 && w.connected) {
		w.connected = false;
		w.n = 0;
		w.last_offer = 0;
		w.lost++;
		delivery_lost(&w.d);
	} else if (what < 6 && !w.connected) {
		w.connected = true;
		delivery_ready(&w.d);
	} else if (what < 70 && w.n > 0) {
		answer();
		if (w.n == w.window - 1)
			delivery_ready(&w.d);
	} else if (what < 80)
		put_one_aside();
	if (w.again) {
		w.again = false;
		w.d.ready = w.connected;
		delivery_pump(&w.d);
	}
}

static void
begin_pair(struct pair *p, const char *path, uint64_t next)
{
	memset(p, 0, sizeof *p);
	p->dir = path;
	delivery_add(&w.d, p, next);
}

/* One run: what is appended meanwhile, what the far end does, and the second hand, in random order. */
static void
trial(unsigned seed, bool live_first, uint64_t refuse_every)
{
	static struct pair p;
	uint64_t next = 1;
	int64_t now = 1;

	world_begin(seed, 1);
	w.refuse_every = refuse_every;
	begin_pair(&p, dir, 1);
	p.live_first = live_first;
	for (unsigned moves = 0; w.settled < NUMBERS; moves++) {
		CHECK(moves < 2000000);
		uint32_t n = 1 + rnd(60);
		if (next <= NUMBERS && rnd(8) == 0) {
			n = next + n > NUMBERS ? (uint32_t)(NUMBERS - next + 1) : n;
			append(spool, next, n);
			next += n;
			delivery_wake(&w.d);
			delivery_pump(&w.d);
		}
		one_move();
		if (rnd(50) == 0)
			delivery_tick(&w.d, (struct mono){ now += NS_PER_S }, wall_now());
	}
	CHECK(w.in_order);
	for (uint64_t i = 1; i <= NUMBERS; i++)
		CHECK(w.times[i] > 0 || w.aside[i]);
	CHECK(pair_drained(&p) || p.n > 0 || !p.main.at_end);
	if (live_first)
		CHECK(w.lives > 0);
	world_end(&p);
}

TEST(every_sample_is_done_at_least_once_and_in_order)
{
	for (unsigned seed = 1; seed <= 12; seed++)
		trial(seed, false, 0);
}

TEST(live_batches_overtake_the_backlog_and_the_cursor_stays_honest)
{
	for (unsigned seed = 100; seed <= 112; seed++)
		trial(seed, true, 0);
}

TEST(refused_batches_go_aside_and_stop_nobody)
{
	for (unsigned seed = 200; seed <= 206; seed++)
		trial(seed, seed % 2 == 0, 17);
}

TEST(a_restart_goes_on_where_the_ledger_stands)
{
	static struct pair p;

	world_begin(1, 1);
	for (uint64_t i = 0; i < 10; i++)
		append(spool, 1 + i * 10, 10);
	w.connected = true;
	w.settled = 55;		/* in the middle of a batch */
	begin_pair(&p, dir, 56);
	delivery_ready(&w.d);
	CHECK_INT(w.n, 5);
	CHECK_INT(w.out[0].first, 51);
	while (w.n > 0)
		answer();
	CHECK_INT(w.settled, 100);
	CHECK(pair_drained(&p));
	world_end(&p);
}

TEST(what_was_dropped_by_policy_is_passed_over_and_what_is_damaged_is_told)
{
	static struct pair p;

	world_begin(1, 1);
	for (uint64_t i = 0; i < 200; i++)
		append(spool, 1 + i * 100, 100);
	w.connected = true;
	spool_close(spool);
	/* The first segment is gone. Half of it the ledger knows as dropped. */
	char path[300];
	snprintf(path, sizeof path, "%s/%020d.seg", dir, 1);
	CHECK_INT(disk_os.unlink(disk_os.ctx, path), 0);
	w.ledger_next = 301;
	begin_pair(&p, dir, 1);
	delivery_ready(&w.d);
	for (unsigned i = 0; i < 100000 && w.settled < 20000; i++) {
		if (w.n > 0)
			answer();
		delivery_ready(&w.d);
	}
	CHECK_INT(w.settled, 20000);
	CHECK(!w.damaged[300]);
	CHECK(w.damaged[301]);
	CHECK(w.times[300] == 0 && w.times[20000] > 0);
	delivery_remove(&w.d, &p);
	spool_root_close(root);
}

TEST(an_old_schema_version_is_drained_before_the_new_one)
{
	static struct pair old, new;
	struct spool_schema schema = { .flow = "f", .version = 2, .tags = tags, .n = 1 };
	struct spool_opts opts = { .durability = SPOOL_NONE };
	struct spool *second;
	char dir2[200];

	world_begin(1, 1);
	CHECK_INT(spool_open(root, &schema, &opts, &second), 0);
	snprintf(dir2, sizeof dir2, "%s/f@%08x", root_path, 2);
	for (uint64_t i = 0; i < 20; i++) {
		append(spool, 1 + i * 10, 10);
		append(second, 1 + i * 10, 10);
	}
	w.connected = true;
	begin_pair(&new, dir2, 1);
	begin_pair(&old, dir, 1);
	new.older = &old;
	delivery_ready(&w.d);
	for (size_t i = 0; i < w.n; i++)
		CHECK(w.out[i].s == &old.stream);
	uint64_t last_old = 0;
	while (last_old < 200) {
		CHECK(w.n > 0);
		struct offered o = w.out[0];
		CHECK(o.s == &old.stream);
		memmove(w.out, w.out + 1, --w.n * sizeof o);
		for (uint64_t k = o.first; k <= o.last; k++)
			w.times[k]++;
		delivery_done(&w.d, o.s, o.first, o.last, wall_now());
		last_old = o.last;
		delivery_ready(&w.d);
	}
	CHECK(w.n > 0);
	CHECK(w.out[0].s == &new.stream);
	CHECK_INT(w.out[0].first, 1);
	delivery_remove(&w.d, &new);
	spool_close(second);
	world_end(&old);
}

TEST(a_batch_from_quarantine_is_offered_until_it_is_answered)
{
	static struct pair p;
	struct sample v = { .v = { .type = VALUE_U32, .u = 5 } };
	struct spool_batch b = { .first = 5, .n = 1, .samples = &v };

	world_begin(1, 1);
	append(spool, 1, 10);
	w.settled = 10;
	begin_pair(&p, dir, 11);
	CHECK_INT(delivery_retry(&w.d, &p, 7, &b), 0);
	CHECK_INT(delivery_retry(&w.d, &p, 8, &b), ERR_BUSY);
	CHECK_INT(w.n, 0);
	w.connected = true;
	delivery_ready(&w.d);
	CHECK_INT(w.n, 1);
	w.n = 0;
	delivery_lost(&w.d);
	delivery_ready(&w.d);
	CHECK_INT(w.n, 1);
	CHECK(!w.retry_seen);
	delivery_refused(&w.d, w.out[0].s, 5, 5, "again no");
	CHECK(w.retry_seen);
	CHECK_STR(w.retried, "again no");
	world_end(&p);
}

TEST(a_long_backlog_is_read_no_further_than_the_window)
{
	static struct pair p;

	world_begin(3, 1);
	for (uint64_t i = 0; i < 4000; i++)
		append(spool, 1 + i, 1);
	w.connected = true;
	begin_pair(&p, dir, 1);
	for (unsigned i = 0; i < 1000; i++)
		delivery_ready(&w.d);
	CHECK_INT(w.n, WINDOW);
	CHECK_INT(p.n, WINDOW);
	CHECK_INT(p.main.next, WINDOW + 1);
	world_end(&p);
}

TEST_MAIN
