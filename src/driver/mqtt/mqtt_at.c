/* Keys and addresses of a source of driver mqtt. */
#include <mosquitto.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "driver/mqtt/mqtt_source.h"
#include "site/link.h"

const struct key mqtt_source_keys[] = {
	MQTT_WHO_ROWS,
	[K_SESSION] = { "session-expiry", KEY_DURATION, .min = 60e9, .max = 4294967294e9, .def = "7 d",
	    .help = "So long the broker keeps messages for this node while it is away. MQTT 5; with 3.1.1 the broker decides." },
	[MQTT_SOURCE_KEYS] = { 0 },
};

const char *const mqtt_at_forms[] = {
	"TOPIC: JSON objects that are published there, + for any one level and # for all below; acme/dresden/filler/confirmation",
	NULL
};

int
mqtt_source_opts(const char *endpoint, const struct keyval *keys, struct mqtt_opts *out, char *why, size_t size)
{
	char broker[ENDPOINT_HOST_MAX + 16];
	struct endpoint e;
	const char *path;
	size_t key;

	int err = endpoint_parse_url(endpoint, "mqtt", &e, &path, why, size);
	if (err != 0 || path[0] != '\0') {
		if (err == 0)
			snprintf(why, size, "the endpoint has a path: write host:port of the broker");
		return ERR_SYNTAX;
	}
	snprintf(broker, sizeof broker, e.v6 ? "[%.*s]" : "%.*s", (int)ENDPOINT_HOST_MAX, e.host);
	if (e.port != 0)
		snprintf(broker + strlen(broker), sizeof broker - strlen(broker), ":%d", e.port);
	return mqtt_opts_read(keys, broker, out, why, size, &key) == 0 ? 0 : ERR_SYNTAX;
}

int
mqtt_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size)
{
	struct mqtt_opts o;
	uint64_t hash = hash64(at, strlen(at));

	*out = (struct at_info){ .type = VALUE_JSON, .first = hash, .last = hash };
	if (at[0] == '\0' || strlen(at) > MQTT_TOPIC_MAX || mosquitto_sub_topic_check(at) != MOSQ_ERR_SUCCESS) {
		snprintf(why, size, "it is no topic filter: # stands for the rest and only at the end, + for one whole level: "
		    "acme/dresden/+/confirmation");
		return ERR_SYNTAX;
	}
	return mqtt_source_opts("localhost", keys, &o, why, size);
}
