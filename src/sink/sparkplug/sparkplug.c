/*
 * The sparkplug sink: one instance is one edge node of Sparkplug B 3.0. Its parts are named in sp_int.h; here are its record, the life of
 * its connection, and its end.
 */
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "sink/sparkplug/sp_int.h"

#define TICK_MS		250u
#define SOON_MS		50u	/* streams come and go in groups: births wait until they have settled */
#define WINDOW		1024u
#define LEAVE_NS	(500 * NS_PER_MS)	/* of the time to stop: kept for the goodbye */

static void leave(struct sp_sink *k);

/* ---- what the link says ---- */

static void
on_ask(void *arg)
{
	struct sp_sink *k = arg;
	struct buf topic = { 0 };

	if (k->walk)
		k->server = (k->server + 1) % k->cfg.nservers;
	k->walk = false;
	k->primary = (struct sp_host){ 0 };
	k->bdseq_now = sp_bdseq_next(&k->bdseq);
	buf_printf(&topic, "spBv1.0/%s/NDEATH/%s", buf_text(&k->group), buf_text(&k->id));
	sp_death_payload(k, &k->scratch);
	const struct mqtt_will will = { buf_text(&topic), buf_text(&k->scratch), (uint32_t)k->scratch.len, 1, false };
	mqtt_link_go(k->link, k->server, &will);
	buf_fini(&topic);
}

static void
on_up(void *arg, const struct mqtt_up *up)
{
	struct sp_sink *k = arg;

	k->max_packet = up->max_packet;
	k->receive_max = up->receive_max;
	k->serial = k->confirmed = k->births = 0;
	k->confirm_out = false;
	if (k->was_up)
		stat_add((stat_t *)&k->host->stats[STATS_sink_reconnects], 1);
	k->was_up = true;
	log_info("mqtt_up", "sink=%s broker=%s:%u version=%s tls=%s", k->name, k->cfg.servers[k->server].host, k->cfg.servers[k->server].port,
	    k->cfg.link.v5 ? "5" : "3.1.1", k->cfg.link.tls ? "yes" : "no");
	if (!k->stopping)
		sp_host_look(k);
}

static void
on_down(void *arg, const struct mqtt_down *d)
{
	struct sp_sink *k = arg;
	char text[400], pause[DURATION_TEXT];

	k->phase = SP_DOWN;
	bool blame = d->fall == MQTT_FALL_PEER || d->fall == MQTT_FALL_OBJECTION;
	sp_jobs_lost(k, d->was_up && blame);
	snprintf(k->last_fall, sizeof k->last_fall, "%.190s", d->why);
	for (uint32_t i = 0; i < k->node.ndevices; i++) {
		k->node.devices[i].born = false;
		k->node.devices[i].history.ns = 0;
	}
	k->walk = k->walk || (!d->was_up && k->cfg.nservers > 1);
	snprintf(text, sizeof text, "%.300s; next try in %s", d->why, duration_format(d->pause_ns, pause));
	if (d->fall == MQTT_FALL_TAKEN_OVER)
		log_error("mqtt_client_id_taken", "sink=%s broker=%s:%u remedy=\"another client uses our client id: give one of them another one\"", k->name,
		    k->cfg.servers[d->server].host, k->cfg.servers[d->server].port);
	else
		log_warn("mqtt_down", "sink=%s why=\"%s\" retry=\"%s\"", k->name, d->why, pause);
	k->host->state(k->host, false, text);
	if (d->was_up)
		k->host->lost(k->host, d->why);
	if (k->stopping)
		leave(k);
}

static const struct mqtt_link_ops link_ops = {
	.ask = on_ask, .up = on_up, .down = on_down, .returned = sp_on_returned, .received = sp_on_received,
};

/* ---- time ---- */

static void
on_tick(uv_timer_t *t)
{
	struct sp_sink *k = t->data;
	struct mono now = mono_now();

	if (k->phase == SP_BORN && k->rebirth_due)
		sp_rebirth(k);
	if (k->phase == SP_BORN)
		sp_settle_devices(k);
	if (k->phase == SP_LEAVING && !mono_before(now, k->leave_at))
		sp_depart(k);
	if (k->phase == SP_WAITING && k->cfg.nservers > 1 && mono_diff(now, k->waiting_since) >= k->cfg.host_wait_ns)
		sp_end_session(k, true);
}

static void
catch_up(struct sp_sink *k)
{
	if (!k->stale)
		return;
	bool births = sp_rebuild(k);
	if (k->phase != SP_BORN || k->leaving)
		return;
	if (births)
		sp_birth_all(k);
	else
		sp_settle(k);
}

/* The streams have changed, and have been left alone for a moment. */
static void
on_soon(uv_timer_t *t)
{
	catch_up(t->data);
}

/* ---- streams ---- */

static void
streams_changed(struct sp_sink *k)
{
	k->stale = true;
	if (!k->leaving)
		uv_timer_start(&k->soon, on_soon, SOON_MS, 0);
}

static int
sp_stream_add(void *inst, struct sink_stream *s)
{
	struct sp_sink *k = inst;
	struct sp_stream *st = calloc(1, sizeof *st);

	if (st == NULL)
		return ERR_NOMEM;
	st->s = s;
	st->next = k->streams;
	k->streams = st;
	s->user = st;
	streams_changed(k);
	return 0;
}

static void
sp_stream_remove(void *inst, struct sink_stream *s)
{
	struct sp_sink *k = inst;
	struct sp_stream **at = &k->streams;

	sp_jobs_forget(k, s);
	while (*at != s->user)
		at = &(*at)->next;
	struct sp_stream *st = *at;
	*at = st->next;
	free(st);
	s->user = NULL;
	streams_changed(k);
}

static int
sp_offer(void *inst, struct sink_stream *s, const struct spool_batch *b, bool live)
{
	struct sp_sink *k = inst;
	(void)live;	/* what is history is told by the numbers, sp_data.c */

	if (k->phase != SP_BORN || k->stopping)
		return ERR_CONN;
	if (k->stale || sp_full(k)) {
		k->want_ready = true;
		return ERR_FULL;
	}
	return sp_data_send(k, s->user, b);
}

static int
sp_preview(void *inst, struct sink_stream *s, const struct spool_batch *b, struct buf *out)
{
	struct sp_sink *k = inst;

	catch_up(k);
	return sp_data_preview(k, s->user, b, out);
}

/* ---- life ---- */

static void
make_names(struct sp_sink *k, const char *site)
{
	if (site == NULL || site[0] == '\0')
		site = "site";
	sp_id_put(&k->group, k->cfg.group != NULL ? k->cfg.group : site, strlen(k->cfg.group != NULL ? k->cfg.group : site), false);
	sp_id_put(&k->id, k->cfg.node != NULL ? k->cfg.node : k->name, strlen(k->cfg.node != NULL ? k->cfg.node : k->name), false);
	const char *group = buf_text(&k->group), *id = buf_text(&k->id);
	buf_printf(&k->ncmd_topic, "spBv1.0/%s/NCMD/%s", group, id);
	buf_printf(&k->dcmd_prefix, "spBv1.0/%s/DCMD/%s/", group, id);
	if (k->cfg.primary_host != NULL)
		buf_printf(&k->state_topic, "spBv1.0/STATE/%s", k->cfg.primary_host);
	if (k->cfg.confirm_topic != NULL)
		buf_puts(&k->confirm_topic, k->cfg.confirm_topic);
	else
		buf_printf(&k->confirm_topic, "penstock/confirm/%s/%s", group, id);
}

static int
open_link(struct sp_sink *k, const struct sink *cfg, const struct plan *plan, char *why, size_t size)
{
	char client_id[MQTT_CLIENT_ID_MAX];
	struct buf dcmd = { 0 };
	struct mqtt_server servers[MQTT_SERVERS_MAX];
	struct mqtt_link_opts o = mqtt_opts_link(&k->cfg.link, cfg->name, plan->site, client_id);

	buf_printf(&dcmd, "%s+", buf_text(&k->dcmd_prefix));
	const struct mqtt_filter filters[] = {
		{ buf_text(&k->ncmd_topic), 1 }, { buf_text(&dcmd), 1 }, { buf_text(&k->state_topic), 1 },
	};
	for (size_t i = 0; i < k->cfg.nservers; i++)
		servers[i] = (struct mqtt_server){ k->cfg.servers[i].host, k->cfg.servers[i].port };
	o.servers = servers;
	o.nservers = k->cfg.nservers;
	o.filters = filters;
	o.nfilters = k->cfg.primary_host != NULL ? 3 : 2;
	o.window = WINDOW;
	o.ask = true;
	int err = mqtt_link_open(k->host->loop, &o, &link_ops, k, &k->link, why, size);
	buf_fini(&dcmd);
	return err;
}

static int
sp_open(void *inst, const struct sink *cfg, const struct plan *plan, struct sink_host *h, char *why, size_t size)
{
	struct sp_sink *k = inst;
	size_t key;

	k->name = cfg->name;
	k->host = h;
	int err = sp_cfg_read(cfg, &k->cfg, why, size, &key);
	if (err != 0)
		return err;
	make_names(k, plan->site);
	snprintf(k->bdseq_path, sizeof k->bdseq_path, "%s/bdseq", h->state_dir);
	k->bdseq = (struct sp_bdseq){ .disk = &disk_os, .path = k->bdseq_path };
	k->complaints = (struct log_limit){ .burst = 5, .period_ms = 60000 };
	k->builder = sp_builder_new();
	k->jobs = calloc(SP_JOBS_MAX, sizeof *k->jobs);
	k->refs = calloc(SPOOL_BATCH_MAX, sizeof *k->refs);
	k->refs_spare = calloc(SPOOL_BATCH_MAX, sizeof *k->refs_spare);
	if (k->jobs == NULL || k->refs == NULL || k->refs_spare == NULL)
		return ERR_NOMEM;
	err = open_link(k, cfg, plan, why, size);
	if (err != 0)
		return err;
	uv_timer_init(h->loop, &k->tick);
	uv_timer_init(h->loop, &k->soon);
	uv_timer_init(h->loop, &k->stop_timer);
	k->tick.data = k->soon.data = k->stop_timer.data = k;
	uv_timer_start(&k->tick, on_tick, TICK_MS, TICK_MS);
	h->state(h, false, "connecting");
	return 0;
}

static void
part_closed(struct sp_sink *k)
{
	if (--k->open_parts == 0)
		k->stopped(k->stopped_arg);
}

static void on_link_closed(void *arg) { part_closed(arg); }
static void on_timer_closed(uv_handle_t *t) { part_closed(t->data); }

static void
close_link(struct sp_sink *k)
{
	if (k->open_parts > 0)
		return;
	k->open_parts = 4;
	uv_close((uv_handle_t *)&k->tick, on_timer_closed);
	uv_close((uv_handle_t *)&k->soon, on_timer_closed);
	uv_close((uv_handle_t *)&k->stop_timer, on_timer_closed);
	mqtt_link_close(k->link, k->cfg.link.v5 ? 0x04 : 0, k->deadline, on_link_closed, k);
}

void
sp_depart(struct sp_sink *k)
{
	if (k->phase != SP_LEAVING || k->leave_at.ns == INT64_MAX)
		return;
	k->leave_at = MONO_NEVER;
	if (k->stopping)
		close_link(k);
	else
		sp_drop(k);
}

/* Everything is answered, or time is up, or the connection has gone: NDEATH where there is anybody to hear it, and goodbye. */
static void
leave(struct sp_sink *k)
{
	if (!k->leaving && (k->phase == SP_BORN || k->phase == SP_WAITING))
		sp_death(k);
	k->leaving = true;
	if (k->phase != SP_LEAVING || k->leave_at.ns == INT64_MAX)
		close_link(k);
}

static void
on_stop_timer(uv_timer_t *t)
{
	struct sp_sink *k = t->data;

	if (k->njobs > 0 && mono_before(mono_add(mono_now(), 2 * LEAVE_NS), k->deadline))
		return;
	leave(k);
	if (k->leaving && !mono_before(mono_add(mono_now(), LEAVE_NS), k->deadline))
		close_link(k);
}

static void
sp_stop(void *inst, struct mono deadline, void (*stopped)(void *arg), void *arg)
{
	struct sp_sink *k = inst;

	k->stopping = true;
	k->stopped = stopped;
	k->stopped_arg = arg;
	k->deadline = deadline;
	if (k->phase != SP_BORN || k->njobs == 0)
		leave(k);
	if (k->open_parts == 0)
		uv_timer_start(&k->stop_timer, on_stop_timer, 10, 10);
}

static void
sp_close(void *inst)
{
	struct sp_sink *k = inst;
	struct buf *texts[] = { &k->group, &k->id, &k->confirm_topic, &k->state_topic, &k->ncmd_topic, &k->dcmd_prefix, &k->scratch };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		buf_fini(texts[i]);
	sp_send_free(k);
	sp_builder_free(k->builder);
	sp_node_fini(&k->node);
	free(k->refs);
	free(k->refs_spare);
}

const struct sink_type sparkplug_sink = {
	.info = {
		.name = "sparkplug",
		.help = "A Sparkplug B 3.0 edge node with devices, over MQTT 3.1.1 or 5.",
		.keys = sparkplug_keys,
		.default_port = 1883,
		.tls_port = 8883,
		.check = sp_check,
	},
	.size = sizeof(struct sp_sink),
	.open = sp_open,
	.stream_add = sp_stream_add,
	.stream_remove = sp_stream_remove,
	.offer = sp_offer,
	.preview = sp_preview,
	.stop = sp_stop,
	.close = sp_close,
};
