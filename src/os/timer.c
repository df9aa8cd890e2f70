/* See timer.h. Arming anew clears a pending expiry, so nobody has to read the descriptor. */
#include "os/timer.h"

#include <errno.h>
#include <sys/timerfd.h>

#include "base/err.h"

int
timer_open(int *fd)
{
	*fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return *fd < 0 ? err_from_errno(errno) : 0;
}

void
timer_arm(int fd, struct mono at)
{
	struct itimerspec t = { 0 };

	if (at.ns != INT64_MAX) {
		int64_t ns = at.ns > 0 ? at.ns : 1;	/* zero would disarm */
		t.it_value.tv_sec = ns / NS_PER_S;
		t.it_value.tv_nsec = ns % NS_PER_S;
	}
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL);	/* fails only for a bad fd or a negative time */
}
