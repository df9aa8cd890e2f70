/*
 * The insight process: insight/ on a loop. It reads the rings of the field processes and writes one of its own, which
 * gate reads; no socket, no address. With nothing to derive it has no ring and no timer, and reads no sample.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "insight/insight.h"
#include "os/clock.h"
#include "os/stream.h"
#include "proc/child.h"
#include "site/derive.h"

#define MESSAGES_A_TURN	64
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
	struct to_gate		*gate;		/* NULL: no channel */
};

struct to_gate { struct channel channel; uv_poll_t poll; };	/* freed when its handle is closed */

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

/* ---- gate ---- */

static void
gate_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
gate_drop(struct insight_proc *p)
{
	struct to_gate *g = p->gate;

	if (g == NULL)
		return;
	p->gate = NULL;
	uv_poll_stop(&g->poll);
	channel_close(&g->channel);
	g->poll.data = g;
	uv_close((uv_handle_t *)&g->poll, gate_closed);
}

static int
on_ask(void *arg, uint64_t token, const struct request *q)
{
	struct insight_proc *p = arg;
	uint8_t bytes[8 + REQUEST_BYTES_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);

	if (p->gate == NULL)
		return ERR_AGAIN;
	wr_le64(&w, token);
	int err = request_pack(&w, q);
	return err != 0 ? err : channel_send(&p->gate->channel, MSG_REQUEST, bytes, wr_len(&w), -1);
}

static int
take_message(struct insight_proc *p, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);
	struct arena a = { 0 };
	struct request_result res;

	uint64_t first = rd_le64(&r);
	if (m->type == MSG_DURABLE) {
		uint64_t no = rd_le64(&r);
		bool hole = rd_u8(&r) != 0;
		if (rd_end(&r) != 0)
			return ERR_PROTO;
		insight_durable(p->insight, first, no, hole, wall_now());
		return 0;
	}
	request_result_unpack(&r, &a, &res);
	int err = rd_end(&r);
	if (err == 0)
		insight_outcome(p->insight, first, &res, wall_now());
	arena_fini(&a);
	return err;
}

static void
on_gate(uv_poll_t *h, int status, int events)
{
	struct insight_proc *p = h->data;
	struct msg m;
	(void)status;
	(void)events;

	for (int i = 0; i < MESSAGES_A_TURN; i++) {
		int err = channel_recv(&p->gate->channel, &m);
		if (err == ERR_AGAIN)
			break;
		if (err == 0)
			err = take_message(p, &m);
		if (err != 0) {
			log_info("gate_gone", "error=\"%s\"", err_text(err));
			gate_drop(p);
			break;
		}
	}
	run(p);
}

static void
op_peer(void *arg, int fd)
{
	struct insight_proc *p = arg;
	struct to_gate *g = calloc(1, sizeof *g);

	gate_drop(p);
	if (g == NULL || uv_poll_init(p->self->loop, &g->poll, fd) != 0) {
		log_error("no_channel_to_gate", "fd=%d", fd);
		free(g);
		stream_close(fd);
		return;
	}
	channel_init(&g->channel, fd, ROLE_INSIGHT, ROLE_GATE);
	p->gate = g;
	g->poll.data = p;
	uv_poll_start(&g->poll, UV_READABLE, on_gate);
	insight_gate_new(p->insight);
	run(p);
}

/* ---- insight ---- */

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
			texts = texts || value_has_bytes(s->tags[k].type);
			bytes += (BYTES_A_SAMPLE + (value_has_bytes(s->tags[k].type) ? TEXT_BYTES : 0)) *
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
	stat_set(&p->figures[STATS_insight_events], f.events);
	stat_set(&p->figures[STATS_insight_event_faults], f.event_faults);
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
	int err = child_ring(p->self, wanted_ring(plan), &p->ring, &p->ring_size);

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
	p->figures = insight_tags(p->insight) > 0 || insight_declared(p->insight) > 0 ? stats_object(p->self->stats, STATS_insight, "insight") : NULL;
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
	static const char none[] = "{\"error\":\"no derived tag and no event has this path\"}\n";
	struct insight_proc *p = arg;

	bool why = strcmp(verb, "why") == 0, events = strcmp(verb, "event") == 0;
	for (int i = 0; i < argc && (why || events); i++)
		if ((why ? insight_why(p->insight, argv[i], to_client, c) : 0) + insight_events(p->insight, argv[i], to_client, c) == 0 && why)
			client_reply(c, none, sizeof none - 1);
	if (!why && !events)
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
	    .client = op_client, .peer = op_peer,
	    .drain = op_drain,
	    .stop = op_stop };
	static struct insight_proc p;

	log_open(name, LOG_LEVEL_INFO);
	snprintf(p.dir, sizeof p.dir, "%s/insight", state_dir);
	struct insight_opts opts = { .dir = p.dir, .disk = &disk_os, .emit = on_batch, .ask = on_ask, .ring_dead = on_ring_dead,
	    .arg = &p };
	p.insight = insight_new(&opts);
	if (p.insight == NULL)
		fatal("out_of_memory", "process=%s", name);
	int status = child_main(ROLE_INSIGHT, name, state_dir, &ops, &p, &p.self);
	insight_free(p.insight);
	ring_writer_free(p.ring);
	return status;
}
