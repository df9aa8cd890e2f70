/*
 * Services: what the nodes need that is no flow of tags, read and judged. They go through conduits as flows do, so a
 * conduit that serves one is used, and the rules for used conduits (Z3) hold for it as well.
 */
#include <stdio.h>
#include <string.h>

#include "site/arch_rule.h"
#include "site/link.h"

const char *const service_kinds[] = { "time", "names", "directory", "patches", "malware", "backup", "logs", "upkeep", NULL };
const char *const service_transports[] = { "tcp", "udp", NULL };
const char *const service_sessions[] = { "node", "server", NULL };

/* What each node must say, one way or the other; upkeep from afar nobody needs to have. */
#define MUST_SAY	SERVICE_UPKEEP

/* Numbers of the rows that a list names, or of all; in the plan's arena. */
static const uint32_t *
numbers(struct loader *l, const struct node *n, const char *key, int section, const struct keyval *v,
    const char *what, uint32_t *count)
{
	const struct plan *p = l->plan;
	uint32_t all = section == SECTION_NODES ? p->arch->nnodes : 0,
	    *out = arena_array(&l->plan->arena, (v->set ? v->n : all) + 1, sizeof *out);

	*count = 0;
	for (uint32_t i = 0; !v->set && i < all; i++)
		out[(*count)++] = i;
	for (size_t i = 0; v->set && i < v->n; i++) {
		const void *row = ref_find(l, section, v->list[i], keys_item_place(l, n, key, i), what);
		if (row != NULL)
			out[(*count)++] = section == SECTION_NODES ? (uint32_t)((const struct gateway_node *)row - p->arch->nodes) :
			    (uint32_t)((const struct zone *)row - p->zones);
	}
	return out;
}

static uint32_t
zone_number(const struct plan *p, const char *name)
{
	uint32_t i = 0;

	while (i < p->nzones && strcmp(p->zones[i].name, name) != 0)
		i++;
	return i;
}

/* The conduit by which one zone opens sessions to the other; nconduits: there is none. */
static uint32_t
conduit_opened(const struct plan *p, uint32_t from, uint32_t to)
{
	uint32_t i = 0;

	for (; i < p->nconduits; i++) {
		const struct conduit *c = &p->conduits[i];
		uint32_t opens = c->initiator_from ? c->from : c->to, other = c->initiator_from ? c->to : c->from;
		if (opens == from && other == to)
			break;
	}
	return i;
}

/* Does the node itself have a leg there? Then no conduit is between. */
static bool
stands_in(const struct gateway_node *n, const char *zone)
{
	bool in = strcmp(n->zone, zone) == 0;

	for (uint32_t i = 0; i < n->ninterfaces; i++)
		in = in || strcmp(n->interfaces[i].zone, zone) == 0;
	return in;
}

/* The conduit between a node and a service; nconduits: none leads there; UINT32_MAX: none is needed. */
static uint32_t
conduit_of(const struct plan *p, const struct service *s, const struct gateway_node *n)
{
	uint32_t home = zone_number(p, n->zone), best = p->nconduits;

	if (stands_in(n, p->zones[s->zone].name))
		return UINT32_MAX;
	if (home < p->nzones)
		best = s->server_opens ? conduit_opened(p, s->zone, home) : conduit_opened(p, home, s->zone);
	return best;
}

void
arch_service(struct loader *l, const struct node *n, const char *what)
{
	struct plan *p = l->plan;
	struct arch *a = p->arch;
	struct keyval v[SERVICE_KEYS] = { 0 };
	struct service *s = &a->services[a->nservices++];
	struct endpoint e;
	char why[160];

	keys_read(l, n, what, &(struct keyset){ service_keys, v }, 1);
	*s = (struct service){ .name = strings_keep(&l->strings, n->key->text, n->key->len),
	    .kind = (enum service_kind)v[SERVICE_KEY_KIND].i,
	    .transport = (int)v[SERVICE_KEY_TRANSPORT].i, .server_opens = v[SERVICE_KEY_SESSION].i == 1,
	    .place = loader_at(l, n->key),
	    .owner = v[SERVICE_KEY_OWNER].set ? v[SERVICE_KEY_OWNER].s : "",
	    .help = v[SERVICE_KEY_DESCRIPTION].set ? v[SERVICE_KEY_DESCRIPTION].s : "",
	    .endpoint = v[SERVICE_KEY_ENDPOINT].set ? v[SERVICE_KEY_ENDPOINT].s : "" };
	const struct zone *z = v[SERVICE_KEY_ZONE].set ? ref_find(l, SECTION_ZONES, v[SERVICE_KEY_ZONE].s,
	    keys_item_place(l, n, "zone", 0), what) : NULL;
	if (v[SERVICE_KEY_ENDPOINT].set && (endpoint_parse(s->endpoint, &e, why, sizeof why) != 0 || e.device || e.port == 0)) {
		site_error(&l->f, "endpoint", keys_item_place(l, n, "endpoint", 0),
		    "%s: \"%.80s\" is no address with a port", what, s->endpoint);
		site_remedy(&l->f, "write it as 10.9.0.5:123");
	}
	s->nodes = numbers(l, n, "nodes", SECTION_NODES, &v[SERVICE_KEY_NODES], what, &s->nnodes);
	s->shared = numbers(l, n, "shared-with", SECTION_ZONES, &v[SERVICE_KEY_SHARED], what, &s->nshared);
	if (z == NULL)
		return;
	s->zone = (uint32_t)(z - p->zones);
	l->zone_used[s->zone] = true;
	for (uint32_t i = 0; i < s->nnodes; i++) {
		uint32_t c = conduit_of(p, s, &a->nodes[s->nodes[i]]);
		if (c < p->nconduits)
			l->conduit_used[c] = true;
	}
}

void
administration_is_apart(struct loader *l, const struct rule *r)
{
	static const char remedy[] = "let a directory of the OT side know who administers there, which trusts none of the business, or say without: [directory] at "
	    "the node and keep accounts on it";
	const struct plan *p = l->plan;
	const struct arch *a = p->arch;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < a->nservices; i++) {
		const struct service *s = &a->services[i];
		const struct zone *business = zone_is_beyond_dmz(&p->zones[s->zone]) ? &p->zones[s->zone] : NULL;
		const struct gateway_node *node = NULL;
		bool direct = business != NULL;
		for (uint32_t k = 0; business == NULL && k < s->nshared; k++)
			if (zone_is_beyond_dmz(&p->zones[s->shared[k]]))
				business = &p->zones[s->shared[k]];
		for (uint32_t k = 0; node == NULL && k < s->nnodes; k++) {
			uint32_t z = zone_number(p, a->nodes[s->nodes[k]].zone);
			if (z < p->nzones && !zone_is_beyond_dmz(&p->zones[z]))
				node = &a->nodes[s->nodes[k]];
		}
		if (s->kind == SERVICE_DIRECTORY && business != NULL && node != NULL)
			arch_broken(l, r, s->place, arch_named(where, "service", s->name), remedy,
			    "node %s of zone %s takes the accounts of its administrators from a "
			    "directory that %s zone %s (level %g): who owns that one owns the node", node->name, node->zone, direct ? "stands in" : "is shared with",
			    business->name, business->level);
	}
}

static bool
is_served(const struct arch *a, uint32_t node, enum service_kind kind)
{
	for (uint32_t i = 0; i < a->nservices; i++)
		for (uint32_t k = 0; a->services[i].kind == kind && k < a->services[i].nnodes; k++)
			if (a->services[i].nodes[k] == node)
				return true;
	return false;
}

static void
ways_are_there(struct loader *l, const struct rule *r, const struct service *s)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t k = 0; k < s->nnodes; k++) {
		const struct gateway_node *n = &p->arch->nodes[s->nodes[k]];
		uint32_t c = conduit_of(p, s, n);
		const char *from = s->server_opens ? p->zones[s->zone].name : n->zone,
		    *to = s->server_opens ? n->zone : p->zones[s->zone].name;
		if (c == p->nconduits)
			arch_broken(l, r, s->place, arch_named(where, "service", s->name),
			    "add the conduit, or let a server in a zone next to it pass the service on",
			    "node %s uses it, and no conduit lets zone %s open a session to zone %s", n->name, from, to);
		else if (c < p->nconduits && p->arch->conduits[c].one_way)
			arch_broken(l, r, s->place, arch_named(where, "service", s->name), "give it a server on this side",
			    "conduit %s is one-way, and a service needs answers", p->conduits[c].name);
		else
			continue;
		break;	/* of a service once: its nodes share the fault */
	}
}

void
services_are_said(struct loader *l, const struct rule *r)
{
	const struct arch *a = l->plan->arch;
	char where[ARCH_WHERE], lacks[200];

	for (uint32_t i = 0; i < a->nnodes; i++) {
		size_t n = 0;
		lacks[0] = '\0';
		for (int k = 0; k < MUST_SAY; k++)
			if ((a->nodes[i].without >> k & 1) == 0 && !is_served(a, i, (enum service_kind)k))
				n += (size_t)snprintf(lacks + n, sizeof lacks - n, "%s%s", n > 0 ? ", " : "", service_kinds[k]);
		if (n > 0)
			arch_broken(l, r, a->nodes[i].place, arch_named(where, "node", a->nodes[i].name),
			    "add them to the section services, or to `without` of the node",
			    "it does not say where it gets these from, or that it does without: %s", lacks);
	}
	for (uint32_t i = 0; i < a->nservices; i++)
		ways_are_there(l, r, &a->services[i]);
}
