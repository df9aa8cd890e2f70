/*
 * Sparkplug payloads as bytes (Sparkplug 3.0.0, chapter 6): metrics are added one by one, then encoded in one go. The builder keeps
 * its memory from payload to payload.
 *
 * A value goes out as its datatype asks (6.4.16, 6.4.17): signed integers as two's complement in the unsigned field, arrays as packed
 * little-endian bytes, times as milliseconds UTC. A value that is not there is is_null and nothing else.
 *
 * Quality (6.4.14) knows three codes, and is added only where it is not GOOD. The exact OPC UA status code stands beside it, in
 * a property of our own, "StatusCode" (UInt32).
 */
#ifndef SINK_SPARKPLUG_SP_WIRE_H
#define SINK_SPARKPLUG_SP_WIRE_H

#include "base/buf.h"
#include "base/clock.h"
#include "model/value.h"

enum sp_quality { SP_BAD = 0, SP_GOOD = 192, SP_STALE = 500 };

#define SP_INT64	4u	/* datatypes of the node's own metrics, 6.4.16 */
#define SP_BOOLEAN	11u
#define SP_STRING	12u
#define SP_VALUE_ROOM	160u	/* a data metric takes at most as many bytes, its value's own bytes aside */

struct sp_metric_out {
	const char	*name;		/* NULL: the alias stands for it */
	uint64_t	 alias;		/* 0: none */
	struct wall	 time;
	bool		 datatype;	/* say it: births */
	bool		 historical;
	uint32_t	 status;	/* OPC UA */
	const struct value *v;		/* borrowed until sp_builder_encode(); VALUE_NULL is a null of type `type` */
	uint8_t		 type;		/* as in struct value: of the metric */
	const char	*unit;		/* births: property engUnit; NULL or "": none */
	bool		 has_range;	/* births: properties engLow, engHigh */
	double		 lo, hi;
};

struct sp_builder;
struct sp_builder *sp_builder_new(void);	/* never NULL */
void sp_builder_free(struct sp_builder *b);
/* Start a payload. seq < 0: none (NDEATH). */
void sp_builder_begin(struct sp_builder *b, struct wall now, int seq);
void sp_builder_metric(struct sp_builder *b, const struct sp_metric_out *m);
/* Bytes into out (reset before). out->err tells. */
void sp_builder_encode(struct sp_builder *b, struct buf *out);

/* Sparkplug datatype of a value type, 0 for none. */
uint32_t sp_datatype(uint8_t type);
enum sp_quality sp_quality(uint32_t status);
/* Does this status say that there is no way to the device? Then its metrics are stale, and a device all of which are is dead. */
bool sp_status_away(uint32_t status);

#endif
