/*
 * modbus-limit: the fastest polling of 125-register blocks, one request under way a connection, 64 connections. The scan engine runs in
 * this process without a ring behind it; each source has more to read than fits its period, so it is never idle. Beside it, in
 * turn against the same server: a bare epoll loop that decodes nothing, and a loop on libmodbus that reads one connection after the
 * other. The server counts the requests of all of them; the processor time is that of the client alone.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "bench/bench.h"
#include "field/field.h"
#include "model/status.h"
#include "proc/catalog.h"
#include "site/site.h"

#define CONNECTIONS	64
#define REGISTERS	125
#define ROUNDS		5
#define WARM_S		1.0
#define SECONDS		1.5

struct server {
	struct bench_child	child;
	char			address[CONNECTIONS][32];
};

/* What a client had done by some moment, and what it did between two. */
struct mark {
	double	at_s, cpu_s, requests;
};
struct pace {
	double	requests_per_s, cpu_us;		/* cpu_us: of the client, a request */
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

static struct mark
mark(struct server *s, pid_t client)
{
	struct mark m = { .requests = -1 };

	kill(s->child.pid, SIGUSR1);
	const char *line = bench_line(&s->child, 10);
	if (line == NULL || sscanf(line, "stats {\"accepted\": %*u, \"requests\": %lf", &m.requests) != 1)
		fprintf(stderr, "bench: the server does not say how many requests it has answered\n");
	m.at_s = bench_now_s();
	m.cpu_s = bench_cpu_s(client);
	return m;
}

static struct pace
between(struct mark a, struct mark b)
{
	double n = b.requests - a.requests;

	if (a.requests < 0 || n <= 0)
		return (struct pace){ 0 };
	return (struct pace){ n / (b.at_s - a.at_s), (b.cpu_s - a.cpu_s) * 1e6 / n };
}

static struct pace
peer(struct server *s, const char *name)
{
	char program[4200];
	const char *argv[CONNECTIONS + 8] = { program };
	struct bench_child c;
	int n = 1;

	snprintf(program, sizeof program, "%s", bench_peer(name));
	for (int i = 0; i < CONNECTIONS; i++)
		argv[n++] = s->address[i];
	argv[n++] = "--connections";
	argv[n++] = "64";
	argv[n++] = "--seconds";
	argv[n++] = "60";	/* ended by us */
	if (!bench_spawn(&c, argv))
		return (struct pace){ 0 };
	usleep((useconds_t)(WARM_S * 1e6));
	struct mark a = mark(s, c.pid);
	usleep((useconds_t)(SECONDS * 1e6));
	struct mark b = mark(s, c.pid);
	bench_end(&c, SIGTERM);
	return between(a, b);
}

/* ---- our engine ---- */

static uint64_t	samples, bad, wrong;	/* bad: a status that is not good, wrong: good but not what the server holds */

/* The server's register i holds i: the last element of an array, the value of a tag. */
static void
on_batch(void *arg, const struct batch_head *head, const struct sample *v, const void *blob)
{
	uint16_t last;

	(void)arg;
	samples += head->n;
	for (uint32_t i = 0; i < head->n; i++) {
		uint64_t value = v[i].v.u, want = v[i].tag % REGISTERS;
		if (value_has_bytes(v[i].v.type)) {
			memcpy(&last, (const uint8_t *)blob + v[i].v.u + 2 * (REGISTERS - 1), sizeof last);
			value = last;
			want = REGISTERS - 1;
		}
		if (!status_is_good(v[i].status))
			bad++;
		else
			wrong += value != want;
	}
}

static void on_time(uv_timer_t *t) { uv_stop(t->loop); }

/* arrays: a block is one tag; else each register is one. */
static struct plan *
make_plan(struct server *s, bool arrays)
{
	char path[128];
	struct plan *plan = NULL;
	struct site_report report;
	int tags = arrays ? 100 : 16 * REGISTERS;

	snprintf(path, sizeof path, "%s/site.yaml", bench_dir());
	FILE *f = fopen(path, "w");
	if (f == NULL)
		return NULL;
	fputs("site: { enterprise: Bench, name: Rig }\nzones:\n  ot: { level: 2 }\nsources:\n", f);
	for (int i = 0; i < CONNECTIONS; i++)
		fprintf(f, "  s%d: { driver: modbus-tcp, zone: ot, endpoint: \"%s\", unit: 1, gap-limit: 0, round-trip: 0 ms }\n", i, s->address[i]);
	fputs("types:\n  device:\n    tags:\n", f);
	for (int i = 0; i < tags; i++)
		if (arrays)
			fprintf(f, "      b%d: { at: \"holding %d uint16[125]\", scan: 10ms }\n", i, i * REGISTERS);
		else
			fprintf(f, "      r%04d: { at: \"holding %d uint16\", scan: 10ms }\n", i, i);
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

static void
run_for(uv_loop_t *loop, uv_timer_t *timer, double seconds)
{
	uv_timer_start(timer, on_time, (uint64_t)(seconds * 1000), 0);
	uv_run(loop, UV_RUN_DEFAULT);
}

static struct pace
ours(struct server *s, bool arrays)
{
	struct plan *plan = make_plan(s, arrays);
	uv_loop_t loop;
	uv_timer_t timer;
	struct field *field;

	if (plan == NULL)
		return (struct pace){ 0 };
	log_open("bench", LOG_LEVEL_ERROR);
	uv_loop_init(&loop);
	uv_timer_init(&loop, &timer);
	struct field_config config = { .loop = &loop, .out.batch = on_batch };
	if (field_new(&config, &field) != 0 || field_apply(field, plan) != 0)
		return (struct pace){ 0 };
	run_for(&loop, &timer, WARM_S);
	bad = 0;	/* until it is connected a source's tags are bad */
	struct mark a = mark(s, 0);
	run_for(&loop, &timer, SECONDS);
	struct mark b = mark(s, 0);
	if (bad > 0)
		fprintf(stderr, "bench: %llu samples were bad while it was measured\n", (unsigned long long)bad);
	field_free(field);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return between(a, b);
}

/* ---- the table ---- */

static struct pace
median(const struct pace *v)
{
	double rate[ROUNDS], cpu[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		rate[i] = v[i].requests_per_s;
		cpu[i] = v[i].cpu_us;
	}
	return (struct pace){ bench_median(rate, ROUNDS), bench_median(cpu, ROUNDS) };
}

int
bench_modbus_limit(int argc, char **argv)
{
	struct server s = { 0 };
	struct pace epoll[ROUNDS], lib[ROUNDS], our[ROUNDS], tag[ROUNDS];
	(void)argc;
	(void)argv;

	if (!start_server(&s)) {
		bench_skip("modbus-limit", "the peers are not built; 'make peers' builds them");
		return 1;
	}
	/* In turn, and medians: the machine's speed drifts. */
	for (int i = 0; i < ROUNDS; i++) {
		epoll[i] = peer(&s, "modbus_epoll");
		our[i] = ours(&s, true);
		lib[i] = peer(&s, "modbus_poll");
		tag[i] = ours(&s, false);
	}
	bench_end(&s.child, SIGTERM);
	struct pace e = median(epoll), o = median(our), l = median(lib), t = median(tag);
	bench_title("modbus-limit: 125-register blocks, one request a connection, 64 connections (goal: 0.6 x epoll, 2 x libmodbus)");
	bench_row("requests, a block is a tag", o.requests_per_s, "1/s", "bare epoll loop, decodes nothing", e.requests_per_s, NULL);
	bench_row("requests, a block is a tag", o.requests_per_s, "1/s", "libmodbus loop", l.requests_per_s, NULL);
	bench_row("requests, a register is a tag", t.requests_per_s, "1/s", "bare epoll loop, decodes nothing", e.requests_per_s, NULL);
	bench_row("requests, a register is a tag", t.requests_per_s, "1/s", "libmodbus loop", l.requests_per_s, NULL);
	bench_row("processor a request, a block is a tag", o.cpu_us, "us", "bare epoll loop, decodes nothing", e.cpu_us, NULL);
	bench_row("processor a request, a register is a tag", t.cpu_us, "us", "libmodbus loop", l.cpu_us, NULL);
	if (wrong > 0)
		fprintf(stderr, "bench: %llu of %llu samples were not what the server holds\n", (unsigned long long)wrong, (unsigned long long)samples);
	return o.requests_per_s > 0 && e.requests_per_s > 0 && wrong == 0 ? 0 : 1;
}
