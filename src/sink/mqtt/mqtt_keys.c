/* See mqtt_keys.h. */
#include "sink/mqtt/mqtt_keys.h"

#include <stdio.h>

#include "sink/mqtt/template.h"
#include "sink/mqtt/topic.h"

enum { MQTT_OPTS_ENUM, K_WINDOW, K_RETAIN, K_EXPIRY, K_PAYLOAD, K_TOPIC, K_TEMPLATE, KEYS };

static const char *const kinds[] = { [PAYLOAD_SCAN] = "scan", [PAYLOAD_TAG] = "tag", [PAYLOAD_TAG + 1] = NULL };
static const char *const topics[] = { [PAYLOAD_SCAN] = "{enterprise}/{site}/{flow}", [PAYLOAD_TAG] = "{enterprise}/{site}/{path}" };

const struct key mqtt_keys[] = {
	MQTT_OPTS_ROWS,
	[K_WINDOW] = { "window", KEY_INT, .min = 1, .max = 1000, .def = "32",
	    .help = "Messages that may wait for their acknowledgement at one time." },
	[K_RETAIN] = { "retain", KEY_BOOL, .def = "no",
	    .help = "Let the broker keep the last message of each topic for those who subscribe later." },
	[K_EXPIRY] = { "message-expiry", KEY_DURATION, .min = 1e9, .max = 4294967295e9,
	    .help = "The broker drops a message that it could not hand on within this time. MQTT 5 only." },
	[K_PAYLOAD] = { "payload", KEY_ENUM, .def = "scan", .choices = kinds,
	    .help = "scan: one JSON message a batch with all names, values, status and times. tag: one message a sample, for a unified namespace." },
	[K_TOPIC] = { "topic", KEY_TEXT, .min = 1, .max = TOPIC_TEMPLATE_MAX,
	    .help = "Topic with placeholders {enterprise} {site} {country} {flow} {source} {path} {equipment} {area} {tag}. "
		"Not given: {enterprise}/{site}/{flow} for scan, {enterprise}/{site}/{path} for tag." },
	[K_TEMPLATE] = { "payload-template", KEY_TEXT, .min = 1, .max = TEMPLATE_MAX,
	    .help = "JSON of your own for payload: tag, such as {\"temp\": ${value}, \"at\": ${time-ms}, \"key\": ${key}}." },
	[KEYS] = { 0 },
};

static int
fault(size_t *key, size_t which, char *why, size_t size, const char *text)
{
	*key = which;
	snprintf(why, size, "%s", text);
	return ERR_SYNTAX;
}

static int
check_payload(const struct keyval *k, struct mqtt_cfg *cfg, char *why, size_t size, size_t *key)
{
	struct payload_template *t;

	*key = K_TOPIC;
	int err = topic_check(cfg->topic, why, size);
	if (err != 0 || cfg->template == NULL)
		return err;
	if (cfg->kind != PAYLOAD_TAG)
		return fault(key, K_TEMPLATE, why, size, "a payload template makes one message a sample: say \"payload: tag\"");
	*key = K_TEMPLATE;
	err = template_parse(k[K_TEMPLATE].s, !cfg->link.v5, &t, why, size);
	if (err == 0)
		template_free(t);
	return err;
}

int
mqtt_cfg_read(const struct sink *s, struct mqtt_cfg *cfg, char *why, size_t size, size_t *key)
{
	const struct keyval *k = s->keys;

	*cfg = (struct mqtt_cfg){
		.retain = k[K_RETAIN].b, .window = (uint16_t)k[K_WINDOW].i, .expiry_s = (uint32_t)(k[K_EXPIRY].i / NS_PER_S),
		.kind = (enum payload_kind)k[K_PAYLOAD].i, .template = k[K_TEMPLATE].s,
	};
	cfg->topic = k[K_TOPIC].set ? k[K_TOPIC].s : topics[cfg->kind];
	int err = mqtt_opts_read(k + K_VERSION, k[K_BROKER].s, &cfg->link, why, size, key);
	if (err != 0)
		*key += K_VERSION;
	if (err != 0)
		return err;
	if (k[K_EXPIRY].set && !cfg->link.v5)
		return fault(key, K_EXPIRY, why, size, "message expiry came with MQTT 5: say \"version: 5\", or leave it out");
	return check_payload(k, cfg, why, size, key);
}

int
mqtt_check(const struct sink *s, char *why, size_t size, size_t *key)
{
	struct mqtt_cfg cfg;
	return mqtt_cfg_read(s, &cfg, why, size, key);
}
