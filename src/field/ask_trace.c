/*
 * Tracing a source: its frames as they pass, in words. The driver makes them only while somebody looks on, at most
 * ASK_FRAMES_PER_S are put into words, and one that the client has no room for is counted, not waited for.
 */
#include <string.h>

#include "base/near.h"
#include "field/ask_int.h"
#include "field/link.h"
#include "os/clock.h"

void
ask_trace_off(struct ask *a)
{
	struct feed *f = a->traced;

	if (f != NULL && --f->traces == 0)
		f->link->driver->trace(f->link->ctx, f->no, false);
	a->traced = NULL;
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

void
ask_trace(struct field *f, const struct ask_to *to, int n, const char *const *sources)
{
	const char *hint = NULL;
	struct feed *feed = n == 1 ? find_source(f, sources[0], &hint) : NULL;

	if (feed == NULL) {
		if (n == 1)
			ask_unknown(to, "source", sources[0], hint);
		else
			ask_error(to, NULL, NULL, "name one source");
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
	json_key_text(&j, "time", wall_format(wall_now(), 6, when));
	json_key_text(&j, "source", f->source->name);
	json_key_text(&j, "dir", out ? "out" : "in");
	json_key(&j, "text");
	f->link->driver->explain(out, p, len, &words);
	json_text(&j, buf_text(&words));
	buf_fini(&words);
	if (note != NULL)
		json_key_text(&j, "note", note);
	json_key(&j, "hex");
	put_hex(&j, p, len);
	if (dropped > 0)
		json_key_u64(&j, "left_out", dropped);
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
