/* See listen.h. */
#include "os/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "os/packet.h"

int
lock_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_from_errno(errno);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	int err = errno == EWOULDBLOCK ? ERR_BUSY : err_from_errno(errno);
	close(fd);
	return err;
}

int
listen_unix(const char *path, mode_t mode)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int err = 0;

	if (strlen(path) >= sizeof a.sun_path)
		return ERR_RANGE;
	strcpy(a.sun_path, path);
	unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_from_errno(errno);
	mode_t before = umask((mode_t)(0777 & ~mode));	/* never wider than asked, not even for a moment */
	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 64) != 0)
		err = err_from_errno(errno);
	umask(before);
	if (err != 0) {
		close(fd);
		return err;
	}
	return fd;
}

int
accept_unix(int fd)
{
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	return c >= 0 ? c : err_from_errno(errno);
}

ssize_t
read_some(int fd, void *p, size_t size)
{
	ssize_t n = read(fd, p, size);
	if (n > 0)
		return n;
	return n == 0 ? ERR_CONN : err_from_errno(errno);
}

int
send_with_fd(int fd, const char *text, int pass)
{
	int err = packet_send(fd, text, strlen(text), pass);
	if (err == ERR_AGAIN) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		if (poll(&p, 1, 1000) == 1)
			err = packet_send(fd, text, strlen(text), pass);
	}
	return err;
}
