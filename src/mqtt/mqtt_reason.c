/* Reason codes of MQTT 5.0, 2.4, as texts and as what to do about them; and endpoints as people write them. */
#include <string.h>

#include "base/num.h"
#include "mqtt/mqtt_link.h"
#include "mqtt/mqtt_link_int.h"

/* What a DISCONNECT or PUBACK with this reason says about us. */
enum blame { OBJECTS, TEMPORARY, STEPS_DOWN, TAKEN_OVER };

static const struct reason {
	uint8_t		 code;
	enum blame	 blame;
	const char	*text;
} reasons[] = {
	{ 0x80, OBJECTS,    "unspecified error" },
	{ 0x81, OBJECTS,    "malformed packet" },
	{ 0x82, OBJECTS,    "protocol error" },
	{ 0x83, TEMPORARY,  "refused by the broker's own rules (implementation specific)" },
	{ 0x84, OBJECTS,    "protocol version not supported" },
	{ 0x85, OBJECTS,    "client id not valid" },
	{ 0x86, OBJECTS,    "bad user name or password" },
	{ 0x87, OBJECTS,    "not authorized" },
	{ 0x88, STEPS_DOWN, "server unavailable" },
	{ 0x89, STEPS_DOWN, "server busy" },
	{ 0x8a, OBJECTS,    "banned" },
	{ 0x8b, STEPS_DOWN, "server shutting down" },
	{ 0x8c, OBJECTS,    "bad authentication method" },
	{ 0x8d, STEPS_DOWN, "keep-alive time-out" },
	{ 0x8e, TAKEN_OVER, "session taken over by another client with the same client id" },
	{ 0x8f, OBJECTS,    "topic filter invalid" },
	{ 0x90, OBJECTS,    "topic name invalid" },
	{ 0x91, TEMPORARY,  "packet identifier in use" },
	{ 0x93, STEPS_DOWN, "receive maximum exceeded" },
	{ 0x94, OBJECTS,    "topic alias invalid" },
	{ 0x95, OBJECTS,    "packet too large" },
	{ 0x96, STEPS_DOWN, "message rate too high" },
	{ 0x97, TEMPORARY,  "quota exceeded" },
	{ 0x98, STEPS_DOWN, "administrative action" },
	{ 0x99, OBJECTS,    "payload format invalid" },
	{ 0x9a, OBJECTS,    "retain not supported" },
	{ 0x9b, OBJECTS,    "QoS not supported" },
	{ 0x9c, STEPS_DOWN, "use another server" },
	{ 0x9d, STEPS_DOWN, "server moved" },
	{ 0x9f, STEPS_DOWN, "connection rate exceeded" },
	{ 0xa0, STEPS_DOWN, "maximum connect time" },
};

static const struct reason *
find(uint8_t code)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].code == code)
			return &reasons[i];
	return NULL;
}

const char *
mqtt_reason_text(uint8_t reason)
{
	const struct reason *r = find(reason);
	return r != NULL ? r->text : reason < 0x80 ? "success" : "a reason that MQTT 5.0 does not name";
}

bool
mqtt_reason_is_temporary(uint8_t reason)
{
	const struct reason *r = find(reason);
	return r != NULL && r->blame == TEMPORARY;
}

enum mqtt_fall
mqtt_reason_fall(uint8_t reason)
{
	const struct reason *r = find(reason);

	if (r == NULL || r->blame == OBJECTS)
		return MQTT_FALL_OBJECTION;
	return r->blame == TAKEN_OVER ? MQTT_FALL_TAKEN_OVER : MQTT_FALL_STEPPED_DOWN;
}

int
mqtt_endpoint(const char *text, uint16_t default_port, char *host, size_t size, uint16_t *port)
{
	const char *end, *colon;

	if (text[0] == '[') {
		end = strchr(++text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return ERR_SYNTAX;
		colon = end[1] == ':' ? end + 1 : NULL;
	} else {
		colon = strchr(text, ':');
		end = colon != NULL ? colon : text + strlen(text);
	}
	size_t len = (size_t)(end - text);
	if (len == 0)
		return ERR_SYNTAX;
	if (len >= size)
		return ERR_LIMIT;
	uint64_t n = default_port;
	if (colon != NULL && (num_parse_u64(colon + 1, strlen(colon + 1), &n) != 0 || n == 0 || n > 65535))
		return ERR_SYNTAX;
	memcpy(host, text, len);
	host[len] = '\0';
	*port = (uint16_t)n;
	return 0;
}
