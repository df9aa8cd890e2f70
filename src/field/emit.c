/* See emit.h. */
#include "field/emit.h"

#include <stdlib.h>

#include "base/log.h"
#include "field/engine.h"
#include "field/feed.h"

void
emit_init(struct emit *e, struct feed *feed, uint16_t scan_class, uint32_t cap)
{
	*e = (struct emit){ .feed = feed, .scan_class = scan_class, .blob.max = BATCH_BYTES_MAX };
	e->cap = cap < 1 ? 1 : cap > BATCH_SAMPLES_MAX ? BATCH_SAMPLES_MAX : cap;
	e->v = calloc(e->cap, sizeof *e->v);
	if (e->v == NULL)
		fatal("out_of_memory", "what=batch samples=%u", e->cap);
}

static void
unlink_emit(struct emit_queue *q, struct emit *e)
{
	*(e->prev != NULL ? &e->prev->next : &q->head) = e->next;
	*(e->next != NULL ? &e->next->prev : &q->tail) = e->prev;
	e->next = e->prev = NULL;
}

static void
append_emit(struct emit_queue *q, struct emit *e)
{
	e->prev = q->tail;
	e->next = NULL;
	*(q->tail != NULL ? &q->tail->next : &q->head) = e;
	q->tail = e;
}

void
emit_fini(struct emit *e)
{
	if (e->n > 0)
		unlink_emit(&e->feed->field->emits, e);
	free(e->v);
	buf_fini(&e->blob);
}

struct sample *
emit_add(struct emit *e, const struct sample *s, struct mono now)
{
	bool bytes = value_has_bytes(s->v.type);

	size_t blob_len = e->blob.len + (bytes ? s->v.len : 0);
	if (e->n == e->cap || blob_len > BATCH_BYTES_MAX - 1 ||
	    batch_size(e->n + 1, blob_len) > e->feed->field->batch_max)
		emit_flush(e, false);
	if (e->n == 0) {
		e->first = now;
		append_emit(&e->feed->field->emits, e);
	}
	struct sample *to = &e->v[e->n++];
	*to = *s;
	if (!bytes)
		return to;
	to->v.u = e->blob.len;
	buf_put(&e->blob, s->v.p, s->v.len);
	if (e->blob.err != 0) {		/* no memory for it: say so rather than send a wrong text */
		to->v = (struct value){ .type = VALUE_NULL };
		to->status = (uint32_t)STATUS_BadOutOfMemory;
		e->blob.err = 0;
	}
	return to;
}

void
emit_flush(struct emit *e, bool end)
{
	struct feed *feed = e->feed;

	if (e->n > 0 || (end && e->partial)) {
		struct batch_head head = {
			.source_key = feed->source->key,
			.seq = ++feed->seq,
			.n = e->n,
			.blob_len = (uint32_t)e->blob.len,
			.scan_class = e->scan_class,
			.flags = end ? BATCH_SCAN_END : 0,
			.due_ns = e->due_ns,
		};
		if (e->n > 0)
			unlink_emit(&feed->field->emits, e);
		field_emit(feed->field, &head, e->v, buf_text(&e->blob));
	}
	e->partial = !end && (e->partial || e->n > 0);
	e->n = 0;
	buf_reset(&e->blob);
}

struct mono
emit_next(const struct emit_queue *q)
{
	return q->head != NULL ? mono_add(q->head->first, FIELD_FLUSH_NS) : MONO_NEVER;
}

void
emit_run(struct emit_queue *q, struct mono now)
{
	while (q->head != NULL && !mono_before(now, mono_add(q->head->first, FIELD_FLUSH_NS)))
		emit_flush(q->head, false);
}
