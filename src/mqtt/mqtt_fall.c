/* The end of a connection: what kind it was, what to tell people, and how long to wait before the next one. */
#include <mosquitto.h>
#include <stdio.h>
#include <sys/random.h>

#include "os/clock.h"
#include "mqtt/mqtt_link_int.h"

#define SHORTER		8
#define LIVED_NS	(10 * NS_PER_S)	/* a session that lasted as long starts the back-off anew */

enum mqtt_fall
mqtt_judge(const struct mqtt_link *l, int rc, bool was_up)
{
	if (rc == 0)
		return MQTT_FALL_OURS;
	if (rc >= 0x80)
		return was_up ? mqtt_reason_fall((uint8_t)rc) : MQTT_FALL_DENIED;
	if (l->connack > 0 && (l->o.v5 ? mqtt_reason_fall((uint8_t)l->connack) == MQTT_FALL_STEPPED_DOWN : l->connack == 3))
		return MQTT_FALL_UNREACHED;	/* server unavailable or busy */
	if (l->connack > 0 || l->suback != 0 || rc == MOSQ_ERR_AUTH)
		return MQTT_FALL_DENIED;
	if (!was_up)
		return MQTT_FALL_UNREACHED;
	return rc == MOSQ_ERR_TIMEOUT || rc == MOSQ_ERR_KEEPALIVE ? MQTT_FALL_SILENT : MQTT_FALL_PEER;
}

static int
explain_code(const struct mqtt_link *l, int rc, char *out, size_t size)
{
	if (l->connack > 0 && l->o.v5)
		return snprintf(out, size, "the broker refused the connection: 0x%02x, %s", (unsigned)l->connack,
		    mqtt_reason_text((uint8_t)l->connack));
	if (l->connack > 0)
		return snprintf(out, size, "the broker refused the connection: %s", mosquitto_connack_string(l->connack));
	if (l->suback != 0)
		return snprintf(out, size, "the broker refused a subscription: %s", mqtt_reason_text((uint8_t)l->suback));
	if (rc >= 0x80)
		return snprintf(out, size, "the broker ended the session: 0x%02x, %s", (unsigned)rc, mqtt_reason_text((uint8_t)rc));
	if (rc == MOSQ_ERR_TIMEOUT)
		return snprintf(out, size, l->nflight > 0 ? "the broker takes messages and does not acknowledge them" :
		    "the broker did not answer in time");
	if (rc == MOSQ_ERR_KEEPALIVE)
		return snprintf(out, size, "the broker no longer answers (keep-alive time-out)");
	return snprintf(out, size, "%s", rc == 0 ? "ended by us" : mosquitto_strerror(rc));
}

void
mqtt_explain(const struct mqtt_link *l, int rc, char *out, size_t size)
{
	const struct mqtt_server *s = &l->o.servers[l->server];
	int n = explain_code(l, rc, out, size);
	if (n < 0 || (size_t)n >= size)
		return;
	n += snprintf(out + n, size - (size_t)n, " (%s port %u)", s->host, s->port);
	if (rc != 0 && l->detail[0] != '\0' && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, ": %s", l->detail);
}

/* Exponential with full jitter; who was denied, or fights over a client id, comes back slowly. */
int64_t
mqtt_pause_after(struct mqtt_link *l, enum mqtt_fall fall, int64_t lived_ns)
{
	uint32_t r = 0;
	int64_t top = l->o.pause_min_ns;

	if (lived_ns >= LIVED_NS)
		l->attempt = 0;
	for (unsigned i = 0; i < l->attempt && top < l->o.pause_max_ns; i++)
		top *= 2;
	/* A broker that lets us in and throws us out again is there: looking for the reason must not take an hour. */
	int64_t most = lived_ns > 0 ? l->o.pause_max_ns / SHORTER : l->o.pause_max_ns;
	if (top > most)
		top = most;
	l->attempt++;
	if (getrandom(&r, sizeof r, GRND_NONBLOCK) != sizeof r)
		r = (uint32_t)mono_now().ns;
	if (fall == MQTT_FALL_TAKEN_OVER || fall == MQTT_FALL_DENIED)
		return l->o.pause_max_ns / 2 + l->o.pause_max_ns / 2 * (r >> 16) / 65536;
	return top * (r >> 16) / 65536;
}
