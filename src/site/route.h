/* The way of a flow: which conduits carry it from the zones of its sources to the zones of its sinks. */
#ifndef SITE_ROUTE_H
#define SITE_ROUTE_H

#include "site/loader.h"

/*
 * Fill f->conduits from f->tags (numbers of the loader's tags) and f->sinks. via: the conduits that the file names,
 * unset if none. Without them there must be exactly one chain between each pair of zones; a finding says so when
 * there is not.
 */
void route_flow(struct loader *l, struct flow *f, const struct node *node, const struct keyval *via, const char *what);
/*
 * Is there a chain of conduits by which data goes from one zone to another, all of which let requests back? Equal zones need
 * none. NULL: there is. Else the conduit that stands in the way, or `none`'s address when no chain leads there at all.
 */
const struct conduit *route_back(const struct plan *p, uint32_t from, uint32_t to, const struct conduit *none);

#endif
