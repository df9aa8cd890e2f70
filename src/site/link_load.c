/*
 * What the links are asked to carry. Sources with the same zone, driver and link share a connection (the units of a
 * bus, or behind a gateway), so their shares add up. A driver estimates the share of one source from periods, block
 * sizes and baud rate or round trip.
 */
#include <stdio.h>

#include "site/checks.h"

#define LOAD_WARN	0.70	/* of the link's time: no room left for repeats and for a device that is slow today */
#define LOAD_MAX	1.00

struct link_share {
	double		busy, requests_per_s;
	const char	*basis;		/* of the largest part */
	double		largest;
	uint32_t	source, sources;	/* the one with the largest part; how many */
};

/*
 * A driver judges a source with its tags and scan classes in place, which is how compile.c will make it. This is a
 * copy for the estimate alone, of the tags that were understood.
 */
static void
tags_by_source(struct loader *l, struct source *copies)
{
	const struct plan *p = l->plan;
	for (size_t i = 0; i < l->ntags; i++)
		copies[l->tags[i].source].ntags += l->places[i].known;
	for (uint32_t s = 0; s < p->nsources; s++) {
		copies[s].tags = arena_array(&l->scratch, copies[s].ntags + 1, sizeof *copies[s].tags);
		copies[s].ntags = 0;
	}
	for (size_t i = 0; i < l->ntags; i++) {
		struct source *s = &copies[l->tags[i].source];
		if (!l->places[i].known)
			continue;
		struct tag *t = &s->tags[s->ntags];
		*t = l->tags[i];
		t->index = s->ntags++;
	}
}

static void
report(struct loader *l, const struct link_share *k)
{
	const struct source *s = &l->plan->sources[k->source];
	char who[160];

	if (k->busy <= LOAD_WARN)
		return;
	if (k->sources > 1)
		snprintf(who, sizeof who, "the %u sources on %.100s ask", k->sources, s->link);
	else
		snprintf(who, sizeof who, "source %.100s asks", s->name);
	if (k->busy > LOAD_MAX) {
		site_error(&l->f, "link-load", s->place,
		    "%s for %.0f %% of what the link can carry: %.0f requests a second (%s)", who,
		    k->busy * 100, k->requests_per_s, k->basis);
		site_remedy(&l->f,
		    "make the scan periods about %.1f times as long, place tags closer together, or use a faster link",
		    k->busy / LOAD_WARN);
	} else {
		site_warning(&l->f, "link-load", s->place,
		    "%s for %.0f %% of what the link can carry, which leaves little room for repeats: "
		    "%.0f requests a second (%s)", who, k->busy * 100, k->requests_per_s, k->basis);
		site_remedy(&l->f, "make the scan periods about %.1f times as long, to come below 70 %%",
		    k->busy / LOAD_WARN);
	}
}

static void
add_share(struct loader *l, struct map *links, struct link_share *all, size_t *n, const struct source *s,
    uint32_t index)
{
	struct load_info info = { .basis = "" };
	char key[4400];

	if (l->drivers[index] == NULL || l->drivers[index]->load == NULL || s->ntags == 0 ||
	    l->drivers[index]->load(s, &l->scratch, &info) != 0)
		return;
	int len = snprintf(key, sizeof key, "%u %s %s", s->zone, s->driver, s->link);
	struct link_share *k = map_get(links, key, (size_t)len);
	if (k == NULL) {
		k = &all[(*n)++];
		map_put(links, arena_strndup(&l->scratch, key, (size_t)len), (size_t)len, k);
	}
	l->plan->sources[index].requests_per_s = info.requests_per_s;
	l->plan->sources[index].bytes_per_s = info.bytes_per_s;
	k->busy += info.busy;
	k->requests_per_s += info.requests_per_s;
	if (k->sources++ == 0 || info.busy > k->largest) {
		k->largest = info.busy;
		k->basis = info.basis != NULL ? info.basis : "";
		k->source = index;
	}
}

void
check_link_load(struct loader *l)
{
	const struct plan *p = l->plan;
	struct source *copies = arena_array(&l->scratch, p->nsources + 1, sizeof *copies);
	struct link_share *all = arena_array(&l->scratch, p->nsources + 1, sizeof *all);
	struct map links = { 0 };
	size_t n = 0;

	for (uint32_t i = 0; i < p->nsources; i++)
		copies[i] = p->sources[i];
	tags_by_source(l, copies);
	for (uint32_t i = 0; i < p->nsources; i++) {
		source_set_scans(&copies[i]);
		add_share(l, &links, all, &n, &copies[i], i);
	}
	for (size_t i = 0; i < n; i++)
		report(l, &all[i]);
	map_fini(&links);
}
