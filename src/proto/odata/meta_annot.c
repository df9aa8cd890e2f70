/*
 * What the annotations of version 4 say about creating, updating and filtering, by the vocabularies Core and
 * Capabilities; and which property holds a unit, by Measures. All others are passed over.
 */
#include "proto/odata/meta_int.h"

#include <string.h>

struct aim {			/* what an annotation speaks of; NULL where it does not */
	struct odata_set	*set;
	const struct row_type	*of;		/* type of the set */
	struct odata_prop	*prop;
	const struct row_annotation *r;
};

/* The property of a path, of the type of a set: not of its base, which other sets may share. */
static struct odata_prop *
own_prop(const struct row_type *t, const char *name)
{
	const struct row_prop *p = t != NULL && name != NULL ? map_get(&t->byname, name, strlen(name)) : NULL;
	return p != NULL ? p->made : NULL;
}

static struct odata_prop *
named(const struct aim *a)
{
	return own_prop(a->of, a->r->path);
}

static void
computed(struct meta_walk *w, const struct aim *a)
{
	(void)w;
	if (a->prop != NULL && a->r->flag)
		a->prop->creatable = a->prop->updatable = false;
}

static void
immutable(struct meta_walk *w, const struct aim *a)
{
	(void)w;
	if (a->prop != NULL && a->r->flag)
		a->prop->updatable = false;
}

static void
read_only(struct meta_walk *w, const struct aim *a)
{
	(void)w;
	if (a->prop != NULL && !a->r->flag)
		a->prop->creatable = a->prop->updatable = false;
}

static void
unit_is(struct meta_walk *w, const struct aim *a)
{
	if (a->prop != NULL && a->r->path != NULL)
		a->prop->unit = arena_strdup(w->a, a->r->path);
}

static void
insertable(struct meta_walk *w, const struct aim *a)
{
	(void)w;
	if (a->set != NULL)
		a->set->creatable = a->r->flag;
}

static void
updatable(struct meta_walk *w, const struct aim *a)
{
	(void)w;
	if (a->set != NULL)
		a->set->updatable = a->r->flag;
}

static void
deletable(struct meta_walk *w, const struct aim *a)
{
	(void)w;
	if (a->set != NULL)
		a->set->deletable = a->r->flag;
}

static void
filter_required(struct meta_walk *w, const struct aim *a)
{
	(void)w;
	if (a->set != NULL)
		a->set->requires_filter = a->r->flag;
}

static void
not_insertable(struct meta_walk *w, const struct aim *a)
{
	struct odata_prop *p = named(a);
	(void)w;
	if (p != NULL)
		p->creatable = false;
}

static void
not_updatable(struct meta_walk *w, const struct aim *a)
{
	struct odata_prop *p = named(a);
	(void)w;
	if (p != NULL)
		p->updatable = false;
}

static void
not_filterable(struct meta_walk *w, const struct aim *a)
{
	struct odata_prop *p = named(a);
	(void)w;
	if (p != NULL)
		p->filterable = false;
}

static const struct {
	const char	*term, *field;
	void		(*apply)(struct meta_walk *w, const struct aim *a);
} terms[] = {
	{ "Org.OData.Core.V1.Computed", "", computed },
	{ "Org.OData.Core.V1.Immutable", "", immutable },
	{ "Org.OData.Core.V1.Permissions", "", read_only },
	{ "Org.OData.Measures.V1.Unit", "", unit_is },
	{ "Org.OData.Capabilities.V1.InsertRestrictions", "Insertable", insertable },
	{ "Org.OData.Capabilities.V1.InsertRestrictions", "NonInsertableProperties", not_insertable },
	{ "Org.OData.Capabilities.V1.UpdateRestrictions", "Updatable", updatable },
	{ "Org.OData.Capabilities.V1.UpdateRestrictions", "NonUpdatableProperties", not_updatable },
	{ "Org.OData.Capabilities.V1.DeleteRestrictions", "Deletable", deletable },
	{ "Org.OData.Capabilities.V1.FilterRestrictions", "NonFilterableProperties", not_filterable },
	{ "Org.OData.Capabilities.V1.FilterRestrictions", "RequiresFilter", filter_required },
};

/* "space.Container/Set", "space.Type/Prop". */
static struct aim
aim_at(struct meta_walk *w, const struct row_annotation *r, const struct map *types, const struct map *sets)
{
	struct aim aim = { .r = r };
	const char *target = r->target != NULL ? meta_full(w, r->target) : "";
	const char *slash = strchr(target, '/');

	const struct row_set *set = r->set != NULL ? r->set : r->target != NULL
	    ? map_get(sets, target, strlen(target)) : NULL;
	if (set != NULL) {
		aim.set = set->made;
		aim.of = set->of;
	}
	if (r->prop != NULL)
		aim.prop = r->prop->made;
	if (slash == NULL)
		return aim;
	const struct row_type *t = map_get(types, target, (size_t)(slash - target));
	aim.prop = own_prop(t, slash + 1);
	return aim;
}

void
meta_annotate(struct meta_walk *w, const struct map *types, const struct map *sets)
{
	for (const struct row_annotation *r = w->annotations; r != NULL; r = r->next) {
		const char *term = meta_full(w, r->term);
		for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
			if (strcmp(terms[i].term, term) != 0 || strcmp(terms[i].field, r->field) != 0)
				continue;
			struct aim aim = aim_at(w, r, types, sets);
			terms[i].apply(w, &aim);
		}
	}
}
