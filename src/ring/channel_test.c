/* Who may say what to whom, and the status page. */
#include "ring/channel.h"

#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "os/memfd.h"
#include "os/packet.h"
#include "ring/stats.h"

static struct channel	a, b;

static void
connect_as(enum role left, enum role right)
{
	int fds[2];
	CHECK_INT(channel_pair(fds), 0);
	channel_init(&a, fds[0], left, right);
	channel_init(&b, fds[1], right, left);
}

TEST(a_message_with_its_descriptor_arrives)
{
	struct msg m;
	connect_as(ROLE_SUPERVISOR, ROLE_FIELD);
	int fd = memfd_sealed("x", "hello", 5);
	CHECK_INT(channel_send(&a, MSG_PLAN, "\1\0\0\0\0\0\0\0", 8, fd), 0);
	CHECK_INT(channel_recv(&b, &m), 0);
	CHECK_INT(m.type, MSG_PLAN);
	CHECK_INT(m.len, 8);
	CHECK_INT(memfd_size(m.fd), 5);
	close(m.fd);
	close(fd);
	CHECK_INT(channel_recv(&b, &m), ERR_AGAIN);
	channel_close(&a);
	CHECK_INT(channel_recv(&b, &m), ERR_CONN);
	channel_close(&b);
}

TEST(what_no_row_allows_is_refused_on_both_ends)
{
	struct msg m;
	connect_as(ROLE_FIELD, ROLE_SUPERVISOR);
	CHECK_INT(channel_send(&a, MSG_PLAN, "12345678", 8, -1), ERR_DENIED);		/* not field's to say */
	CHECK_INT(channel_send(&a, MSG_READY, "123456789", 9, -1), ERR_DENIED);	/* too long */
	CHECK_INT(channel_send(&a, MSG_READY, "12345678", 8, 0), ERR_DENIED);		/* no descriptor goes with it */
	/* A process that has been taken over does not ask its own side. */
	uint32_t forged[4] = { MSG_DELIVERED, 8, 0, 0 };
	CHECK_INT(packet_send(a.fd, forged, sizeof forged, -1), 0);
	CHECK_INT(channel_recv(&b, &m), ERR_DENIED);
	forged[0] = 9999;
	CHECK_INT(packet_send(a.fd, forged, sizeof forged, -1), 0);
	CHECK_INT(channel_recv(&b, &m), ERR_DENIED);
	forged[0] = MSG_READY;
	forged[1] = 7;
	CHECK_INT(packet_send(a.fd, forged, sizeof forged, -1), 0);
	CHECK_INT(channel_recv(&b, &m), ERR_PROTO);
	CHECK_INT(packet_send(a.fd, forged, 3, -1), 0);
	CHECK_INT(channel_recv(&b, &m), ERR_PROTO);
	channel_close(&a);
	channel_close(&b);
}

TEST(a_full_channel_says_try_later_and_loses_nothing)
{
	struct msg m;
	uint64_t n = 0, got = 0;
	int err;
	connect_as(ROLE_FIELD, ROLE_SUPERVISOR);
	while ((err = channel_send(&a, MSG_READY, &n, 8, -1)) == 0)
		n++;
	CHECK_INT(err, ERR_AGAIN);
	while (channel_recv(&b, &m) == 0) {
		uint64_t v;
		memcpy(&v, m.p, 8);
		CHECK(v == got);
		got++;
	}
	CHECK(got == n && n > 0);
	channel_close(&a);
	channel_close(&b);
}

static int	seen;

static void
look(void *arg, enum stats_kind kind, const char *name, const uint64_t *figures)
{
	(void)arg;
	seen++;
	if (kind == STATS_source) {
		CHECK_STR(name, "filler");
		CHECK_INT(figures[STATS_source_scans], 7);
	}
}

TEST(figures_are_read_without_asking_the_process)
{
	struct stats *s;
	int fd;
	CHECK_INT(stats_create(2, &fd), 0);
	CHECK_INT(stats_map(fd, &s), 0);
	stat_add(&stats_object(s, STATS_source, "filler")[STATS_source_scans], 3);
	stat_add(&stats_object(s, STATS_source, "filler")[STATS_source_scans], 4);
	stat_set(&stats_object(s, STATS_sink, "filler")[STATS_sink_connected], 1);
	stat_set(&stats_object(s, STATS_sink, "one too many")[STATS_sink_connected], 1);
	seen = 0;
	CHECK_INT(stats_read(fd, look, NULL), 0);
	CHECK_INT(seen, 2);
	CHECK_STR(stats_figure_name(STATS_source, STATS_source_skipped), "skipped");
	stats_reset(s);
	seen = 0;
	CHECK_INT(stats_read(fd, look, NULL), 0);
	CHECK_INT(seen, 0);
	stats_unmap(s);
	close(fd);
}

TEST_MAIN
