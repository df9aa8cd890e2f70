/*
 * The history sink: samples are packed into one open chunk a series, and the chunks go to the store (store.h) about once a second.
 *
 * The spool is this sink's journal. A batch is done once every chunk that holds a part of it is committed; until then a crash costs
 * nothing, the spool still has it. Each stored chunk carries the number of its newest sample, so what comes again after a crash is
 * recognised and left out: exactly once.
 *
 * A dirty series is one with samples that are not committed. Each stream keeps its dirty series in the order in which they became so;
 * the first one therefore tells up to where the stream is committed. A job takes full chunks and the oldest dirty ones, at most
 * JOB_ROWS, copies them, and writes them in one transaction on a thread of the loop's pool; one job at a time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "os/clock.h"
#include "ring/stats.h"
#include "sink/history/sink_history.h"

static void history_stream_remove(void *inst, struct sink_stream *of);

static const struct key history_keys[] = {
	[KEEP_RAW] = { .name = "keep", .type = KEY_DURATION, .min = 60e9, .max = 3650.0 * 86400e9, .def = "30 d",
		.help = "How long samples are kept as they came." },
	[KEEP_1S] = { .name = "keep-1s", .type = KEY_DURATION, .min = 60e9, .max = 3650.0 * 86400e9, .def = "90 d",
		.help = "How long the roll-ups by second are kept." },
	[KEEP_1MIN] = { .name = "keep-1min", .type = KEY_DURATION, .min = 60e9, .max = 36500.0 * 86400e9, .def = "730 d",
		.help = "How long the roll-ups by minute are kept." },
	[KEEP_1H] = { .name = "keep-1h", .type = KEY_DURATION, .min = 60e9, .max = 36500.0 * 86400e9, .def = "3650 d",
		.help = "How long the roll-ups by hour are kept." },
	[KEEPS] = { .name = NULL },
};

static void
mark_dirty(struct stream *st, struct series *s, uint64_t seq)
{
	if (s->dirty)
		return;
	s->dirty = true;
	s->stream = st;
	s->dirty_from = seq;
	s->next = NULL;
	*st->dirty_end = s;
	st->dirty_end = &s->next;
}

/* One sample into its series' chunk; a chunk that is full becomes a row and a new one begins. */
static int
take(struct history_sink *k, struct stream *st, struct series *s, uint64_t seq, const struct sample *v)
{
	int64_t t = sample_time(v).ns;
	size_t before = s->chunk.len;

	if (s->dirty && s->stream != st)	/* what another stream brought is committed first */
		return ERR_FULL;
	if (s->version != st->of->schema_version) {
		s->version = st->of->schema_version;
		s->seq = 0;
	}
	/*
	 * Stored already, before a crash. The time is looked at too: a power cut can take samples from the spool that the history has,
	 * and their numbers are then given anew, to later samples.
	 */
	if (seq <= s->seq && t <= s->t_newest)
		return 0;
	int err = chunk_append(&s->chunk, t, v->status, v->flags, &v->v);
	if (err == ERR_FULL) {
		err = work_add_row(k, s, true);
		before = 0;
		if (err == 0)
			err = chunk_append(&s->chunk, t, v->status, v->flags, &v->v);
	}
	if (err != 0)
		return err;
	k->buffered += s->chunk.len - before;
	s->seq = seq;
	s->t_newest = t > s->t_newest ? t : s->t_newest;
	mark_dirty(st, s, seq);
	return 0;
}

static void
on_timer(uv_timer_t *t)
{
	struct history_sink *k = t->data;

	work_start(k);
	if (work_idle(k)) {	/* batches of which nothing was new */
		work_report(k);
		history_say_ready(k);
	}
	uv_timer_start(&k->timer, on_timer, k->retry_ms > HISTORY_COMMIT_MS ? k->retry_ms : HISTORY_COMMIT_MS, 0);
}

void
history_say_ready(struct history_sink *k)
{
	if (!k->want_ready || k->ntaken >= HISTORY_BATCHES_MAX || k->buffered >= HISTORY_BUFFERED_MAX)
		return;
	k->want_ready = false;
	k->host->ready(k->host);
}

/* ---- the contract ---- */

static struct known *
know(struct history_sink *k, const char *flow, const char *name, int64_t id)
{
	char *key = arena_printf(&k->arena, "%s\n%s", flow, name);
	struct known *have = map_get(&k->ids, key, strlen(key));

	if (have == NULL) {
		have = arena_alloc(&k->arena, sizeof *have);
		have->id = id;
		map_put(&k->ids, key, strlen(key), have);
	}
	return have;
}

static bool
know_series(void *arg, const struct series_info *s)
{
	know(arg, s->flow, s->name, s->id);
	return true;
}

static int
history_sink_open(void *inst, const struct sink *cfg, const struct plan *plan, struct sink_host *h, char *why, size_t size)
{
	struct history_sink *k = inst;
	char path[1024];
	(void)plan;

	k->host = h;
	for (size_t i = 0; i < KEEPS; i++)
		k->keep_ns[i] = cfg->keys[i].i;
	snprintf(path, sizeof path, "%s/" HISTORY_FILE, h->state_dir);
	int err = history_open(path, true, &k->writer, why, size);
	if (err == 0)
		err = history_open(path, true, &k->own, why, size);
	if (err == 0 && ((err = history_next_ids(k->own, &k->next_series, &k->next_row)) != 0 ||
	    (err = history_each_series(k->own, "**", know_series, k)) != 0))
		snprintf(why, size, "the history %s cannot be read: %s", path, history_fault(k->own));
	if (err != 0)
		return err;
	uv_timer_init(h->loop, &k->timer);
	k->timer.data = k;
	uv_timer_start(&k->timer, on_timer, HISTORY_COMMIT_MS, 0);
	h->state(h, true, "writing");
	return 0;
}

static bool
refill(void *arg, const struct point *p)
{
	struct series *s = arg;
	return chunk_append(&s->chunk, p->t, p->status, p->flags, &p->v) == 0;
}

/* Where the store stands with a series: go on with its open chunk, and know what it has. */
static int
resume(struct history_sink *k, struct series *s)
{
	struct raw_tail tail;
	int err = history_tail(k->own, s->id, &tail);

	if (err != 0)
		return err == ERR_NOTFOUND ? 0 : err;
	s->version = tail.stream;
	s->seq = tail.seq;
	s->t_newest = tail.t1;
	if (tail.open) {
		s->row = tail.id;
		err = chunk_read(tail.data, tail.len, refill, s);
		if (err == 0 && s->chunk.len != tail.len)	/* it would be written over with less than it holds */
			err = ERR_CORRUPT;
		k->buffered += s->chunk.len;
	}
	free(tail.data);
	return err;
}

void
series_let_go(struct history_sink *k, struct series *s)
{
	if (s->refs > 0 || s->rows > 0)
		return;
	k->buffered -= s->chunk.len;
	chunk_fini(&s->chunk);
	s->known->series = NULL;
	free(s);
}

static int
add_series(struct history_sink *k, struct stream *st, uint32_t tag)
{
	const struct spool_schema *schema = st->of->schema;
	const struct spool_tag *t = &schema->tags[tag];
	struct known *known = know(k, schema->flow, t->name, 0);
	bool stored = known->id != 0;
	struct series *s = known->series;

	if (!stored)
		known->id = k->next_series++;
	struct series_info info = { .id = known->id, .flow = schema->flow, .name = t->name, .unit = t->unit, .help = t->help, .type = t->type,
	    .has_range = t->has_range, .lo = t->lo, .hi = t->hi };
	int err = history_put_series(k->own, &info);
	if (err != 0)
		return err;
	if (s != NULL) {	/* what is in memory is newer than the store; some of it may not be committed */
		s->refs++;
		st->series[tag] = s;
		mark_dirty(st, s, 0);
		return 0;
	}
	if ((s = calloc(1, sizeof *s)) == NULL)
		return ERR_NOMEM;
	*s = (struct series){ .id = known->id, .known = known, .refs = 1, .version = schema->version };
	known->series = st->series[tag] = s;
	return stored ? resume(k, s) : 0;
}

/* Blocks for the disk: at the start and when a plan changes, never in between. */
static int
history_stream_add(void *inst, struct sink_stream *of)
{
	struct history_sink *k = inst;
	struct stream *st = calloc(1, sizeof *st), **at = &k->streams;

	if (st == NULL || (st->series = calloc(of->schema->n + 1, sizeof *st->series)) == NULL) {
		free(st);
		return ERR_NOMEM;
	}
	st->of = of;
	st->dirty_end = &st->dirty;
	st->taken_end = &st->taken;
	of->user = st;
	while (*at != NULL)
		at = &(*at)->next;
	*at = st;
	int err = history_begin(k->own);
	for (uint32_t i = 0; err == 0 && i < of->schema->n; i++)
		err = add_series(k, st, i);
	if (err == 0)
		err = history_commit(k->own);
	if (err != 0) {
		log_error("history_stream_refused", "flow=\"%s\" error=\"%s\"", of->flow, history_fault(k->own));
		history_rollback(k->own);
		history_stream_remove(k, of);
	}
	return err;
}

static void
history_stream_remove(void *inst, struct sink_stream *of)
{
	struct history_sink *k = inst;
	struct stream *st = of->user, **at = &k->streams;

	while (*at != st)
		at = &(*at)->next;
	*at = st->next;
	for (uint32_t i = 0; i < of->schema->n; i++) {
		struct series *s = st->series[i];
		if (s == NULL)
			continue;
		s->dirty = s->dirty && s->stream != st;
		s->refs--;
		series_let_go(k, s);
	}
	for (struct taken *t = st->taken, *next; t != NULL; t = next) {
		next = t->next;
		k->ntaken--;
		free(t);
	}
	free(st->series);
	free(st);
	of->user = NULL;
}

static int
history_offer(void *inst, struct sink_stream *of, const struct spool_batch *b, bool live)
{
	struct history_sink *k = inst;
	struct stream *st = of->user;
	struct taken *t;
	int err = 0;
	(void)live;

	if (k->ntaken >= HISTORY_BATCHES_MAX || k->buffered >= HISTORY_BUFFERED_MAX) {
		k->want_ready = true;
		work_start(k);
		return ERR_FULL;
	}
	if ((t = malloc(sizeof *t)) == NULL)
		return ERR_FULL;
	/* What is taken of a batch that fails half-way is recognised by its number when the batch is offered again. */
	for (uint32_t i = 0; err == 0 && i < b->n; i++)
		err = take(k, st, st->series[b->samples[i].tag], b->first + i, &b->samples[i]);
	if (err != 0) {
		free(t);
		k->want_ready = true;
		work_start(k);
		return ERR_FULL;
	}
	*t = (struct taken){ .first = b->first, .last = b->first + b->n - 1 };
	*st->taken_end = t;
	st->taken_end = &t->next;
	k->ntaken++;
	return 0;
}

static int
history_preview(void *inst, struct sink_stream *of, const struct spool_batch *b, struct buf *out)
{
	(void)inst;
	buf_printf(out, "%u samples of flow %s for the local history, numbers %llu to %llu\n", b->n, of->flow, (unsigned long long)b->first,
	    (unsigned long long)(b->first + b->n - 1));
	return out->err;
}

static void
history_stop(void *inst, struct mono deadline, void (*stopped)(void *arg), void *arg)
{
	struct history_sink *k = inst;
	(void)deadline;	/* a transaction or two; what is not committed is still in the spool */

	k->stopping = true;
	k->stopped = stopped;
	k->stopped_arg = arg;
	uv_timer_stop(&k->timer);
	work_start(k);
	if (!k->running)
		work_ended(k);
}

static void
history_sink_close(void *inst)
{
	struct history_sink *k = inst;

	while (k->streams != NULL)
		history_stream_remove(k, k->streams->of);
	work_fini(k);
	history_close(k->writer);
	history_close(k->own);
	map_fini(&k->ids);
	arena_fini(&k->arena);
}

const struct sink_type history_sink = {
	.info = { .name = "history", .help = "Local history in one SQLite file, with roll-ups; penstock trend reads it.", .keys = history_keys },
	.size = sizeof(struct history_sink),
	.open = history_sink_open,
	.stream_add = history_stream_add,
	.stream_remove = history_stream_remove,
	.offer = history_offer,
	.preview = history_preview,
	.stop = history_stop,
	.close = history_sink_close,
};
