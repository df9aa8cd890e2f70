/* tsan */
/* The quarantine: durable when it says so, counted, read by a second program while it is open. */
#include "office/quarantine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/test.h"

static uv_loop_t	loop;
static char		path[200];
static unsigned		stored, failed;

static void
on_stored(void *arg, int err)
{
	(void)arg;
	stored += err == 0;
	failed += err != 0;
}

static struct quarantine *
open_new(void)
{
	struct quarantine *q;
	char why[300] = "";

	uv_loop_init(&loop);
	snprintf(path, sizeof path, "%s/quarantine.db", test_dir());
	stored = failed = 0;
	if (quarantine_open(path, &loop, &q, why, sizeof why) != 0)
		test_fail(__FILE__, __LINE__, "%s", why);
	return q;
}

static void
put(struct quarantine *q, uint64_t first, const char *reason)
{
	struct quarantine_item i = { .stream = "f@00000001", .sink = "broker", .reason = reason, .preview = "topic x\n{}", .first = first,
	    .last = first + 9, .when = { 1700000000000000000 }, .samples = "bytes", .samples_len = 5 };
	quarantine_put(q, &i, on_stored, NULL);
}

struct seen {
	unsigned n;
	struct quarantine_item last;
	char reason[100], note[100], preview[100], samples[100];
};

static void
see(void *arg, const struct quarantine_item *i)
{
	struct seen *s = arg;
	s->n++;
	s->last = *i;
	snprintf(s->reason, sizeof s->reason, "%s", i->reason);
	snprintf(s->note, sizeof s->note, "%s", i->note);
	snprintf(s->preview, sizeof s->preview, "%s", i->preview);
	snprintf(s->samples, sizeof s->samples, "%.*s", (int)i->samples_len, i->samples ? (const char *)i->samples : "");
}

TEST(items_are_kept_shown_and_counted)
{
	struct quarantine *q = open_new(), *other;
	struct seen s = { 0 };
	struct stat st;
	char why[300];

	CHECK(quarantine_idle(q));
	for (uint64_t i = 0; i < 50; i++)
		put(q, 1 + i * 10, "no");
	CHECK(!quarantine_idle(q));
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(stored, 50);
	CHECK_INT(quarantine_count(q, "broker"), 50);
	CHECK_INT(quarantine_count(q, "another"), 0);
	CHECK_INT(quarantine_count(q, NULL), 50);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 077, 0);
	CHECK_INT(quarantine_look(path, &other, why, sizeof why), 0);
	CHECK_INT(quarantine_each(other, QUARANTINE_HELD, NULL, see, &s), 0);
	CHECK_INT(s.n, 50);
	CHECK_INT(quarantine_get(other, 1, see, &s), 0);
	CHECK_INT(s.last.first, 1);
	CHECK_INT(s.last.last, 10);
	CHECK_INT(s.last.when.ns, 1700000000000000000);
	CHECK_STR(s.reason, "no");
	CHECK_STR(s.preview, "topic x\n{}");
	CHECK_STR(s.samples, "bytes");
	CHECK_INT(quarantine_get(other, 99, see, &s), ERR_NOTFOUND);
	CHECK(quarantine_set(other, 1, QUARANTINE_RELEASED, NULL) != 0);
	quarantine_close(other);
	quarantine_close(q);
	uv_loop_close(&loop);
}

TEST(a_batch_refused_twice_is_one_item_with_the_newer_reason)
{
	struct quarantine *q = open_new();
	struct seen s = { 0 };

	put(q, 1, "no");
	uv_run(&loop, UV_RUN_DEFAULT);
	put(q, 1, "still no");
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(stored, 2);
	CHECK_INT(quarantine_each(q, -1, NULL, see, &s), 0);
	CHECK_INT(s.n, 1);
	CHECK_STR(s.reason, "still no");
	quarantine_close(q);
	uv_loop_close(&loop);
}

TEST(a_number_given_anew_after_a_power_cut_is_kept_with_its_new_samples)
{
	struct quarantine_item i = { .stream = "f@00000001", .sink = "broker", .reason = "no", .preview = "", .first = 1, .last = 3,
	    .when = { 5 }, .samples = "other", .samples_len = 5 };
	struct quarantine *q = open_new();
	struct seen s = { 0 };

	put(q, 1, "no");
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(quarantine_set(q, 1, QUARANTINE_DISCARDED, "a test"), 0);
	quarantine_put(q, &i, on_stored, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(quarantine_get(q, 1, see, &s), 0);
	CHECK_INT(s.last.state, QUARANTINE_HELD);
	CHECK_INT(s.last.last, 3);
	CHECK_STR(s.samples, "other");
	CHECK_INT(quarantine_count(q, NULL), 1);
	quarantine_close(q);
	uv_loop_close(&loop);
}

TEST(what_is_released_or_dropped_is_not_held_and_survives_a_restart_until_deleted)
{
	struct quarantine *q = open_new();
	struct seen s = { 0 };
	char why[300];

	for (uint64_t i = 0; i < 3; i++)
		put(q, 1 + i * 10, "no");
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(quarantine_again(q, 1, "no again"), 0);
	CHECK_INT(quarantine_set(q, 1, QUARANTINE_RELEASED, NULL), 0);
	CHECK_INT(quarantine_set(q, 2, QUARANTINE_DISCARDED, "a test"), 0);
	CHECK_INT(quarantine_set(q, 2, QUARANTINE_RELEASED, NULL), ERR_NOTFOUND);
	CHECK_INT(quarantine_count(q, NULL), 1);
	quarantine_close(q);
	CHECK_INT(quarantine_open(path, &loop, &q, why, sizeof why), 0);
	CHECK_INT(quarantine_get(q, 2, see, &s), 0);
	CHECK_INT(s.last.state, QUARANTINE_DISCARDED);
	CHECK_STR(s.note, "a test");
	CHECK_INT(quarantine_get(q, 1, see, &s), 0);
	CHECK_INT(s.last.attempts, 1);
	CHECK_STR(s.reason, "no again");
	CHECK_INT(quarantine_delete(q, 1), 0);
	CHECK_INT(quarantine_get(q, 1, see, &s), ERR_NOTFOUND);
	quarantine_close(q);
	uv_loop_close(&loop);
}

TEST(no_more_is_held_than_the_ledger_can_tell_apart)
{
	struct quarantine *q = open_new();

	for (uint64_t i = 0; i < QUARANTINE_ITEMS_MAX + 3; i++) {
		put(q, 1 + i * 20, "no");
		if (i % 1000 == 0)
			uv_run(&loop, UV_RUN_DEFAULT);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(stored, QUARANTINE_ITEMS_MAX);
	CHECK_INT(failed, 3);
	quarantine_close(q);
	uv_loop_close(&loop);
}

TEST(looking_at_a_file_that_is_no_quarantine_says_so)
{
	struct quarantine *q;
	char why[300] = "";
	FILE *f;

	uv_loop_init(&loop);
	snprintf(path, sizeof path, "%s/quarantine.db", test_dir());
	CHECK_INT(quarantine_look(path, &q, why, sizeof why), ERR_NOTFOUND);
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database. ", f);
	fclose(f);
	CHECK_INT(quarantine_look(path, &q, why, sizeof why), ERR_CORRUPT);
	CHECK(strstr(why, path) != NULL);
	CHECK(strstr(why, "not a database") != NULL);
	uv_loop_close(&loop);
}

/* What cannot be read any more keeps nobody from going on, and is not thrown away. */
TEST(a_damaged_store_is_set_aside)
{
	struct quarantine *q = open_new();
	char why[300] = "", command[300];

	put(q, 1, "first");
	uv_run(&loop, UV_RUN_DEFAULT);
	quarantine_close(q);
	CHECK_INT(truncate(path, 0), 0);
	FILE *f = fopen(path, "w");
	CHECK(f != NULL);
	for (int i = 0; i < 2000; i++)
		fputs("nonsense", f);
	fclose(f);
	CHECK_INT(quarantine_look(path, &q, why, sizeof why), ERR_CORRUPT);
	CHECK(strstr(why, "not a database") != NULL);
	CHECK_INT(quarantine_open(path, &loop, &q, why, sizeof why), 0);
	put(q, 11, "second");
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(stored, 2);
	quarantine_close(q);
	snprintf(command, sizeof command, "ls %s.damaged-* >/dev/null", path);
	CHECK_INT(system(command), 0);
}

TEST_MAIN
