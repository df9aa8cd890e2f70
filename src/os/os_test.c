/* Connections over loopback and a pseudo terminal: what the kernel gives is what the headers say. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/test.h"
#include "os/clock.h"
#include "os/serial.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "os/timer.h"

static bool
wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	return poll(&p, 1, timeout_ms) == 1;
}

static int
listener(struct sockaddr_storage *at, socklen_t *len)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(tcp_numeric("127.0.0.1", 0, at, len), 0);
	CHECK_INT(bind(s, (struct sockaddr *)at, *len), 0);
	CHECK_INT(listen(s, 4), 0);
	CHECK_INT(getsockname(s, (struct sockaddr *)at, len), 0);
	return s;
}

TEST(a_connection_carries_bytes_both_ways_and_reports_its_end)
{
	struct sockaddr_storage at;
	socklen_t len;
	int ls = listener(&at, &len), fd;
	char got[16];

	CHECK_INT(tcp_connect((struct sockaddr *)&at, len, &fd), 0);
	CHECK(wait_for(fd, POLLOUT, 1000));
	CHECK_INT(tcp_result(fd), 0);
	int peer = accept(ls, NULL, NULL);
	CHECK_INT(stream_read(fd, got, sizeof got), ERR_AGAIN);
	CHECK_INT(stream_write(fd, "ping", 4), 4);
	CHECK_INT(read(peer, got, sizeof got), 4);
	CHECK_INT(write(peer, "pong", 4), 4);
	CHECK(wait_for(fd, POLLIN, 1000));
	CHECK_INT(stream_read(fd, got, sizeof got), 4);
	CHECK_BYTES(got, "pong", 4);
	close(peer);
	CHECK(wait_for(fd, POLLIN, 1000));
	CHECK_INT(stream_read(fd, got, sizeof got), ERR_END);
	stream_close(fd);
	close(ls);
}

TEST(a_refused_connection_says_so_with_a_remedy)
{
	struct sockaddr_storage at;
	socklen_t len;
	int fd;

	close(listener(&at, &len));	/* the port is free again: nobody listens there */
	int err = tcp_connect((struct sockaddr *)&at, len, &fd);
	int errnum = errno;
	if (err == 0) {
		CHECK(wait_for(fd, POLLOUT, 1000));
		errnum = tcp_result(fd);
		stream_close(fd);
	}
	CHECK_INT(errnum, ECONNREFUSED);
	CHECK(strstr(tcp_cause(errnum), "nothing listens on this port") != NULL);
}

TEST(names_are_not_numeric_addresses)
{
	struct sockaddr_storage at;
	socklen_t len;
	char text[TCP_ADDR_TEXT];

	CHECK_INT(tcp_numeric("plc.example", 502, &at, &len), ERR_SYNTAX);
	CHECK_INT(tcp_numeric("10.3.1.10", 502, &at, &len), 0);
	CHECK_STR(tcp_format((struct sockaddr *)&at, len, text), "10.3.1.10:502");
	CHECK_INT(tcp_numeric("::1", 802, &at, &len), 0);
	CHECK_STR(tcp_format((struct sockaddr *)&at, len, text), "[::1]:802");
}

TEST(a_timer_fires_at_its_deadline_and_can_be_taken_back)
{
	int fd;

	CHECK_INT(timer_open(&fd), 0);
	struct mono start = mono_now();
	timer_arm(fd, mono_add(start, 3 * NS_PER_MS));
	CHECK(wait_for(fd, POLLIN, 1000));
	CHECK(mono_diff(mono_now(), start) >= 3 * NS_PER_MS);
	timer_arm(fd, MONO_NEVER);
	CHECK(!wait_for(fd, POLLIN, 20));
	timer_arm(fd, start);
	CHECK(wait_for(fd, POLLIN, 1000));
	stream_close(fd);
}

/* A pseudo terminal: returns its near end, far end's path in name. */
static int
pty(char *name, size_t size)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(m >= 0);
	CHECK_INT(grantpt(m), 0);
	CHECK_INT(unlockpt(m), 0);
	CHECK_INT(ptsname_r(m, name, size), 0);
	return m;
}

TEST(a_serial_line_is_raw_locked_and_passes_every_byte)
{
	char name[64], why[200] = "";
	int near = pty(name, sizeof name), fd, second;
	struct serial_line line = { .device = name, .baud = 19200, .data_bits = 8, .stop_bits = 1, .parity = 'E' };
	uint8_t all[256], got[256];

	CHECK_INT(serial_open(&line, &fd, why, sizeof why), 0);
	CHECK_INT(serial_open(&line, &second, why, sizeof why), ERR_BUSY);
	CHECK(strstr(why, "another program") != NULL);
	CHECK_INT(second, -1);
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	CHECK_INT(stream_write(fd, all, sizeof all), 256);
	size_t have = 0;
	while (have < sizeof got && wait_for(near, POLLIN, 1000))
		have += (size_t)read(near, got + have, sizeof got - have);
	CHECK_INT(have, 256);
	CHECK_BYTES(got, all, 256);
	struct termios t;
	CHECK_INT(tcgetattr(fd, &t), 0);
	CHECK_INT(cfgetospeed(&t), B19200);
	stream_close(fd);
	close(near);
}

TEST(a_serial_line_opens_again_as_it_was)
{
	char name[64], why[200] = "";
	int near = pty(name, sizeof name), fd;
	struct serial_line line = { .device = name, .baud = 19200, .data_bits = 8, .stop_bits = 1, .parity = 'E' };

	for (int i = 0; i < 3; i++) {
		int err = serial_open(&line, &fd, why, sizeof why);
		CHECK_STR(why, "");
		CHECK_INT(err, 0);
		stream_close(fd);
	}
	close(near);
}

TEST(a_serial_line_that_is_missing_or_no_line_is_explained)
{
	char why[200];
	int fd;
	struct serial_line line = { .device = "/dev/no-such-line", .baud = 9600, .data_bits = 8, .stop_bits = 1,
	    .parity = 'N' };

	CHECK(serial_open(&line, &fd, why, sizeof why) != 0);
	CHECK(strstr(why, "plugged in") != NULL);
	line.device = "/dev/null";
	CHECK_INT(serial_open(&line, &fd, why, sizeof why), ERR_TYPE);
	char name[64];
	int near = pty(name, sizeof name);
	line.device = name;
	line.baud = 12345;
	CHECK_INT(serial_open(&line, &fd, why, sizeof why), ERR_RANGE);
	close(near);
}

TEST_MAIN
