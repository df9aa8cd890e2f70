/*
 * history: 100,000 samples/s (10,000 tags at 10 Hz) into the local history, and a day of one tag at 1 s drawn. Beside them: SQLite alone taking
 * a row a sample in transactions of a second's worth; and reading the same number of rows.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "bench/bench.h"
#include "os/clock.h"
#include "ring/stats.h"
#include "sink/history/store.h"
#include "sink/sink.h"

#define TAGS	10000u
#define RATE	10u		/* a tag and second */
#define SECONDS	130u		/* beyond CHUNK_SAMPLES at this rate: every chunk is closed and folded once */
#define BATCH	1000u

static uint64_t	acked;
static bool	ended;

static void on_done(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last) { (void)h; (void)s; (void)first; acked = last; }
static void on_ready(struct sink_host *h) { (void)h; }
static void on_state(struct sink_host *h, bool up, const char *text) { (void)h; (void)up; (void)text; }
static void on_stopped(void *arg) { (void)arg; ended = true; }

struct bench_history {
	uv_loop_t		 loop;
	struct sink_host	 host;
	struct sink_stream	 stream;
	struct spool_schema	 schema;
	struct spool_tag	*tags;
	uint64_t		 stats[STATS_sink_N];
	struct sink		 cfg;
	struct keyval		 keys[4];
	void			*inst;
	char			 dir[128];
};

static bool
begin(struct bench_history *b, uint32_t ntags)
{
	char why[256];

	b->tags = calloc(ntags, sizeof *b->tags);
	for (uint32_t i = 0; i < ntags; i++) {
		char *name = malloc(32);
		snprintf(name, 32, "Line/Unit/tag-%05u", i);
		b->tags[i] = (struct spool_tag){ .name = name, .unit = "", .help = "", .type = VALUE_F32 };
	}
	snprintf(b->dir, sizeof b->dir, "%s", bench_dir());
	uv_loop_init(&b->loop);
	b->schema = (struct spool_schema){ .flow = "all", .version = 1, .tags = b->tags, .n = ntags };
	b->host = (struct sink_host){ .loop = &b->loop, .state_dir = b->dir, .done = on_done, .ready = on_ready, .state = on_state, .stats = b->stats };
	b->stream = (struct sink_stream){ .flow = "all", .schema_version = 1, .schema = &b->schema };
	b->cfg = (struct sink){ .name = "h", .keys = b->keys, .nkeys = 4 };
	b->inst = calloc(1, history_sink.size);
	acked = 0;
	return history_sink.open(b->inst, &b->cfg, NULL, &b->host, why, sizeof why) == 0 && history_sink.stream_add(b->inst, &b->stream) == 0;
}

static void
end(struct bench_history *b)
{
	ended = false;
	history_sink.stop(b->inst, (struct mono){ INT64_MAX }, on_stopped, NULL);
	while (!ended)
		uv_run(&b->loop, UV_RUN_ONCE);
	history_sink.close(b->inst);
	uv_loop_close(&b->loop);
	free(b->inst);
}

/* Samples of a second, as scans bring them, then the loop for what is left of the second. */
static void
offer_second(struct bench_history *b, uint64_t *next, uint32_t ntags, uint32_t rate, int64_t t0)
{
	static struct sample v[BATCH];

	for (uint32_t k = 0; k < rate; k++)
		for (uint32_t tag = 0; tag < ntags; tag += BATCH) {
			uint32_t n = ntags - tag < BATCH ? ntags - tag : BATCH;
			for (uint32_t i = 0; i < n; i++)
				v[i] = (struct sample){ .tag = tag + i, .arrival = { t0 + k * (NS_PER_S / rate) },
				    .v = { .type = VALUE_F32, .f32 = (float)((*next / 7 + i * 13) % 2000) / 10 } };
			struct spool_batch batch = { .first = *next, .n = n, .samples = v };
			while (history_sink.offer(b->inst, &b->stream, &batch, true) == ERR_FULL)
				uv_run(&b->loop, UV_RUN_ONCE);
			*next += n;
			uv_run(&b->loop, UV_RUN_NOWAIT);
		}
}

static void
nap(uv_timer_t *t)
{
	uv_stop(t->loop);
}

/* SQLite, a row a sample, found by tag and time; as much as two seconds bring. Processor seconds a second; 0: it refused. */
static double
plain_sqlite(const char *dir)
{
	char path[200];
	sqlite3 *db;
	sqlite3_stmt *st;
	int refused = 0;

	snprintf(path, sizeof path, "%s/plain.db", dir);
	refused |= sqlite3_open(path, &db);
	refused |= sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE s(tag INTEGER, t INTEGER, v REAL, "
	    "status INTEGER, PRIMARY KEY(tag, t)) WITHOUT ROWID;", NULL, NULL, NULL);
	refused |= sqlite3_prepare_v2(db, "INSERT INTO s VALUES(?,?,?,0)", -1, &st, NULL);
	double cpu = bench_cpu_s(0);
	for (uint32_t s = 0; s < 2 && !refused; s++) {
		refused |= sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
		for (uint32_t i = 0; i < TAGS * RATE; i++) {
			sqlite3_bind_int64(st, 1, i % TAGS);
			sqlite3_bind_int64(st, 2, (int64_t)s * NS_PER_S + i / TAGS * (NS_PER_S / RATE));
			sqlite3_bind_double(st, 3, i % 2000 / 10.0);
			refused |= sqlite3_step(st) != SQLITE_DONE;
			sqlite3_reset(st);
		}
		refused |= sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	}
	cpu = (bench_cpu_s(0) - cpu) / 2;
	sqlite3_finalize(st);
	sqlite3_close(db);
	return refused ? 0 : cpu;
}

static bool
ingest(void)
{
	struct bench_history b = { 0 };
	uint64_t next = 1;
	uv_timer_t timer;

	if (!begin(&b, TAGS))
		return false;
	uv_timer_init(&b.loop, &timer);
	double cpu = bench_cpu_s(0), at = bench_now_s();
	for (uint32_t s = 0; s < SECONDS; s++) {
		offer_second(&b, &next, TAGS, RATE, wall_now().ns);
		double left = at + s + 1 - bench_now_s();
		if (left > 0) {
			uv_timer_start(&timer, nap, (uint64_t)(left * 1000), 0);
			uv_run(&b.loop, UV_RUN_DEFAULT);
		}
	}
	double took = bench_now_s() - at;
	uv_close((uv_handle_t *)&timer, NULL);
	double rate = (double)(next - 1) / took;
	end(&b);
	double used = bench_cpu_s(0) - cpu;	/* with what it had kept to write later */
	if (acked != next - 1) {
		fprintf(stderr, "bench: %llu samples were offered and %llu kept\n", (unsigned long long)next - 1, (unsigned long long)acked);
		return false;
	}
	double plain = plain_sqlite(b.dir);
	bench_title("history: %u tags at %u Hz, with roll-ups (goal: 100,000 samples/s at half a core; a day drawn in 50 ms)", TAGS, RATE);
	bench_row("samples in", rate, "1/s", "offered", TAGS * RATE, NULL);
	bench_row("processor", used / took * 100, "% of core", plain > 0 ? "SQLite, a row a sample, no roll-ups" : NULL, plain * 100,
	    NULL);
	bench_row("processor", used / took * 100, "% of core", "goal", 50, NULL);
	return true;
}

static bool
draw(void)
{
	struct bench_history b = { 0 };
	uint64_t next = 1;
	char office[256], program[4200];
	int64_t t0 = wall_now().ns - 86400 * NS_PER_S;
	double took[7];

	if (!begin(&b, 1))
		return false;
	for (uint32_t s = 0; s < 86400; s++)
		offer_second(&b, &next, 1, 1, t0 + s * NS_PER_S);
	end(&b);
	/* As a state directory has it: <state>/office/<sink>/history.db */
	snprintf(office, sizeof office, "%s/office", b.dir);
	char command[1024];
	snprintf(command, sizeof command, "mkdir -p %s/h && mv %s/history.db* %s/h/", office, b.dir, office);
	if (system(command) != 0)
		return false;
	snprintf(program, sizeof program, "%s", bench_program());
	for (int raw = 0; raw < 2; raw++) {
		for (int i = 0; i < 7; i++) {
			const char *args[] = { program, "trend", "**", "--last", "1d", "--state", b.dir, raw ? "--raw" : NULL, NULL };
			struct bench_child c;
			double at = bench_now_s();
			if (!bench_spawn(&c, args))
				return false;
			int lines = 0;
			while (bench_line(&c, 10) != NULL)
				lines++;
			took[i] = (bench_now_s() - at) * 1000;
			bench_end(&c, SIGTERM);
			if (lines < 10) {
				fprintf(stderr, "bench: trend drew %d lines\n", lines);
				return false;
			}
		}
		bench_row(raw ? "a day at 1 s drawn from 86,400 samples" : "a day at 1 s drawn, by minute", bench_median(took, 7), "ms", "goal", 50, NULL);
	}
	return true;
}

int
bench_history(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	bool in = ingest();
	return draw() && in ? 0 : 1;
}
