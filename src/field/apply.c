/*
 * See apply.h. A plan is first turned into a list of moves, with every driver context that it needs opened; only when all of
 * that has worked is anything changed. So a plan that a driver refuses leaves everything as it was.
 */
#include "field/apply.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "field/ask.h"
#include "field/feed.h"
#include "os/clock.h"

/* Sources of one connection, in the order of the plan. */
struct group {
	const struct driver	*driver;
	const char		*link;
	const struct source	**v;
	uint32_t		 n, cap;
	struct link_spec	 spec;
	struct link		*keep;		/* the link that goes on */
	bool			 same;		/* with the very same sources */
	struct link		*fresh;		/* or one that is made */
	struct link_change	*change;
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

static void *
must_calloc(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

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
	if (a->kind == LINK_TCP)
		return a->port == b->port && strcmp(a->host, b->host) == 0;
	return strcmp(a->device, b->device) == 0 && a->baud == b->baud && a->data_bits == b->data_bits &&
	    a->stop_bits == b->stop_bits && a->parity == b->parity && a->rs485 == b->rs485;
}

/* The texts of a spec may be the driver's: a link has its own. */
static void
copy_spec(struct link_spec *to, const struct link_spec *from)
{
	*to = *from;
	if ((from->host != NULL && (to->host = strdup(from->host)) == NULL) ||
	    (from->device != NULL && (to->device = strdup(from->device)) == NULL))
		fatal("out_of_memory", "what=link");
}

static void
free_spec(struct link_spec *s)
{
	free((void *)(uintptr_t)s->host);
	free((void *)(uintptr_t)s->device);
}

static struct link_sources
own_sources(struct group *g)
{
	struct link_sources s = { .v = g->v, .n = g->n };

	g->v = NULL;	/* given away */
	return s;
}

static void
free_sources(struct link_sources *s)
{
	free((void *)(uintptr_t)s->v);
}

static int
open_driver(const struct driver *d, const struct link_sources *s, struct driver_host *h, void **ctx)
{
	*ctx = must_calloc(1, d->size(s));
	int err = d->open(*ctx, s, h);
	if (err != 0) {
		log_error("driver_refuses", "driver=%s source=\"%s\" error=\"%s\"", d->info.name, s->v[0]->name, err_text(err));
		free(*ctx);
		*ctx = NULL;
	}
	return err;
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

static int
new_link(struct field *f, struct group *g, struct plan_ref *ref)
{
	struct link *l = must_calloc(1, sizeof *l);
	struct mono now = mono_now();

	l->field = f;
	l->driver = g->driver;
	l->name = strdup(g->link);
	if (l->name == NULL)
		fatal("out_of_memory", "what=link");
	l->plan = ref;
	ref->links++;
	copy_spec(&l->spec, &g->spec);
	link_init(l);
	l->sources = own_sources(g);
	int err = open_driver(l->driver, &l->sources, &l->host, &l->ctx);
	if (err != 0) {
		l->sources.n = 0;
		link_free(l);
		return err;
	}
	l->feeds = must_calloc(l->sources.n, sizeof(struct feed *));
	for (uint32_t i = 0; i < l->sources.n; i++)
		l->feeds[i] = feed_new(l, i, l->sources.v[i], l->sources.n > 1, now);
	g->fresh = l;
	return 0;
}

static int
new_change(struct group *g, struct plan_ref *ref)
{
	struct link_change *c = must_calloc(1, sizeof *c);

	c->plan = ref;
	ref->links++;
	c->sources = own_sources(g);
	g->change = c;
	return open_driver(g->driver, &c->sources, &g->keep->host, &c->ctx);
}

static void
free_change(const struct driver *d, struct link_change *c)
{
	if (c == NULL)
		return;
	if (c->ctx != NULL) {
		d->close(c->ctx);
		free(c->ctx);
	}
	free_sources(&c->sources);
	c->plan->links--;
	plan_ref_drop(c->plan);
	free(c);
}

/* Decide what becomes of a group, and open what that needs. */
static int
prepare_group(struct field *f, struct groups *gs, struct group *g, struct plan_ref *ref)
{
	struct link_spec spec = { 0 };
	int err = g->driver->link(g->v[0], &spec);

	if (err != 0) {
		log_error("driver_refuses", "driver=%s source=\"%s\" error=\"%s\"", g->driver->info.name, g->v[0]->name, err_text(err));
		return err;
	}
	copy_spec(&g->spec, &spec);
	struct link *old = find_link(gs, g);
	if (old == NULL || !same_spec(&old->spec, &g->spec))
		return new_link(f, g, ref);
	g->keep = old;
	g->same = same_sources(old, g);
	return g->same ? 0 : new_change(g, ref);
}

static int
prepare(struct field *f, struct groups *gs, struct plan_ref *ref)
{
	const struct plan *p = ref->plan;
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
		err = prepare_group(f, gs, &gs->v[i], ref);
	return err;
}

static void
groups_fini(struct groups *gs, bool undo)
{
	for (uint32_t i = 0; i < gs->n; i++) {
		struct group *g = &gs->v[i];
		if (undo) {
			link_free(g->fresh);
			free_change(g->driver, g->change);
		}
		free(g->v);
		free_spec(&g->spec);
	}
	free(gs->v);
	map_fini(&gs->by_name);
	map_fini(&gs->running);
	arena_fini(&gs->names);
}

static void
set_change(struct link *l, struct link_change *c)
{
	free_change(l->driver, l->change);
	l->change = c;
	link_enter(l);
	link_leave(l);	/* takes it over at once unless a scan is under way */
}

static void
commit(struct field *f, struct groups *gs)
{
	struct link **links = must_calloc(gs->n, sizeof *links);

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
			set_change(gs->v[i].keep, gs->v[i].change);
		else if (gs->v[i].fresh != NULL)
			link_start(gs->v[i].fresh);
	}
}

int
field_apply(struct field *f, struct plan *p)
{
	struct plan_ref *ref = must_calloc(1, sizeof *ref);
	struct groups gs = { 0 };

	*ref = (struct plan_ref){ .plan = p, .current = true };
	int err = prepare(f, &gs, ref);
	if (err == 0) {
		commit(f, &gs);
		struct plan_ref *old = f->plan;
		f->plan = ref;
		if (old != NULL) {
			old->current = false;
			plan_ref_drop(old);
		}
		field_reset_figures(f);
		log_info("plan_applied", "sources=%u tags=%u links=%u", p->nsources, p->ntags, f->nlinks);
	}
	groups_fini(&gs, err != 0);
	if (err != 0) {
		ref->current = false;
		plan_ref_drop(ref);
	}
	return err;
}

void
plan_ref_drop(struct plan_ref *p)
{
	if (p->current || p->links > 0)
		return;
	plan_free(p->plan);
	free(p);
}

static struct feed *
find_feed(struct link *l, uint32_t n, const struct source *s)
{
	for (uint32_t i = 0; i < n; i++)
		if (l->feeds[i] != NULL && l->feeds[i]->source->key == s->key && strcmp(l->feeds[i]->source->name, s->name) == 0)
			return l->feeds[i];
	return NULL;
}

/* Feeds of the new set: those that stay are moved over, others made; what is left of the old set goes. */
static struct feed **
move_feeds(struct link *l, const struct link_sources *sources, struct mono now)
{
	struct feed **feeds = must_calloc(sources->n, sizeof *feeds);

	for (uint32_t i = 0; i < sources->n; i++) {
		struct feed *old = find_feed(l, l->sources.n, sources->v[i]);
		if (old == NULL) {
			feeds[i] = feed_new(l, i, sources->v[i], sources->n > 1, now);
			continue;
		}
		l->feeds[old->no] = NULL;
		feed_move(old, l, i, sources->v[i], sources->n > 1);
		feeds[i] = old;
	}
	for (uint32_t i = 0; i < l->sources.n; i++) {
		ask_feed_gone(l->feeds[i]);
		feed_free(l->feeds[i]);
	}
	return feeds;
}

void
links_take_change(struct link *l)
{
	struct link_change *c = l->change;
	struct wall wall;
	struct mono now = field_now(l->field, &wall);
	bool up = l->state == LINK_UP;

	l->change = NULL;
	if (up)
		l->driver->down(l->ctx, now, wall);	/* ends reads and probes under way */
	for (uint32_t i = 0; i < l->sources.n; i++)
		link_probe_forget(l, l->feeds[i]);
	l->probing = NULL;
	struct feed **feeds = move_feeds(l, &c->sources, now);
	l->driver->close(l->ctx);
	free(l->ctx);
	free(l->feeds);
	free_sources(&l->sources);
	l->plan->links--;
	plan_ref_drop(l->plan);
	l->ctx = c->ctx;
	l->feeds = feeds;
	l->sources = c->sources;
	l->plan = c->plan;
	free(c);
	deadline_clear(&l->field->deadlines, &l->tick);
	if (!up)
		return;
	l->driver->up(l->ctx, now, wall);
	for (uint32_t i = 0; i < l->sources.n; i++) {
		if (l->feeds[i]->traces > 0)
			l->driver->trace(l->ctx, i, true);
		feed_up(l->feeds[i], now);
	}
}

void
link_free(struct link *l)
{
	if (l == NULL)
		return;
	link_close(l);
	free_change(l->driver, l->change);
	for (uint32_t i = 0; i < l->sources.n; i++) {
		ask_feed_gone(l->feeds[i]);
		feed_free(l->feeds[i]);
	}
	free(l->feeds);
	if (l->ctx != NULL) {
		l->driver->close(l->ctx);
		free(l->ctx);
	}
	free_sources(&l->sources);
	free_spec(&l->spec);
	l->plan->links--;
	plan_ref_drop(l->plan);
	free((void *)(uintptr_t)l->name);
	free(l);
}
