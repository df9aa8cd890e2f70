/*
 * Parameters of a type: ${name} in a text stands for the value that the equipment gives, or the type's default.
 * Whole-number terms are worked out, so that one type serves machines whose registers start at different places:
 * ${base + 2 * n + 10}.
 */
#ifndef SITE_PARAMS_H
#define SITE_PARAMS_H

#include "base/buf.h"
#include "site/node.h"

#define PARAMS_MAX 64u

struct param {
	const char		*name;
	const char		*value;		/* NULL: must be given */
	const struct node	*node;		/* where the value stands */
};

struct params {
	struct param	v[PARAMS_MAX];
	size_t		n;
};

struct param *params_find(struct params *p, const char *name, size_t len);
/*
 * Append text to out with every ${...} replaced. On failure the cause is in why ("there is no parameter \"bas\"").
 * 0, ERR_NOTFOUND, ERR_SYNTAX, ERR_RANGE.
 */
int params_expand(struct params *p, const char *text, struct buf *out, char *why, size_t size);

#endif
