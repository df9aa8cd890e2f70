/*
 * The calls of libmosquitto that a link makes, all in its helper thread; mqtt_handle.c makes the handle. A handle of the library lives for one connection, so
 * nothing of an old session can be sent or acknowledged in a new one. The thread polls the broker's socket and the eventfd of
 * its orders, and drives the library by loop_read, loop_write and loop_misc.
 */
#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "mqtt/mqtt_link_int.h"

#define MISC_MS		1000

/* ---- callbacks; all run inside the library's loop functions, in this thread ---- */

static void
on_connect(struct mosquitto *m, void *arg, int code, int flags, const mosquitto_property *props)
{
	struct mqtt_link *l = arg;
	(void)m;
	(void)flags;
	l->connack = code;
	mosquitto_property_read_int32(props, MQTT_PROP_MAXIMUM_PACKET_SIZE, &l->up_info.max_packet, false);
	if (mosquitto_property_read_int16(props, MQTT_PROP_RECEIVE_MAXIMUM, &l->up_info.receive_max, false) == NULL)
		l->up_info.receive_max = 65535;
}

static void
on_disconnect(struct mosquitto *m, void *arg, int rc, const mosquitto_property *props)
{
	struct mqtt_link *l = arg;
	char *text = NULL;
	(void)m;
	l->fell = true;
	l->fell_rc = rc;
	if (mosquitto_property_read_string(props, MQTT_PROP_REASON_STRING, &text, false) != NULL) {
		snprintf(l->detail, sizeof l->detail, "%s", text);
		free(text);
	}
}

static void
on_publish(struct mosquitto *handle, void *arg, int mid, int reason, const mosquitto_property *props)
{
	struct mqtt_link *l = arg;
	char *text = NULL;
	size_t i = 0;
	(void)handle;

	while (i < l->nflight && l->flight[i]->mid != mid)
		i++;
	if (i == l->nflight)
		return;
	struct mqtt_msg *m = l->flight[i];
	if (m == l->handing) {	/* QoS 0, written at once: the call still looks at its texts */
		l->handed = true;
		return;
	}
	memmove(l->flight + i, l->flight + i + 1, (--l->nflight - i) * sizeof *l->flight);
	m->reason = (uint8_t)reason;
	if (m->reason < 0x80) {
		mqtt_return_one(l, m, MQTT_ACKED);
		return;
	}
	mosquitto_property_read_string(props, MQTT_PROP_REASON_STRING, &text, false);
	snprintf(m->why, sizeof m->why, "the broker answered 0x%02x, %s%s%s", m->reason, mqtt_reason_text(m->reason), text ? ": " : "",
	    text ? text : "");
	free(text);
	mqtt_return_one(l, m, mqtt_reason_is_temporary(m->reason) ? MQTT_BUSY : MQTT_REFUSED);
}

static void
on_subscribe(struct mosquitto *m, void *arg, int mid, int n, const int *granted, const mosquitto_property *props)
{
	struct mqtt_link *l = arg;
	(void)m;
	(void)mid;
	(void)props;
	for (int i = 0; i < n; i++) {
		if (granted[i] >= 0x80 && l->suback == 0)
			l->suback = granted[i];
	}
	l->granted++;
}

static void
on_message(struct mosquitto *m, void *arg, const struct mosquitto_message *msg, const mosquitto_property *props)
{
	struct mqtt_link *l = arg;
	size_t topic = strlen(msg->topic) + 1, len = msg->payloadlen > 0 ? (size_t)msg->payloadlen : 0;
	(void)m;
	(void)props;

	pthread_mutex_lock(&l->lock);
	bool room = l->inbox < MQTT_INBOX_MAX && len <= MQTT_INBOX_BYTES_MAX;
	l->inbox_dropped += !room;
	l->waiting += room && l->o.hold > 0;
	pthread_mutex_unlock(&l->lock);
	l->unwritten++;
	if (!room)
		return;
	struct event *e = mqtt_event_new(l, EVENT_RECEIVED, topic + len);
	memcpy(e->text, msg->topic, topic);
	if (len > 0)
		memcpy(e->text + topic, msg->payload, len);
	e->len = len;
	e->qos = (uint8_t)msg->qos;
	e->retain = msg->retain;
	mqtt_post(l, e);
}

static void
on_log(struct mosquitto *m, void *arg, int level, const char *text)
{
	struct mqtt_link *l = arg;
	(void)m;
	if (level == MOSQ_LOG_ERR)
		snprintf(l->detail, sizeof l->detail, "%s", text);
}

/* ---- the connection ---- */

static void
set_held_up(struct mqtt_link *l, bool held_up)
{
	pthread_mutex_lock(&l->lock);
	l->held_up = held_up;
	pthread_mutex_unlock(&l->lock);
}

static int
connect_broker(struct mqtt_link *l)
{
	const struct mqtt_server *s = &l->o.servers[l->server];
	mosquitto_property *props = NULL;
	int rc = mqtt_handle_make(l);

	if (rc != 0)
		return rc;
	mosquitto_connect_v5_callback_set(l->m, on_connect);
	mosquitto_disconnect_v5_callback_set(l->m, on_disconnect);
	mosquitto_publish_v5_callback_set(l->m, on_publish);
	mosquitto_subscribe_v5_callback_set(l->m, on_subscribe);
	mosquitto_message_v5_callback_set(l->m, on_message);
	mosquitto_log_callback_set(l->m, on_log);
	if (l->o.hold > 0 && l->o.v5)
		mosquitto_property_add_int32(&props, MQTT_PROP_SESSION_EXPIRY_INTERVAL, l->o.session_expiry_s);
	errno = 0;
	rc = mosquitto_connect_bind_v5(l->m, s->host, s->port, l->o.keep_alive_s, NULL, props);
	mosquitto_property_free_all(&props);
	if (rc == MOSQ_ERR_EAI)
		snprintf(l->detail, sizeof l->detail, "the name cannot be resolved: %s", gai_strerror(errno));
	else if (rc == MOSQ_ERR_ERRNO)
		snprintf(l->detail, sizeof l->detail, "%s", strerror(errno));
	if (rc == 0 && l->o.tls && mosquitto_ssl_get(l->m) == NULL) {
		snprintf(l->detail, sizeof l->detail, "TLS was asked for and did not come into being; nothing was sent");
		rc = MOSQ_ERR_TLS;
	}
	return rc;
}

static mosquitto_property *
publish_props(const struct mqtt_msg *m)
{
	mosquitto_property *p = NULL;

	if (m->text)
		mosquitto_property_add_byte(&p, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 1);
	if (m->expiry_s > 0)
		mosquitto_property_add_int32(&p, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, m->expiry_s);
	if (m->content_type != NULL)
		mosquitto_property_add_string(&p, MQTT_PROP_CONTENT_TYPE, m->content_type);
	if (m->key != NULL)
		mosquitto_property_add_string_pair(&p, MQTT_PROP_USER_PROPERTY, "key", m->key);
	return p;
}

/* What libmosquitto refuses before it sends concerns this message alone; anything else is the connection's end. */
static bool
is_about_message(int rc)
{
	return rc == MOSQ_ERR_INVAL || rc == MOSQ_ERR_PAYLOAD_SIZE || rc == MOSQ_ERR_MALFORMED_UTF8 || rc == MOSQ_ERR_OVERSIZE_PACKET ||
	    rc == MOSQ_ERR_QOS_NOT_SUPPORTED || rc == MOSQ_ERR_RETAIN_NOT_SUPPORTED;
}

static int
publish_one(struct mqtt_link *l, struct mqtt_msg *m)
{
	mosquitto_property *props = l->o.v5 ? publish_props(m) : NULL;
	size_t slot = l->nflight;

	m->sent_ns = mono_now().ns;
	l->flight[l->nflight++] = m;
	l->handing = m;
	l->handed = false;
	int rc = mosquitto_publish_v5(l->m, &m->mid, m->topic, (int)m->len, m->payload, m->qos, m->retain, props);
	mosquitto_property_free_all(&props);
	l->handing = NULL;
	if (rc == 0 && l->handed) {
		l->nflight = slot;
		mqtt_return_one(l, m, MQTT_ACKED);
		return 0;
	}
	if (rc == 0 || !is_about_message(rc))
		return rc == MOSQ_ERR_NO_CONN ? MOSQ_ERR_CONN_LOST : rc;
	l->nflight = slot;
	snprintf(m->why, sizeof m->why, "it cannot be published: %s", mosquitto_strerror(rc));
	mqtt_return_one(l, m, MQTT_REFUSED);
	return 0;
}

int
mqtt_publish_todo(struct mqtt_link *l)
{
	int rc = 0;

	while (rc == 0 && l->nflight < l->o.window && l->todo.head != NULL)
		rc = publish_one(l, msg_pop(&l->todo));
	return rc;
}

/* With messages held, nothing is written that would acknowledge them. */
bool
mqtt_may_write(struct mqtt_link *l)
{
	pthread_mutex_lock(&l->lock);
	bool may = l->waiting == 0;
	pthread_mutex_unlock(&l->lock);
	return may;
}

/* One round of the library: wait for the socket, an order or the deadline; then read, write, keep alive. */
int
mqtt_turn(struct mqtt_link *l, struct mono until)
{
	struct pollfd p[2] = { { .fd = l->wake_fd, .events = POLLIN }, { .fd = mosquitto_socket(l->m) } };
	int64_t left = mono_diff(until, mono_now()) / NS_PER_MS + 1;
	int rc = 0;

	if (p[1].fd < 0)
		return MOSQ_ERR_CONN_LOST;
	if (mqtt_may_write(l)) {
		if (mosquitto_want_write(l->m))
			p[1].events = POLLOUT;
		else
			l->unwritten = 0;
	}
	if (l->o.hold == 0 || l->unwritten < l->o.hold)
		p[1].events |= POLLIN;
	poll(p, 2, left < 0 ? 0 : left > MISC_MS ? MISC_MS : (int)left);
	if (p[0].revents != 0)
		mqtt_drain_wake(l);
	if ((p[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		rc = mosquitto_loop_read(l->m, 1);
	/* What was read just now must not be acknowledged by this. */
	if (rc == 0 && (p[1].revents & POLLOUT) != 0 && mqtt_may_write(l))
		rc = mosquitto_loop_write(l->m, 1);
	return rc != 0 ? rc : mosquitto_loop_misc(l->m);
}

static int
subscribe_all(struct mqtt_link *l)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < l->o.nfilters; i++)
		rc = mosquitto_subscribe(l->m, NULL, l->o.filters[i].filter, l->o.filters[i].qos);
	return rc;
}

/* From TCP to a session: CONNACK, then every subscription granted. */
int
mqtt_establish(struct mqtt_link *l)
{
	struct mono until = mono_add(mono_now(), l->o.connect_timeout_ns);
	bool subscribed = false;

	set_held_up(l, true);
	int rc = connect_broker(l);
	set_held_up(l, false);

	while (rc == 0 && !l->fell && l->suback == 0 && l->connack <= 0) {
		if (l->connack == 0 && !subscribed) {
			rc = subscribe_all(l);
			subscribed = true;
			continue;
		}
		if (subscribed && l->granted >= l->o.nfilters)
			return 0;
		if (!mono_before(mono_now(), until))
			return MOSQ_ERR_TIMEOUT;
		rc = mqtt_turn(l, until);
		if (mqtt_take_orders(l).quit)
			return MOSQ_ERR_NO_CONN;
	}
	return rc != 0 ? rc : MOSQ_ERR_CONN_REFUSED;
}
