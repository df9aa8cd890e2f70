/* The proof: a whole stream passes, and every flipped byte of its directory is found and never served. */
#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "os/disk_sim.h"
#include "spool/account.h"
#include "spool/ledger.h"

#define T0	1700000000000000000LL
#define ROOT	"/spool"
#define DIR	ROOT "/f@00000001"

static struct spool_tag tags[] = {
	{ .name = "Line/a", .unit = "Cel", .type = VALUE_F32, .has_range = true, .lo = 1, .hi = 2 },
	{ .name = "Line/b", .type = VALUE_TEXT },
};
static const struct spool_schema schema = { .flow = "f", .version = 1, .tags = tags, .n = 2 };

static struct sample
make(uint64_t k)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz";
	struct sample s = {
		.tag = (uint32_t)(k % 2), .arrival = { T0 + (int64_t)k }, .v = { .type = tags[k % 2].type }
	};

	if (s.tag == 0)
		s.v.f32 = (float)k / 3;
	else {
		s.v.len = (uint32_t)(k % 20);
		s.v.p = text;
	}
	return s;
}

static int
seal(void *arg, const struct spool_seal *s)
{
	struct ledger **l = arg;
	return ledger_seal(*l, s);
}

static int
drop(void *arg, uint64_t first, uint64_t last, const char *policy)
{
	struct ledger **l = arg;
	return ledger_put(
	    *l, &(struct ledger_entry){ .kind = LEDGER_DROPPED, .first = first, .last = last, .note = policy });
}

static void
append(struct spool *s, uint64_t from, size_t n)
{
	struct sample v[512];
	uint64_t first;

	for (size_t i = 0; i < n; i++)
		v[i] = make(from + i);
	CHECK_INT(spool_append(s, v, n, NULL, (struct wall){ T0 + (int64_t)from }, &first), 0);
	CHECK_INT(first, from);
}

/* A stream with a deleted segment, two that are there, a compressed batch, and a ledger in two files. */
static struct disk_sim *
make_stream(void)
{
	struct disk_sim *sim = disk_sim_new();
	const struct disk *d = disk_sim_table(sim);
	struct spool_root *r;
	struct spool *s;
	struct ledger *l = NULL;
	long holder;
	struct spool_opts opts = { .durability = SPOOL_EACH, .segment_bytes = 1200, .seal = seal, .seal_arg = &l };
	struct spool_state st;

	CHECK_INT(spool_root_open(ROOT, d, &r, &holder), 0);
	CHECK_INT(spool_open(r, &schema, &opts, &s), 0);
	CHECK_INT(ledger_open(DIR, d, &l), 0);
	ledger_limit(l, 200);	/* so that there is a file before the present one */
	CHECK_INT(ledger_put(l, &(struct ledger_entry){ .kind = LEDGER_SINK, .sink = "broker", .first = 1 }), 0);
	for (uint64_t k = 1; k <= 60; k += 20)
		append(s, k, 20);
	append(s, 61, 200);
	CHECK_INT(ledger_put(l,
		      &(struct ledger_entry){
			  .kind = LEDGER_QUARANTINED, .sink = "broker", .first = 1, .last = 9, .note = "no" }),
	    0);
	CHECK_INT(
	    ledger_put(l, &(struct ledger_entry){ .kind = LEDGER_DELIVERED, .sink = "broker", .first = 1, .last = 70 }),
	    0);
	spool_state(s, &st);
	CHECK(st.segments >= 2);
	CHECK_INT(spool_trim(s, ledger_settled(l), (struct wall){ T0 }, drop, &l), 0);
	for (uint64_t k = 261; k <= 300; k += 20)
		append(s, k, 20);
	spool_state(s, &st);
	CHECK(st.first > 1 && st.segments >= 2);
	ledger_close(l);
	spool_close(s);
	spool_root_close(r);
	return sim;
}

static int
verify(const struct disk *d, struct buf *findings)
{
	struct ledger_account a;

	buf_reset(findings);
	return ledger_verify(DIR, d, &a, findings);
}

/* Whatever is served is what was put in. */
static void
check_served(const struct disk *d)
{
	struct spool_reader *r;
	struct spool_batch b;
	struct spool_damage dmg;
	int err = spool_reader_open(DIR, 0, d, &r);

	if (err != 0)
		return;
	while ((err = spool_next(r, &b, &dmg)) == 0 || err == ERR_GAP) {
		for (uint32_t i = 0; err == 0 && i < b.n; i++) {
			struct sample want = make(b.first + i);
			CHECK(b.samples[i].tag == want.tag && b.samples[i].arrival.ns == want.arrival.ns &&
			    value_equal(&b.samples[i].v, &want.v));
		}
	}
	spool_reader_close(r);
}

static void
flip_each(const struct disk *d, const char *name, uint8_t bits)
{
	struct buf findings = { 0 };
	struct disk_stat st;
	char path[256];
	uint8_t byte;

	snprintf(path, sizeof path, DIR "/%s", name);
	CHECK_INT(d->stat(d->ctx, path, &st), 0);
	for (uint64_t i = 0; i < st.size; i++) {
		int fd = d->open(d->ctx, path, DISK_READ | DISK_WRITE);
		CHECK_INT(d->pread(d->ctx, fd, &byte, 1, i), 1);
		byte ^= bits;
		CHECK_INT(d->pwrite(d->ctx, fd, &byte, 1, i), 1);
		if (verify(d, &findings) != ERR_CORRUPT || findings.len == 0)
			test_fail(__FILE__, __LINE__, "byte %llu of %s: a flip by %02x is not found",
			    (unsigned long long)i, name, bits);
		check_served(d);
		byte ^= bits;
		CHECK_INT(d->pwrite(d->ctx, fd, &byte, 1, i), 1);
		d->close(d->ctx, fd);
	}
	CHECK_INT(verify(d, &findings), 0);
	buf_fini(&findings);
}

struct names { char v[16][64]; int n; };

static int
note_name(void *arg, const char *name)
{
	struct names *n = arg;
	if (strcmp(name, "ledger.reserve") != 0)	/* zeros that only take up room */
		snprintf(n->v[n->n++], sizeof n->v[0], "%s", name);
	return n->n == 16;
}

TEST(every_flipped_byte_of_a_stream_is_found)
{
	struct disk_sim *sim = make_stream();
	const struct disk *d = disk_sim_table(sim);
	struct names names = { .n = 0 };
	struct buf findings = { 0 };

	int err = verify(d, &findings);
	CHECK_STR(buf_text(&findings), "");
	CHECK_INT(err, 0);
	CHECK_INT(d->list(d->ctx, DIR, note_name, &names), 0);
	CHECK(names.n >= 5);	/* schema, ledger, ledger.1, two segments */
	for (int i = 0; i < names.n; i++) {
		flip_each(d, names.v[i], 0x01);
		flip_each(d, names.v[i], 0x80);
	}
	buf_fini(&findings);
	disk_sim_free(sim);
}

static const char *
last_segment(const struct disk *d)
{
	static struct names names;

	names.n = 0;
	CHECK_INT(d->list(d->ctx, DIR, note_name, &names), 0);
	const char *last = NULL;
	for (int i = 0; i < names.n; i++)
		if (strstr(names.v[i], ".seg") != NULL)
			last = names.v[i];
	CHECK(last != NULL);
	return last;
}

static void
cut(const struct disk *d, const char *name, uint64_t bytes)
{
	struct disk_stat st;
	char path[256];

	snprintf(path, sizeof path, DIR "/%s", name);
	CHECK_INT(d->stat(d->ctx, path, &st), 0);
	int fd = d->open(d->ctx, path, DISK_READ | DISK_WRITE);
	CHECK_INT(d->truncate(d->ctx, fd, st.size - bytes), 0);
	d->close(d->ctx, fd);
}

TEST(a_cut_end_is_found_where_the_ledger_knows_of_more)
{
	struct disk_sim *sim = make_stream();
	const struct disk *d = disk_sim_table(sim);
	struct buf findings = { 0 };
	struct ledger *l;
	char path[256];

	CHECK_INT(ledger_open(DIR, d, &l), 0);
	CHECK_INT(ledger_put(
		      l, &(struct ledger_entry){ .kind = LEDGER_DELIVERED, .sink = "broker", .first = 1, .last = 300 }),
	    0);
	ledger_close(l);
	CHECK_INT(verify(d, &findings), 0);
	snprintf(path, sizeof path, DIR "/%s", last_segment(d));
	CHECK_INT(d->unlink(d->ctx, path), 0);
	CHECK_INT(verify(d, &findings), ERR_CORRUPT);
	CHECK(strstr(buf_text(&findings), "speaks of sample 300, but the spool ends with") != NULL);
	buf_fini(&findings);
	disk_sim_free(sim);
}

TEST(a_torn_end_is_found)
{
	struct disk_sim *sim = make_stream();
	const struct disk *d = disk_sim_table(sim);
	struct buf findings = { 0 };

	cut(d, last_segment(d), 3);
	CHECK_INT(verify(d, &findings), ERR_CORRUPT);
	CHECK(strstr(buf_text(&findings), "torn tail") != NULL);
	disk_sim_free(sim);
	sim = make_stream();
	d = disk_sim_table(sim);
	cut(d, "ledger", 3);
	CHECK_INT(verify(d, &findings), ERR_CORRUPT);
	CHECK(strstr(buf_text(&findings), "ledger: byte ") != NULL);
	buf_fini(&findings);
	disk_sim_free(sim);
}

TEST(a_missing_middle_segment_is_found)
{
	struct disk_sim *sim = make_stream();
	const struct disk *d = disk_sim_table(sim);
	struct buf findings = { 0 };
	struct names names = { .n = 0 };
	char path[256];
	int i = 0;

	CHECK_INT(d->list(d->ctx, DIR, note_name, &names), 0);
	while (strstr(names.v[i], ".seg") == NULL)
		i++;
	snprintf(path, sizeof path, DIR "/%s", names.v[i]);
	CHECK_INT(d->unlink(d->ctx, path), 0);
	CHECK_INT(verify(d, &findings), ERR_CORRUPT);
	CHECK(strstr(buf_text(&findings), "the ledger holds no seal") != NULL);
	buf_fini(&findings);
	disk_sim_free(sim);
}

TEST(a_crash_between_a_seal_and_the_deletion_is_no_damage)
{
	struct disk_sim *sim = make_stream();
	const struct disk *d = disk_sim_table(sim);
	struct buf findings = { 0 };
	struct ledger *l;
	struct spool_root *r;
	struct spool *s;
	struct spool_opts opts = { .durability = SPOOL_EACH, .segment_bytes = 1200, .seal = seal, .seal_arg = &l };
	struct spool_state before, after;
	long holder;

	CHECK_INT(spool_root_open(ROOT, d, &r, &holder), 0);
	CHECK_INT(spool_open(r, &schema, &opts, &s), 0);
	CHECK_INT(ledger_open(DIR, d, &l), 0);
	spool_state(s, &before);
	uint64_t calls = 0;
	/* Find the call that deletes: everything before it, the seal too, has happened. */
	for (after = before; after.first == before.first && calls < 100; calls++) {
		disk_sim_fault(sim, SIM_OFF, calls + 1, 0);
		spool_trim(s, UINT64_MAX, (struct wall){ T0 }, drop, &l);
		disk_sim_fault(sim, SIM_NONE, 0, 0);
		spool_state(s, &after);
		int err = verify(d, &findings);
		CHECK_STR(buf_text(&findings), "");
		CHECK_INT(err, 0);
	}
	CHECK(after.first > before.first);
	ledger_close(l);
	spool_close(s);
	spool_root_close(r);
	buf_fini(&findings);
	disk_sim_free(sim);
}

TEST_MAIN
