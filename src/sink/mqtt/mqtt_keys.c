/* See mqtt_keys.h. */
#include "sink/mqtt/mqtt_keys.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "sink/mqtt/template.h"
#include "sink/mqtt/topic.h"
#include "sink/mqtt_link.h"

enum {
	K_BROKER, K_VERSION, K_CLIENT_ID, K_USER, K_PASSWORD_FILE, K_TLS, K_CA_FILE, K_CERT_FILE, K_KEY_FILE, K_KEEP_ALIVE, K_WINDOW, K_RETAIN,
	K_EXPIRY, K_PAYLOAD, K_TOPIC, K_TEMPLATE, KEYS
};

static const char *const versions[] = { "3.1.1", "5", NULL };
static const char *const kinds[] = { [PAYLOAD_SCAN] = "scan", [PAYLOAD_TAG] = "tag", [PAYLOAD_TAG + 1] = NULL };
static const char *const topics[] = { [PAYLOAD_SCAN] = "{enterprise}/{site}/{flow}", [PAYLOAD_TAG] = "{enterprise}/{site}/{path}" };

const struct key mqtt_keys[] = {
	[K_BROKER] = { "broker", KEY_ENDPOINT, .required = true,
	    .help = "Host and port of the broker. Port 1883 when none is given, 8883 with tls." },
	[K_VERSION] = { "version", KEY_ENUM, .def = "5", .choices = versions,
	    .help = "MQTT version. 5 says why a message was refused and carries the key of a message as a user property." },
	[K_CLIENT_ID] = { "client-id", KEY_TEXT, .min = 1, .max = 256,
	    .help = "Client id; made from the site's and the sink's name when not given. Two clients with one id throw each other out." },
	[K_USER] = { "user", KEY_TEXT, .min = 1, .max = 1024, .help = "User name at the broker." },
	[K_PASSWORD_FILE] = { "password-file", KEY_SECRET,
	    .help = "File whose first line is the password; read anew before each connection." },
	[K_TLS] = { "tls", KEY_BOOL, .def = "no",
	    .help = "Encrypt, and verify the broker's certificate and name. There is no way back to plain text while this says yes." },
	[K_CA_FILE] = { "ca-file", KEY_PATH,
	    .help = "Certificates (PEM) that may sign the broker's; the system's own when not given." },
	[K_CERT_FILE] = { "cert-file", KEY_PATH, .help = "Our certificate (PEM, with its chain) for mutual TLS." },
	[K_KEY_FILE] = { "key-file", KEY_SECRET, .help = "Private key (PEM) of cert-file." },
	[K_KEEP_ALIVE] = { "keep-alive", KEY_DURATION, .min = 5e9, .max = 65535e9, .def = "20 s",
	    .help = "A broker that has been silent for twice as long is taken for dead." },
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
check_tls(const struct keyval *k, char *why, size_t size, size_t *key)
{
	for (size_t i = K_CA_FILE; i <= K_KEY_FILE; i++)
		if (k[i].set && !k[K_TLS].b)
			return fault(key, i, why, size, "this file is for TLS, and tls is off: say \"tls: yes\"");
	if (k[K_CERT_FILE].set != k[K_KEY_FILE].set)
		return fault(key, k[K_CERT_FILE].set ? K_CERT_FILE : K_KEY_FILE, why, size,
		    "mutual TLS needs both cert-file and key-file: give the other one too");
	if (k[K_PASSWORD_FILE].set && !k[K_USER].set)
		return fault(key, K_PASSWORD_FILE, why, size, "a password without a user name: give user too");
	return 0;
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
	err = template_parse(k[K_TEMPLATE].s, !cfg->v5, &t, why, size);
	if (err == 0)
		template_free(t);
	return err;
}

int
mqtt_cfg_read(const struct sink *s, struct mqtt_cfg *cfg, char *why, size_t size, size_t *key)
{
	const struct keyval *k = s->keys;

	*cfg = (struct mqtt_cfg){
		.v5 = k[K_VERSION].i == 1, .tls = k[K_TLS].b, .retain = k[K_RETAIN].b, .client_id = k[K_CLIENT_ID].s, .user = k[K_USER].s,
		.password_file = k[K_PASSWORD_FILE].s, .ca_file = k[K_CA_FILE].s, .cert_file = k[K_CERT_FILE].s,
		.key_file = k[K_KEY_FILE].s, .keep_alive_s = (uint16_t)(k[K_KEEP_ALIVE].i / NS_PER_S), .window = (uint16_t)k[K_WINDOW].i,
		.expiry_s = (uint32_t)(k[K_EXPIRY].i / NS_PER_S), .kind = (enum payload_kind)k[K_PAYLOAD].i, .template = k[K_TEMPLATE].s,
	};
	cfg->topic = k[K_TOPIC].set ? k[K_TOPIC].s : topics[cfg->kind];
	if (mqtt_endpoint(k[K_BROKER].s, cfg->tls ? 8883 : 1883, cfg->host, sizeof cfg->host, &cfg->port) != 0)
		return fault(key, K_BROKER, why, size, "this is no host and port: write \"broker.example:1883\" or \"[fd00::1]:1883\"");
	if (cfg->client_id != NULL && !utf8_valid(cfg->client_id, strlen(cfg->client_id)))
		return fault(key, K_CLIENT_ID, why, size, "a client id is UTF-8 text");
	if (k[K_EXPIRY].set && !cfg->v5)
		return fault(key, K_EXPIRY, why, size, "message expiry came with MQTT 5: say \"version: 5\", or leave it out");
	int err = check_tls(k, why, size, key);
	return err != 0 ? err : check_payload(k, cfg, why, size, key);
}

int
mqtt_check(const struct sink *s, char *why, size_t size, size_t *key)
{
	struct mqtt_cfg cfg;
	return mqtt_cfg_read(s, &cfg, why, size, key);
}
