/*
 * From a plan to links. Sources that share (driver, link) share a connection. What a new plan leaves as it is stays
 * untouched; a link whose set of sources changes keeps its connection and takes the new set over between two scans.
 */
#ifndef FIELD_APPLY_H
#define FIELD_APPLY_H

#include "field/link.h"

/* A new set of sources for a link that runs, with the driver's new context already open. */
struct link_change {
	struct link_sources	 sources;	/* in memory */
	struct arena		 memory;
	void			*ctx;
};

/*
 * A link for these sources (borrowed, copied), opened as spec says (borrowed). Not connected yet: link_start(). 0
 * with *out given (link_free()), or the driver's error.
 */
int link_new(struct field *f, const struct driver *d, const struct link_spec *spec, const struct link_sources *sources,
    struct link **out);
/* Close and free a link with all its feeds. NULL does nothing. */
void link_free(struct link *l);

/* The same for a change of sources on l; *out given (link_change_free()). */
int link_change_new(struct link *l, const struct link_sources *sources, struct link_change **out);
void link_change_free(const struct driver *d, struct link_change *c);
/* Have the link take it over (taken): at once, or when the scans under way have ended. Replaces one that waits. */
void link_change_set(struct link *l, struct link_change *c);
/* Take l->change over. No scan is under way. */
void link_change_take(struct link *l);

#endif
