/* The clock of the sender: blocks are closed when data waits too long, schemas and totals are told again and again, since nobody can ask for them. */
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "sink/diode/diode_sink.h"
#include "spool/schema.h"

static void
on_timer(uv_timer_t *t)
{
	ds_step(t->data);
}

static void
wake_at(struct diode_sink *k, struct mono at)
{
	int64_t ns = mono_diff(at, mono_now());

	uv_update_time(k->host->loop);
	uv_timer_start(&k->timer, on_timer, ns <= 0 ? 0 : (uint64_t)((ns + NS_PER_MS - 1) / NS_PER_MS), 0);
}

void
ds_wake(struct diode_sink *k)
{
	if (!k->stopping)
		wake_at(k, mono_now());
}

void
ds_made(struct diode_sink *k, struct diode_stream *st)
{
	struct diode_send_state now = diode_send_state(k->sender, st->no);

	for (struct diode_batch *b = st->batches; b != NULL; b = b->next)
		if (b->after == UINT64_MAX && b->end <= now.sent) {
			b->after = k->made;
			st->sent = b->last;
		}
}

void
ds_schema(struct diode_sink *k, struct diode_stream *st, struct mono now)
{
	struct diode_schema body = { .id = st->id, .first = st->first, .version = st->s->schema_version };
	uint8_t head[DIODE_SCHEMA_HEAD_MAX], *file = NULL;
	size_t len = 0, head_len = 0;
	int err = strlen(st->s->flow) <= DIODE_NAME_MAX ? schema_encode(st->s->schema, &file, &len) : ERR_LIMIT;

	if (err == 0) {
		memcpy(body.flow, st->s->flow, strlen(st->s->flow));
		head_len = diode_schema_put(&body, head);
		err = head_len == 0 ? ERR_LIMIT : diode_send_record(k->sender, st->no, DIODE_SCHEMA, head, head_len, file, len);
	}
	free(file);
	if (err != 0)
		log_error("diode_schema_not_sent", "sink=%s flow=\"%s\" error=\"%s\" effect=\"the other end cannot read this flow\"", k->cfg->name, st->s->flow,
		    err_text(err));
	st->schema_at = mono_add(now, st->schemas == 0 ? NS_PER_S : st->schemas == 1 ? 2 * NS_PER_S : SCHEMA_NS);
	st->schemas++;
	st->flush_at = mono_min(st->flush_at, mono_add(now, k->cfg->keys[DS_KEY_FLUSH].i));
}

static struct mono
stream_step(struct diode_sink *k, struct diode_stream *st, struct mono now)
{
	if (st->schemas > 0 && !mono_before(now, st->schema_at) && !k->stopping)
		ds_schema(k, st, now);
	if (!mono_before(now, st->flush_at) || k->stopping) {
		diode_send_flush(k->sender, st->no);
		st->flush_at = MONO_NEVER;
	}
	ds_made(k, st);
	return mono_min(st->flush_at, st->schemas > 0 && !k->stopping ? st->schema_at : MONO_NEVER);
}

static struct diode_row
row_of(const struct diode_sink *k, const struct diode_stream *st)
{
	struct diode_send_state s = diode_send_state(k->sender, st->no);

	return (struct diode_row){ .stream = st->no, .ended = k->kind == DIODE_END, .id = st->id, .blocks = s.blocks, .first = st->first,
	    .last = st->sent != 0 ? st->sent : st->first - 1, .bytes = s.sent };
}

/* One round of a control message: as many datagrams as the streams take. */
static void
control(struct diode_sink *k)
{
	uint32_t most = diode_control_rows(diode_send_room(k->sender));
	const struct diode_stream *st = k->streams;
	unsigned rounds = 0, e = 0;

	do {
		struct diode_control c = { .kind = (uint8_t)k->kind, .waiting = (uint32_t)(k->made - k->sent), .clock = wall_now(),
		    .interval_ns = k->cfg->keys[DS_KEY_BEACON].i, .gone = k->gone };
		for (; st != NULL && c.n < most; st = st->next)
			if (st->first != 0)
				c.rows[c.n++] = row_of(k, st);
		for (; st == NULL && e < ENDED_MAX && c.n < most; e++)
			if (k->ended[e].left > 0)
				c.rows[c.n++] = k->ended[e].row;
		if (c.n > 0 || rounds == 0)
			diode_send_control(k->sender, &c);
		rounds++;
	} while (st != NULL || e < ENDED_MAX);
}

void
ds_ended(struct diode_sink *k, struct diode_stream *st)
{
	diode_send_flush(k->sender, st->no);
	ds_made(k, st);
	if (st->first != 0) {
		k->ended[k->nended % ENDED_MAX].row = row_of(k, st);
		k->ended[k->nended % ENDED_MAX].row.ended = true;
		k->ended[k->nended++ % ENDED_MAX].left = ENDED_BEACONS;
	}
	diode_send_close(k->sender, st->no);
}

static void
beat(struct diode_sink *k, struct mono now)
{
	if (k->repeats == 0 && !mono_before(now, k->next_beacon)) {
		k->repeats = REPEATS;
		k->next_beacon = mono_add(now, k->cfg->keys[DS_KEY_BEACON].i);
		k->beat_at = now;
	}
	if (k->repeats > 0 && !mono_before(now, k->beat_at)) {
		control(k);
		k->beat_at = mono_add(now, 10 * NS_PER_MS);
		if (--k->repeats > 0)
			return;
		k->kind = DIODE_BEACON;
		for (size_t i = 0; i < ENDED_MAX; i++)
			k->ended[i].left -= k->ended[i].left > 0;
	}
}

static void
on_closed(uv_handle_t *h)
{
	struct diode_sink *k = h->data;
	k->stopped(k->stopped_arg);
}

/* All was made; when it has gone, or the time is over, this is the end. */
static bool
over(struct diode_sink *k, struct mono now)
{
	if (k->closed || (k->repeats > 0 && k->kind == DIODE_END) || (k->first != NULL && mono_before(now, k->deadline)))
		return k->closed;
	k->closed = true;
	uv_close((uv_handle_t *)&k->timer, on_closed);
	return true;
}

void
ds_step(struct diode_sink *k)
{
	struct mono now = mono_now(), next = MONO_NEVER;

	for (struct diode_stream *st = k->streams; st != NULL; st = st->next)
		next = mono_min(next, stream_step(k, st, now));
	beat(k, now);
	next = mono_min(next, ds_pump(k, now));
	next = mono_min(next, k->repeats > 0 ? k->beat_at : k->stopping ? MONO_NEVER : k->next_beacon);
	if (k->stopping && over(k, now))
		return;
	wake_at(k, k->stopping ? mono_min(next, k->deadline) : next);
	if (k->want_ready && ds_room(k) && !k->stopping) {
		k->want_ready = false;
		k->host->ready(k->host);
	}
}

void
ds_finish(struct diode_sink *k)
{
	k->stopping = true;
	k->kind = DIODE_END;
	k->repeats = REPEATS;
	k->beat_at = mono_now();
	k->next_beacon = MONO_NEVER;
	wake_at(k, k->beat_at);
}
