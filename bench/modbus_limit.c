/*
 * modbus-limit: the fastest polling of 125-register blocks, one request under way a connection, 64 connections. The scan engine runs in
 * this process without a ring behind it; each source has more to read than fits its period, so it is never idle. Beside it, in
 * turn against the same server: a bare epoll loop that decodes nothing, and a loop on libmodbus. Requests are counted by the server.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "bench/bench.h"
#include "field/field.h"
#include "proc/catalog.h"
#include "site/site.h"

#define CONNECTIONS	64
#define BLOCKS		100
#define SECONDS		3.0

struct server {
	struct bench_child	child;
	char			address[CONNECTIONS][32];
};

static bool
start_server(struct server *s)
{
	char ports[16], program[4200];
	snprintf(ports, sizeof ports, "%d", CONNECTIONS);
	snprintf(program, sizeof program, "%s", bench_peer("modbus_fast_server"));
	const char *argv[] = { program, "--ports", ports, NULL };
	int n = 0;

	if (access(program, X_OK) != 0 || !bench_spawn(&s->child, argv))
		return false;
	for (const char *line; (line = bench_line(&s->child, 10)) != NULL && strcmp(line, "ready") != 0;)
		if (n < CONNECTIONS && sscanf(line, "listening %31s", s->address[n]) == 1)
			n++;
	return n == CONNECTIONS;
}

static double
peer(struct server *s, const char *name)
{
	char program[4200];
	const char *argv[CONNECTIONS + 8] = { program };
	struct bench_child c;
	json_error_t e;
	int n = 1;

	snprintf(program, sizeof program, "%s", bench_peer(name));
	for (int i = 0; i < CONNECTIONS; i++)
		argv[n++] = s->address[i];
	argv[n++] = "--connections";
	argv[n++] = "64";
	argv[n++] = "--seconds";
	argv[n++] = "3";
	if (!bench_spawn(&c, argv))
		return 0;
	const char *line = bench_line(&c, 30);
	json_t *o = line != NULL ? json_loads(line, 0, &e) : NULL;
	double rps = json_number_value(json_object_get(o, "requests_per_s"));
	json_decref(o);
	bench_end(&c, SIGTERM);
	return rps;
}

/* ---- our engine ---- */

static uint64_t	samples;

static void
on_batch(void *arg, const struct batch_head *head, const struct sample *v, const void *blob)
{
	(void)arg;
	(void)v;
	(void)blob;
	samples += head->n;
}

static void on_time(uv_timer_t *t) { uv_stop(t->loop); }

static double
figure(struct stats *s, char names[][16], enum stats_source_figure f)
{
	double sum = 0;
	for (int i = 0; i < CONNECTIONS; i++)
		sum += (double)stat_get(&stats_object(s, STATS_source, names[i])[f]);
	return sum;
}

static struct plan *
make_plan(struct server *s)
{
	char path[128];
	struct plan *plan = NULL;
	struct site_report report;

	snprintf(path, sizeof path, "%s/site.yaml", bench_dir());
	FILE *f = fopen(path, "w");
	if (f == NULL)
		return NULL;
	fputs("site: { enterprise: Bench, name: Rig }\nzones:\n  ot: { level: 2 }\nsources:\n", f);
	for (int i = 0; i < CONNECTIONS; i++)
		fprintf(f, "  s%d: { driver: modbus-tcp, zone: ot, endpoint: \"%s\", unit: 1, gap-limit: 0, round-trip: 0 ms }\n", i, s->address[i]);
	fputs("types:\n  device:\n    tags:\n", f);
	for (int i = 0; i < BLOCKS; i++)
		fprintf(f, "      b%d: { at: \"holding %d uint16[125]\", scan: 10ms }\n", i, i * 125);
	fputs("equipment:\n", f);
	for (int i = 0; i < CONNECTIONS; i++)
		fprintf(f, "  Line/D%d: { type: device, source: s%d }\n", i, i);
	fclose(f);
	int err = site_load(path, catalog_all(), &plan, &report);
	if (err != 0) {
		struct buf b = { 0 };
		site_report_print(&report, false, &b);
		fputs(buf_text(&b), stderr);
		buf_fini(&b);
	}
	site_report_free(&report);
	return plan;
}

static double
ours(struct server *s, double *samples_per_s)
{
	struct plan *plan = make_plan(s);
	struct stats *stats;
	char names[CONNECTIONS][16];
	uv_loop_t loop;
	uv_timer_t timer;
	struct field *field;
	int fd;

	if (plan == NULL || stats_create(2 * CONNECTIONS, &fd) != 0 || stats_map(fd, &stats) != 0)
		return 0;
	for (int i = 0; i < CONNECTIONS; i++)
		snprintf(names[i], sizeof names[i], "s%d", i);
	log_open("bench", LOG_LEVEL_ERROR);
	uv_loop_init(&loop);
	uv_timer_init(&loop, &timer);
	struct field_config config = { .loop = &loop, .out.batch = on_batch, .stats = stats };
	if (field_new(&config, &field) != 0 || field_apply(field, plan) != 0)
		return 0;
	uv_timer_start(&timer, on_time, 1500, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	double at = bench_now_s(), requests = figure(stats, names, STATS_source_replies);
	samples = 0;
	uv_timer_start(&timer, on_time, (uint64_t)(SECONDS * 1000), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	double took = bench_now_s() - at;
	*samples_per_s = (double)samples * 125 / took;
	double rps = (figure(stats, names, STATS_source_replies) - requests) / took;
	field_free(field);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	stats_unmap(stats);
	close(fd);
	return rps;
}

int
bench_modbus_limit(int argc, char **argv)
{
	struct server s = { 0 };
	double epoll[3], lib[3], our[3], values = 0;
	(void)argc;
	(void)argv;

	if (!start_server(&s)) {
		bench_skip("modbus-limit", "the peers are not built; 'make peers' builds them");
		return 1;
	}
	/* In turn, three times: the machine's speed drifts. */
	for (int i = 0; i < 3; i++) {
		epoll[i] = peer(&s, "modbus_epoll");
		our[i] = ours(&s, &values);
		lib[i] = peer(&s, "modbus_poll");
	}
	bench_end(&s.child, SIGTERM);
	double e = bench_median(epoll, 3), o = bench_median(our, 3), l = bench_median(lib, 3);
	bench_title("modbus-limit: 125-register blocks, one request a connection, 64 connections (goal: 0.6 x epoll, 2 x libmodbus)");
	bench_row("requests, scan engine", o, "1/s", "bare epoll loop, decodes nothing", e, NULL);
	bench_row("requests, scan engine", o, "1/s", "libmodbus loop", l, NULL);
	bench_row("registers decoded", values, "1/s", NULL, 0, NULL);
	return o > 0 && e > 0 ? 0 : 1;
}
