/*
 * From rows to the result: names are resolved, each kind of row becomes an array, what is there twice or leads in a
 * circle is refused.
 */
#include "proto/odata/meta_int.h"

#include <string.h>

#include "base/err.h"

const char *
meta_full(struct meta_walk *w, const char *name)
{
	const char *dot = strrchr(name, '.'), *slash = strchr(name, '/');

	if (slash != NULL)
		for (dot = slash; dot > name && *dot != '.'; dot--)
			;
	if (dot == NULL || dot == name)
		return name;
	for (const struct row_alias *r = w->aliases; r != NULL; r = r->next)
		if (strlen(r->alias) == (size_t)(dot - name) && memcmp(r->alias, name, (size_t)(dot - name)) == 0)
			return arena_printf(&w->scratch, "%s%s", r->space, dot);
	return name;
}

struct link {
	struct meta_walk	*w;
	struct odata_meta	*m;
	struct map		 types, sets, underlying;	/* full name -> row */
	struct map		 associations, actions;
};

static bool
once(struct link *l, struct map *known, const char *name, void *row, const char *what)
{
	if (map_put(known, name, strlen(name), row) == NULL)
		return true;
	meta_stop(l->w, ERR_SYNTAX, "%s %s is there twice", what, name);
	return false;
}

static void *
find(const struct map *m, const char *name)
{
	return name != NULL ? map_get(m, name, strlen(name)) : NULL;
}

static void
set_type(struct link *l, struct row_prop *r)
{
	struct odata_prop *p = &r->p;
	const char *full = r->type != NULL ? meta_full(l->w, r->type) : "";

	p->type_name = arena_strdup(l->w->a, full);
	p->type = edm_of_name(full, strlen(full));
	if (strncmp(full, "Edm.", 4) == 0) {
		if (p->type == EDM_DATE)
			p->date_only = true;
		return;
	}
	const struct row_underlying *u = find(&l->underlying, full);
	const struct row_type *t = find(&l->types, full);
	p->type = u != NULL && u->type != NULL ? edm_of_name(u->type, strlen(u->type)) : EDM_NONE;
	if (u != NULL && p->facets.max_length == 0 && p->facets.precision == 0)
		p->facets = u->facets;
	p->record = t != NULL ? t->made : NULL;
}

/* Copy the rows of properties (or parameters) into an array. */
static struct odata_prop *
link_props(struct link *l, struct row_prop *rows, uint32_t n, const char *of, struct map *byname)
{
	struct odata_prop *v = arena_array(l->w->a, n > 0 ? n : 1, sizeof *v);
	uint32_t i = 0;

	for (struct row_prop *r = rows; r != NULL && l->w->err == 0; r = r->next) {
		set_type(l, r);
		if (map_put(byname, r->p.name, strlen(r->p.name), r) != NULL)
			meta_stop(l->w, ERR_SYNTAX, "%s has %s twice", of, r->p.name);
		r->made = &v[i++];
		*r->made = r->p;
	}
	return v;
}

/* Where a navigation of version 2 leads: the end of its association that has its role. */
static void
link_end(struct link *l, struct row_nav *r)
{
	const struct row_association *as = r->relationship != NULL
	    ? find(&l->associations, meta_full(l->w, r->relationship)) : NULL;

	for (unsigned i = 0; as != NULL && i < as->nends; i++)
		if (as->end[i].role != NULL && r->to_role != NULL && strcmp(as->end[i].role, r->to_role) == 0) {
			r->type = as->end[i].type;
			r->many = as->end[i].many;
		}
}

static void
link_navs(struct link *l, struct row_type *t)
{
	struct map seen = { 0 };
	struct odata_nav *v = t->made->navs = arena_array(l->w->a, t->nnavs > 0 ? t->nnavs : 1, sizeof *v);

	for (struct row_nav *r = t->navs; r != NULL && l->w->err == 0; r = r->next) {
		if (r->type == NULL)
			link_end(l, r);
		const struct row_type *to = r->type != NULL ? find(&l->types, meta_full(l->w, r->type)) : NULL;
		if (map_put(&seen, r->name, strlen(r->name), r) != NULL)
			meta_stop(l->w, ERR_SYNTAX, "%s has %s twice", t->name, r->name);
		v[t->made->nnavs++] = (struct odata_nav){ r->name, to != NULL ? to->made : NULL, r->many,
		    r->creatable };
	}
	map_fini(&seen);
}

static void
link_keys(struct link *l, struct row_type *t)
{
	for (const struct row_key *k = t->keys; k != NULL && l->w->err == 0; k = k->next) {
		const struct row_prop *p = find(&t->byname, k->name);
		if (p != NULL)
			p->made->key = true;
		else if (t->base == NULL)
			meta_stop(l->w, ERR_SYNTAX, "the key of %s names %s, which it does not have", t->name, k->name);
	}
}

/* Follows base types from t: at most META_BASES_MAX of them, which also ends a circle. */
static void
link_base(struct link *l, struct row_type *t)
{
	unsigned n = 0;
	for (const struct row_type *b = t; b != NULL && b->base != NULL; b = find(&l->types, meta_full(l->w, b->base)))
		if (++n > META_BASES_MAX) {
			meta_stop(l->w, ERR_LIMIT, "the base types of %s are more than %u, or lead in a circle",
			    t->name, META_BASES_MAX);
			return;
		}
	const struct row_type *base = t->base != NULL ? find(&l->types, meta_full(l->w, t->base)) : NULL;
	if (t->base != NULL && base == NULL)
		meta_stop(l->w, ERR_SYNTAX, "%s extends %s, which is not there", t->name, t->base);
	t->made->base = base != NULL ? base->made : NULL;
}

static void
link_types(struct link *l)
{
	struct meta_walk *w = l->w;

	for (struct row_type *t = w->types; t != NULL; t = t->next)
		l->m->ntypes++;
	l->m->types = arena_array(w->a, l->m->ntypes + 1, sizeof *l->m->types);
	struct odata_type *made = l->m->types;
	for (struct row_type *t = w->types; t != NULL && once(l, &l->types, t->full, t, "the type"); t = t->next) {
		t->made = made++;
		*t->made = (struct odata_type){ .name = t->name, .entity = t->entity };
	}
	for (struct row_underlying *u = w->underlying; u != NULL && w->err == 0; u = u->next)
		once(l, &l->underlying, u->full, u, "the type");
	for (struct row_association *r = w->associations; r != NULL && w->err == 0; r = r->next)
		once(l, &l->associations, r->full, r, "the association");
	for (struct row_type *t = w->types; t != NULL && w->err == 0; t = t->next) {
		link_base(l, t);
		t->made->props = link_props(l, t->props, t->nprops, t->name, &t->byname);
		t->made->nprops = t->nprops;
		link_keys(l, t);
	}
	for (struct row_type *t = w->types; t != NULL && w->err == 0; t = t->next)
		link_navs(l, t);
}

static void
link_sets(struct link *l, struct map *seen)
{
	struct meta_walk *w = l->w;
	uint32_t n = 0;

	for (struct row_set *r = w->sets; r != NULL; r = r->next)
		n++;
	l->m->sets = arena_array(w->a, n + 1, sizeof *l->m->sets);
	for (struct row_set *r = w->sets; r != NULL && w->err == 0; r = r->next) {
		const struct row_type *t = find(&l->types, meta_full(w, r->type));
		if (t == NULL) {
			meta_stop(w, ERR_SYNTAX, "the set %s is of type %s, which is not there", r->s.name, r->type);
			return;
		}
		if (!once(l, seen, r->s.name, r, "the set"))
			return;
		map_put(&l->sets, r->full, strlen(r->full), r);
		r->of = t;
		r->s.type = t->made;
		r->made = &l->m->sets[l->m->nsets++];
		*r->made = r->s;
	}
}

static void
link_imports(struct link *l)
{
	struct meta_walk *w = l->w;
	struct map seen = { 0 };
	uint32_t n = 0;

	/* Overloads: the first that stands alone counts, which in this list is the last seen. */
	for (struct row_action *r = w->actions; r != NULL; r = r->next)
		if (!r->bound)
			map_put(&l->actions, r->full, strlen(r->full), r);
	for (struct row_action *r = w->imports; r != NULL; r = r->next)
		n++;
	l->m->functions = arena_array(w->a, n + 1, sizeof *l->m->functions);
	for (struct row_action *r = w->imports; r != NULL && once(l, &seen, r->name, r, "the import"); r = r->next) {
		struct row_action *of = r->refers != NULL ? find(&l->actions, meta_full(w, r->refers)) : r;
		struct odata_function *f = &l->m->functions[l->m->nfunctions++];
		*f = (struct odata_function){ .name = r->name, .method = r->method };
		if (of == NULL)
			continue;
		struct map params = { 0 };
		if (of->made == NULL)
			of->made = link_props(l, of->params, of->nparams, r->name, &params);
		f->params = of->made;
		f->nparams = of->nparams;
		map_fini(&params);
	}
	map_fini(&seen);
}

struct odata_meta *
meta_link(struct meta_walk *w)
{
	struct link l = { .w = w, .m = arena_new(w->a, struct odata_meta) };
	struct map seen = { 0 };

	if (w->version == 0)
		meta_stop(w, ERR_SYNTAX, "the document holds no <Edmx>");
	l.m->version = w->version;
	l.m->space = w->container_space != NULL ? arena_strdup(w->a, w->container_space) : "";
	link_types(&l);
	if (w->err == 0)
		link_sets(&l, &seen);
	if (w->err == 0)
		link_imports(&l);
	if (w->err == 0)
		meta_annotate(w, &l.types, &l.sets);
	if (w->err == 0 && l.m->nsets == 0)
		meta_stop(w, ERR_SYNTAX, "the metadata has no entity set");
	for (struct row_type *t = w->types; t != NULL; t = t->next)
		map_fini(&t->byname);
	map_fini(&seen);
	map_fini(&l.types);
	map_fini(&l.sets);
	map_fini(&l.underlying);
	map_fini(&l.associations);
	map_fini(&l.actions);
	return l.m;
}
