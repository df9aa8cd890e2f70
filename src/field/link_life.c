/* The life of a link: made, given other sources while it is connected, freed. See apply.h. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "field/apply.h"
#include "field/ask.h"
#include "site/copy.h"
#include "field/feed.h"
#include "field/order.h"
#include "os/clock.h"

static void *
must_calloc(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

	if (p == NULL)
		fatal("out_of_memory", "what=link n=%zu size=%zu", n, size);
	return p;
}

/* Texts of a spec are the driver's and last until its next call; a link has its own. */
static void
own_spec(struct link *l, const struct link_spec *spec, struct arena *memory)
{
	l->spec = *spec;
	l->spec.host = spec->host != NULL ? arena_strdup(memory, spec->host) : NULL;
	l->spec.device = spec->device != NULL ? arena_strdup(memory, spec->device) : NULL;
}

static int
open_driver(const struct driver *d, const struct link_sources *s, struct driver_host *h, void **ctx)
{
	*ctx = must_calloc(1, d->size(s));
	int err = d->open(*ctx, s, h);
	if (err != 0) {
		log_error("driver_refuses", "driver=%s source=\"%s\" error=\"%s\"", d->info.name, s->v[0]->name,
		    err_text(err));
		free(*ctx);
		*ctx = NULL;
	}
	return err;
}

int
link_new(struct field *f, const struct driver *d, const struct link_spec *spec, const struct link_sources *sources,
    struct link **out)
{
	struct link *l = must_calloc(1, sizeof *l);
	struct mono now = mono_now();

	l->field = f;
	l->driver = d;
	l->sources = (struct link_sources){ copy_sources(&l->memory, sources->v, sources->n), sources->n };
	l->name = l->sources.v[0]->link;
	own_spec(l, spec, &l->memory);
	link_init(l);
	int err = open_driver(d, &l->sources, &l->host, &l->ctx);
	if (err != 0) {
		l->sources.n = 0;
		link_free(l);
		return err;
	}
	l->feeds = must_calloc(l->sources.n, sizeof *l->feeds);
	for (uint32_t i = 0; i < l->sources.n; i++)
		l->feeds[i] = feed_new(l, i, l->sources.v[i], l->sources.n > 1, now);
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
		order_feed_gone(l->feeds[i]);
		feed_free(l->feeds[i]);
	}
	free(l->feeds);
	if (l->ctx != NULL) {
		l->driver->close(l->ctx);
		free(l->ctx);
	}
	arena_fini(&l->memory);
	free(l);
}

int
link_change_new(struct link *l, const struct link_sources *sources, struct link_change **out)
{
	struct link_change *c = must_calloc(1, sizeof *c);

	c->sources = (struct link_sources){ copy_sources(&c->memory, sources->v, sources->n), sources->n };
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
	arena_fini(&c->memory);
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
		if (l->feeds[i] != NULL && l->feeds[i]->source->key == s->key &&
		    strcmp(l->feeds[i]->source->name, s->name) == 0)
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
		order_feed_gone(l->feeds[i]);
		feed_free(l->feeds[i]);
	}
	return feeds;
}

/* The sources of the change become the link's, and what the link had in the old memory moves to the new. */
static void
take_memory(struct link *l, struct link_change *c)
{
	struct link_spec spec = l->spec;

	l->sources = c->sources;
	l->name = l->sources.v[0]->link;
	own_spec(l, &spec, &c->memory);
	arena_fini(&l->memory);
	l->memory = c->memory;
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
	l->ctx = c->ctx;
	l->feeds = feeds;
	take_memory(l, c);
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
