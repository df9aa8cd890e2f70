/*
 * See route.h. A site has few zones and conduits, so chains are found by a plain depth-first walk that never visits a
 * zone twice. It ends after two chains are known, at a depth of ROUTE_MAX, or when ROUTE_STEPS_MAX is used up.
 */
#include "site/route.h"

#include <string.h>

#define ROUTE_MAX	8u		/* conduits in a chain, as struct flow holds them */
#define ROUTE_STEPS_MAX	100000u

struct walk {
	const struct plan	*plan;
	const bool		*allowed;	/* conduits that may be used; NULL: all */
	uint32_t		 to;
	uint32_t		 stack[ROUTE_MAX], first[ROUTE_MAX];
	uint32_t		 depth, first_n;
	size_t			 found, steps;
};

static bool
visited(const struct walk *w, uint32_t start, uint32_t zone)
{
	if (zone == start)
		return true;
	for (uint32_t i = 0; i < w->depth; i++)
		if (w->plan->conduits[w->stack[i]].to == zone)
			return true;
	return false;
}

static void
note(struct walk *w)
{
	if (w->found++ == 0) {
		memcpy(w->first, w->stack, w->depth * sizeof w->stack[0]);
		w->first_n = w->depth;
	}
}

/* Iterative: next[d] is the conduit to try next at depth d. */
static void
walk(struct walk *w, uint32_t start)
{
	uint32_t next[ROUTE_MAX + 1] = { 0 };

	for (;;) {
		uint32_t here = w->depth ? w->plan->conduits[w->stack[w->depth - 1]].to : start;
		uint32_t c = next[w->depth]++;
		if (++w->steps > ROUTE_STEPS_MAX || w->found > 1)
			return;
		if (c >= w->plan->nconduits || w->depth == ROUTE_MAX) {
			if (w->depth == 0)
				return;
			w->depth--;
			continue;
		}
		const struct conduit *row = &w->plan->conduits[c];
		if (row->from != here || (w->allowed != NULL && !w->allowed[c]) || visited(w, start, row->to))
			continue;
		w->stack[w->depth++] = c;
		if (row->to == w->to) {
			note(w);
			w->depth--;
		} else
			next[w->depth] = 0;
	}
}

static bool
already(const struct flow *f, uint32_t conduit)
{
	for (uint32_t i = 0; i < f->nconduits; i++)
		if (f->conduits[i] == conduit)
			return true;
	return false;
}

static void
take(struct loader *l, struct flow *f, const struct walk *w, struct place at, const char *what)
{
	for (uint32_t i = 0; i < w->first_n; i++) {
		l->conduit_used[w->first[i]] = true;
		if (already(f, w->first[i]))
			continue;
		if (f->nconduits == sizeof f->conduits / sizeof f->conduits[0]) {
			site_error(&l->f, "limit", at, "%s crosses more than 8 conduits", what);
			site_remedy(&l->f, "write a flow for each of the zones that it starts from");
			return;
		}
		f->conduits[f->nconduits++] = w->first[i];
	}
}

struct job {
	struct flow	*flow;
	const char	*what;
	struct place	 at;		/* `via` if it is written, else the flow */
	bool		 via;
	const bool	*allowed;
};

static void
connect_zones(struct loader *l, const struct job *j, uint32_t from, uint32_t to)
{
	const struct zone *a = &l->plan->zones[from], *b = &l->plan->zones[to];
	struct walk w = { .plan = l->plan, .allowed = j->allowed, .to = to };

	if (from == to)
		return;
	walk(&w, from);
	if (w.found == 1) {
		take(l, j->flow, &w, j->at, j->what);
	} else if (w.found == 0) {
		site_error(&l->f, "no-conduit", j->at, "%s: no conduit carries it from zone %s to zone %s%s", j->what,
		    a->name, b->name,
		    j->via ? " by way of the conduits that `via` names" : "");
		site_remedy(&l->f, j->via ? "name in `via` each conduit of the way, from the sources to the sink" :
		    "add a conduit { from: %s, to: %s }, or a chain of them", a->name, b->name);
	} else {
		site_error(&l->f, "many-conduits", j->at,
		    "%s: more than one chain of conduits leads from zone %s to zone %s", j->what, a->name,
		    b->name);
		site_remedy(&l->f, "say with `via` which conduits carry it");
	}
}

static const bool *
allowed_by_via(struct loader *l, const struct node *node, const struct keyval *via, const char *what)
{
	bool *allowed = arena_array(&l->scratch, l->plan->nconduits + 1, sizeof *allowed);
	bool all = true;

	for (size_t i = 0; i < via->n; i++) {
		const struct conduit *c = ref_find(l, SECTION_CONDUITS, via->list[i],
		    keys_item_place(l, node, "via", i), what);
		if (c != NULL)
			allowed[c - l->plan->conduits] = true;
		all &= c != NULL;
	}
	return all ? allowed : NULL;
}

/* Conduits that `via` names and no pair of zones needs: probably a mistake, so it is said. */
static void
check_idle_via(struct loader *l, const struct flow *f, const struct node *node, const struct keyval *via,
    const char *what)
{
	for (size_t i = 0; i < via->n; i++) {
		const struct conduit *c = map_get(&l->rows[SECTION_CONDUITS], via->list[i], strlen(via->list[i]));
		if (c == NULL || already(f, (uint32_t)(c - l->plan->conduits)))
			continue;
		site_error(&l->f, "via-unused", keys_item_place(l, node, "via", i),
		    "%s names conduit %s, which is not on its way", what, c->name);
		site_remedy(&l->f, "remove it: it leads from zone %s to zone %s", l->plan->zones[c->from].name,
		    l->plan->zones[c->to].name);
	}
}

void
route_flow(struct loader *l, struct flow *f, const struct node *node, const struct keyval *via, const char *what)
{
	const struct plan *p = l->plan;
	bool *from = arena_array(&l->scratch, p->nzones + 1, sizeof *from);
	bool *to = arena_array(&l->scratch, p->nzones + 1, sizeof *to);
	size_t before = l->f.report->errors;

	for (uint32_t i = 0; i < f->ntags && p->nzones > 0; i++)
		from[p->sources[l->tags[f->tags[i].tag].source].zone] = true;
	for (uint32_t i = 0; i < f->nsinks && p->nzones > 0; i++)
		to[p->sinks[f->sinks[i]].zone] = true;
	struct job j = { .flow = f, .what = what, .at = keys_item_place(l, node, via->set ? "via" : "to", 0),
	    .via = via->set };
	if (via->set && (j.allowed = allowed_by_via(l, node, via, what)) == NULL)
		return;
	for (uint32_t a = 0; a < p->nzones; a++)
		for (uint32_t b = 0; from[a] && b < p->nzones; b++)
			if (to[b])
				connect_zones(l, &j, a, b);
	if (via->set && f->ntags > 0 && f->nsinks > 0 && l->f.report->errors == before)
		check_idle_via(l, f, node, via, what);
}

const struct conduit *
route_back(const struct plan *p, uint32_t from, uint32_t to, const struct conduit *none)
{
	bool allowed[256] = { false };
	struct walk open = { .plan = p, .allowed = allowed, .to = to }, any = { .plan = p, .to = to };

	if (from == to)
		return NULL;
	for (uint32_t i = 0; i < p->nconduits && i < 256; i++)
		allowed[i] = p->conduits[i].requests;
	if (p->nconduits <= 256)
		walk(&open, from);
	if (open.found > 0)
		return NULL;
	walk(&any, from);
	for (uint32_t i = 0; any.found > 0 && i < any.first_n; i++)
		if (!p->conduits[any.first[i]].requests)
			return &p->conduits[any.first[i]];
	return none;
}
