/*
 * Births and deaths. Births tell the present value of every metric, as far as it is known: what was last sent, or what the spool has
 * admitted since. A metric that never had a value is null and stale.
 *
 * A device whose every known metric says that there is no way to it is dead: DDEATH. While it is, values that say only that are not sent:
 * DDEATH has made them all stale. The first value that says otherwise, and stored data, bring a DBIRTH first. Stored data of a device
 * that is away keeps it born until a second has passed without more of it.
 */
#include "os/clock.h"
#include "sink/sparkplug/sp_int.h"

#define HISTORY_NS	NS_PER_S
#define ANSWER_NS	NS_PER_S	/* to an NDEATH: then the connection ends without it */

/* ---- the model ---- */

bool
sp_rebuild(struct sp_sink *k)
{
	struct sp_node node;

	sp_node_build(&node, &k->cfg, buf_text(&k->group), buf_text(&k->id), k->streams, k->node.devices != NULL ? &k->node : NULL);
	bool same = k->node.devices != NULL && sp_node_same(&node, &k->node);
	for (uint32_t d = 0; same && d < node.ndevices; d++) {
		node.devices[d].born = k->node.devices[d].born;
		node.devices[d].history = k->node.devices[d].history;
	}
	sp_node_fini(&k->node);
	k->node = node;
	k->stale = false;
	return !same;
}

/* ---- births ---- */

static void
add_own(struct sp_sink *k, const char *name, const struct value *v)
{
	sp_builder_metric(k->builder, &(struct sp_metric_out){ .name = name, .time = wall_now(), .datatype = true, .v = v, .type = v->type });
}

static void
add_metrics(struct sp_sink *k, const struct sp_device *d)
{
	static const struct value null = { .type = VALUE_NULL };

	for (uint32_t i = 0; i < d->n; i++) {
		const struct sp_metric *m = &k->node.metrics[d->metrics[i]];
		sp_builder_metric(k->builder, &(struct sp_metric_out){
			.name = m->name, .alias = m->alias, .time = m->known ? m->time : wall_now(), .datatype = true, .type = m->type,
			.status = m->known ? m->status : (uint32_t)STATUS_BadWaitingForInitialData, .v = m->known ? &m->v : &null,
			.unit = m->unit, .has_range = m->has_range, .lo = m->lo, .hi = m->hi,
		});
	}
}

static int
birth_node(struct sp_sink *k)
{
	const struct value bdseq = { .type = VALUE_I64, .i = k->bdseq_now }, rebirth = { .type = VALUE_BOOL, .b = false };
	struct sp_msg *m = sp_msg_begin(k, SP_MSG_BIRTH);

	sp_topic(&k->node, "NBIRTH", NULL, &m->topic);
	add_own(k, "bdSeq", &bdseq);
	add_own(k, "Node Control/Rebirth", &rebirth);
	add_metrics(k, &k->node.devices[0]);
	return sp_msg_send(k, m);
}

int
sp_birth_device(struct sp_sink *k, uint32_t device)
{
	struct sp_device *d = &k->node.devices[device];
	struct sp_msg *m = sp_msg_begin(k, SP_MSG_BIRTH);

	sp_topic(&k->node, "DBIRTH", d->id, &m->topic);
	add_metrics(k, d);
	int err = sp_msg_send(k, m);
	d->born = d->born || err == 0;
	return err;
}

static void
say_born(struct sp_sink *k)
{
	char text[MQTT_HOST_MAX + 160];

	snprintf(text, sizeof text, "connected to %s port %u%s; %u device%s with %u metrics", k->cfg.servers[k->server].host,
	    k->cfg.servers[k->server].port, k->cfg.link.tls ? ", encrypted" : "", k->node.ndevices - 1, k->node.ndevices == 2 ? "" : "s", k->node.nmetrics);
	k->host->state(k->host, true, text);
}

static void
birth_failed(struct sp_sink *k, int err)
{
	if (err == ERR_CONN)
		return;		/* the connection has gone, down() is on its way */
	log_error("sparkplug_birth_failed", "sink=%s error=\"%s\"", k->name, err_text(err));
	sp_end_session(k, false);
}

void
sp_birth_all(struct sp_sink *k)
{
	bool first = k->phase != SP_BORN;

	if (k->stale || k->node.devices == NULL)
		sp_rebuild(k);
	for (struct sp_stream *s = k->streams; s != NULL; s = s->next)
		if (first || !s->read)
			sp_data_newest(k, s);
	k->seq = 0;
	k->rebirth_due = false;
	k->born_at = mono_now();
	int err = birth_node(k);
	for (uint32_t d = 1; err == 0 && d < k->node.ndevices; d++)
		err = sp_birth_device(k, d);
	if (err != 0) {
		birth_failed(k, err);
		return;
	}
	k->births = k->serial;
	k->phase = SP_BORN;
	log_info("sparkplug_born", "sink=%s node=\"%s/%s\" bdseq=%d devices=%u metrics=%u", k->name, k->node.group, k->node.id, k->bdseq_now,
	    k->node.ndevices - 1, k->node.nmetrics);
	say_born(k);
	k->node.devices[0].born = true;
	sp_settle_devices(k);
	k->want_ready = true;
	sp_settle(k);
}

/* At most one a pause: whoever asks meanwhile is served by the next one. */
void
sp_rebirth(struct sp_sink *k)
{
	k->rebirth_due = true;
	if (k->phase == SP_BORN && mono_diff(mono_now(), k->born_at) >= k->cfg.rebirth_pause_ns)
		sp_birth_all(k);
}

/* ---- deaths ---- */

static void
death_of_device(struct sp_sink *k, struct sp_device *d)
{
	struct sp_msg *m = sp_msg_begin(k, SP_MSG_DATA);

	sp_topic(&k->node, "DDEATH", d->id, &m->topic);
	if (sp_msg_send(k, m) != 0)
		return;
	d->born = false;
	log_info("sparkplug_device_away", "sink=%s device=\"%s\"", k->name, d->id);
}

void
sp_settle_device(struct sp_sink *k, uint32_t device)
{
	struct sp_device *d = &k->node.devices[device];

	if (device > 0 && k->phase == SP_BORN && d->born && sp_device_away(d) &&
	    (d->history.ns == 0 || mono_diff(mono_now(), d->history) >= HISTORY_NS))
		death_of_device(k, d);
}

void
sp_settle_devices(struct sp_sink *k)
{
	for (uint32_t i = 1; i < k->node.ndevices; i++)
		sp_settle_device(k, i);
}

static void
build_death(struct sp_sink *k)
{
	const struct value bdseq = { .type = VALUE_I64, .i = k->bdseq_now };
	add_own(k, "bdSeq", &bdseq);
}

void
sp_death_payload(struct sp_sink *k, struct buf *out)
{
	sp_builder_begin(k->builder, wall_now(), -1);
	build_death(k);
	sp_builder_encode(k->builder, out);
}

void
sp_death(struct sp_sink *k)
{
	struct sp_msg *m = sp_msg_begin(k, SP_MSG_DEATH);

	buf_printf(&m->topic, "spBv1.0/%s/NDEATH/%s", buf_text(&k->group), buf_text(&k->id));
	build_death(k);
	/* An error means that the connection has gone: then the will speaks. */
	int err = sp_msg_send(k, m);
	k->phase = SP_LEAVING;
	k->leave_at = mono_add(mono_now(), err == 0 ? ANSWER_NS : 0);
	log_info("sparkplug_death", "sink=%s bdseq=%d sent=%s", k->name, k->bdseq_now, err == 0 ? "yes" : "by the broker");
}
