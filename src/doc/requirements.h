/*
 * The system requirements of IEC 62443-3-3:2013 with Corrigendum 1:2014, by number and short title, and what Penstock brings to each: what it does, how
 * that is seen, and what the site must bring. The texts are ours; the standard is not quoted.
 */
#ifndef DOC_REQUIREMENTS_H
#define DOC_REQUIREMENTS_H

#include "site/arch.h"

/* What our share of a requirement is. */
enum share {
	SHARE_WHOLE,		/* Penstock does it for its own part; `text` says how it is seen */
	SHARE_PART,		/* with what `text` says the site must add */
	SHARE_NONE_YET,		/* it belongs to a gateway, and Penstock has it not */
	SHARE_SITE,		/* outside of a gateway */
};

struct requirement {
	const char	*sr;		/* "1.1", "1.1 RE 2" */
	enum fr		 fr;
	uint8_t		 sl;		/* lowest level that demands it, 1..4 */
	const char	*title;
	enum share	 share;
	const char	*text;
};

extern const struct requirement requirements[];
extern const size_t nrequirements;

#endif
