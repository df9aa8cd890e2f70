/* See roles.h. */
#include "site/roles.h"

#include <stdio.h>
#include <string.h>

static const struct keyval *
role_of(const char *name, const struct key *keys, const struct keyval *v, uint32_t n)
{
	for (uint32_t i = 0; name != NULL && i < n; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &v[i];
	return NULL;
}

bool
source_listens(const struct driver_info *d, const struct source *s)
{
	const struct keyval *role = role_of(d->role_key, d->keys, s->keys, s->nkeys);
	return role != NULL ? role->i == ROLE_LISTEN : d->listens;
}

bool
sink_listens(const struct sink_info *k, const struct sink *s)
{
	const struct keyval *role = role_of(k->role_key, k->keys, s->keys, s->nkeys);
	return role != NULL ? role->i == ROLE_LISTEN : k->listens;
}

static struct place
place_of(const struct loader *l, const struct keyval *role, struct place otherwise)
{
	return role->written ? (struct place){ l->file, role->line, role->column } : otherwise;
}

static void
in_ot(struct loader *l, struct place at, const char *what, uint32_t zone, const char *remedy)
{
	site_error(&l->f, "listens-in-ot", at, "%s is connected to, and nothing may listen in the OT zone %s", what,
	    l->plan->zones[zone].name);
	site_remedy(&l->f, "%s", remedy);
}

static void
against_conduit(struct loader *l, struct place at, const char *what, enum role_choice role, const struct conduit *c,
    const char *other)
{
	const struct zone *first = &l->plan->zones[c->initiator_from ? c->from : c->to];

	site_error(&l->f, "link-role", at, "%s is to %s, but sessions of conduit %s are opened from zone %s (initiator: %s)", what,
	    role == ROLE_LISTEN ? "listen" : "connect", c->name, first->name, c->initiator_from ? "from" : "to");
	site_remedy(&l->f, "write role: %s here and role: %s at the %s of the other node, or change the conduit's initiator",
	    role == ROLE_LISTEN ? "connect" : "listen", role == ROLE_LISTEN ? "listen" : "connect", other);
}

/* Data comes into a source's zone: who opens is said by the conduits that lead there. */
static void
settle_source(struct loader *l, struct source *s, const struct driver_info *d)
{
	const struct plan *p = l->plan;
	struct keyval *role = (struct keyval *)(uintptr_t)role_of(d->role_key, d->keys, s->keys, s->nkeys);
	const struct conduit *against = NULL;
	bool agreed = false;
	char what[160];

	if (role == NULL)
		return;
	snprintf(what, sizeof what, "source %.128s", s->name);
	if (!role->written)
		role->i = p->zones[s->zone].it ? ROLE_LISTEN : ROLE_CONNECT;
	for (uint32_t i = 0; i < p->nconduits; i++) {
		const struct conduit *c = &p->conduits[i];
		if (c->to != s->zone)
			continue;
		if (c->initiator_from == (role->i == ROLE_LISTEN))
			agreed = true;
		else
			against = c;
	}
	if (role->i == ROLE_LISTEN && !p->zones[s->zone].it) {
		in_ot(l, place_of(l, role, s->place), what, s->zone,
		    "write role: connect, and role: listen at the sink of the other node");
		return;
	}
	if (against == NULL || agreed)
		return;
	if (role->written || !p->zones[s->zone].it)
		against_conduit(l, place_of(l, role, s->place), what, (enum role_choice)role->i, against, "sink");
	else
		role->i = ROLE_CONNECT;
}

/* The conduit by which a flow enters the sink's zone. NULL: it never leaves the zone of its sources. */
static const struct conduit *
last_conduit(const struct plan *p, const struct flow *f, uint32_t zone)
{
	for (uint32_t i = 0; i < f->nconduits; i++)
		if (p->conduits[f->conduits[i]].to == zone)
			return &p->conduits[f->conduits[i]];
	return NULL;
}

static bool
goes_to(const struct flow *f, uint32_t sink)
{
	for (uint32_t i = 0; i < f->nsinks; i++)
		if (f->sinks[i] == sink)
			return true;
	return false;
}

static void
settle_sink(struct loader *l, uint32_t no, const struct sink_info *k)
{
	const struct plan *p = l->plan;
	struct sink *s = &p->sinks[no];
	struct keyval *role = (struct keyval *)(uintptr_t)role_of(k->role_key, k->keys, s->keys, s->nkeys);
	bool settled = role != NULL && role->written;
	char what[160];

	snprintf(what, sizeof what, "sink %.128s", s->name);
	for (uint32_t i = 0; role != NULL && i < p->nflows; i++) {
		const struct conduit *c = goes_to(&p->flows[i], no) ? last_conduit(p, &p->flows[i], s->zone) : NULL;
		if (c == NULL)
			continue;
		if (!settled)
			role->i = c->initiator_from ? ROLE_CONNECT : ROLE_LISTEN;
		settled = true;
		if (role->i == ROLE_LISTEN && !p->zones[c->from].it) {
			in_ot(l, place_of(l, role, s->place), what, c->from,
			    "write role: connect, and role: listen at the source of the other node; the conduit's initiator is then \"from\"");
			return;
		}
		if (c->initiator_from != (role->i == ROLE_CONNECT)) {
			against_conduit(l, place_of(l, role, s->place), what, (enum role_choice)role->i, c, "source");
			return;
		}
	}
}

void
roles_settle(struct loader *l)
{
	const struct plan *p = l->plan;

	for (uint32_t i = 0; i < p->nsources; i++)
		if (l->drivers[i] != NULL)
			settle_source(l, &p->sources[i], l->drivers[i]);
	for (uint32_t i = 0; i < p->nsinks; i++)
		for (const struct sink_info *const *k = l->catalog->sinks; *k != NULL; k++)
			if (strcmp((*k)->name, p->sinks[i].kind) == 0)
				settle_sink(l, i, *k);
}
