/* The ring, alone and with a writer that runs on another thread. */
/* tsan */
#include "ring/ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/test.h"
#include "os/memfd.h"

static struct ring_writer	*w;
static struct ring_reader	*r;
static int			 fd;

static void
make(size_t size)
{
	CHECK_INT(ring_create("test", size, &w, &fd), 0);
	CHECK_INT(ring_open(fd, &r), 0);
}

static void
unmake(void)
{
	ring_close(r);
	ring_writer_free(w);
	close(fd);
}

static void
put(uint64_t v, size_t len)
{
	uint64_t *p = ring_reserve(w, len);
	CHECK(p != NULL);
	for (size_t i = 0; i < len / 8; i++)
		p[i] = v;
	ring_commit(w, len, 1);
}

TEST(records_arrive_whole_and_in_order)
{
	uint64_t buf[64], lost;
	size_t len;
	make(RING_SIZE_MIN);
	CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), ERR_AGAIN);
	for (uint64_t i = 0; i < 100000; i++) {
		size_t n = (1 + i % 50) * 8;
		put(i, n);
		CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), 0);
		CHECK_INT(len, n);
		CHECK(buf[0] == i && buf[n / 8 - 1] == i);
	}
	CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), ERR_AGAIN);
	unmake();
}

TEST(an_overtaken_reader_learns_how_much_it_lost)
{
	uint64_t buf[64], lost, got = 0, gone = 0;
	size_t len;
	int err;
	make(RING_SIZE_MIN);
	put(0, 8);
	CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), 0);
	for (uint64_t i = 1; i <= 20000; i++)
		put(i, 16);
	while ((err = ring_read(r, buf, sizeof buf, &len, &lost)) != ERR_AGAIN) {
		CHECK(err == 0 || err == ERR_GAP);
		if (err == 0)
			got++;
		else
			gone += lost;
	}
	/* When the whole lap is gone the count comes with the next record. */
	put(20001, 16);
	while ((err = ring_read(r, buf, sizeof buf, &len, &lost)) != ERR_AGAIN) {
		if (err == 0)
			got++;
		else
			gone += lost;
	}
	CHECK_INT(got + gone, 20001);
	CHECK(gone > 0);
	unmake();
}

TEST(a_reader_that_comes_back_finds_its_position_again)
{
	uint64_t buf[8], lost, pos;
	size_t len;
	make(RING_SIZE_MIN);
	put(1, 8);
	put(2, 8);
	CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), 0);
	pos = ring_pos(r);
	CHECK(ring_epoch(r) == ring_writer_epoch(w));
	ring_close(r);
	put(3, 8);
	CHECK_INT(ring_open(fd, &r), 0);
	CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), ERR_AGAIN);
	CHECK_INT(ring_seek(r, pos), 0);
	CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), 0);
	CHECK_INT(buf[0], 2);
	CHECK_INT(ring_seek(r, pos + 4096), ERR_RANGE);
	for (int i = 0; i < 20000; i++)
		put(4, 8);
	CHECK_INT(ring_seek(r, pos), ERR_GAP);
	unmake();
}

TEST(readers_cannot_write_and_unsealed_memory_is_no_ring)
{
	struct ring_reader *other;
	make(RING_SIZE_MIN);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	int plain = memfd_new("plain", 4096 + RING_SIZE_MIN);
	CHECK(plain >= 0);
	CHECK_INT(ring_open(plain, &other), ERR_DENIED);
	char *zeros = calloc(1, 4096 + RING_SIZE_MIN);
	int garbage = memfd_sealed("garbage", zeros, 4096 + RING_SIZE_MIN);
	CHECK_INT(ring_open(garbage, &other), ERR_PROTO);
	free(zeros);
	close(plain);
	close(garbage);
	unmake();
}

TEST(what_was_reserved_and_not_committed_spoils_no_record_unnoticed)
{
	make(RING_SIZE_MIN);
	/* Once around with short records (24 bytes each): the oldest lie where the writer goes on. */
	for (uint64_t i = 0; i < RING_SIZE_MIN / 24; i++)
		put(i, 8);
	uint64_t *p = ring_reserve(w, RING_SIZE_MIN / 4);
	memset(p, 0xee, RING_SIZE_MIN / 4);
	ring_commit(w, 8, 1);
	put(7, 8);
	CHECK_INT(ring_seek(r, 24 * 200), ERR_GAP);
	unmake();
}

TEST(a_size_that_is_no_power_of_two_loses_nothing_at_its_end)
{
	uint64_t buf[64], lost;
	size_t len;
	make(5 * 4096 * 5 + 1);
	CHECK_INT(ring_size(r), 26 * 4096);
	for (uint64_t i = 0; i < 100000; i++) {
		size_t n = (1 + i * 7919 % 50) * 8;
		put(i, n);
		CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), 0);
		CHECK(len == n && buf[0] == i && buf[n / 8 - 1] == i);
	}
	unmake();
}

TEST(a_record_too_large_for_the_buffer_is_skipped_and_said)
{
	uint64_t buf[2], lost;
	size_t len;
	make(RING_SIZE_MIN);
	put(1, 64);
	put(2, 8);
	CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), ERR_LIMIT);
	CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), 0);
	CHECK_INT(buf[0], 2);
	CHECK(ring_reserve(w, RING_SIZE_MIN) == NULL);
	unmake();
}

static atomic_bool	finished;

static void *
writer_thread(void *arg)
{
	(void)arg;
	for (uint64_t i = 1; i <= 200000; i++) {
		size_t len = 8 + (i * 7919 % 40) * 8;
		uint64_t *p = ring_reserve(w, len);
		for (size_t k = 0; k < len / 8; k++)
#if defined(__SANITIZE_THREAD__)
			atomic_store_explicit((_Atomic uint64_t *)(void *)&p[k], i, memory_order_relaxed);
#else
			p[k] = i;
#endif
		ring_commit(w, len, 1);
	}
	atomic_store(&finished, true);
	return NULL;
}

TEST(a_racing_reader_sees_only_whole_records_and_counts_the_rest)
{
	uint64_t buf[64], lost, got = 0, gone = 0, last = 0;
	size_t len;
	pthread_t t;
	make(RING_SIZE_MIN);
	put(0, 8);
	CHECK_INT(ring_read(r, buf, sizeof buf, &len, &lost), 0);
	atomic_store(&finished, false);
	CHECK_INT(pthread_create(&t, NULL, writer_thread, NULL), 0);
	for (;;) {
		bool was_finished = atomic_load(&finished);
		int err = ring_read(r, buf, sizeof buf, &len, &lost);
		if (err == 0) {
			for (size_t k = 1; k < len / 8; k++)
				CHECK(buf[k] == buf[0]);
			CHECK(buf[0] > last);
			last = buf[0];
			got++;
		} else if (err == ERR_GAP)
			gone += lost;
		else {
			CHECK_INT(err, ERR_AGAIN);
			if (was_finished)
				break;
		}
	}
	pthread_join(t, NULL);
	put(200001, 8);
	int err;
	while ((err = ring_read(r, buf, sizeof buf, &len, &lost)) != ERR_AGAIN) {
		got += err == 0;
		gone += err == ERR_GAP ? lost : 0;
	}
	CHECK_INT(got + gone, 200001);
	unmake();
}

TEST_MAIN
