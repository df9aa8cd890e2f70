/*
 * Derived tags, once all tags are read: each expression is compiled after those that it is made of, which finds
 * circles; that gives the tag its type and unit, and the zone it belongs to. Only the findings and these facts are
 * kept: the processes that evaluate compile again for themselves.
 *
 * All inputs must lie in one zone. An expression over two zones would carry data from one to the other past every
 * conduit.
 */
#include "site/load_derived.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "site/derive.h"
#include "site/sections.h"

#define DEPTH_MAX	32u		/* derived from derived from derived ... */
#define STATE_MAX	(1ull << 30)	/* bytes that all expressions of a site may remember */
#define NO_PERIOD_NS	NS_PER_S	/* of what is made of no tag, or of tags read on demand */

enum progress { DERIVE_NEW, DERIVE_BUSY, DERIVE_DONE, DERIVE_FAILED };

struct derived {
	uint32_t	 tag;		/* of the loader's tags */
	const char	*source;	/* of its equipment: says the zone of what has no inputs; NULL: none */
	struct place	 at;		/* of the expression */
	struct place	 unit_at;
	bool		 has_unit, has_scan;
	enum progress	 progress;
	struct derived	*next;
};

struct deriving {
	struct loader	*l;
	struct map	 by_tag;		/* index + 1 -> derived */
	struct derived	*stack[DEPTH_MAX];	/* under way */
	size_t		 depth;
	uint64_t	 state;
};

void
derived_add(struct loader *l, const struct tag_input *in, struct tag *t)
{
	struct derived *d = arena_new(&l->scratch, struct derived);
	const struct keyval *v = in->v;
	static const int refused[] = { TAG_AT, TAG_FACTOR, TAG_OFFSET, TAG_TYPE };

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (v[refused[i]].set) {
			site_error(&l->f, "expr", in->cells[refused[i]].line != 0 ? in->cells[refused[i]] : in->place,
			    "\"%.200s\" has an expression and also \"%s\"", in->path, tag_keys[refused[i]].name);
			site_remedy(&l->f, "a derived tag has what its expression gives: remove `%s`",
			    tag_keys[refused[i]].name);
		}
	if (v[TAG_WRITABLE].b || (v[TAG_SCAN].written && v[TAG_SCAN].i == 0)) {
		site_error(&l->f, "expr", in->place, "\"%.200s\" has an expression and is %s", in->path,
		    v[TAG_WRITABLE].b ?
		    "writable" : "read on demand");
		site_remedy(&l->f, v[TAG_WRITABLE].b ? "remove `writable`: nothing can be written to an expression" :
		    "write how often it is sent, or leave `scan` away to send it with each sample of its inputs");
	}
	d->tag = (uint32_t)l->ntags;
	d->source = in->source;
	d->at = in->cells[TAG_EXPR].line != 0 ? in->cells[TAG_EXPR] : in->place;
	d->unit_at = in->cells[TAG_UNIT].line != 0 ? in->cells[TAG_UNIT] : in->place;
	d->has_unit = v[TAG_UNIT].set;
	d->has_scan = v[TAG_SCAN].written;
	d->next = l->derived;
	l->derived = d;
	t->at = in->expr != NULL ? in->expr : "";
	t->factor = 1;
	t->with_inputs = !d->has_scan;
}

uint32_t
pseudo_source(struct loader *l, const char *prefix, const char *driver, uint32_t zone)
{
	struct plan *p = l->plan;
	char name[200];

	for (uint32_t i = 0; i < p->nsources; i++)
		if (p->sources[i].zone == zone && p->sources[i].name != NULL &&
		    strncmp(p->sources[i].name, prefix, strlen(prefix)) == 0)
			return i;
	int n = snprintf(name, sizeof name, "%s%.150s", prefix, p->nzones > 0 ? p->zones[zone].name : "");
	p->sources[p->nsources] = (struct source){ .name = strings_keep(&l->strings, name, (size_t)n),
	    .driver = driver,
	    .endpoint = "", .link = "", .zone = zone, .place = p->nzones > 0 ? p->zones[zone].at :
	    (struct place){ l->file, 1, 1 } };
	p->sources[p->nsources].keys = arena_array(&p->arena, 1, sizeof *p->sources->keys);
	return p->nsources++;
}

static uint32_t
source_of(struct loader *l, uint32_t zone)
{
	return pseudo_source(l, DERIVE_PREFIX, DERIVE_DRIVER, zone);
}

static bool compile(struct deriving *g, struct derived *d);

/* An input: one that is derived itself must be known first. */
static const struct tag *
find(void *arg, const char *path, size_t len, int *err, char *why, size_t size)
{
	struct deriving *g = arg;
	uintptr_t i = (uintptr_t)map_get(&g->l->paths, path, len);

	if (i == 0)
		return NULL;
	struct derived *d = map_get_u64(&g->by_tag, i);
	if (d != NULL && !compile(g, d)) {
		*err = ERR_NOTFOUND;
		snprintf(why, size, "%.200s is derived too, and its own expression is at fault",
		    g->l->tags[i - 1].path);
		return NULL;
	}
	if (g->l->tags[i - 1].type == VALUE_NULL) {
		*err = ERR_NOTFOUND;
		snprintf(why, size, "the address of %.200s is at fault, so its type is not known",
		    g->l->tags[i - 1].path);
		return NULL;
	}
	return &g->l->tags[i - 1];
}

/* A circle: told once, with everything in it. */
static bool
circle(struct deriving *g, struct derived *d)
{
	char text[600] = "";
	size_t n = 0, from = 0;

	while (from < g->depth && g->stack[from] != d)
		from++;
	for (size_t i = from; i < g->depth && n < sizeof text - 1; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s -> ", g->l->tags[g->stack[i]->tag].path);
	site_error(&g->l->f, "expr-cycle", d->at, "expressions are made of each other in a circle: %.560s%s", text,
	    g->l->tags[d->tag].path);
	site_remedy(&g->l->f, "prev(x) of a tag remembers; a tag cannot be made of itself");
	return false;
}

static void
say_fault(struct deriving *g, const struct derived *d, int err, const struct expr_error *e)
{
	const struct tag *t = &g->l->tags[d->tag];

	site_error(&g->l->f, err == ERR_TYPE ? "expr-type" : err == ERR_LIMIT ? "expr-limit" : "expr", d->at,
	    "expression of \"%.160s\", column %d: %s", t->path, e->column, e->cause);
	site_remedy(&g->l->f, "%s", e->remedy[0] != '\0' ? e->remedy : "correct the expression");
}

/* The zone of all inputs, or of the equipment's source where there are none. */
static bool
find_zone(struct deriving *g, const struct derived *d, const struct expr *p, uint32_t *zone)
{
	struct loader *l = g->l;

	if (expr_inputs(p) == 0) {
		const struct source *s = d->source != NULL ?
		    map_get(&l->rows[SECTION_SOURCES], d->source, strlen(d->source)) : NULL;
		if (s == NULL) {
			site_error(&l->f, "expr-zone", d->at,
			    "expression of \"%.200s\" is made of no tag, so its zone is not known",
			    l->tags[d->tag].path);
			site_remedy(&l->f, "name a source of the zone with `source` at its equipment");
			return false;
		}
		*zone = s->zone;
		return true;
	}
	const struct tag *first = (const struct tag *)(uintptr_t)expr_input(p, 0)->id;
	*zone = l->plan->sources[first->source].zone;
	for (size_t i = 1; i < expr_inputs(p); i++) {
		const struct tag *t = (const struct tag *)(uintptr_t)expr_input(p, i)->id;
		uint32_t z = l->plan->sources[t->source].zone;
		if (z == *zone)
			continue;
		site_error(&l->f, "expr-zone", d->at,
		    "expression of \"%.160s\" joins tags of the zones %s (%.100s) and %s (%.100s)",
		    l->tags[d->tag].path, l->plan->zones[*zone].name, first->path, l->plan->zones[z].name, t->path);
		site_remedy(&l->f,
		    "derive in each zone what can be derived there, and join it where both arrive over a conduit");
		return false;
	}
	return true;
}

static bool
facts(struct deriving *g, struct derived *d, const struct expr *p)
{
	struct loader *l = g->l;
	struct tag *t = &l->tags[d->tag];
	uint32_t zone = 0;

	if (!find_zone(g, d, p, &zone))
		return false;
	t->source = source_of(l, zone);
	t->type = expr_value_type(p);
	if (!d->has_unit)
		t->unit = strings_keep(&l->strings, expr_unit(p), strlen(expr_unit(p)));
	if (!d->has_scan)
		t->scan_ns = expr_period_ns(p) > 0 ? expr_period_ns(p) : NO_PERIOD_NS;
	g->state += expr_state_size(p);
	if (g->state > STATE_MAX) {
		site_error(&l->f, "expr-limit", d->at,
		    "the expressions up to \"%.200s\" would have to remember more than %llu MiB",
		    t->path, STATE_MAX >> 20);
		site_remedy(&l->f, "make windows shorter, or have them work on derived tags with longer periods");
		g->state = 0;	/* told once */
		return false;
	}
	if (t->enumeration != NULL && t->type != VALUE_I64) {
		site_error(&l->f, "enum-type", d->at, "\"%.200s\" has an enumeration, but its expression gives a %s",
		    t->path,
		    value_type_name(t->type));
		site_remedy(&l->f, "an enumeration needs a whole number: round(x), or remove `enum`");
	}
	if (t->has_range && !value_is_number(t->type)) {
		site_error(&l->f, "range-type", d->at, "\"%.200s\" has a range, but its expression gives a %s", t->path,
		    value_type_name(t->type));
		site_remedy(&l->f, "only numbers have a range: remove it");
	}
	return true;
}

/* Recursion: at most DEPTH_MAX, as deep as derived tags stand upon each other. */
static bool
compile(struct deriving *g, struct derived *d)
{
	struct loader *l = g->l;
	const struct tag *t = &l->tags[d->tag];
	struct arena a = { 0 };
	struct derive_scope scope = { .own = t->path, .find = find, .arg = g, .arena = &a };
	struct expr_error e;
	struct expr *p;

	if (d->progress == DERIVE_DONE || d->progress == DERIVE_FAILED)
		return d->progress == DERIVE_DONE;
	if (d->progress == DERIVE_BUSY)
		return circle(g, d);
	if (g->depth == DEPTH_MAX) {
		site_error(&l->f, "expr-limit", d->at,
		    "\"%.200s\" stands upon more than %u derived tags one upon the other",
		    t->path, DEPTH_MAX);
		site_remedy(&l->f, "join some of the expressions");
		d->progress = DERIVE_FAILED;
		return false;
	}
	d->progress = DERIVE_BUSY;
	g->stack[g->depth++] = d;
	int err = derive_compile(t->at, d->has_unit ? t->unit : NULL, &scope, &p, &e);
	g->depth--;
	if (err != 0 && strstr(e.cause, "its own expression is at fault") == NULL)	/* that is told where it is */
		say_fault(g, d, err, &e);
	d->progress = err == 0 && facts(g, d, p) ? DERIVE_DONE : DERIVE_FAILED;
	arena_fini(&a);
	return d->progress == DERIVE_DONE;
}

void
load_derived(struct loader *l)
{
	struct deriving g = { .l = l };

	for (struct derived *d = l->derived; d != NULL; d = d->next)
		map_put_u64(&g.by_tag, d->tag + 1u, d);
	for (struct derived *d = l->derived; d != NULL; d = d->next)
		if (!compile(&g, d)) {
			l->tags[d->tag].source = source_of(l,
			    0);	/* so that every tag has one, while errors are collected */
			l->tags_missing = true;
		}
	map_fini(&g.by_tag);
}
