/* Names that refer to an entry of another section; see loader.h. */
#include <string.h>

#include "base/near.h"
#include "site/enums.h"
#include "site/loader.h"

static const char *
nearest(const struct loader *l, int section, const char *name)
{
	struct near near = { .word = name };
	const struct node *s = l->section[section];

	for (const struct node *n = s != NULL && s->kind == NODE_MAP ? s->first : NULL; n != NULL; n = n->next)
		near_try(&near, n->key->text);
	for (size_t i = 0; section == SECTION_ENUMERATIONS && enums_built_in[i] != NULL; i++)
		near_try(&near, enums_built_in[i]->name);
	return near.best;
}

void *
ref_find(struct loader *l, int section, const char *name, struct place at, const char *what)
{
	void *row = map_get(&l->rows[section], name, strlen(name));
	if (row != NULL)
		return row;
	const struct section *s = &sections[section];
	/* Past the findings that are kept, nobody reads the guess; a long section would be searched for nothing. */
	const char *near = l->f.report->left_out == 0 ? nearest(l, section, name) : NULL;
	site_error(&l->f, "dangling", at, "%s names %s \"%s\", which is not in the section %s%s%s%s", what,
	    strchr(s->one, ' ') + 1, name, s->name,
	    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	site_remedy(&l->f, "correct the name, or add it to the section %s", s->name);
	return NULL;
}

void
ref_add(struct loader *l, int section, const char *name, void *row)
{
	map_put(&l->rows[section], name, strlen(name), row);
}
