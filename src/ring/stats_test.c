/* The status page: what is written is read, and what a broken or taken-over writer can do to its reader. */
#include "ring/stats.h"

#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/test.h"
#include "os/memfd.h"

static unsigned	objects;

static void
count(void *arg, enum stats_kind kind, const char *name, const uint64_t *figures)
{
	(void)arg;
	CHECK_INT(kind, STATS_ring);
	CHECK_STR(name, "field:line-3");
	CHECK_INT(figures[STATS_ring_records], 42);
	objects++;
}

TEST(what_is_written_is_read)
{
	struct stats *s;
	int fd;
	CHECK_INT(stats_create(2, &fd), 0);
	CHECK_INT(stats_map(fd, &s), 0);
	stat_set(&stats_object(s, STATS_ring, "field:line-3")[STATS_ring_records], 42);
	objects = 0;
	CHECK_INT(stats_read(fd, count, NULL), 0);
	CHECK_INT(objects, 1);
	stats_unmap(s);
	close(fd);
}

TEST(a_writer_cannot_shrink_the_page_under_its_reader)
{
	int fd;
	CHECK_INT(stats_create(2, &fd), 0);
	CHECK(ftruncate(fd, 0) != 0);
	CHECK(memfd_size(fd) > 0);
	close(fd);
}

TEST(a_count_beyond_the_page_is_refused)
{
	struct stats *s;
	int fd;
	CHECK_INT(stats_create(2, &fd), 0);
	CHECK_INT(stats_map(fd, &s), 0);
	uint64_t many = 3;
	CHECK(pwrite(fd, &many, sizeof many, 16) == sizeof many);	/* magic, version, room, count */
	CHECK_INT(stats_read(fd, count, NULL), ERR_PROTO);
	stats_unmap(s);
	close(fd);
}

TEST_MAIN
