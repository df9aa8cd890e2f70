/*
 * A batch from a ring, on its way to the flows that want it: checked as what an untrusted process says, found by its
 * source's key, run through each flow's reduction, and flushed. When the disk refuses in the middle the batch is
 * kept, with the flows that have not had it yet, and goes on later.
 */
#include "gate/inside.h"

/* Names of processes are cut at this length where the supervisor keeps them. */
#define WRITER_MAX	63u
/* 2200-01-01; a time outside of [0, this] is no time, and would overflow sums of times. */
#define TIME_MAX_NS	7258118400000000000LL

static bool
time_ok(struct wall t)
{
	return t.ns >= 0 && t.ns <= TIME_MAX_NS;
}

/* What batch_parse() cannot know: times, and that texts do not share bytes to look like more than they are. */
static int
check_samples(const struct batch *b)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < b->head.n; i++) {
		const struct sample *s = &b->samples[i];
		if (!time_ok(s->source) || !time_ok(s->server) || !time_ok(s->arrival) || s->arrival.ns == 0)
			return ERR_RANGE;
		if (value_has_bytes(s->v.type))
			bytes += s->v.len;
	}
	return bytes > b->head.blob_len ? ERR_PROTO : 0;
}

static void
refuse(struct gate *g, struct ring_in *in, const char *why, const char *detail, struct mono now)
{
	unsigned long left_out;

	in->refused++;
	if (log_limit_ok(&g->log_refused, now, &left_out))
		log_warn("batch_refused", "writer=\"%s\" why=\"%s\" error=\"%s\" refused=%llu suppressed=%lu",
		    in->writer, why, detail,
		    (unsigned long long)in->refused, left_out);
}

/*
 * The way of a source, if this process may bring it: one that was taken over cannot speak for a source of another zone.
 * *known: the source is there, whoever may bring it.
 */
static struct source_route *
route_in(struct routes *r, uint64_t key, const struct ring_in *in, bool *known)
{
	struct source_route *sr = map_get_u64(&r->by_key, key);

	if (sr == NULL)
		return NULL;
	*known = true;
	if (sr->writer == NULL)
		sr->writer = arena_strdup(&r->arena, in->writer);
	return strncmp(sr->writer, in->writer, WRITER_MAX) == 0 ? sr : NULL;
}

/*
 * Batches of a source count from 1 in each ring. A hole that the ring's own count does not explain is a loss of its
 * own.
 */
static void
check_order(struct gate *g, struct ring_in *in, struct source_route *sr, const struct batch_head *h, struct mono now)
{
	/* What is read again after a restart was looked at before. */
	if (sr->epoch == in->epoch && sr->gaps == in->gaps && h->seq > sr->seq + 1 && sr->seq != 0 &&
	    g->start >= in->taken) {
		uint64_t missing = h->seq - sr->seq - 1, n;
		if (__builtin_mul_overflow(missing, (uint64_t)h->n, &n) || n > UINT32_MAX)
			n = UINT32_MAX;
		if (g->opts.live_lost != NULL)
			g->opts.live_lost(g->opts.arg);
		admit_lost(g, in, sr, n, "batches of a source are missing, each counted as large as the one after them",
		    now);
	}
	sr->epoch = in->epoch;
	sr->gaps = in->gaps;
	sr->seq = h->seq;
}

bool
admit_parse(struct gate *g, struct ring_in *in, size_t len, struct mono now)
{
	g->route = NULL;
	int err = batch_parse(g->record, len, g->room, &g->batch);
	if (err == 0)
		err = check_samples(&g->batch);
	if (err != 0) {
		refuse(g, in, "malformed: the process that writes this ring is broken or was taken over", err_text(err),
		    now);
		return false;
	}
	/* What the plan does not have may be of the plan before, whose last batches are still on their way. */
	bool known = false;
	struct source_route *sr = route_in(&g->routes, g->batch.head.source_key, in, &known);
	if (sr == NULL)
		sr = route_in(&g->before, g->batch.head.source_key, in, &known);
	if (sr == NULL) {
		refuse(g, in, known ? "of a source that another process brings" : "of a source that is not in the plan",
		    "denied", now);
		return false;
	}
	sr->numbered = g->batch.head.origin != 0;
	if (!sr->numbered)
		check_order(g, in, sr, &g->batch.head, now);
	admit_overwritten(g, in, now);
	if (g->batch.head.origin != 0 && !origin_admit(g, sr, in->writer))
		return false;
	in->records++;
	in->samples += g->batch.head.n;
	g->route = sr;
	g->from = in;
	if (g->opts.live != NULL && g->start >= in->replay)
		g->opts.live(g->opts.arg, g->batch.head.source_key, g->batch.samples, g->batch.head.n);
	return true;
}

/* How a stream has to take this record, if it may have had it before the gate was restarted. See rings.c. */
static enum reduce_mode
mode_of(const struct gate *g, const struct stream *st)
{
	if (g->start >= g->from->replay)
		return REDUCE_LIVE;
	for (size_t i = 0; i < MARKS_MAX && st->restored[i].epoch != 0; i++)
		if (st->restored[i].epoch == g->from->epoch && g->end <= st->restored[i].pos)
			return REDUCE_QUIET;
	return reduce_has_memory(st->reduce) ? REDUCE_AGAIN : REDUCE_LIVE;
}

/*
 * Whether what waits must go before this record: it came from another ring, or there would be too much for one batch.
 */
static bool
must_go_first(const struct gate *g, const struct stream *st)
{
	if (st->out.n == 0)
		return false;
	return st->epoch != g->from->epoch || st->origin != g->batch.head.origin || st->out.n + g->batch.head.n > SPOOL_BATCH_MAX ||
	    (st->bytes && !out_fits(&st->out, g->batch.head.blob_len));
}

static void
take(struct gate *g, const struct leg *l, enum reduce_mode mode, struct mono now)
{
	struct stream *st = l->st;
	bool waited = st->out.n > 0;

	if (!waited) {
		st->origin = g->batch.head.origin;
		st->origin_before = g->batch.head.origin_prev;
		st->epoch = g->from->epoch;
		st->from = g->start;
		st->out_since = now;
	}
	reduce_take(st->reduce, l->slot, g->route->ntags, g->batch.samples, g->batch.head.n, mode, &st->out);
	st->pos = g->end;
	st->origin_no = g->batch.head.origin_no;
	if (g->batch.head.origin != 0)
		origin_took(st, &g->batch.head);
}

/* Of a stream of another node, lost for good before it came here. How many of them this flow would have taken, nobody knows: all are counted. */
static void
lost_on_the_way(struct gate *g, struct stream *st, struct mono now)
{
	uint64_t n = origin_lost(st, &g->batch.head);

	if (n > 0)
		stream_lose(st, n, g->from->writer, "numbers of another node's stream were lost on a one-way link");
	g->account_at = mono_min(g->account_at, mono_add(now, 100 * NS_PER_MS));
}

static int
one_leg(struct gate *g, const struct leg *l, struct mono now, struct wall wall)
{
	struct stream *st = l->st;
	enum reduce_mode mode;
	int err = 0;

	if (st->off || st->reduce == NULL) {
		for (uint32_t i = 0; i < g->batch.head.n; i++)
			st->lost_total += g->batch.samples[i].tag < g->route->ntags &&
			    l->slot[g->batch.samples[i].tag] != 0;
		return 0;
	}
	mode = mode_of(g, st);
	if (g->batch.head.origin != 0 && !origin_mode(st, &g->batch.head, &mode))
		return 0;
	if (must_go_first(g, st))
		err = stream_flush(g, st, now, wall);
	if (err == 0) {
		if (g->batch.head.origin != 0 && (g->batch.head.flags & BATCH_LOST) != 0 && mode != REDUCE_QUIET)
			lost_on_the_way(g, st, now);
		take(g, l, mode, now);
		if (st->latency_ns == 0)
			err = stream_flush(g, st, now, wall);
		else if (st->out.n > 0)
			g->flush_at = mono_min(g->flush_at, mono_add(st->out_since, st->latency_ns));
		if (err != 0)
			gate_hold(g, st, err, now);
		return 0;	/* this flow has it */
	}
	gate_hold(g, st, err, now);
	return err;
}

void
admit_go(struct gate *g, struct mono now, struct wall wall)
{
	struct source_route *sr = g->route;

	/* Legs are done from the end, so that what is left is a count. */
	while (g->legs_left > 0) {
		if (one_leg(g, &sr->legs[g->legs_left - 1], now, wall) != 0)
			return;
		g->legs_left--;
	}
	if (g->batch.head.origin != 0)
		origin_done(g, &g->batch.head);
	g->route = NULL;
}

static void
lose(struct gate *g, struct stream *st, uint64_t n, const char *writer, const char *note)
{
	if (st->stamp == g->stamp || (!st->current && !st->stale))
		return;
	st->stamp = g->stamp;
	stream_lose(st, n, writer, note);
}

void
admit_overwritten(struct gate *g, struct ring_in *in, struct mono now)
{
	uint64_t n = in->overwritten;

	in->overwritten = 0;
	if (n > 0)
		admit_lost(g, in, NULL, n, "overwritten in the ring before gate could read it; at most this many of this flow", now);
}

void
admit_lost(struct gate *g, struct ring_in *in, const struct source_route *only, uint64_t n, const char *note,
    struct mono now)
{
	unsigned long left_out;
	bool known = false, any = false;

	g->stamp++;
	for (uint32_t i = 0; i < g->routes.n; i++) {
		const struct source_route *sr = &g->routes.sources[i];
		if (only != NULL ? sr != only : sr->writer == NULL || strcmp(sr->writer, in->writer) != 0)
			continue;
		known = true;
		if (sr->numbered)
			continue;
		any = true;
		for (uint32_t k = 0; k < sr->nlegs; k++)
			lose(g, sr->legs[k].st, n, in->writer, note);
	}
	if (known && !any)	/* all of it comes again, or gate has it */
		return;
	in->lost += n;
	/* Nothing has come from this writer yet: it may concern every flow. */
	for (struct stream *st = g->streams; st != NULL && !known && only == NULL; st = st->next_stream)
		lose(g, st, n, in->writer, note);
	g->account_at = mono_min(g->account_at, mono_add(now, 100 * NS_PER_MS));
	if (log_limit_ok(&g->log_lost, now, &left_out))
		log_error("samples_lost", "writer=\"%s\" source=\"%s\" samples=%llu why=\"%s\" suppressed=%lu",
		    in->writer,
		    only != NULL ? only->name : "", (unsigned long long)n, note, left_out);
}
