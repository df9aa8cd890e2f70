/*
 * A YAML document as a tree of nodes with positions. YAML is read through libyaml's events (YAML 1.1, the part that
 * people write by hand): maps, lists and scalars. Anchors, aliases, merge keys and tags are refused: they make a file
 * that two people read differently, and types with `extends` do their work.
 */
#ifndef SITE_NODE_H
#define SITE_NODE_H

#include "site/finding.h"

#define NODE_DEPTH_MAX	32u
#define NODES_MAX	4000000u

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind	 kind;
	bool		 quoted;	/* a scalar in quotes or a block: never null */
	int		 line, column;	/* from 1 */
	const char	*text;		/* of a scalar, NUL-ended */
	uint32_t	 len;		/* bytes of text; entries of a list or map */
	struct node	*key;		/* of an entry of a map: its key, a scalar */
	struct node	*first, *next;	/* first entry; next entry of the parent */
};

/*
 * Parse len bytes at text. Findings are added for all that cannot be a site file. file: name for places, borrowed
 * by them. *out is the root, in the arena; NULL when the text is empty or broken. 0 or ERR_SYNTAX.
 */
int node_parse(const char *text, size_t len, const char *file, struct arena *a, struct findings *f, struct node **out);

/* The value of a key of a map; NULL when there is none (or map is no map). */
struct node *node_get(const struct node *map, const char *key);
/* Is it nothing: "~", "null" or an empty plain scalar? */
bool node_is_null(const struct node *n);
/* "a list", "a map", "a text": what it is, for messages. */
const char *node_kind_name(const struct node *n);

#endif
