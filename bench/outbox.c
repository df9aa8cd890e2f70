/*
 * What an outbox costs: events from put to confirmed through the store alone, beside a bare loop that syncs the disk; then with a million
 * that wait, in many lanes of which most are held: memory, the length of a turn, opening, counting.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "bench/bench.h"
#include "bench/outbox_sap.h"
#include "os/clock.h"
#include "outbox/outbox.h"

#define PUT	1000u	/* events a put: a batch of the spool */

/* A far end that has what it is posted at once, but for lanes whose number ends in 1 or more when `refuse` is set. */
struct far {
	struct outbox	*b;
	bool		 refuse;
	uint64_t	 done;
};

static int
post(void *arg, const struct outbox_item *const *v, size_t n)
{
	struct far *f = arg;

	for (size_t i = 0; i < n; i++) {
		bool no = f->refuse && v[i]->of.lane[strlen(v[i]->of.lane) - 1] != '0';
		f->done += !no;
		outbox_verdict(f->b, v[i]->seq, &(struct outbox_verdict){ .kind = no ? OUTBOX_IS_REFUSED : OUTBOX_IS_DONE,
		    .document = no ? NULL : "0000004711/1", .code = no ? "BM/302" : NULL }, mono_now());
	}
	return 0;
}

static struct outbox *
open_outbox(const char *path, unsigned connections, unsigned batch, struct far *f)
{
	const struct outbox_opts o = { .connections = connections, .batch = batch, .settle_ns = 60 * NS_PER_S, .poster = { .post = post, .arg = f } };
	char why[500];

	if (outbox_open(path, &o, mono_now(), wall_now(), &f->b, why, sizeof why) != 0) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
	return f->b;
}

static void
put(struct outbox *b, uint64_t from, uint32_t n, uint64_t lanes)
{
	static struct outbox_new v[PUT];
	static char ids[PUT][40], keys[PUT][40], names[PUT][40], bodies[PUT][500];

	for (uint32_t i = 0; i < n; i++) {
		uint64_t k = from + i;
		/* As random as a name-based UUID is. */
		snprintf(ids[i], sizeof ids[i], "%08x-0000-5000-8000-%012llx", (unsigned)(k * 2654435761u), (unsigned long long)k);
		snprintf(keys[i], sizeof keys[i], "1000123/0010/%llu", (unsigned long long)k);
		snprintf(names[i], sizeof names[i], "order-%llu", (unsigned long long)(k % lanes));
		int len = snprintf(bodies[i], sizeof bodies[i], "{\"id\":\"%s\",\"event\":\"Packaging/Line 3/Filler/confirmation\",\"type\":"
		    "\"operations-performance\",\"key\":\"%s\",\"no\":%llu,\"time\":\"2026-11-22T22:40:12.123Z\",\"fields\":{\"order\":\"1000123\","
		    "\"operation\":\"0010\",\"yield\":120,\"unit\":\"PC\",\"scrap\":2},\"units\":{\"yield\":\"1\"},\"from\":{\"yield\":"
		    "[\"Packaging/Line 3/Filler/good-count\"]}}", ids[i], keys[i], (unsigned long long)k);
		v[i] = (struct outbox_new){ .id = ids[i], .event = "Packaging/Line 3/Filler/confirmation", .type = "operations-performance",
			.key = keys[i], .lane = names[i], .body = bodies[i], .body_len = (size_t)len, .flow = "confirmations", .no = k,
			.time = { 1795000000 * NS_PER_S + (int64_t)k }, .mapping = "production-order-confirmation" };
	}
	if (outbox_put(b, v, n, mono_now(), wall_now(), NULL) != 0) {
		fprintf(stderr, "%s\n", outbox_fault(b));
		exit(1);
	}
}

/* Syncs a second that the disk does: 4 KiB written and synced, one after another. */
static double
syncs(const char *dir)
{
	char path[300], page[4096] = "x";
	unsigned n = 0;

	snprintf(path, sizeof path, "%s/syncs", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	double began = bench_now_s();
	for (; fd >= 0 && bench_now_s() - began < 2; n++)
		if (pwrite(fd, page, sizeof page, (off_t)(n % 1000) * 4096) < 0 || fdatasync(fd) != 0)
			break;
	double took = bench_now_s() - began;
	close(fd);
	return n / took;
}

static void
through(const char *dir)
{
	static const struct { const char *name; unsigned connections, batch; } rows[] = {
		{ "8 connections, one event each", 8, 1 }, { "8 connections, $batch of 50", 8, 50 },
	};
	const uint64_t events = 100000;

	bench_title("Through the outbox alone: put, sent, confirmed, each durable before the next (far end: instant)");
	for (size_t i = 0; i < 2; i++) {
		struct far f = { 0 };
		char path[300];
		snprintf(path, sizeof path, "%s/through-%zu.db", dir, i);
		struct outbox *b = open_outbox(path, rows[i].connections, rows[i].batch, &f);
		double began = bench_now_s(), cpu = bench_cpu_s(0);
		for (uint64_t k = 0; f.done < events;) {
			if (k < events && k < f.done + 2000) {
				put(b, k, PUT, 1000);
				k += PUT;
			}
			outbox_turn(b, mono_now(), wall_now());
		}
		double took = bench_now_s() - began;
		cpu = bench_cpu_s(0) - cpu;
		bench_row(rows[i].name, (double)events / took, "events/s", "write + fdatasync", syncs(dir), NULL);
		bench_row("  processor, an event", cpu * 1e6 / (double)events, "us", NULL, 0, NULL);
		outbox_close(b);
	}
}

static void
turns(struct outbox *b, const char *name, unsigned n)
{
	double *v = calloc(n, sizeof *v), worst = 0;

	for (unsigned i = 0; v != NULL && i < n; i++) {
		double began = bench_now_s();
		outbox_turn(b, mono_now(), wall_now());
		v[i] = (bench_now_s() - began) * 1e3;
		worst = v[i] > worst ? v[i] : worst;
	}
	if (v != NULL) {
		char longest[60];
		snprintf(longest, sizeof longest, "longest %.1f ms", worst);
		bench_row(name, bench_median(v, n), "ms", NULL, 0, longest);
	}
	free(v);
}

static void
waiting(const char *dir, uint64_t million)
{
	struct far f = { .refuse = true };
	struct outbox_counts c;
	struct stat st;
	char path[300];

	snprintf(path, sizeof path, "%s/waiting.db", dir);
	bench_title("%llu events waiting, in 50,000 lanes, of which nine in ten are held by a refusal", (unsigned long long)million);
	struct outbox *b = open_outbox(path, 64, 100, &f);
	put(b, 0, PUT, 50000);
	double before = bench_pss_mib(0), began = bench_now_s();
	for (uint64_t k = PUT; k < million; k += PUT)
		put(b, k, PUT, 50000);
	bench_row("put, 1,000 at a time", (double)million / (bench_now_s() - began), "events/s", NULL, 0, NULL);
	turns(b, "a turn while lanes are refused (up to 6,400 events)", 8);
	for (int i = 0; i < 40; i++)
		outbox_turn(b, mono_now(), wall_now());
	bench_row("memory", bench_pss_mib(0), "MiB", "with 1,000 waiting", before, NULL);
	put(b, million, PUT, 50000);
	turns(b, "a turn with nothing that may go", 200);
	began = bench_now_s();
	outbox_counts(b, mono_now(), &c);
	bench_row("the account", (bench_now_s() - began) * 1e3, "ms", NULL, 0, NULL);
	outbox_close(b);
	began = bench_now_s();
	b = open_outbox(path, 8, 1, &f);
	bench_row("opening it", (bench_now_s() - began) * 1e3, "ms", NULL, 0, NULL);
	if (stat(path, &st) == 0)
		bench_row("its file", (double)st.st_size / 1048576, "MiB", NULL, 0, NULL);
	bench_note("%llu ready, %llu confirmed, %llu refused; %llu lanes are held", (unsigned long long)c.n[OUTBOX_READY],
	    (unsigned long long)c.n[OUTBOX_CONFIRMED], (unsigned long long)c.n[OUTBOX_REFUSED], (unsigned long long)c.lanes_held);
	outbox_close(b);
}

int
bench_outbox(int argc, char **argv)
{
	const char *dir = bench_dir();
	uint64_t million = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;

	log_open("bench", LOG_LEVEL_ERROR);
	through(dir);
	bench_outbox_sap();
	waiting(dir, million >= 2 * PUT ? million : 1000000);
	return 0;
}
