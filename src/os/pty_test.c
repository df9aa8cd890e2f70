/* A pseudo terminal carries bytes both ways unchanged, and its link leads to it. */
#include "os/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/test.h"
#include "os/stream.h"

static size_t
take(int fd, uint8_t *out, size_t want)
{
	size_t n = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (n < want && poll(&p, 1, 2000) > 0) {
		ssize_t r = read(fd, out + n, want - n);
		if (r <= 0)
			break;
		n += (size_t)r;
	}
	return n;
}

TEST(bytes_pass_unchanged_before_anybody_set_a_mode)
{
	static const uint8_t all[] = { 0, 3, 4, 10, 13, 17, 19, 26, 28, 127, 255 };
	char link[256], why[256];
	uint8_t got[sizeof all];
	int fd, other, again;

	snprintf(link, sizeof link, "%s/line", test_dir());
	CHECK_INT(pty_open(link, &fd, why, sizeof why), 0);
	CHECK((other = open(link, O_RDWR | O_NOCTTY)) >= 0);
	CHECK_INT(write(other, all, sizeof all), sizeof all);
	CHECK_INT(take(fd, got, sizeof got), sizeof got);
	CHECK_BYTES(got, all, sizeof all);
	CHECK_INT(write(fd, all, sizeof all), sizeof all);
	CHECK_INT(take(other, got, sizeof got), sizeof got);
	CHECK_BYTES(got, all, sizeof all);
	close(other);
	CHECK(read(fd, got, 1) == -1 && errno == EIO);
	CHECK_INT(pty_open(link, &again, why, sizeof why), 0);	/* the link is replaced */
	close(fd);
	CHECK((other = open(link, O_RDWR | O_NOCTTY)) >= 0);
	CHECK_INT(write(other, "x", 1), 1);
	CHECK_INT(take(again, got, 1), 1);
	close(other);
	close(again);
}

TEST(a_path_that_cannot_be_is_explained)
{
	char why[256] = "";
	int fd;

	CHECK_INT(pty_open("/nowhere/line", &fd, why, sizeof why), ERR_NOTFOUND);
	CHECK_INT(fd, -1);
	CHECK(strstr(why, "/nowhere/line") != NULL);
}

/* In packet mode the far side of a pseudo terminal is told of a flush: a byte of its own, ioctl_tty(2). */
TEST(what_a_line_has_not_sent_is_dropped_when_it_is_given_up)
{
	char link[256], why[256];
	uint8_t got = 0;
	int fd, other, on = 1;

	snprintf(link, sizeof link, "%s/late", test_dir());
	CHECK_INT(pty_open(link, &fd, why, sizeof why), 0);
	CHECK((other = open(link, O_RDWR | O_NOCTTY)) >= 0);
	CHECK_INT(ioctl(fd, TIOCPKT, &on), 0);
	stream_abort(other);
	CHECK_INT(take(fd, &got, 1), 1);
	CHECK(got & TIOCPKT_FLUSHWRITE);
	CHECK(!(got & TIOCPKT_FLUSHREAD));
	close(other);
	close(fd);
}

TEST_MAIN
