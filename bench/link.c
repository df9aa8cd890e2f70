/*
 * What a link costs on the wire: batches of 64 KiB in frames through TLS 1.3 from one process to another over loopback, decrypted, parsed and counted
 * there, beside as many bytes through plain TCP with write() and read(), which nobody looks at. A byte is one of a batch's payload as it stands in the
 * spool, and is taken for incompressible: frames, records and headers are not counted. Both ends as in sink and driver: proto/link over os/stream.
 * A second table sends batches of samples as the spool stores them, compressed, and has them checked and taken apart at the far end as the driver does.
 * Gate and disk are not in it; the whole chain is in test/link_soak.py. One and the other are measured in turns, since the machine may have
 * other work; the time of the processors, which that changes less, is printed too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "bench/bench.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "os/wake.h"
#include "proto/link/link_conn.h"
#include "proto/link/link_rig.h"
#include "spool/format.h"
#include "spool/spool.h"
#include "spool/stored.h"

#define BATCH	(64u << 10)
#define TOTAL	((size_t)256 << 20)	/* a run; of each kind there are RUNS. Of samples: before compression */
#define RUNS	9
#define HIGH	(256u << 10)

#define TAGS	1000u
#define SCANS	64u	/* batches that are sent over and over */

struct piece { uint8_t rec[LINK_REC]; const uint8_t *payload; size_t len, counts; };	/* counts: bytes of it, for the figure */

static size_t	got;
static struct stored	 stored;		/* of the far end; schema NULL: batches are counted, not opened */
static const struct schema_file *schema;

static bool
anybody(void *arg, const uint8_t *chain, size_t len)
{
	(void)arg;
	(void)chain;
	return len > 0;
}

static int
frame(void *arg, const struct link_frame *f)
{
	struct rec_header h;
	struct spool_batch b;
	bool chained;
	(void)arg;

	if (f->kind == LINK_BATCH && schema == NULL)
		got += f->len;
	if (f->kind != LINK_BATCH || schema == NULL)
		return 0;
	int err = stored_take(&stored, f->rec, f->p, f->len, schema, schema->hash, &chained, &b);
	if (err == 0 && rec_header_get(f->rec, &h) == 0)
		got += h.raw_len;
	return err;
}

static void
pair(int out[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage from;
	socklen_t len = sizeof a;
	int l = -1;

	out[0] = out[1] = -1;
	if (tcp_listen((struct sockaddr *)&a, sizeof a, &l) != 0 || getsockname(l, (struct sockaddr *)&a, &len) != 0 ||
	    tcp_connect((struct sockaddr *)&a, len, &out[0]) != 0)
		exit(1);
	while ((out[1] = tcp_accept(l, &from, &len)) == ERR_AGAIN)
		continue;
	stream_close(l);
}

static void
wait_for(int fd, bool out)
{
	struct wait_fd w = { .fd = fd, .in = true, .out = out };
	wait_fds(&w, 1, NS_PER_S);
}

static struct link_conn *
conn(int fd, bool server)
{
	static struct link_conn c;
	struct link_tls_conf conf = { .server = server, .judge = anybody };
	struct link_io io = { .read = stream_read, .write = stream_write, .frame = frame, .silence_ns = 60 * NS_PER_S };
	struct link_tls *tls = NULL;

	link_rig_cert(&conf);
	if (link_tls_new(&conf, &tls) != 0)
		exit(1);
	link_conn_init(&c, fd, tls, &io, mono_now());
	return &c;
}

static void
send_all(int fd, const struct piece *v, size_t n_pieces, bool link)
{
	struct link_conn *c = link ? conn(fd, false) : NULL;
	static uint8_t batch[BATCH];
	size_t no = 0;

	for (size_t sent = 0; link && sent < TOTAL;) {
		while (sent < TOTAL && link_tls_ready(c->tls) && link_conn_waiting(c) < HIGH) {
			const struct piece *p = &v[no++ % n_pieces];
			link_conn_batch(c, 0, p->rec, p->payload, p->len);
			sent += p->counts;
		}
		if (link_conn_step(c, mono_now()) != 0)
			exit(1);
		if (c->blocked || !link_tls_ready(c->tls))
			wait_for(fd, c->blocked);
	}
	while (link && link_conn_waiting(c) > 0) {
		if (link_conn_step(c, mono_now()) != 0)
			exit(1);
		wait_for(fd, true);
	}
	for (size_t sent = 0; !link && sent < TOTAL;) {
		ssize_t n = stream_write(fd, batch + sent % BATCH, BATCH - sent % BATCH);
		if (n == ERR_AGAIN)
			wait_for(fd, true);
		else if (n < 0)
			exit(1);
		else
			sent += (size_t)n;
	}
}

struct run { double mb_s, cpu; };	/* MB/s of payload; processor time a GB, of both ends */

static struct run
measure(const struct piece *v, size_t n_pieces, bool link)
{
	static uint8_t room[BATCH];
	struct rusage child;
	int fd[2];

	pair(fd);
	double cpu = bench_cpu_s(0), begin = bench_now_s();
	pid_t pid = fork();
	if (pid == 0) {
		send_all(fd[0], v, n_pieces, link);
		_exit(0);
	}
	stream_close(fd[0]);
	got = 0;
	struct link_conn *c = link ? conn(fd[1], true) : NULL;
	while (got < TOTAL) {
		ssize_t n = link ? link_conn_step(c, mono_now()) : stream_read(fd[1], room, sizeof room);
		if (!link && n > 0)
			got += (size_t)n;
		else if (n == ERR_AGAIN || (link && n == 0))
			wait_for(fd[1], link && c->blocked);
		else if (got < TOTAL)
			break;
	}
	double took = bench_now_s() - begin;
	cpu = bench_cpu_s(0) - cpu;
	if (wait4(pid, NULL, 0, &child) == pid)
		cpu += (double)(child.ru_utime.tv_sec + child.ru_stime.tv_sec) + (double)(child.ru_utime.tv_usec + child.ru_stime.tv_usec) / 1e6;
	if (link)
		link_conn_fini(c);
	stream_close(fd[1]);
	return (struct run){ (double)got / took / 1e6, cpu / ((double)got / 1e9) };
}

/* Scans of a thousand tags, one value in sixteen changed, as the spool stores them. */
static void
store(struct piece v[SCANS], struct schema_file *sc)
{
	static struct spool_tag tags[TAGS];
	static struct sample scan[TAGS];
	struct spool_schema plan = { .flow = "bench", .version = 1, .tags = tags, .n = TAGS };
	struct spool_opts opts = { .durability = SPOOL_NONE };
	const char *root = bench_dir();
	struct spool_root *r;
	struct spool_reader *rd;
	struct spool_batch b;
	struct spool_damage damage;
	struct spool *s;
	char dir[300];
	uint8_t *file;
	uint64_t seed = 1, first;
	size_t len;
	long holder;
	int err = 0;

	for (uint32_t i = 0; i < TAGS; i++)
		tags[i] = (struct spool_tag){ .name = "tag", .unit = "1", .type = i / 10 % 2 == 0 ? VALUE_F32 : VALUE_U16 };
	if (spool_root_open(root, &disk_os, &r, &holder) != 0 || spool_open(r, &plan, &opts, &s) != 0)
		exit(1);
	for (uint32_t k = 0; k < SCANS && err == 0; k++) {
		for (uint32_t i = 0; i < TAGS; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			scan[i].tag = i;
			scan[i].arrival.ns = 1700000000 * NS_PER_S + (int64_t)k * 100 * NS_PER_MS;
			scan[i].v.type = tags[i].type;
			if (k == 0 || (seed >> 40) % 16 == 0)
				scan[i].v = tags[i].type == VALUE_F32 ? (struct value){ .type = VALUE_F32, .f32 = 20.0f + (float)((seed >> 44) % 64) * 0.25f } :
				    (struct value){ .type = VALUE_U16, .u = 1000 + (seed >> 44) % 50 };
		}
		err = spool_append(s, scan, TAGS, NULL, scan[0].arrival, &first);
	}
	spool_close(s);
	spool_root_close(r);
	snprintf(dir, sizeof dir, "%s/bench@00000001", root);
	if (err != 0 || spool_reader_open(dir, 0, &disk_os, &rd) != 0 || chain_init(&stored.chain) != 0)
		exit(1);
	for (uint32_t k = 0; k < SCANS; k++) {
		struct rec_header h;
		if (spool_next(rd, &b, &damage) != 0 || rec_header_get(b.rec, &h) != 0)
			exit(1);
		uint8_t *copy = malloc(b.payload_len);
		if (copy == NULL)
			exit(1);
		memcpy(copy, b.payload, b.payload_len);
		v[k] = (struct piece){ .payload = copy, .len = b.payload_len, .counts = h.raw_len };
		memcpy(v[k].rec, b.rec, LINK_REC);
	}
	spool_reader_close(rd);
	chain_fini(&stored.chain);
	if (stored_init(&stored) != 0 || schema_encode(&plan, &file, &len) != 0 || schema_parse(file, len, &stored.chain, sc) != 0)
		exit(1);
	free(file);
}

struct medians { double link, plain, link_cpu, plain_cpu, ratio, worst, best; };

/* One and the other in turns. */
static struct medians
runs(const struct piece *v, size_t n)
{
	double plain[RUNS], tls[RUNS], plain_cpu[RUNS], tls_cpu[RUNS], ratio[RUNS];

	for (int i = 0; i < RUNS; i++) {
		struct run p = measure(v, n, false), t = measure(v, n, true);
		plain[i] = p.mb_s;
		tls[i] = t.mb_s;
		plain_cpu[i] = p.cpu;
		tls_cpu[i] = t.cpu;
		ratio[i] = t.mb_s / p.mb_s;
	}
	struct medians m = { bench_median(tls, RUNS), bench_median(plain, RUNS), bench_median(tls_cpu, RUNS), bench_median(plain_cpu, RUNS),
	    bench_median(ratio, RUNS), 0, 0 };
	m.worst = ratio[0];	/* sorted by now */
	m.best = ratio[RUNS - 1];
	return m;
}

int
bench_link(int argc, char **argv)
{
	static uint8_t batch[BATCH];
	static struct piece scans[SCANS];
	static struct schema_file sc;
	double rate[RUNS];
	const struct piece one = { .payload = batch, .len = BATCH, .counts = BATCH };
	(void)argc;
	(void)argv;

	for (size_t i = 0; i < sizeof batch; i++)
		batch[i] = (uint8_t)(i * 2654435761u >> 13);
	link_rig_cert(&(struct link_tls_conf){ 0 });	/* made before anything is measured; who it is, is not */
	struct medians m = runs(&one, 1);
	bench_title("link: batches of 64 KiB over loopback, one process to another; %d runs of each in turns, medians", RUNS);
	bench_row("link, TLS 1.3, both certificates", m.link, "MB/s", "plain TCP", m.plain, "goal: ratio of 0.5 at least");
	bench_row("processor time, both ends", m.link_cpu, "s/GB", "plain TCP", m.plain_cpu, NULL);
	bench_row("ratio of a pair of runs", m.ratio, "", NULL, 0, NULL);
	bench_note("of the pairs the worst had %.3f, the best %.3f", m.worst, m.best);
	store(scans, &sc);
	schema = &sc;
	size_t raw = 0, packed = 0;
	for (uint32_t i = 0; i < SCANS; i++) {
		raw += scans[i].counts;
		packed += scans[i].len;
	}
	for (int i = 0; i < RUNS; i++)
		rate[i] = measure(scans, SCANS, true).mb_s * SCANS * TAGS / (double)raw;
	bench_title("link: scans of %u samples as the spool stores them (%.1f bytes a sample, %.1f compressed), checked and taken apart there", TAGS,
	    (double)raw / SCANS / TAGS, (double)packed / SCANS / TAGS);
	bench_row("samples", bench_median(rate, RUNS), "M/s", NULL, 0, NULL);
	return 0;
}
