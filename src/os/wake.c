/* See wake.h. */
#include "os/wake.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

int
wake_open(int *fd)
{
	*fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return *fd < 0 ? err_from_errno(errno) : 0;
}

void
wake_set(int fd)
{
	uint64_t one = 1;

	/* Full means that it is readable already. */
	while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void
wake_clear(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof n) < 0 && errno == EINTR)
		;
}

unsigned
wait_fds(struct wait_fd *v, unsigned n, int64_t ns)
{
	struct pollfd p[WAIT_FDS_MAX];
	struct timespec t = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	if (n > WAIT_FDS_MAX)
		n = WAIT_FDS_MAX;
	for (unsigned i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = v[i].fd, .events = (short)((v[i].in ? POLLIN : 0) | (v[i].out ? POLLOUT : 0)) };
	int ready = ppoll(p, n, ns < 0 ? NULL : &t, NULL);
	for (unsigned i = 0; i < n; i++) {
		short e = ready > 0 ? p[i].revents : 0;
		v[i].can_in = (e & (POLLIN | POLLERR | POLLHUP | POLLNVAL)) != 0;
		v[i].can_out = (e & (POLLOUT | POLLERR | POLLHUP | POLLNVAL)) != 0;
	}
	return ready > 0 ? (unsigned)ready : 0;
}
