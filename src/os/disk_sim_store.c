/* See disk_sim_store.h: bytes, names and the journal between what programs see and what is for good. */
#include "os/disk_sim_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
sim_must(void *p)
{
	if (p == NULL) {
		fputs("disk_sim: out of memory\n", stderr);
		abort();
	}
	return p;
}

char *
sim_copy_text(const char *s)
{
	return s != NULL ? sim_must(strdup(s)) : NULL;
}

void *
sim_grow(void *p, size_t *cap, size_t want, size_t size)
{
	if (want <= *cap)
		return p;
	while (*cap < want)
		*cap = *cap == 0 ? 16 : *cap * 2;
	return sim_must(realloc(p, *cap * size));
}

/* ---- bytes and names ---- */

void
sim_resize(struct bytes *b, size_t len)
{
	b->p = sim_grow(b->p, &b->cap, len, 1);
	if (len > b->len)
		memset(b->p + b->len, 0, len - b->len);
	b->len = len;
}

void
sim_put_bytes(struct bytes *b, uint64_t off, const uint8_t *p, size_t len)
{
	if (len == 0)
		return;
	if (off + len > b->len)
		sim_resize(b, (size_t)off + len);
	memcpy(b->p + off, p, len);
}

struct bytes
sim_copy_bytes(const struct bytes *b)
{
	struct bytes c = { 0 };
	if (b->len > 0)
		sim_put_bytes(&c, 0, b->p, b->len);
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

struct name *
sim_name_find(const struct names *n, const char *path)
{
	size_t i = name_place(n, path);
	return i < n->n && strcmp(n->v[i].path, path) == 0 ? &n->v[i] : NULL;
}

void
sim_name_set(struct names *n, const char *path, uint32_t inode)
{
	size_t i = name_place(n, path);

	if (i < n->n && strcmp(n->v[i].path, path) == 0) {
		n->v[i].inode = inode;
		return;
	}
	n->v = sim_grow(n->v, &n->cap, n->n + 1, sizeof *n->v);
	memmove(&n->v[i + 1], &n->v[i], (n->n++ - i) * sizeof *n->v);
	n->v[i] = (struct name){ sim_copy_text(path), inode };
}

void
sim_name_remove(struct names *n, const char *path)
{
	struct name *e = sim_name_find(n, path);

	if (e == NULL)
		return;
	size_t i = (size_t)(e - n->v);
	free(e->path);
	memmove(e, e + 1, (--n->n - i) * sizeof *e);
}

bool
sim_in_dir(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	return strncmp(path, dir, len) == 0 && path[len] == '/' && strchr(path + len + 1, '/') == NULL;
}

/* ---- the journal ---- */

/* Carry out an operation for good; of a write only bytes [from, to). */
void
sim_keep(struct disk_sim *s, const struct op *o, size_t from, size_t to)
{
	struct bytes *b = &s->inodes[o->inode].kept;

	switch (o->kind) {
	case OP_WRITE:
		sim_put_bytes(b, o->off + from, o->data + from, to - from);
		break;
	case OP_TRUNCATE:
		sim_resize(b, (size_t)o->off);
		break;
	case OP_LINK:
		if (o->from != NULL)
			sim_name_remove(&s->kept, o->from);
		sim_name_set(&s->kept, o->path, o->inode);
		break;
	case OP_UNLINK:
		sim_name_remove(&s->kept, o->path);
		break;
	}
}

void
sim_op_free(struct op *o)
{
	free(o->data);
	free(o->path);
	free(o->from);
}

struct op *
sim_op_add(struct disk_sim *s, enum op_kind kind, uint32_t inode)
{
	s->ops = sim_grow(s->ops, &s->cap_ops, s->nops + 1, sizeof *s->ops);
	s->ops[s->nops] = (struct op){ .kind = kind, .inode = inode };
	return &s->ops[s->nops++];
}

/* Settle those operations that are on the content of a file (dir NULL), or on names in a directory: kept, or lost. */
void
sim_settle(struct disk_sim *s, const char *dir, uint32_t inode, bool kept)
{
	size_t left = 0;

	for (size_t i = 0; i < s->nops; i++) {
		struct op *o = &s->ops[i];
		bool content = o->kind == OP_WRITE || o->kind == OP_TRUNCATE;
		if (dir == NULL ? content && o->inode == inode : !content && sim_in_dir(o->path, dir)) {
			if (kept)
				sim_keep(s, o, 0, o->len);
			sim_op_free(o);
		} else
			s->ops[left++] = *o;
	}
	s->nops = left;
}

uint32_t
sim_new_inode(struct disk_sim *s, bool is_dir)
{
	size_t cap = s->cap_inodes;

	s->inodes = sim_grow(s->inodes, &cap, s->ninodes + 1, sizeof *s->inodes);
	s->cap_inodes = (uint32_t)cap;
	s->inodes[s->ninodes] = (struct inode){ .is_dir = is_dir };
	return s->ninodes++;
}
