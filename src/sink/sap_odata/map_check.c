/*
 * A mapping held against the metadata of its service: what does not fit is a finding at the mapping's row, with the
 * service's word beside it. Whether what fits is also wanted, only SAP's Customizing knows.
 */
#include <stdio.h>
#include <string.h>

#include "sink/sap_odata/map_int.h"

struct check {
	struct findings		*f;
	const struct mapping	*m;
	size_t			 errors;
};

static void
error(struct check *c, const char *rule, struct place at, const char *cause, const char *remedy)
{
	c->errors++;
	site_error(c->f, rule, at, "%s", cause);
	site_remedy(c->f, "%s", remedy);
}

static const char *
near_text(const char *near, char out[META_NAME_MAX + 40])
{
	snprintf(out, META_NAME_MAX + 40, near != NULL ? "; did you mean %s?" : "%s", near != NULL ? near : "");
	return out;
}

/* NULL, with a finding: the service has no such property. */
static const struct odata_prop *
must_have(struct check *c, const struct odata_type *t, const char *prop, struct place at, const char *what)
{
	char cause[500], near[META_NAME_MAX + 40];
	const struct odata_prop *p = odata_prop(t, prop);

	if (p != NULL)
		return p;
	snprintf(cause, sizeof cause, "%s %s is not in %s of the service%s", what, prop, t->name,
	    near_text(odata_prop_near(t, prop), near));
	error(c, "no-property", at, cause,
	    "correct the name, or remove the row: this release of the service does not have it");
	return NULL;
}

static bool
same_type(enum edm_type mine, enum edm_type theirs)
{
	/* The JSON of these is the same. */
	bool small_mine = mine >= EDM_BYTE && mine <= EDM_INT32, small_theirs = theirs >= EDM_BYTE &&
	    theirs <= EDM_INT32;
	bool real_mine = mine == EDM_SINGLE || mine == EDM_DOUBLE, real_theirs = theirs == EDM_SINGLE ||
	    theirs == EDM_DOUBLE;
	return mine == theirs || (small_mine && small_theirs) || (real_mine && real_theirs);
}

static void
check_type(struct check *c, const struct field *f, const struct odata_prop *p)
{
	char cause[500], theirs[META_TYPE_TEXT];

	odata_type_text(p, theirs);
	if (!same_type(f->type, p->type) || p->collection) {
		snprintf(cause, sizeof cause, "%s is %s%s in the service, and %s in the mapping", f->prop,
		    p->collection ? "a collection of " : "", theirs, edm_name(f->type));
		error(c, "type", f->at, cause, "write the service's type");
	} else if (f->facets.max_length > 0 && p->facets.max_length > 0 &&
	    f->facets.max_length > p->facets.max_length && f->pad > p->facets.max_length) {
		snprintf(cause, sizeof cause, "%s has %u characters in the service, and the mapping pads to %u",
		    f->prop, p->facets.max_length, f->pad);
		error(c, "length", f->at, cause, "pad to the service's length");
	} else if (f->facets.max_length > 0 && p->facets.max_length > 0 &&
	    f->facets.max_length > p->facets.max_length) {
		site_warning(c->f, "length", f->at,
		    "%s has %u characters in the service, fewer than the %u of the mapping: longer texts will be refused or cut there",
		    f->prop, p->facets.max_length, f->facets.max_length);
		site_remedy(c->f, "write the service's length");
	}
	if (f->type == EDM_DECIMAL && p->facets.precision > 0 && f->facets.precision > 0 &&
	    (p->facets.precision < f->facets.precision || (p->facets.scale != EDM_SCALE_ANY &&
	    p->facets.scale < f->facets.scale))) {
		site_warning(c->f, "digits", f->at,
		    "%s is %s in the service, with fewer digits than the mapping says", f->prop, theirs);
		site_remedy(c->f, "write the service's type");
	}
	if (f->from == FROM_VALUE && f->type == EDM_STRING && p->facets.max_length > 0 &&
	    strlen(f->source) > p->facets.max_length) {
		snprintf(cause, sizeof cause, "the constant \"%.60s\" is longer than %s in the service, %s",
		    f->source, f->prop, theirs);
		error(c, "length", f->at, cause, "shorten it");
	}
}

static void
check_field(struct check *c, const struct odata_type *t, const struct field *f)
{
	char cause[500];
	const struct odata_prop *p = must_have(c, t, f->prop, f->at, "the property");

	if (p == NULL)
		return;
	check_type(c, f, p);
	if (c->m->update && !p->updatable && !map_is_key(c->m, f->prop)) {
		snprintf(cause, sizeof cause, "%s cannot be changed in %s: the service says so", f->prop, t->name);
		error(c, "not-updatable", f->at, cause, "remove the row, or fill in a property that may be changed");
	} else if (!c->m->update && !p->creatable) {
		snprintf(cause, sizeof cause, "%s cannot be set when %s is created: the service says so", f->prop,
		    t->name);
		error(c, "not-creatable", f->at, cause,
		    "remove the row, or fill in the property that may be set (results: the one with Frmtd in its name)");
	}
	if (f->unit_prop != NULL)
		must_have(c, t, f->unit_prop, f->at, "the property of the unit");
}

/* What the service wants and the mapping never gives: a finding, though the server may fill it in. */
static void
check_wanted(struct check *c, const struct odata_type *t, const struct fields *v, struct place at)
{
	for (; t != NULL; t = t->base)
		for (uint32_t i = 0; i < t->nprops; i++) {
			const struct odata_prop *p = &t->props[i];
			bool given = c->m->identity_prop != NULL && strcmp(c->m->identity_prop, p->name) == 0;
			for (uint32_t k = 0; k < v->n && !given; k++)
				given = strcmp(v->v[k].prop, p->name) == 0;
			if (c->m->update || given || p->nullable || p->key || !p->creatable || c->m->version == 4)	/* ABAP says "not null" of all in version 4 */
				continue;
			site_warning(c->f, "not-null", at,
			    "%s must have a value (Nullable=\"false\"), and the mapping %s gives none", p->name,
			    c->m->name);
			site_remedy(c->f, "add a row for it, if SAP refuses messages without it");
		}
}

static void
check_entity(struct check *c, const struct odata_type *t, const struct fields *v, struct place at)
{
	char cause[500], near[META_NAME_MAX + 40];

	for (uint32_t i = 0; i < v->n; i++)
		check_field(c, t, &v->v[i]);
	check_wanted(c, t, v, at);
	/* Ends: items stand at most MAPPING_ITEMS_DEPTH deep. */
	for (uint32_t i = 0; i < v->nitems; i++) {
		const struct item *it = &v->items[i];
		const struct odata_nav *nav = odata_nav(t, it->nav);
		if (nav != NULL && nav->to != NULL) {
			check_entity(c, nav->to, &it->fields, it->at);
			continue;
		}
		snprintf(cause, sizeof cause, "%s has no navigation %s in the service%s", t->name, it->nav,
		    near_text(odata_nav_near(t, it->nav), near));
		error(c, "no-navigation", it->at, cause, "correct the name, or remove the item");
	}
}

static void
check_names(struct check *c, const struct odata_type *t)
{
	const struct mapping_full *m = map_full(c->m);

	for (const char *const *s = c->m->document; *s != NULL; s++)
		must_have(c, t, *s, c->m->at, "the document's property");
	for (const char *const *s = m->lookup; s != NULL && *s != NULL; s++) {
		const struct odata_prop *p = must_have(c, t, *s, c->m->at, "the lookup's property");
		if (p != NULL && c->m->update && !p->key)
			error(c, "not-key", c->m->at, "what an update is looked up by is no key in the service",
			    "write the properties of the key, all of them");
		if (p == NULL || p->filterable || m->lookup_by_key)
			continue;
		site_error(c->f, "not-filterable", c->m->at,
		    "%s cannot be filtered by, so whether a message arrived could not be found out", *s);
		site_remedy(c->f, "take another property for the identity, or a lookup by key");
		c->errors++;
	}
	for (const struct odata_type *k = t; c->m->update && k != NULL; k = k->base)
		for (uint32_t i = 0; i < k->nprops; i++)
			if (k->props[i].key && !map_is_key(c->m, k->props[i].name))
				error(c, "key-parts", c->m->at, "the service's key has more properties than the mapping's lookup",
				    "write the properties of the key, all of them");
	if (c->m->identity_prop != NULL) {
		const struct odata_prop *p = must_have(c, t, c->m->identity_prop, c->m->at, "the property of identity");
		uint32_t room = c->m->identity == IDENTITY_TEXT20 ? 20 : 16;
		bool guid = c->m->identity == IDENTITY_GUID;
		if (p != NULL && (!p->creatable || (guid ? p->type != EDM_GUID : p->type != EDM_STRING ||
		    (p->facets.max_length > 0 && p->facets.max_length < room))))
			error(c, "identity", c->m->at,
			    "the property of identity cannot be set, or cannot hold an identity of this form",
			    "take another property or form");
	}
	if (c->m->follow_nav == NULL)
		return;
	const struct odata_nav *nav = odata_nav(t, c->m->follow_nav);
	if (nav == NULL || nav->to == NULL)
		error(c, "no-navigation", c->m->at, "the service does not have the navigation of the follow-up",
		    "correct its name");
	else
		must_have(c, nav->to, c->m->follow_prop, c->m->at, "the follow-up's property");
}

static void
check_reading(struct check *c, const struct odata_type *t)
{
	const struct reading *r = c->m->reading;
	char cause[500], text[META_TYPE_TEXT];

	for (uint32_t i = 0; i < r->ntags; i++) {
		const struct odata_prop *p = must_have(c, t, r->tags[i].prop, c->m->at, "the property");
		if (p == NULL || same_type(r->tags[i].type, p->type))
			continue;
		snprintf(cause, sizeof cause, "%s is %s in the service, and %s in the mapping", p->name,
		    odata_type_text(p, text), edm_name(r->tags[i].type));
		error(c, "type", c->m->at, cause, "write the service's type");
	}
	for (uint32_t i = 0; i < r->nwhere; i++) {
		const struct odata_prop *p = must_have(c, t, r->where[i].prop, c->m->at, "the condition's property");
		if (p != NULL && !p->filterable)
			error(c, "not-filterable", c->m->at,
			    "a condition is on a property that cannot be filtered by", "remove the condition");
	}
	if (r->delta != NULL)
		must_have(c, t, r->delta, c->m->at, "the property of change");
}

static void
check_call(struct check *c, const struct odata_meta *meta)
{
	const struct odata_function *fn = odata_function(meta, c->m->set);
	char cause[500];

	if (fn == NULL) {
		snprintf(cause, sizeof cause, "the service has no function import %s", c->m->set);
		error(c, "no-function", c->m->at, cause, "correct its name");
		return;
	}
	for (uint32_t i = 0; i < map_full(c->m)->fields.n; i++) {
		const struct field *f = &map_full(c->m)->fields.v[i];
		uint32_t k = 0;
		while (k < fn->nparams && strcmp(fn->params[k].name, f->prop) != 0)
			k++;
		if (k < fn->nparams) {
			check_type(c, f, &fn->params[k]);
			continue;
		}
		snprintf(cause, sizeof cause, "%s has no parameter %s", fn->name, f->prop);
		error(c, "no-property", f->at, cause, "correct the name, or remove the row");
	}
}

size_t
mapping_check(const struct mapping *m, const struct odata_meta *meta, struct findings *f)
{
	struct check c = { f, m, 0 };
	char cause[500], near[META_NAME_MAX + 40];

	if (meta->version != m->version) {
		snprintf(cause, sizeof cause, "the service speaks OData %u, the mapping %s OData %u", meta->version,
		    m->name, m->version);
		error(&c, "version", m->at, cause, "write the service's version; names may differ as well");
		return c.errors;
	}
	if (m->call) {
		check_call(&c, meta);
		return c.errors;
	}
	const struct odata_set *s = odata_set(meta, m->set);
	if (s == NULL) {
		snprintf(cause, sizeof cause, "the service has no set %s%s", m->set,
		    near_text(odata_set_near(meta, m->set), near));
		error(&c, "no-set", m->at, cause, "correct the name, or the path of the service");
		return c.errors;
	}
	if (m->reading != NULL) {
		check_reading(&c, s->type);
		return c.errors;
	}
	if (m->update && !s->updatable) {
		snprintf(cause, sizeof cause, "nothing can be changed in %s: the service says so", m->set);
		error(&c, "not-updatable", m->at, cause, "ask which service changes such documents in this release");
	} else if (!m->update && !s->creatable) {
		snprintf(cause, sizeof cause, "nothing can be created in %s: the service says so", m->set);
		error(&c, "not-creatable", m->at, cause, "ask which service creates such documents in this release");
	}
	check_entity(&c, s->type, &map_full(m)->fields, m->at);
	check_names(&c, s->type);
	return c.errors;
}
