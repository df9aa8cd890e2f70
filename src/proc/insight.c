/*
 * The insight process: insight/ on a loop. It reads the rings of the field processes and writes one of its own, which
 * gate reads; no socket, no address. With nothing to derive it has no ring and no timer, and reads no sample.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "insight/insight.h"
#include "os/clock.h"
#include "os/stream.h"
#include "proc/child.h"
#include "site/derive.h"

#define RING_SECONDS	2
#define RING_LEAST	(1u << 20)
#define RING_MOST	(64u << 20)
#define BYTES_A_SAMPLE	40.0	/* in a batch with its share of the head; texts come on top */
#define TEXT_BYTES	64.0

struct insight_proc {
	struct child		*self;
	struct insight		*insight;
	struct ring_writer	*ring;
	size_t			 ring_size;
	uv_timer_t		 timer;
	bool			 started;
	stat_t			*figures;
	char			 dir[512];
};

static void run(struct insight_proc *p);

static void
on_batch(void *arg, const struct batch_head *head, const struct sample *v, const void *blob)
{
	struct insight_proc *p = arg;
	void *to = p->ring != NULL ? ring_reserve(p->ring, batch_size(head->n, head->blob_len)) : NULL;

	if (to == NULL) {
		log_error("batch_too_large", "samples=%u bytes=%u ring=%zu", head->n, head->blob_len, p->ring_size);
		return;
	}
	ring_commit(p->ring, batch_pack(head, v, blob, to), head->n);
	child_signal(p->self);
}

static void
on_ring_dead(void *arg, const char *writer, uint64_t epoch)
{
	struct insight_proc *p = arg;
	child_ring_dead(p->self, writer, epoch);
}

/* Bytes that derived samples take in RING_SECONDS, and at least four of the largest batches. */
static size_t
wanted_ring(const struct plan *plan)
{
	double bytes = 0;
	size_t most = 0, size = RING_LEAST;

	for (uint32_t i = 0; i < plan->nsources; i++) {
		const struct source *s = &plan->sources[i];
		if (!source_is_derived(s))
			continue;
		bool texts = false;
		for (uint32_t k = 0; k < s->ntags; k++) {
			texts = texts || s->tags[k].type == VALUE_TEXT;
			bytes += (BYTES_A_SAMPLE + (s->tags[k].type == VALUE_TEXT ? TEXT_BYTES : 0)) *
			    (s->tags[k].scan_ns > 0 ? 1e9 / (double)s->tags[k].scan_ns : 1);
		}
		size_t n = s->ntags < BATCH_SAMPLES_MAX ? s->ntags : BATCH_SAMPLES_MAX;
		size_t one = 4 * batch_size(n, texts ? BATCH_BYTES_MAX : 0);
		most = one > most ? one : most;
	}
	while (size < RING_MOST && ((double)size < bytes * RING_SECONDS || size < most))
		size *= 2;
	return most > 0 ? size : 0;
}

static int
need_ring(struct insight_proc *p, const struct plan *plan)
{
	size_t size = wanted_ring(plan);
	struct ring_writer *ring;
	int fd;

	if (size == 0 || (p->ring != NULL && p->ring_size >= size))
		return 0;
	int err = ring_create(p->self->name, size, &ring, &fd);
	if (err != 0) {
		log_error("ring_failed", "bytes=%zu error=\"%s\"", size, err_text(err));
		return err;
	}
	ring_writer_free(p->ring);
	p->ring = ring;
	p->ring_size = size;
	child_ring_out(p->self, fd, ring_writer_epoch(ring));
	stream_close(fd);
	return 0;
}

static void
publish(const struct insight_proc *p)
{
	struct insight_figures f = insight_figures(p->insight);

	if (p->figures == NULL)
		return;
	stat_set(&p->figures[STATS_insight_tags], insight_tags(p->insight));
	stat_set(&p->figures[STATS_insight_samples], f.samples);
	stat_set(&p->figures[STATS_insight_evaluated], f.evaluated);
	stat_set(&p->figures[STATS_insight_derived], f.emitted);
	stat_set(&p->figures[STATS_insight_gaps], f.gaps);
	stat_set(&p->figures[STATS_insight_refused_records], f.refused);
	stat_set(&p->figures[STATS_insight_save_errors], f.save_errors);
}

static void
on_timer(uv_timer_t *h)
{
	run(h->data);
}

static void
run(struct insight_proc *p)
{
	if (!p->started)
		return;
	struct insight_turn t = insight_turn(p->insight, wall_now());
	publish(p);
	if (!t.more && t.next.ns == 0) {
		uv_timer_stop(&p->timer);
		return;
	}
	int64_t wait_ns = t.more ? 0 : t.next.ns - wall_now().ns;
	uv_update_time(p->self->loop);
	/* Not longer than a second: the clock that says when may be set. */
	uv_timer_start(&p->timer, on_timer, wait_ns <= 0 ? 0 : wait_ns > NS_PER_S ? 1000 :
	    (uint64_t)((wait_ns + NS_PER_MS - 1) / NS_PER_MS), 0);
}

static int
op_plan(void *arg, struct plan *plan)
{
	struct insight_proc *p = arg;
	int err = need_ring(p, plan);

	if (err != 0) {
		plan_free(plan);
		return err;
	}
	if (!p->started) {
		uv_timer_init(p->self->loop, &p->timer);
		p->timer.data = p;
		p->started = true;
	}
	err = insight_plan(p->insight, plan, wall_now());
	p->figures = insight_tags(p->insight) > 0 ? stats_object(p->self->stats, STATS_insight, "insight") : NULL;
	if (err == 0)
		run(p);
	return err;
}

static void
op_ring_in(void *arg, const char *writer, struct ring_reader *r)
{
	struct insight_proc *p = arg;

	int err = insight_ring(p->insight, writer, r);
	if (err != 0)
		log_error("ring_refused", "writer=\"%s\" error=\"%s\" limit=%u", writer, err_text(err),
		    INSIGHT_RINGS_MAX);
	run(p);
}

static void
op_wake(void *arg)
{
	run(arg);
}

static bool
to_client(void *arg, const char *text, size_t len)
{
	return client_reply(arg, text, len);
}

static void
op_client(void *arg, struct client *c, const char *verb, int argc, const char *const *argv)
{
	static const char no[]
	    = "{\"error\":\"it is derived, so nothing is read for it; penstock why shows what it is made of\"}\n";
	static const char none[] = "{\"error\":\"no derived tag has this path\"}\n";
	struct insight_proc *p = arg;

	for (int i = 0; i < argc && strcmp(verb, "why") == 0; i++)
		if (insight_why(p->insight, argv[i], to_client, c) == 0)
			client_reply(c, none, sizeof none - 1);
	if (strcmp(verb, "why") != 0)
		client_reply(c, no, sizeof no - 1);
	client_end(c);
}

/* Take all that the rings hold; the counts are made durable. */
static void
finish(struct insight_proc *p)
{
	if (!p->started)
		return;
	while (insight_turn(p->insight, wall_now()).more)	/* ends: the writers have stopped */
		;
	insight_save(p->insight, wall_now());
	publish(p);
}

static void
op_drain(void *arg)
{
	struct insight_proc *p = arg;

	finish(p);
	child_drained(p->self);
}

static void
op_stop(void *arg, struct mono deadline)
{
	struct insight_proc *p = arg;
	(void)deadline;

	finish(p);
	child_stopped(p->self);
}

int
insight_main(const char *name, const char *state_dir)
{
	static const struct child_ops ops = { .plan = op_plan, .ring_in = op_ring_in, .wake = op_wake,
	    .client = op_client,
	    .drain = op_drain,
	    .stop = op_stop };
	static struct insight_proc p;

	log_open(name, LOG_LEVEL_INFO);
	snprintf(p.dir, sizeof p.dir, "%s/insight", state_dir);
	struct insight_opts opts = { .dir = p.dir, .disk = &disk_os, .emit = on_batch, .ring_dead = on_ring_dead,
	    .arg = &p };
	p.insight = insight_new(&opts);
	if (p.insight == NULL)
		fatal("out_of_memory", "process=%s", name);
	int status = child_main(ROLE_INSIGHT, name, state_dir, &ops, &p, &p.self);
	insight_free(p.insight);
	ring_writer_free(p.ring);
	return status;
}
