/* See ask.h. Reads and traces under way are kept in one short list; what each does is in ask_read.c and ask_trace.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/ask_int.h"
#include "field/link.h"
#include "field/why.h"
#include "model/path.h"

void
ask_line(const struct ask_to *to, struct buf *b)
{
	buf_putc(b, '\n');
	if (b->err == 0)
		to->line(to->arg, b->p, b->len);
	buf_fini(b);
}

void
ask_error(const struct ask_to *to, const char *key, const char *name, const char *text)
{
	struct buf b = { 0 };
	struct json j = { .out = &b };

	json_open(&j, '{');
	if (name != NULL)
		json_key_text(&j, key, name);
	json_key_text(&j, "error", text);
	json_close(&j, '}');
	ask_line(to, &b);
}

struct ask *
ask_new(struct field *f, const struct ask_to *to)
{
	uint32_t n = 0;

	for (struct ask *a = f->asks; a != NULL; a = a->next)
		n++;
	struct ask *a = n < ASKS_MAX ? calloc(1, sizeof *a) : NULL;
	if (a == NULL) {
		ask_error(to, NULL, NULL, "too many requests are under way: try again when others have ended");
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
ask_free(struct ask *a)
{
	struct ask **at = &a->field->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	deadline_clear(&a->field->deadlines, &a->deadline);
	ask_trace_off(a);
	free(a->parts);
	free(a);
}

void
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
		ask_error(&f->asks->to, NULL, NULL, why);
		ask_end(f->asks);
	}
}

/* Calls each() for the tags that a path or pattern means, at most `max`; returns how many there are. */
static uint32_t
each_tag(struct field *f, const char *pattern, uint32_t max, void (*each)(void *arg, struct feed *feed, uint32_t tag),
    void *arg)
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

void
ask_unknown(const struct ask_to *to, const char *what, const char *name, const char *hint)
{
	char text[300];

	if (hint != NULL)
		snprintf(text, sizeof text, "there is no %s of this name; did you mean \"%s\"?", what, hint);
	else
		snprintf(text, sizeof text, "there is no %s of this name here", what);
	ask_error(to, what, name, text);
}

void
ask_each_tag(struct field *f, const struct ask_to *to, int n, const char *const *patterns,
    void (*each)(void *arg, struct feed *feed, uint32_t tag), void *arg)
{
	char text[200];

	if (n < 1)
		ask_error(to, NULL, NULL, "name a tag by its full path");
	for (int i = 0; i < n; i++) {
		uint32_t found = each_tag(f, patterns[i], ASK_TAGS_MAX, each, arg);
		if (found == 0)		/* the nearest of 100,000 paths would take longer than a scan may be late */
			ask_unknown(to, "tag", patterns[i], NULL);
		if (found <= ASK_TAGS_MAX)
			continue;
		snprintf(text, sizeof text, "%u tags match, only the first %u are shown: narrow the pattern", found,
		    ASK_TAGS_MAX);
		ask_error(to, "tag", patterns[i], text);
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
			ask_error(&a->to, "source", f->source->name, "the source has left the plan");
			ask_end(a);
			continue;
		}
		ask_read_forget(a, f);
	}
}

static void
why_out(void *arg, struct feed *feed, uint32_t tag)
{
	const struct ask_to *to = arg;
	struct buf b = { 0 };

	why_json(feed, tag, &b);
	ask_line(to, &b);
}

void
ask_why(struct field *f, const struct ask_to *to, int n, const char *const *paths)
{
	struct ask_to copy = *to;

	ask_each_tag(f, to, n, paths, why_out, &copy);
	to->end(to->arg);
}

