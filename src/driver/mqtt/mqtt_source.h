/* What the files of the mqtt driver share; nobody else includes this. mqtt_source.c tells the whole. */
#ifndef DRIVER_MQTT_SOURCE_H
#define DRIVER_MQTT_SOURCE_H

#include <uv.h>

#include "base/log.h"
#include "driver/driver.h"
#include "mqtt/mqtt_opts.h"

#define HOLD		64u		/* messages that the broker has no acknowledgement for */
#define PENDING_MAX	(4 * HOLD)	/* ... and those of connections before, that gate has not confirmed */
#define RECENT		1024u		/* ids that a repeat is known by */
#define ID_MAX		64u
#define STUCK_NS	(120 * NS_PER_S)	/* gate says nothing for so long: what waits is given to it again */

enum mqtt_source_key { MQTT_WHO_ENUM, K_SESSION, MQTT_SOURCE_KEYS };
extern const struct key mqtt_source_keys[];
extern const char *const mqtt_at_forms[];
int mqtt_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size);
/* Host, port and log-on of a source. 0, or ERR_SYNTAX with cause and remedy. */
int mqtt_source_opts(const char *endpoint, const struct keyval *keys, struct mqtt_opts *out, char *why, size_t size);

/* A message from its arrival until the broker has its acknowledgement. */
struct pending {
	struct pending	*next;
	uint32_t	 session;	/* counts connections */
	bool		 done;		/* gate has all of it, or nobody wants it */
	uint64_t	 first, last;	/* numbers of its samples, one a tag; 0: it waits for those of the same id */
	struct wall	 time, arrival;
	char		 id[ID_MAX + 1];	/* "": it has none */
	size_t		 len;
	char		*payload;	/* gone once it is done */
	char		 topic[];
};

struct mqtts {
	struct driver_host	*h;
	const struct source	*s;
	struct mqtt_opts	 opts;
	struct way		*way;		/* the connection, outlives this one if its thread is held up */
	int			 watch, timer_fd;
	bool			 up, leaving;
	uint32_t		 session;
	struct pending		*head, **tail;
	unsigned		 npending;
	uint64_t		 origin, no, base;	/* numbered to gate: last given, last that is durable */
	struct mono		 moved;
	char			(*recent)[ID_MAX + 1];	/* [RECENT] */
	unsigned		 recent_at;
	struct log_limit	 quiet;
	uint64_t		 received, repeats, refused;
	char			 trouble[200];	/* of the last message that was none */
};

/* take.c */
void mqtts_received(struct mqtts *d, const char *topic, const void *payload, size_t len, struct wall wall, struct mono now);
/* Gate has all numbers up to no. */
void mqtts_confirmed(struct mqtts *d, uint64_t no);
/* What gate has not confirmed, with its old numbers. */
void mqtts_again(struct mqtts *d, const char *why);
/* Forget what is done with, oldest first; returns how many of these the broker waits for. */
unsigned mqtts_settle(struct mqtts *d);
void mqtts_forget(struct mqtts *d);

#endif
