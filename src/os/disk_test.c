/* The real disk, and the simulated one: that it forgets what a power cut may take and keeps what was synced. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/test.h"
#include "os/disk_sim.h"

static char path[300];

static const char *
in(const char *dir, const char *name)
{
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

struct names { char text[256]; };

static int
add_name(void *arg, const char *name)
{
	struct names *n = arg;
	size_t len = strlen(n->text);
	snprintf(n->text + len, sizeof n->text - len, "%s ", name);
	return strcmp(name, "stop") == 0 ? 7 : 0;
}

/* What every table must do, over the real one and the simulated one. */
static void
check_table(const struct disk *d, const char *dir)
{
	struct disk_stat st, other;
	struct names names = { "" };
	char buf[16];
	uint64_t space;

	CHECK_INT(d->open(d->ctx, in(dir, "none"), DISK_READ), ERR_NOTFOUND);
	CHECK_INT(d->stat(d->ctx, in(dir, "none"), &st), ERR_NOTFOUND);
	CHECK_INT(d->unlink(d->ctx, in(dir, "none")), ERR_NOTFOUND);
	int fd = d->open(d->ctx, in(dir, "b"), DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCL);
	CHECK(fd >= 0);
	CHECK_INT(d->open(d->ctx, in(dir, "b"), DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCL), ERR_EXISTS);
	CHECK_INT(disk_write_all(d, fd, "0123456789", 10, 0), 0);
	CHECK_INT(disk_write_all(d, fd, "x", 1, 12), 0);
	CHECK_INT(disk_read_all(d, fd, buf, 13, 0), 0);
	CHECK_BYTES(buf, "0123456789\0\0x", 13);
	CHECK_INT(disk_read_all(d, fd, buf, 14, 0), ERR_END);
	CHECK_INT(d->truncate(d->ctx, fd, 4), 0);
	CHECK_INT(d->fstat(d->ctx, fd, &st), 0);
	CHECK_INT(st.size, 4);
	CHECK_INT(d->sync(d->ctx, fd), 0);
	CHECK_INT(d->close(d->ctx, fd), 0);
	CHECK_INT(disk_replace(d, in(dir, "b"), "new", 3), 0);
	CHECK_INT(d->stat(d->ctx, in(dir, "b"), &other), 0);
	CHECK_INT(other.size, 3);
	CHECK(other.id != st.id);	/* another file under the same name */
	CHECK_INT(disk_replace(d, in(dir, "a"), "", 0), 0);
	CHECK_INT(d->mkdir(d->ctx, in(dir, "stop")), 0);
	CHECK_INT(d->mkdir(d->ctx, in(dir, "stop")), 0);
	CHECK_INT(d->mkdir(d->ctx, in(dir, "zz")), 0);
	CHECK_INT(d->list(d->ctx, dir, add_name, &names), 7);
	CHECK_STR(names.text, "a b stop ");
	CHECK_INT(d->space(d->ctx, dir, &space), 0);
	CHECK(space > 1000);
	long holder = 0;
	int one = d->open(d->ctx, in(dir, "lock"), DISK_READ | DISK_WRITE | DISK_CREATE);
	int two = d->open(d->ctx, in(dir, "lock"), DISK_READ | DISK_WRITE);
	CHECK_INT(d->lock(d->ctx, one, &holder), 0);
	CHECK_INT(d->lock(d->ctx, two, &holder), ERR_BUSY);
	CHECK(holder != 0);
	CHECK_INT(d->close(d->ctx, one), 0);
	CHECK_INT(d->lock(d->ctx, two, &holder), 0);
	CHECK_INT(d->close(d->ctx, two), 0);
}

TEST(the_real_disk_keeps_the_contract)
{
	check_table(&disk_os, test_dir());
}

TEST(the_simulated_disk_keeps_the_contract)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = disk_sim_table(s);

	CHECK_INT(d->mkdir(d->ctx, "/t"), 0);
	check_table(d, "/t");
	disk_sim_free(s);
}

/* A file with "old" in it for good, then "newer" on top and not synced. */
static struct disk_sim *
half_synced(int *fd)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = disk_sim_table(s);

	CHECK_INT(d->mkdir(d->ctx, "/t"), 0);
	*fd = d->open(d->ctx, "/t/f", DISK_READ | DISK_WRITE | DISK_CREATE);
	CHECK_INT(disk_write_all(d, *fd, "old", 3, 0), 0);
	CHECK_INT(d->sync(d->ctx, *fd), 0);
	CHECK_INT(d->sync_dir(d->ctx, "/t"), 0);
	CHECK_INT(d->sync_dir(d->ctx, ""), 0);
	CHECK_INT(disk_write_all(d, *fd, "newer", 5, 0), 0);
	return s;
}

/* Content of /t/f after a cut in this state, "-" if the file is not there. */
static const char *
after(const struct disk_sim *s, uint64_t state, uint64_t subsets)
{
	static char text[16];
	struct disk_sim *c = disk_sim_cut(s, state, subsets);
	const struct disk *d = disk_sim_table(c);
	int fd = d->open(d->ctx, "/t/f", DISK_READ);

	strcpy(text, "-");
	if (fd >= 0) {
		ssize_t n = d->pread(d->ctx, fd, text, sizeof text - 1, 0);
		text[n] = '\0';
	}
	disk_sim_free(c);
	return text;
}

TEST(what_is_made_private_is_for_its_owner_alone_whatever_the_umask)
{
	const char *dir = test_dir();
	mode_t mask = umask(0);
	struct disk_stat st;

	for (int private = 0; private < 2; private++) {
		const char *name = in(dir, private ? "secret" : "plain");
		int fd = disk_os.open(NULL, name, DISK_WRITE | DISK_CREATE | DISK_EXCL | (private ? DISK_PRIVATE : 0));
		CHECK(fd >= 0 && disk_os.close(NULL, fd) == 0);
		CHECK_INT(disk_os.stat(NULL, name, &st), 0);
		CHECK_INT(st.exposed, !private);
	}
	umask(mask);
}

TEST(an_owned_lock_is_exclusive_too_and_takes_a_descriptor_that_may_write)
{
	const struct disk *d = &disk_os;
	const char *dir = test_dir();
	long holder;

	int one = d->open(d->ctx, in(dir, "lock"), DISK_READ | DISK_WRITE | DISK_CREATE);
	int two = d->open(d->ctx, in(dir, "lock"), DISK_READ | DISK_WRITE);
	int reader = d->open(d->ctx, in(dir, "lock"), DISK_READ);
	CHECK(d->lock_owned(d->ctx, reader, &holder) < 0);
	CHECK_INT(d->lock_owned(d->ctx, one, &holder), 0);
	CHECK_INT(d->lock_owned(d->ctx, two, &holder), ERR_BUSY);
	CHECK_INT(holder, getpid());
	d->close(d->ctx, one);
	CHECK_INT(d->lock_owned(d->ctx, two, &holder), 0);
	d->close(d->ctx, two);
	d->close(d->ctx, reader);
}

TEST(a_power_cut_keeps_what_was_synced_and_maybe_the_rest)
{
	int fd, old = 0, newer = 0;
	struct disk_sim *s = half_synced(&fd);

	for (uint64_t i = 0; i < disk_sim_states(s, 8); i++) {
		const char *text = after(s, i, 8);
		old += strcmp(text, "old") == 0;
		newer += strcmp(text, "newer") == 0;
	}
	CHECK_INT(old + newer, disk_sim_states(s, 8));
	CHECK(old > 0 && newer > 0);
	disk_sim_free(s);
}

TEST(a_failed_sync_loses_the_writes_and_the_next_one_says_nothing)
{
	int fd;
	struct disk_sim *s = half_synced(&fd);
	const struct disk *d = disk_sim_table(s);
	char buf[5];

	disk_sim_fault(s, SIM_IO, 1, 1);
	CHECK_INT(d->sync(d->ctx, fd), ERR_IO);
	CHECK_INT(d->sync(d->ctx, fd), 0);
	CHECK_INT(disk_read_all(d, fd, buf, 5, 0), 0);	/* the page cache has it */
	CHECK_BYTES(buf, "newer", 5);
	CHECK_STR(after(s, 0, 1), "old");		/* the disk does not */
	CHECK_INT(disk_sim_states(s, 1), 2);
	disk_sim_free(s);
}

TEST(a_long_write_is_torn_at_sectors)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = disk_sim_table(s);
	static uint8_t data[2000];
	bool seen[5] = { false };
	struct disk_stat st;

	CHECK_INT(d->mkdir(d->ctx, "/t"), 0);
	int fd = d->open(d->ctx, "/t/f", DISK_READ | DISK_WRITE | DISK_CREATE);
	CHECK_INT(d->sync_dir(d->ctx, "/t"), 0);
	CHECK_INT(disk_write_all(d, fd, data, sizeof data, 100), 0);
	for (uint64_t i = 0; i < disk_sim_states(s, 0); i++) {
		struct disk_sim *c = disk_sim_cut(s, i, 0);
		const struct disk *cd = disk_sim_table(c);
		if (cd->stat(cd->ctx, "/t/f", &st) == 0) {
			CHECK(st.size == 0 || st.size == 2100 || st.size % 512 == 0);
			seen[st.size == 2100 ? 4 : st.size / 512] = true;
		}
		disk_sim_free(c);
	}
	CHECK(seen[0] && seen[1] && seen[4]);
	disk_sim_free(s);
}

TEST(a_full_disk_takes_what_fits)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = disk_sim_table(s);
	struct disk_stat st;

	disk_sim_limit(s, 100);
	int fd = d->open(d->ctx, "/f", DISK_READ | DISK_WRITE | DISK_CREATE);
	CHECK_INT(disk_write_all(d, fd, "0123456789", 10, 95), ERR_NOSPACE);
	CHECK_INT(d->fstat(d->ctx, fd, &st), 0);
	CHECK_INT(st.size, 100);
	disk_sim_free(s);
}

TEST_MAIN
