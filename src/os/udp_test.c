/* Datagrams one way over loopback: what is sent arrives, cut as it was given; what is too long is told; the sender hears nothing. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/test.h"
#include "os/stream.h"
#include "os/udp.h"
#include "os/wake.h"

static struct udp_in *
open_in(struct sockaddr_in *at, size_t buffer, size_t longest)
{
	struct udp_in *in;
	socklen_t len = sizeof *at;
	size_t got = 0;

	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CHECK_INT(udp_in_open((struct sockaddr *)at, sizeof *at, buffer, longest, &in, &got), 0);
	CHECK(got > 0);
	CHECK_INT(getsockname(udp_in_fd(in), (struct sockaddr *)at, &len), 0);
	return in;
}

/* All that has come so far, at most n datagrams of one length each, checked against what was sent. */
static unsigned
receive(struct udp_in *in, const uint8_t *bytes, size_t len, uint64_t *overrun)
{
	struct udp_datagram v[UDP_BATCH];
	struct wait_fd w = { .fd = udp_in_fd(in), .in = true };
	unsigned all = 0;
	int n;

	wait_fds(&w, 1, NS_PER_S);
	while ((n = udp_in_receive(in, v, overrun)) > 0)
		for (int i = 0; i < n; i++, all++) {
			CHECK_INT((long)v[i].len, (long)len);
			CHECK(memcmp(v[i].p, bytes, len) == 0);
		}
	CHECK_INT(n, ERR_AGAIN);
	return all;
}

TEST(datagrams_arrive_as_they_were_cut)
{
	static uint8_t bytes[1408];
	struct udp_datagram v[UDP_BATCH];
	struct sockaddr_in at;
	struct udp_in *in = open_in(&at, 4 << 20, sizeof bytes);
	uint64_t overrun = 0;
	unsigned sent = 0;
	int fd;

	memset(bytes, 0x5a, sizeof bytes);
	CHECK_INT(udp_send_open((struct sockaddr *)&at, sizeof at, &fd), 0);
	for (unsigned i = 0; i < UDP_BATCH; i++)
		v[i] = (struct udp_datagram){ bytes, sizeof bytes };
	while (sent < UDP_BATCH) {
		int n = udp_send(fd, v + sent, UDP_BATCH - sent);
		CHECK(n > 0);
		sent += (unsigned)n;
	}
	CHECK_INT(receive(in, bytes, sizeof bytes, &overrun), UDP_BATCH);
	/* Of different lengths: one by one. */
	v[0].len = 100;
	CHECK_INT(udp_send(fd, v, 1), 1);
	CHECK_INT(receive(in, bytes, 100, &overrun), 1);
	/* Longer than the receiver takes: it can be told from one that is just as long. */
	v[0].len = sizeof bytes;
	udp_in_close(in);
	in = open_in(&at, 65536, 99);
	stream_close(fd);
	CHECK_INT(udp_send_open((struct sockaddr *)&at, sizeof at, &fd), 0);
	CHECK_INT(udp_send(fd, v, 1), 1);
	CHECK_INT(receive(in, bytes, 100, &overrun), 1);
	CHECK_INT((long)overrun, 0);
	udp_in_close(in);
	stream_close(fd);
}

TEST(what_has_no_room_in_the_socket_is_counted_apart)
{
	static uint8_t bytes[1000];
	struct udp_datagram d = { bytes, sizeof bytes };
	struct sockaddr_in at;
	struct udp_in *in = open_in(&at, 65536, sizeof bytes);
	uint64_t overrun = 0;
	unsigned sent = 0, got;
	int fd;

	CHECK_INT(udp_send_open((struct sockaddr *)&at, sizeof at, &fd), 0);
	for (unsigned i = 0; i < 2000; i++)
		sent += udp_send(fd, &d, 1) == 1;
	got = receive(in, bytes, sizeof bytes, &overrun);
	CHECK_INT(udp_send(fd, &d, 1), 1);	/* the count comes with the next one that has room */
	got += receive(in, bytes, sizeof bytes, &overrun);
	CHECK(overrun > 0);
	CHECK_INT((long)(got + overrun), (long)sent + 1);
	udp_in_close(in);
	stream_close(fd);
}

TEST(the_sender_hears_nothing_and_goes_on_when_nobody_is_there)
{
	static uint8_t bytes[8];
	struct udp_datagram d = { bytes, sizeof bytes };
	struct sockaddr_in at, own;
	struct udp_in *in = open_in(&at, 65536, 100);
	struct wait_fd w = { .in = true };
	socklen_t len = sizeof own;
	uint8_t back[8];
	int fd;

	CHECK_INT(udp_send_open((struct sockaddr *)&at, sizeof at, &fd), 0);
	/* An answer from the very address that it sends to. */
	CHECK_INT(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	CHECK_INT(sendto(udp_in_fd(in), bytes, sizeof bytes, 0, (struct sockaddr *)&own, len), sizeof bytes);
	w.fd = fd;
	CHECK_INT(wait_fds(&w, 1, 100 * NS_PER_MS), 0);
	CHECK(recv(fd, back, sizeof back, MSG_DONTWAIT) < 0);
	/* Nobody is bound: the kernel says so, and that is no reason to stop. */
	udp_in_close(in);
	for (int i = 0; i < 10; i++)
		CHECK_INT(udp_send(fd, &d, 1), 1);
	stream_close(fd);
}

TEST(a_datagram_that_is_too_long_for_the_way_is_told)
{
	static uint8_t bytes[66000];
	struct udp_datagram d = { bytes, sizeof bytes };
	struct sockaddr_in at;
	struct udp_in *in = open_in(&at, 65536, 100);
	int fd;

	CHECK_INT(udp_send_open((struct sockaddr *)&at, sizeof at, &fd), 0);
	CHECK_INT(udp_send(fd, &d, 1), ERR_LIMIT);
	udp_in_close(in);
	stream_close(fd);
}

TEST_MAIN
