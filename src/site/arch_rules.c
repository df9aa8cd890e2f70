/*
 * The rules of the architecture: zones and conduits (Z, after IEC 62443-3-2 and the Purdue placing), nodes (N),
 * equipment and assets (H, A, after IEC 62264-1), flows (F), exceptions (X). A rule is a row: id, what it is called for
 * people, whether it is dangerous to break, and the function that looks. A finding that an exception covers is silent;
 * the exception shows in every document until it ends.
 *
 * Z16, and of Z15 what is open beyond the plan, are of the running system: no site file can say it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "site/address.h"
#include "site/arch_rule.h"

static struct exception *
exception_for(struct arch *a, const char *rule, const char *where)
{
	for (uint32_t i = 0; i < a->nexceptions; i++) {
		struct exception *e = &a->exceptions[i];
		if (strcmp(e->rule, rule) == 0 && strcmp(e->where, where) == 0)
			return e;
	}
	return NULL;
}

void
arch_broken(struct loader *l, const struct rule *r, struct place at, const char *where, const char *remedy, const char *fmt, ...)
{
	struct arch *a = l->plan->arch;
	struct exception *e = exception_for(a, r->id, where);
	char cause[600];
	va_list ap;

	if (a->mode == ARCH_ADVISE && !r->dangerous)
		return;
	if (e != NULL) {
		e->used = true;
		if (a->now_s < e->expires_s)
			return;		/* X1 speaks of the others */
	}
	va_start(ap, fmt);
	vsnprintf(cause, sizeof cause, fmt, ap);
	va_end(ap);
	(a->mode == ARCH_ENFORCE ? site_error : site_warning)(&l->f, r->id, at, "%s: %s (%s)", where, cause, r->clause);
	site_remedy(&l->f, "%s; or add an exception with rule: %s, where: %s, reason, owner and expires", remedy, r->id, where);
}

const char *
arch_named(char out[ARCH_WHERE], const char *what, const char *name)
{
	snprintf(out, ARCH_WHERE, "%s %.160s", what, name);
	return out;
}

static void
zones_are_owned(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nzones; i++) {
		const struct arch_zone *z = &p->arch->zones[i];
		if (*z->owner == '\0' || !z->sl_t.set)
			arch_broken(l, r, p->zones[i].at, arch_named(where, "zone", p->zones[i].name),
			    "add `owner` and `sl-t`", "it has no %s",
			    *z->owner == '\0' && !z->sl_t.set ? "owner and no target security level" : *z->owner == '\0' ? "owner" :
			    "target security level");
	}
}

static void
capability_meets_target(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nzones; i++) {
		const struct arch_zone *z = &p->arch->zones[i];
		for (size_t f = 0; z->sl_c.set && f < FRS; f++)
			if (z->sl_c.of[f] < z->sl_t.of[f]) {
				arch_broken(l, r, p->zones[i].at, arch_named(where, "zone", p->zones[i].name),
				    "name the countermeasures that make up for it in an exception, or lower the target with the asset owner",
				    "it is capable of SL %u for %s and its target is %u", z->sl_c.of[f], fr_names[f], z->sl_t.of[f]);
				break;
			}
	}
}

static void
sessions_end_in_the_dmz(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nconduits; i++) {
		const struct zone *a = &p->zones[p->conduits[i].from], *b = &p->zones[p->conduits[i].to];
		if (l->conduit_used[i] && ((zone_is_ot(a) && zone_is_beyond_dmz(b)) || (zone_is_ot(b) && zone_is_beyond_dmz(a))))
			arch_broken(l, r, p->conduits[i].at, arch_named(where, "conduit", p->conduits[i].name),
			    "end the session in a zone of level 3.5 and go on from there with another one",
			    "it joins level %g and level %g with no DMZ between", a->level, b->level);
	}
}

static void
sessions_start_on_the_trusted_side(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nconduits; i++) {
		const struct conduit *c = &p->conduits[i];
		const struct zone *a = &p->zones[c->from], *b = &p->zones[c->to], *first = c->initiator_from ? a : b;
		if (zone_is_ot(a) != zone_is_ot(b) && !zone_is_ot(first))
			arch_broken(l, r, c->at, arch_named(where, "conduit", c->name),
			    "let the OT side open the session: initiator: from where the data comes from there",
			    "zone %s of level %g opens sessions into OT", first->name, first->level);
	}
}

static void
business_is_apart(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nsources; i++)
		/* Another node is no controller, nor is a broker. */
		if (zone_is_beyond_dmz(&p->zones[p->sources[i].zone]) &&
		    (l->drivers[i] == NULL || !(l->drivers[i]->listens || l->drivers[i]->no_controller)))
			arch_broken(l, r, p->sources[i].place, arch_named(where, "source", p->sources[i].name),
			    "give the controller a zone of its own level", "a machine's controller stands in zone %s, which is of the business (level %g)",
			    p->zones[p->sources[i].zone].name, p->zones[p->sources[i].zone].level);
}

static void
nothing_enters_safety(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nconduits; i++)
		if (p->arch->zones[p->conduits[i].to].kind == ZONE_SAFETY || (p->conduits[i].requests &&
		    p->arch->zones[p->conduits[i].from].kind == ZONE_SAFETY))
			arch_broken(l, r, p->conduits[i].at, arch_named(where, "conduit", p->conduits[i].name),
			    "let data only come out of the safety zone", "it leads data or requests into a safety zone");
	for (uint32_t i = 0; i < p->nrequests; i++)
		for (uint32_t k = 0; k < p->requests[i].ntags; k++)
			if (p->arch->zones[p->sources[p->requests[i].tags[k].source].zone].kind == ZONE_SAFETY) {
				arch_broken(l, r, p->requests[i].place, arch_named(where, "request", p->requests[i].name),
				    "take the safety system's tags out of it", "it would write to a safety instrumented system");
				break;
			}
}

static void
conduits_are_as_strong_as_their_zones(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nconduits; i++) {
		const struct sl *c = &p->arch->conduits[i].sl_t, *a = &p->arch->zones[p->conduits[i].from].sl_t,
		    *b = &p->arch->zones[p->conduits[i].to].sl_t;
		for (size_t f = 0; c->set && f < FRS; f++) {
			unsigned need = a->of[f] > b->of[f] ? a->of[f] : b->of[f];
			if (c->of[f] >= need)
				continue;
			arch_broken(l, r, p->conduits[i].at, arch_named(where, "conduit", p->conduits[i].name), "raise its sl-t",
			    "its target is SL %u for %s, and a zone it serves has %u", c->of[f], fr_names[f], need);
			break;
		}
	}
}

static void
requests_are_bounded(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nrequests; i++) {
		const struct request_rule *q = &p->requests[i];
		bool bounded = q->kind != REQUEST_WRITE || q->has_limits || q->nvalues > 0 || q->nwords > 0;
		if (q->nroles == 0 || !bounded || (q->per_minute == 0 && q->min_interval_ns == 0))
			arch_broken(l, r, q->place, arch_named(where, "request", q->name),
			    "say role, limits (or values), and per-minute or min-interval",
			    "it has no %s", q->nroles == 0 ? "role" : !bounded ? "limits on its value" : "limit on its rate");
	}
}

static void
no_public_peers(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	struct network net;
	char where[ARCH_WHERE], host[80];

	for (uint32_t i = 0; i < p->nzones; i++)
		for (uint32_t k = 0; k < p->arch->zones[i].nnetworks; k++)
			if (p->zones[i].level < 3.5 && network_parse(p->arch->zones[i].networks[k], &net) == 0 &&
			    (net.bits == 0 || network_is_public(&net)))
				arch_broken(l, r, p->zones[i].at, arch_named(where, "zone", p->zones[i].name),
				    "name the networks that it really has",
				    "network %s is %s", p->arch->zones[i].networks[k], net.bits == 0 ? "everything there is" : "of the public internet");
	for (uint32_t i = 0; i < p->nsources; i++) {
		if (p->zones[p->sources[i].zone].level >= 3.5)
			continue;
		snprintf(host, sizeof host, "%s", p->sources[i].endpoint);
		char *colon = strrchr(host, ':');
		if (colon != NULL && strchr(host, ':') == colon)
			*colon = '\0';
		if (network_parse_host(host, &net) == 0 && network_is_public(&net))
			arch_broken(l, r, p->sources[i].place, arch_named(where, "source", p->sources[i].name),
			    "reach it through the DMZ", "its address %s is of the public internet", host);
	}
}

static const struct zone *
zone_named(const struct plan *p, const char *name)
{
	for (uint32_t i = 0; i < p->nzones; i++)
		if (strcmp(p->zones[i].name, name) == 0)
			return &p->zones[i];
	return NULL;
}

static void
nodes_bypass_no_dmz(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->arch->nnodes; i++) {
		const struct gateway_node *n = &p->arch->nodes[i];
		const struct zone *low = NULL, *high = NULL;
		for (uint32_t k = 0; k < n->ninterfaces; k++) {
			const struct zone *z = zone_named(p, n->interfaces[k].zone);
			if (z != NULL && zone_is_ot(z))
				low = z;
			if (z != NULL && zone_is_beyond_dmz(z))
				high = z;
		}
		if (low != NULL && high != NULL)
			arch_broken(l, r, n->place, arch_named(where, "node", n->name), "use one node for each side of the DMZ",
			    "it has a leg in %s (level %g) and one in %s (level %g)", low->name, low->level, high->name, high->level);
	}
}

static void
interfaces_are_in_their_networks(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	struct network net, host;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->arch->nnodes; i++)
		for (uint32_t k = 0; k < p->arch->nodes[i].ninterfaces; k++) {
			const struct interface *f = &p->arch->nodes[i].interfaces[k];
			const struct zone *z = zone_named(p, f->zone);
			const struct arch_zone *a = z != NULL ? &p->arch->zones[z - p->zones] : NULL;
			bool in = a == NULL || a->nnetworks == 0;
			for (uint32_t n = 0; a != NULL && n < a->nnetworks; n++)
				in = in || (network_parse(a->networks[n], &net) == 0 && network_parse_host(f->address, &host) == 0 &&
				    network_holds(&net, &host));
			if (!in)
				arch_broken(l, r, p->arch->nodes[i].place, arch_named(where, "node", p->arch->nodes[i].name),
				    "correct the address, or the networks of the zone", "interface %s has %s, which is in no network of zone %s",
				    f->name, f->address, f->zone);
		}
}

static const struct rule rules[] = {
	{ "Z1", "IEC 62443-3-2, ZCR 6.3", false, zones_are_owned },
	{ "Z2", "IEC 62443-3-2, ZCR 3.1: a conduit for what flows", false, conduits_carry_something },
	{ "Z3", "Purdue model: sessions end in the DMZ", true, sessions_end_in_the_dmz },
	{ "Z4", "Purdue model: no port through both sides of the DMZ", false, ports_differ_across_the_dmz },
	{ "Z5", "IEC 62443-3-3, SR 5.2: the trusted side opens", true, sessions_start_on_the_trusted_side },
	{ "Z6", "IEC 62443-3-2, ZCR 3.2", true, business_is_apart },
	{ "Z7", "IEC 62443-3-2, ZCR 3.3", true, nothing_enters_safety },
	{ "Z8", "IEC 62443-3-2, ZCR 3.4 to 3.6", true, attachments_fit_their_zones },
	{ "Z9", "IEC 62443-3-2, ZCR 5.6", false, conduits_are_as_strong_as_their_zones },
	{ "Z10", "IEC 62443-3-3, SR 2.1", false, requests_are_bounded },
	{ "Z11", "IEC 62443-3-2, ZCR 3.6", true, no_public_peers },
	{ "Z12", "IEC 62443-3-3, SR 1.3 and 5.1: OT accounts stand apart", true, administration_is_apart },
	{ "Z13", "IEC 62443-3-2, ZCR 6.3: infrastructure flows are flows", false, services_are_said },
	{ "Z14", "IEC 62443-3-3, SR 5.1", true, one_way_stays_one_way },
	{ "Z15", "IEC 62443-3-3, SR 7.7", false, listeners_have_a_flow },
	{ "Z17", "IEC 62443-3-2, ZCR 5.13: capability against target", false, capability_meets_target },
	{ "N1", "IEC 62443-3-2, ZCR 3.1", true, interfaces_are_in_their_networks },
	{ "N2", "Purdue model: no leg past the DMZ", true, nodes_bypass_no_dmz },
	{ "H1", "IEC 62264-1, 5.3", true, levels_are_not_skipped },
	{ "H2", "IEC 62264-1, 5.3", true, units_fit_their_centers },
	{ "A1", "IEC 62264-2: equipment asset mapping", true, assets_fill_known_roles },
	{ "A2", "IEC 62264-2: equipment asset mapping", true, one_asset_a_role_at_a_time },
	{ "F1", "IEC 62443-3-2, ZCR 6.3", false, flows_say_what_for },
	{ "F2", "IEC 62443-3-3, SR 7.1", true, outages_are_bridged },
	{ "F3", "IEC 62443-3-3, SR 4.1", true, secrets_are_encrypted },
};

static bool
is_rule(const char *id)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (strcmp(rules[i].id, id) == 0)
			return true;
	return false;
}

/* X1 to X3: an exception that is over, that names no rule, or that nothing needs. */
static void
judge_exceptions(struct loader *l)
{
	const struct arch *a = l->plan->arch;
	char when[WALL_TEXT];

	for (uint32_t i = 0; i < a->nexceptions; i++) {
		const struct exception *e = &a->exceptions[i];
		if (!is_rule(e->rule) && *e->rule != '\0') {
			site_error(&l->f, "X2", e->place, "exception %s: there is no rule %s", e->name, e->rule);
			site_remedy(&l->f, "take the rule's name from the brackets of the finding");
		} else if (e->expires_s != 0 && a->now_s >= e->expires_s) {
			wall_format((struct wall){ (e->expires_s - 1) * NS_PER_S }, 0, when);
			site_error(&l->f, "X1", e->place, "exception %s for %s has been over since %.10s", e->name, e->where, when);
			site_remedy(&l->f, "mend what it excused; or have %s renew it, with a new day", e->owner);
		} else if (!e->used && l->f.report->errors == 0 && a->mode == ARCH_ENFORCE) {
			site_warning(&l->f, "X3", e->place, "exception %s excuses nothing: rule %s holds for %s",
			    e->name, e->rule, e->where);
			site_remedy(&l->f, "remove it, or correct `where`");
		}
	}
}

void
arch_rules(struct loader *l)
{
	bool whole = l->f.report->errors == 0;	/* rows whose references are broken cannot be judged */

	for (size_t i = 0; whole && i < sizeof rules / sizeof rules[0]; i++)
		rules[i].look(l, &rules[i]);
	judge_exceptions(l);
}
