/* penstock browse: what was asked for, and the rows that came of a walk. */
#ifndef CLI_BROWSE_CLI_H
#define CLI_BROWSE_CLI_H

#include <stdio.h>

#include "driver/opcua/browse.h"

#define BROWSE_SETS_MAX 32u

struct browse_args {
	const char	*target;	/* ENDPOINT or SITE:SOURCE */
	const char	*from, *prefix, *diff, *state, *source;
	const char	*sets[BROWSE_SETS_MAX];	/* "key=value" */
	uint32_t	 nsets;
	uint32_t	 max;
	double		 rate;
	bool		 types, help, quiet;
};

/* One line of the table: texts in the walk's arena or static. */
struct browse_row {
	const char	*path, *at, *type, *unit, *help;
	bool		 has_range;
	double		 lo, hi;
	uint32_t	 node;
};
struct browse_rows {
	struct browse_row	*v;
	uint32_t		 n;
	uint32_t		 no_address, no_path;	/* variables left out: an address that no site file could hold; lie too deep */
	struct arena		 memory;
};

/* browse_rows.c: the variables of a walk as rows, sorted by path. */
void browse_rows_make(const struct ua_browse *b, const char *prefix, struct browse_rows *out);
void browse_rows_free(struct browse_rows *r);
/* A name as a step of a tag's path: nothing in it that a path or a spreadsheet would take amiss. */
void browse_clean(struct buf *out, const char *name);
/*
 * The value type of a variable, never empty; of an array of numbers (browse_is_array) that of its elements, and then the
 * address must say "[type T[]]".
 */
const char *browse_type(const struct ua_browse *b, const struct browse_node *n);
bool browse_is_array(const struct ua_browse *b, const struct browse_node *n);
bool browse_is_number(const char *type);	/* may have unit and range */
const char *browse_help(struct arena *m, const struct browse_node *n);

/* browse_csv.c: the table; and what differs from an old one: how many lines, -1: it cannot be read (said). */
void browse_csv(const struct browse_rows *r, const char *source, FILE *out);	/* source: one more column, NULL: none */
long browse_diff(const struct browse_rows *r, const char *old, FILE *out);

/* browse_types.c: object types as a `types:` section. Returns how many. */
uint32_t browse_types(const struct ua_browse *b, FILE *out);

#endif
