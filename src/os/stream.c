/* See stream.h. */
#include "os/stream.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"

ssize_t
stream_read(int fd, void *p, size_t len)
{
	ssize_t n;

	do {
		n = recv(fd, p, len, 0);
		if (n < 0 && errno == ENOTSOCK)
			n = read(fd, p, len);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n == 0)
		return ERR_END;
	return errno == EAGAIN ? ERR_AGAIN : err_from_errno(errno);
}

ssize_t
stream_write(int fd, const void *p, size_t len)
{
	ssize_t n;

	do {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == ENOTSOCK)
			n = write(fd, p, len);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == EAGAIN ? ERR_AGAIN : err_from_errno(errno);
}

size_t
stream_unsent(int fd)
{
	int n = 0;

	return ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

void
stream_abort(int fd)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0)
		tcflush(fd, TCOFLUSH);	/* else closing would wait until it is out. No line either: nothing to abort */
}

void
stream_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
