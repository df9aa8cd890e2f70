/* Two ends of a connection in one process, over a way that takes and gives as little as it likes: everything arrives, once, in order. */
#include <stdlib.h>

#include "base/err.h"
#include "base/test.h"
#include "proto/link/link_conn.h"
#include "proto/link/link_rig.h"

#define ROOM	(300u << 10)

struct way { uint8_t bytes[ROOM]; size_t len, take; bool ended; };	/* take: so many bytes at a time, at most */

static struct way	ways[2];	/* by who writes: 0 the sender */
static uint64_t		sum, seen;
static uint32_t		kinds[16];

static ssize_t
way_write(int fd, const void *p, size_t len)
{
	struct way *w = &ways[fd];
	size_t n = ROOM - w->len < len ? ROOM - w->len : len;

	n = n < w->take ? n : w->take;
	if (n == 0)
		return ERR_AGAIN;
	memcpy(w->bytes + w->len, p, n);
	w->len += n;
	return (ssize_t)n;
}

static ssize_t
way_read(int fd, void *p, size_t len)
{
	struct way *w = &ways[1 - fd];
	size_t n = w->len < len ? w->len : len;

	n = n < w->take ? n : w->take;
	if (n == 0)
		return w->ended ? ERR_END : ERR_AGAIN;
	memcpy(p, w->bytes, n);
	memmove(w->bytes, w->bytes + n, w->len - n);
	w->len -= n;
	return (ssize_t)n;
}

static bool accept_all;
static bool judge(void *arg, const uint8_t *chain, size_t len) { (void)arg; (void)chain; return len > 0 && accept_all; }

/* Batches carry their number in `stream` modulo its range, and bytes that follow from number and place. */
static uint8_t at(uint64_t no, size_t i) { return (uint8_t)(no * 31 + i * 7 + i / 251); }

static int
frame(void *arg, const struct link_frame *f)
{
	const uint8_t *wrong = NULL;
	(void)arg;

	kinds[f->kind]++;
	if (f->kind != LINK_BATCH)
		return 0;
	for (size_t i = 0; i < f->len && wrong == NULL; i++)
		wrong = f->p[i] == at(seen, i) ? NULL : &f->p[i];
	if (wrong != NULL || f->stream != seen % LINK_STREAMS_MAX || f->rec[0] != (uint8_t)seen)
		return ERR_CORRUPT;
	sum += f->len;
	seen++;
	return 0;
}

static void
begin(struct link_conn *c, int fd)
{
	struct link_tls_conf conf = { .server = fd == 1, .judge = judge };
	struct link_io io = { .read = way_read, .write = way_write, .frame = frame, .silence_ns = 10 * NS_PER_S };
	struct link_tls *tls = NULL;

	link_rig_cert(&conf);
	CHECK_INT(link_tls_new(&conf, &tls), 0);
	link_conn_init(c, fd, tls, &io, (struct mono){ 1 });
}

static void
fresh(struct link_conn c[2], size_t take)
{
	memset(ways, 0, sizeof ways);
	memset(kinds, 0, sizeof kinds);
	ways[0].take = ways[1].take = take;
	accept_all = true;
	sum = seen = 0;
	begin(&c[0], 0);
	begin(&c[1], 1);
}

/* So many rounds, or until one of them is over. */
static int
rounds(struct link_conn c[2], int n)
{
	int err = 0;

	for (int i = 0; i < n && err == 0; i++)
		for (int k = 0; k < 2 && err == 0; k++)
			err = link_conn_step(&c[k], (struct mono){ 2 });
	return err;
}

static void
end(struct link_conn c[2])
{
	link_conn_fini(&c[0]);
	link_conn_fini(&c[1]);
}

static void
all_arrives(size_t take)
{
	static const size_t lengths[] = { 0, 1, 200, 16383, 16384, 16385, 40000, 65536, 3, 300000, 1000000 };
	static uint8_t payload[1000000];
	struct link_conn c[2];
	uint64_t sent = 0, no = 0;

	fresh(c, take);
	for (int i = 0; i < 10000 && !(link_tls_ready(c[0].tls) && link_tls_ready(c[1].tls)); i++)
		CHECK_INT(rounds(c, 1), 0);
	for (; no < 3 * sizeof lengths / sizeof lengths[0]; no++) {
		size_t len = lengths[no % (sizeof lengths / sizeof lengths[0])];
		uint8_t rec[LINK_REC] = { (uint8_t)no };
		for (size_t i = 0; i < len; i++)
			payload[i] = at(no, i);
		link_conn_batch(&c[0], (uint32_t)(no % LINK_STREAMS_MAX), rec, payload, len);
		memset(payload, 0, sizeof payload);	/* borrowed no longer */
		sent += len;
		if (no % 4 == 0)
			CHECK_INT(rounds(c, 1), 0);
	}
	for (int i = 0; i < 100000 && seen < no; i++)
		CHECK_INT(rounds(c, 1), 0);
	CHECK_INT((long)seen, (long)no);
	CHECK_INT((long)sum, (long)sent);
	CHECK_INT((long)link_conn_waiting(&c[0]), 0);
	end(c);
}

TEST(batches_of_all_lengths_arrive_over_a_wide_way) { all_arrives(ROOM); }
TEST(batches_of_all_lengths_arrive_over_a_way_that_takes_little_at_a_time) { all_arrives(777); }

TEST(what_is_held_is_handed_on_afterwards)
{
	uint8_t rec[LINK_REC] = { 0 }, payload[100];
	struct link_conn c[2];

	fresh(c, ROOM);
	CHECK_INT(rounds(c, 10), 0);
	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = at(0, i);
	link_conn_batch(&c[0], 0, rec, payload, sizeof payload);
	c[1].hold = true;
	CHECK_INT(rounds(c, 10), 0);
	CHECK_INT((long)seen, 0);
	c[1].hold = false;
	CHECK_INT(rounds(c, 1), 0);
	CHECK_INT((long)seen, 1);
	end(c);
}

TEST(who_is_not_wanted_is_told_so)
{
	struct link_conn c[2];
	int err = 0;

	fresh(c, ROOM);
	accept_all = false;
	for (int i = 0; i < 10 && err == 0; i++)
		err = link_conn_step(&c[i % 2], (struct mono){ 2 });
	CHECK_INT(err, ERR_DENIED);
	end(c);
}

TEST(an_end_without_a_word_and_silence_are_told_apart)
{
	struct link_conn c[2];

	fresh(c, ROOM);
	CHECK_INT(rounds(c, 10), 0);
	CHECK_INT(link_conn_step(&c[0], (struct mono){ 2 + 11 * NS_PER_S }), ERR_TIMEOUT);
	ways[0].ended = true;
	CHECK_INT(link_conn_step(&c[1], (struct mono){ 3 }), ERR_CONN);
	CHECK(strstr(c[1].why, "the connection") != NULL);
	end(c);
}

TEST_MAIN
