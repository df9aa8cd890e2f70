/*
 * The mqtt sink: batches become JSON messages (payload.c), which a link (mqtt_link.h) takes to the broker at QoS 1. A batch is done
 * when every one of its messages is acknowledged. QoS 0 is not on offer: nobody could say that such a message arrived.
 *
 * Messages go out in the order in which their batches were offered, at most `window` at a time. A broker that says what is wrong with
 * a message (MQTT 5) has its batch refused at once; one that just closes the connection leads to suspect.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "ring/stats.h"
#include "sink/mqtt/job.h"
#include "sink/suspect.h"
#include "sink/mqtt/template.h"
#include "sink/sink.h"

#define JOBS_BYTES_MAX	(4u << 20)	/* encoded and not acknowledged; one batch is always taken */
#define BUSY_MIN_MS	1000u		/* the broker said "not now": wait, twice as long each time */
#define BUSY_MAX_MS	30000u
#define LEAVE_NS	(500 * NS_PER_MS)	/* of the time to stop: kept for the goodbye */

struct mqtt_sink {
	struct mqtt_cfg		 cfg;
	const char		*name;
	struct sink_host	*host;
	struct payload_template	*template;
	struct mqtt_link	*link;
	struct job_list		 jobs;
	size_t			 in_flight;	/* messages with the link */
	uint32_t		 max_packet;
	struct suspects		 suspects;
	bool			 up, was_up, want_ready, paused, stopping, leaving;
	unsigned		 busy_ms;
	char			 last_fall[256];
	uv_timer_t		 busy_timer, stop_timer;
	struct mono		 deadline;
	int			 open_parts;	/* link and timers, while stopping */
	void			(*stopped)(void *arg);
	void			*stopped_arg;
};

static void pump(struct mqtt_sink *k);
static void leave(struct mqtt_sink *k);

static void
bump(struct mqtt_sink *k, enum stats_sink_figure figure, uint64_t by)
{
	stat_add((stat_t *)&k->host->stats[figure], by);
}

static void
say_connected(struct mqtt_sink *k)
{
	char text[MQTT_HOST_MAX + 64];
	snprintf(text, sizeof text, "connected to %s port %u%s", k->cfg.link.host, k->cfg.link.port, k->cfg.link.tls ? ", encrypted" : "");
	k->host->state(k->host, true, text);
}

/* ---- what the link says ---- */

static void
on_busy_over(uv_timer_t *t)
{
	struct mqtt_sink *k = t->data;
	k->paused = false;
	pump(k);
}

/* The broker said "not now" to this message: nothing goes out for a while, then this one first. */
static void
put_off(struct mqtt_sink *k, struct mqtt_job *j, const struct mqtt_msg *m)
{
	char text[256];

	j->nbusy++;
	if (k->paused)
		return;
	k->busy_ms = k->busy_ms == 0 ? BUSY_MIN_MS : k->busy_ms * 2 < BUSY_MAX_MS ? k->busy_ms * 2 : BUSY_MAX_MS;
	k->paused = true;
	snprintf(text, sizeof text, "connected, but %s; next try in %u s", m->why, k->busy_ms / 1000);
	k->host->state(k->host, true, text);
	uv_timer_start(&k->busy_timer, on_busy_over, k->busy_ms, 0);
}

static void
on_acked(struct mqtt_sink *k)
{
	if (k->busy_ms == 0 || k->paused)
		return;
	k->busy_ms = 0;
	say_connected(k);
}

static void
on_refused(struct mqtt_job *j, const struct mqtt_msg *m)
{
	if (!j->refused)
		snprintf(j->why, sizeof j->why, "%s (topic %.100s)", m->why, m->topic);
	j->refused = true;
}

static void
job_end(struct mqtt_sink *k, struct mqtt_job *j)
{
	job_dequeue(&k->jobs, j);
	job_put_away(&k->jobs, j);
	if (j->s == NULL)
		return;
	if (j->refused)
		k->host->refused(k->host, j->s, j->first, j->last, j->why);
	else
		k->host->done(k->host, j->s, j->first, j->last);
}

static void
on_returned(void *arg, struct mqtt_msg *m)
{
	struct mqtt_sink *k = arg;
	struct mqtt_job *j = m->user;
	uint64_t number = j->first + (uint64_t)(m - j->msgs);	/* tells messages of a batch apart */

	k->in_flight--;
	j->out_now--;
	if (m->result == MQTT_ACKED || m->result == MQTT_REFUSED)
		suspects_answered(&k->suspects, j->s, number);
	switch (m->result) {
	case MQTT_LOST:		/* on_down() deals with all of them */
		suspects_lost(&k->suspects, j->s, number);
		return;
	case MQTT_BUSY:
		put_off(k, j, m);
		break;
	case MQTT_REFUSED:
		on_refused(j, m);
		break;
	case MQTT_ACKED:
		on_acked(k);
		break;
	}
	if (job_ended(j))
		job_end(k, j);
	pump(k);
}

static void
on_up(void *arg, const struct mqtt_up *up)
{
	struct mqtt_sink *k = arg;

	k->up = true;
	k->max_packet = up->max_packet;
	if (k->was_up)
		bump(k, STATS_sink_reconnects, 1);
	k->was_up = true;
	log_info("mqtt_up", "sink=%s broker=%s:%u version=%s tls=%s", k->name, k->cfg.link.host, k->cfg.link.port, k->cfg.link.v5 ? "5" : "3.1.1",
	    k->cfg.link.tls ? "yes" : "no");
	say_connected(k);
	k->want_ready = false;
	if (!k->stopping)
		k->host->ready(k->host);
}

/* All messages are back by now: every job is owed again. */
static void
drop_jobs(struct mqtt_sink *k)
{
	while (k->jobs.head != NULL) {
		struct mqtt_job *j = k->jobs.head;
		job_dequeue(&k->jobs, j);
		job_put_away(&k->jobs, j);
	}
	uv_timer_stop(&k->busy_timer);
	k->paused = false;
}

static void
on_down(void *arg, const struct mqtt_down *d)
{
	struct mqtt_sink *k = arg;
	char text[400], pause[DURATION_TEXT];
	bool blame = d->fall == MQTT_FALL_PEER || d->fall == MQTT_FALL_OBJECTION;

	k->up = false;
	drop_jobs(k);
	suspects_fell(&k->suspects, d->was_up && blame);
	snprintf(k->last_fall, sizeof k->last_fall, "%.255s", d->why);
	snprintf(text, sizeof text, "%.300s; next try in %s", d->why, duration_format(d->pause_ns, pause));
	if (d->fall == MQTT_FALL_TAKEN_OVER)
		log_error("mqtt_client_id_taken", "sink=%s broker=%s:%u remedy=\"another client uses our client id: give one of them another one\"",
		    k->name, k->cfg.link.host, k->cfg.link.port);
	else
		log_warn("mqtt_down", "sink=%s why=\"%s\" retry=\"%s\"", k->name, d->why, pause);
	k->host->state(k->host, false, text);
	if (d->was_up)
		k->host->lost(k->host, d->why);
	if (k->stopping)
		leave(k);
}

static const struct mqtt_link_ops link_ops = { .up = on_up, .down = on_down, .returned = on_returned };

/* ---- sending ---- */

static bool
window_full(const struct mqtt_sink *k)
{
	return k->in_flight >= (suspects_alone(&k->suspects) ? 1u : k->cfg.window);
}

static bool
has_room(const struct mqtt_sink *k)
{
	return k->jobs.head == NULL || (!window_full(k) && k->jobs.unsent == 0 && k->jobs.bytes < JOBS_BYTES_MAX);
}

static bool
send_one(struct mqtt_sink *k, struct mqtt_job *j)
{
	struct mqtt_msg *m = job_next(&k->jobs, j);

	if (m == NULL || mqtt_link_publish(k->link, m) != 0)
		return false;
	j->out_now++;
	k->in_flight++;
	bump(k, STATS_sink_messages, 1);
	bump(k, STATS_sink_bytes, m->len);
	return true;
}

static void
pump(struct mqtt_sink *k)
{
	if (!k->up || k->paused)
		return;
	for (struct mqtt_job *j = k->jobs.head; j != NULL; j = j->next) {
		while (!window_full(k) && send_one(k, j))
			;
		if (window_full(k))
			break;
	}
	if (k->stopping && k->jobs.head == NULL)
		leave(k);
	else if (k->want_ready && !k->stopping && has_room(k)) {
		k->want_ready = false;
		k->host->ready(k->host);
	}
}

/* Encode into the job. 0; ERR_RANGE: the batch can never be sent, j->why says why; or another error. */
static int
encode(struct mqtt_sink *k, struct mqtt_job *j, const struct spool_batch *b)
{
	int err = payload_encode(j->enc, b, &j->out);
	if (err == ERR_LIMIT || err == ERR_PROTO) {
		snprintf(j->why, sizeof j->why, err == ERR_PROTO ? "the batch names a tag that its schema does not have" :
		    "the batch makes more than %u MiB, or a topic of more than %u bytes", PAYLOAD_BYTES_MAX >> 20, MQTT_TOPIC_MAX);
		return ERR_RANGE;
	}
	if (err == 0)
		err = job_messages(j, &k->cfg);
	return err == 0 && job_too_large(j, k->max_packet, j->why, sizeof j->why) ? ERR_RANGE : err;
}

static int
mqtt_offer(void *inst, struct sink_stream *s, const struct spool_batch *b, bool live)
{
	struct mqtt_sink *k = inst;
	(void)live;

	if (!k->up || k->stopping)
		return ERR_CONN;
	if (k->paused || !has_room(k)) {
		k->want_ready = true;
		return ERR_FULL;
	}
	struct mqtt_job *j = job_take(&k->jobs, s, b);
	int err = encode(k, j, b);
	unsigned strikes = err == 0 ? suspects_take(&k->suspects, s, j->first, j->last) : 0;
	if (strikes > 0) {
		snprintf(j->why, sizeof j->why, "the broker closed the connection %u times in a row when it was sent this message alone; "
		    "the last time: %.200s", strikes, k->last_fall);
		err = ERR_RANGE;
	}
	if (err != 0) {
		job_put_away(&k->jobs, j);
		if (err != ERR_RANGE)
			return err;
		k->host->refused(k->host, s, j->first, j->last, j->why);
		return 0;
	}
	job_enqueue(&k->jobs, j);
	pump(k);
	return 0;
}

static int
mqtt_preview(void *inst, struct sink_stream *s, const struct spool_batch *b, struct buf *out)
{
	struct payload_out p = { 0 };
	(void)inst;
	int err = payload_encode(s->user, b, &p);

	for (size_t i = 0; err == 0 && i < p.n; i++) {
		buf_printf(out, "topic %s\nkey %s\n", p.msgs[i].topic, p.bytes.p + p.msgs[i].key);
		buf_put(out, p.bytes.p + p.msgs[i].at, p.msgs[i].len);
		buf_putc(out, '\n');
	}
	payload_out_fini(&p);
	return err != 0 ? err : out->err;
}

/* ---- life ---- */

static int
mqtt_stream_add(void *inst, struct sink_stream *s)
{
	struct mqtt_sink *k = inst;
	s->user = payload_stream_new(s, k->cfg.kind, k->cfg.topic, k->template);
	return 0;
}

static void
mqtt_stream_remove(void *inst, struct sink_stream *s)
{
	struct mqtt_sink *k = inst;

	for (struct mqtt_job *j = k->jobs.head; j != NULL; j = j->next)
		if (j->s == s)
			j->s = NULL;
	suspects_forget(&k->suspects, s);
	payload_stream_unref(s->user);
	s->user = NULL;
}

static int
mqtt_open(void *inst, const struct sink *cfg, const struct plan *plan, struct sink_host *h, char *why, size_t size)
{
	struct mqtt_sink *k = inst;
	char client_id[MQTT_CLIENT_ID_MAX];
	size_t key;

	k->name = cfg->name;
	k->host = h;
	k->jobs.tail = &k->jobs.head;
	int err = mqtt_cfg_read(cfg, &k->cfg, why, size, &key);
	if (err == 0 && k->cfg.template != NULL)
		err = template_parse(k->cfg.template, !k->cfg.link.v5, &k->template, why, size);
	if (err != 0)
		return err;
	const struct mqtt_server server = { k->cfg.link.host, k->cfg.link.port };
	struct mqtt_link_opts o = mqtt_opts_link(&k->cfg.link, cfg->name, plan->site, client_id);
	o.servers = &server;
	o.nservers = 1;
	o.window = k->cfg.window;
	err = mqtt_link_open(h->loop, &o, &link_ops, k, &k->link, why, size);
	if (err != 0)
		return err;
	uv_timer_init(h->loop, &k->busy_timer);
	uv_timer_init(h->loop, &k->stop_timer);
	k->busy_timer.data = k->stop_timer.data = k;
	h->state(h, false, "connecting");
	return 0;
}

static void
part_closed(struct mqtt_sink *k)
{
	if (--k->open_parts == 0)
		k->stopped(k->stopped_arg);
}

static void on_link_closed(void *arg) { part_closed(arg); }
static void on_timer_closed(uv_handle_t *t) { part_closed(t->data); }

/* Everything is answered, or time is up: say goodbye. */
static void
leave(struct mqtt_sink *k)
{
	if (k->leaving)
		return;
	k->leaving = true;
	k->up = false;
	k->open_parts = 3;
	uv_close((uv_handle_t *)&k->busy_timer, on_timer_closed);
	uv_close((uv_handle_t *)&k->stop_timer, on_timer_closed);
	mqtt_link_close(k->link, 0, k->deadline, on_link_closed, k);
}

static void
on_stop_timer(uv_timer_t *t)
{
	leave(t->data);
}

static void
mqtt_stop(void *inst, struct mono deadline, void (*stopped)(void *arg), void *arg)
{
	struct mqtt_sink *k = inst;
	int64_t left = mono_diff(deadline, mono_now()) - LEAVE_NS;

	k->stopping = true;
	k->stopped = stopped;
	k->stopped_arg = arg;
	k->deadline = deadline;
	if (!k->up || k->jobs.head == NULL || left <= 0)
		leave(k);
	else
		uv_timer_start(&k->stop_timer, on_stop_timer, (uint64_t)(left / NS_PER_MS), 0);
}

static void
mqtt_close(void *inst)
{
	struct mqtt_sink *k = inst;
	job_list_fini(&k->jobs);
	template_free(k->template);
}

const struct sink_type mqtt_sink = {
	.info = {
		.name = "mqtt",
		.help = "JSON messages to an MQTT broker (3.1.1 or 5) at QoS 1, for a unified namespace or for whole scans.",
		.keys = mqtt_keys,
		.default_port = 1883,
		.tls_port = 8883,
		.check = mqtt_check,
	},
	.size = sizeof(struct mqtt_sink),
	.open = mqtt_open,
	.stream_add = mqtt_stream_add,
	.stream_remove = mqtt_stream_remove,
	.offer = mqtt_offer,
	.preview = mqtt_preview,
	.stop = mqtt_stop,
	.close = mqtt_close,
};
