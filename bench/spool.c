/*
 * How fast the spool takes samples in and gives them back, on one core, beside what the machine does with the same
 * bytes: a plain write() of them, and a plain read() with one look at every byte.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "bench/bench.h"
#include "spool/spool.h"

#define TAGS	1000u
#define T0	1700000000000000000LL

enum shape { SHAPE_STEADY, SHAPE_NOISY };

struct run {
	const char		*name;
	enum shape		 shape;
	enum spool_durability	 durability;
	uint32_t		 batches;
};

static struct spool_tag	tags[TAGS];
static char		names[TAGS][32];
static struct sample	scan[TAGS];

static void
make_tags(void)
{
	for (uint32_t i = 0; i < TAGS; i++) {
		snprintf(names[i], sizeof names[i], "Packaging/Line 3/tag-%u", i);
		/* Runs of registers: ten floats, then ten counters, as tables of PLCs mostly have them. */
		tags[i] = (struct spool_tag){
			.name = names[i], .unit = "1", .type = i / 10 % 2 == 0 ? VALUE_F32 : VALUE_U16
		};
	}
}

/*
 * The next scan: all tags, one arrival time. Steady: one value in sixteen has changed. Noisy: every one, to the last
 * bit.
 */
static void
next_scan(uint32_t k, enum shape shape)
{
	static uint64_t seed = 1;

	for (uint32_t i = 0; i < TAGS; i++) {
		struct sample *s = &scan[i];
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		s->tag = i;
		s->arrival.ns = T0 + (int64_t)k * 100 * NS_PER_MS;
		s->v.type = tags[i].type;
		if (k != 0 && shape == SHAPE_STEADY && (seed >> 40) % 16 != 0)
			continue;
		if (s->v.type == VALUE_F32)
			s->v.f32 = shape == SHAPE_NOISY ? (float)(seed >> 40) * 0.001f
							: 20.0f + (float)((seed >> 40) % 64) * 0.25f;
		else
			s->v.u = shape == SHAPE_NOISY ? seed >> 48 : 1000 + (seed >> 40) % 50;
	}
}

struct took {
	double	wall_s, cpu_s;
};

static struct took
since(struct took began)
{
	return (struct took){ bench_now_s() - began.wall_s, bench_cpu_s(0) - began.cpu_s };
}

static struct took
now(void)
{
	return (struct took){ bench_now_s(), bench_cpu_s(0) };
}

static void
must(int err, const char *what)
{
	if (err == 0)
		return;
	fprintf(stderr, "bench spool: %s: %s\n", what, err_text(err));
	exit(2);
}

static struct took
append_all(const struct run *run, const char *root, struct spool_state *state)
{
	const struct spool_schema schema = { .flow = "bench", .version = 1, .tags = tags, .n = TAGS };
	const struct spool_opts opts = { .durability = run->durability, .sync_ns = NS_PER_S };
	struct took sum = { 0 };
	struct spool_root *r;
	struct spool *s;
	struct mono again;
	uint64_t first;
	long holder;

	must(spool_root_open(root, &disk_os, &r, &holder), root);
	must(spool_open(r, &schema, &opts, &s), root);
	for (uint32_t k = 0; k < run->batches; k++) {
		next_scan(k, run->shape);
		struct took began = now();
		must(spool_append(s, scan, TAGS, NULL, (struct wall){ T0 + (int64_t)k }, &first), "append");
		must(spool_sync(s, (struct mono){ (int64_t)(began.wall_s * 1e9) }, false, &again), "sync");
		struct took t = since(began);
		sum.wall_s += t.wall_s;
		sum.cpu_s += t.cpu_s;
	}
	spool_state(s, state);
	spool_close(s);
	spool_root_close(r);
	return sum;
}

static struct took
replay_all(const char *root, uint64_t want)
{
	char dir[400];
	struct spool_reader *r;
	struct spool_batch b;
	struct spool_damage d;
	uint64_t n = 0;

	snprintf(dir, sizeof dir, "%s/bench@00000001", root);
	struct took began = now();
	must(spool_reader_open(dir, 0, &disk_os, &r), dir);
	while (spool_next(r, &b, &d) == 0)
		n += b.n;
	spool_reader_close(r);
	struct took t = since(began);
	if (n != want)
		must(ERR_CORRUPT, "replay");
	return t;
}

/* The same bytes in pieces of a batch: written, and read back with one look at each. */
static void
plain(const char *root, size_t piece, uint64_t bytes, struct took *wr, struct took *rd)
{
	char path[400];
	uint8_t *p = malloc(piece);
	uint32_t sum = 0;

	snprintf(path, sizeof path, "%s/plain", root);
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	must(fd < 0 || p == NULL ? ERR_IO : 0, path);
	memset(p, 0x5a, piece);
	struct took began = now();
	for (uint64_t n = 0; n < bytes; n += piece)
		must(write(fd, p, piece) == (ssize_t)piece ? 0 : ERR_IO, path);
	*wr = since(began);
	began = now();
	for (uint64_t at = 0; pread(fd, p, piece, (off_t)at) > 0; at += piece)
		sum = crc32c(sum, p, piece);
	*rd = since(began);
	must(sum == 1 ? ERR_IO : 0, path);	/* the sum is used, so it is made */
	close(fd);
	unlink(path);
	free(p);
}

static void
measure(const struct run *run)
{
	char root[300];
	struct spool_state st;
	struct took wr, rd;

	snprintf(root, sizeof root, "%s", bench_dir());
	struct took append = append_all(run, root, &st);
	double n = (double)(st.next - 1);
	struct took replay = replay_all(root, st.next - 1);
	plain(root, (size_t)(st.bytes / run->batches), st.bytes, &wr, &rd);

	bench_title("spool, %s: batches of %u samples, half float32, half uint16", run->name, TAGS);
	bench_row("append, a second of one core", n / append.cpu_s / 1e6, "M samples/s", "write() of the same bytes",
	    n / wr.cpu_s / 1e6, "goal 5");
	bench_row("append, by the clock", n / append.wall_s / 1e6, "M samples/s", "write() of the same bytes",
	    n / wr.wall_s / 1e6, NULL);
	bench_row("replay, a second of one core", n / replay.cpu_s / 1e6, "M samples/s", "read() of the same bytes",
	    n / rd.cpu_s / 1e6, "goal 10");
	bench_row("replay, by the clock", n / replay.wall_s / 1e6, "M samples/s", "read() of the same bytes",
	    n / rd.wall_s / 1e6, NULL);
	bench_row("on disk", (double)st.bytes / n, "bytes/sample", "struct sample in memory",
	    (double)sizeof(struct sample), NULL);
}

int
bench_spool(int argc, char **argv)
{
	static const struct run runs[] = {
		{ "one value in 16 changes, durability interval 1 s", SHAPE_STEADY, SPOOL_INTERVAL, 3000 },
		{ "one value in 16 changes, durability none", SHAPE_STEADY, SPOOL_NONE, 3000 },
		{ "every value is noise, durability interval 1 s", SHAPE_NOISY, SPOOL_INTERVAL, 3000 },
	};

	(void)argc;
	(void)argv;
	make_tags();
	for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
		measure(&runs[i]);
	return 0;
}
