/* The rules of flows (F): what they are for, what outage they bridge, who may read them on the way. */
#include <string.h>

#include "site/arch_rule.h"

void
flows_say_what_for(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nflows; i++) {
		const struct arch_flow *a = &p->arch->flows[i];
		const char *lacks = *p->flows[i].why == '\0' ? "why" : *p->flows[i].owner == '\0' ? "owner" :
		    *a->use_case == '\0' ? "use-case" :
		    a->criticality == 0 ? "criticality" : a->confidentiality < 0 ? "confidentiality" : NULL;
		if (lacks != NULL)
			arch_broken(l, r, p->flows[i].place, arch_named(where, "flow", p->flows[i].name),
			    "add it: a review will ask", "it does not say `%s`", lacks);
	}
}

/* Bytes a day that a flow brings, at most: every sample of its tags, 20 bytes each in the spool before compression. */
static double
bytes_a_day(const struct loader *l, const struct flow *f)
{
	double a_day = 0;

	for (uint32_t k = 0; k < f->ntags; k++) {
		const struct tag *t = &l->tags[f->tags[k].tag];
		int64_t period = f->reduce == REDUCE_WINDOW ? f->window_ns : t->scan_ns;
		if (period > 0)
			a_day += 86400e9 / (double)period * 20;
	}
	return a_day;
}

void
outages_are_bridged(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE], d[2][DURATION_TEXT];

	for (uint32_t i = 0; i < p->nflows; i++) {
		const struct flow *f = &p->flows[i];
		const struct arch_flow *a = &p->arch->flows[i];
		double need = bytes_a_day(l, f) * (double)a->outage_ns / 86400e9;
		arch_named(where, "flow", f->name);
		if (a->criticality > 0 && a->criticality <= 2 && a->outage_ns == 0)
			arch_broken(l, r, f->place, where, "say `bridges`: how long an outage may last",
			    "it is C%d and says no outage that it must bridge", a->criticality);
		else if (a->criticality > 0 && a->criticality <= 2 && f->durability == DURABLE_NONE)
			arch_broken(l, r, f->place, where, "say durability: interval or each",
			    "it is C%d and would not outlive a power cut", a->criticality);
		else if (a->outage_ns > 0 && f->quota_age_ns > 0 && f->quota_age_ns < a->outage_ns)
			arch_broken(l, r, f->place, where, "raise quota-age", "it must bridge %s, but drops what is older than %s",
			    duration_format(a->outage_ns, d[0]), duration_format(f->quota_age_ns, d[1]));
		else if (a->outage_ns > 0 && f->quota_bytes > 0 && (double)f->quota_bytes < need)
			arch_broken(l, r, f->place, where, "raise quota, or reduce the flow",
			    "to bridge %s it may need %.0f MiB, and its quota is %.0f MiB",
			    duration_format(a->outage_ns, d[0]), need / 1048576, (double)f->quota_bytes / 1048576);
	}
}

static bool
encrypted(const struct loader *l, uint32_t sink)
{
	const struct sink *s = &l->plan->sinks[sink];
	const struct sink_info *info = NULL;

	for (size_t i = 0; l->catalog->sinks[i] != NULL; i++)
		if (strcmp(l->catalog->sinks[i]->name, s->kind) == 0)
			info = l->catalog->sinks[i];
	for (size_t i = 0; info != NULL && info->keys != NULL && info->keys[i].name != NULL && i < s->nkeys; i++)
		if (strcmp(info->keys[i].name, "tls") == 0)
			return s->keys[i].b;
	return true;	/* it has no such choice: it stays on this machine, or is always encrypted */
}

void
secrets_are_encrypted(struct loader *l, const struct rule *r)
{
	const struct plan *p = l->plan;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < p->nflows; i++)
		for (uint32_t k = 0; k < p->flows[i].nsinks; k++)
			if ((p->arch->flows[i].confidentiality >= 2 || p->arch->flows[i].personal_data) &&
			    !encrypted(l, p->flows[i].sinks[k]))
				arch_broken(l, r, p->flows[i].place, arch_named(where, "flow", p->flows[i].name),
				    "say tls: yes at the sink",
				    "it is %s and goes to sink %s in plain text", p->arch->flows[i].personal_data ? "about persons" :
				    arch_confidentialities[p->arch->flows[i].confidentiality], p->sinks[p->flows[i].sinks[k]].name);
}
