/* What the kernel says of a process of ours, from /proc and its clock. Zeros when it says nothing. */
#ifndef OS_PROCFS_H
#define OS_PROCFS_H

#include <stdint.h>

struct procfs_memory {
	uint64_t pss, rss;	/* bytes */
};

int64_t procfs_self(void);
void procfs_memory(int64_t pid, struct procfs_memory *out);
/* User and system time of all its threads so far. */
uint64_t procfs_cpu_ns(int64_t pid);

#endif
