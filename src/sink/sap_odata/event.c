/* See event.h. */
#include "sink/sap_odata/event.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static const char *
text(const json_t *o, const char *name, struct arena *a)
{
	const char *s = json_string_value(json_object_get(o, name));
	return s != NULL ? arena_strdup(a, s) : NULL;
}

int
sap_event_read(const char *json, size_t len, struct arena *a, struct sap_event *out, char *why, size_t size)
{
	json_error_t e;
	json_t *o = json_loadb(json, len, JSON_REJECT_DUPLICATES, &e);
	const char *time = NULL;

	*out = (struct sap_event){ 0 };
	if (json_is_object(o)) {
		*out = (struct sap_event){ .id = text(o, "id", a), .path = text(o, "event", a), .type = text(o, "type", a), .key = text(o, "key", a) };
		json_t *no = json_object_get(o, "no"), *fault = json_object_get(o, "fault");
		out->no = json_is_integer(no) && json_integer_value(no) > 0 ? (uint64_t)json_integer_value(no) : 0;
		time = text(o, "time", a);
		if (json_is_object(fault)) {
			out->fault_code = text(fault, "code", a);
			out->fault_text = text(fault, "text", a);
			out->fault_field = text(fault, "field", a);
			out->fault_code = out->fault_code != NULL ? out->fault_code : "fault";
		}
	}
	json_decref(o);
	if (out->id == NULL || out->id[0] == '\0' || out->path == NULL || out->type == NULL || out->key == NULL || time == NULL ||
	    wall_parse(time, &out->time) != 0) {
		snprintf(why, size, "this is no event: it is not a JSON object with id, event, type, key and time");
		return ERR_SYNTAX;
	}
	return 0;
}
