/*
 * See disk_sim.h. Files are kept twice, as programs see them and as they are for good; between the two stands a journal of
 * operations in the order in which they happened. A sync carries the operations on one file, or on the names of one directory, from the
 * journal over to what is for good; a power cut carries over some of the rest.
 */
#include "os/disk_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define FDS	64
#define SECTOR	512u

struct bytes {
	uint8_t	*p;
	size_t	 len, cap;
};

struct inode {
	struct bytes	seen, kept;	/* by programs; for good */
	bool		is_dir, locked;
};

struct name {
	char		*path;
	uint32_t	 inode;
};

struct names {
	struct name	*v;		/* sorted by path */
	size_t		 n, cap;
};

enum op_kind { OP_WRITE, OP_TRUNCATE, OP_LINK, OP_UNLINK };

struct op {
	enum op_kind	 kind;
	uint32_t	 inode;
	uint64_t	 off;		/* of a write; the size of a truncation */
	uint8_t		*data;
	size_t		 len;
	char		*path, *from;	/* of names; from: the name that a rename takes away, or NULL */
};

struct disk_sim {
	struct disk	 table;
	struct inode	*inodes;
	uint32_t	 ninodes, cap_inodes;
	struct names	 seen, kept;
	struct op	*ops;		/* the journal */
	size_t		 nops, cap_ops;
	struct { bool used, locks; uint32_t inode; } fds[FDS];
	uint64_t	 calls, fault_at, fault_times, limit;
	enum sim_fault	 fault;
};

/* Memory for tests: when there is none, the test is over. */
static void *
must(void *p)
{
	if (p == NULL) {
		fputs("disk_sim: out of memory\n", stderr);
		abort();
	}
	return p;
}

static char *
copy_text(const char *s)
{
	return s != NULL ? must(strdup(s)) : NULL;
}

static void *
grow(void *p, size_t *cap, size_t want, size_t size)
{
	if (want <= *cap)
		return p;
	while (*cap < want)
		*cap = *cap == 0 ? 16 : *cap * 2;
	return must(realloc(p, *cap * size));
}

/* ---- bytes and names ---- */

static void
resize(struct bytes *b, size_t len)
{
	b->p = grow(b->p, &b->cap, len, 1);
	if (len > b->len)
		memset(b->p + b->len, 0, len - b->len);
	b->len = len;
}

static void
put_bytes(struct bytes *b, uint64_t off, const uint8_t *p, size_t len)
{
	if (len == 0)
		return;
	if (off + len > b->len)
		resize(b, (size_t)off + len);
	memcpy(b->p + off, p, len);
}

static struct bytes
copy_bytes(const struct bytes *b)
{
	struct bytes c = { 0 };
	if (b->len > 0)
		put_bytes(&c, 0, b->p, b->len);
	return c;
}

static size_t
name_place(const struct names *n, const char *path)
{
	size_t i = 0;
	while (i < n->n && strcmp(n->v[i].path, path) < 0)
		i++;
	return i;
}

static struct name *
name_find(const struct names *n, const char *path)
{
	size_t i = name_place(n, path);
	return i < n->n && strcmp(n->v[i].path, path) == 0 ? &n->v[i] : NULL;
}

static void
name_set(struct names *n, const char *path, uint32_t inode)
{
	size_t i = name_place(n, path);

	if (i < n->n && strcmp(n->v[i].path, path) == 0) {
		n->v[i].inode = inode;
		return;
	}
	n->v = grow(n->v, &n->cap, n->n + 1, sizeof *n->v);
	memmove(&n->v[i + 1], &n->v[i], (n->n++ - i) * sizeof *n->v);
	n->v[i] = (struct name){ copy_text(path), inode };
}

static void
name_remove(struct names *n, const char *path)
{
	struct name *e = name_find(n, path);

	if (e == NULL)
		return;
	size_t i = (size_t)(e - n->v);
	free(e->path);
	memmove(e, e + 1, (--n->n - i) * sizeof *e);
}

static bool
in_dir(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	return strncmp(path, dir, len) == 0 && path[len] == '/' && strchr(path + len + 1, '/') == NULL;
}

/* ---- the journal ---- */

/* Carry out an operation for good; of a write only bytes [from, to). */
static void
keep(struct disk_sim *s, const struct op *o, size_t from, size_t to)
{
	struct bytes *b = &s->inodes[o->inode].kept;

	switch (o->kind) {
	case OP_WRITE:
		put_bytes(b, o->off + from, o->data + from, to - from);
		break;
	case OP_TRUNCATE:
		resize(b, (size_t)o->off);
		break;
	case OP_LINK:
		if (o->from != NULL)
			name_remove(&s->kept, o->from);
		name_set(&s->kept, o->path, o->inode);
		break;
	case OP_UNLINK:
		name_remove(&s->kept, o->path);
		break;
	}
}

static void
op_free(struct op *o)
{
	free(o->data);
	free(o->path);
	free(o->from);
}

static struct op *
op_add(struct disk_sim *s, enum op_kind kind, uint32_t inode)
{
	s->ops = grow(s->ops, &s->cap_ops, s->nops + 1, sizeof *s->ops);
	s->ops[s->nops] = (struct op){ .kind = kind, .inode = inode };
	return &s->ops[s->nops++];
}

/* Settle those operations that are on the content of a file (dir NULL), or on names in a directory: kept, or lost. */
static void
settle(struct disk_sim *s, const char *dir, uint32_t inode, bool kept)
{
	size_t left = 0;

	for (size_t i = 0; i < s->nops; i++) {
		struct op *o = &s->ops[i];
		bool content = o->kind == OP_WRITE || o->kind == OP_TRUNCATE;
		if (dir == NULL ? content && o->inode == inode : !content && in_dir(o->path, dir)) {
			if (kept)
				keep(s, o, 0, o->len);
			op_free(o);
		} else
			s->ops[left++] = *o;
	}
	s->nops = left;
}

/* ---- the calls ---- */

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

static uint32_t
new_inode(struct disk_sim *s, bool is_dir)
{
	size_t cap = s->cap_inodes;

	s->inodes = grow(s->inodes, &cap, s->ninodes + 1, sizeof *s->inodes);
	s->cap_inodes = (uint32_t)cap;
	s->inodes[s->ninodes] = (struct inode){ .is_dir = is_dir };
	return s->ninodes++;
}

static void
link_name(struct disk_sim *s, const char *path, uint32_t inode, const char *from)
{
	name_set(&s->seen, path, inode);
	struct op *o = op_add(s, OP_LINK, inode);
	o->path = copy_text(path);
	o->from = copy_text(from);
}

static int
sim_open(void *ctx, const char *path, int flags)
{
	struct disk_sim *s = ctx;
	enum sim_fault f = enter(s);
	struct name *n = name_find(&s->seen, path);
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
		link_name(s, path, new_inode(s, false), NULL);
	s->fds[fd].used = true;
	s->fds[fd].locks = false;
	s->fds[fd].inode = name_find(&s->seen, path)->inode;
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
		put_bytes(&s->inodes[inode].seen, off, p, n);
		struct op *o = op_add(s, OP_WRITE, inode);
		o->off = off;
		o->len = n;
		o->data = must(malloc(n));
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
	resize(&s->inodes[s->fds[fd].inode].seen, (size_t)size);
	op_add(s, OP_TRUNCATE, s->fds[fd].inode)->off = size;
	return 0;
}

static int
sim_sync(void *ctx, int fd)
{
	struct disk_sim *s = ctx;
	enum sim_fault f = enter(s);

	if (f == SIM_OFF)
		return ERR_IO;
	settle(s, NULL, s->fds[fd].inode, f != SIM_IO);
	return f == SIM_IO ? ERR_IO : 0;
}

static int
sim_sync_dir(void *ctx, const char *path)
{
	struct disk_sim *s = ctx;

	if (fails(enter(s)))
		return ERR_IO;
	settle(s, path, 0, true);
	return 0;
}

static int
sim_rename(void *ctx, const char *from, const char *to)
{
	struct disk_sim *s = ctx;

	if (fails(enter(s)))
		return ERR_IO;
	const struct name *n = name_find(&s->seen, from);
	if (n == NULL)
		return ERR_NOTFOUND;
	uint32_t inode = n->inode;
	name_remove(&s->seen, from);
	link_name(s, to, inode, from);
	return 0;
}

static int
sim_unlink(void *ctx, const char *path)
{
	struct disk_sim *s = ctx;

	if (fails(enter(s)))
		return ERR_IO;
	const struct name *n = name_find(&s->seen, path);
	if (n == NULL)
		return ERR_NOTFOUND;
	op_add(s, OP_UNLINK, n->inode)->path = copy_text(path);
	name_remove(&s->seen, path);
	return 0;
}

static int
sim_mkdir(void *ctx, const char *path)
{
	struct disk_sim *s = ctx;
	enum sim_fault f = enter(s);
	const struct name *n = name_find(&s->seen, path);

	if (fails(f))
		return ERR_IO;
	if (n != NULL)
		return s->inodes[n->inode].is_dir ? 0 : ERR_EXISTS;
	if (f == SIM_NOSPACE)
		return ERR_NOSPACE;
	link_name(s, path, new_inode(s, true), NULL);
	return 0;
}

static void
fill(const struct disk_sim *s, uint32_t inode, struct disk_stat *out)
{
	*out = (struct disk_stat){ .size = s->inodes[inode].seen.len, .mtime_ns = (int64_t)s->calls, .is_dir = s->inodes[inode].is_dir,
	    .id = inode };
}

static int
sim_stat(void *ctx, const char *path, struct disk_stat *out)
{
	struct disk_sim *s = ctx;

	if (fails(enter(s)))
		return ERR_IO;
	const struct name *n = name_find(&s->seen, path);
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
	if (name_find(&s->seen, path) == NULL)
		return ERR_NOTFOUND;
	/* A copy: each() may change the directory. */
	char **names = must(calloc(s->seen.n + 1, sizeof *names));
	for (size_t i = 0; i < s->seen.n; i++)
		if (in_dir(s->seen.v[i].path, path))
			names[n++] = copy_text(strrchr(s->seen.v[i].path, '/') + 1);
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
	struct disk_sim *s = must(calloc(1, sizeof *s));

	s->limit = UINT64_MAX;
	s->table = (struct disk){ .ctx = s, .open = sim_open, .close = sim_close, .pread = sim_pread, .pwrite = sim_pwrite,
		.truncate = sim_truncate, .sync = sim_sync, .sync_dir = sim_sync_dir, .rename = sim_rename, .unlink = sim_unlink,
		.mkdir = sim_mkdir, .stat = sim_stat, .fstat = sim_fstat, .lock = sim_lock, .list = sim_list, .space = sim_space };
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
		op_free(&s->ops[i]);
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

/* ---- power cuts ---- */

uint64_t
disk_sim_states(const struct disk_sim *s, uint64_t subsets)
{
	uint64_t all = s->nops < 20 ? 1ull << s->nops : UINT64_MAX;
	return 4 * (uint64_t)s->nops + 1 + (all < subsets ? all : subsets);
}

/* What is for good, without the journal. */
static struct disk_sim *
copy_kept(const struct disk_sim *s)
{
	struct disk_sim *c = disk_sim_new();

	for (uint32_t i = 0; i < s->ninodes; i++) {
		new_inode(c, s->inodes[i].is_dir);
		c->inodes[i].kept = copy_bytes(&s->inodes[i].kept);
	}
	for (size_t i = 0; i < s->kept.n; i++)
		name_set(&c->kept, s->kept.v[i].path, s->kept.v[i].inode);
	return c;
}

static void
kept_is_seen(struct disk_sim *s)
{
	for (uint32_t i = 0; i < s->ninodes; i++)
		s->inodes[i].seen = copy_bytes(&s->inodes[i].kept);
	for (size_t i = 0; i < s->kept.n; i++)
		name_set(&s->seen, s->kept.v[i].path, s->kept.v[i].inode);
}

/* The part-th (0..3) of the sector boundaries in a write, as an offset into it: none, the first, a middle one, the last. */
static size_t
torn_at(const struct op *o, unsigned part)
{
	uint64_t first = (o->off / SECTOR + 1) * SECTOR, last = (o->off + o->len - 1) / SECTOR * SECTOR;

	if (part == 0 || first > last)
		return 0;
	return (size_t)((part == 1 ? first : part == 2 ? (first + last) / 2 / SECTOR * SECTOR : last) - o->off);
}

static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* A random subset, writes whole, torn, or with their beginning missing. */
static void
keep_some(struct disk_sim *c, const struct disk_sim *s, uint64_t seed)
{
	for (size_t i = 0; i < s->nops; i++) {
		const struct op *o = &s->ops[i];
		uint64_t r = mix(seed << 20 | i);
		size_t cut = o->kind == OP_WRITE ? torn_at(o, 1 + (unsigned)(r >> 8) % 3) : 0;
		if (r % 8 < 4)
			keep(c, o, 0, o->len);
		else if (r % 8 == 4 && cut > 0)
			keep(c, o, 0, cut);
		else if (r % 8 == 5 && cut > 0)
			keep(c, o, cut, o->len);
	}
}

struct disk_sim *
disk_sim_cut(const struct disk_sim *s, uint64_t state, uint64_t subsets)
{
	struct disk_sim *c = copy_kept(s);

	if (state <= 4 * (uint64_t)s->nops) {	/* a prefix, and a part of the operation behind it */
		size_t whole = (size_t)state / 4;
		for (size_t i = 0; i < whole; i++)
			keep(c, &s->ops[i], 0, s->ops[i].len);
		if (whole < s->nops && s->ops[whole].kind == OP_WRITE)
			keep(c, &s->ops[whole], 0, torn_at(&s->ops[whole], (unsigned)(state % 4)));
	} else {
		state -= 4 * (uint64_t)s->nops + 1;
		if (s->nops < 20 && 1ull << s->nops <= subsets) {
			for (size_t i = 0; i < s->nops; i++)
				if ((state >> i & 1) != 0)
					keep(c, &s->ops[i], 0, s->ops[i].len);
		} else
			keep_some(c, s, state);
	}
	kept_is_seen(c);
	return c;
}

struct disk_sim *
disk_sim_killed(const struct disk_sim *s)
{
	struct disk_sim *c = copy_kept(s);

	for (uint32_t i = 0; i < s->ninodes; i++)
		c->inodes[i].seen = copy_bytes(&s->inodes[i].seen);
	for (size_t i = 0; i < s->seen.n; i++)
		name_set(&c->seen, s->seen.v[i].path, s->seen.v[i].inode);
	for (size_t i = 0; i < s->nops; i++) {
		const struct op *o = &s->ops[i];
		struct op *n = op_add(c, o->kind, o->inode);
		*n = (struct op){ o->kind, o->inode, o->off, NULL, o->len, copy_text(o->path), copy_text(o->from) };
		if (o->data != NULL) {
			n->data = must(malloc(o->len));
			memcpy(n->data, o->data, o->len);
		}
	}
	c->limit = s->limit;
	return c;
}
