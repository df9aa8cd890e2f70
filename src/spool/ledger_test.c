/* The ledger: sums, refusals, restarts, damage. The balance is checked after every step. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "spool/account.h"
#include "spool/ledger.h"

#define T0 1700000000000000000LL

static struct spool_tag tags[] = { { .name = "Line/a", .type = VALUE_U32 } };
static const struct spool_schema schema = { .flow = "counts", .version = 7, .tags = tags, .n = 1 };

struct stream {
	char			root[128], dir[256];
	struct spool_root	*r;
	struct spool		*s;
	struct ledger		*l;
};

static void
open_all(struct stream *t)
{
	static const struct spool_opts opts = { .durability = SPOOL_NONE, .segment_bytes = 4096 };
	struct spool_opts o = opts;
	long holder;

	CHECK_INT(spool_root_open(t->root, &disk_os, &t->r, &holder), 0);
	CHECK_INT(spool_open(t->r, &schema, &o, &t->s), 0);
	CHECK_INT(ledger_open(t->dir, &disk_os, &t->l), 0);
}

static void
close_all(struct stream *t)
{
	ledger_close(t->l);
	spool_close(t->s);
	spool_root_close(t->r);
}

/* A stream with n samples admitted. */
static struct stream
begin(uint64_t n)
{
	static struct sample v[SPOOL_BATCH_MAX];
	struct stream t;
	uint64_t first;

	snprintf(t.root, sizeof t.root, "%s", test_dir());
	snprintf(t.dir, sizeof t.dir, "%s/counts@00000007", t.root);
	open_all(&t);
	for (uint64_t i = 0; i < n; i++)
		v[i] = (struct sample){ .arrival = { T0 }, .v = { .type = VALUE_U32, .u = i * 7919 } };
	for (uint64_t i = 0; i < n; i += 10)
		CHECK_INT(spool_append(t.s, v + i, n - i < 10 ? n - i : 10, NULL, (struct wall){ T0 }, &first), 0);
	return t;
}

static int
put(struct stream *t, enum ledger_kind kind, const char *sink, uint64_t first, uint64_t last)
{
	struct ledger_account a;

	int err = ledger_put(t->l,
	    &(struct ledger_entry){
		.kind = kind, .when = { T0 }, .sink = sink, .first = first, .last = last, .note = "why" });
	CHECK_INT(ledger_account(t->l, &a), 0);
	for (uint32_t i = 0; i < a.nsinks; i++)
		CHECK_INT(ledger_balance(&a.sinks[i]), 0);
	return err;
}

/* What is on disk adds up to the same, and says: delivered, quarantined, dropped, pending, next. */
static void
check(struct stream *t, const char *sink, uint64_t delivered, uint64_t quarantined, uint64_t dropped, uint64_t pending,
    uint64_t next)
{
	struct ledger_account a[2];
	struct buf where = { 0 };

	CHECK_INT(ledger_account(t->l, &a[0]), 0);
	CHECK_INT(ledger_read(t->dir, &disk_os, &a[1], &where), 0);
	for (int i = 0; i < 2; i++) {
		const struct ledger_sink *s = ledger_find(&a[i], sink);
		CHECK(s != NULL);
		CHECK_INT(s->delivered, delivered);
		CHECK_INT(s->quarantined, quarantined);
		CHECK_INT(s->dropped, dropped);
		CHECK_INT(s->pending, pending);
		CHECK_INT(s->next, next);
		CHECK_INT(ledger_balance(s), 0);
	}
	buf_fini(&where);
}

TEST(every_number_is_in_one_state)
{
	struct stream t = begin(1000);

	CHECK(ledger_settled(t.l) == UINT64_MAX);
	CHECK_INT(put(&t, LEDGER_SINK, "broker", 1, 0), 0);
	CHECK_INT(put(&t, LEDGER_SINK, "broker", 1, 0), ERR_EXISTS);
	CHECK_INT(put(&t, LEDGER_SINK, "late", 501, 0), 0);
	CHECK_INT(ledger_settled(t.l), 1);
	check(&t, "broker", 0, 0, 0, 1000, 1);
	check(&t, "late", 0, 0, 0, 500, 501);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 100), 0);
	check(&t, "broker", 100, 0, 0, 900, 101);
	CHECK_INT(put(&t, LEDGER_QUARANTINED, "broker", 111, 120), 0);
	check(&t, "broker", 100, 10, 0, 890, 101);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 101, 110), 0);	/* runs on over what is in quarantine */
	check(&t, "broker", 110, 10, 0, 880, 121);
	CHECK_INT(put(&t, LEDGER_DAMAGED, "", 191, 200), 0);		/* pending with one, not owed to the other */
	check(&t, "broker", 110, 10, 10, 870, 121);
	check(&t, "late", 0, 0, 0, 500, 501);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 300), 0);
	check(&t, "broker", 280, 10, 10, 700, 301);
	CHECK_INT(put(&t, LEDGER_RELEASED, "broker", 113, 114), 0);
	CHECK_INT(put(&t, LEDGER_DISCARDED, "broker", 118, 120), 0);
	check(&t, "broker", 282, 5, 13, 700, 301);
	CHECK_INT(put(&t, LEDGER_DROPPED, "", 1, 600), 0);		/* quota: what is settled stays as it is */
	check(&t, "broker", 282, 5, 313, 400, 601);
	check(&t, "late", 0, 0, 100, 400, 601);
	CHECK_INT(put(&t, LEDGER_LEAVE, "broker", 0, 0), 0);
	check(&t, "broker", 282, 5, 713, 0, 1001);
	CHECK_INT(ledger_settled(t.l), 601);
	CHECK_INT(put(&t, LEDGER_SINK, "broker", 1000, 0), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_SINK, "broker", 1001, 0), 0);
	check(&t, "broker", 282, 5, 713, 0, 1001);
	CHECK_INT(put(&t, LEDGER_RELEASED, "broker", 111, 112), 0);	/* from its earlier stay */
	check(&t, "broker", 284, 3, 713, 0, 1001);
	close_all(&t);
	open_all(&t);
	check(&t, "broker", 284, 3, 713, 0, 1001);
	check(&t, "late", 0, 0, 100, 400, 601);
	close_all(&t);
}

TEST(what_contradicts_the_account_is_refused)
{
	struct stream t = begin(100);

	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 10), ERR_NOTFOUND);
	CHECK_INT(put(&t, LEDGER_SINK, "broker", 102, 0), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_SINK, "broker", 0, 0), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_SINK, "", 1, 0), ERR_LIMIT);
	CHECK_INT(put(&t, LEDGER_SINK, "broker", 1, 0), 0);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 101), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 50), 0);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 49), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 50), 0);	/* said twice is no harm */
	CHECK_INT(put(&t, LEDGER_QUARANTINED, "broker", 50, 51), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_QUARANTINED, "broker", 60, 101), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_QUARANTINED, "broker", 60, 70), 0);
	CHECK_INT(put(&t, LEDGER_QUARANTINED, "broker", 70, 71), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_RELEASED, "broker", 60, 71), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_DISCARDED, "broker", 1, 1), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_DROPPED, "", 90, 101), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_DROPPED, "", 9, 8), ERR_RANGE);
	CHECK_INT(put(&t, LEDGER_DROPPED, "other", 1, 2), ERR_NOTFOUND);
	check(&t, "broker", 50, 11, 0, 39, 51);
	CHECK_INT(put(&t, LEDGER_RELEASED, "broker", 62, 63), 0);	/* ahead of what is pending */
	check(&t, "broker", 52, 9, 0, 39, 51);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 100), 0);
	check(&t, "broker", 91, 9, 0, 0, 101);
	close_all(&t);
}

TEST(what_is_admitted_later_can_be_delivered_later)
{
	struct stream t = begin(10);
	struct sample v[300];
	uint64_t first, n = 11;

	CHECK_INT(put(&t, LEDGER_SINK, "broker", 1, 0), 0);
	for (int i = 0; i < 300; i++)
		v[i] = (struct sample){ .arrival = { T0 + i }, .v = { .type = VALUE_U32, .u = (uint64_t)i } };
	for (int i = 0; i < 50; i++, n += 300) {	/* many segments */
		CHECK_INT(spool_append(t.s, v, 300, NULL, (struct wall){ T0 }, &first), 0);
		CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", first, first + 299), 0);
		CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", first, first + 300), ERR_RANGE);
	}
	check(&t, "broker", n - 1, 0, 0, 0, n);
	close_all(&t);
}

/* The sums of random histories agree with a model that keeps the state of every number. */
TEST(random_histories_agree_with_a_model_of_every_number)
{
	enum { N = 200, STEPS = 300 };
	uint32_t seed = 1;

	for (int run = 0; run < 5; run++) {
		struct stream t = begin(N);
		char state[N + 2];
		CHECK_INT(put(&t, LEDGER_SINK, "x", 1, 0), 0);
		memset(state, 'p', sizeof state);
		for (int i = 0; i < STEPS; i++) {
			static const enum ledger_kind some[] = { LEDGER_DELIVERED, LEDGER_QUARANTINED, LEDGER_RELEASED,
				LEDGER_DISCARDED, LEDGER_DROPPED, LEDGER_DAMAGED };
			seed = seed * 1664525 + 1013904223;
			enum ledger_kind kind = some[(seed >> 8) % 6];
			uint64_t a = 1 + (seed >> 16) % N, b = a + (seed >> 12) % 8, next = 1, count[128] = { 0 };
			if (b > N)
				b = N;
			if (kind == LEDGER_DELIVERED && (seed & 0xc0) != 0)
				continue;
			int err = put(&t, kind, "x", a, b);
			CHECK(err == 0 || err == ERR_RANGE);
			for (uint64_t k = kind == LEDGER_DELIVERED ? 1 : a; err == 0 && k <= b; k++) {
				char was = state[k];
				bool settles = kind == LEDGER_DELIVERED || kind == LEDGER_QUARANTINED ||
				    kind == LEDGER_DROPPED || kind == LEDGER_DAMAGED;
				if (settles && was != 'p')
					CHECK(kind != LEDGER_QUARANTINED);
				else if (settles)
					state[k] = kind == LEDGER_DELIVERED ? 'd'
					    : kind == LEDGER_QUARANTINED    ? 'q'
									    : 'x';
				else {
					CHECK(was == 'q');
					state[k] = kind == LEDGER_RELEASED ? 'd' : 'x';
				}
			}
			for (uint64_t k = 1; k <= N; k++)
				count[(int)state[k]]++;
			while (next <= N && state[next] != 'p')
				next++;
			check(&t, "x", count['d'], count['q'], count['x'], count['p'], next);
		}
		close_all(&t);
	}
}

static const char *
ledger_path(const struct stream *t)
{
	static char path[300];
	snprintf(path, sizeof path, "%s/ledger", t->dir);
	return path;
}

TEST(a_torn_tail_is_cut_and_the_rest_counts)
{
	struct stream t = begin(100);
	struct stat st;

	CHECK_INT(put(&t, LEDGER_SINK, "broker", 1, 0), 0);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 50), 0);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 60), 0);
	close_all(&t);
	CHECK(stat(ledger_path(&t), &st) == 0 && truncate(ledger_path(&t), st.st_size - 3) == 0);
	open_all(&t);
	check(&t, "broker", 50, 0, 0, 50, 51);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 70), 0);
	check(&t, "broker", 70, 0, 0, 30, 71);
	close_all(&t);
}

TEST(a_damaged_middle_is_told_and_what_can_be_proved_goes_on)
{
	struct stream t = begin(100);
	struct ledger_account a;
	struct buf where = { 0 };
	struct stat st;
	uint8_t b;

	CHECK_INT(put(&t, LEDGER_SINK, "broker", 1, 0), 0);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 50), 0);
	CHECK(stat(ledger_path(&t), &st) == 0);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 60), 0);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 70), 0);
	close_all(&t);
	int fd = open(ledger_path(&t), O_RDWR);
	CHECK(fd >= 0 && pread(fd, &b, 1, st.st_size + 33) == 1);
	b ^= 1;
	CHECK(pwrite(fd, &b, 1, st.st_size + 33) == 1);
	close(fd);
	CHECK_INT(ledger_read(t.dir, &disk_os, &a, &where), ERR_CORRUPT);
	CHECK(strstr(buf_text(&where), "/ledger: damaged at byte ") != NULL);
	CHECK_INT(a.sinks[0].delivered, 50);
	buf_fini(&where);
	CHECK_INT(ledger_open(t.dir, &disk_os, &t.l), ERR_CORRUPT);
	CHECK(t.l == NULL);
	open_all(&t);
	check(&t, "broker", 50, 0, 0, 50, 51);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 100), 0);
	close_all(&t);
	char kept[320];
	snprintf(kept, sizeof kept, "%s.damaged-3", ledger_path(&t));
	CHECK(stat(kept, &st) == 0);
}

TEST(numbers_that_were_acknowledged_are_not_given_again)
{
	struct stream t = begin(100);
	struct spool_state st;
	char path[320];

	CHECK_INT(put(&t, LEDGER_SINK, "broker", 1, 0), 0);
	CHECK_INT(put(&t, LEDGER_DELIVERED, "broker", 1, 95), 0);
	close_all(&t);
	/* A power cut that took the last batch, after the far end had acknowledged some of it. */
	snprintf(path, sizeof path, "%s/%020d.seg", t.dir, 1);
	struct stat file;
	CHECK(stat(path, &file) == 0 && truncate(path, file.st_size - 1) == 0);
	open_all(&t);
	spool_state(t.s, &st);
	CHECK_INT(st.next, 96);
	struct sample v = { .arrival = { T0 }, .v = { .type = VALUE_U32 } };
	uint64_t first;
	CHECK_INT(spool_append(t.s, &v, 1, NULL, (struct wall){ T0 }, &first), 0);
	CHECK_INT(first, 96);
	check(&t, "broker", 95, 0, 0, 1, 96);
	struct spool_reader *r;
	struct spool_batch b;
	struct spool_damage d;
	CHECK_INT(spool_reader_open(t.dir, 91, &disk_os, &r), 0);
	CHECK_INT(spool_next(r, &b, &d), ERR_GAP);
	CHECK_INT(d.first, 91);
	CHECK_INT(d.last, 95);
	CHECK(!d.removed);
	CHECK_INT(spool_next(r, &b, &d), 0);
	CHECK_INT(b.first, 96);
	spool_reader_close(r);
	close_all(&t);
}

static void
count_entry(void *arg, const struct ledger_entry *e)
{
	uint64_t *n = arg;
	n[e->kind]++;
	CHECK(strlen(e->note) == (e->kind == LEDGER_LOST ? LEDGER_NOTE_MAX : 3));
}

TEST(a_large_file_is_replaced_by_one_that_begins_with_the_totals)
{
	struct stream t = begin(1000);
	char note[LEDGER_NOTE_MAX + 1], old[320];
	uint64_t n[LEDGER_KINDS] = { 0 };
	struct stat st;

	memset(note, 'n', sizeof note - 1);
	note[sizeof note - 1] = '\0';
	CHECK_INT(put(&t, LEDGER_SINK, "broker", 1, 0), 0);
	CHECK_INT(put(&t, LEDGER_QUARANTINED, "broker", 5, 9), 0);
	snprintf(old, sizeof old, "%s.1", ledger_path(&t));
	for (int i = 0; i < 40000 && stat(old, &st) != 0; i++)
		CHECK_INT(ledger_put(t.l, &(struct ledger_entry){ .kind = LEDGER_LOST, .last = 1, .note = note }), 0);
	CHECK(stat(old, &st) == 0 && st.st_size > 16 << 20);
	CHECK(stat(ledger_path(&t), &st) == 0 && st.st_size < 10000);
	CHECK_INT(put(&t, LEDGER_RELEASED, "broker", 5, 6), 0);
	check(&t, "broker", 2, 3, 0, 995, 1);
	close_all(&t);
	open_all(&t);
	check(&t, "broker", 2, 3, 0, 995, 1);
	CHECK_INT(ledger_each(t.dir, &disk_os, count_entry, n), 0);
	CHECK_INT(n[LEDGER_SINK], 1);
	CHECK_INT(n[LEDGER_RELEASED], 1);
	close_all(&t);
}

static int
enter_in(struct account *a, enum ledger_kind kind, const char *sink, uint64_t first, uint64_t last)
{
	struct ledger_entry e = { .kind = kind, .sink = sink, .first = first, .last = last, .note = "" };
	int err = account_check(a, &e);

	if (err == 0)
		account_apply(a, &e);
	return err;
}

/* Office may have been taken over: nothing that it reports may keep quota and age from making room. */
TEST(reports_in_pieces_never_stop_what_quota_drops)
{
	const uint64_t all = 10 * ACCOUNT_RANGES_MAX;
	struct account a = { .admitted = all };
	struct ledger_account out;
	int err = 0;

	CHECK_INT(enter_in(&a, LEDGER_SINK, "holes", 1, 1), 0);
	CHECK_INT(enter_in(&a, LEDGER_SINK, "pieces", 1, 1), 0);
	for (uint64_t n = 2; err == 0 && n < all; n += 2)
		err = enter_in(&a, LEDGER_DAMAGED, "holes", n, n);
	CHECK_INT(err, ERR_LIMIT);
	CHECK_INT(enter_in(&a, LEDGER_QUARANTINED, "pieces", 2, all - 1), 0);
	err = 0;
	for (uint64_t n = 3; err == 0 && n < all; n += 2)
		err = enter_in(&a, LEDGER_RELEASED, "pieces", n, n);
	CHECK_INT(err, ERR_LIMIT);
	CHECK_INT(enter_in(&a, LEDGER_DROPPED, "", 1, all), 0);
	account_export(&a, &out);
	for (uint32_t i = 0; i < out.nsinks; i++) {
		CHECK_INT(ledger_balance(&out.sinks[i]), 0);
		CHECK_INT(out.sinks[i].pending, 0);
	}
	account_fini(&a);
}

TEST_MAIN
