/*
 * The keys of everything that speaks MQTT: where the broker is, who we are, how the way there is protected. A sink's key table begins with
 * MQTT_OPTS_ROWS, its enum of indexes with MQTT_OPTS_ENUM; a source has its broker as its endpoint, its table begins with MQTT_WHO_ROWS, its
 * enum with MQTT_WHO_ENUM. mqtt_opts_read() judges them and mqtt_opts_link() hands them on.
 */
#ifndef MQTT_OPTS_H
#define MQTT_OPTS_H

#include "mqtt/mqtt_link.h"
#include "site/catalog.h"

#define MQTT_HOST_MAX		256u
#define MQTT_CLIENT_ID_MAX	512u

struct mqtt_opts {
	char		 host[MQTT_HOST_MAX];
	uint16_t	 port;
	bool		 v5, tls;
	const char	*client_id;	/* NULL: made from site and sink name */
	const char	*user, *password_file, *ca_file, *cert_file, *key_file;
	uint16_t	 keep_alive_s;
};

#define MQTT_OPTS_ENUM		K_BROKER, MQTT_WHO_ENUM
#define MQTT_WHO_ENUM \
	K_VERSION, K_CLIENT_ID, K_USER, K_PASSWORD_FILE, K_TLS, K_CA_FILE, K_CERT_FILE, K_KEY_FILE, K_KEEP_ALIVE

extern const char *const mqtt_opts_versions[];

#define MQTT_OPTS_ROWS \
	[K_BROKER] = { "broker", KEY_ENDPOINT, .required = true, \
	    .help = "Host and port of the broker. Port 1883 when none is given, 8883 with tls." }, \
	MQTT_WHO_ROWS

#define MQTT_WHO_ROWS \
	[K_VERSION] = { "version", KEY_ENUM, .def = "5", .choices = mqtt_opts_versions, \
	    .help = "MQTT version. With 5, a broker can say why it refuses something." }, \
	[K_CLIENT_ID] = { "client-id", KEY_TEXT, .min = 1, .max = 256, \
	    .help = "Client id; made from the names of the site and of this when not given. Two clients with one id throw each other out." }, \
	[K_USER] = { "user", KEY_TEXT, .min = 1, .max = 1024, .help = "User name at the broker." }, \
	[K_PASSWORD_FILE] = { "password-file", KEY_SECRET, \
	    .help = "File whose first line is the password; read anew before each connection." }, \
	[K_TLS] = { "tls", KEY_BOOL, .def = "no", \
	    .help = "Encrypt, and verify the broker's certificate and name. There is no way back to plain text while this says yes." }, \
	[K_CA_FILE] = { "ca-file", KEY_PATH, \
	    .help = "Certificates (PEM) that may sign the broker's; the system's own when not given." }, \
	[K_CERT_FILE] = { "cert-file", KEY_PATH, .help = "Our certificate (PEM, with its chain) for mutual TLS." }, \
	[K_KEY_FILE] = { "key-file", KEY_SECRET, .help = "Private key (PEM) of cert-file." }, \
	[K_KEEP_ALIVE] = { "keep-alive", KEY_DURATION, .min = 5e9, .max = 65535e9, .def = "20 s", \
	    .help = "A broker that has been silent for twice as long is taken for dead." }

/*
 * Read and judge those keys. k: the values from K_VERSION on. 0, or negative with cause and remedy in why and the key it concerns in *key: an
 * index as in MQTT_WHO_ENUM of a table without a broker, MQTT_OPTS_BROKER if it is the broker, which is so made that adding K_VERSION gives the
 * index in a sink's table. o borrows from k.
 */
#define MQTT_OPTS_BROKER	SIZE_MAX
int mqtt_opts_read(const struct keyval *k, const char *broker, struct mqtt_opts *o, char *why, size_t size, size_t *key);
/* What a link needs to know of them; servers and the rest are the caller's. name: of the sink or source; site: may be NULL. client_id: room
 * for the one made here. Warns in the log of a password that goes in plain text. */
struct mqtt_link_opts mqtt_opts_link(const struct mqtt_opts *o, const char *name, const char *site, char client_id[MQTT_CLIENT_ID_MAX]);

#endif
