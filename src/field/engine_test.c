/* The engine over loopback: rates, trouble, plans that change, and that nothing is left behind. */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "field/toy_rig.h"

static const uint64_t keys[] = { 11, 22, 33, 44 };

TEST(sources_of_one_link_share_a_connection_and_keep_their_rate)
{
	setup();
	struct field *f = start(make_plan(dev.port, 2, 20 * NS_PER_MS, keys), 0);
	run_ms(1000);
	CHECK_INT(dev.accepts, 1);
	for (int i = 0; i < 2; i++) {
		CHECK(count(keys[i], 0) >= 30 && count(keys[i], 0) <= 56);
		check_sequence(keys[i]);
	}
	for (uint32_t i = 0; i < nseen; i++) {
		CHECK_INT(seen[i].head.n, 3);
		CHECK_INT(seen[i].head.flags, BATCH_SCAN_END);
		CHECK(seen[i].head.due_ns > 0);
	}
	teardown(f);
}

TEST(a_silent_unit_is_demoted_once_slows_nobody_and_comes_back)
{
	setup();
	struct field *f = start(make_plan(dev.port, 2, 20 * NS_PER_MS, keys), 0);
	run_ms(200);
	dev.silent = 1u << 1;
	run_ms(600);
	uint32_t healthy = count(keys[0], 0), lost = count(keys[1], (uint32_t)STATUS_BadNoCommunication);
	CHECK(healthy >= 15);
	CHECK_INT(lost, 1);	/* one batch says it for all tags, once */
	CHECK_INT(count(keys[1], (uint32_t)STATUS_BadTimeout), 3);
	uint32_t before = count(keys[1], 0);
	dev.silent = 0;
	RUN_UNTIL(count(keys[1], 0) > before + 10);	/* its first probe comes within 1 s, the second within 3 s */
	CHECK_INT(dev.accepts, 1);
	teardown(f);
}

TEST(a_connection_that_nobody_answers_on_is_made_anew)
{
	setup();
	struct field *f = start(make_plan(dev.port, 1, 20 * NS_PER_MS, keys), 0);
	run_ms(100);
	CHECK_INT(dev.accepts, 1);
	dev.silent = 1;
	RUN_UNTIL(dev.accepts >= 2);
	dev.silent = 0;
	uint32_t before = count(keys[0], 0);
	RUN_UNTIL(count(keys[0], 0) > before + 20);	/* the next probe comes within 2 s */
	teardown(f);
}

TEST(a_device_that_is_away_is_bad_once_and_good_when_it_comes)
{
	setup();
	int port = dev.port;
	device_close();
	run_ms(10);
	struct field *f = start(make_plan(port, 1, 20 * NS_PER_MS, keys), 0);
	run_ms(200);
	CHECK_INT(nseen, 1);
	CHECK(seen[0].status == (uint32_t)STATUS_BadServerNotConnected);
	CHECK_INT(seen[0].head.n, 3);
	memset(&dev, 0, sizeof dev);
	device_open(port);
	RUN_UNTIL(count(keys[0], 0) >= 5);
	teardown(f);
}

TEST(a_lost_connection_is_had_again_and_what_was_missed_is_bad)
{
	setup();
	struct field *f = start(make_plan(dev.port, 1, 20 * NS_PER_MS, keys), 0);
	run_ms(100);
	int port = dev.port;
	device_close();
	run_ms(100);
	CHECK(count(keys[0], (uint32_t)STATUS_BadNoCommunication) == 1);
	memset(&dev, 0, sizeof dev);
	device_open(port);
	uint32_t before = count(keys[0], 0);
	RUN_UNTIL(count(keys[0], 0) >= before + 8);
	check_sequence(keys[0]);
	teardown(f);
}

TEST(a_plan_that_leaves_a_source_as_it_is_leaves_its_connection_and_its_scans)
{
	setup();
	struct field *f = start(make_plan(dev.port, 2, 20 * NS_PER_MS, keys), 0);
	static const uint64_t other[] = { 11, 55 };

	run_ms(300);
	CHECK_INT(field_apply(f, make_plan(dev.port, 2, 20 * NS_PER_MS, keys)), 0);
	run_ms(300);
	CHECK_INT(field_apply(f, make_plan(dev.port, 2, 20 * NS_PER_MS, other)), 0);
	run_ms(400);
	CHECK_INT(dev.accepts, 1);
	CHECK(count(11, 0) >= 30 && count(11, 0) <= 58);
	CHECK(count(22, 0) >= 15 && count(22, 0) <= 38);
	CHECK(count(55, 0) >= 8);
	for (int i = 0; i < 2; i++)
		CHECK_INT(count(other[i], (uint32_t)STATUS_BadNoCommunication), 0);
	check_sequence(11);
	teardown(f);
}

TEST(a_plan_with_an_unknown_driver_changes_nothing)
{
	setup();
	struct field *f = start(make_plan(dev.port, 2, 20 * NS_PER_MS, keys), 0);
	run_ms(100);
	struct plan *p = make_plan(dev.port, 3, 20 * NS_PER_MS, keys);
	p->sources[2].driver = "no-such-driver";
	CHECK_INT(field_apply(f, p), ERR_NOTFOUND);
	uint32_t before = count(keys[0], 0);
	RUN_UNTIL(count(keys[0], 0) >= before + 8);
	CHECK_INT(dev.accepts, 1);
	teardown(f);
}

static void note_stop(void *arg) { *(bool *)arg = true; uv_stop(&loop); }

TEST(a_stop_waits_for_scans_under_way_but_not_for_ever)
{
	setup();
	struct field *f = start(make_plan(dev.port, 1, 20 * NS_PER_MS, keys), 0);
	bool stopped = false;

	run_ms(100);
	dev.silent = 1;
	run_ms(25);		/* a scan is under way that will not be answered */
	uint32_t bad = count(keys[0], (uint32_t)STATUS_BadNoCommunication);
	field_stop(f, 100 * NS_PER_MS, note_stop, &stopped);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK(stopped);
	CHECK_INT(count(keys[0], (uint32_t)STATUS_BadNoCommunication), bad);
	teardown(f);
}

TEST(the_budget_of_connects_lets_everyone_through_in_turn)
{
	struct plan *p;

	setup();
	p = make_plan(dev.port, 4, 20 * NS_PER_MS, keys);
	for (uint32_t i = 0; i < 4; i++)	/* four links to one place: told apart by a leading zero or more */
		p->sources[i].link = arena_printf(&p->arena, "%.*s%d", (int)i, "0000", dev.port);
	struct field *f = start(p, 1);
	for (int i = 0; i < 4; i++)
		RUN_UNTIL(count(keys[i], 0) >= 10);
	CHECK_INT(dev.accepts, 4);
	teardown(f);
}

static unsigned
open_fds(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static long
rss_kb(void)
{
	long pages = 0, unused;
	FILE *in = fopen("/proc/self/statm", "r");
	CHECK(in != NULL && fscanf(in, "%ld %ld", &unused, &pages) == 2);
	fclose(in);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

TEST(connections_that_come_and_go_leave_nothing_behind)
{
	setup();
	dev.hang_up = true;
	struct field *f = start(make_plan(dev.port, 1, 20 * NS_PER_MS, keys), 0);
	while (dev.accepts < 100)
		run_ms(20);
	unsigned fds = open_fds();
	long kb = rss_kb();
	while (dev.accepts < 600)
		run_ms(50);
	CHECK(open_fds() <= fds + 2);
#ifdef __SANITIZE_ADDRESS__	/* it keeps freed memory aside on purpose */
	kb += 1 << 20;
#endif
	CHECK(rss_kb() <= kb + 256);
	CHECK_INT(count(keys[0], 0), 0);
	teardown(f);
}

TEST(a_step_of_the_wall_clock_marks_each_tag_once)
{
	setup();
	struct field *f = start(make_plan(dev.port, 1, 20 * NS_PER_MS, keys), 0);
	struct wall wall;

	run_ms(100);
	f->offset_ns += 3600 * NS_PER_S;	/* as if the clock had stood an hour later until now */
	field_now(f, &wall);
	CHECK_INT(f->clock_steps, 1);
	run_ms(200);
	uint32_t marked = 0;
	for (uint32_t i = 0; i < nseen; i++)
		marked += (seen[i].flags & SAMPLE_CLOCK_STEP) != 0;
	CHECK_INT(marked, 1);
	teardown(f);
}

TEST_MAIN
