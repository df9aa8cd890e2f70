/* See mqtt_opts.h. */
#include "mqtt/mqtt_opts.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"

enum { MQTT_WHO_ENUM };

const char *const mqtt_opts_versions[] = { "3.1.1", "5", NULL };

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

int
mqtt_opts_read(const struct keyval *k, const char *broker, struct mqtt_opts *o, char *why, size_t size, size_t *key)
{
	*o = (struct mqtt_opts){
		.v5 = k[K_VERSION].i == 1, .tls = k[K_TLS].b, .client_id = k[K_CLIENT_ID].s, .user = k[K_USER].s,
		.password_file = k[K_PASSWORD_FILE].s, .ca_file = k[K_CA_FILE].s, .cert_file = k[K_CERT_FILE].s,
		.key_file = k[K_KEY_FILE].s, .keep_alive_s = (uint16_t)(k[K_KEEP_ALIVE].i / NS_PER_S),
	};
	if (mqtt_endpoint(broker, o->tls ? 8883 : 1883, o->host, sizeof o->host, &o->port) != 0)
		return fault(key, MQTT_OPTS_BROKER, why, size, "this is no host and port: write \"broker.example:1883\" or \"[fd00::1]:1883\"");
	if (o->client_id != NULL && !utf8_valid(o->client_id, strlen(o->client_id)))
		return fault(key, K_CLIENT_ID, why, size, "a client id is UTF-8 text");
	return check_tls(k, why, size, key);
}

struct mqtt_link_opts
mqtt_opts_link(const struct mqtt_opts *o, const char *name, const char *site, char client_id[MQTT_CLIENT_ID_MAX])
{
	snprintf(client_id, MQTT_CLIENT_ID_MAX, "penstock-%.200s-%.200s", site != NULL ? site : "site", name);
	if (o->user != NULL && !o->tls)
		log_warn("mqtt_password_in_clear", "name=%s remedy=\"say tls: yes, or everybody on the way can read the password\"", name);
	return (struct mqtt_link_opts){
		.name = name, .v5 = o->v5, .user = o->user, .tls = o->tls, .password_file = o->password_file,
		.client_id = o->client_id != NULL ? o->client_id : client_id, .ca_file = o->ca_file, .cert_file = o->cert_file,
		.key_file = o->key_file, .keep_alive_s = o->keep_alive_s,
	};
}
