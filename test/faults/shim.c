/*
 * Loaded into penstock and its children with LD_PRELOAD: makes the disk fail and the wall clock jump, on command, without a line of the
 * program knowing of it. Commands stand in a file that is shared with the test (PENSTOCK_SHIM names it):
 *
 *	i64 clock_step_ns	added to the wall clock
 *	u32 armed		the next so many writes or syncs of a process with `role` in its command line fail, in the way of
 *	u32 how			1 EIO from write, 2 no space, 3 half a write then EIO, 4 half a write then SIGKILL, 5 EIO from sync
 *	char role[16]
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WRITE_EIO = 1, WRITE_FULL, WRITE_HALF, WRITE_HALF_KILL, SYNC_EIO };

struct orders {
	_Atomic int64_t		clock_step_ns;
	_Atomic uint32_t	armed, how;
	char			role[16];
};

static struct orders		*orders;
static char			 command_line[512];
static ssize_t			(*real_pwrite)(int, const void *, size_t, off_t);
static int			(*real_fdatasync)(int);
static int			(*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("PENSTOCK_SHIM");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	real_pwrite = dlsym(RTLD_NEXT, "pwrite");
	real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	if (fd >= 0) {
		void *p = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		orders = p == MAP_FAILED ? NULL : p;
		close(fd);
	}
	fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t n = read(fd, command_line, sizeof command_line - 1);
		for (ssize_t i = 0; i + 1 < n; i++)
			if (command_line[i] == '\0')
				command_line[i] = ' ';
		close(fd);
	}
}

/* Is this call to fail? Each order is carried out once, whoever comes first. */
static int
ordered(int write_call)
{
	if (orders == NULL || atomic_load(&orders->armed) == 0 || strstr(command_line, orders->role) == NULL)
		return 0;
	uint32_t how = atomic_load(&orders->how);
	if ((how == SYNC_EIO) == (write_call != 0))
		return 0;
	uint32_t left = atomic_load(&orders->armed);
	while (left > 0 && !atomic_compare_exchange_weak(&orders->armed, &left, left - 1))
		;
	return left > 0 ? (int)how : 0;
}

ssize_t
pwrite(int fd, const void *p, size_t len, off_t off)
{
	switch (ordered(1)) {
	case WRITE_EIO:
		errno = EIO;
		return -1;
	case WRITE_FULL:
		errno = ENOSPC;
		return -1;
	case WRITE_HALF:
		real_pwrite(fd, p, len / 2, off);
		errno = EIO;
		return -1;
	case WRITE_HALF_KILL:
		real_pwrite(fd, p, len / 2, off);
		raise(SIGKILL);
		return -1;
	default:
		return real_pwrite(fd, p, len, off);
	}
}

ssize_t
pwrite64(int fd, const void *p, size_t len, off_t off)
{
	return pwrite(fd, p, len, off);
}

int
fdatasync(int fd)
{
	if (ordered(0) != 0) {
		errno = EIO;
		return -1;
	}
	return real_fdatasync(fd);
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = real_clock_gettime(id, t);
	if (rc == 0 && orders != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
		int64_t ns = (int64_t)t->tv_sec * 1000000000 + t->tv_nsec + atomic_load(&orders->clock_step_ns);
		t->tv_sec = ns / 1000000000;
		t->tv_nsec = ns % 1000000000;
	}
	return rc;
}
