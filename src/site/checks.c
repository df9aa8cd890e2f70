/* See checks.h. */
#include "site/checks.h"

#include <string.h>

#include "site/types.h"

/*
 * Everything a person wrote should do something; what does not is probably a slip of the pen. While there are
 * errors nothing is said: a conduit may only look idle because the flow that needs it is misspelt.
 */
static void
check_unused(struct loader *l)
{
	const struct plan *p = l->plan;
	bool *read = arena_array(&l->scratch, p->nsources + 1, sizeof *read);

	if (l->f.report->errors > 0)
		return;
	for (size_t i = 0; i < l->ntags; i++)
		read[l->tags[i].source] = true;
	for (uint32_t i = 0; i < p->nsources; i++)
		if (!read[i]) {
			site_warning(&l->f, "unused", p->sources[i].place,
			    "source %s has no tags: it will not be connected", p->sources[i].name);
			site_remedy(&l->f, "name it as `source` at the equipment it belongs to, or remove it");
		}
	for (uint32_t i = 0; i < p->nconduits; i++)
		if (!l->conduit_used[i]) {
			site_warning(&l->f, "unused", p->conduits[i].at, "conduit %s carries no flow",
			    p->conduits[i].name);
			site_remedy(&l->f, "remove it: an open way that nobody needs is a risk");
		}
	for (uint32_t i = 0; i < p->nsinks; i++)
		if (!l->sink_used[i]) {
			site_warning(&l->f, "unused", p->sinks[i].place, "no flow goes to sink %s", p->sinks[i].name);
			site_remedy(&l->f, "name it as `to` of a flow, or remove it");
		}
	for (uint32_t i = 0; i < p->nzones; i++)
		if (!l->zone_used[i]) {
			site_warning(&l->f, "unused", p->zones[i].at,
			    "zone %s holds nothing and no conduit touches it", p->zones[i].name);
			site_remedy(&l->f, "remove it, or place what it holds");
		}
}

static void
check_unused_types(struct loader *l)
{
	if (l->f.report->errors > 0)
		return;
	for (const struct node *n = section_first(l, SECTION_TYPES); n != NULL; n = n->next) {
		const struct type_def *t = map_get(&l->rows[SECTION_TYPES], n->key->text, n->key->len);
		if (t->all != NULL || t->extended)
			continue;
		site_warning(&l->f, "unused", t->place, "no equipment has the type %s", t->name);
		site_remedy(&l->f, "name it as `type` of a piece of equipment, or remove it");
	}
}

/* One finding a source: which of its tags has the period too many. */
static void
check_scan_classes(struct loader *l)
{
	struct plan *p = l->plan;
	struct seen { int64_t ns[PLAN_SCAN_CLASSES_MAX]; uint32_t n; } *all = arena_array(&l->scratch,
	    p->nsources + 1, sizeof *all);

	for (size_t i = 0; i < l->ntags; i++) {
		struct seen *s = &all[l->tags[i].source];
		uint32_t k = 0;
		while (k < s->n && s->ns[k] != l->tags[i].scan_ns)
			k++;
		if (k < s->n || l->tags[i].scan_ns == 0)
			continue;
		if (s->n < PLAN_SCAN_CLASSES_MAX) {
			s->ns[s->n++] = l->tags[i].scan_ns;
			continue;
		}
		site_error(&l->f, "scan-classes", p->sources[l->tags[i].source].place,
		    "source %s has tags of more than %u different scan periods", p->sources[l->tags[i].source].name,
		    PLAN_SCAN_CLASSES_MAX);
		site_remedy(&l->f,
		    "use fewer periods: tags of one period are read together, which also takes less of the link");
	}
}

static void
check_flow_texts(struct loader *l)
{
	const struct plan *p = l->plan;
	for (uint32_t i = 0; i < p->nflows; i++) {
		const struct flow *f = &p->flows[i];
		if (f->nconduits == 0 || (*f->why != '\0' && *f->owner != '\0'))
			continue;
		site_warning(&l->f, "flow-reason", f->place, "flow %s crosses a conduit without saying %s", f->name,
		    *f->why == '\0' && *f->owner == '\0' ? "why, or who owns it" : *f->why == '\0' ? "why" : "who owns it");
		site_remedy(&l->f, "add `why` and `owner`: whoever reviews the conduit will ask");
	}
}

/* One process, the office, serves all sinks; it can live in one network namespace only. */
static void
check_netns(struct loader *l)
{
	const struct plan *p = l->plan;
	const struct sink *first = NULL;

	for (uint32_t i = 0; i < p->nsinks; i++) {
		const struct sink *s = &p->sinks[i];
		if (s->zone >= p->nzones)	/* no zone could be read, a finding already */
			continue;
		const char *netns = p->zones[s->zone].netns;
		if (first == NULL)
			first = s;
		if (strcmp(netns, p->zones[first->zone].netns) == 0)
			continue;
		site_error(&l->f, "netns", s->place,
		    "sink %s is in network namespace \"%s\" and sink %s in \"%s\", but one process serves both",
		    s->name, netns, first->name, p->zones[first->zone].netns);
		site_remedy(&l->f, "give the zones %s and %s the same `netns`, or run a second node for one of them",
		    p->zones[s->zone].name, p->zones[first->zone].name);
	}
}

static void (*const rules[])(struct loader *) = {
	check_scan_classes,
	check_flow_texts,
	check_overlaps,
	check_link_load,
	check_netns,
	check_unused,	/* these last: they look at what the others found */
	check_unused_types,
};

void
site_checks(struct loader *l)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		rules[i](l);
}
