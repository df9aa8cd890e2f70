/* See packet.h; sendmsg(2) with SCM_RIGHTS. */
#include "os/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"

#define PASS_MAX 8	/* room for more than we take, so that extra ones can be closed */

int
packet_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0 ? 0 : err_from_errno(errno);
}

int
packet_send(int fd, const void *p, size_t len, int pass)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { .iov_base = (void *)(size_t)p, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (pass >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof control.room;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass, sizeof pass);
	}
	ssize_t n;
	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == EAGAIN || errno == ENOBUFS ? ERR_AGAIN : errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ? ERR_CONN :
	    err_from_errno(errno);
}

static int
take_descriptors(struct msghdr *m, int *pass)
{
	int n = 0;

	*pass = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (n++ == 0)
				*pass = fd;
			else
				close(fd);
		}
	}
	if (n <= 1 && (m->msg_flags & MSG_CTRUNC) == 0)
		return 0;
	packet_close(*pass);
	*pass = -1;
	return ERR_LIMIT;
}

int
packet_recv(int fd, void *p, size_t size, size_t *len, int *pass)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(PASS_MAX * sizeof(int))]; } control;
	struct iovec iov = { .iov_base = p, .iov_len = size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room };

	*pass = -1;
	ssize_t n;
	do
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? ERR_AGAIN : errno == ECONNRESET ? ERR_CONN : err_from_errno(errno);
	if (n == 0)
		return ERR_CONN;
	int err = take_descriptors(&m, pass);
	if (err == 0 && (m.msg_flags & MSG_TRUNC) != 0)
		err = ERR_LIMIT;
	if (err != 0) {
		packet_close(*pass);
		*pass = -1;
		return err;
	}
	*len = (size_t)n;
	return 0;
}

void
packet_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
