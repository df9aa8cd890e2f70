/* Reading tags now, outside of their scans: one driver request a source, answers as they come. See ask.h. */
#include <stdio.h>
#include <stdlib.h>

#include "field/ask_int.h"
#include "field/link.h"
#include "field/show.h"
#include "os/clock.h"

static bool
answered(const struct ask *a)
{
	for (uint32_t i = 0; i < a->nparts; i++)
		if (a->parts[i].feed != NULL)
			return false;
	return true;
}

/* A part has ended: tags without an answer get the reason. */
static void
part_end(struct ask *a, struct part *p, const char *why)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (!p->shown[i])
			ask_error(&a->to, "tag", p->feed->source->tags[p->tags[i]].path, why);
	p->feed = NULL;
	if (!a->busy && answered(a))
		ask_end(a);
}

static void
part_start(struct ask *a, struct part *p)
{
	struct feed *f = p->feed;
	struct link *l = f->link;
	char text[LINK_CAUSE_MAX + 256];

	if (l->state != LINK_UP) {
		snprintf(text, sizeof text, "there is no connection to %s: %s", l->name,
		    l->cause[0] != '\0' ? l->cause : link_state_name(l->state));
		part_end(a, p, text);
		return;
	}
	struct wall wall;
	struct mono now = field_now(a->field, &wall);

	p->id = ++a->field->next_ask;
	link_enter(l);
	int err = l->driver->read(l->ctx, f->no, p->tags, p->n, p->id, now);
	link_leave(l);
	if (err != 0 && p->feed != NULL)
		part_end(a, p, err == ERR_BUSY || err == ERR_FULL ?
		    "the source is busy with earlier reads: try again" : err_text(err));
}

static void
read_timed_out(struct deadline *d, struct mono now)
{
	struct ask *a = CONTAINER(d, struct ask, deadline);

	(void)now;
	a->busy = true;
	for (uint32_t i = 0; i < a->nparts; i++)
		if (a->parts[i].feed != NULL)
			part_end(a, &a->parts[i], "no answer from the device in time");
	ask_end(a);
}

static void
part_add(void *arg, struct feed *feed, uint32_t tag)
{
	struct ask *a = arg;
	uint32_t i = 0;

	while (i < a->nparts && a->parts[i].feed != feed)
		i++;
	if (i == a->nparts) {
		struct part *parts = reallocarray(a->parts, a->nparts + 1, sizeof *parts);
		if (parts == NULL)
			return;
		a->parts = parts;
		a->parts[a->nparts++] = (struct part){ .feed = feed };
	}
	struct part *p = &a->parts[i];
	for (uint32_t k = 0; k < p->n; k++)
		if (p->tags[k] == tag)
			return;
	if (p->n < ASK_TAGS_MAX)
		p->tags[p->n++] = tag;
}

void
ask_read(struct field *f, const struct ask_to *to, int n, const char *const *paths)
{
	struct ask *a = ask_new(f, to);

	if (a == NULL)
		return;
	ask_each_tag(f, to, n, paths, part_add, a);
	a->deadline.fire = read_timed_out;
	deadline_set(&f->deadlines, &a->deadline, mono_add(mono_now(), f->read_ns));
	a->busy = true;
	for (uint32_t i = 0; i < a->nparts; i++)
		part_start(a, &a->parts[i]);
	a->busy = false;
	if (answered(a))
		ask_end(a);
}

void
ask_sample(struct feed *f, const struct sample *s)
{
	for (struct ask *a = f->field->asks; a != NULL; a = a->next)
		for (uint32_t i = 0; i < a->nparts; i++) {
			struct part *p = &a->parts[i];
			for (uint32_t k = 0; p->feed == f && k < p->n; k++) {
				if (p->tags[k] != s->tag || p->shown[k])
					continue;
				struct buf b = { 0 };
				struct json j = { .out = &b };
				json_open(&j, '{');
				show_sample(&j, &f->source->tags[s->tag], s);
				json_close(&j, '}');
				ask_line(&a->to, &b);
				p->shown[k] = true;
			}
		}
}

void
ask_done(struct field *f, uint32_t id, int err, const char *why)
{
	for (struct ask *a = f->asks; a != NULL; a = a->next)
		for (uint32_t i = 0; i < a->nparts; i++)
			if (a->parts[i].feed != NULL && a->parts[i].id == id) {
				part_end(a, &a->parts[i], why != NULL ? why : err != 0 ? err_text(err) :
				    "the driver gave no value");
				return;
			}
}

void
ask_read_forget(struct ask *a, struct feed *f)
{
	for (uint32_t i = 0; i < a->nparts; i++)
		if (a->parts[i].feed == f) {
			part_end(a, &a->parts[i], "the source has left the plan");
			return;
		}
}
