/* The keys of an mqtt sink, read into a struct. */
#ifndef SINK_MQTT_KEYS_H
#define SINK_MQTT_KEYS_H

#include "sink/mqtt/payload.h"
#include "site/catalog.h"

#define MQTT_HOST_MAX 256u

struct mqtt_cfg {
	char		 host[MQTT_HOST_MAX];
	uint16_t	 port;
	bool		 v5, tls, retain;
	const char	*client_id;	/* NULL: made from site and sink name */
	const char	*user, *password_file, *ca_file, *cert_file, *key_file;
	uint16_t	 keep_alive_s, window;
	uint32_t	 expiry_s;
	enum payload_kind kind;
	const char	*topic, *template;	/* template NULL: none */
};

extern const struct key mqtt_keys[];
/* Read and judge. 0, or negative with cause and remedy in why and the key it concerns in *key. cfg borrows from s. */
int mqtt_cfg_read(const struct sink *s, struct mqtt_cfg *cfg, char *why, size_t size, size_t *key);
int mqtt_check(const struct sink *s, char *why, size_t size, size_t *key);

#endif
