/* The spool on the real disk: what goes in comes out, in order, across segments, restarts and damage. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "spool/format.h"
#include "spool/names.h"
#include "spool/spool.h"

#define T0 1700000000000000000LL

static struct spool_tag tags[] = {
	{ .name = "Line/temp",
	    .unit = "Cel",
	    .help = "of the bath",
	    .type = VALUE_F32,
	    .has_range = true,
	    .lo = -10,
	    .hi = 120 },
	{ .name = "Line/count", .unit = "1", .type = VALUE_U16 },
	{ .name = "Line/text", .type = VALUE_TEXT },
	{ .name = "Line/curve", .type = VALUE_I16 | VALUE_ARRAY },
	{ .name = "Line/big", .type = VALUE_I64 },
	{ .name = "Line/on", .type = VALUE_BOOL },
};
static const struct spool_schema schema = { .flow = "speeds/of line 3", .version = 0xabc123, .tags = tags, .n = 6 };
static const struct spool_opts each = { .durability = SPOOL_EACH };

/* Sample k of the stream is a function of k alone, so whatever comes back can be checked. */
static struct sample
make(uint64_t k)
{
	static char texts[8192][24];
	static const int16_t curve[4] = { -1, 2, -3, 4 };
	struct sample s = { .tag = (uint32_t)(k % 6),
		.status = k % 7 == 0 ? 0x800A0000u : 0,
		.arrival = { T0 + (int64_t)(k / 12) * 1000000 },
		.source = { k % 5 == 0 ? 0 : T0 + (int64_t)k * 777 },
		.flags = k % 11 == 0 };

	s.v.type = tags[s.tag].type;
	switch (s.tag) {
	case 0: s.v.f32 = (float)k * 0.25f; break;
	case 1: s.v.u = k & 0xffff; break;
	case 2:
		s.v.len = (uint32_t)snprintf(texts[k % 8192], sizeof texts[0], "text %llu", (unsigned long long)k);
		s.v.p = texts[k % 8192];
		break;
	case 3: s.v.p = curve; s.v.len = sizeof curve; break;
	case 4: s.v.i = -(int64_t)k * 1000003; break;
	default: s.v.b = k & 1; break;
	}
	if (k % 13 == 0)
		s.v = (struct value){ .type = VALUE_NULL };
	return s;
}

static void
check_sample(const struct sample *got, uint64_t k)
{
	struct sample want = make(k);

	CHECK_INT(got->tag, want.tag);
	CHECK_INT(got->status, want.status);
	CHECK_INT(got->arrival.ns, want.arrival.ns);
	CHECK_INT(got->source.ns, want.source.ns);
	CHECK_INT(got->server.ns, want.server.ns);
	CHECK_INT(got->flags, want.flags);
	CHECK(value_equal(&got->v, &want.v));
}

static const char *
root_dir(void)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/spool", test_dir());
	return path;
}

static const char *
stream_dir(const char *root)
{
	static char path[256];
	snprintf(path, sizeof path, "%s/speeds%%2Fof%%20line%%203@00abc123", root);
	return path;
}

/* Append n samples numbered from `first` on. */
static int
put(struct spool *s, uint64_t first, size_t n)
{
	static struct sample v[SPOOL_BATCH_MAX];
	struct spool_mark mark = { 77, first * 10, first };
	uint64_t got;

	for (size_t i = 0; i < n; i++)
		v[i] = make(first + i);
	int err = spool_append(s, v, n, &mark, (struct wall){ T0 + (int64_t)first }, &got);
	if (err == 0)
		CHECK_INT(got, first);
	return err;
}

static struct spool *
open_stream(const char *root, const struct spool_opts *opts, struct spool_root **r)
{
	struct spool *s;
	long holder;

	CHECK_INT(spool_root_open(root, &disk_os, r, &holder), 0);
	CHECK_INT(spool_open(*r, &schema, opts, &s), 0);
	return s;
}

static void
close_stream(struct spool_root *r, struct spool *s)
{
	spool_close(s);
	spool_root_close(r);
}

/* Read on from the reader's place to the end; every number must come once. Returns the number behind the last. */
static uint64_t
read_on(struct spool_reader *r, uint64_t from, uint64_t *lost)
{
	struct spool_batch b;
	struct spool_damage d;
	int err;

	while ((err = spool_next(r, &b, &d)) == 0 || err == ERR_GAP) {
		uint64_t first = err == 0 ? b.first : d.first, last = err == 0 ? b.first + b.n - 1 : d.last;
		CHECK_INT(first, from);
		for (uint32_t i = 0; err == 0 && i < b.n; i++)
			check_sample(&b.samples[i], b.first + i);
		if (err == ERR_GAP)
			*lost += last - first + 1;
		from = last + 1;
	}
	CHECK_INT(err, ERR_AGAIN);
	return from;
}

static uint64_t
read_all(const char *root, uint64_t from, uint64_t *lost)
{
	struct spool_reader *r;

	*lost = 0;
	CHECK_INT(spool_reader_open(stream_dir(root), from, &disk_os, &r), 0);
	uint64_t next = read_on(r, from != 0 ? from : 1, lost);
	spool_reader_close(r);
	return next;
}

/* Path of the segment that begins with `first`. */
static const char *
seg(const char *root, uint64_t first)
{
	static char path[DISK_PATH_MAX];
	CHECK_INT(name_segment(stream_dir(root), first, ".seg", path), 0);
	return path;
}

static void
flip(const char *path, long at)
{
	int fd = open(path, O_RDWR);
	uint8_t b;
	CHECK(fd >= 0 && pread(fd, &b, 1, at) == 1);
	b ^= 0x20;
	CHECK(pwrite(fd, &b, 1, at) == 1);
	close(fd);
}

static uint64_t
size_of(const char *path)
{
	struct stat st;
	CHECK(stat(path, &st) == 0);
	return (uint64_t)st.st_size;
}

TEST(what_goes_in_comes_out)
{
	const char *root = root_dir();
	struct spool_root *r;
	struct spool *s = open_stream(root, &each, &r);
	uint64_t lost, next = 1;

	for (size_t i = 0; i < 20; i++) {
		CHECK_INT(put(s, next, 100 + i), 0);
		next += 100 + i;
	}
	struct spool_state st;
	spool_state(s, &st);
	CHECK_INT(st.first, 1);
	CHECK_INT(st.next, next);
	CHECK_INT(st.durable, next);
	CHECK_INT(st.marks[0].epoch, 77);
	CHECK_INT(st.marks[0].pos, (next - 119) * 10);
	CHECK_INT(st.bytes, size_of(seg(root, 1)));
	close_stream(r, s);
	CHECK_INT(read_all(root, 0, &lost), next);
	CHECK_INT(lost, 0);
}

TEST(the_schema_is_read_back)
{
	const char *root = root_dir();
	struct spool_root *r;
	struct spool_reader *rd;

	struct spool *s = open_stream(root, &each, &r);
	close_stream(r, s);
	CHECK_INT(spool_reader_open(stream_dir(root), 0, &disk_os, &rd), 0);
	const struct spool_schema *got = spool_reader_schema(rd);
	CHECK_STR(got->flow, schema.flow);
	CHECK_INT(got->version, schema.version);
	CHECK_INT(got->n, 6);
	CHECK_STR(got->tags[0].unit, "Cel");
	CHECK_STR(got->tags[0].help, "of the bath");
	CHECK(got->tags[0].has_range && got->tags[0].hi == 120);
	CHECK_INT(got->tags[3].type, VALUE_I16 | VALUE_ARRAY);
	spool_reader_close(rd);
}

TEST(a_restart_goes_on_where_it_ended)
{
	const char *root = root_dir();
	struct spool_opts small = { .durability = SPOOL_INTERVAL, .segment_bytes = 8192 };
	struct spool_root *r;
	struct spool_state before, after;
	uint64_t next = 1, lost;

	for (int run = 0; run < 5; run++) {
		struct spool *s = open_stream(root, &small, &r);
		spool_state(s, &after);
		CHECK_INT(after.next, next);
		if (run > 0) {
			CHECK_BYTES(after.hash, before.hash, SPOOL_HASH);
			CHECK_INT(after.marks[0].pos, before.marks[0].pos);
			CHECK_INT(after.bytes, before.bytes);
			CHECK_INT(after.segments, before.segments);
		}
		for (int i = 0; i < 10; i++, next += 200)
			CHECK_INT(put(s, next, 200), 0);
		spool_state(s, &before);
		close_stream(r, s);
	}
	CHECK(before.segments > 3);
	CHECK_INT(read_all(root, 0, &lost), next);
	CHECK_INT(read_all(root, 4201, &lost), next);
	CHECK_INT(lost, 0);
}

TEST(a_second_gate_is_refused_and_told_who_is_there)
{
	const char *root = root_dir();
	struct spool_root *one, *two;
	long holder;

	CHECK_INT(spool_root_open(root, &disk_os, &one, &holder), 0);
	CHECK_INT(spool_root_open(root, &disk_os, &two, &holder), ERR_BUSY);
	CHECK_INT(holder, getpid());
	spool_root_close(one);
	CHECK_INT(spool_root_open(root, &disk_os, &two, &holder), 0);
	spool_root_close(two);
}

TEST(a_torn_tail_is_cut)
{
	const char *root = root_dir();
	struct spool_root *r;
	struct spool *s = open_stream(root, &each, &r);
	struct spool_state st;
	uint64_t lost;

	CHECK_INT(put(s, 1, 50), 0);
	uint64_t whole = size_of(seg(root, 1));
	CHECK_INT(put(s, 51, 50), 0);
	close_stream(r, s);
	uint64_t full = size_of(seg(root, 1));
	CHECK(truncate(seg(root, 1), (off_t)(full - 7)) == 0);
	CHECK_INT(read_all(root, 0, &lost), 51);
	s = open_stream(root, &each, &r);
	spool_state(s, &st);
	CHECK_INT(st.cut_bytes, full - 7 - whole);
	CHECK_INT(st.next, 51);
	CHECK_INT(put(s, 51, 10), 0);
	close_stream(r, s);
	CHECK_INT(read_all(root, 0, &lost), 61);
	CHECK_INT(lost, 0);
}

TEST(a_damaged_middle_is_reported_with_its_numbers_and_skipped)
{
	const char *root = root_dir();
	struct spool_root *r;
	struct spool *s = open_stream(root, &each, &r);
	uint64_t ends[4], lost;

	for (uint64_t i = 0; i < 4; i++) {
		CHECK_INT(put(s, 1 + i * 50, 50), 0);
		ends[i] = size_of(seg(root, 1));
	}
	close_stream(r, s);
	flip(seg(root, 1), (long)ends[0] + 3);			/* header of the second */
	CHECK_INT(read_all(root, 0, &lost), 201);
	CHECK_INT(lost, 50);
	flip(seg(root, 1), (long)ends[1] + REC_HEADER + 5);	/* content of the third */
	CHECK_INT(read_all(root, 0, &lost), 201);
	CHECK_INT(lost, 100);
	s = open_stream(root, &each, &r);
	CHECK_INT(put(s, 201, 5), 0);
	close_stream(r, s);
	CHECK_INT(read_all(root, 0, &lost), 206);
	CHECK_INT(lost, 100);
	flip(seg(root, 1), 20);					/* the segment's header costs no sample */
	CHECK_INT(read_all(root, 0, &lost), 206);
	CHECK_INT(lost, 100);
}

TEST(a_reader_follows_the_writer)
{
	const char *root = root_dir();
	struct spool_opts small = { .durability = SPOOL_NONE, .segment_bytes = 4096 };
	struct spool_root *r;
	struct spool *s = open_stream(root, &small, &r);
	struct spool_reader *rd;
	uint64_t next = 1, seen = 1, lost = 0;

	CHECK_INT(spool_reader_open(stream_dir(root), 1, &disk_os, &rd), 0);
	for (int i = 0; i < 200; i++) {
		seen = read_on(rd, seen, &lost);
		CHECK_INT(seen, next);
		CHECK_INT(put(s, next, 20), 0);
		next += 20;
	}
	CHECK_INT(read_on(rd, seen, &lost), next);
	CHECK_INT(lost, 0);
	spool_reader_close(rd);
	close_stream(r, s);
}

struct dropped { uint64_t first, last; int n; const char *policy; int err; };

static int
note_drop(void *arg, uint64_t first, uint64_t last, const char *policy)
{
	struct dropped *d = arg;
	if (d->n++ == 0)
		d->first = first;
	d->last = last;
	d->policy = policy;
	return d->err;
}

TEST(trim_deletes_what_is_settled_and_nothing_else)
{
	const char *root = root_dir();
	struct spool_opts small = { .durability = SPOOL_EACH, .segment_bytes = 4096 };
	struct spool_root *r;
	struct spool *s = open_stream(root, &small, &r);
	struct spool_state st;
	struct dropped d = { 0 };

	for (uint64_t n = 1; n < 4000; n += 100)
		CHECK_INT(put(s, n, 100), 0);
	CHECK_INT(spool_trim(s, 1, (struct wall){ T0 }, note_drop, &d), 0);
	spool_state(s, &st);
	CHECK_INT(st.first, 1);
	CHECK_INT(spool_trim(s, 2000, (struct wall){ T0 }, note_drop, &d), 0);
	spool_state(s, &st);
	CHECK(st.first > 1 && st.first <= 2000);
	CHECK_INT(d.n, 0);
	CHECK_INT(spool_trim(s, UINT64_MAX, (struct wall){ T0 }, note_drop, &d), 0);
	spool_state(s, &st);
	CHECK_INT(st.segments, 1);
	CHECK_INT(st.next, 4001);
	close_stream(r, s);
}

TEST(quota_and_age_tell_what_they_drop_and_can_be_vetoed)
{
	const char *root = root_dir();
	struct spool_opts small = { .durability = SPOOL_EACH, .segment_bytes = 64 << 10, .quota_bytes = 256 << 10 };
	struct spool_root *r;
	struct spool *s = open_stream(root, &small, &r);
	struct spool_state st;
	struct dropped d = { .err = ERR_DENIED };
	uint64_t n = 1, lost;

	for (spool_state(s, &st); st.bytes < 400 << 10; spool_state(s, &st), n += 2000)
		CHECK_INT(put(s, n, 2000), 0);
	CHECK_INT(spool_trim(s, 1, (struct wall){ T0 }, note_drop, &d), ERR_DENIED);
	d = (struct dropped){ 0 };
	CHECK_INT(spool_trim(s, 1, (struct wall){ T0 }, note_drop, &d), 0);
	spool_state(s, &st);
	CHECK(st.bytes <= 256 << 10);
	CHECK_INT(d.first, 1);
	CHECK_INT(d.last, st.first - 1);
	CHECK_STR(d.policy, "quota");
	CHECK_INT(read_all(root, 1, &lost), n);
	CHECK_INT(lost, st.first - 1);
	spool_close(s);
	small.quota_age_ns = NS_PER_S;
	CHECK_INT(spool_open(r, &schema, &small, &s), 0);
	/* A clock that went back makes nothing old. */
	CHECK_INT(spool_trim(s, 1, (struct wall){ T0 - 3600 * NS_PER_S }, note_drop, &d), 0);
	CHECK_INT(spool_trim(s, 1, (struct wall){ T0 + 2 * NS_PER_S }, note_drop, &d), 0);
	CHECK_STR(d.policy, "age");
	spool_state(s, &st);
	CHECK_INT(st.segments, 1);
	close_stream(r, s);
}

TEST(a_batch_that_cannot_be_is_refused_and_changes_nothing)
{
	const char *root = root_dir();
	struct spool_root *r;
	struct spool *s = open_stream(root, &each, &r);
	struct sample v = make(1);
	uint64_t first, lost;

	v.tag = 6;
	CHECK_INT(spool_append(s, &v, 1, NULL, (struct wall){ 1 }, &first), ERR_RANGE);
	CHECK_INT(spool_append(s, &v, 0, NULL, (struct wall){ 1 }, &first), ERR_LIMIT);
	CHECK_INT(spool_append(s, &v, SPOOL_BATCH_MAX + 1, NULL, (struct wall){ 1 }, &first), ERR_LIMIT);
	v = make(1);
	v.v.type = 0x7e;
	CHECK_INT(spool_append(s, &v, 1, NULL, (struct wall){ 1 }, &first), ERR_RANGE);
	CHECK_INT(put(s, 1, SPOOL_BATCH_MAX), 0);
	close_stream(r, s);
	CHECK_INT(read_all(root, 0, &lost), SPOOL_BATCH_MAX + 1);
}

static void
list_one(void *arg, const char *dir, const char *flow, uint32_t version)
{
	int *n = arg;
	CHECK(dir[0] != '\0');
	CHECK_STR(flow, schema.flow);
	CHECK_INT(version, schema.version);
	++*n;
}

TEST(foreign_files_are_left_alone)
{
	const char *root = root_dir();
	char path[512];
	struct spool_root *r;
	struct spool *s = open_stream(root, &each, &r);
	uint64_t lost;
	int n = 0;

	CHECK_INT(put(s, 1, 10), 0);
	close_stream(r, s);
	static const char *const names[] = { "notes.txt", "1.seg", "00000000000000000001.seg.bak",
		"99999999999999999999.seg", "x.new" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", stream_dir(root), names[i]);
		FILE *f = fopen(path, "w");
		CHECK(f != NULL);
		fputs("nothing of ours", f);
		fclose(f);
	}
	snprintf(path, sizeof path, "%s/lost+found", root);
	CHECK(mkdir(path, 0700) == 0);
	s = open_stream(root, &each, &r);
	CHECK_INT(put(s, 11, 10), 0);
	close_stream(r, s);
	CHECK_INT(read_all(root, 0, &lost), 21);
	CHECK_INT(spool_streams(root, &disk_os, list_one, &n), 0);
	CHECK_INT(n, 1);
	snprintf(path, sizeof path, "%s/notes.txt", stream_dir(root));
	CHECK_INT(size_of(path), 15);
}

TEST(another_version_and_another_schema_are_refused)
{
	const char *root = root_dir();
	struct spool_root *r;
	struct spool *s = open_stream(root, &each, &r), *none;
	struct spool_tag other_tags[6];
	struct spool_schema other = schema;
	long holder;

	CHECK_INT(put(s, 1, 10), 0);
	spool_close(s);
	memcpy(other_tags, tags, sizeof tags);
	other_tags[1].type = VALUE_U32;
	other.tags = other_tags;
	CHECK_INT(spool_open(r, &other, &each, &none), ERR_VERSION);
	spool_root_close(r);

	/* A segment of version 2: everything else, its checksum too, is as it should be. */
	struct seg_header h = { .version = 2, .schema = schema.version, .before = { .next = 1 } };
	uint8_t bytes[SEG_HEADER];
	seg_header_put(&h, bytes);
	int fd = open(seg(root, 1), O_WRONLY);
	CHECK(fd >= 0 && pwrite(fd, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
	close(fd);
	CHECK_INT(spool_root_open(root, &disk_os, &r, &holder), 0);
	CHECK_INT(spool_open(r, &schema, &each, &none), ERR_VERSION);
	spool_root_close(r);
	struct spool_reader *rd;
	struct spool_batch b;
	struct spool_damage d;
	CHECK_INT(spool_reader_open(stream_dir(root), 0, &disk_os, &rd), 0);
	CHECK_INT(spool_next(rd, &b, &d), ERR_VERSION);
	spool_reader_close(rd);

	char path[512];
	snprintf(path, sizeof path, "%s/schema", stream_dir(root));
	flip(path, 30);
	CHECK_INT(spool_reader_open(stream_dir(root), 0, &disk_os, &rd), ERR_CORRUPT);
	CHECK_INT(spool_root_open(root, &disk_os, &r, &holder), 0);
	CHECK_INT(spool_open(r, &schema, &each, &none), ERR_CORRUPT);
	spool_root_close(r);
}

/* Append for a while as another process would, trimming what lies far behind, and leave. */
static void
child_writes(const char *root, uint64_t last)
{
	struct spool_opts opts = { .durability = SPOOL_NONE, .segment_bytes = 16 << 10 };
	struct spool_root *r;
	struct spool *s = open_stream(root, &opts, &r);

	for (uint64_t n = 1; n <= last; n += 50)
		if (put(s, n, 50) != 0)
			_exit(1);
	close_stream(r, s);
	_exit(0);
}

TEST(a_reader_in_another_process_misses_nothing)
{
	const char *root = root_dir();
	const uint64_t last = 100000;
	struct spool_reader *rd = NULL;
	uint64_t seen = 1, lost = 0;
	int status;

	fflush(stdout);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		child_writes(root, last);
	/* Ends: the child leaves, and what it wrote by then is all there is. */
	for (bool gone = false, again = true; again; again = !gone) {
		gone = waitpid(pid, &status, WNOHANG) == pid;
		if (rd == NULL && spool_reader_open(stream_dir(root), 1, &disk_os, &rd) != 0)
			continue;
		for (int i = 0; i < (gone ? 20 : 1); i++)
			seen = read_on(rd, seen, &lost);
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK_INT(seen, last + 1);
	CHECK_INT(lost, 0);
	spool_reader_close(rd);
}

/* Clocks that jump an hour either way, devices in 1970 and in 2106, times at the ends of the range. */
TEST(times_come_back_as_they_were_whatever_the_clocks_did)
{
	static const int64_t jumps[] = { 0, -3600 * NS_PER_S, 3600 * NS_PER_S, -T0 + 1, 4294967296 * NS_PER_S - T0,
		INT64_MAX - T0, INT64_MIN, 86400 * NS_PER_S, -1 };
	const size_t n = sizeof jumps / sizeof jumps[0];
	const char *root = root_dir();
	struct spool_root *r;
	struct spool *s = open_stream(root, &each, &r);
	struct sample v[64];
	struct spool_state st;
	uint64_t first;

	for (size_t i = 0; i < 64; i++) {
		uint64_t at = (uint64_t)T0 + (uint64_t)jumps[i % n];
		v[i] = (struct sample){ .tag = 1,
			.source = { (int64_t)at },
			.server = { jumps[i % n] },
			.arrival = { T0 - (int64_t)i },
			.v = { .type = VALUE_U16, .u = i } };
	}
	CHECK_INT(spool_append(s, v, 64, NULL, (struct wall){ T0 }, &first), 0);
	CHECK_INT(spool_append(s, v, 64, NULL, (struct wall){ T0 - 3600 * NS_PER_S }, &first), 0);
	spool_state(s, &st);
	CHECK(st.t_last.ns == INT64_MAX);
	close_stream(r, s);
	struct spool_reader *rd;
	struct spool_batch b;
	struct spool_damage d;
	CHECK_INT(spool_reader_open(stream_dir(root), 0, &disk_os, &rd), 0);
	for (int k = 0; k < 2; k++) {
		CHECK_INT(spool_next(rd, &b, &d), 0);
		CHECK_INT(b.n, 64);
		for (size_t i = 0; i < 64; i++) {
			CHECK_INT(b.samples[i].source.ns, v[i].source.ns);
			CHECK_INT(b.samples[i].server.ns, v[i].server.ns);
			CHECK_INT(b.samples[i].arrival.ns, v[i].arrival.ns);
		}
	}
	spool_reader_close(rd);
}

TEST_MAIN
