/* Inside site/: derived tags on their way from the file to the plan. See derive.h for what they are. */
#ifndef SITE_LOAD_DERIVED_H
#define SITE_LOAD_DERIVED_H

#include "site/tags.h"

/*
 * Take note of a tag with an expression, which is about to become l->tags[l->ntags]. Findings for what does not go
 * with it.
 */
void derived_add(struct loader *l, const struct tag_input *in, struct tag *t);
/* The pseudo source of a zone whose name begins with the prefix; made when it is not there yet. */
uint32_t pseudo_source(struct loader *l, const char *prefix, const char *driver, uint32_t zone);
/* All tags are read: compile the expressions in the order of dependence, fill in types, units, zones and sources. */
void load_derived(struct loader *l);

#endif
