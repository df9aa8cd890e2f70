/*
 * The status page: figures of one process in shared memory, written by that process alone and read by `penstock status` without
 * asking it, so a process that hangs can still be looked at. Objects are added, never removed, until a new plan resets the page.
 *
 * Kinds and their figures are rows in stats.def; a figure is a 64-bit number (times: ns since 1970 UTC; 0 = never).
 */
#ifndef RING_STATS_H
#define RING_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define STATS_NAME_MAX	 63u
#define STATS_FIGURES_MAX 24u	/* of one kind */

enum stats_kind {
#define KIND(name, ...) STATS_##name,
#include "ring/stats.def"
#undef KIND
	STATS_KINDS
};

/* Indexes of figures: STATS_source_scans and so on. */
#define KIND(kind, ...) enum stats_##kind##_figure { __VA_ARGS__, STATS_##kind##_N };
#define F(kind, figure) STATS_##kind##_##figure
#include "ring/stats.def"
#undef F
#undef KIND

struct stats;			/* the page, mapped for writing */
typedef _Atomic uint64_t stat_t;	/* relaxed is enough: figures are looked at, not acted on */

/* Supervisor: make a page with room for n objects, *fd given. Process: map it. NULL page: figures go to a private scratch. */
int stats_create(size_t n, int *fd);
int stats_map(int fd, struct stats **out);
void stats_unmap(struct stats *s);
void stats_reset(struct stats *s);
/* The figures of an object, made on the first call. Never NULL: when the page is full they are a scratch that nobody sees. */
stat_t *stats_object(struct stats *s, enum stats_kind kind, const char *name);

static inline void stat_add(stat_t *s, uint64_t v) { atomic_store_explicit(s, atomic_load_explicit(s, memory_order_relaxed) + v, memory_order_relaxed); }
static inline void stat_set(stat_t *s, uint64_t v) { atomic_store_explicit(s, v, memory_order_relaxed); }
static inline uint64_t stat_get(const stat_t *s) { return atomic_load_explicit((stat_t *)(uintptr_t)s, memory_order_relaxed); }

/* Reading a page of a process that is not trusted: calls each() per object. 0, ERR_PROTO. */
int stats_read(int fd, void (*each)(void *arg, enum stats_kind kind, const char *name, const uint64_t *figures), void *arg);
const char *stats_kind_name(enum stats_kind kind);
size_t stats_figures(enum stats_kind kind);
const char *stats_figure_name(enum stats_kind kind, size_t i);

#endif
