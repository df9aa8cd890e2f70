/* See ways.h. */
#include "site/ways.h"

#include <string.h>

#include "site/arch.h"
#include "site/link.h"
#include "site/roles.h"

static const struct driver_info *
driver_of(const struct catalog *c, const char *name)
{
	for (size_t i = 0; c->drivers[i] != NULL; i++)
		if (strcmp(c->drivers[i]->name, name) == 0)
			return c->drivers[i];
	return NULL;
}

static const struct sink_info *
sink_of(const struct catalog *c, const char *kind)
{
	for (size_t i = 0; c->sinks[i] != NULL; i++)
		if (strcmp(c->sinks[i]->name, kind) == 0)
			return c->sinks[i];
	return NULL;
}

/* The value of a key by its name, NULL when it is not set. */
static const struct keyval *
value(const struct key *keys, const struct keyval *v, uint32_t n, const char *name)
{
	for (uint32_t i = 0; keys != NULL && i < n && keys[i].name != NULL; i++)
		if (strcmp(keys[i].name, name) == 0)
			return v[i].set ? &v[i] : NULL;
	return NULL;
}

static const char *
add_name(struct arena *a, const char *names, const char *name)
{
	return *names == '\0' ? name : arena_printf(a, "%s, %s", names, name);
}

static const char *
flows_of_source(const struct plan *p, uint32_t source, struct arena *a)
{
	const char *names = "";

	for (uint32_t i = 0; i < p->nflows; i++)
		for (uint32_t k = 0; k < p->flows[i].ntags; k++)
			if (p->flows[i].tags[k].source == source) {
				names = add_name(a, names, p->flows[i].name);
				break;
			}
	return names;
}

static const char *
flows_of_sink(const struct plan *p, uint32_t sink, struct arena *a)
{
	const char *names = "";

	for (uint32_t i = 0; i < p->nflows; i++)
		for (uint32_t k = 0; k < p->flows[i].nsinks; k++)
			if (p->flows[i].sinks[k] == sink)
				names = add_name(a, names, p->flows[i].name);
	return names;
}

static void
place_end(struct way *w, const char *endpoint, const char *scheme, int default_port, struct arena *a)
{
	struct endpoint e;
	const char *path;
	char why[160];
	int err = scheme != NULL ? endpoint_parse_url(endpoint, scheme, &e, &path, why, sizeof why) :
	    endpoint_parse(endpoint, &e, why, sizeof why);

	w->host = "";
	if (err != 0) {
		w->missing = arena_strdup(a, why);
		return;
	}
	w->host = arena_strdup(a, e.host);
	w->port = e.port != 0 ? e.port : default_port;
	if (w->port == 0)
		w->missing = "no port is written, and the protocol has no usual one";
}

bool
way_of_source(const struct plan *p, const struct catalog *c, uint32_t i, struct arena *a, struct way *w)
{
	const struct source *s = &p->sources[i];
	const struct driver_info *d = driver_of(c, s->driver);

	if (d == NULL || d->endpoint_is_device)
		return false;
	const struct keyval *tls = value(d->keys, s->keys, s->nkeys, "tls");
	*w = (struct way){ .what = arena_printf(a, "source %s", s->name), .kind = s->driver, .zone = p->zones[s->zone].name,
	    .flows = "", .encrypted = tls != NULL ? tls->b : d->endpoint_scheme != NULL && !d->one_way,
	    .inbound = source_listens(d, s), .one_way = d->one_way };
	place_end(w, s->endpoint, d->endpoint_scheme, d->default_port, a);
	return true;
}

/*
 * A sink may have several far ends, one a key of type endpoint (a token server beside the system itself). With a proxy,
 * that is the only way.
 */
uint32_t
ways_of_sink(const struct plan *p, const struct catalog *c, uint32_t i, struct arena *a, struct way *w)
{
	const struct sink *s = &p->sinks[i];
	const struct sink_info *info = sink_of(c, s->kind);
	const struct key *keys = info != NULL ? info->keys : NULL;
	const struct keyval *tls = value(keys, s->keys, s->nkeys, "tls"), *proxy = value(keys, s->keys, s->nkeys, "proxy");
	uint32_t n = 0;

	for (uint32_t k = 0; keys != NULL && k < s->nkeys && keys[k].name != NULL; k++) {
		if (keys[k].type != KEY_ENDPOINT || !s->keys[k].set || (proxy != NULL && &s->keys[k] != proxy))
			continue;
		w[n] = (struct way){ .what = arena_printf(a, "sink %s", s->name), .kind = s->kind, .zone = p->zones[s->zone].name,
		    .inbound = sink_listens(info, s), .flows = "",
		    .encrypted = tls != NULL ? tls->b : info->listens || info->encrypted,
		    .one_way = info->one_way };
		place_end(&w[n++], s->keys[k].s, NULL, &s->keys[k] == proxy ? 0 :
		    tls != NULL && tls->b ? info->tls_port : info->default_port, a);
	}
	return n;
}

/* Far ends that the sinks may have at most. */
static uint32_t
sink_ways_max(const struct plan *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->nsinks; i++)
		n += p->sinks[i].nkeys;
	return n;
}

uint32_t
ways_of(const struct plan *p, const struct catalog *c, struct arena *a, struct way **out)
{
	struct way *w = arena_array(a, p->nsources + sink_ways_max(p) + 1u, sizeof *w);
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->nsources; i++)
		if (way_of_source(p, c, i, a, &w[n]))
			w[n++].flows = flows_of_source(p, i, a);
	for (uint32_t i = 0; i < p->nsinks; i++) {
		uint32_t more = ways_of_sink(p, c, i, a, &w[n]);
		const char *flows = more > 0 ? flows_of_sink(p, i, a) : "";
		for (; more > 0; more--)
			w[n++].flows = flows;
	}
	*out = w;
	return n;
}

/* The server's zone where the node has a leg there; else the way leads over the node's own. */
static const char *
zone_faced(const struct plan *p, const struct gateway_node *n, uint32_t zone)
{
	for (uint32_t i = 0; i < n->ninterfaces; i++)
		if (strcmp(n->interfaces[i].zone, p->zones[zone].name) == 0)
			return p->zones[zone].name;
	return n->zone;
}

static bool
uses(const struct service *s, uint32_t node)
{
	for (uint32_t i = 0; i < s->nnodes; i++)
		if (s->nodes[i] == node)
			return true;
	return false;
}

uint32_t
ways_of_services(const struct plan *p, const struct gateway_node *node, struct arena *a, struct way **out)
{
	const struct arch *x = p->arch;
	struct way *w = arena_array(a, x->nservices + 1u, sizeof *w);
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->nservices; i++) {
		const struct service *s = &x->services[i];
		if (!uses(s, (uint32_t)(node - x->nodes)))
			continue;
		w[n] = (struct way){ .what = arena_printf(a, "service %s", s->name), .kind = service_kinds[s->kind],
		    .zone = zone_faced(p, node, s->zone),
		    .flows = "", .inbound = s->server_opens,
		    .udp = strcmp(service_transports[s->transport], "udp") == 0, .service = true };
		place_end(&w[n++], s->endpoint, NULL, 0, a);
	}
	*out = w;
	return n;
}
