/*
 * Payload templates: JSON of the reader's own shape, one message a sample.
 *
 *	{"temp": ${value}, "ok": ${good}, "at": ${time-ms}}
 *
 * A placeholder stands where a JSON value stands, and becomes one, quotes included; so whatever the plant sends cannot break the
 * JSON. A placeholder inside a string is refused, and so is a template that does not make valid JSON.
 */
#ifndef SINK_MQTT_TEMPLATE_H
#define SINK_MQTT_TEMPLATE_H

#include "base/json.h"
#include "model/sample.h"

#define TEMPLATE_MAX		4096u
#define TEMPLATE_PARTS_MAX	64u

/* What a sample gives to fill in. All texts borrowed, NUL-ended. */
struct template_values {
	const struct sample	*sample;
	const char		*enterprise, *site, *flow, *source, *name, *unit, *key;
	uint64_t		 number;
};

struct payload_template;
/* text is copied. need_key: ${key} must appear. 0 and *out given (template_free); else cause and remedy in why. */
int template_parse(const char *text, bool need_key, struct payload_template **out, char *why, size_t size);
void template_free(struct payload_template *t);
void template_put(const struct payload_template *t, const struct template_values *v, struct buf *out);

/* The value as JSON: null when the status is bad, never invented. */
void template_value(struct json *j, const struct sample *s);

#endif
