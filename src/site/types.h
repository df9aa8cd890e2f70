/* Types: tags written once, with parameters, and made into tags for every piece of equipment that has the type. */
#ifndef SITE_TYPES_H
#define SITE_TYPES_H

#include "site/loader.h"
#include "model/path.h"
#include "site/params.h"
#include "site/tags.h"

#define PATH_ROOM (PATH_LEN_MAX + 64u)

#define TYPE_EXTENDS_MAX 8u	/* a type that extends a type that extends ... */

struct type_tag {
	const char	*name;
	size_t		 len;
	struct keyval	 v[TAG_KEYS];
	struct place	 place, cells[TAG_KEYS];
	struct type_tag	*next;
};

struct type_def {
	const char		*name;
	const struct node	*node;
	const char		*extends;	/* NULL: none */
	struct place		 extends_at;
	const struct node	*params;	/* the map, NULL if none */
	struct type_tag		*tags;		/* its own */
	const struct type_tag	**all;		/* with those of its ancestors, once it is used; NULL before */
	size_t			 nall;
	bool			 extended;	/* by another type */
	struct place		 place;
};

/* Read the tags of a map of tags (name -> keys); what: "type filler". The list is in the scratch arena. */
struct type_tag *type_read_tags(struct loader *l, const struct node *map, const char *what);

struct equipment {
	const char		*path;		/* kept in the plan's strings */
	const char		*source;	/* NULL: none */
	struct place		 source_at;
	struct params		*params;
	struct place		 place;
};
/* Make tags of a list for a piece of equipment. */
void type_make_tags(struct loader *l, const struct type_tag *tags, const struct equipment *e);
/*
 * The type, then what it extends, up to its first ancestor; chain has room for TYPE_EXTENDS_MAX. Returns their
 * number.
 */
size_t type_chain(struct loader *l, struct type_def *t, struct type_def **chain);
/* All of a type, its ancestors first; a tag of a descendant replaces one of the same name. */
void type_make(struct loader *l, struct type_def *t, const struct equipment *e);
/* Defaults of a type and its ancestors. */
void type_params(struct loader *l, struct type_def *t, struct params *out);

#endif
