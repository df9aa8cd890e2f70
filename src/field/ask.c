/* See ask.h. Reads and traces under way are kept in one short list. */
#include "field/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/near.h"
#include "field/link.h"
#include "field/show.h"
#include "field/why.h"
#include "model/path.h"
#include "os/clock.h"

/* The tags of one read that one source answers. */
struct part {
	struct feed	*feed;		/* NULL: answered, or the source is gone */
	uint32_t	 id;		/* that the driver knows it by */
	uint32_t	 n;
	uint32_t	 tags[ASK_TAGS_MAX];
	bool		 shown[ASK_TAGS_MAX];
};

struct ask {
	struct ask	*next;
	struct field	*field;
	struct ask_to	 to;
	struct deadline	 deadline;	/* of a read */
	bool		 busy;		/* the driver calls of its start are under way: do not end it yet */
	struct part	*parts;		/* of a read */
	uint32_t	 nparts;
	struct feed	*traced;	/* of a trace */
	uint32_t	 frames;	/* since `second` began */
	struct mono	 second;
	uint64_t	 dropped;
};

static void
line_out(const struct ask_to *to, struct buf *b)
{
	buf_putc(b, '\n');
	if (b->err == 0)
		to->line(to->arg, b->p, b->len);
	buf_fini(b);
}

static void
error_out(const struct ask_to *to, const char *key, const char *name, const char *text)
{
	struct buf b = { 0 };
	struct json j = { .out = &b };

	json_open(&j, '{');
	if (name != NULL) {
		json_key(&j, key);
		json_text(&j, name);
	}
	json_key(&j, "error");
	json_text(&j, text);
	json_close(&j, '}');
	line_out(to, &b);
}

static struct ask *
ask_new(struct field *f, const struct ask_to *to)
{
	uint32_t n = 0;

	for (struct ask *a = f->asks; a != NULL; a = a->next)
		n++;
	struct ask *a = n < ASKS_MAX ? calloc(1, sizeof *a) : NULL;
	if (a == NULL) {
		error_out(to, NULL, NULL, "too many requests are under way: try again when others have ended");
		to->end(to->arg);
		return NULL;
	}
	a->field = f;
	a->to = *to;
	a->next = f->asks;
	f->asks = a;
	return a;
}

static void
trace_off(struct ask *a)
{
	struct feed *f = a->traced;

	if (f != NULL && --f->traces == 0)
		f->link->driver->trace(f->link->ctx, f->no, false);
	a->traced = NULL;
}

static void
ask_free(struct ask *a)
{
	struct ask **at = &a->field->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	deadline_clear(&a->field->deadlines, &a->deadline);
	trace_off(a);
	free(a->parts);
	free(a);
}

static void
ask_end(struct ask *a)
{
	struct ask_to to = a->to;

	ask_free(a);
	to.end(to.arg);
}

void
ask_gone(struct field *f, void *arg)
{
	for (struct ask *a = f->asks; a != NULL; a = a->next)
		if (a->to.arg == arg) {
			ask_free(a);
			return;
		}
}

void
ask_end_all(struct field *f, const char *why)
{
	while (f->asks != NULL) {
		error_out(&f->asks->to, NULL, NULL, why);
		ask_end(f->asks);
	}
}

/* Calls each() for the tags that a path or pattern means, at most `max`; returns how many there are. */
static uint32_t
each_tag(struct field *f, const char *pattern, uint32_t max, void (*each)(void *arg, struct feed *feed, uint32_t tag), void *arg)
{
	bool exact = strpbrk(pattern, "*?") == NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->nlinks; i++)
		for (uint32_t k = 0; k < f->links[i]->sources.n; k++) {
			struct feed *feed = f->links[i]->feeds[k];
			const struct source *s = feed->source;
			if (exact) {
				const struct tag *t = source_tag(s, pattern);
				if (t != NULL && n++ < max)
					each(arg, feed, (uint32_t)(t - s->tags));
				continue;
			}
			for (uint32_t t = 0; t < s->ntags; t++)
				if (path_match(pattern, s->tags[t].path) && n++ < max)
					each(arg, feed, t);
		}
	return n;
}

static struct feed *
find_source(struct field *f, const char *name, const char **hint)
{
	struct near near = { .word = name };

	for (uint32_t i = 0; i < f->nlinks; i++)
		for (uint32_t k = 0; k < f->links[i]->sources.n; k++) {
			const char *have = f->links[i]->feeds[k]->source->name;
			if (strcmp(have, name) == 0)
				return f->links[i]->feeds[k];
			near_try(&near, have);
		}
	*hint = near.best;
	return NULL;
}

static void
unknown_out(const struct ask_to *to, const char *key, const char *name, const char *what, const char *hint)
{
	char text[300];

	snprintf(text, sizeof text, hint != NULL ? "there is no %s of this name; did you mean \"%s\"?" : "there is no %s of this name", what,
	    hint);
	error_out(to, key, name, text);
}

/* Nothing has this path: say what is nearest. */
static void
no_tag_out(struct field *f, const struct ask_to *to, const char *path)
{
	struct near near = { .word = path };

	for (uint32_t i = 0; i < f->plan->plan->ntags; i++)
		near_try(&near, f->plan->plan->tags[i].path);
	unknown_out(to, "tag", path, "tag", near.best);
}

static void
too_many_out(const struct ask_to *to, const char *pattern, uint32_t n)
{
	char text[200];

	snprintf(text, sizeof text, "%u tags match, only the first %u are shown: narrow the pattern", n, ASK_TAGS_MAX);
	error_out(to, "tag", pattern, text);
}

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
			error_out(&a->to, "tag", p->feed->source->tags[p->tags[i]].path, why);
	p->feed = NULL;
	if (!a->busy && answered(a))
		ask_end(a);
}

static void
part_start(struct ask *a, struct part *p)
{
	struct feed *f = p->feed;
	struct link *l = f->link;
	char text[300];

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
		part_end(a, p, err == ERR_BUSY || err == ERR_FULL ? "the source is busy with earlier reads: try again" : err_text(err));
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
	if (n < 1)
		error_out(to, NULL, NULL, "name a tag by its full path");
	for (int i = 0; i < n; i++) {
		uint32_t found = each_tag(f, paths[i], ASK_TAGS_MAX, part_add, a);
		if (found == 0)
			no_tag_out(f, to, paths[i]);
		else if (found > ASK_TAGS_MAX)
			too_many_out(to, paths[i], found);
	}
	a->deadline.fire = read_timed_out;
	deadline_set(&f->deadlines, &a->deadline, mono_add(mono_now(), ASK_READ_NS));
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
				line_out(&a->to, &b);
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
				part_end(a, &a->parts[i], why != NULL ? why : err != 0 ? err_text(err) : "the driver gave no value");
				return;
			}
}

void
ask_feed_gone(struct feed *f)
{
	if (f == NULL)
		return;
	for (struct ask *a = f->field->asks, *next; a != NULL; a = next) {
		next = a->next;
		if (a->traced == f) {
			a->traced = NULL;	/* its driver context goes with it */
			error_out(&a->to, "source", f->source->name, "the source has left the plan");
			ask_end(a);
			continue;
		}
		for (uint32_t i = 0; i < a->nparts; i++)
			if (a->parts[i].feed == f) {
				part_end(a, &a->parts[i], "the source has left the plan");
				break;		/* a may be gone */
			}
	}
}

static void
why_out(void *arg, struct feed *feed, uint32_t tag)
{
	const struct ask_to *to = arg;
	struct buf b = { 0 };

	why_json(feed, tag, &b);
	line_out(to, &b);
}

void
ask_why(struct field *f, const struct ask_to *to, int n, const char *const *paths)
{
	struct ask_to copy = *to;

	if (n < 1)
		error_out(to, NULL, NULL, "name a tag by its full path");
	for (int i = 0; i < n; i++) {
		uint32_t found = each_tag(f, paths[i], ASK_TAGS_MAX, why_out, &copy);
		if (found == 0)
			no_tag_out(f, to, paths[i]);
		else if (found > ASK_TAGS_MAX)
			too_many_out(to, paths[i], found);
	}
	to->end(to->arg);
}

void
ask_trace(struct field *f, const struct ask_to *to, int n, const char *const *sources)
{
	const char *hint = NULL;
	struct feed *feed = n == 1 ? find_source(f, sources[0], &hint) : NULL;

	if (feed == NULL) {
		if (n == 1)
			unknown_out(to, "source", sources[0], "source", hint);
		else
			error_out(to, NULL, NULL, "name one source");
		to->end(to->arg);
		return;
	}
	struct ask *a = ask_new(f, to);
	if (a == NULL)
		return;
	a->traced = feed;
	if (feed->traces++ == 0)
		feed->link->driver->trace(feed->link->ctx, feed->no, true);
}

/* Room under the limit of frames a second; counts those left out. */
static bool
frame_allowed(struct ask *a, struct mono now)
{
	if (mono_diff(now, a->second) >= NS_PER_S) {
		a->second = now;
		a->frames = 0;
	}
	if (a->frames++ < ASK_FRAMES_PER_S)
		return true;
	a->dropped++;
	return false;
}

static void
put_hex(struct json *j, const uint8_t *p, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	struct buf hex = { 0 };

	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			buf_putc(&hex, ' ');
		buf_putc(&hex, digits[p[i] >> 4]);
		buf_putc(&hex, digits[p[i] & 15]);
	}
	json_str(j, buf_text(&hex), hex.len);
	buf_fini(&hex);
}

static void
frame_json(struct feed *f, bool out, const void *p, size_t len, const char *note, uint64_t dropped, struct buf *b)
{
	struct json j = { .out = b };
	struct buf words = { 0 };
	char when[WALL_TEXT];

	json_open(&j, '{');
	json_key(&j, "time");
	json_text(&j, wall_format(wall_now(), 6, when));
	json_key(&j, "source");
	json_text(&j, f->source->name);
	json_key(&j, "dir");
	json_text(&j, out ? "out" : "in");
	json_key(&j, "text");
	f->link->driver->explain(out, p, len, &words);
	json_text(&j, buf_text(&words));
	buf_fini(&words);
	if (note != NULL) {
		json_key(&j, "note");
		json_text(&j, note);
	}
	json_key(&j, "hex");
	put_hex(&j, p, len);
	if (dropped > 0) {
		json_key(&j, "left_out");
		json_u64(&j, dropped);
	}
	json_close(&j, '}');
	buf_putc(b, '\n');
}

void
ask_frame(struct feed *f, bool out, const void *p, size_t len, const char *note)
{
	struct mono now = mono_now();

	for (struct ask *a = f->field->asks; a != NULL; a = a->next) {
		if (a->traced != f || !frame_allowed(a, now))
			continue;
		struct buf b = { 0 };
		frame_json(f, out, p, len, note, a->dropped, &b);
		if (b.err == 0 && a->to.line(a->to.arg, b.p, b.len))
			a->dropped = 0;
		else
			a->dropped++;
		buf_fini(&b);
	}
}
