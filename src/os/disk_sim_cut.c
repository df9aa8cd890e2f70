/* What a power cut leaves of a simulated disk: see disk_sim.h for how unkind it is. */
#include <stdlib.h>
#include <string.h>

#include "os/disk_sim_store.h"

#define SECTOR	512u

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
		sim_new_inode(c, s->inodes[i].is_dir);
		c->inodes[i].kept = sim_copy_bytes(&s->inodes[i].kept);
	}
	for (size_t i = 0; i < s->kept.n; i++)
		sim_name_set(&c->kept, s->kept.v[i].path, s->kept.v[i].inode);
	return c;
}

static void
kept_is_seen(struct disk_sim *s)
{
	for (uint32_t i = 0; i < s->ninodes; i++)
		s->inodes[i].seen = sim_copy_bytes(&s->inodes[i].kept);
	for (size_t i = 0; i < s->kept.n; i++)
		sim_name_set(&s->seen, s->kept.v[i].path, s->kept.v[i].inode);
}

/*
 * The part-th (0..3) of the sector boundaries in a write, as an offset into it: none, the first, a middle one, the
 * last.
 */
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
			sim_keep(c, o, 0, o->len);
		else if (r % 8 == 4 && cut > 0)
			sim_keep(c, o, 0, cut);
		else if (r % 8 == 5 && cut > 0)
			sim_keep(c, o, cut, o->len);
	}
}

struct disk_sim *
disk_sim_cut(const struct disk_sim *s, uint64_t state, uint64_t subsets)
{
	struct disk_sim *c = copy_kept(s);

	if (state <= 4 * (uint64_t)s->nops) {	/* a prefix, and a part of the operation behind it */
		size_t whole = (size_t)state / 4;
		for (size_t i = 0; i < whole; i++)
			sim_keep(c, &s->ops[i], 0, s->ops[i].len);
		if (whole < s->nops && s->ops[whole].kind == OP_WRITE)
			sim_keep(c, &s->ops[whole], 0, torn_at(&s->ops[whole], (unsigned)(state % 4)));
	} else {
		state -= 4 * (uint64_t)s->nops + 1;
		if (s->nops < 20 && 1ull << s->nops <= subsets) {
			for (size_t i = 0; i < s->nops; i++)
				if ((state >> i & 1) != 0)
					sim_keep(c, &s->ops[i], 0, s->ops[i].len);
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
		c->inodes[i].seen = sim_copy_bytes(&s->inodes[i].seen);
	for (size_t i = 0; i < s->seen.n; i++)
		sim_name_set(&c->seen, s->seen.v[i].path, s->seen.v[i].inode);
	for (size_t i = 0; i < s->nops; i++) {
		const struct op *o = &s->ops[i];
		struct op *n = sim_op_add(c, o->kind, o->inode);
		*n = (struct op){ o->kind, o->inode, o->off, NULL, o->len, sim_copy_text(o->path),
			sim_copy_text(o->from) };
		if (o->data != NULL) {
			n->data = sim_must(malloc(o->len));
			memcpy(n->data, o->data, o->len);
		}
	}
	c->limit = s->limit;
	return c;
}
