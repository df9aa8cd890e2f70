/* The life of a link: made, given other sources while it is connected, freed. See apply.h. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "field/apply.h"
#include "field/ask.h"
#include "field/feed.h"
#include "os/clock.h"

static void *
must_calloc(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

	if (p == NULL)
		fatal("out_of_memory", "what=link n=%zu size=%zu", n, size);
	return p;
}

static char *
must_strdup(const char *s)
{
	char *p = s != NULL ? strdup(s) : NULL;

	if (s != NULL && p == NULL)
		fatal("out_of_memory", "what=link");
	return p;
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

int
link_new(struct field *f, const struct driver *d, const struct link_spec *spec, struct link_sources sources,
    struct plan_ref *plan, struct link **out)
{
	struct link *l = must_calloc(1, sizeof *l);
	struct mono now = mono_now();

	l->field = f;
	l->driver = d;
	l->name = must_strdup(sources.v[0]->link);
	l->plan = plan;
	plan->links++;
	l->spec = *spec;
	l->spec.host = must_strdup(spec->host);		/* the driver's texts last until its next call */
	l->spec.device = must_strdup(spec->device);
	link_init(l);
	l->sources = sources;
	int err = open_driver(d, &l->sources, &l->host, &l->ctx);
	if (err != 0) {
		l->sources.n = 0;
		link_free(l);
		return err;
	}
	l->feeds = must_calloc(sources.n, sizeof *l->feeds);
	for (uint32_t i = 0; i < sources.n; i++)
		l->feeds[i] = feed_new(l, i, sources.v[i], sources.n > 1, now);
	*out = l;
	return 0;
}

void
link_free(struct link *l)
{
	if (l == NULL)
		return;
	link_close(l);
	link_change_free(l->driver, l->change);
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
	free((void *)(uintptr_t)l->spec.host);
	free((void *)(uintptr_t)l->spec.device);
	l->plan->links--;
	plan_ref_drop(l->plan);
	free((void *)(uintptr_t)l->name);
	free(l);
}

int
link_change_new(struct link *l, struct link_sources sources, struct plan_ref *plan, struct link_change **out)
{
	struct link_change *c = must_calloc(1, sizeof *c);

	c->plan = plan;
	plan->links++;
	c->sources = sources;
	int err = open_driver(l->driver, &c->sources, &l->host, &c->ctx);
	if (err != 0)
		link_change_free(l->driver, c);
	else
		*out = c;
	return err;
}

void
link_change_free(const struct driver *d, struct link_change *c)
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

void
link_change_set(struct link *l, struct link_change *c)
{
	link_change_free(l->driver, l->change);
	l->change = c;
	link_enter(l);
	link_leave(l);	/* takes it over at once unless a scan is under way */
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
link_change_take(struct link *l)
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
