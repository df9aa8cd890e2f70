/* See sp_command.h. */
#include <jansson.h>

#include "sink/sparkplug/sp_command.h"

#include <string.h>

#include "base/err.h"
#include "sink/sparkplug/sparkplug.pb-c.h"

int
sp_command_parse(const void *p, size_t len, struct sp_command *out)
{
	*out = (struct sp_command){ 0 };
	if (len > SP_COMMAND_MAX)
		return ERR_LIMIT;
	Spb__Command *c = spb__command__unpack(NULL, len, p);
	if (c == NULL)
		return ERR_PROTO;
	for (size_t i = 0; i < c->n_metrics; i++) {
		const Spb__CommandMetric *m = c->metrics[i];
		if (m->name != NULL && strcmp(m->name, "Node Control/Rebirth") == 0)
			out->rebirth = out->rebirth || (m->has_boolean_value && m->boolean_value);
		else
			out->others++;
	}
	spb__command__free_unpacked(c, NULL);
	return 0;
}

int
sp_host_state_parse(const void *p, size_t len, struct sp_host_state *out)
{
	if (len > SP_STATE_MAX)
		return ERR_LIMIT;
	json_t *root = json_loadb(p, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *online = json_object_get(root, "online"), *timestamp = json_object_get(root, "timestamp");
	int err = root == NULL ? ERR_SYNTAX : 0;

	if (err == 0 && (!json_is_boolean(online) || !json_is_number(timestamp)))
		err = ERR_PROTO;
	double ms = err == 0 ? json_number_value(timestamp) : 0;
	if (err == 0 && !(ms >= 0 && ms < 9e15))
		err = ERR_PROTO;
	if (err == 0)
		*out = (struct sp_host_state){ json_is_true(online), json_is_integer(timestamp) ? json_integer_value(timestamp) : (int64_t)ms };
	json_decref(root);
	return err;
}

bool
sp_host_take(struct sp_host *h, const struct sp_host_state *s)
{
	if (h->known && s->timestamp < h->timestamp)
		return false;
	*h = (struct sp_host){ .known = true, .online = s->online, .timestamp = s->timestamp };
	return true;
}
