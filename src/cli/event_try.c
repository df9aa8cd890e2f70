/* See event_try.h. Samples of one moment and source are one record of a ring, as a scan is. */
#include "cli/event_try.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "site/derive.h"

#define RING_BYTES	(8u << 20)
#define RECORD_SAMPLES	1024u
#define RECORD_TEXTS	(512u << 10)

struct event_try {
	struct insight		*in;
	const struct plan	*plan;		/* insight's */
	event_try_fn		*each;
	void			*arg;
	const struct tag	**tags;
	struct eval_input	*inputs;
	size_t			 n;
	struct ring_writer	*ring;
	int			 fd;
	uint64_t		 seq;
	uint64_t		 origin, last;	/* to be called durable: nothing waits here */
};

static void
on_batch(void *arg, const struct batch_head *h, const struct sample *v, const void *blob)
{
	struct event_try *t = arg;

	for (uint32_t i = 0; i < t->plan->nsources && h->origin != 0; i++)
		if (t->plan->sources[i].key == h->source_key)
			t->each(t->arg, t->plan->sources[i].tags[v->tag].path, (const char *)blob + v->v.u, v->v.len,
			    v->status);
	if (h->origin != 0) {
		t->origin = h->origin;
		t->last = h->origin_no;
	}
}

struct event_try *
event_try_new(struct plan *plan, event_try_fn *each, void *arg)
{
	struct event_try *t = calloc(1, sizeof *t);
	struct insight_opts opts = { .emit = on_batch, .arg = t };
	struct ring_reader *r;

	if (t == NULL || (t->in = insight_new(&opts)) == NULL) {
		plan_free(plan);
		free(t);
		return NULL;
	}
	t->plan = plan;
	t->each = each;
	t->arg = arg;
	t->fd = -1;
	if (insight_plan(t->in, plan, (struct wall){ 0 }) != 0 ||
	    ring_create("try", RING_BYTES, &t->ring, &t->fd) != 0 || ring_open(t->fd, &r) != 0 ||
	    insight_ring(t->in, "field:try", r) != 0) {
		event_try_free(t);
		return NULL;
	}
	t->n = insight_inputs(t->in, NULL, 0);
	t->tags = calloc(t->n + 1, sizeof *t->tags);
	t->inputs = calloc(t->n + 1, sizeof *t->inputs);
	if (t->tags == NULL || t->inputs == NULL) {
		event_try_free(t);
		return NULL;
	}
	insight_inputs(t->in, t->tags, t->n);
	for (size_t i = 0; i < t->n; i++)
		t->inputs[i] = (struct eval_input){ t->tags[i]->path, t->tags[i]->type };
	return t;
}

void
event_try_free(struct event_try *t)
{
	if (t == NULL)
		return;
	insight_free(t->in);
	ring_writer_free(t->ring);
	if (t->fd >= 0)
		close(t->fd);
	free(t->tags);
	free(t->inputs);
	free(t);
}

void
event_try_inputs(struct event_try *t, struct eval_data *d)
{
	d->inputs = t->inputs;
	d->ninputs = t->n;
}

static void
turn(struct event_try *t, int64_t now_ns)
{
	while (insight_turn(t->in, (struct wall){ now_ns }).more)	/* ends: the ring is read to its end */
		;
	if (t->last == 0)
		return;
	insight_durable(t->in, t->origin, t->last, false, (struct wall){ now_ns });
	t->last = 0;
}

/* Samples [from, to) are of one moment; those of each source make a record. */
static int
put_moment(struct event_try *t, const struct eval_data *d, size_t from, size_t to)
{
	struct sample *v = calloc(RECORD_SAMPLES, sizeof *v);
	struct buf blob = { .max = RECORD_TEXTS + VALUE_BYTES_MAX };
	bool *done = calloc(to - from, sizeof *done);
	int err = v == NULL || done == NULL ? ERR_NOMEM : 0;

	for (size_t i = from; i < to && err == 0; i++) {
		if (done[i - from])
			continue;
		const struct source *s = &t->plan->sources[t->tags[d->v[i].input]->source];
		struct batch_head head = { .source_key = s->key, .seq = ++t->seq };
		buf_reset(&blob);
		for (size_t k = i; k < to && head.n < RECORD_SAMPLES && blob.len < RECORD_TEXTS; k++) {
			const struct eval_point *p = &d->v[k];
			const struct tag *tag = t->tags[p->input];
			if (done[k - from] || tag->source != t->tags[d->v[i].input]->source)
				continue;
			done[k - from] = true;
			v[head.n] =
			    (struct sample){ .tag = tag->index, .status = p->status, .arrival = { p->t }, .v = p->v };
			if (value_has_bytes(p->v.type)) {
				v[head.n].v.u = blob.len;
				buf_put(&blob, p->v.p, p->v.len);
			}
			head.n++;
		}
		head.blob_len = (uint32_t)blob.len;
		void *to_ring = ring_reserve(t->ring, batch_size(head.n, head.blob_len));
		err = to_ring == NULL ? ERR_LIMIT : 0;
		if (err == 0)
			ring_commit(t->ring, batch_pack(&head, v, buf_text(&blob), to_ring), head.n);
		turn(t, d->v[i].t);
	}
	buf_fini(&blob);
	free(v);
	free(done);
	return err;
}

int
event_try_run(struct event_try *t, const struct eval_data *d)
{
	int err = 0;

	for (size_t from = 0, to; from < d->n && err == 0; from = to) {
		for (to = from + 1; to < d->n && d->v[to].t == d->v[from].t; to++)
			;
		turn(t, d->v[from].t - 1);	/* what the clock alone makes until then */
		err = put_moment(t, d, from, to);
	}
	return err;
}
