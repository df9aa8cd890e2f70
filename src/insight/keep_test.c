/*
 * Insight over real rings, stopped at any point without a word and started again over the same folder: each reading is
 * counted once, and each result is sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "insight/insight.h"
#include "site/site_testing.h"

#define T0 (1795000000LL * NS_PER_S)
#define RECORDS 400

static const char yaml[] =
    "site: { enterprise: A, name: B }\n"
    "zones: { a: { level: 2 } }\n"
    "sources: { p: { driver: toy, zone: a, endpoint: h, unit: 1 } }\n"
    "equipment: { E: { source: p, tags: { n: { at: word 1 uint16, scan: 100 ms }, on: { at: bit 9.1, scan: 100 ms },\n"
    "  total: { expr: \"counter(n, 65536)\" }, twice: { expr: total * 2 }, ups: { expr: edges(on) },\n"
    "  ran: { expr: run_time(on), unit: s, scan: 1 s }, level: { expr: mean(n over 5), scan: 1 s } } } }\n";

/* What was handed on: by tag the values, in order. */
struct got { int64_t at; double v; uint32_t status; };
static struct got	got[8][RECORDS * 4];
static size_t		ngot[8];
static struct plan	*the_plan;

static struct plan *
load(void)
{
	struct site_report report = { 0 };
	struct plan *p = NULL;

	CHECK_INT(toy_load_text(yaml, sizeof yaml - 1, NULL, 0, &p, &report), 0);
	site_report_free(&report);
	return p;
}

static const struct source *
source_named(const struct plan *p, const char *name)
{
	for (uint32_t i = 0; i < p->nsources; i++)
		if (strcmp(p->sources[i].name, name) == 0)
			return &p->sources[i];
	test_fail(__FILE__, __LINE__, "no source %s", name);
}

static void
on_batch(void *arg, const struct batch_head *head, const struct sample *v, const void *blob)
{
	(void)arg;
	(void)blob;
	CHECK(head->source_key == source_named(the_plan, "insight:a")->key);
	for (uint32_t i = 0; i < head->n; i++) {
		double x = 0;
		CHECK(v[i].tag < 8 && ngot[v[i].tag] < RECORDS * 4);
		value_as_f64(&v[i].v, &x);
		got[v[i].tag][ngot[v[i].tag]++] = (struct got){ sample_time(&v[i]).ns, x, v[i].status };
	}
}

static uint32_t
number_of(const char *path)
{
	const struct tag *t = plan_tag(the_plan, path);
	CHECK(t != NULL);
	return t->index;
}

static struct insight *
start(const char *dir, int ring_fd)
{
	struct insight_opts opts = { .dir = dir, .disk = &disk_os, .emit = on_batch };
	struct insight *in = insight_new(&opts);
	struct ring_reader *r;

	CHECK_INT(insight_plan(in, load(), (struct wall){ T0 }), 0);
	CHECK_INT(ring_open(ring_fd, &r), 0);
	CHECK_INT(insight_ring(in, "field:a", r), 0);
	return in;
}

static void
turn(struct insight *in, int64_t now_ns)
{
	while (insight_turn(in, (struct wall){ now_ns }).more)
		;
}

static uint64_t seq;

/* Reading i: a counter that rolls over and is reset once, a bit that comes and goes. Both at one moment. */
static uint16_t
reading(size_t i)
{
	return (uint16_t)(i < 250 ? 65300 + i * 3 : 7 + (i - 250) * 2);
}

static void
write_record(struct ring_writer *w, size_t i)
{
	const struct source *s = source_named(the_plan, "p");
	struct wall at = { T0 + (int64_t)i * 100 * NS_PER_MS };
	struct sample v[2] = {
		{ .tag = plan_tag(the_plan, "E/n")->index, .arrival = at, .v = { .type = VALUE_U16, .u = reading(i) } },
		{ .tag = plan_tag(the_plan, "E/on")->index, .arrival = at,
		    .v = { .type = VALUE_BOOL, .b = i / 3 % 2 == 1 } },
	};
	struct batch_head head = { .source_key = s->key, .seq = ++seq, .n = 2 };
	ring_commit(w, batch_pack(&head, v, "", ring_reserve(w, batch_size(2, 0))), 2);
}

/* What had been counted with reading i: 3 each, but 7 at the reset (nobody knows what was before it) and 2 after. */
static double
truth(size_t i)
{
	return i < 250 ? (double)i * 3 : 249.0 * 3 + 7 + (double)(i - 250) * 2;
}

static size_t
ups(size_t i)
{
	return (i / 3 + 1) / 2;
}

/* Run all records, stopping without a word where `stop` says; check counts; returns how many results came twice. */
static size_t
campaign(const char *dir, bool (*stop)(size_t i), void (*harm)(const char *dir))
{
	struct ring_writer *w;
	size_t repeats = 0, k = 0;
	int fd;

	plan_free(the_plan);
	the_plan = load();
	memset(ngot, 0, sizeof ngot);
	seq = 0;
	CHECK_INT(ring_create("t", 1 << 20, &w, &fd), 0);
	struct insight *in = start(dir, fd);
	for (size_t i = 0; i < RECORDS; i++) {
		write_record(w, i);
		if (i % 3 != 1)		/* sometimes two records wait */
			turn(in, T0 + (int64_t)i * 100 * NS_PER_MS);
		if (!stop(i))
			continue;
		insight_free(in);
		if (harm != NULL)
			harm(dir);
		in = start(dir, fd);
	}
	turn(in, T0 + RECORDS * 100 * NS_PER_MS);
	uint32_t total = number_of("E/total"), twice = number_of("E/twice"), edge = number_of("E/ups");
	for (size_t i = 0; i < ngot[total]; i++) {
		size_t n = (size_t)((got[total][i].at - T0) / (100 * NS_PER_MS));
		repeats += i > 0 && got[total][i].at <= got[total][i - 1].at;
		if (got[total][i].v != truth(n))
			test_fail(__FILE__, __LINE__, "total at %zu is %g, want %g", n, got[total][i].v, truth(n));
		k = n > k ? n : k;
	}
	CHECK_INT(k, RECORDS - 1);
	CHECK(ngot[total] >= RECORDS);
	CHECK_INT(ngot[twice], ngot[total]);
	CHECK(got[twice][ngot[twice] - 1].v == 2 * truth(RECORDS - 1));
	CHECK_INT((size_t)got[edge][ngot[edge] - 1].v, ups(RECORDS - 1));
	insight_free(in);
	ring_writer_free(w);
	close(fd);
	return repeats;
}

static bool never(size_t i) { return i == SIZE_MAX; }
static bool often(size_t i) { return i % 17 == 5; }
static bool at_odd_places(size_t i) { return i == 1 || i == 2 || i == 99 || i == 249 || i == 250 || i == 251; }

static void
lose_cursor(const char *dir)
{
	char path[600];
	snprintf(path, sizeof path, "%s/cursor", dir);
	FILE *f = fopen(path, "r+");
	CHECK(f != NULL);
	fputs("torn", f);
	fclose(f);
}

TEST(results_follow_their_inputs_in_the_order_of_dependence)
{
	CHECK_INT(campaign(test_dir(), never, NULL), 0);
	uint32_t total = number_of("E/total"), twice = number_of("E/twice"), ran = number_of("E/ran"),
	    level = number_of("E/level");
	CHECK_INT(ngot[total], RECORDS);
	for (size_t i = 0; i < RECORDS; i++)
		CHECK(got[twice][i].v == 2 * got[total][i].v && got[twice][i].at == got[total][i].at);
	CHECK_INT(ngot[ran], 40);	/* once a second over 40 s */
	CHECK_INT(got[ran][5].at % NS_PER_S, 0);
	CHECK(got[ran][ngot[ran] - 1].v > 18 && got[ran][ngot[ran] - 1].v < 21);
	CHECK(got[level][39].status == 0 && got[level][39].v > 290 && got[level][39].v < 310);
}

TEST(a_process_that_is_killed_counts_each_reading_once_and_repeats_nothing)
{
	CHECK_INT(campaign(test_dir(), often, NULL), 0);
	CHECK_INT(campaign(test_dir(), at_odd_places, NULL), 0);
}

TEST(without_a_cursor_results_come_again_but_are_right)
{
	CHECK(campaign(test_dir(), often, lose_cursor) > 0);
}

static void
spoil(const char *dir, const char *name)
{
	char path[600];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "r+");
	if (f == NULL)
		return;
	fseek(f, 30, SEEK_SET);
	fputc('!', f);
	fclose(f);
}

static void spoil_live(const char *dir) { spoil(dir, "live"); }

TEST(a_torn_file_gives_way_to_the_other_one)
{
	campaign(test_dir(), often, spoil_live);
}

TEST(a_folder_that_cannot_be_written_stops_nothing)
{
	static const struct insight_opts opts = { .dir = "/proc/no/such", .disk = &disk_os, .emit = on_batch };
	struct ring_writer *w;
	struct ring_reader *r;
	int fd;

	plan_free(the_plan);
	the_plan = load();
	memset(ngot, 0, sizeof ngot);
	struct insight *in = insight_new(&opts);
	CHECK_INT(insight_plan(in, load(), (struct wall){ T0 }), 0);
	CHECK_INT(ring_create("t", 1 << 20, &w, &fd), 0);
	CHECK_INT(ring_open(fd, &r), 0);
	insight_ring(in, "field:a", r);
	for (size_t i = 0; i < 30; i++) {
		write_record(w, i);
		turn(in, T0 + (int64_t)i * 100 * NS_PER_MS);
	}
	CHECK_INT(ngot[number_of("E/total")], 30);
	CHECK(insight_figures(in).save_errors > 0);
	CHECK(insight_save(in, (struct wall){ T0 }) != 0);
	insight_free(in);
	ring_writer_free(w);
	close(fd);
}

/* The ring runs over while insight is away: the counter goes by its readings, the rest knows of the gap. */
TEST(what_the_ring_lost_is_counted_by_the_next_reading)
{
	const char *dir = test_dir();
	struct ring_writer *w;
	int fd;

	plan_free(the_plan);
	the_plan = load();
	memset(ngot, 0, sizeof ngot);
	seq = 0;
	CHECK_INT(ring_create("t", RING_SIZE_MIN, &w, &fd), 0);
	struct insight *in = start(dir, fd);
	for (size_t i = 0; i < 30; i++) {
		write_record(w, i);
		turn(in, T0 + (int64_t)i * 100 * NS_PER_MS);
	}
	insight_free(in);
	for (size_t k = 0; k < 4000; k++)	/* the same moment over and over fills the ring */
		write_record(w, 100);
	for (size_t i = 101; i < 120; i++)
		write_record(w, i);
	in = start(dir, fd);
	turn(in, T0 + 12 * NS_PER_S);
	uint32_t total = number_of("E/total");
	CHECK(got[total][ngot[total] - 1].v == truth(119));
	CHECK(insight_figures(in).gaps > 0);
	insight_free(in);
	ring_writer_free(w);
	close(fd);
}
TEST_MAIN
