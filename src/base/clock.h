/*
 * Two times that must never be mixed, so they are two types: `mono` runs steadily and is for timers; `wall` is what a
 * clock on the wall says (UTC), may jump, and is for records. Both count nanoseconds. Reading a clock is os/clock.h.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

struct mono { int64_t ns; };	/* since some point in this boot */
struct wall { int64_t ns; };	/* since 1970-01-01T00:00:00Z; 0 means "none" */

/* Local time from `from` on is UTC + offset, until the next one. */
struct zone_offset { struct wall from; int32_t offset_s; };

#define MONO_NEVER ((struct mono){ INT64_MAX })

static inline struct mono
mono_add(struct mono t, int64_t ns)
{
	return (struct mono){ t.ns == INT64_MAX ? INT64_MAX : t.ns + ns };
}
static inline int64_t mono_diff(struct mono a, struct mono b) { return a.ns - b.ns; }
static inline bool mono_before(struct mono a, struct mono b) { return a.ns < b.ns; }
static inline struct mono mono_min(struct mono a, struct mono b) { return a.ns < b.ns ? a : b; }

/* "2026-11-22T16:28:00.123456Z" into out[WALL_TEXT]; digits after the point 0..9. Returns out. */
#define WALL_TEXT 40
char *wall_format(struct wall t, int digits, char *out);
/* The reverse, RFC 3339 with Z or a numeric offset. 0 or ERR_SYNTAX. */
int wall_parse(const char *text, struct wall *out);
/* "1.5 s", "250 ms", "3 h" for people, into out[DURATION_TEXT]. Returns out. */
#define DURATION_TEXT 32
char *duration_format(int64_t ns, char *out);

#endif
