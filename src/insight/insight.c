/* See insight.h: its life, and the rings that it holds. With nothing derived in the plan it reads none of them. */
#include "insight/insight.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "insight/inside.h"
#include "site/derive.h"

struct insight *
insight_new(const struct insight_opts *opts)
{
	struct insight *in = calloc(1, sizeof *in);

	if (in == NULL)
		return NULL;
	in->opts = *opts;
	in->cursor_fd = in->ev.fd = -1;
	in->record = malloc(batch_size(BATCH_SAMPLES_MAX, BATCH_BYTES_MAX));
	in->room = calloc(BATCH_SAMPLES_MAX, sizeof *in->room);
	if (in->record == NULL || in->room == NULL) {
		insight_free(in);
		return NULL;
	}
	return in;
}

void
insight_free(struct insight *in)
{
	if (in == NULL)
		return;
	for (struct held_ring *h = in->rings, *next; h != NULL; h = next) {
		next = h->next;
		ring_close(h->r);
		free(h->writer);
		free(h);
	}
	keep_close(in);
	events_close(in);
	setup_free(in->s);
	free(in->record);
	free(in->room);
	free(in);
}

int
insight_plan(struct insight *in, struct plan *p, struct wall now)
{
	struct setup *s = NULL;
	int err = setup_new(p, &s);

	if (err != 0)
		return err;
	bool first = in->s == NULL;
	if (first) {	/* the process may write to its folder by now */
		keep_open(in);
		events_open(in);
	} else {
		events_remember(in);
		setup_carry(s, in->s);
	}
	setup_free(in->s);
	in->s = s;
	events_plan(in, first, now);
	for (uint32_t i = 0; first && i < s->nprogs; i++)
		keep_restore(in, &s->progs[i]);
	in->tick_ns = now.ns;
	keep_plan(in);
	log_info("derived", "tags=%u events=%u inputs=%u periods=%u", s->nderived, s->nevents, s->npoints, s->ndues);
	return 0;
}

int
insight_ring(struct insight *in, const char *writer, struct ring_reader *r)
{
	struct held_ring *h = calloc(1, sizeof *h), **end = &in->rings;

	for (struct held_ring *have = in->rings; have != NULL; have = have->next)
		if (have->epoch == ring_epoch(r)) {	/* handed out twice */
			ring_close(r);
			free(h);
			return 0;
		}
	if (h == NULL || in->nrings == INSIGHT_RINGS_MAX || (h->writer = strdup(writer)) == NULL) {
		ring_close(r);
		free(h);
		return ERR_LIMIT;
	}
	h->r = r;
	h->epoch = ring_epoch(r);
	while (*end != NULL)
		end = &(*end)->next;
	*end = h;
	in->nrings++;
	/* With nothing to derive there is no reading either: the older ring of a writer has no end then. */
	for (struct held_ring **at = &in->rings; (in->s == NULL || in->s->nprogs == 0) && *at != h; ) {
		struct held_ring *o = *at;
		if (strcmp(o->writer, writer) != 0) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		in->nrings--;
		ring_close(o->r);
		free(o->writer);
		free(o);
	}
	return 0;
}

size_t
insight_rings(const struct insight *in)
{
	return in->nrings;
}

size_t
insight_tags(const struct insight *in)
{
	return in->s != NULL ? in->s->nderived : 0;
}

size_t
insight_inputs(const struct insight *in, const struct tag **out, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 0; in->s != NULL && i < in->s->npoints; i++) {
		const struct tag *t = in->s->points[i].tag;
		if (source_is_derived(&in->s->plan->sources[t->source]))
			continue;
		if (n < max)
			out[n] = t;
		n++;
	}
	return n;
}

size_t
insight_declared(const struct insight *in)
{
	return in->s != NULL ? in->s->nevents : 0;
}

struct insight_figures
insight_figures(const struct insight *in)
{
	return in->f;
}
