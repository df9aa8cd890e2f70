/* See watch.h: epoll, whose descriptor can be polled itself. */
#include "os/watch.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/err.h"

int
watch_open(int *w)
{
	*w = epoll_create1(EPOLL_CLOEXEC);
	return *w < 0 ? err_from_errno(errno) : 0;
}

int
watch_set(int w, int fd, bool in, bool out)
{
	struct epoll_event e = { .events = (in ? EPOLLIN : 0u) | (out ? EPOLLOUT : 0u), .data.fd = fd };

	if (e.events == 0) {
		epoll_ctl(w, EPOLL_CTL_DEL, fd, &e);	/* one that is not in there is as good */
		return 0;
	}
	if (epoll_ctl(w, EPOLL_CTL_MOD, fd, &e) == 0 || (errno == ENOENT && epoll_ctl(w, EPOLL_CTL_ADD, fd, &e) == 0))
		return 0;
	return err_from_errno(errno);
}

int
watch_wait(int w, int timeout_ms)
{
	struct epoll_event e;
	int n = epoll_wait(w, &e, 1, timeout_ms);

	if (n > 0)
		return 0;
	return n == 0 ? ERR_TIMEOUT : errno == EINTR ? ERR_AGAIN : err_from_errno(errno);
}
