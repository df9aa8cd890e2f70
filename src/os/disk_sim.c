/*
 * See disk_sim.h. Files are kept twice, as programs see them and as they are for good; between the two stands a journal
 * of operations in the order in which they happened. A sync carries the operations on one file, or on the names of one
 * directory, from the journal over to what is for good; a power cut carries over some of the rest.
 */
#include "os/disk_sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "os/disk_sim_store.h"

static enum sim_fault
enter(struct disk_sim *s)
{
	uint64_t call = ++s->calls;

	if (s->fault == SIM_NONE || call < s->fault_at)
		return SIM_NONE;
	if (s->fault != SIM_OFF && s->fault_times != 0 && call >= s->fault_at + s->fault_times)
		return SIM_NONE;
	return s->fault;
}

static bool
fails(enum sim_fault f)
{
	return f == SIM_IO || f == SIM_OFF;
}

static void
link_name(struct disk_sim *s, const char *path, uint32_t inode, const char *from)
{
	sim_name_set(&s->seen, path, inode);
	struct op *o = sim_op_add(s, OP_LINK, inode);
	o->path = sim_copy_text(path);
	o->from = sim_copy_text(from);
}

static int
sim_open(void *ctx, const char *path, int flags)
{
	struct disk_sim *s = ctx;
	enum sim_fault f = enter(s);
	struct name *n = sim_name_find(&s->seen, path);
	int fd = 0;

	if (fails(f) || (f == SIM_NOSPACE && n == NULL && (flags & DISK_CREATE) != 0))
		return fails(f) ? ERR_IO : ERR_NOSPACE;
	if (n != NULL && (flags & DISK_EXCL) != 0)
		return ERR_EXISTS;
	if (n == NULL && (flags & DISK_CREATE) == 0)
		return ERR_NOTFOUND;
	while (fd < FDS && s->fds[fd].used)
		fd++;
	if (fd == FDS)
		return ERR_LIMIT;
	if (n == NULL)
		link_name(s, path, sim_new_inode(s, false), NULL);
	s->fds[fd].used = true;
	s->fds[fd].locks = false;
	s->fds[fd].inode = sim_name_find(&s->seen, path)->inode;
	return fd;
}

static int
sim_close(void *ctx, int fd)
{
	struct disk_sim *s = ctx;

	/* Closing always closes, even when it reports a failure. */
	enum sim_fault f = enter(s);
	s->fds[fd].used = false;
	if (s->fds[fd].locks)
		s->inodes[s->fds[fd].inode].locked = false;
	return fails(f) ? ERR_IO : 0;
}

static ssize_t
sim_pread(void *ctx, int fd, void *p, size_t len, uint64_t off)
{
	struct disk_sim *s = ctx;
	enum sim_fault f = enter(s);
	const struct bytes *b = &s->inodes[s->fds[fd].inode].seen;

	if (fails(f))
		return ERR_IO;
	if (off >= b->len)
		return 0;
	if (len > b->len - off)
		len = b->len - (size_t)off;
	if (f == SIM_SHORT && len > 1)
		len /= 2;
	memcpy(p, b->p + off, len);
	return (ssize_t)len;
}

static uint64_t
used(const struct disk_sim *s)
{
	uint64_t n = 0;
	for (size_t i = 0; i < s->seen.n; i++)
		n += s->inodes[s->seen.v[i].inode].seen.len;
	return n;
}

/* How much of a write that would end at `end` finds room. */
static size_t
fits(const struct disk_sim *s, const struct bytes *b, uint64_t end, size_t len)
{
	uint64_t more = end > b->len ? end - b->len : 0, left, in_use = used(s);

	left = s->limit > in_use ? s->limit - in_use : 0;
	return more <= left ? len : more - left < len ? len - (size_t)(more - left) : 0;
}

static ssize_t
sim_pwrite(void *ctx, int fd, const void *p, size_t len, uint64_t off)
{
	struct disk_sim *s = ctx;
	enum sim_fault f = enter(s);
	uint32_t inode = s->fds[fd].inode;

	if (fails(f))
		return ERR_IO;
	size_t n = (f == SIM_SHORT || f == SIM_NOSPACE) && len > 1 ? len / 2 : len;
	n = fits(s, &s->inodes[inode].seen, off + n, n);
	if (n > 0) {
		sim_put_bytes(&s->inodes[inode].seen, off, p, n);
		struct op *o = sim_op_add(s, OP_WRITE, inode);
		o->off = off;
		o->len = n;
		o->data = sim_must(malloc(n));
		memcpy(o->data, p, n);
	}
	return n == 0 || f == SIM_NOSPACE ? ERR_NOSPACE : (ssize_t)n;
}

static int
sim_truncate(void *ctx, int fd, uint64_t size)
{
	struct disk_sim *s = ctx;

	if (fails(enter(s)))
		return ERR_IO;
	sim_resize(&s->inodes[s->fds[fd].inode].seen, (size_t)size);
	sim_op_add(s, OP_TRUNCATE, s->fds[fd].inode)->off = size;
	return 0;
}

static int
sim_sync(void *ctx, int fd)
{
	struct disk_sim *s = ctx;
	enum sim_fault f = enter(s);

	if (f == SIM_OFF)
		return ERR_IO;
	sim_settle(s, NULL, s->fds[fd].inode, f != SIM_IO);
	return f == SIM_IO ? ERR_IO : 0;
}

static int
sim_sync_dir(void *ctx, const char *path)
{
	struct disk_sim *s = ctx;

	if (fails(enter(s)))
		return ERR_IO;
	sim_settle(s, path, 0, true);
	return 0;
}

static int
sim_rename(void *ctx, const char *from, const char *to)
{
	struct disk_sim *s = ctx;

	if (fails(enter(s)))
		return ERR_IO;
	const struct name *n = sim_name_find(&s->seen, from);
	if (n == NULL)
		return ERR_NOTFOUND;
	uint32_t inode = n->inode;
	sim_name_remove(&s->seen, from);
	link_name(s, to, inode, from);
	return 0;
}

static int
sim_unlink(void *ctx, const char *path)
{
	struct disk_sim *s = ctx;

	if (fails(enter(s)))
		return ERR_IO;
	const struct name *n = sim_name_find(&s->seen, path);
	if (n == NULL)
		return ERR_NOTFOUND;
	sim_op_add(s, OP_UNLINK, n->inode)->path = sim_copy_text(path);
	sim_name_remove(&s->seen, path);
	return 0;
}

static int
sim_mkdir(void *ctx, const char *path)
{
	struct disk_sim *s = ctx;
	enum sim_fault f = enter(s);
	const struct name *n = sim_name_find(&s->seen, path);

	if (fails(f))
		return ERR_IO;
	if (n != NULL)
		return s->inodes[n->inode].is_dir ? 0 : ERR_EXISTS;
	if (f == SIM_NOSPACE)
		return ERR_NOSPACE;
	link_name(s, path, sim_new_inode(s, true), NULL);
	return 0;
}

static void
fill(const struct disk_sim *s, uint32_t inode, struct disk_stat *out)
{
	*out = (struct disk_stat){ .size = s->inodes[inode].seen.len,
		.mtime_ns = (int64_t)s->calls,
		.is_dir = s->inodes[inode].is_dir,
		.id = inode };
}

static int
sim_stat(void *ctx, const char *path, struct disk_stat *out)
{
	struct disk_sim *s = ctx;

	if (fails(enter(s)))
		return ERR_IO;
	const struct name *n = sim_name_find(&s->seen, path);
	if (n == NULL)
		return ERR_NOTFOUND;
	fill(s, n->inode, out);
	return 0;
}

static int
sim_fstat(void *ctx, int fd, struct disk_stat *out)
{
	struct disk_sim *s = ctx;

	if (fails(enter(s)))
		return ERR_IO;
	fill(s, s->fds[fd].inode, out);
	return 0;
}

static int
sim_lock(void *ctx, int fd, long *holder)
{
	struct disk_sim *s = ctx;
	struct inode *i = &s->inodes[s->fds[fd].inode];

	*holder = i->locked;
	if (fails(enter(s)))
		return ERR_IO;
	if (i->locked)
		return ERR_BUSY;
	i->locked = s->fds[fd].locks = true;
	return 0;
}

static int
sim_list(void *ctx, const char *path, int (*each)(void *arg, const char *name), void *arg)
{
	struct disk_sim *s = ctx;
	size_t n = 0;
	int stop = 0;

	if (fails(enter(s)))
		return ERR_IO;
	if (sim_name_find(&s->seen, path) == NULL)
		return ERR_NOTFOUND;
	/* A copy: each() may change the directory. */
	char **names = sim_must(calloc(s->seen.n + 1, sizeof *names));
	for (size_t i = 0; i < s->seen.n; i++)
		if (sim_in_dir(s->seen.v[i].path, path))
			names[n++] = sim_copy_text(strrchr(s->seen.v[i].path, '/') + 1);
	for (size_t i = 0; i < n; i++) {
		if (stop == 0)
			stop = each(arg, names[i]);
		free(names[i]);
	}
	free(names);
	return stop;
}

static int
sim_space(void *ctx, const char *path, uint64_t *out_free)
{
	struct disk_sim *s = ctx;

	(void)path;
	if (fails(enter(s)))
		return ERR_IO;
	*out_free = s->limit > used(s) ? s->limit - used(s) : 0;
	return 0;
}

/* ---- the disk as a whole ---- */

struct disk_sim *
disk_sim_new(void)
{
	struct disk_sim *s = sim_must(calloc(1, sizeof *s));

	s->limit = UINT64_MAX;
	s->table = (struct disk){ .ctx = s,
		.open = sim_open,
		.close = sim_close,
		.pread = sim_pread,
		.pwrite = sim_pwrite,
		.truncate = sim_truncate,
		.sync = sim_sync,
		.sync_dir = sim_sync_dir,
		.rename = sim_rename,
		.unlink = sim_unlink,
		.mkdir = sim_mkdir,
		.stat = sim_stat,
		.fstat = sim_fstat,
		.lock = sim_lock, .lock_owned = sim_lock,
		.list = sim_list,
		.space = sim_space };
	return s;
}

static void
free_names(struct names *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->v[i].path);
	free(n->v);
}

void
disk_sim_free(struct disk_sim *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->ninodes; i++) {
		free(s->inodes[i].seen.p);
		free(s->inodes[i].kept.p);
	}
	for (size_t i = 0; i < s->nops; i++)
		sim_op_free(&s->ops[i]);
	free_names(&s->seen);
	free_names(&s->kept);
	free(s->inodes);
	free(s->ops);
	free(s);
}

const struct disk *
disk_sim_table(struct disk_sim *s)
{
	return &s->table;
}

void
disk_sim_fault(struct disk_sim *s, enum sim_fault fault, uint64_t call, uint64_t times)
{
	s->fault = fault;
	s->fault_at = call;
	s->fault_times = times;
	s->calls = 0;
}

uint64_t
disk_sim_calls(const struct disk_sim *s)
{
	return s->calls;
}

void
disk_sim_limit(struct disk_sim *s, uint64_t bytes)
{
	s->limit = bytes;
}
