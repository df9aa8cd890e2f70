/* The keys of an mqtt sink, read into a struct. */
#ifndef SINK_MQTT_KEYS_H
#define SINK_MQTT_KEYS_H

#include "sink/mqtt/payload.h"
#include "mqtt/mqtt_opts.h"

struct mqtt_cfg {
	struct mqtt_opts link;
	bool		 retain;
	uint16_t	 window;
	uint32_t	 expiry_s;
	enum payload_kind kind;
	const char	*topic, *template;	/* template NULL: none */
};

extern const struct key mqtt_keys[];
/* Read and judge. 0, or negative with cause and remedy in why and the key it concerns in *key. cfg borrows from s. */
int mqtt_cfg_read(const struct sink *s, struct mqtt_cfg *cfg, char *why, size_t size, size_t *key);
int mqtt_check(const struct sink *s, char *why, size_t size, size_t *key);

#endif
