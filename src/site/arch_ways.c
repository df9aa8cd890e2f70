/*
 * Rules about ways: conduits that carry nothing, or must go one way; ports across the DMZ, how devices are attached,
 * what listens.
 */
#include <string.h>

#include "site/arch_rule.h"
#include "site/ways.h"

/* A flow's conduits join the zones that it touches by construction (route.c); what is left to break is a way for nothing. */
void
conduits_carry_something(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nconduits; i++)
		if (!l->conduit_used[i])
			arch_broken(l, r, p->conduits[i].at, arch_named(where, "conduit", p->conduits[i].name),
			    "remove it, or write down the flow or the service "
			    "that needs it", "no flow and no service goes through it: a way that is open for nothing");
}

/*
 * The way by which data comes from below: to the machine in OT, or to us in the DMZ where a node below connects. False:
 * none, or not from below.
 */
static bool
way_from_below(struct loader *l, uint32_t source, struct way *w)
{
	const struct zone *z = &l->plan->zones[l->plan->sources[source].zone];

	return way_of_source(l->plan, l->catalog, source, &l->scratch, w) && w->missing == NULL &&
	    (zone_is_ot(z) || (w->inbound && !zone_is_beyond_dmz(z)));
}

/* Does this sink beyond the DMZ go by the same port, TCP or UDP? */
static bool
sink_has_port(struct loader *l, uint32_t sink, const struct way *below)
{
	const struct plan *p = l->plan;
	struct way *w;
	bool has = false;

	if (!zone_is_beyond_dmz(&p->zones[p->sinks[sink].zone]))
		return false;
	w = arena_array(&l->scratch, p->sinks[sink].nkeys + 1, sizeof *w);
	for (uint32_t n = ways_of_sink(p, l->catalog, sink, &l->scratch, w); n > 0; n--)
		has = has || (w[n - 1].missing == NULL && w[n - 1].port == below->port && w[n - 1].one_way == below->one_way);
	return has;
}

/*
 * One port that is open through both firewalls of a DMZ is one step for whoever speaks its protocol. Only what this
 * node passes on can be seen here: a path over several nodes has a site file for each.
 */
void
ports_differ_across_the_dmz(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	uint32_t *flow = arena_array(&l->scratch, p->nsources + 1, sizeof *flow);	/* the last one that a source was seen in, from 1 */
	char where[ARCH_WHERE];
	struct way w;

	for (uint32_t i = 0; i < p->nflows; i++)
		for (uint32_t t = 0; t < p->flows[i].ntags; t++) {
			uint32_t source = l->tags[p->flows[i].tags[t].tag].source;
			if (flow[source] == i + 1)
				continue;
			flow[source] = i + 1;
			for (uint32_t k = 0; way_from_below(l, source, &w) && k < p->flows[i].nsinks; k++)
				if (sink_has_port(l, p->flows[i].sinks[k], &w))
					arch_broken(l, r, p->flows[i].place,
					    arch_named(where, "flow", p->flows[i].name),
					    "let one of the two ends use another port, "
					    "or another protocol", "it comes from source %s at port %d and goes to sink %s at the same port, so one port is open through "
					    "both sides of the DMZ", p->sources[source].name, w.port, p->sinks[p->flows[i].sinks[k]].name);
		}
}

void
attachments_fit_their_zones(struct loader *l, const struct rule *r)
{
	static const enum zone_kind wanted[] = { [ATTACHED_WIRELESS] = ZONE_WIRELESS, [ATTACHED_TEMPORARY] = ZONE_TEMPORARY,
		[ATTACHED_EXTERNAL] = ZONE_EXTERNAL };
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nsources; i++) {
		enum attachment a = (enum attachment)p->arch->attached[i];
		const struct zone *z = &p->zones[p->sources[i].zone];
		enum zone_kind kind = p->arch->zones[p->sources[i].zone].kind;
		bool apart = kind == ZONE_WIRELESS || kind == ZONE_TEMPORARY || kind == ZONE_EXTERNAL;
		if (a == ATTACHED_UNSAID || (a == ATTACHED_FIXED ? !apart : kind == wanted[a]))
			continue;
		arch_broken(l, r, p->sources[i].place, arch_named(where, "source", p->sources[i].name), a == ATTACHED_FIXED ?
		    "move it into a zone of what is fixed" : "give such devices a zone of their own, with that kind, and a conduit from it",
		    "it is %s and stands in zone %s, which is of kind %s", attachments[a - ATTACHED_FIXED], z->name, zone_kinds[kind]);
	}
}

/* What the plan itself opens; what is open on the machine beyond the plan only the machine can say. */
void
listeners_have_a_flow(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	bool *read = arena_array(&l->scratch, p->nsources + 1, sizeof *read);
	char where[ARCH_WHERE];
	struct way w;

	for (uint32_t i = 0; i < p->nflows; i++)
		for (uint32_t t = 0; t < p->flows[i].ntags; t++)
			read[l->tags[p->flows[i].tags[t].tag].source] = true;
	for (uint32_t i = 0; i < p->nsources; i++)
		if (!read[i] && way_of_source(p, l->catalog, i, &l->scratch, &w) && w.inbound)
			arch_broken(l, r, p->sources[i].place, arch_named(where, "source", p->sources[i].name),
			    "remove it, or write down the flow that it is for",
			    "it listens at %s, and no flow takes anything of it", p->sources[i].endpoint);
	for (uint32_t i = 0; i < p->nsinks; i++) {
		struct way *ways = arena_array(&l->scratch, p->sinks[i].nkeys + 1, sizeof *ways);
		if (!l->sink_used[i] && ways_of_sink(p, l->catalog, i, &l->scratch, ways) > 0 && ways[0].inbound)
			arch_broken(l, r, p->sinks[i].place, arch_named(where, "sink", p->sinks[i].name),
			    "remove it, or name it as `to` of a flow",
			    "it listens at port %d, and no flow goes to it", ways[0].port);
	}
}

/* What the receiving side opens, a sink that hears nothing can never use. */
static void
senders_open_one_way_links(struct loader *l, const struct rule *r, const struct flow *f)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t s = 0; s < f->nsinks; s++)
		for (uint32_t k = 0; strcmp(p->sinks[f->sinks[s]].kind, "diode") == 0 && k < f->nconduits; k++)
			if (!p->conduits[f->conduits[k]].initiator_from)
				arch_broken(l, r, f->place, arch_named(where, "flow", f->name),
				    "say initiator: from on the conduit",
				    "sink %s sends one way, and sessions of conduit %s are opened from the other side", p->sinks[f->sinks[s]].name,
				    p->conduits[f->conduits[k]].name);
}

void
one_way_stays_one_way(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nflows; i++)
		for (uint32_t k = 0; k < p->flows[i].nconduits; k++) {
			uint32_t c = p->flows[i].conduits[k];
			if (!p->arch->conduits[c].one_way)
				continue;
			for (uint32_t s = 0; s < p->flows[i].nsinks; s++)
				if (strcmp(p->sinks[p->flows[i].sinks[s]].kind, "diode") != 0)
					arch_broken(l, r, p->flows[i].place, arch_named(where, "flow", p->flows[i].name),
					    "send it by a sink that needs no answer, or take one-way from the conduit",
					    "conduit %s is one-way, and sink %s of kind %s needs answers", p->conduits[c].name,
					    p->sinks[p->flows[i].sinks[s]].name, p->sinks[p->flows[i].sinks[s]].kind);
		}
	for (uint32_t i = 0; i < p->nflows; i++)
		senders_open_one_way_links(l, r, &p->flows[i]);
	for (uint32_t i = 0; i < p->nconduits; i++)
		if (p->arch->conduits[i].one_way && p->conduits[i].requests)
			arch_broken(l, r, p->conduits[i].at, arch_named(where, "conduit", p->conduits[i].name), "say requests: no",
			    "it is one-way and lets requests back");
}
