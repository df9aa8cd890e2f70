/* See clock.h. */
#include "os/clock.h"

#include <time.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);	/* cannot fail for these ids */
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

struct mono
mono_now(void)
{
	return (struct mono){ read_clock(CLOCK_MONOTONIC) };
}

struct mono
boot_now(void)
{
	return (struct mono){ read_clock(CLOCK_BOOTTIME) };
}

struct wall
wall_now(void)
{
	return (struct wall){ read_clock(CLOCK_REALTIME) };
}

void
mono_sleep(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	nanosleep(&ts, NULL);
}
