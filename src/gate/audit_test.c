/*
 * The audit log: what was added is there, in order, after any end of the process or the power; and whoever changes it
 * is found.
 */
#include "base/log.h"
#include "base/test.h"
#include "gate/audit.h"
#include "gate/audit_files.h"
#include "os/disk_sim.h"

#include <stdio.h>
#include <stdlib.h>

#define DIR "/audit"
#define NOW ((struct wall){ 1700000000LL * NS_PER_S })

static unsigned seen;
static uint64_t last_number;

static void
count(void *arg, const struct audit_line *l)
{
	(void)arg;
	seen++;
	last_number = l->number;
}

static struct audit *
open_on(const struct disk *d)
{
	struct audit *a = NULL;

	log_open("test", LOG_LEVEL_ERROR);
	seen = 0;
	CHECK_INT(audit_open(DIR, d, NOW, count, NULL, &a), 0);
	return a;
}

static int
put(struct audit *a, enum audit_kind kind, uint64_t id, const char *json)
{
	return audit_put(a, &(struct audit_new){ kind, id, "m", json }, 1, NOW);
}

static int
verify(const struct disk *d, const char *anchor, struct audit_verdict *v, const char *part)
{
	struct buf b = { 0 };
	int err = audit_verify(DIR, d, anchor, v, &b);

	if (part != NULL && strstr(buf_text(&b), part) == NULL)
		test_fail(__FILE__, __LINE__, "no \"%s\" in: %s", part, buf_text(&b));
	buf_fini(&b);
	return err;
}

/* A log of `n` requests, closed. */
static const struct disk *
some_log(struct disk_sim *s, unsigned n)
{
	const struct disk *d = disk_sim_table(s);
	struct audit *a = open_on(d);

	for (unsigned i = 0; i < n; i++) {
		char json[60];
		snprintf(json, sizeof json, "{\"value\":%u}", i);
		CHECK_INT(put(a, AUDIT_REQUEST, i + 1, json), 0);
	}
	audit_close(a);
	return d;
}

static void
load_text(const struct disk *d, struct buf *b)
{
	CHECK_INT(audit_file_read(DIR, d, "audit-0000000000000001.log", b), 0);
}

static void
store(const struct disk *d, const char *p, size_t len)
{
	CHECK_INT(disk_replace(d, DIR "/audit-0000000000000001.log", p, len), 0);
}

TEST(entries_are_there_after_a_restart_and_the_chain_goes_on)
{
	struct disk_sim *s = disk_sim_new();
	struct audit_verdict v;
	const struct disk *d = some_log(s, 5);

	struct audit *a = open_on(d);
	CHECK_INT(seen, 6);
	CHECK_INT(last_number, 6);
	CHECK_INT(put(a, AUDIT_OUTCOME, 9, "{}"), 0);
	audit_close(a);
	CHECK_INT(verify(d, NULL, &v, NULL), 0);
	CHECK_INT(v.entries, 8);
	CHECK_INT(v.last, 8);
	disk_sim_free(s);
}

/* The hash was made by another SHA-256 (Python's hashlib), of 32 zero bytes and the line. */
TEST(the_hash_is_that_of_the_hash_before_and_the_line)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = some_log(s, 0);
	struct buf b = { 0 };

	load_text(d, &b);
	CHECK_STR(buf_text(&b), "222c729a0d8ee88678fcd558e281ef246a59dd8f27c6dffabd04718d5ac93ea9 1 "
	    "2023-11-14T22:13:20.000000000Z begin 0 - {\"entries_that_do_not_fit\":0}\n");
	buf_fini(&b);
	disk_sim_free(s);
}

TEST(a_changed_entry_is_named)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = some_log(s, 5);
	struct audit_verdict v;
	struct buf b = { 0 };

	load_text(d, &b);
	char *at = strstr(b.p, "\"value\":3");
	at[8] = '7';
	store(d, b.p, b.len);
	CHECK_INT(verify(d, NULL, &v, "log:5: entry 5 does not fit its hash"), ERR_CORRUPT);
	CHECK_INT(v.findings, 1);
	buf_fini(&b);
	disk_sim_free(s);
}

/* Line i (from 0) of b: where it begins. */
static size_t
line_at(const struct buf *b, unsigned i)
{
	const char *p = b->p;
	while (i-- > 0)
		p = strchr(p, '\n') + 1;
	return (size_t)(p - b->p);
}

TEST(a_removed_entry_is_named)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = some_log(s, 5);
	struct audit_verdict v;
	struct buf b = { 0 };

	load_text(d, &b);
	size_t from = line_at(&b, 2), to = line_at(&b, 4);
	memmove(b.p + from, b.p + to, b.len - to);
	store(d, b.p, b.len - (to - from));
	CHECK_INT(verify(d, NULL, &v, "entries 3 to 4 are missing"), ERR_CORRUPT);
	CHECK_INT(v.findings, 1);
	store(d, b.p + line_at(&b, 1), b.len - (to - from) - line_at(&b, 1));
	CHECK_INT(verify(d, NULL, &v, "the log begins with entry 2"), ERR_CORRUPT);
	buf_fini(&b);
	disk_sim_free(s);
}

TEST(swapped_entries_are_named)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = some_log(s, 5);
	struct audit_verdict v;
	struct buf b = { 0 }, c = { 0 };

	load_text(d, &b);
	size_t two = line_at(&b, 2), three = line_at(&b, 3), four = line_at(&b, 4);
	buf_put(&c, b.p, two);
	buf_put(&c, b.p + three, four - three);
	buf_put(&c, b.p + two, three - two);
	buf_put(&c, b.p + four, b.len - four);
	store(d, c.p, c.len);
	CHECK_INT(verify(d, NULL, &v, "entry 3 stands behind entry 4"), ERR_CORRUPT);
	buf_fini(&b);
	buf_fini(&c);
	disk_sim_free(s);
}

TEST(a_cut_end_shows_against_an_anchor)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = some_log(s, 5);
	struct audit_verdict v;
	struct buf b = { 0 };
	char anchor[120];

	CHECK_INT(verify(d, NULL, &v, NULL), 0);
	int n = snprintf(anchor, sizeof anchor, "%llu:", (unsigned long long)v.last);
	for (size_t i = 0; i < AUDIT_HASH; i++)
		n += snprintf(anchor + n, sizeof anchor - (size_t)n, "%02x", v.hash[i]);
	CHECK_INT(verify(d, anchor, &v, NULL), 0);
	load_text(d, &b);
	store(d, b.p, line_at(&b, 4));
	CHECK_INT(verify(d, NULL, &v, NULL), 0);
	CHECK_INT(verify(d, anchor, &v, "its end was cut off"), ERR_CORRUPT);
	anchor[3] = anchor[3] == '0' ? '1' : '0';
	store(d, b.p, b.len);
	CHECK_INT(verify(d, anchor, &v, "written anew"), ERR_CORRUPT);
	CHECK_INT(verify(d, "6", &v, NULL), ERR_SYNTAX);
	buf_fini(&b);
	disk_sim_free(s);
}

TEST(files_follow_each_other_in_one_chain)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = disk_sim_table(s);
	struct audit *a = open_on(d);
	struct audit_verdict v;
	struct audit_files files;
	static char json[60001];

	memset(json, ' ', sizeof json - 1);
	json[0] = '{';
	json[sizeof json - 2] = '}';
	for (int i = 0; i < 600; i++)
		CHECK_INT(put(a, AUDIT_REQUEST, 1, json), 0);
	audit_close(a);
	CHECK_INT(audit_files_find(DIR, d, &files), 0);
	CHECK_INT(files.n, 3);
	free(files.v);
	CHECK_INT(verify(d, NULL, &v, NULL), 0);
	CHECK_INT(v.entries, 601);
	a = open_on(d);
	CHECK_INT(seen, 601);
	memset(json, 'x', sizeof json - 1);
	CHECK_INT(audit_put(a, &(struct audit_new){ AUDIT_REQUEST, 1, "", "{\"a\":\n}" }, 1, NOW), ERR_LIMIT);
	audit_close(a);
	CHECK_INT(verify(d, NULL, &v, NULL), 0);
	disk_sim_free(s);
}

/*
 * Whatever a power cut leaves: what was called durable is there, the rest is cut off and said so, and the log verifies.
 */
TEST(after_a_power_cut_at_any_point_durable_entries_are_there)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = some_log(s, 2);
	static char json[1600];
	struct audit_verdict v;

	memset(json, ' ', sizeof json - 1);
	json[0] = '{';
	json[sizeof json - 2] = '}';
	struct audit *a = open_on(d);
	uint64_t calls = 0, whole = 4;
	do {	/* the machine is off from call `calls` of a put of two entries on */
		struct disk_sim *t = disk_sim_killed(s);
		const struct disk *td = disk_sim_table(t);
		struct audit *b = open_on(td);
		const struct audit_new two[] = { { AUDIT_REQUEST, 7, "k", json }, { AUDIT_SENT, 7, "", json } };
		disk_sim_fault(t, SIM_OFF, ++calls, 0);
		int err = audit_put(b, two, 2, NOW);
		uint64_t states = disk_sim_states(t, 40);
		for (uint64_t i = 0; i < states; i++) {
			struct disk_sim *u = disk_sim_cut(t, i, 40);
			struct audit *c = open_on(disk_sim_table(u));
			CHECK(seen >= whole + 1 + (err == 0 ? 2 : 0) && seen <= whole + 3);
			audit_close(c);
			CHECK_INT(verify(disk_sim_table(u), NULL, &v, NULL), 0);
			disk_sim_free(u);
		}
		audit_close(b);
		disk_sim_free(t);
		if (err == 0)
			calls = 0;
	} while (calls != 0 && calls < 20);
	CHECK_INT(calls, 0);
	audit_close(a);
	disk_sim_free(s);
}

TEST(a_full_disk_takes_no_half_entries_and_later_goes_on)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = disk_sim_table(s);
	struct audit *a = open_on(d);
	struct audit_verdict v;

	CHECK_INT(put(a, AUDIT_REQUEST, 1, "{}"), 0);
	for (int fault = SIM_IO; fault <= SIM_NOSPACE; fault++)
		for (uint64_t call = 1; call <= 2; call++) {
			disk_sim_fault(s, (enum sim_fault)fault, call, 1);
			int err = put(a, AUDIT_REQUEST, 2, "{}");
			CHECK(err != 0 || (fault == SIM_NOSPACE && call == 2));
			disk_sim_fault(s, SIM_NONE, 0, 0);
			CHECK_INT(verify(d, NULL, &v, NULL), 0);
		}
	CHECK_INT(put(a, AUDIT_REQUEST, 3, "{}"), 0);
	audit_close(a);
	CHECK_INT(verify(d, NULL, &v, NULL), 0);
	CHECK_INT(v.entries, 4);	/* begin, 1, the one that needed no room for its second call, 3 */
	disk_sim_free(s);
}

TEST_MAIN
