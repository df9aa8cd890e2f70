/*
 * Events to gate: in their ring as numbered batches, at most EVENTS_FLYING_MAX bytes that gate has not confirmed, so
 * that the ring does not run over; again from the last confirmed one when gate misses something, is another one, or
 * stays silent.
 */
#include <string.h>

#include "base/log.h"
#include "insight/event_journal.h"
#include "insight/inside.h"

static struct feed *
feed_of(const struct insight *in, const struct event_stream *s)
{
	for (uint32_t i = 0; i < in->s->plan->nsources; i++)
		if (strcmp(in->s->feeds[i].source->name, s->name) == 0)
			return &in->s->feeds[i];
	return NULL;
}

/* An event is a batch: gate takes or passes over a number as a whole, so what is sent again must be cut as it was
 * before. */
static void
send_one(struct insight *in, struct event_stream *s, struct feed *f, const struct event_wait *w)
{
	const struct event *e = map_get(&in->s->events_by_path, w->path, strlen(w->path));

	if (e == NULL)		/* sort_waiting() has left none */
		return;
	struct sample v = { .tag = e->rule->tag,
		.status = w->status,
		.source = { w->time_ns },
		.arrival = { w->arrival_ns },
		.v = { .type = VALUE_JSON, .len = w->len } };
	struct batch_head head = { .source_key = f->source->key,
		.seq = ++f->seq,
		.n = 1,
		.blob_len = w->len,
		.flags = BATCH_SCAN_END,
		.origin = s->origin,
		.origin_no = w->no,
		.origin_prev = s->sent,
		.origin_base = s->confirmed };
	in->opts.emit(in->opts.arg, &head, &v, w->bytes);
	s->flying += w->len;
	s->sent = w->no;
}

static void
send_stream(struct insight *in, struct event_stream *s, int64_t now_ns)
{
	struct event_wait *w = s->first;
	struct feed *f = w != NULL ? feed_of(in, s) : NULL;

	if (f == NULL)
		return;
	if (s->sent > s->confirmed && now_ns - s->moved_ns > EVENTS_STUCK_NS) {
		log_warn("events_again",
		    "stream=\"%s\" from=%llu why=\"gate has not said for half a minute that they are durable: is its disk full?\"",
		    s->name, (unsigned long long)s->confirmed + 1);
		s->sent = s->confirmed;
		s->flying = 0;
	}
	while (w != NULL && w->no <= s->sent)
		w = w->next;
	if (w != NULL && s->sent == s->confirmed)
		s->moved_ns = now_ns;
	for (; w != NULL && w->journaled && s->flying < EVENTS_FLYING_MAX; w = w->next)
		send_one(in, s, f, w);
}

void
events_emit(struct insight *in, int64_t now_ns)
{
	bool full = in->ev.bytes > EVENTS_WAITING_MAX;

	for (struct event_stream *s = in->ev.streams; s != NULL && !in->ev.damaged; s = s->next)
		send_stream(in, s, now_ns);
	if (full != in->ev.full_told)
		log_warn(full ? "events_full" : "events_flow", "bytes=%zu note=\"%s\"", in->ev.bytes, full ?
		    "gate takes no events, so no sample is read any more: see its disk" : "gate takes events again");
	in->ev.full_told = full;
}

void
insight_durable(struct insight *in, uint64_t origin, uint64_t no, bool hole, struct wall now)
{
	struct event_stream *s = in->ev.streams;

	while (s != NULL && s->origin != origin)
		s = s->next;
	if (s == NULL)		/* of a journal that is no more */
		return;
	no = no > s->last ? s->last : no;
	if (no > s->confirmed) {
		s->confirmed = no;
		s->sent = no > s->sent ? no : s->sent;
		s->moved_ns = now.ns;
		s->dirty = true; /* written with the next frame: until then it would be sent again and passed over */
		event_stream_trim(&in->ev, s);
	}
	if (hole) {
		s->sent = s->confirmed;
		s->flying = 0;
	}
	in->ev.shaken = true;
}
