/* Any text as a payload template and as a topic template: refused, or filled in to valid JSON and to a topic that may be published to. */
#include <jansson.h>
#include <mosquitto.h>
#include <stdlib.h>
#include <string.h>

#include "sink/mqtt/template.h"
#include "sink/mqtt/topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_payload(const char *text)
{
	struct sample s = { .v = { .type = VALUE_TEXT, .len = (uint32_t)strlen(text), .p = text }, .status = 0x40000000u };
	struct template_values v = { &s, text, "s", "f", NULL, text, "u", "k", 1 };
	struct payload_template *t;
	struct buf out = { 0 };
	char why[300];

	if (template_parse(text, false, &t, why, sizeof why) != 0)
		return;
	template_put(t, &v, &out);
	json_t *j = json_loadb(buf_text(&out), out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (j == NULL)
		abort();
	json_decref(j);
	buf_fini(&out);
	template_free(t);
}

static void
try_topic(const char *text)
{
	struct topic_parts p = { text, text, text, text, text, text };
	struct buf out = { 0 };
	char why[300];

	if (topic_check(text, why, sizeof why) == 0 && topic_make(text, &p, &out) == 0 && mosquitto_pub_topic_check(buf_text(&out)) != 0)
		abort();
	buf_reset(&out);
	if (topic_make("{enterprise}/{equipment}/{tag}", &p, &out) == 0 && mosquitto_pub_topic_check(buf_text(&out)) != 0)
		abort();
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL || size > 8192) {
		free(text);
		return 0;
	}
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	try_payload(text);
	try_topic(text);
	free(text);
	return 0;
}
