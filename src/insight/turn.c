/*
 * Running: samples come in and mark the expressions that use them; when a group of samples that arrived together is
 * complete, what is marked is evaluated in the order of ranks. What is sent goes into a batch of its pseudo source.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "insight/inside.h"
#include "model/status.h"
#include "site/derive.h"

#define RECORDS_A_TURN	64u
#define RECORD_MAX	batch_size(BATCH_SAMPLES_MAX, BATCH_BYTES_MAX)

/* ---- values in ---- */

static void
store(struct point *p, const struct value *v, uint32_t status, struct wall time)
{
	p->in.status = status;
	p->in.time = time;
	p->in.v = *v;
	if (v->type != VALUE_TEXT)
		return;
	if (v->len > p->cap) {	/* grows to the longest text of the tag, at most VALUE_BYTES_MAX */
		char *more = realloc(p->text, v->len);
		if (more == NULL)
			fatal("out_of_memory", "text=%u", v->len);
		p->text = more;
		p->cap = v->len;
	}
	if (v->len > 0)
		memcpy(p->text, v->p, v->len);
	p->in.v.p = v->len > 0 ? p->text : "";
}

static void
enqueue(struct setup *s, uint32_t i)
{
	struct prog *g = &s->progs[i];
	struct queue *q = &s->queue[g->rank];

	if (g->queued)
		return;
	g->queued = true;
	q->v[q->n++] = i;
	s->lowest = g->rank < s->lowest ? g->rank : s->lowest;
}

static void
tell_users(struct setup *s, const struct point *p)
{
	for (uint32_t k = 0; k < p->nuses; k++) {
		const struct use *u = &s->uses[p->use0 + k];
		s->progs[u->prog].fresh |= 1ull << u->bit;
		enqueue(s, u->prog);
	}
}

/* ---- results out ---- */

static void
flush(struct insight *in, struct feed *f, bool end)
{
	if (f->nout == 0)
		return;
	struct batch_head head = { .source_key = f->source->key, .seq = ++f->seq, .n = f->nout,
	    .blob_len = (uint32_t)f->blob.len,
	    .flags = end ? BATCH_SCAN_END : 0 };
	in->opts.emit(in->opts.arg, &head, f->out, buf_text(&f->blob));
	in->f.emitted += f->nout;
	f->nout = 0;
	buf_reset(&f->blob);
}

static void
flush_all(struct insight *in)
{
	for (uint32_t i = 0; i < in->s->plan->nsources; i++)
		if (in->s->feeds[i].nout > 0)
			flush(in, &in->s->feeds[i], true);
}

static void
send(struct insight *in, const struct prog *g, const struct expr_result *r, struct wall time, int64_t now_ns)
{
	struct feed *f = &in->s->feeds[g->tag->source];
	bool text = r->v.type == VALUE_TEXT;

	if (in->quiet)
		return;
	if (f->nout == BATCH_SAMPLES_MAX || (text && f->blob.len + r->v.len > BATCH_BYTES_MAX - 1))
		flush(in, f, false);
	struct sample *v = &f->out[f->nout++];
	*v = (struct sample){ .tag = g->tag->index, .status = r->status, .source = time, .arrival = { now_ns },
	    .v = r->v };
	if (text) {
		v->v.u = f->blob.len;
		buf_put(&f->blob, r->v.p, r->v.len);
	}
	/* A batch holds a tag once, or as often as its inputs came within it; its room is one of each. */
	if (f->nout == f->source->ntags)
		flush(in, f, true);
}

static struct wall
result_time(const struct prog *g, int64_t now_ns)
{
	struct wall t = { 0 };

	for (size_t i = 0; i < expr_inputs(g->p) && !expr_uses_time(g->p); i++)
		if (g->in[i]->time.ns > t.ns)
			t = g->in[i]->time;
	return t.ns != 0 ? t : (struct wall){ now_ns };
}

/* publish: it is a sample of the tag; else only what it remembers is to see the news. */
static void
evaluate(struct insight *in, struct prog *g, int64_t now_ns, bool publish)
{
	struct expr_result r;

	expr_eval(g->p, g->state, g->in, g->fresh, (struct wall){ now_ns }, &r);
	g->fresh = 0;
	g->eval_ns = now_ns;
	in->f.evaluated++;
	in->state_dirty = true;
	if (!publish)
		return;
	struct wall time = result_time(g, now_ns);
	if (g->event != NONE) {
		event_triggered(in, g, &r, time.ns);
		return;
	}
	g->last = r;
	g->last_ns = time.ns;
	if (r.v.type == VALUE_TEXT)	/* its bytes are not ours to keep */
		g->last.v = (struct value){ 0 };
	send(in, g, &r, time, now_ns);
	if (g->point != NONE) {
		store(&in->s->points[g->point], &r.v, r.status, time);
		tell_users(in->s, &in->s->points[g->point]);
	}
}

static void
run_queue(struct insight *in, int64_t now_ns)
{
	struct setup *s = in->s;

	for (uint32_t rank = s->lowest; rank < RANKS_MAX; rank++) {
		struct queue *q = &s->queue[rank];
		for (uint32_t i = 0; i < q->n; i++) {	/* users have higher ranks: this one does not grow meanwhile */
			struct prog *g = &s->progs[q->v[i]];
			g->queued = false;
			if (g->event != NONE && event_passes(in, g))
				g->fresh = 0;
			else if (g->tag->with_inputs || expr_has_state(g->p))
				evaluate(in, g, now_ns, g->tag->with_inputs);
		}
		q->n = 0;
	}
	s->lowest = RANKS_MAX;
	in->group_ns = 0;
	if (s->nevents > 0)
		events_due(in, now_ns);
}

/* ---- rings ---- */

static void
gap(struct insight *in, const char *writer)
{
	const char *zone = strchr(writer, ':');
	struct setup *s = in->s;

	in->f.gaps++;
	for (uint32_t i = 0; i < s->nprogs; i++) {
		const char *own = strchr(s->feeds[s->progs[i].tag->source].source->name, ':');
		if (zone == NULL || strcmp(own, zone) == 0)
			expr_gap(s->progs[i].p, s->progs[i].state);
	}
}

static void
take_sample(struct insight *in, const struct feed *f, const struct sample *v)
{
	struct setup *s = in->s;
	uint32_t at = v->tag < f->source->ntags ? f->points[v->tag] : NONE;

	if (at == NONE)
		return;
	struct point *p = &s->points[at];
	/* Another time, or the same tag again: what is marked is evaluated before it is overwritten. */
	bool again = p->nuses > 0 && s->progs[s->uses[p->use0].prog].queued &&
	    (s->progs[s->uses[p->use0].prog].fresh >> s->uses[p->use0].bit & 1) != 0;
	if (in->group_ns != 0 && (v->arrival.ns != in->group_ns || again))
		run_queue(in, in->group_ns);
	in->group_ns = v->arrival.ns;
	store(p, &v->v, v->status, sample_time(v));
	tell_users(s, p);
}

static void
take_record(struct insight *in, struct held_ring *h, size_t len)
{
	struct batch b;
	int err = batch_parse(in->record, len, in->room, &b);
	struct feed *f = err == 0 ? map_get_u64(&in->s->feeds_by_key, b.head.source_key) : NULL;

	in->f.records++;
	if (f == NULL) {	/* of a plan before or after this one, or not to be believed */
		in->f.refused++;
		return;
	}
	if (f->epoch == h->epoch && f->seq != 0 && b.head.seq > f->seq + 1)
		gap(in, h->writer);
	f->epoch = h->epoch;
	f->seq = b.head.seq;
	in->f.samples += b.head.n;
	for (uint32_t i = 0; i < b.head.n; i++)
		take_sample(in, f, &b.samples[i]);
	if (in->group_ns != 0)
		run_queue(in, in->group_ns);
}

static void
drop_ring(struct insight *in, struct held_ring *h)
{
	struct held_ring **at = &in->rings;

	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	in->nrings--;
	keep_ended(in, h);
	ring_close(h->r);
	free(h->writer);
	free(h);
}

static bool
of_same_writer(const struct held_ring *from, const struct held_ring *to, const struct held_ring *h)
{
	for (; from != to; from = from->next)
		if (strcmp(from->writer, h->writer) == 0)
			return true;
	return false;
}

/* One record. True: there may be more. */
static bool
read_one(struct insight *in, struct held_ring *h)
{
	size_t len;
	uint64_t lost;

	if (!h->placed)
		keep_place(in, h);
	if (h->missed)
		gap(in, h->writer);
	h->missed = false;
	int err = ring_read(h->r, in->record, RECORD_MAX, &len, &lost);
	switch (err) {
	case 0:
		in->quiet = ring_pos(h->r) <= h->quiet_to;
		in->reading = h;
		take_record(in, h, len);
		in->reading = NULL;
		in->quiet = false;
		in->cursor_dirty = true;
		return true;
	case ERR_GAP:
		gap(in, h->writer);
		return true;
	case ERR_LIMIT:
		in->f.refused++;
		return true;
	case ERR_AGAIN:
		if (of_same_writer(h->next, NULL, h))	/* a newer one has taken its place */
			drop_ring(in, h);
		return false;
	default:
		log_error("ring_dead", "writer=\"%s\" error=\"%s\"", h->writer, err_text(err));
		in->opts.ring_dead(in->opts.arg, h->writer, h->epoch);
		drop_ring(in, h);
		return false;
	}
}

static bool
read_rings(struct insight *in)
{
	bool more = false;

	for (struct held_ring *h = in->rings, *next; h != NULL; h = next) {
		next = h->next;
		if (of_same_writer(in->rings, h, h))
			continue;
		uint32_t n = 0;
		while (n < RECORDS_A_TURN && !events_hold(in) && read_one(in, h))
			n++;
		more |= n == RECORDS_A_TURN || (in->ev.fresh >= EVENTS_FRESH_MAX && in->ev.retry_ns == 0);
	}
	return more;
}

/* ---- time ---- */

static int64_t
after(int64_t now_ns, int64_t period_ns)
{
	return (now_ns / period_ns + 1) * period_ns;
}

static void
run_dues(struct insight *in, int64_t now_ns)
{
	struct setup *s = in->s;

	for (uint32_t i = 0; i < s->ndues; i++) {
		struct due *d = &s->dues[i];
		if (d->next_ns == 0 || d->next_ns - now_ns >
		    d->period_ns)	/* the first time, or the clock went back */
			d->next_ns = after(now_ns, d->period_ns);
		if (now_ns < d->next_ns)
			continue;
		int64_t at = d->next_ns > now_ns - d->period_ns ? d->next_ns : now_ns / d->period_ns * d->period_ns;
		for (uint32_t k = 0; k < d->n; k++) {
			struct prog *g = &s->progs[d->progs[k]];
			evaluate(in, g, at, true);
		}
		run_queue(in, at);
		d->next_ns = after(now_ns, d->period_ns);
	}
	if (s->nticking == 0 || now_ns < in->tick_ns)
		return;
	for (uint32_t i = 0; i < s->nticking; i++) {
		struct prog *g = &s->progs[s->ticking[i]];
		if (now_ns - g->eval_ns >= TICK_NS)
			evaluate(in, g, now_ns, true);
	}
	run_queue(in, now_ns);
	in->tick_ns = after(now_ns, TICK_NS);
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

struct insight_turn
insight_turn(struct insight *in, struct wall now)
{
	struct insight_turn t = { 0 };
	int64_t next = 0;

	if (in->s == NULL || in->s->nprogs == 0)
		return t;
	if (in->ev.opened_ns == 0)
		in->ev.opened_ns = now.ns;
	t.more = read_rings(in);
	if (in->ev.npassing > 0)
		events_pass(in, now.ns);
	if (!t.more) {
		run_dues(in, now.ns);
		for (uint32_t i = 0; i < in->s->ndues; i++)
			next = sooner(next, in->s->dues[i].next_ns);
		if (in->s->nticking > 0)
			next = sooner(next, in->tick_ns);
		if (in->s->nevents > 0 || in->ev.streams != NULL)
			next = sooner(next, events_tick(in, now.ns));
	}
	flush_all(in);
	if (in->ev.dirty && events_commit(in, now.ns) != 0)
		next = sooner(next, now.ns + NS_PER_S);
	events_emit(in, now.ns);
	if (in->ev.nshakes > 0)		/* what waited for the journal may go on */
		events_shake(in, now.ns);
	keep_cursor(in);
	next = sooner(next, keep_turn(in, now.ns));
	t.next.ns = next;
	return t;
}
