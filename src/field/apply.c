/*
 * See apply.h. A plan is first turned into a list of moves, with every driver context that it needs opened; only when
 * all of that has worked is anything changed. So a plan that a driver refuses leaves everything as it was.
 */
#include "field/apply.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Sources of one connection, in the order of the plan. */
struct group {
	const struct driver	*driver;
	const char		*link;
	const struct source	**v;
	uint32_t		 n, cap;
	struct link		*keep;		/* the link that goes on */
	struct link_change	*change;	/* with other sources; NULL: with the very same */
	struct link		*fresh;		/* or the one that is made */
};

struct groups {
	struct group	*v;
	uint32_t	 n, cap;
	struct map	 by_name;	/* "driver\nlink" -> index + 1 */
	struct map	 running;	/* "driver\nlink" -> the link that has it now */
	struct arena	 names;
};

static void *
must_realloc(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (p == NULL)
		fatal("out_of_memory", "what=plan n=%zu size=%zu", n, size);
	return p;
}

static struct group *
group_of(struct groups *gs, const struct source *s, const struct driver *driver)
{
	char *name = arena_printf(&gs->names, "%s\n%s", s->driver, s->link);
	size_t len = strlen(name);
	uintptr_t at = (uintptr_t)map_get(&gs->by_name, name, len);

	if (at != 0)
		return &gs->v[at - 1];
	if (gs->n == gs->cap) {
		gs->cap = gs->cap > 0 ? gs->cap * 2 : 16;
		gs->v = must_realloc(gs->v, gs->cap, sizeof *gs->v);
	}
	gs->v[gs->n] = (struct group){ .driver = driver, .link = s->link };
	map_put(&gs->by_name, name, len, (void *)(uintptr_t)(gs->n + 1));
	return &gs->v[gs->n++];
}

static void
group_add(struct group *g, const struct source *s)
{
	if (g->n == g->cap) {
		g->cap = g->cap > 0 ? g->cap * 2 : 1;
		g->v = must_realloc(g->v, g->cap, sizeof *g->v);
	}
	g->v[g->n++] = s;
}

static bool
same_spec(const struct link_spec *a, const struct link_spec *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == LINK_OWN)
		return true;
	if (a->kind == LINK_TCP)
		return a->port == b->port && strcmp(a->host, b->host) == 0;
	return strcmp(a->device, b->device) == 0 && a->baud == b->baud && a->data_bits == b->data_bits &&
	    a->stop_bits == b->stop_bits && a->parity == b->parity && a->rs485 == b->rs485;
}

static void
map_links(struct field *f, struct groups *gs)
{
	for (uint32_t i = 0; i < f->nlinks; i++) {
		struct link *l = f->links[i];
		char *name = arena_printf(&gs->names, "%s\n%s", l->driver->info.name, l->name);
		map_put(&gs->running, name, strlen(name), l);
		l->kept = false;
	}
}

static struct link *
find_link(struct groups *gs, const struct group *g)
{
	char *name = arena_printf(&gs->names, "%s\n%s", g->driver->info.name, g->link);

	return map_get(&gs->running, name, strlen(name));
}

static bool
same_sources(const struct link *l, const struct group *g)
{
	const struct link_sources *s = l->change != NULL ? &l->change->sources : &l->sources;

	if (s->n != g->n)
		return false;
	for (uint32_t i = 0; i < g->n; i++)
		if (s->v[i]->key != g->v[i]->key || strcmp(s->v[i]->name, g->v[i]->name) != 0)
			return false;
	return true;
}

/* Decide what becomes of a group, and open what that needs. */
static int
prepare_group(struct field *f, struct groups *gs, struct group *g)
{
	struct link_spec spec = { 0 };
	struct link_sources sources = { .v = g->v, .n = g->n };
	int err = g->driver->link(g->v[0], &spec);

	if (err != 0) {
		log_error("driver_refuses", "driver=%s source=\"%s\" error=\"%s\"", g->driver->info.name,
		    g->v[0]->name, err_text(err));
		return err;
	}
	struct link *old = find_link(gs, g);
	/* A driver that connects by itself keeps all that it has or nothing. */
	if (old == NULL || !same_spec(&old->spec, &spec) || (spec.kind == LINK_OWN && !same_sources(old, g)))
		return link_new(f, g->driver, &spec, &sources, &g->fresh);
	g->keep = old;
	return same_sources(old, g) ? 0 : link_change_new(old, &sources, &g->change);
}

static int
prepare(struct field *f, struct groups *gs, const struct plan *p)
{
	int err = 0;

	map_links(f, gs);
	for (uint32_t i = 0; i < p->nsources; i++) {
		const struct source *s = &p->sources[i];
		const struct driver *d = f->driver(s->driver);
		if (d == NULL) {
			log_error("driver_unknown", "driver=\"%s\" source=\"%s\"", s->driver, s->name);
			return ERR_NOTFOUND;
		}
		group_add(group_of(gs, s, d), s);
	}
	for (uint32_t i = 0; i < gs->n && err == 0; i++)
		err = prepare_group(f, gs, &gs->v[i]);
	return err;
}

static void
groups_fini(struct groups *gs, bool undo)
{
	for (uint32_t i = 0; i < gs->n; i++) {
		struct group *g = &gs->v[i];
		if (undo) {
			link_free(g->fresh);
			link_change_free(g->driver, g->change);
		}
		free(g->v);
	}
	free(gs->v);
	map_fini(&gs->by_name);
	map_fini(&gs->running);
	arena_fini(&gs->names);
}

static void
commit(struct field *f, struct groups *gs)
{
	struct link **links = must_realloc(NULL, gs->n > 0 ? gs->n : 1, sizeof *links);

	for (uint32_t i = 0; i < gs->n; i++)
		if (gs->v[i].keep != NULL)
			gs->v[i].keep->kept = true;
	for (uint32_t i = 0; i < f->nlinks; i++)
		if (!f->links[i]->kept)
			link_free(f->links[i]);
	free(f->links);
	f->links = links;
	f->nlinks = gs->n;
	for (uint32_t i = 0; i < gs->n; i++)
		links[i] = gs->v[i].fresh != NULL ? gs->v[i].fresh : gs->v[i].keep;
	for (uint32_t i = 0; i < gs->n; i++) {
		if (gs->v[i].change != NULL)
			link_change_set(gs->v[i].keep, gs->v[i].change);
		else if (gs->v[i].fresh != NULL)
			link_start(gs->v[i].fresh);
	}
}

int
field_apply(struct field *f, struct plan *p)
{
	struct groups gs = { 0 };
	int err = prepare(f, &gs, p);

	if (err == 0) {
		commit(f, &gs);
		field_reset_figures(f);
		log_info("plan_applied", "sources=%u tags=%u links=%u", p->nsources, p->ntags, f->nlinks);
	}
	groups_fini(&gs, err != 0);
	plan_free(p);
	malloc_trim(0);		/* the plan may have been most of the memory in use */
	return err;
}
