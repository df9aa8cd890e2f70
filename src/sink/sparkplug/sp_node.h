/*
 * The edge node as a model: which devices it has, which metrics they have, and the last value known of each. Device 0 is the node itself.
 * The model is made from the streams that are owed to the sink, and made anew when they change; values survive where name and type do.
 *
 *	stream tag "Packaging/Line 3/Filler/speed" of source filler-plc is, by the rule of the site file (sp_keys.h),
 *	source:		device filler-plc, metric "Packaging/Line 3/Filler/speed"
 *	equipment:	device Packaging.Line 3.Filler, metric "speed"
 *	node:		device 0, metric "Packaging/Line 3/Filler/speed"
 *
 * A tag that two flows carry is one metric. Where two streams know a name with different types (a backlog from before a change of the plan),
 * the one not of the present plan gets its type behind its name.
 */
#ifndef SINK_SPARKPLUG_SP_NODE_H
#define SINK_SPARKPLUG_SP_NODE_H

#include "base/arena.h"
#include "base/map.h"
#include "sink/sink.h"
#include "sink/sparkplug/sp_keys.h"

struct sp_metric {
	const char	*key;		/* "<device>\n<name>": the name is behind the line end */
	const char	*name;
	uint64_t	 alias;		/* from 1, unique within the node */
	uint32_t	 device;
	uint8_t		 type;
	const char	*unit;
	bool		 has_range;
	double		 lo, hi;
	/* The last value: of the newest time, or the newest that was published as current. */
	bool		 known;
	struct value	 v;		/* its bytes are in `bytes` */
	uint32_t	 status;
	struct wall	 time;
	struct buf	 bytes;
};

struct sp_device {
	const char	*id;		/* NULL: the node itself */
	const char	*data_topic;
	uint32_t	*metrics;	/* indexes */
	uint32_t	 n;
	uint32_t	 away, present;	/* metrics whose status says that there is no way to the device; that say otherwise */
	bool		 born;		/* DBIRTH is out, and no DDEATH since */
	struct mono	 history;	/* when it was last sent stored data */
};

struct sp_stream {
	struct sp_stream	*next;
	struct sink_stream	*s;
	uint32_t		*metrics;	/* of each tag of the schema; in the node's arena */
	uint64_t		 newest;	/* numbers up to here went into births or out as current: repeats of them are history */
	bool			 read;		/* newest was found in the spool, in this session */
};

struct sp_node {
	struct arena		 arena;
	const char		*group, *id;
	struct sp_device	*devices;
	uint32_t		 ndevices;
	struct sp_metric	*metrics;
	uint32_t		 nmetrics;
	struct map		 by_key;	/* metric key -> index + 1 */
};

/* Build a node from streams; old: NULL, or the model before, whose values are moved over (it is then to be freed). */
void sp_node_build(struct sp_node *n, const struct sp_cfg *cfg, const char *group, const char *id, struct sp_stream *streams,
    struct sp_node *old);
/* Do both have the same devices and metrics under the same aliases? Then births of one hold for the other. */
bool sp_node_same(const struct sp_node *a, const struct sp_node *b);
void sp_node_fini(struct sp_node *n);
/* Remember a sample as the metric's last one. */
void sp_node_take(struct sp_node *n, uint32_t metric, const struct sample *s);
/* Is there no way to the device? Nothing known is not away. */
static inline bool sp_device_away(const struct sp_device *d) { return d->away > 0 && d->present == 0; }
/* spBv1.0/<group>/<type>/<node>[/<device>] into out (reset before). 4.1. */
void sp_topic(const struct sp_node *n, const char *type, const char *device, struct buf *out);

#endif
