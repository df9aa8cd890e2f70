/* Time zones of the system's database (tzdata), as offsets from UTC. */
#ifndef OS_ZONE_H
#define OS_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/*
 * The offsets of a zone such as "Europe/Berlin" from 2020 to 2040, in order, at most max; the last one goes on. Returns
 * how many, 0: the zone is not known here. Changes TZ of the process for the time of the call: not for programs with
 * threads that ask for local time.
 */
size_t zone_offsets(const char *name, struct zone_offset *out, size_t max);

#endif
