/*
 * Gate is killed at random moments, without a word, and started again over the same directory and the same rings:
 * what stands in the streams in the end must be what an undisturbed gate writes, sample for sample. Each life of the
 * gate is a process of its own that leaves with _exit(), so nothing is closed, flushed or unlocked in good order.
 */
#include <sys/wait.h>

#include "base/log.h"
#include "gate/rig.h"
#include "os/clock.h"

static uint64_t	seed;

static uint64_t
rnd(uint64_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 2685821657736338717u % below;
}

static struct plan *
all_kinds(void)
{
	struct plan *p = rig_plan();

	rig_flow(p, "every", 1, 3, 1, REDUCE_EVERY);
	rig_flow(p, "some", 1, 2, 1, REDUCE_EVERY);
	struct flow *f = rig_flow(p, "change", 1, 3, 1, REDUCE_ON_CHANGE);
	f->change = CHANGE_ABSOLUTE;
	f->deadband = 2;
	f->at_least_every_ns = 20 * NS_PER_S;
	rig_flow(p, "shared", 1, 3, 1, REDUCE_EVERY)->latency_ns = 3 * NS_PER_S;
	rig_flow(p, "window", 1, 3, 1, REDUCE_WINDOW);
	f = rig_flow(p, "door", 1, 1, 1, REDUCE_SWINGING_DOOR);
	f->change = CHANGE_ABSOLUTE;
	f->door = 3;
	return p;
}

/* Only processes die here, not the machine: what the kernel has is not lost, so nothing waits for the platter. */
static struct disk	quick;

static int no_sync(void *ctx, int fd) { (void)ctx; (void)fd; return 0; }
static int no_sync_dir(void *ctx, const char *path) { (void)ctx; (void)path; return 0; }

static const char *const streams[] = {
	"every@00000001", "some@00000001", "change@00000001", "shared@00000001", "window@00000001", "door@00000001",
};
#define STREAMS (sizeof streams / sizeof streams[0])

/* Rings of two writers; each second one of them brings a batch. */
struct plant {
	struct rig_ring	ring[2];
	int64_t		t;
	double		v;
};

static void
produce(struct plant *pl)
{
	uint32_t s = (uint32_t)rnd(2);

	pl->t += NS_PER_S / 2;
	pl->v += (double)rnd(200) / 100 - 1;
	rig_write(&pl->ring[s], s, pl->t, pl->v);
}

static void
attach(struct gate *g, const struct plant *pl)
{
	CHECK_INT(gate_plan(g, all_kinds(), (struct mono){ pl->t }, (struct wall){ pl->t }), 0);
	gate_ring(g, "field:a", rig_reader(&pl->ring[0]));
	gate_ring(g, "field:b", rig_reader(&pl->ring[1]));
}

static void
turn(struct gate *g, const struct plant *pl)
{
	gate_turn(g, (struct mono){ pl->t }, (struct wall){ pl->t });
}

/*
 * One life: some batches and turns in random order, then death. The plant goes on in the parent, so the child plays it
 * along.
 */
static void
live_and_die(const char *dir, struct plant *pl, int steps)
{
	uint64_t keep = seed;
	fflush(stdout);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		/* The rings are shared with the parent; only it writes, before and after. */
		struct gate *g = rig_gate(dir, &quick);
		attach(g, pl);
		for (int i = 0; i < steps; i++)
			turn(g, pl);
		_exit(0);
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	seed = keep;
}

static void
finish(const char *dir, struct plant *pl)
{
	struct gate *g = rig_gate(dir, &quick);
	int err;

	attach(g, pl);
	while ((err = gate_drain(g, (struct mono){ pl->t }, (struct wall){ pl->t })) == ERR_AGAIN)
		;
	CHECK_INT(err, 0);
	CHECK_INT(gate_totals(g).lost, 0);
	gate_free(g);
}

static void
compare(const char *killed, const char *undisturbed)
{
	for (size_t i = 0; i < STREAMS; i++) {
		struct rig_rows a = rig_read(killed, streams[i]), b = rig_read(undisturbed, streams[i]);
		CHECK(b.n > 0);
		rig_same(streams[i], a, b);
		free(a.v);
		free(b.v);
	}
}

static void
trial(uint64_t round)
{
	char killed[4096], undisturbed[4096];
	struct plant pl = { .t = RIG_T0 };

	snprintf(killed, sizeof killed, "%s/spool", test_dir());
	snprintf(undisturbed, sizeof undisturbed, "%s/spool", test_dir());
	seed = round * 1000003 + 17;
	rig_ring_new(&pl.ring[0], 1 << 20);
	rig_ring_new(&pl.ring[1], 1 << 20);
	for (uint64_t life = 0, lives = 2 + rnd(8); life < lives; life++) {
		for (uint64_t i = rnd(60); i > 0; i--)
			produce(&pl);
		live_and_die(killed, &pl, (int)rnd(4));
	}
	for (int i = 0; i < 20; i++)
		produce(&pl);
	finish(killed, &pl);
	finish(undisturbed, &pl);
	compare(killed, undisturbed);
	rig_ring_free(&pl.ring[0]);
	rig_ring_free(&pl.ring[1]);
}

TEST(a_gate_killed_again_and_again_loses_and_repeats_nothing)
{
	for (uint64_t round = 1; round <= 25; round++)
		trial(round);
}

/* A write that fails at the n-th call, and then death: as if the machine had been cut off there. */
static struct disk	dying;
static int		writes_left;

static ssize_t
dying_pwrite(void *ctx, int fd, const void *p, size_t len, uint64_t off)
{
	if (writes_left-- > 0)
		return disk_os.pwrite(ctx, fd, p, len, off);
	disk_os.pwrite(ctx, fd, p, len / 2, off);	/* torn */
	_exit(0);
}

TEST(a_gate_cut_off_in_any_write_loses_and_repeats_nothing)
{
	char killed[4096], undisturbed[4096];
	struct plant pl = { .t = RIG_T0 };

	snprintf(killed, sizeof killed, "%s/spool", test_dir());
	snprintf(undisturbed, sizeof undisturbed, "%s/spool", test_dir());
	seed = 99;
	dying = quick;
	dying.pwrite = dying_pwrite;
	rig_ring_new(&pl.ring[0], 1 << 20);
	rig_ring_new(&pl.ring[1], 1 << 20);
	for (int life = 0; life < 40; life++) {
		for (int i = 0; i < 12; i++)
			produce(&pl);
		fflush(stdout);
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			writes_left = life;
			struct gate *g = rig_gate(killed, &dying);
			attach(g, &pl);
			for (int i = 0; i < 5; i++)
				turn(g, &pl);
			_exit(0);
		}
		int status;
		CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	finish(killed, &pl);
	finish(undisturbed, &pl);
	compare(killed, undisturbed);
	rig_ring_free(&pl.ring[0]);
	rig_ring_free(&pl.ring[1]);
}

int
main(int argc, char **argv)
{
	log_open("restart_test", LOG_LEVEL_ERROR);
	quick = disk_os;
	quick.sync = no_sync;
	quick.sync_dir = no_sync_dir;
	return test_main(argc, argv);
}
