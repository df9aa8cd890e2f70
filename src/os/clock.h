/* Reading the two clocks of base/clock.h. Neither call fails or blocks. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include "base/clock.h"

/* CLOCK_MONOTONIC: never steps, stands still while the machine is suspended. */
struct mono mono_now(void);
/* CLOCK_BOOTTIME: as mono_now(), and goes on while the machine is suspended; never mix the two. For times to live. */
struct mono boot_now(void);
/* CLOCK_REALTIME: UTC, may step either way. */
struct wall wall_now(void);
/* Sleep; for tools, not for anything that runs a loop. A signal may end it early. */
void mono_sleep(int64_t ns);

#endif
