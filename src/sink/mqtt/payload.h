/*
 * What is published: batches of samples as JSON. Two kinds, both described for their readers in doc/mqtt.md:
 *
 *	scan	one message a batch (more when the topic differs within it): {"key","flow","groups":[{"source","server","arrival","samples":[...]}]}
 *	tag	one message a sample, for a unified namespace: {"v","q","ts","u","key"}; or what a payload template says
 *
 * All that depends on the tag alone (topic, quoted name, quoted unit) is made once a stream, so a value costs a copy, a number and
 * little else. Repeats are the same bytes under the same key.
 */
#ifndef SINK_MQTT_PAYLOAD_H
#define SINK_MQTT_PAYLOAD_H

#include "base/arena.h"
#include "sink/sink.h"

#define PAYLOAD_BYTES_MAX	(48u << 20)	/* of all messages of one batch */
#define PAYLOAD_KEY_MAX		320u

enum payload_kind { PAYLOAD_SCAN, PAYLOAD_TAG };

struct payload_template;	/* template.h */

struct payload_tag {
	const char	*topic;		/* NULL: too long to be one */
	const char	*head;		/* {"n":"<name>","v": */
	const char	*unit;		/* ,"u":"<unit>" or "" */
	const char	*source;
	uint32_t	 head_len, unit_len;
};

/* One stream as this sink encodes it. */
struct payload_stream {
	struct arena		 arena;
	enum payload_kind	 kind;
	const struct payload_template *template;	/* NULL: the kind's own shape */
	const struct spool_schema *schema;
	const struct plan	*plan;
	char			 key[PAYLOAD_KEY_MAX];	/* "<flow>@<schema>/" */
	size_t			 key_len;
	const char		*flow;			/* quoted */
	struct payload_tag	*tags;
	unsigned		 refs;		/* the stream's own, and one a batch whose messages are under way */
};

struct payload_msg {
	const char	*topic;
	size_t		 key, at;	/* offsets into bytes: the key (NUL-ended), the payload */
	uint32_t	 len;
};

/* The messages of one batch; reused from batch to batch. */
struct payload_out {
	struct buf		 bytes;
	struct payload_msg	*msgs;
	uint32_t		 digest;	/* of the batch, part of every key */
	size_t			 n, cap;
};

/* Never NULL, with one reference. The schema and plan of s are borrowed while batches are encoded. */
struct payload_stream *payload_stream_new(const struct sink_stream *s, enum payload_kind kind, const char *topic,
    const struct payload_template *t);
struct payload_stream *payload_stream_ref(struct payload_stream *p);
void payload_stream_unref(struct payload_stream *p);	/* freed with the last one; NULL: nothing */
/* 0; ERR_LIMIT (too large, or a tag whose topic is too long); ERR_NOMEM; ERR_PROTO (a tag the schema does not have). */
int payload_encode(struct payload_stream *p, const struct spool_batch *b, struct payload_out *out);
void payload_out_fini(struct payload_out *out);

#endif
