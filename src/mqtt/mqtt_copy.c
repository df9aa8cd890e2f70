/* What mqtt_link_open() was given, kept by the link, with defaults where nothing was said. */
#include "mqtt/mqtt_link_int.h"

static const char *
copy(struct arena *a, const char *s)
{
	return s != NULL ? arena_strdup(a, s) : NULL;
}

static int64_t
or_default(int64_t v, int64_t def)
{
	return v > 0 ? v : def;
}

void
mqtt_copy_opts(struct mqtt_link *l, const struct mqtt_link_opts *o)
{
	struct arena *a = &l->arena;
	struct mqtt_server *servers = arena_array(a, o->nservers, sizeof *servers);
	struct mqtt_filter *filters = arena_array(a, o->nfilters + 1, sizeof *filters);

	l->o = *o;
	for (size_t i = 0; i < o->nservers; i++)
		servers[i] = (struct mqtt_server){ copy(a, o->servers[i].host), o->servers[i].port };
	for (size_t i = 0; i < o->nfilters; i++)
		filters[i] = (struct mqtt_filter){ copy(a, o->filters[i].filter), o->filters[i].qos };
	l->o.servers = servers;
	l->o.filters = filters;
	l->o.name = copy(a, o->name);
	l->o.client_id = copy(a, o->client_id);
	l->o.user = copy(a, o->user);
	l->o.password_file = copy(a, o->password_file);
	l->o.ca_file = copy(a, o->ca_file);
	l->o.cert_file = copy(a, o->cert_file);
	l->o.key_file = copy(a, o->key_file);
	l->o.window = o->window > 0 ? o->window : 1;
	l->o.connect_timeout_ns = or_default(o->connect_timeout_ns, 20 * NS_PER_S);
	l->o.ack_timeout_ns = or_default(o->ack_timeout_ns, 30 * NS_PER_S);
	l->o.pause_min_ns = or_default(o->pause_min_ns, NS_PER_S);
	l->o.pause_max_ns = or_default(o->pause_max_ns, 60 * NS_PER_S);
	l->flight = arena_array(a, l->o.window, sizeof *l->flight);
}
