/* tsan */
/* Receipts written by their own thread: what was put is on disk when it is said to be, also what was put just before the end. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/test.h"
#include "driver/upstream/save.h"
#include "os/wake.h"

static const uint8_t schema[LINK_HASH] = { 3 };

static struct save_job *
wait_done(struct saver *s)
{
	struct save_job *j = NULL;

	for (int i = 0; i < 1000 && (j = saver_done(s)) == NULL; i++) {
		struct wait_fd w = { .fd = saver_wake(s), .in = true };
		wait_fds(&w, 1, 10 * NS_PER_MS);
	}
	CHECK(j != NULL);
	return j;
}

static struct save_job *
row(struct receipts *r, uint64_t no)
{
	struct save_job *j = save_job_new(r, NULL, 1);

	j->rows[0] = (struct receipt){ .first = no, .last = no, .samples = 1 };
	return j;
}

static void
count(void *arg, const struct receipt *v)
{
	(void)v;
	++*(uint64_t *)arg;
}

static uint64_t
rows_in(const char *dir, uint64_t want)
{
	char path[DISK_PATH_MAX];
	uint64_t n = 0, id;
	uint32_t version;

	snprintf(path, sizeof path, "%s/0000000000000abc.receipts", dir);
	for (int i = 0; i < 1000 && n != want; i++) {	/* the thread may still be at work */
		n = 0;
		receipts_read(&disk_os, path, &id, &version, count, &n);
		struct timespec t = { .tv_nsec = 5000000 };
		nanosleep(&t, NULL);
	}
	return n;
}

TEST(what_is_put_is_done_in_order_and_before_the_end)
{
	struct receipts **all = calloc(1, sizeof *all);
	struct saver *s = NULL;
	const char *dir = test_dir();

	all[0] = calloc(1, sizeof *all[0]);
	CHECK_INT(receipts_open(all[0], &disk_os, dir, 0xabc, 5, schema), 0);
	CHECK_INT(saver_open(&s), 0);
	for (uint64_t i = 1; i <= 3; i++)
		saver_put(s, row(all[0], i));
	for (uint64_t i = 1; i <= 3; i++) {
		struct save_job *j = wait_done(s);
		CHECK_INT((long)j->rows[0].first, (long)i);
		CHECK_INT(j->err, 0);
		receipts_note(all[0], j->rows, j->n);
		free(j);
	}
	CHECK_INT((int)all[0]->n, 3);
	saver_put(s, row(all[0], 4));
	saver_close(s, all, 1);
	CHECK_INT((long)rows_in(dir, 4), 4);
}

TEST(what_the_disk_refuses_is_told_and_may_be_put_again)
{
	struct receipts **all = calloc(1, sizeof *all);
	struct saver *s = NULL;

	all[0] = calloc(1, sizeof *all[0]);
	CHECK_INT(receipts_open(all[0], &disk_os, test_dir(), 0xdef, 5, schema), 0);
	int fd = all[0]->fd;
	all[0]->fd = 1 << 20;	/* no such descriptor */
	CHECK_INT(saver_open(&s), 0);
	saver_put(s, row(all[0], 1));
	struct save_job *j = wait_done(s);
	CHECK(j->err != 0);
	free(j);
	all[0]->fd = fd;
	saver_put(s, row(all[0], 1));
	j = wait_done(s);
	CHECK_INT(j->err, 0);
	CHECK_INT((long)all[0]->nrows, 1);
	free(j);
	saver_close(s, all, 1);
}

TEST_MAIN
