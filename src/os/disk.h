/*
 * The disk as a table of functions, so that a test can fail the n-th call, tear a write, fill the disk or cut the
 * power. The spool and everything else that promises durability goes through it. Each returns 0 or a count, or a
 * negative error.
 */
#ifndef OS_DISK_H
#define OS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct disk_stat {
	uint64_t	size;
	int64_t		mtime_ns;
	bool		is_dir;
	bool		exposed;	/* somebody who is not its owner (or root) may read or write it */
	uint64_t	id;		/* of the file itself: another one under the same name has another id */
};

struct disk {
	void	*ctx;
	/* flags: DISK_* below. Returns a descriptor >= 0. */
	int	(*open)(void *ctx, const char *path, int flags);
	int	(*close)(void *ctx, int fd);
	/* May transfer less than asked; 0 at the end of the file. */
	ssize_t	(*pread)(void *ctx, int fd, void *p, size_t len, uint64_t off);
	ssize_t	(*pwrite)(void *ctx, int fd, const void *p, size_t len, uint64_t off);
	int	(*truncate)(void *ctx, int fd, uint64_t size);
	int	(*sync)(void *ctx, int fd);			/* fdatasync */
	int	(*sync_dir)(void *ctx, const char *path);
	int	(*rename)(void *ctx, const char *from, const char *to);
	int	(*unlink)(void *ctx, const char *path);
	int	(*mkdir)(void *ctx, const char *path);		/* 0 also when it is there */
	int	(*stat)(void *ctx, const char *path, struct disk_stat *out);
	int	(*fstat)(void *ctx, int fd, struct disk_stat *out);
	/*
	 * Exclusive advisory lock that dies with the process; ERR_BUSY with the holder's pid (0 if unknown). The
	 * holder's pid is the content of the file: lock a file that is for nothing else.
	 */
	int	(*lock)(void *ctx, int fd, long *holder);
	/*
	 * The same for processes in a cage that refuses lock(), so that nobody holds up the writer of what he may only read: takes a
	 * descriptor opened for writing. The two kinds do not see each other: a file has the one or the other.
	 */
	int	(*lock_owned)(void *ctx, int fd, long *holder);
	/*
	 * Names in a directory, sorted, without . and ..; ends early when each() returns nonzero, with what it
	 * returned.
	 */
	int	(*list)(void *ctx, const char *path, int (*each)(void *arg, const char *name), void *arg);
	/* Bytes free for us on the file system of path. */
	int	(*space)(void *ctx, const char *path, uint64_t *out_free);
};

/* DISK_PRIVATE: what is created is for its owner alone (0600), for secrets. */
enum { DISK_READ = 1, DISK_WRITE = 2, DISK_CREATE = 4, DISK_EXCL = 8, DISK_PRIVATE = 16 };

extern const struct disk disk_os;	/* the real one */

/* Whole transfers over a table; ERR_END when the file is shorter than asked. */
int disk_read_all(const struct disk *d, int fd, void *p, size_t len, uint64_t off);
int disk_write_all(const struct disk *d, int fd, const void *p, size_t len, uint64_t off);
/* Replace a file for good: write aside (path with ".new"), sync, rename, sync the directory. */
int disk_replace(const struct disk *d, const char *path, const void *p, size_t len);
/* Sync the directory that path is in. */
int disk_sync_parent(const struct disk *d, const char *path);

#define DISK_PATH_MAX	4096u

#endif
