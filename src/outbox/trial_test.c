/*
 * Trials: a random far end, random times, crashes, disks that fill, and persons, from a seed that is printed. Whatever happened: each
 * event has exactly one effect, lanes are in order, the account adds up. PENSTOCK_TRIALS: how many (500), PENSTOCK_SEED: the first.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "outbox/outbox_testing.h"

static char folder[64];

static void
folder_remove(void)
{
	char cmd[100];
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", folder);
	if (folder[0] != '\0' && system(cmd) != 0)
		perror(folder);
}

/* In memory where that is possible: thousands of stores, each synced many times. */
static const char *
fast_dir(void)
{
	if (folder[0] != '\0')
		return folder;
	snprintf(folder, sizeof folder, "/dev/shm/penstock-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		snprintf(folder, sizeof folder, "%s", test_dir());
	else
		atexit(folder_remove);
	return folder;
}

static void
copy_file(const char *from, const char *to)
{
	static char bytes[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	ssize_t n;

	unlink(to);
	if (in < 0)
		return;
	out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(out >= 0);
	while ((n = read(in, bytes, sizeof bytes)) > 0)
		CHECK(write(out, bytes, (size_t)n) == n);
	close(in);
	close(out);
}

struct trial {
	struct far		 f;
	struct outbox_opts	 o;
	char			 path[100], aside[100];
	int			 lanes, crashes, faults;
	struct mono		 again;
	bool			 full;	/* the disk */
};

/* kill -9 between two calls: what is in the files is what the next one finds. */
static void
crash(struct trial *t)
{
	char a[120], b[120];
	struct outbox *old = t->f.b;
	static const char *const suffixes[] = { "", "-wal" };

	for (size_t i = 0; i < 2; i++) {
		snprintf(a, sizeof a, "%s%s", t->path, suffixes[i]);
		snprintf(b, sizeof b, "%s%s", t->aside, suffixes[i]);
		copy_file(a, b);
	}
	far_crash(&t->f);
	outbox_close(old);
	for (size_t i = 0; i < 2; i++) {
		snprintf(a, sizeof a, "%s%s", t->aside, suffixes[i]);
		snprintf(b, sizeof b, "%s%s", t->path, suffixes[i]);
		copy_file(a, b);
	}
	if (far_chance(&t->f, 50))	/* it takes a while until somebody starts it again */
		far_run(&t->f, t->f.now + (int64_t)far_draw(&t->f, 30) * NS_PER_S);
	if (far_chance(&t->f, 30))	/* and the clock is not what it was: a day back, an hour on */
		t->f.wall_off += far_chance(&t->f, 50) ? -86400 * NS_PER_S : 3600 * NS_PER_S;
	far_open(&t->f, t->path, &t->o);
	t->full = false;
	t->crashes++;
	t->again = far_mono(&t->f);
}

static void
set_full(struct trial *t, bool full)
{
	char text[80];
	int pages = 0;
	sqlite3_stmt *s;

	CHECK_INT(sqlite3_prepare_v2(t->f.b->db, "PRAGMA page_count", -1, &s, NULL), 0);
	if (sqlite3_step(s) == SQLITE_ROW)
		pages = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	snprintf(text, sizeof text, "PRAGMA max_page_count=%d", full ? pages : 1 << 30);
	sqlite3_exec(t->f.b->db, text, NULL, NULL, NULL);
	t->full = full;
	t->faults += full;
}

static void
turn(struct trial *t)
{
	struct outbox_turn r = outbox_turn(t->f.b, far_mono(&t->f), far_wall(&t->f));

	CHECK(r.err == 0 || t->full);
	CHECK(outbox_in_flight(t->f.b) <= t->o.connections);
	t->again = r.again;
}

/* Persons: what is refused gets its unit mended; whatever, at any time. */
static void
person(struct trial *t)
{
	struct buf out = { 0 };
	char id[24];
	static const char *const verbs[] = { "retry", "edit", "retry" };
	snprintf(id, sizeof id, "%d", 1 + (int)far_draw(&t->f, (uint64_t)t->f.n + 1));
	const char *verb = verbs[far_draw(&t->f, 3)];
	const char *args[] = { verb, id, "--reason", "seen to it", "unit=PC" };

	outbox_do(t->f.b, *verb == 'e' ? 5 : 4, args, "anna", far_chance(&t->f, 20), far_mono(&t->f), far_wall(&t->f), &out);
	buf_fini(&out);
}

static void
mend_all(struct trial *t)
{
	struct buf out = { 0 };

	for (int k = 0; k < t->f.n; k++) {
		char id[24];
		snprintf(id, sizeof id, "%d", k + 1);
		const char *args[] = { "edit", id, "unit=PC", "--reason", "the unit was wrong" };
		if (t->f.events[k].refuse && t->f.events[k].effects == 0)
			outbox_do(t->f.b, 5, args, "anna", false, far_mono(&t->f), far_wall(&t->f), &out);
	}
	buf_fini(&out);
}

static void
step(struct trial *t)
{
	struct far *f = &t->f;

	if (f->n < 60 && far_chance(f, 30)) {
		int err = far_put(f, (int)far_draw(f, (uint64_t)t->lanes), far_chance(f, f->refuse));
		CHECK(err == 0 || t->full);
	}
	turn(t);
	if (far_chance(f, 2))
		person(t);
	if (far_chance(f, 2))
		set_full(t, !t->full);
	if (far_chance(f, 2))
		f->wall_off += far_chance(f, 50) ? -7200 * NS_PER_S : 7200 * NS_PER_S;
	if (far_chance(f, 3))
		crash(t);
	int64_t next = f->now + (int64_t)far_draw(f, 1500) * NS_PER_MS;
	far_run(f, t->again.ns < next ? (t->again.ns > f->now ? t->again.ns : f->now) : next);
}

static void
trial(uint64_t seed)
{
	static struct trial t;

	t = (struct trial){ .f = { .random = seed * 2654435761u + 1 } };
	struct far *f = &t.f;
	snprintf(t.path, sizeof t.path, "%s/outbox.db", fast_dir());
	snprintf(t.aside, sizeof t.aside, "%s/aside.db", fast_dir());
	char name[120];
	snprintf(name, sizeof name, "%s-wal", t.path);
	unlink(name);
	unlink(t.path);
	f->lose = (int)far_draw(f, 40);
	f->busy = (int)far_draw(f, 30);
	f->down = (int)far_draw(f, 20);
	f->slow = (int)far_draw(f, 50);
	f->refuse = far_chance(f, 50) ? (int)far_draw(f, 15) : 0;
	t.lanes = 1 + (int)far_draw(f, FAR_LANES);
	t.o = far_opts(f);
	t.o.connections = 1 + (unsigned)far_draw(f, 6);
	t.o.batch = far_chance(f, 50) ? 1 : 1 + (unsigned)far_draw(f, 8);
	t.o.rate = far_chance(f, 30) ? 2 : 0;
	t.o.pass = far_chance(f, 30);
	t.o.keep_max = far_chance(f, 30) ? 5 : 0;
	far_open(f, t.path, &t.o);
	t.again = far_mono(f);
	for (int i = 0; i < 150; i++)
		step(&t);
	if (t.full)
		set_full(&t, false);
	/* The storm is over: all that is left goes through. */
	f->lose = f->busy = f->down = 0;
	for (int i = 0; i < 4000; i++) {
		mend_all(&t);
		turn(&t);
		struct outbox_counts c;
		CHECK_INT(outbox_counts(f->b, far_mono(f), &c), 0);
		if (c.n[OUTBOX_CONFIRMED] == (uint64_t)f->n && outbox_in_flight(f->b) == 0)
			break;
		far_run(f, t.again.ns > f->now && t.again.ns < f->now + 500 * NS_PER_MS ? t.again.ns : f->now + 500 * NS_PER_MS);
	}
	far_account(f);
	for (int k = 0; k < f->n; k++)
		if (f->events[k].effects != 1)
			test_fail(__FILE__, __LINE__, "seed %llu: event %d has %d effects", (unsigned long long)seed, k, f->events[k].effects);
	if (f->order_broken || f->lane_shared)
		test_fail(__FILE__, __LINE__, "seed %llu: %s", (unsigned long long)seed, f->order_broken ? "a lane is out of order" :
		    "two of a lane were under way");
	outbox_close(f->b);
}

TEST(whatever_happens_each_event_has_one_effect_in_the_order_of_its_lane)
{
	const char *n = getenv("PENSTOCK_TRIALS"), *from = getenv("PENSTOCK_SEED");
	uint64_t first = from != NULL ? strtoull(from, NULL, 10) : 1, trials = n != NULL ? strtoull(n, NULL, 10) : 500;

	log_open("test", LOG_LEVEL_ERROR);
	for (uint64_t seed = first; seed < first + trials; seed++)
		trial(seed);
}

TEST_MAIN
