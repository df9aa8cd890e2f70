/* See stream.h. */
#include "os/stream.h"

#include <errno.h>
#include <sys/socket.h>
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

void
stream_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
