/* See sp_keys.h. */
#include "sink/sparkplug/sp_keys.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum {
	MQTT_OPTS_ENUM, K_FALLBACKS, K_GROUP, K_NODE, K_DEVICES, K_DEPTH, K_PRIMARY_HOST, K_HOST_WAIT, K_REBIRTH_PAUSE, K_CONFIRM, K_CONFIRM_TOPIC,
	KEYS
};

static const char *const rules[] = { [SP_BY_SOURCE] = "source", [SP_BY_EQUIPMENT] = "equipment", [SP_BY_NODE] = "node", [SP_BY_NODE + 1] = NULL };

const struct key sparkplug_keys[] = {
	MQTT_OPTS_ROWS,
	[K_FALLBACKS] = { "fallback-brokers", KEY_LIST,
	    .help = "Further brokers, tried in this order when the one before cannot be reached or the primary host is not online there. "
		"Never more than one at a time." },
	[K_GROUP] = { "group", KEY_TEXT, .min = 1, .max = SP_ID_MAX,
	    .help = "Sparkplug group id, without + / #. The site's name when not given." },
	[K_NODE] = { "node", KEY_TEXT, .min = 1, .max = SP_ID_MAX,
	    .help = "Sparkplug edge node id, without + / #. The sink's name when not given. No other edge node may have the same group and node." },
	[K_DEVICES] = { "devices", KEY_ENUM, .def = "source", .choices = rules,
	    .help = "What a Sparkplug device is. source: each source is one, and its metrics are full tag paths. equipment: each equipment path is one, "
		"named with dots, and its metrics are what is left of the path. node: there are none, all tags are metrics of the node." },
	[K_DEPTH] = { "device-depth", KEY_INT, .min = 1, .max = 15,
	    .help = "With devices: equipment, how many names of the path make a device. All but the tag's own name when not given." },
	[K_PRIMARY_HOST] = { "primary-host", KEY_TEXT, .min = 1, .max = SP_ID_MAX,
	    .help = "Host id of the primary host application. Then nothing is published unless its STATE says that it is online; what comes "
		"meanwhile stays in the spool." },
	[K_HOST_WAIT] = { "host-wait", KEY_DURATION, .min = 1e9, .max = 3600e9, .def = "30 s",
	    .help = "With fallback-brokers: how long to wait at a broker for the primary host's STATE before the next one is tried." },
	[K_REBIRTH_PAUSE] = { "rebirth-pause", KEY_DURATION, .min = 0.1e9, .max = 600e9, .def = "5 s",
	    .help = "Hosts may ask for all births again; it is done at most this often, once for all who asked." },
	[K_CONFIRM] = { "confirm", KEY_BOOL, .def = "yes",
	    .help = "Publish an empty QoS 1 message behind each group of data messages. Its acknowledgement says that the broker has taken all before it, "
		"which Sparkplug's own QoS 0 cannot say. No: delivered means handed to TCP, and what is on the way when a connection breaks is lost." },
	[K_CONFIRM_TOPIC] = { "confirm-topic", KEY_TEXT, .min = 1, .max = 1024,
	    .help = "Its topic, outside spBv1.0, which this client may write to. penstock/confirm/<group>/<node> when not given." },
	[KEYS] = { 0 },
};

static int
fault(size_t *key, size_t which, char *why, size_t size, const char *text)
{
	*key = which;
	snprintf(why, size, "%s", text);
	return ERR_SYNTAX;
}

static bool
no_topic_text(const char *s, const char *reserved)
{
	if (!utf8_valid(s, strlen(s)) || strpbrk(s, reserved) != NULL)
		return true;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static int
check_ids(const struct keyval *k, char *why, size_t size, size_t *key)
{
	static const size_t ids[] = { K_GROUP, K_NODE, K_PRIMARY_HOST };

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		if (k[ids[i]].set && no_topic_text(k[ids[i]].s, "+/#"))
			return fault(key, ids[i], why, size, "an id is a part of topics: UTF-8 without +, /, # and control characters");
	if (k[K_GROUP].set && strcmp(k[K_GROUP].s, "STATE") == 0)
		return fault(key, K_GROUP, why, size, "STATE is what Sparkplug calls the topics of hosts: give the group another name");
	if (k[K_DEPTH].set && k[K_DEVICES].i != SP_BY_EQUIPMENT)
		return fault(key, K_DEPTH, why, size, "a depth is counted in equipment paths: say \"devices: equipment\"");
	if (!k[K_CONFIRM_TOPIC].set)
		return 0;
	if (no_topic_text(k[K_CONFIRM_TOPIC].s, "+#") || k[K_CONFIRM_TOPIC].s[0] == '$')
		return fault(key, K_CONFIRM_TOPIC, why, size, "a topic to publish to has no + and no #, and does not begin with $");
	if (strncmp(k[K_CONFIRM_TOPIC].s, "spBv1.0", 7) == 0)
		return fault(key, K_CONFIRM_TOPIC, why, size, "topics under spBv1.0 belong to Sparkplug: choose one elsewhere");
	return 0;
}

static int
read_servers(const struct keyval *k, struct sp_cfg *cfg, char *why, size_t size, size_t *key)
{
	uint16_t port = cfg->link.tls ? 8883 : 1883;

	memcpy(cfg->servers[0].host, cfg->link.host, sizeof cfg->link.host);
	cfg->servers[0].port = cfg->link.port;
	cfg->nservers = 1;
	if (k[K_FALLBACKS].n >= MQTT_SERVERS_MAX)
		return fault(key, K_FALLBACKS, why, size, "at most 7 fallback brokers are possible");
	for (size_t i = 0; i < k[K_FALLBACKS].n; i++, cfg->nservers++)
		if (mqtt_endpoint(k[K_FALLBACKS].list[i], port, cfg->servers[i + 1].host, MQTT_HOST_MAX, &cfg->servers[i + 1].port) != 0)
			return fault(key, K_FALLBACKS, why, size, "these are no hosts and ports: write [\"broker-b.example:1883\", \"[fd00::2]:1883\"]");
	return 0;
}

int
sp_cfg_read(const struct sink *s, struct sp_cfg *cfg, char *why, size_t size, size_t *key)
{
	const struct keyval *k = s->keys;

	*cfg = (struct sp_cfg){
		.group = k[K_GROUP].s, .node = k[K_NODE].s, .devices = (enum sp_devices)k[K_DEVICES].i, .depth = (uint32_t)k[K_DEPTH].i,
		.primary_host = k[K_PRIMARY_HOST].s, .host_wait_ns = k[K_HOST_WAIT].i, .rebirth_pause_ns = k[K_REBIRTH_PAUSE].i,
		.confirm = k[K_CONFIRM].b, .confirm_topic = k[K_CONFIRM_TOPIC].s,
	};
	int err = mqtt_opts_read(k + K_VERSION, k[K_BROKER].s, &cfg->link, why, size, key);
	if (err != 0)
		*key += K_VERSION;
	if (err == 0)
		err = check_ids(k, why, size, key);
	return err == 0 ? read_servers(k, cfg, why, size, key) : err;
}

int
sp_check(const struct sink *s, char *why, size_t size, size_t *key)
{
	struct sp_cfg cfg;
	return sp_cfg_read(s, &cfg, why, size, key);
}

void
sp_id_put(struct buf *out, const char *text, size_t len, bool path)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		size_t k = utf8_len(text + i, len - i);
		if (path && c == '/')
			buf_putc(out, '.');
		else if (k == 0 || c < 0x20 || c == 0x7f || strchr("+/#%", c) != NULL || (path && c == '.'))
			buf_printf(out, "%%%02X", c);
		else {
			buf_put(out, text + i, k);
			i += k - 1;
		}
	}
}
