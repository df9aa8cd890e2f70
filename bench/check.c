/*
 * `penstock check` on a site of 100 sources and 100,000 tags, most of them in one CSV table: the whole program, from start to
 * exit, beside Python's csv module (C code too) that reads the same table and judges nothing.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "bench/bench.h"
#include "proc/catalog.h"
#include "site/site.h"

#define SOURCES	100
#define TAGS	1000	/* of each source */
#define RUNS	5

static bool
write_table(const char *path)
{
	static const char *const types[] = { "float32", "uint16", "int32", "uint32", "int16" };
	static const int words[] = { 2, 1, 2, 2, 1 };
	static const char *const units[] = { "Cel", "bar", "/min", "m3/h", "%", "kW", "A", "V", "1", "mm/s" };
	static const char *const scans[] = { "1 s", "500 ms", "2 s" };
	FILE *f = fopen(path, "w");

	if (f == NULL)
		return false;
	fprintf(f, "path,source,at,unit,scan,range-low,range-high,description\n");
	for (int s = 0; s < SOURCES; s++)
		for (int t = 0, at = 0; t < TAGS; at += words[(s + t) % 5], t++)
			fprintf(f, "Area %d/Line %d/Machine %d/point-%04d,plc-%d,holding %d %s,%s,%s,0,%d,Measured value %d of line %d\n",
			    s / 10, s, t / 50, t, s, at, types[(s + t) % 5], units[t % 10], scans[t % 3], 100 + t, t, s);
	return fclose(f) == 0;
}

static bool
write_site(const char *path)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		return false;
	fprintf(f, "site: { enterprise: Acme, name: Large }\nzones: { a: { level: 2 }, it: { level: 3.5 } }\n"
	    "conduits: { up: { from: a, to: it } }\nsources:\n");
	for (int s = 0; s < SOURCES; s++)
		fprintf(f, "  plc-%d: { driver: modbus-tcp, zone: a, endpoint: 10.0.0.%d, unit: 1 }\n", s, s + 1);
	fprintf(f, "sinks:\n  broker: { kind: mqtt, zone: it, broker: \"broker.example:1883\" }\ntables: [tags.csv]\nflows:\n"
	    "  all: { what: \"**\", to: broker, why: measurement, owner: bench }\n"
	    "  means: { what: \"*/Line 5/**\", to: broker, how: { window: 10 s, functions: [mean] }, why: measurement, owner: bench }\n");
	return fclose(f) == 0;
}

/* Wall time of a program from start to the end of its output, the median of some runs; below 0 when it cannot be run. */
static double
time_of(const char *const *argv)
{
	double v[RUNS];
	for (size_t i = 0; i < RUNS; i++) {
		struct bench_child c;
		double start = bench_now_s();
		if (!bench_spawn(&c, argv))
			return -1;
		while (bench_line(&c, 60) != NULL)
			continue;
		v[i] = bench_now_s() - start;
		bench_end(&c, SIGTERM);
	}
	return bench_median(v, RUNS);
}

static double
cpu_of_load(const char *site, uint32_t *tags)
{
	double v[RUNS];
	*tags = 0;
	for (size_t i = 0; i < RUNS; i++) {
		struct plan *p = NULL;
		struct site_report r;
		double start = bench_cpu_s(0);
		int err = site_load(site, catalog_all(), &p, &r);
		v[i] = bench_cpu_s(0) - start;
		if (err == 0)
			*tags = p->ntags;
		plan_free(p);
		site_report_free(&r);
	}
	return bench_median(v, RUNS);
}

int
bench_check(int argc, char **argv)
{
	char site[300], table[300];
	uint32_t tags;
	(void)argc;
	(void)argv;

	snprintf(site, sizeof site, "%s/site.yaml", bench_dir());
	snprintf(table, sizeof table, "%.*s/tags.csv", (int)(strrchr(site, '/') - site), site);
	if (!write_table(table) || !write_site(site)) {
		bench_skip("check", "the site cannot be written");
		return 1;
	}
	double cpu = cpu_of_load(site, &tags);
	double wall = time_of((const char *const[]){ bench_program(), "check", "--json", site, NULL });
	double python = time_of((const char *const[]){ "/usr/bin/python3", "-c",
	    "import csv,sys\nfor row in csv.reader(open(sys.argv[1], newline='', encoding='utf-8')): pass", table, NULL });
	bench_title("check of a site with 100 sources and %u CSV tags (goal: under 0.5 s)", tags);
	bench_row("check-wall", wall, "s", python > 0 ? "python3 csv.reader alone" : NULL, python, "median of 5 runs of the program");
	bench_row("check-cpu", cpu, "s", "goal", 0.5, "load, check and compile within one process");
	return tags == SOURCES * TAGS && wall > 0 ? 0 : 1;
}
