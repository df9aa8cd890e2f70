/*
 * See stats.h. Layout: head, then `room` slots of fixed size. A slot's name is written before `count` takes it in (release), so a
 * reader never sees a half-made one. The reader trusts nothing: count is bounded by the file's size, names are cut and checked.
 */
#include "ring/stats.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/utf8.h"
#include "os/memfd.h"

#define MAGIC 0x54534e50u	/* "PNST" */

struct slot {
	uint32_t	kind, unused;
	char		name[STATS_NAME_MAX + 1];
	stat_t		figures[STATS_FIGURES_MAX];
};

struct head {
	uint32_t	 magic, version;
	uint64_t	 room;
	_Atomic uint64_t count;
	uint64_t	 unused[5];
};

struct stats {
	struct head	*head;
	struct slot	*slots;
	size_t		 len;
	struct map	 by_name[STATS_KINDS];
};

static const struct {
	const char	*name;
	size_t		 n;
	const char	*figures[STATS_FIGURES_MAX];
} kinds[STATS_KINDS] = {
#define KIND(kind, ...) [STATS_##kind] = { #kind, STATS_##kind##_N, { __VA_ARGS__ } },
#define F(kind, figure) #figure
#include "ring/stats.def"
#undef F
#undef KIND
};
#define KIND(kind, ...) _Static_assert((int)STATS_##kind##_N <= (int)STATS_FIGURES_MAX, "too many figures of one kind");
#include "ring/stats.def"
#undef KIND

int
stats_create(size_t n, int *fd)
{
	int f = memfd_new("stats", sizeof(struct head) + n * sizeof(struct slot));
	if (f < 0)
		return f;
	/* A child that shrinks it would end the supervisor with SIGBUS while it reads. */
	int err = memfd_seal_size(f);
	if (err != 0) {
		memfd_close(f);
		return err;
	}
	*fd = f;
	return 0;
}

int
stats_map(int fd, struct stats **out)
{
	size_t len = memfd_size(fd);
	struct stats *s = calloc(1, sizeof *s);
	if (s == NULL || len < sizeof(struct head)) {
		free(s);
		return s == NULL ? ERR_NOMEM : ERR_PROTO;
	}
	s->len = len;
	s->head = memfd_map_rw(fd, len);
	if (s->head == NULL) {
		free(s);
		return ERR_NOMEM;
	}
	s->slots = (struct slot *)(s->head + 1);
	s->head->room = (len - sizeof(struct head)) / sizeof(struct slot);
	stats_reset(s);
	s->head->version = 1;
	s->head->magic = MAGIC;
	*out = s;
	return 0;
}

void
stats_reset(struct stats *s)
{
	atomic_store_explicit(&s->head->count, 0, memory_order_release);
	for (size_t k = 0; k < STATS_KINDS; k++)
		map_fini(&s->by_name[k]);
}

void
stats_unmap(struct stats *s)
{
	if (s == NULL)
		return;
	for (size_t k = 0; k < STATS_KINDS; k++)
		map_fini(&s->by_name[k]);
	memfd_unmap(s->head, s->len);
	free(s);
}

stat_t *
stats_object(struct stats *s, enum stats_kind kind, const char *name)
{
	static stat_t scratch[STATS_FIGURES_MAX];
	size_t len = strnlen(name, STATS_NAME_MAX);

	if (s == NULL)
		return scratch;
	struct slot *slot = map_get(&s->by_name[kind], name, len);
	if (slot != NULL)
		return slot->figures;
	uint64_t n = atomic_load_explicit(&s->head->count, memory_order_relaxed);
	if (n >= (s->len - sizeof(struct head)) / sizeof(struct slot))
		return scratch;
	slot = &s->slots[n];
	memset(slot, 0, sizeof *slot);
	slot->kind = kind;
	memcpy(slot->name, name, len);
	map_put(&s->by_name[kind], slot->name, len, slot);
	atomic_store_explicit(&s->head->count, n + 1, memory_order_release);
	return slot->figures;
}

static void
read_slot(const struct slot *from, void (*each)(void *, enum stats_kind, const char *, const uint64_t *), void *arg)
{
	uint64_t figures[STATS_FIGURES_MAX];
	char name[sizeof from->name];
	uint32_t kind = from->kind;

	if (kind >= STATS_KINDS)
		return;
	memcpy(name, from->name, sizeof name);
	name[sizeof name - 1] = '\0';
	if (!utf8_valid(name, strlen(name)))
		strcpy(name, "?");
	for (size_t i = 0; i < kinds[kind].n; i++)
		figures[i] = stat_get(&from->figures[i]);
	each(arg, (enum stats_kind)kind, name, figures);
}

int
stats_read(int fd, void (*each)(void *arg, enum stats_kind kind, const char *name, const uint64_t *figures), void *arg)
{
	size_t len = memfd_size(fd);
	if (len < sizeof(struct head))
		return ERR_PROTO;
	const struct head *h = memfd_map_ro(fd, len);
	if (h == NULL)
		return ERR_NOMEM;
	uint64_t room = (len - sizeof *h) / sizeof(struct slot), n = atomic_load_explicit(&h->count, memory_order_acquire);
	int err = h->magic != MAGIC || n > room ? ERR_PROTO : 0;
	const struct slot *slots = (const struct slot *)(h + 1);
	for (uint64_t i = 0; err == 0 && i < n; i++)
		read_slot(&slots[i], each, arg);
	memfd_unmap(h, len);
	return err;
}

const char *
stats_kind_name(enum stats_kind kind)
{
	return kinds[kind].name;
}

size_t
stats_figures(enum stats_kind kind)
{
	return kinds[kind].n;
}

const char *
stats_figure_name(enum stats_kind kind, size_t i)
{
	return kinds[kind].figures[i];
}
