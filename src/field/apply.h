/*
 * From a plan to links. Sources that share (driver, link) share a connection. What a new plan leaves as it is stays
 * untouched; a link whose set of sources changes keeps its connection and takes the new set over between two scans.
 */
#ifndef FIELD_APPLY_H
#define FIELD_APPLY_H

#include "field/link.h"

/* A new set of sources for a link that runs, with the driver's new context already open. */
struct link_change {
	struct plan_ref		*plan;
	struct link_sources	 sources;
	void			*ctx;
};

/* Take l->change over. No scan is under way. */
void links_take_change(struct link *l);
/* Close and free a link with all its feeds. NULL does nothing. */
void link_free(struct link *l);

#endif
