/* Looking things up in metadata. Services have some hundred names at most, so a walk is a look-up. */
#include "proto/odata/meta.h"

#include <stdio.h>
#include <string.h>

#include "base/near.h"

const struct odata_set *
odata_set(const struct odata_meta *m, const char *name)
{
	for (uint32_t i = 0; i < m->nsets; i++)
		if (strcmp(m->sets[i].name, name) == 0)
			return &m->sets[i];
	return NULL;
}

const struct odata_prop *
odata_prop(const struct odata_type *t, const char *name)
{
	/* Ends: base types make no circle. */
	for (; t != NULL; t = t->base)
		for (uint32_t i = 0; i < t->nprops; i++)
			if (strcmp(t->props[i].name, name) == 0)
				return &t->props[i];
	return NULL;
}

const struct odata_nav *
odata_nav(const struct odata_type *t, const char *name)
{
	for (; t != NULL; t = t->base)
		for (uint32_t i = 0; i < t->nnavs; i++)
			if (strcmp(t->navs[i].name, name) == 0)
				return &t->navs[i];
	return NULL;
}

const struct odata_function *
odata_function(const struct odata_meta *m, const char *name)
{
	for (uint32_t i = 0; i < m->nfunctions; i++)
		if (strcmp(m->functions[i].name, name) == 0)
			return &m->functions[i];
	return NULL;
}

const char *
odata_set_near(const struct odata_meta *m, const char *name)
{
	struct near n = { .word = name };
	for (uint32_t i = 0; i < m->nsets; i++)
		near_try(&n, m->sets[i].name);
	return n.best;
}

const char *
odata_prop_near(const struct odata_type *t, const char *name)
{
	struct near n = { .word = name };
	for (; t != NULL; t = t->base)
		for (uint32_t i = 0; i < t->nprops; i++)
			near_try(&n, t->props[i].name);
	return n.best;
}

const char *
odata_nav_near(const struct odata_type *t, const char *name)
{
	struct near n = { .word = name };
	for (; t != NULL; t = t->base)
		for (uint32_t i = 0; i < t->nnavs; i++)
			near_try(&n, t->navs[i].name);
	return n.best;
}

const char *
odata_type_text(const struct odata_prop *p, char out[META_TYPE_TEXT])
{
	if (p->type == EDM_NONE)
		snprintf(out, META_TYPE_TEXT, "%.140s", p->type_name);
	else if (p->type == EDM_DECIMAL && p->facets.precision > 0)
		snprintf(out, META_TYPE_TEXT, "Decimal(%u,%d)", p->facets.precision, p->facets.scale > 0
		    ? p->facets.scale : 0);
	else if (p->facets.max_length > 0)
		snprintf(out, META_TYPE_TEXT, "%s(%u)", edm_name(p->type), p->facets.max_length);
	else
		snprintf(out, META_TYPE_TEXT, "%s%s", edm_name(p->type), p->date_only && p->type == EDM_DATETIME
		    ? " (date alone)" : "");
	return out;
}
