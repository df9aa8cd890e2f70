/*
 * A disk in memory that can be pulled the plug on. It keeps what programs see (the page cache) apart from what a power
 * cut leaves, and is as unkind as a real one may be:
 *
 *	writes, truncations	are durable once their file was synced; before that, any subset of them may survive, a
 *				write also in part,
 *				cut at a multiple of 512 bytes
 *	names			(create, rename, unlink) are durable once their directory was synced; before that, any
 *				subset
 *	a failed sync		drops the writes it was for, yet calls them clean: a second sync succeeds and proves
 *				nothing
 *
 * Calls are counted; the n-th one may be made to fail, and from a call on everything may fail (the machine is off).
 */
#ifndef OS_DISK_SIM_H
#define OS_DISK_SIM_H

#include "os/disk.h"

enum sim_fault {
	SIM_NONE,
	SIM_IO,		/* the call fails with ERR_IO; a write does nothing */
	/* a call that needs room fails with ERR_NOSPACE, a write after half of its bytes; others work */
	SIM_NOSPACE,
	SIM_SHORT,	/* a read or write transfers half of what was asked and says so; others work */
	SIM_OFF,	/* this call and all that follow fail with ERR_IO and change nothing */
};

struct disk_sim;
struct disk_sim *disk_sim_new(void);
void disk_sim_free(struct disk_sim *s);
/* The table over it; valid as long as the disk. */
const struct disk *disk_sim_table(struct disk_sim *s);

/* Let call number `call` (counted from 1, from here on) meet a fault; `times` in a row, 0 for ever. */
void disk_sim_fault(struct disk_sim *s, enum sim_fault fault, uint64_t call, uint64_t times);
/* Calls since the last disk_sim_fault() or the beginning. */
uint64_t disk_sim_calls(const struct disk_sim *s);
/* Bytes that files may take together, UINT64_MAX: no limit. */
void disk_sim_limit(struct disk_sim *s, uint64_t bytes);

/*
 * How many states a power cut now is worth looking at: every prefix of what is not durable, each last write of a prefix
 * torn at up to three places, and subsets: all of them if there are few, else `subsets` random ones.
 */
uint64_t disk_sim_states(const struct disk_sim *s, uint64_t subsets);
/*
 * The disk as it is after a power cut, in state 0..states-1: given, to be freed. All of it is durable. No locks are
 * held.
 */
struct disk_sim *disk_sim_cut(const struct disk_sim *s, uint64_t state, uint64_t subsets);
/* Everything as programs see it, as after the death of a process alone. Given. */
struct disk_sim *disk_sim_killed(const struct disk_sim *s);

#endif
