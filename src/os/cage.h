/*
 * A cage: what the kernel lets this process do from now on, whoever controls it. Three layers, each of use alone, since a kernel or a container may
 * lack one:
 *
 *	privileges	no capabilities, none to be had again (no_new_privs), no core files; maybe a network namespace of its own
 *	calls		seccomp: a list of system calls; sockets only of the kinds that the role needs; no new programs, no new processes
 *	files		Landlock: the paths that are named, each to be read or written; and no signals beyond the cage (ABI 6)
 *
 * Layers only ever tighten. A call that is not on the list fails with EPERM and is not the end of the process: a C library that tries something
 * new must not stop a plant's data. Order: cage_privileges, cage_calls, then cage_files once the paths are known; all before the first
 * byte of a device, a broker or a browser is read, and before the process has a second thread.
 */
#ifndef OS_CAGE_H
#define OS_CAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cage_net {
	CAGE_NET_NONE,		/* no sockets but those it was given */
	CAGE_NET_CLIENT,	/* TCP and UDP over IP; opens, never listens */
	CAGE_NET_SERVER,	/* the same, and may listen */
};

enum cage_access {
	CAGE_READ	= 1,	/* files and folders below the path */
	CAGE_WRITE	= 2,	/* create, change, rename and remove them as well */
	CAGE_DEVICE	= 4,	/* read, write and ioctl of a device node */
};

struct cage_path {
	const char	*path;
	uint32_t	 access;
};

/* What is in force, for the status page. */
struct cage_state {
	bool	privileges, calls, files;
	int	landlock_abi;	/* 0: this kernel has none */
	bool	own_network;	/* an empty network namespace */
	bool	own_user;	/* a user id that no other kind of process has */
};

/*
 * Enter the network namespace of this name (as `ip netns` keeps them); "": a new empty one, where that is allowed (else st->own_network stays false and
 * 0 is returned); NULL: stay. 0; ERR_NOTFOUND: there is no such namespace; ERR_DENIED: it takes CAP_SYS_ADMIN. Before cage_privileges().
 */
int cage_network(const char *name, struct cage_state *st);
/* Give up all capabilities for good. 0 or ERR_DENIED. */
int cage_privileges(struct cage_state *st);
/* locks: it may lock files, which one that only reads another's files must not: a lock held for ever would stop the other. 0; ERR_UNSUPPORTED: this
 * kernel or this build (sanitizers need more calls than are good) has no seccomp. */
int cage_calls(enum cage_net net, bool locks, struct cage_state *st);
/*
 * Before the first loop of the process: io_uring is refused from now on, as it is in the cage. libuv (1.45 and later) makes a ring with each loop where it
 * can, and ends the process when the cage then refuses to let it be used; without one it does as it always did. Where there is no seccomp nothing happens.
 */
void cage_no_rings(void);
/*
 * Only these paths from now on (n of them; one that does not exist is left out). 0; ERR_UNSUPPORTED: the kernel has no Landlock; ERR_IO. Descriptors that are open stay so.
 */
int cage_files(const struct cage_path *paths, size_t n, struct cage_state *st);

/*
 * Try what must not work, harmlessly: open files outside of the cage, sockets of other kinds, namespaces, other processes, programs. forbidden: a file
 * that this role must not be able to write, NULL: none. Returns how many attempts succeeded, in *tried how many were made; names of those that succeeded
 * in text.
 */
unsigned cage_try(enum cage_net net, const char *forbidden, unsigned *tried, char *text, size_t size);

#endif
