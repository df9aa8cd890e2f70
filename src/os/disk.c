/* See disk.h: the real disk, and the helpers that work over any table. */
#include "os/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"

static int
os_open(void *ctx, const char *path, int flags)
{
	int f = O_CLOEXEC | ((flags & DISK_WRITE) != 0 ? O_RDWR : O_RDONLY) |
	    ((flags & DISK_CREATE) != 0 ? O_CREAT : 0) | ((flags & DISK_EXCL) != 0 ? O_EXCL : 0);
	int fd;

	(void)ctx;
	do
		fd = open(path, f, (flags & DISK_PRIVATE) != 0 ? 0600 : 0640);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? err_from_errno(errno) : fd;
}

static int
os_close(void *ctx, int fd)
{
	(void)ctx;
	/* After EINTR the descriptor is gone on Linux, so this is never repeated. */
	return close(fd) != 0 && errno != EINTR ? err_from_errno(errno) : 0;
}

static ssize_t
os_pread(void *ctx, int fd, void *p, size_t len, uint64_t off)
{
	ssize_t n;

	(void)ctx;
	do
		n = pread(fd, p, len, (off_t)off);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_from_errno(errno) : n;
}

static ssize_t
os_pwrite(void *ctx, int fd, const void *p, size_t len, uint64_t off)
{
	ssize_t n;

	(void)ctx;
	do
		n = pwrite(fd, p, len, (off_t)off);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_from_errno(errno) : n;
}

static int
os_truncate(void *ctx, int fd, uint64_t size)
{
	int n;

	(void)ctx;
	do
		n = ftruncate(fd, (off_t)size);
	while (n != 0 && errno == EINTR);
	return n != 0 ? err_from_errno(errno) : 0;
}

static int
os_sync(void *ctx, int fd)
{
	(void)ctx;
	/* Not repeated, whatever the reason: after a failure the kernel may call the lost pages clean. */
	return fdatasync(fd) != 0 ? err_from_errno(errno) : 0;
}

static int
os_sync_dir(void *ctx, const char *path)
{
	(void)ctx;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_from_errno(errno);
	int err = fsync(fd) != 0 ? err_from_errno(errno) : 0;
	close(fd);
	return err;
}

static int
os_rename(void *ctx, const char *from, const char *to)
{
	(void)ctx;
	return rename(from, to) != 0 ? err_from_errno(errno) : 0;
}

static int
os_unlink(void *ctx, const char *path)
{
	(void)ctx;
	return unlink(path) != 0 ? err_from_errno(errno) : 0;
}

static int
os_mkdir(void *ctx, const char *path)
{
	(void)ctx;
	if (mkdir(path, 0750) == 0)
		return 0;
	struct stat st;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return err_from_errno(errno);
}

static void
fill_stat(const struct stat *st, struct disk_stat *out)
{
	*out = (struct disk_stat){
		.size = (uint64_t)st->st_size,
		.mtime_ns = st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec,
		.is_dir = S_ISDIR(st->st_mode),
		.exposed = (st->st_mode & (S_IRWXG | S_IRWXO)) != 0,
		.id = st->st_ino,
	};
}

static int
os_stat(void *ctx, const char *path, struct disk_stat *out)
{
	struct stat st;

	(void)ctx;
	if (stat(path, &st) != 0)
		return err_from_errno(errno);
	fill_stat(&st, out);
	return 0;
}

static int
os_fstat(void *ctx, int fd, struct disk_stat *out)
{
	struct stat st;

	(void)ctx;
	if (fstat(fd, &st) != 0)
		return err_from_errno(errno);
	fill_stat(&st, out);
	return 0;
}

/* flock belongs to the open file, so a second gate in the same process is refused as well; it cannot name its holder,
 * who therefore writes its pid into the file. */
static int
locked(int fd, bool got, long *holder)
{
	char text[32] = "";

	*holder = 0;
	if (!got) {
		if (errno != EWOULDBLOCK && errno != EACCES)
			return err_from_errno(errno);
		if (pread(fd, text, sizeof text - 1, 0) > 0)
			*holder = strtol(text, NULL, 10);
		return ERR_BUSY;
	}
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return 0;	/* a full disk hides the pid from the next one; the lock holds all the same */
	return 0;
}

static int
os_lock(void *ctx, int fd, long *holder)
{
	(void)ctx;
	return locked(fd, flock(fd, LOCK_EX | LOCK_NB) == 0, holder);
}

/* A lock of the open file too, but by fcntl, which asks for a descriptor that may write. */
static int
os_lock_owned(void *ctx, int fd, long *holder)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)ctx;
	return locked(fd, fcntl(fd, F_OFD_SETLK, &all) == 0, holder);
}

/* Not alphasort(): that goes by locale, and readers rely on the order of bytes. */
static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
os_list(void *ctx, const char *path, int (*each)(void *arg, const char *name), void *arg)
{
	struct dirent **names;
	int stop = 0;

	(void)ctx;
	int n = scandir(path, &names, NULL, by_bytes);
	if (n < 0)
		return err_from_errno(errno);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		if (stop == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			stop = each(arg, name);
		free(names[i]);
	}
	free(names);
	return stop;
}

static int
os_space(void *ctx, const char *path, uint64_t *out_free)
{
	struct statvfs st;

	(void)ctx;
	if (statvfs(path, &st) != 0)
		return err_from_errno(errno);
	*out_free = (uint64_t)st.f_bavail * st.f_frsize;
	return 0;
}

const struct disk disk_os = {
	.open = os_open, .close = os_close, .pread = os_pread, .pwrite = os_pwrite, .truncate = os_truncate,
	.sync = os_sync, .sync_dir = os_sync_dir, .rename = os_rename, .unlink = os_unlink, .mkdir = os_mkdir,
	.stat = os_stat, .fstat = os_fstat, .lock = os_lock, .lock_owned = os_lock_owned, .list = os_list, .space = os_space,
};

int
disk_read_all(const struct disk *d, int fd, void *p, size_t len, uint64_t off)
{
	uint8_t *b = p;

	for (size_t done = 0; done < len;) {
		ssize_t n = d->pread(d->ctx, fd, b + done, len - done, off + done);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return ERR_END;
		done += (size_t)n;
	}
	return 0;
}

int
disk_write_all(const struct disk *d, int fd, const void *p, size_t len, uint64_t off)
{
	const uint8_t *b = p;

	for (size_t done = 0; done < len;) {
		ssize_t n = d->pwrite(d->ctx, fd, b + done, len - done, off + done);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return ERR_NOSPACE;
		done += (size_t)n;
	}
	return 0;
}

int
disk_sync_parent(const struct disk *d, const char *path)
{
	char parent[DISK_PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);

	if (len >= sizeof parent)
		return ERR_LIMIT;
	memcpy(parent, slash == NULL ? "." : path, len);
	parent[len] = '\0';
	return d->sync_dir(d->ctx, parent);
}

static int
write_aside(const struct disk *d, const char *aside, const void *p, size_t len)
{
	int fd = d->open(d->ctx, aside, DISK_READ | DISK_WRITE | DISK_CREATE);
	if (fd < 0)
		return fd;
	int err = d->truncate(d->ctx, fd, 0);
	if (err == 0)
		err = disk_write_all(d, fd, p, len, 0);
	if (err == 0)
		err = d->sync(d->ctx, fd);
	int closed = d->close(d->ctx, fd);
	return err != 0 ? err : closed;
}

int
disk_replace(const struct disk *d, const char *path, const void *p, size_t len)
{
	char aside[DISK_PATH_MAX];

	if ((size_t)snprintf(aside, sizeof aside, "%s.new", path) >= sizeof aside)
		return ERR_LIMIT;
	int err = write_aside(d, aside, p, len);
	if (err == 0)
		err = d->rename(d->ctx, aside, path);
	if (err != 0) {
		d->unlink(d->ctx, aside);	/* what is left of it is in nobody's way */
		return err;
	}
	return disk_sync_parent(d, path);
}
