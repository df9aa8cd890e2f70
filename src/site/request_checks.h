/* What is wrong with an entry of `requests:`, found before it runs. */
#ifndef SITE_REQUEST_CHECKS_H
#define SITE_REQUEST_CHECKS_H

#include "site/loader.h"

struct request_draft {
	struct request_rule	*rule;		/* its tags are still numbers of the loader */
	const struct node	*node;
	const char		*what;		/* "request speed", for messages */
	struct keyval		 v[REQUEST_RULE_KEYS];
	bool			 source_known;
};

/*
 * One entry: rules request-tag, request-driver, request-limits, request-way, request-readback, request-interlock,
 * request-keys. Fills the limits and values of the rule.
 */
void request_check(struct loader *l, struct request_draft *d);
/* request_interlock.c: the rule request-interlock. */
void request_check_interlock(struct loader *l, const struct request_draft *d);
/* All entries together, rule request-overlap: what may be asked must not depend on which entry is looked at first. */
void request_check_overlap(struct loader *l);
/* A finding at a key of the entry, or at its name when the key is not written. */
void request_error(struct loader *l, const struct request_draft *d, const char *rule, const char *key,
    const char *cause, const char *remedy);

#endif
