/* Any bytes as metadata: refused with a reason, or rows that hold together. */
#include <stdlib.h>
#include <string.h>

#include "proto/odata/meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk_type(const struct odata_type *t)
{
	char text[META_TYPE_TEXT];

	for (uint32_t i = 0; i < t->nprops; i++)
		if (strlen(odata_type_text(&t->props[i], text)) >= META_TYPE_TEXT ||
		    odata_prop(t, t->props[i].name) == NULL)
			abort();
	for (uint32_t i = 0; i < t->nnavs; i++)
		if (odata_nav(t, t->navs[i].name) == NULL)
			abort();
	odata_prop_near(t, "Materil");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct odata_meta *m;
	char why[META_WHY_MAX];

	int err = odata_meta_parse((const char *)data, size, &a, &m, why);
	if (err != 0 && (m != NULL || why[0] == '\0'))
		abort();
	for (uint32_t i = 0; err == 0 && i < m->nsets; i++)
		if (m->sets[i].type == NULL || odata_set(m, m->sets[i].name) != &m->sets[i])
			abort();
	for (uint32_t i = 0; err == 0 && i < m->ntypes; i++)
		walk_type(&m->types[i]);
	arena_fini(&a);
	return 0;
}
