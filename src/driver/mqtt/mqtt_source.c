/*
 * A source that is a broker: what is published to a topic is a sample of the tag whose address is that topic. It is how a node on the IT side takes
 * the events that another node has published (sink mqtt there), so that they can go on from here, for instance to SAP.
 *
 * At least once, whoever dies. The broker keeps a session for this node, and a message is acknowledged to it only when gate has said that its
 * samples are durable (numbered as of another node's stream, gate/origin.c): see opts.hold in mqtt/mqtt_link.h. A message that comes again is
 * known by its member "id" while this process lives; across its death repeats pass, and whoever acts on events knows them by the same id.
 *
 *	mqtt_take.c	a message and its samples	mqtt_at.c	keys and addresses	mqtt/	the connection
 *
 * A lost connection makes no tag bad: an event is no state. That the broker is away stands in `penstock status`.
 *
 * The connection wants a libuv loop; it has one here, whose descriptor stands beside a timer in the one that LINK_OWN allows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/mqtt/mqtt_source.h"
#include "driver/own.h"
#include "os/clock.h"
#include "os/memfd.h"
#include "os/stream.h"
#include "os/timer.h"
#include "os/watch.h"
#include "site/link.h"

#define GOODBYE_NS	(2 * NS_PER_S)
#define FULL_PAUSE_NS	(5 * NS_PER_S)

struct way {
	uv_loop_t		 loop;
	struct mqtt_link	*link;
	struct mqtts		*owner;		/* NULL: it has gone, and this waits for a thread that is held up */
};

static int
mqtts_link(const struct source *s, struct link_spec *out)
{
	struct mqtt_opts o;
	char why[200];

	*out = (struct link_spec){ .kind = LINK_OWN };
	int err = mqtt_source_opts(s->endpoint, s->keys, &o, why, sizeof why);
	if (err != 0)
		log_error("mqtt_source", "source=\"%s\" why=\"%s\"", s->name, why);
	return err;
}

static size_t
mqtts_size(const struct link_sources *s)
{
	(void)s;
	return sizeof(struct mqtts);
}

static int
open_way(struct mqtts *d)
{
	int err = watch_open(&d->watch);

	if (err == 0)
		err = timer_open(&d->timer_fd);
	if (err == 0)
		err = uv_loop_init(&d->way->loop) == 0 ? 0 : ERR_IO;
	if (err != 0)
		return err;
	err = watch_set(d->watch, d->timer_fd, true, false);
	return err != 0 ? err : watch_set(d->watch, uv_backend_fd(&d->way->loop), true, false);
}

static int
mqtts_open(void *ctx, const struct link_sources *s, struct driver_host *h)
{
	struct mqtts *d = ctx;
	char why[200];

	if (s->n != 1 || s->v[0]->ntags > MQTT_FILTERS_MAX)
		return ERR_LIMIT;
	d->h = h;
	d->s = s->v[0];
	d->watch = d->timer_fd = -1;
	d->tail = &d->head;
	d->quiet = (struct log_limit){ .burst = 5, .period_ms = 60000 };
	int err = mqtt_source_opts(d->s->endpoint, d->s->keys, &d->opts, why, sizeof why);
	if (err != 0)
		return err;
	d->origin = os_random();
	d->recent = calloc(RECENT, sizeof *d->recent);
	d->way = calloc(1, sizeof *d->way);
	err = d->recent == NULL || d->way == NULL ? ERR_NOMEM : open_way(d);
	if (err == 0) {
		d->way->owner = d;
		return 0;
	}
	stream_close(d->timer_fd);
	stream_close(d->watch);
	free(d->recent);
	free(d->way);
	return err;
}

static void
mqtts_close(void *ctx)
{
	struct mqtts *d = ctx;

	watch_set(d->watch, uv_backend_fd(&d->way->loop), false, false);
	stream_close(d->timer_fd);
	stream_close(d->watch);
	mqtts_forget(d);
	free(d->recent);
	d->way->owner = NULL;
	/* Not closed yet: its thread is held up in a name look-up and may still speak to this loop, so both stay until the process ends. */
	if (d->way->link == NULL && uv_loop_close(&d->way->loop) == 0)
		free(d->way);
}

static int
mqtts_wake(const void *ctx)
{
	return ((const struct mqtts *)ctx)->watch;
}

/* Let the loop do what is due, then set the timer for what will be. */
static void
turn(struct mqtts *d, struct mono now)
{
	uv_run(&d->way->loop, UV_RUN_NOWAIT);
	int ms = uv_backend_timeout(&d->way->loop);
	struct mono next = ms < 0 ? MONO_NEVER : mono_add(now, (ms + 1) * NS_PER_MS);
	if (d->npending > 0)
		next = mono_min(next, mono_add(d->moved, STUCK_NS));
	timer_arm(d->timer_fd, next);
}

static void
acknowledge(struct mqtts *d)
{
	unsigned n = mqtts_settle(d);
	if (n > 0)
		mqtt_link_done(d->way->link, n);
}

/* ---- what the connection says ---- */

static void
on_up(void *arg, const struct mqtt_up *up)
{
	struct way *w = arg;
	char text[MQTT_HOST_MAX + 40];
	(void)up;

	if (w->owner == NULL)
		return;
	snprintf(text, sizeof text, "broker %s:%u", w->owner->opts.host, w->owner->opts.port);
	w->owner->h->reach(w->owner->h, 0, true, text);
}

static void
on_down(void *arg, const struct mqtt_down *down)
{
	struct mqtts *d = ((struct way *)arg)->owner;

	if (d == NULL)
		return;
	d->up = false;
	d->session++;
	d->h->reach(d->h, 0, false, down->why);
}

static void
on_returned(void *arg, struct mqtt_msg *m)
{
	(void)arg;	/* nothing is published */
	(void)m;
}

static void
on_received(void *arg, const char *topic, const void *payload, size_t len, uint8_t qos, bool retain)
{
	struct mqtts *d = ((struct way *)arg)->owner;
	(void)qos;
	(void)retain;

	if (d == NULL)
		return;
	d->up = true;		/* the broker may send before it has granted what was subscribed anew */
	if (d->npending >= PENDING_MAX) {
		mqtt_link_drop(d->way->link, 0, FULL_PAUSE_NS);
		return;
	}
	mqtts_received(d, topic, payload, len, wall_now(), mono_now());
}

static void
on_closed(void *arg)
{
	struct way *w = arg;

	w->link = NULL;
	if (w->owner != NULL && w->owner->leaving)
		w->owner->h->left(w->owner->h);
}

static const struct mqtt_link_ops link_ops = { .up = on_up, .down = on_down, .returned = on_returned, .received = on_received };

/* ---- what the engine asks ---- */

static void
mqtts_up(void *ctx, struct mono now, struct wall wall)
{
	struct mqtts *d = ctx;
	char client_id[MQTT_CLIENT_ID_MAX], why[200];
	struct mqtt_filter filters[MQTT_FILTERS_MAX];
	struct mqtt_server server = { d->opts.host, d->opts.port };
	struct mqtt_link_opts o = mqtt_opts_link(&d->opts, d->s->name, driver_site(), client_id);
	(void)wall;

	for (uint32_t i = 0; i < d->s->ntags; i++)
		filters[i] = (struct mqtt_filter){ d->s->tags[i].at, 1 };
	o.servers = &server;
	o.nservers = 1;
	o.filters = filters;
	o.nfilters = d->s->ntags;
	o.hold = HOLD;
	o.session_expiry_s = (uint32_t)(d->s->keys[K_SESSION].i / NS_PER_S);
	if (mqtt_link_open(&d->way->loop, &o, &link_ops, d->way, &d->way->link, why, sizeof why) != 0)
		d->h->reach(d->h, 0, false, why);
	turn(d, now);
}

static void
mqtts_down(void *ctx, struct mono now, struct wall wall)
{
	struct mqtts *d = ctx;
	(void)wall;

	acknowledge(d);
	d->leaving = true;
	if (d->way->link == NULL) {
		d->h->left(d->h);
		return;
	}
	mqtt_link_close(d->way->link, 0, mono_add(now, GOODBYE_NS), on_closed, d->way);
	turn(d, now);
}

static void
mqtts_tick(void *ctx, struct mono now, struct wall wall)
{
	struct mqtts *d = ctx;
	(void)wall;

	if (d->npending > 0 && !mono_before(now, mono_add(d->moved, STUCK_NS))) {
		d->moved = now;
		mqtts_again(d, "nothing was made durable here for two minutes: is the disk full?");
	}
	turn(d, now);
	if (d->way->link != NULL && !d->leaving)
		acknowledge(d);		/* what nobody wanted */
}

static void
mqtts_durable(void *ctx, uint64_t origin, uint64_t no, bool hole)
{
	struct mqtts *d = ctx;

	if (origin != d->origin)
		return;
	d->moved = mono_now();
	mqtts_confirmed(d, no);
	if (hole)
		mqtts_again(d, "gate misses messages of this source");
	if (d->way->link != NULL && !d->leaving)
		acknowledge(d);
	turn(d, d->moved);
}

static void
mqtts_why(const void *ctx, uint32_t src, uint32_t tag, struct json *out)
{
	const struct mqtts *d = ctx;
	(void)src;

	json_key_text(out, "topic", d->s->tags[tag].at);
	if (d->trouble[0] != '\0')
		json_key_text(out, "reason", d->trouble);
	json_key_u64(out, "received", d->received);
	json_key_u64(out, "repeats", d->repeats);
	json_key_u64(out, "not_durable_yet", d->npending);
}

static struct driver_counts
mqtts_counts(const void *ctx, uint32_t src)
{
	const struct mqtts *d = ctx;
	(void)src;
	return (struct driver_counts){ .replies = d->received, .garbage = d->refused, .late_dropped = d->repeats };
}

const struct driver mqtt_driver = {
	.info = { .name = "mqtt", .help = "A broker of MQTT: JSON objects published to topics, such as events of another node (its sink mqtt).",
	    .keys = mqtt_source_keys, .at_forms = mqtt_at_forms, .default_port = 1883, .endpoint_scheme = "mqtt", .no_controller = true,
	    .parse_at = mqtt_parse_at, .load = own_no_load },
	.link = mqtts_link, .size = mqtts_size, .open = mqtts_open, .close = mqtts_close, .wake = mqtts_wake, .up = mqtts_up, .down = mqtts_down,
	.input = own_no_input, .tick = mqtts_tick, .next = own_no_next, .scan = own_no_scan, .give_up = own_no_give_up, .read = own_no_read,
	.trace = own_no_trace, .why = mqtts_why, .counts = mqtts_counts, .explain = own_explain, .durable = mqtts_durable,
};
