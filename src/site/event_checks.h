/*
 * What is wrong with an entry of `events:`, found before it runs. load_events.c reads entries, event_checks.c judges
 * fields and ways.
 */
#ifndef SITE_EVENT_CHECKS_H
#define SITE_EVENT_CHECKS_H

#include "expr/expr.h"
#include "site/loader.h"

struct event_draft {
	struct event_rule	*rule;
	const struct node	*node;
	const char		*what;		/* "event \"Line/confirmation\"", for messages */
	struct keyval		 v[EVENT_KEYS];
	uint32_t		 zone;		/* UINT32_MAX: not known yet */
	uint32_t		 ack;		/* tag of the acknowledge, by the loader's number; UINT32_MAX: none */
	size_t			 bytes;		/* of a record, at most */
	bool			 broken;	/* an expression of it does not compile */
};

struct field_draft {
	struct event_rule_field	*field;
	const struct node	*node;
	const char		*what;
	const struct event_draft *event;
	struct keyval		 v[FIELD_KEYS];
};

/* A finding at a key of the entry, or at its name when the key is not written. */
void event_error(struct loader *l, const struct event_draft *d, const char *rule, const char *key, const char *cause,
    const char *remedy);
/* Fill the field from its keys: source, text of its expression, rules. text "" after a finding. */
void event_field_read(struct loader *l, struct field_draft *d);
/* Settle type and unit by what its expression gives (p NULL: it is a constant, or did not compile), and judge its rules. */
void event_field_check(struct loader *l, struct field_draft *d, const struct expr *p);

#endif
