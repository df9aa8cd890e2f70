/*
 * opcua: 100,000 variables of an OPC UA server, each changing once a second, as monitored items into the ring. Counted by the field process that holds the
 * driver. Beside it: a client on the same library that counts values and does nothing else (test/peers/ua_bare_client.c), before and after, with the
 * same server. Processor time is compared a value, since either may see a second more or less of changes. And `penstock browse` over the same server.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "bench/rig.h"

#define ITEMS	100000
#define SECONDS	20

struct bare { double values, cpu_s, rss_mb, create_s; };

static int
free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof in) != 0 || getsockname(fd, (struct sockaddr *)&in, &len) != 0)
		exit(1);
	close(fd);
	return ntohs(in.sin_port);
}

/* One run of the bare client, added to what runs before it have given. */
static bool
bare_run(const char *url, struct bare *out)
{
	char program[4200], items[16], seconds[16];
	const char *argv[] = { program, "--url", url, "--items", items, "--seconds", seconds, NULL };
	struct bench_child c;

	snprintf(program, sizeof program, "%s", bench_peer("ua_bare_client"));
	snprintf(items, sizeof items, "%d", ITEMS);
	snprintf(seconds, sizeof seconds, "%d", SECONDS / 2);
	const char *line = access(program, X_OK) == 0 && bench_spawn(&c, argv) ? bench_line(&c, SECONDS + 60) : NULL;
	json_t *o = line != NULL ? json_loads(line, 0, NULL) : NULL;
	if (o == NULL)
		return false;
	out->values += json_number_value(json_object_get(o, "values"));
	out->cpu_s += json_number_value(json_object_get(o, "cpu_s"));
	out->create_s = json_number_value(json_object_get(o, "create_s"));
	out->rss_mb = json_number_value(json_object_get(o, "rss_kb")) * 1024 / 1e6;
	json_decref(o);
	bench_end(&c, SIGTERM);
	return true;
}

static void
write_site(const char *url, struct buf *b)
{
	buf_printf(b, "site: { enterprise: Bench, name: Bench, country: DE, time-zone: UTC }\n"
	    "zones:\n  cell: { level: 2, sl-t: 1, description: cell }\n  plant: { level: 3, sl-t: 1, description: plant }\n"
	    "conduits:\n  up: { from: cell, to: plant, initiator: from, description: up }\n"
	    "sources:\n  s: { driver: opcua, zone: cell, endpoint: \"%s\", security: [none] }\n"
	    "sinks:\n  h: { kind: history, zone: plant, keep: 30 d }\n"
	    "equipment:\n  Line:\n    source: s\n    tags:\n", url);
	b->max = 64u << 20;
	for (int i = 0; i < ITEMS; i++)
		buf_printf(b, "      v%d: { at: \"[type float64] nsu=urn:penstock:test:plant;s=v%d\", scan: 1 s }\n", i, i);
	/* One tag leaves: what the flows behind the ring cost is measured elsewhere. */
	buf_puts(b, "flows:\n  one: { what: [ \"Line/v1\" ], to: h, how: { every-sample: yes }, why: bench, owner: bench }\n");
}

static bool
ours(struct rig *r, const char *url, struct bare *out)
{
	struct buf site = { .max = 64u << 20 };
	struct rig_usage a, b;

	write_site(url, &site);
	double begin = bench_now_s();
	bool ok = rig_start(r, &site);
	buf_fini(&site);
	/* Subscribed when all have had their first values. */
	while (ok && rig_figure(r, "source", "", "samples") < 2.0 * ITEMS && bench_now_s() - begin < 60)
		usleep(200000);
	sleep(8);		/* the attributes of the nodes are read behind the first values; that is over then */
	double before = rig_figure(r, "source", "", "samples");
	ok = ok && rig_children(r, "field:", &a);
	sleep(SECONDS);
	ok = ok && rig_children(r, "field:", &b);
	*out = (struct bare){ .values = rig_figure(r, "source", "", "samples") - before, .cpu_s = b.cpu_s - a.cpu_s,
		.rss_mb = b.pss_mib * 1.048576, .create_s = b.at_s - a.at_s };
	return ok;
}

static bool
failed(const char *who)
{
	fprintf(stderr, "bench: opcua: %s did not run to its end\n", who);
	return false;
}

/*
 * `penstock browse`, the whole program, from its start to the last line of its table; seconds, less than 0 when it
 * failed. lines: variables in the table.
 */
static double
browse(const char *url, double *lines)
{
	const char *argv[] = { bench_program(), "browse", url, "--set", "security=none", "--state", bench_dir(), NULL };
	struct bench_child c;
	double begin = bench_now_s();

	*lines = -1;		/* the head of the table */
	if (!bench_spawn(&c, argv))
		return -1;
	while (bench_line(&c, 60) != NULL)
		++*lines;
	double took = bench_now_s() - begin;
	bench_end(&c, SIGTERM);
	return *lines >= ITEMS ? took : -1;
}

/* The references of the same nodes alone, by the bare client: seconds of the walk without its start, 0 when it failed. */
static double
bare_browse(const char *url)
{
	char program[4200];
	const char *argv[] = { program, "--url", url, "--browse", NULL };
	struct bench_child c;

	snprintf(program, sizeof program, "%s", bench_peer("ua_bare_client"));
	const char *line = bench_spawn(&c, argv) ? bench_line(&c, 60) : NULL;
	json_t *o = line != NULL ? json_loads(line, 0, NULL) : NULL;
	double took = json_number_value(json_object_get(o, "browse_s"));
	json_decref(o);
	if (line != NULL)
		bench_end(&c, SIGTERM);
	return took;
}

int
bench_opcua(int argc, char **argv)
{
	char program[4200], port[16], items[16], url[64];
	const char *server[] = { program, "--port", port, "--variables", items, "--change-ms", "1000", NULL };
	struct bare plain = { 0 }, us = { 0 };
	struct bench_child s;
	struct rig r = { 0 };
	const char *line;
	(void)argc;
	(void)argv;

	snprintf(program, sizeof program, "%s", bench_peer("ua_server"));
	snprintf(port, sizeof port, "%d", free_port());
	snprintf(items, sizeof items, "%d", ITEMS);
	snprintf(url, sizeof url, "opc.tcp://127.0.0.1:%s", port);
	if (access(program, X_OK) != 0 || !bench_spawn(&s, server)) {
		bench_skip("opcua", "the peers are not built: make peers");
		return 0;
	}
	while ((line = bench_line(&s, 30)) != NULL && strncmp(line, "ready", 5) != 0)
		;
	double walks[3] = { 0 }, bare_walks[3] = { 0 }, found = 0;
	bool ok = line != NULL;
	for (int i = 0; ok && i < 3; i++)
		if ((walks[i] = browse(url, &found)) < 0 || (bare_walks[i] = bare_browse(url)) <= 0)
			ok = failed(walks[i] < 0 ? "penstock browse" : "the walk of the bare client");
	ok = ok && (bare_run(url, &plain) || failed("the bare client"));
	ok = ok && (ours(&r, url, &us) || failed("the gateway"));
	rig_stop(&r);
	ok = ok && (bare_run(url, &plain) || failed("the bare client"));
	bench_end(&s, SIGTERM);
	if (!ok || plain.values <= 0 || us.values <= 0)
		return 1;
	bench_title("opcua: %d monitored items that change at 1 s (goal: at most 1.5 x the processor of a bare client)", ITEMS);
	bench_row("values arriving", us.values / us.create_s, "1/s", "configured", ITEMS, NULL);
	bench_row("processor time a value, field process", us.cpu_s / us.values * 1e9, "ns", "bare open62541 client",
	    plain.cpu_s / plain.values * 1e9, "goal 1.5");
	bench_row("processor, field process", us.cpu_s / us.create_s * 100, "% of core", "bare open62541 client",
	    plain.cpu_s / SECONDS * 100, NULL);
	bench_row("memory, PSS of the field process", us.rss_mb, "MB", "bare open62541 client", plain.rss_mb, NULL);
	bench_row("browse, whole program, median of 3", bench_median(walks, 3), "s", "bare client, references alone", bench_median(bare_walks, 3),
	    "goal 3 s");
	bench_note("Browse found %.0f variables; ours reads type, rank, description and access of each, and unit and range where there is one.", found);
	bench_note("Ours hands every value on through the ring with status and three times, and keeps tag tables; the bare client counts.");
	return 0;
}
