/*
 * The only calls of libmosquitto that a link makes, all in its helper thread. A handle of the library lives for one connection, so
 * nothing of an old session can be sent or acknowledged in a new one. The thread polls the broker's socket and the eventfd of
 * its orders, and drives the library by loop_read, loop_write and loop_misc.
 */
#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "os/clock.h"
#include "mqtt/mqtt_link_int.h"

#define PASSWORD_MAX	4096
#define MISC_MS		1000
#define CAPATH		"/etc/ssl/certs"

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
	pthread_mutex_unlock(&l->lock);
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

/* The first line of the password file; the caller wipes it. */
static int
read_password(const char *path, char *out, size_t size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	int err = n < 0 ? err_from_errno(errno) : 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IROTH) != 0)
		log_warn("mqtt_password_readable", "file=\"%s\" remedy=\"chmod o-r: everybody on this machine can read the password\"", path);
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return err;
}

static int
set_login(struct mqtt_link *l)
{
	char password[PASSWORD_MAX] = "";

	if (l->o.password_file != NULL && read_password(l->o.password_file, password, sizeof password) != 0) {
		snprintf(l->detail, sizeof l->detail, "the password file %s cannot be read: %s", l->o.password_file, strerror(errno));
		return MOSQ_ERR_AUTH;
	}
	int rc = l->o.user == NULL ? 0 : mosquitto_username_pw_set(l->m, l->o.user, l->o.password_file != NULL ? password : NULL);
	explicit_bzero(password, sizeof password);
	return rc;
}

/* Certificate and server name are always verified; TLS 1.2 and up. */
static int
set_tls(struct mqtt_link *l)
{
	int rc = mosquitto_tls_set(l->m, l->o.ca_file, l->o.ca_file != NULL ? NULL : CAPATH, l->o.cert_file, l->o.key_file, NULL);
	if (rc == 0)
		rc = mosquitto_tls_opts_set(l->m, 1, "tlsv1.2", NULL);
	if (rc == 0)
		rc = mosquitto_tls_insecure_set(l->m, false);
	if (rc != 0 && l->detail[0] == '\0')
		snprintf(l->detail, sizeof l->detail, "a TLS file cannot be used (ca-file, cert-file, key-file): %s", mosquitto_strerror(rc));
	return rc;
}

static int
make_handle(struct mqtt_link *l)
{
	l->m = mosquitto_new(l->o.client_id, true, l);
	if (l->m == NULL) {
		snprintf(l->detail, sizeof l->detail, "client id \"%s\" is not valid UTF-8, or memory ran out", l->o.client_id);
		return MOSQ_ERR_INVAL;
	}
	mosquitto_int_option(l->m, MOSQ_OPT_PROTOCOL_VERSION, l->o.v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
	mosquitto_int_option(l->m, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_max_inflight_messages_set(l->m, l->o.window);
	mosquitto_connect_v5_callback_set(l->m, on_connect);
	mosquitto_disconnect_v5_callback_set(l->m, on_disconnect);
	mosquitto_publish_v5_callback_set(l->m, on_publish);
	mosquitto_subscribe_v5_callback_set(l->m, on_subscribe);
	mosquitto_message_v5_callback_set(l->m, on_message);
	mosquitto_log_callback_set(l->m, on_log);
	int rc = set_login(l);
	if (rc == 0 && l->will.set)
		rc = mosquitto_will_set(l->m, l->will.topic, (int)l->will.len, l->will.payload, l->will.qos, l->will.retain);
	if (rc == 0 && l->o.tls)
		rc = set_tls(l);
	return rc;
}

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
	int rc = make_handle(l);

	if (rc != 0)
		return rc;
	errno = 0;
	rc = mosquitto_connect_bind_v5(l->m, s->host, s->port, l->o.keep_alive_s, NULL, NULL);
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

/* One round of the library: wait for the socket, an order or the deadline; then read, write, keep alive. */
int
mqtt_turn(struct mqtt_link *l, struct mono until)
{
	struct pollfd p[2] = { { .fd = l->wake_fd, .events = POLLIN }, { .fd = mosquitto_socket(l->m), .events = POLLIN } };
	int64_t left = mono_diff(until, mono_now()) / NS_PER_MS + 1;
	int rc = 0;

	if (p[1].fd < 0)
		return MOSQ_ERR_CONN_LOST;
	if (mosquitto_want_write(l->m))
		p[1].events |= POLLOUT;
	poll(p, 2, left < 0 ? 0 : left > MISC_MS ? MISC_MS : (int)left);
	if (p[0].revents != 0)
		mqtt_drain_wake(l);
	if ((p[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		rc = mosquitto_loop_read(l->m, 1);
	if (rc == 0 && (p[1].revents & POLLOUT) != 0)
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
