/*
 * Derived tags: those with `expr` instead of `at`. In the plan they are tags of a pseudo source, one a zone, named
 * "insight:<zone>" with the driver "insight", and their address is the text of the expression. What a name in it
 * means is decided here, for the checks, for the insight process and for the command line alike:
 *
 *	name, 'a/path'		below the equipment that the tag hangs on,
 *	'../Capper/count'	from there upwards,
 *	'Hall/Line 1/speed'	else, as a whole path
 */
#ifndef SITE_DERIVE_H
#define SITE_DERIVE_H

#include "base/map.h"
#include "expr/expr.h"
#include "site/plan.h"

#define DERIVE_DRIVER	"insight"
#define DERIVE_PREFIX	"insight:"	/* no other source's name has a colon */

#define EVENT_DRIVER	"event"
#define EVENT_PREFIX	"event:"

/* Is it a pseudo source, whose tags the insight process makes: derived tags, or events (load_events.c)? */
bool source_is_derived(const struct source *s);
bool source_is_events(const struct source *s);
/* How many sources a plan has besides those: what its site file calls so. */
uint32_t plan_named_sources(const struct plan *p);

struct derive_scope {
	const char	*own;		/* path of the tag that is derived, or of its equipment with a '/' behind it */
	/* A tag by its path; NULL: there is none. *err may be set to why it cannot be used, and why filled. */
	const struct tag *(*find)(void *arg, const char *path, size_t len, int *err, char *why, size_t size);
	void		*arg;
	struct arena	*arena;		/* of the program */
	const struct plan *plan;	/* whose time zone hour() and such go by, outlives the program; NULL: UTC */
};

/*
 * Compile an expression in a scope. unit: what the result is to be in; NULL: as it comes. The id of an input is the
 * address of its struct tag. Returns as expr_compile().
 */
int derive_compile(const char *text, const char *unit, const struct derive_scope *scope, struct expr **out,
    struct expr_error *e);

/* Tags of a plan by path, for many look-ups; the plan must outlive it. Zeroed, then filled; map_fini() ends it. */
void derive_index(struct map *paths, const struct plan *p);
/* A derive_scope's find over such a map (arg). */
const struct tag *derive_find(void *map, const char *path, size_t len, int *err, char *why, size_t size);

#endif
