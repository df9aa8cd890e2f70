/* What `penstock scan` was asked to do: its options, and what has become of them. */
#ifndef CLI_SCAN_H
#define CLI_SCAN_H

#include <stdio.h>

#include "base/arena.h"
#include "field/try.h"

#define SCAN_SETS_MAX 32u

struct scan_args {
	const char	*endpoint, *driver, *unit;
	unsigned	 first_unit, last_unit;	/* of --units; 0, 0: not asked for */
	const char	*sets[SCAN_SETS_MAX];	/* "key=value" */
	uint32_t	 nsets;
	const char	*at[TRY_TAGS_MAX];
	uint32_t	 nat;
	bool		 json, ranges, help;
};

struct scan_state {
	struct arena		 arena;
	const struct driver	*driver;
	char			 link[4200];
	struct keyval		*keys;
	const char		*readable[4];	/* by table: "0..99, 200" as JSON text; NULL: no answer */
	bool			 answered;
};

/* Each returns 0, or an exit status when the reason has been said. */
int scan_parse(int argc, char **argv, struct scan_args *a);
void scan_usage(FILE *out);
/* Driver, endpoint and keys. */
int scan_prepare(const struct scan_args *a, struct scan_state *s);
/* Set one key; value as in a site file. */
int scan_set_key(struct scan_state *s, const char *name, size_t len, const char *value);

#endif
