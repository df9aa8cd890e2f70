/*
 * One kernel timer on the monotonic clock with nanosecond deadlines; its descriptor becomes readable when the deadline
 * has passed. The loop's own timers count whole milliseconds, too coarse for scans of 10 ms.
 */
#ifndef OS_TIMER_H
#define OS_TIMER_H

#include "base/clock.h"

/* *fd given (stream_close()). 0 or an error. */
int timer_open(int *fd);
/*
 * Arm for a deadline (also one that has passed: fires at once), MONO_NEVER to disarm. Takes back an expiry not yet
 * seen.
 */
void timer_arm(int fd, struct mono at);

#endif
