/*
 * What derived tags cost: one evaluation beside the same arithmetic written by hand in C, then the two loads of the
 * goal through insight/ as its process runs it, from batches in a ring to batches handed on: 100,000 derived tags once
 * a second, and 1,000 with each sample of inputs that come every millisecond. Time of arrival is simulated, processor
 * time is measured.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "insight/insight.h"
#include "model/status.h"
#include "proc/catalog.h"
#include "site/site.h"

#define START_NS (1795000000LL * NS_PER_S)

/* ---- one evaluation ---- */

static volatile double sink;	/* so that nothing is left out as unused */

static int
resolve(void *arg, const char *name, size_t len, struct expr_tag *out, char *why, size_t size)
{
	(void)arg;
	(void)why;
	(void)size;
	*out = (struct expr_tag){ .id = (uint64_t)name[0], .type = VALUE_F64, .name = name[0] == 'a' ? "a" : "b",
	    .unit = "bar",
	    .period_ns = NS_PER_MS };
	return len == 1 ? 0 : ERR_NOTFOUND;
}

/* By hand, as careful as it must be: statuses are looked at, what is no number is bad. */
static bool
by_hand(const struct expr_input *a, const struct expr_input *b, double *out)
{
	if (status_is_bad(a->status) || status_is_bad(b->status))
		return false;
	double v = (a->v.f64 - b->v.f64) * 1.5 + 0.25;
	*out = v > 80 ? a->v.f64 : v;
	return isfinite(*out);
}

static double
ns_each(const char *text, size_t programs, size_t rounds, bool hand)
{
	struct expr_env env = { .resolve = resolve };
	struct arena arena = { 0 };
	struct expr_error e;
	struct expr *p = NULL;
	static struct expr_input in[2];
	const struct expr_input *const at[2] = { &in[0], &in[1] };


	if (expr_compile(text, strlen(text), &env, &arena, &p, &e) != 0) {
		fprintf(stderr, "%s: %s\n", text, e.cause);
		exit(1);
	}
	size_t size = (expr_state_size(p) + 7) / 8;
	uint64_t *states = calloc(programs * size, 8);
	for (size_t i = 0; states != NULL && i < programs; i++)
		expr_init(p, states + i * size);
	double start = bench_cpu_s(0);
	for (size_t r = 0; states != NULL && r < rounds; r++) {
		for (int k = 0; k < 2; k++)
			in[k] = (struct expr_input){ { .type = VALUE_F64, .f64 = (double)(r % 97) + k }, 0,
			    { START_NS + (int64_t)r * NS_PER_MS } };
		for (size_t i = 0; i < programs; i++) {
			struct expr_result res;
			double v = 0;
			if (hand) {
				if (by_hand(at[0], at[1], &v))
					sink += v;
				continue;
			}
			expr_eval(p, states + i * size, at, 3, in[0].time, &res);
			sink += (double)res.status;
		}
	}
	double ns = (bench_cpu_s(0) - start) * 1e9 / (double)(programs * rounds);
	free(states);
	arena_fini(&arena);
	return ns;
}

static void
evaluations(void)
{
	static const struct { const char *name, *text; } rows[] = {
		{ "arithmetic and a choice, 18 steps",
		    "(a - b) * 1.5 + 0.25 [bar] > 80 ? a : (a - b) * 1.5 + 0.25 [bar]" },
		{ "two comparisons, held", "held(a > 5bar and b < 90bar, 5s)" },
		{ "counter", "counter(a, 1000)" },
		{ "mean over 1000 samples", "mean(a over 1000)" },
		{ "standard deviation over 1000 samples", "stddev(a over 1000)" },
		{ "maximum over 1 s, 1250 samples", "max(a over 1s)" },
		{ "95th percentile over 1000 samples", "percentile(a over 1000, 95)" },
		{ "time-weighted mean over 1 s", "tmean(a over 1s)" },
	};

	bench_title("One evaluation (1,000 expressions in turn, each with its own state)");
	double hand = ns_each(rows[0].text, 1000, 4000, true);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		bench_row(rows[i].name, ns_each(rows[i].text, 1000, i < 3 ? 2000 : 3000, false), "ns", i == 0 ?
		    "the same by hand in C" : NULL, hand, NULL);
}

/* ---- through insight ---- */

static uint64_t handed_on;

static void
on_batch(void *arg, const struct batch_head *head, const struct sample *v, const void *blob)
{
	(void)arg;
	(void)v;
	(void)blob;
	handed_on += head->n;
}

static void
on_dead(void *arg, const char *writer, uint64_t epoch)
{
	(void)arg;
	(void)epoch;
	fprintf(stderr, "ring of %s is dead\n", writer);
}

/* A site with `inputs` registers and `derived` tags over them, of three kinds in turn. */
static struct plan *
make_plan(const char *dir, unsigned inputs, unsigned derived, const char *scan_in, const char *scan_out)
{
	char path[512];
	struct plan *plan = NULL;
	struct site_report report = { 0 };
	struct buf out = { 0 };

	snprintf(path, sizeof path, "%s/site.yaml", dir);
	FILE *f = fopen(path, "w");
	if (f == NULL)
		return NULL;
	fprintf(f, "site: { enterprise: A, name: B }\nzones: { a: { level: 2 } }\n"
	    "sources: { p: { driver: modbus-tcp, zone: a, endpoint: \"127.0.0.1:1502\", unit: 1 } }\nequipment: { E: { source: p, tags: tags.csv } }\n");
	fclose(f);
	snprintf(path, sizeof path, "%s/tags.csv", dir);
	if ((f = fopen(path, "w")) == NULL)
		return NULL;
	fprintf(f, "name,at,expr,scan,unit\n");
	for (unsigned i = 0; i < inputs; i++)
		fprintf(f, "x%u,holding %u float32,,%s,bar\n", i, 2 * i, scan_in);
	for (unsigned i = 0; i < derived; i++) {
		unsigned a = i % inputs, b = (i * 7 + 1) % inputs;
		if (i % 4 < 2)
			fprintf(f, "d%u,,x%u * 1.5 + x%u,%s,\n", i, a, b, scan_out);
		else if (i % 4 == 2)
			fprintf(f, "d%u,,\"held(x%u > 5bar and x%u < 90bar, 5s)\",%s,\n", i, a, b, scan_out);
		else
			fprintf(f, "d%u,,mean(x%u over 60),%s,\n", i, a, scan_out);
	}
	fclose(f);
	snprintf(path, sizeof path, "%s/site.yaml", dir);
	if (site_load(path, catalog_all(), &plan, &report) != 0) {
		site_report_print(&report, false, &out);
		fprintf(stderr, "%.2000s", buf_text(&out));
	}
	site_report_free(&report);
	buf_fini(&out);
	return plan;
}

/* Rounds of all inputs, period_ns apart. Processor seconds a second of the plant. */
static double
load(unsigned inputs, unsigned derived, const char *scan_in, const char *scan_out, int64_t period_ns, unsigned rounds,
    double *each_ns)
{
	struct insight_opts opts = { .emit = on_batch, .ring_dead = on_dead };
	struct plan *plan = make_plan(bench_dir(), inputs, derived, scan_in, scan_out);
	struct insight *in = insight_new(&opts);
	struct ring_writer *w;
	struct ring_reader *r;
	struct sample *v = calloc(inputs, sizeof *v);
	int fd;

	*each_ns = 0;
	if (plan == NULL || in == NULL || v == NULL || ring_create("bench", 32u << 20, &w, &fd) != 0)
		return -1;
	uint64_t key = plan->sources[0].key, seq = 0;
	insight_plan(in, plan, (struct wall){ START_NS });
	ring_open(fd, &r);
	close(fd);
	insight_ring(in, "field:a", r);
	double start = 0;
	uint64_t before = 0;
	for (unsigned i = 0; i < rounds + 100; i++) {
		struct wall now = { START_NS + (int64_t)i * period_ns };
		for (unsigned k = 0; k < inputs; k++)
			v[k] = (struct sample){ .tag = k, .arrival = now,
			    .v = { .type = VALUE_F32, .f32 = (float)((i + k) % 97) } };
		if (i == 100) {	/* windows are full */
			start = bench_cpu_s(0);
			before = insight_figures(in).evaluated;
			handed_on = 0;
		}
		for (unsigned k = 0; k < inputs; k += BATCH_SAMPLES_MAX) {
			uint32_t n = inputs - k < BATCH_SAMPLES_MAX ? inputs - k : BATCH_SAMPLES_MAX;
			struct batch_head head = { .source_key = key, .seq = ++seq, .n = n };
			ring_commit(w, batch_pack(&head, v + k, "", ring_reserve(w, batch_size(n, 0))), n);
		}
		while (insight_turn(in, now).more)
			;
	}
	double cpu = bench_cpu_s(0) - start;
	*each_ns = cpu * 1e9 / (double)(insight_figures(in).evaluated - before);
	insight_free(in);
	ring_writer_free(w);
	free(v);
	return cpu / ((double)rounds * (double)period_ns / 1e9);
}

int
bench_expr(int argc, char **argv)
{
	double each;
	(void)argc;
	(void)argv;

	evaluations();
	bench_title("Through insight, with reading and writing batches; of one core");
	double core = load(10000, 100000, "1 s", "1 s", NS_PER_S, 20, &each);
	bench_row("100,000 derived tags at 1 s", core * 100, "% of a core", "goal", 100, NULL);
	bench_row("  an evaluation", each, "ns", NULL, 0, NULL);
	core = load(100, 1000, "10 ms", "", NS_PER_MS, 3000, &each);
	bench_row("1,000 expressions at 1 ms", core * 100, "% of a core", "goal", 100, NULL);
	bench_row("  an evaluation", each, "ns", NULL, 0, NULL);
	return 0;
}
