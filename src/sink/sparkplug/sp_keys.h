/* The keys of a sparkplug sink, read into a struct, and what may stand in an id. */
#ifndef SINK_SPARKPLUG_SP_KEYS_H
#define SINK_SPARKPLUG_SP_KEYS_H

#include "base/buf.h"
#include "mqtt/mqtt_opts.h"

#define SP_ID_MAX	256u	/* bytes of a group, node, device or host id: our limit, Sparkplug states none */

/* Which device a tag belongs to. */
enum sp_devices {
	SP_BY_SOURCE,		/* a device a source; a source that is away is a device that is dead */
	SP_BY_EQUIPMENT,	/* a device an equipment path, or its first names */
	SP_BY_NODE,		/* no devices: every tag is a metric of the edge node */
};

struct sp_cfg {
	struct mqtt_opts link;
	struct { char host[MQTT_HOST_MAX]; uint16_t port; } servers[MQTT_SERVERS_MAX];	/* the broker, then the fallbacks */
	size_t		 nservers;
	const char	*group, *node;	/* NULL: the site's, the sink's name */
	enum sp_devices	 devices;
	uint32_t	 depth;		/* names of the equipment path that make a device; 0: all */
	const char	*primary_host;	/* NULL: births go out without waiting */
	int64_t		 host_wait_ns;
	int64_t		 rebirth_pause_ns;
	bool		 confirm;
	const char	*confirm_topic;	/* NULL: the default */
};

extern const struct key sparkplug_keys[];
/* 0, or negative with cause and remedy in why and the key it concerns in *key. cfg borrows from s. */
int sp_cfg_read(const struct sink *s, struct sp_cfg *cfg, char *why, size_t size, size_t *key);
int sp_check(const struct sink *s, char *why, size_t size, size_t *key);

/* Append text as an id: '+', '/', '#', '%', control bytes and what is no UTF-8 become %XX, so that different texts stay different. With
 * path, '/' becomes '.', and '.' itself %2E. */
void sp_id_put(struct buf *out, const char *text, size_t len, bool path);

#endif
