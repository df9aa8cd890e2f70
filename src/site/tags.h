/*
 * One tag, wherever it was written: from a type, below its equipment, or as a row of a table. All three come through
 * tag_add, so they obey the same rules.
 */
#ifndef SITE_TAGS_H
#define SITE_TAGS_H

#include "site/loader.h"

struct tag_input {
	const char		*path;		/* whole; kept by the caller in the plan's strings */
	size_t			 path_len;
	const struct keyval	*v;		/* of tag_keys */
	const char		*at;		/* with parameters filled in, kept in the plan's strings */
	const char		*expr;		/* likewise; NULL: none */
	const char		*help;
	const char		*source;	/* name; NULL: none is known */
	bool			 source_judged;	/* from the equipment, where a dangling name is reported already */
	struct place		 place;		/* of the tag */
	const struct place	*cells;		/* of each value, TAG_KEYS of them; line 0: as `place` */
};

/* Append a tag that the loader itself makes (an event). False: its path is at fault, a finding says so. */
bool tag_add_made(struct loader *l, const struct tag *t);
/* Judge it and append it to the loader's tags; findings for all that is wrong with it. */
void tag_add(struct loader *l, const struct tag_input *in);

#endif
