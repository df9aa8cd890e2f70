/* The section flows: what crosses, to where, how. The way through the conduits is found in route.c. */
#include <stdio.h>
#include <string.h>

#include "model/path.h"
#include "site/arch.h"
#include "site/loader.h"
#include "site/route.h"

struct flow_draft {
	struct flow		*flow;
	const struct node	*node;
	const char		*what;
	struct keyval		 v[FLOW_KEYS], how[HOW_KEYS];
	bool			*zone_wanted;	/* by `from`; NULL: any */
};

/* Length of the part of a pattern before its first wildcard: most tags fail on it, at the cost of a compare. */
static size_t
literal(const char *pattern)
{
	return strcspn(pattern, "*?");
}

static bool
matches(const char *pattern, size_t lit, const char *path)
{
	/*
	 * A pattern that ends in two stars also matches what stands before them, so the literal part may end in a
	 * '/' too many.
	 */
	size_t n = lit > 0 && pattern[lit - 1] == '/' ? lit - 1 : lit;
	return strncmp(pattern, path, n) == 0 && path_match(pattern, path);
}

static void
mark_tags(struct loader *l, struct flow_draft *d, bool *marked)
{
	const struct keyval *what = &d->v[FLOW_WHAT];
	for (size_t i = 0; i < what->n; i++) {
		const char *pattern = what->list[i];
		size_t lit = literal(pattern), hits = 0;
		if (strlen(pattern) > PATH_LEN_MAX) {
			site_error(&l->f, "path", keys_item_place(l, d->node, "what", i),
			    "%s has a pattern of more than %u bytes", d->what, PATH_LEN_MAX);
			site_remedy(&l->f, "shorten it: '**' stands for any number of names");
			continue;
		}
		for (size_t t = 0; t < l->ntags; t++) {
			uint32_t zone = l->plan->sources[l->tags[t].source].zone;
			if ((d->zone_wanted != NULL && !d->zone_wanted[zone]) ||
			    !matches(pattern, lit, l->tags[t].path))
				continue;
			hits++;
			marked[t] = true;
		}
		if (hits > 0 || l->tags_missing)
			continue;
		site_error(&l->f, "flow-empty", keys_item_place(l, d->node, "what", i),
		    "%s: no tag matches \"%.200s\"%s", d->what, pattern,
		    d->zone_wanted != NULL ? " in the zones of `from`" : "");
		site_remedy(&l->f,
		    "'*' stands within one name, '**' for any number of names; `penstock plan` lists the tags");
	}
}

static void
wanted_zones(struct loader *l, struct flow_draft *d)
{
	const struct keyval *from = &d->v[FLOW_FROM];
	if (!from->set)
		return;
	d->zone_wanted = arena_array(&l->scratch, l->plan->nzones + 1, sizeof *d->zone_wanted);
	for (size_t i = 0; i < from->n; i++) {
		const struct zone *z = ref_find(l, SECTION_ZONES, from->list[i],
		    keys_item_place(l, d->node, "from", i), d->what);
		if (z != NULL)
			d->zone_wanted[z - l->plan->zones] = true;
	}
}

static void
find_sinks(struct loader *l, struct flow_draft *d)
{
	const struct keyval *to = &d->v[FLOW_TO];
	d->flow->sinks = arena_array(&l->plan->arena, to->n, sizeof *d->flow->sinks);
	for (size_t i = 0; i < to->n; i++) {
		struct place at = keys_item_place(l, d->node, "to", i);
		const struct sink *s = ref_find(l, SECTION_SINKS, to->list[i], at, d->what);
		if (s == NULL)
			continue;
		uint32_t index = (uint32_t)(s - l->plan->sinks);
		for (uint32_t k = 0; k < d->flow->nsinks; k++)
			if (d->flow->sinks[k] == index) {
				site_error(&l->f, "duplicate-key", at, "%s names sink %s twice", d->what, s->name);
				site_remedy(&l->f, "remove one of the two");
			}
		l->sink_used[index] = true;
		d->flow->sinks[d->flow->nsinks++] = index;
	}
}

static void
how_conflict(struct loader *l, struct flow_draft *d, const char *key, const char *cause, const char *remedy)
{
	const struct node *how = node_get(d->node, "how");
	site_error(&l->f, "how", how != NULL ? keys_item_place(l, how, key, 0) : loader_at(l, d->node->key), "%s: %s",
	    d->what, cause);
	site_remedy(&l->f, "%s", remedy);
}

static void
choose_reduction(struct loader *l, struct flow_draft *d)
{
	const struct keyval *h = d->how;
	struct flow *f = d->flow;
	int ways = (h[HOW_EVERY].set && h[HOW_EVERY].b) + h[HOW_ON_CHANGE].set + h[HOW_WINDOW].set + h[HOW_DOOR].set;

	if (ways > 1)
		how_conflict(l, d, h[HOW_DOOR].set ? "swinging-door" : h[HOW_WINDOW].set ? "window" : "on-change",
		    "it has more than one of every-sample, on-change, window and swinging-door",
		    "keep one; for two reductions of the same tags write two flows");
	f->reduce = h[HOW_ON_CHANGE].set ? REDUCE_ON_CHANGE : h[HOW_WINDOW].set ? REDUCE_WINDOW :
	    h[HOW_DOOR].set ? REDUCE_SWINGING_DOOR : REDUCE_EVERY;
	if (f->reduce == REDUCE_ON_CHANGE) {
		f->change = (enum change_kind)h[HOW_ON_CHANGE].i;
		f->deadband = h[HOW_ON_CHANGE].f;
	} else if (f->reduce == REDUCE_SWINGING_DOOR) {
		f->change = (enum change_kind)h[HOW_DOOR].i;
		f->door = h[HOW_DOOR].f;
		if (f->change == CHANGE_ANY || f->change == CHANGE_OF_VALUE)
			how_conflict(l, d, "swinging-door",
			    "a swinging door needs a width that does not depend on the value",
			    "write it in the tag's unit (0.5), or as per cent of range (0.5 % of range)");
	}
	if (f->reduce == REDUCE_WINDOW && (h[HOW_FUNCTIONS].i == 0))
		how_conflict(l, d, "window", "it has a window without functions",
		    "add functions, such as functions: [mean, max]");
	if (f->reduce != REDUCE_WINDOW && h[HOW_FUNCTIONS].set)
		how_conflict(l, d, "functions", "it has functions without a window",
		    "add window, such as window: 10 s");
	if (h[HOW_AT_LEAST].set && h[HOW_AT_LEAST].i > 0 && f->reduce != REDUCE_ON_CHANGE &&
	    f->reduce != REDUCE_SWINGING_DOOR)
		how_conflict(l, d, "at-least-every", "it has at-least-every without on-change or swinging-door",
		    "add one of them, or remove it");
}

static void
read_how(struct loader *l, struct flow_draft *d)
{
	static const struct node none = { .kind = NODE_MAP };
	const struct node *how = node_get(d->node, "how");
	const struct keyval *h = d->how;
	struct flow *f = d->flow;
	char what[200];

	snprintf(what, sizeof what, "how of %.160s", d->what);
	keys_read(l, how != NULL ? how : &none, what, &(struct keyset){ how_keys, d->how }, 1);
	choose_reduction(l, d);
	f->at_least_every_ns = h[HOW_AT_LEAST].i;
	f->window_ns = h[HOW_WINDOW].i;
	f->window_fns = f->reduce == REDUCE_WINDOW ? (uint32_t)h[HOW_FUNCTIONS].i : 0;
	f->durability = (enum durability)h[HOW_DURABILITY].i;
	f->sync_ns = h[HOW_SYNC].i;
	f->quota_bytes = h[HOW_QUOTA].i;
	f->quota_age_ns = h[HOW_QUOTA_AGE].i;
	f->live_first = h[HOW_LIVE_FIRST].b;
	f->latency_ns = h[HOW_LATENCY].i;
	if (h[HOW_SYNC].written && f->durability != DURABLE_INTERVAL)
		how_conflict(l, d, "sync-every", "it has sync-every, but its durability is not interval",
		    "remove sync-every, or set durability: interval");
}

/*
 * Reductions that calculate need numbers, and per cent of range needs a range. One finding a flow, with the first
 * tag.
 */
static void
check_tags(struct loader *l, struct flow_draft *d, const bool *marked)
{
	const struct flow *f = d->flow;
	bool range = f->change == CHANGE_OF_RANGE && (f->reduce == REDUCE_ON_CHANGE ||
	    f->reduce == REDUCE_SWINGING_DOOR);

	for (size_t t = 0; range && t < l->ntags; t++) {
		const struct tag *tag = &l->tags[t];
		bool measured = value_is_number(tag->type) && tag->type != VALUE_BOOL && tag->enumeration == NULL;
		if (!marked[t] || tag->has_range || !measured || !l->places[t].known)
			continue;
		char cause[400];
		snprintf(cause, sizeof cause, "it reduces by per cent of range, but tag \"%.200s\" has no range",
		    tag->path);
		how_conflict(l, d, f->reduce == REDUCE_ON_CHANGE ? "on-change" : "swinging-door", cause,
		    "give the tag its range, or write the deadband in the tag's unit or as per cent of the value");
		return;
	}
}

static void
collect(struct loader *l, struct flow_draft *d, const bool *marked)
{
	struct flow *f = d->flow;
	size_t n = 0;

	for (size_t t = 0; t < l->ntags; t++)
		n += marked[t];
	/* The tags are noted by their place in the order of reading; compile.c turns these into sources and indexes. */
	f->tags = arena_array(&l->scratch, n, sizeof *f->tags);
	for (size_t t = 0; t < l->ntags; t++)
		if (marked[t])
			f->tags[f->ntags++].tag = (uint32_t)t;
}

static void
read_flow(struct loader *l, struct flow_draft *d, bool *marked)
{
	struct flow *f = d->flow;

	keys_read(l, d->node, d->what, &(struct keyset){ flow_keys, d->v }, 1);
	f->why = d->v[FLOW_WHY].set ? d->v[FLOW_WHY].s : "";
	f->owner = d->v[FLOW_OWNER].set ? d->v[FLOW_OWNER].s : "";
	arch_flow(l, (uint32_t)(f - l->plan->flows), d->v);
	read_how(l, d);
	wanted_zones(l, d);
	memset(marked, 0, l->ntags * sizeof *marked);
	mark_tags(l, d, marked);
	find_sinks(l, d);
	check_tags(l, d, marked);
	collect(l, d, marked);
	route_flow(l, f, d->node, &d->v[FLOW_VIA], d->what);
}

void
load_flows(struct loader *l)
{
	struct plan *p = l->plan;
	const struct node *section = l->section[SECTION_FLOWS];
	size_t count = section != NULL && section->kind == NODE_MAP ? section->len : 0;
	char what[160];

	if (count > PLAN_FLOWS_MAX) {
		site_error(&l->f, "limit", loader_at(l, section),
		    "%zu flows are more than the %u that one site can have", count, PLAN_FLOWS_MAX);
		site_remedy(&l->f, "let one flow take several patterns with `what: [a, b]`");
		return;
	}
	p->flows = arena_array(&p->arena, count, sizeof *p->flows);
	bool *marked = arena_array(&l->scratch, l->ntags + 1, sizeof *marked);
	for (const struct node *n = section_first(l, SECTION_FLOWS); n != NULL; n = n->next) {
		struct flow *f = &p->flows[p->nflows++];
		snprintf(what, sizeof what, "flow %.128s", n->key->text);
		section_name(l, SECTION_FLOWS, n);
		f->name = strings_keep(&l->strings, n->key->text, n->key->len);
		f->place = loader_at(l, n->key);
		ref_add(l, SECTION_FLOWS, f->name, f);
		struct flow_draft d = { .flow = f, .node = n, .what = what };
		read_flow(l, &d, marked);
	}
}
