/* What insight holds. */
#include "insight/insight.h"

#include <stdio.h>
#include <unistd.h>

#include "base/test.h"

static const struct insight_opts none = { 0 };

static struct ring_reader *
fresh_ring(struct ring_writer **w)
{
	struct ring_reader *r;
	int fd;

	CHECK_INT(ring_create("t", RING_SIZE_MIN, w, &fd), 0);
	CHECK_INT(ring_open(fd, &r), 0);
	close(fd);
	return r;
}

TEST(a_new_ring_of_a_writer_takes_the_place_of_its_old_one)
{
	struct ring_writer *w[3];
	struct insight *in = insight_new(&none);

	CHECK_INT(insight_ring(in, "field:a", fresh_ring(&w[0])), 0);
	CHECK_INT(insight_ring(in, "field:b", fresh_ring(&w[1])), 0);
	CHECK_INT(insight_ring(in, "field:a", fresh_ring(&w[2])), 0);
	CHECK_INT(insight_rings(in), 2);
	insight_free(in);
	for (int i = 0; i < 3; i++)
		ring_writer_free(w[i]);
}

TEST(too_many_writers_are_refused)
{
	struct insight *in = insight_new(&none);
	struct ring_writer *w;
	char name[32];

	for (unsigned i = 0; i <= INSIGHT_RINGS_MAX; i++) {
		snprintf(name, sizeof name, "field:%u", i);
		CHECK_INT(insight_ring(in, name, fresh_ring(&w)), i < INSIGHT_RINGS_MAX ? 0 : ERR_LIMIT);
		ring_writer_free(w);
	}
	insight_free(in);
}

TEST_MAIN
