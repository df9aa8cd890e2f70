/* What the kernel says of a process of ours, from /proc and its clock. Zeros when it says nothing. */
#ifndef OS_PROCFS_H
#define OS_PROCFS_H

#include <stdbool.h>
#include <stdint.h>

struct procfs_memory {
	uint64_t pss, rss;	/* bytes */
};

/* What the kernel holds against a process (proc(5): status, ns/net). */
struct procfs_security {
	bool		known;		/* all below could be read */
	int		seccomp;	/* 0 off, 1 strict, 2 filter */
	bool		no_new_privs;
	uint64_t	effective, bounding;	/* sets of capabilities */
	int64_t		uid;		/* effective */
	uint64_t	netns;		/* inode of its network namespace */
};

void procfs_security(int64_t pid, struct procfs_security *out);

int64_t procfs_self(void);
void procfs_memory(int64_t pid, struct procfs_memory *out);
/* User and system time of all its threads so far. */
uint64_t procfs_cpu_ns(int64_t pid);

#endif
