/* Parts of `penstock follow`: one event from the register of a machine to the document that it became. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "cli/streams.h"
#include "site/plan.h"
#include "spool/spool.h"

/* Where a sample stands in the spool. */
struct followed_at {
	const struct stream_name *stream;	/* borrowed */
	uint64_t	 number;
	struct wall	 time, sealed;
	uint8_t		 hash[SPOOL_HASH];	/* of its batch */
};

struct followed {
	json_t			*event;		/* given: json_decref */
	struct followed_at	 at;
	bool			 in_spool;	/* else it is known from the outbox alone */
};

/* A reading of a tag. */
struct reading {
	struct followed_at	 at;
	struct value		 v;		/* a number; texts are not kept */
	uint32_t		 status;
};

/*
 * What is looked for: an event whose id, key or document is `what`, or (tag not NULL) the first one that the reading of
 * this tag at `since` went into.
 */
struct follow_query {
	const char	*what, *tag;
	struct wall	 since;
};

/* Look through all streams with events. 0, ERR_NOTFOUND, or an error that was said on standard error. */
int follow_event(const struct streams *s, const struct follow_query *q, struct followed *out);
/* When the newest reading of a tag was taken that went into an event; 0: its record does not say. */
struct wall followed_read(const json_t *event, const char *tag);
/* The last reading of a tag at or before a time. 0 or ERR_NOTFOUND: no flow carries it, or it is not kept any more. */
int follow_reading(const struct streams *s, const char *tag, struct wall before, struct reading *out);
/* The first reading of at least this number. 0 or ERR_NOTFOUND. */
int follow_count(const struct streams *s, const char *tag, double count, struct reading *out);
/* The event of the same declaration before one that is in the spool. 0 or ERR_NOTFOUND. */
int follow_before(const struct streams *s, const struct followed *of, struct followed *out);

/* ---- follow_outbox.c ---- */

#define FOLLOW_MORE	"            "	/* before further lines of a step */

struct follow_print {
	const char	*sink;
	void		(*step)(void *arg, const char *what);
	void		*arg;
};

/* The event with this id, key or document from any outbox: *event given. 0 or ERR_NOTFOUND. */
int follow_in_outboxes(const char *state, const char *what, json_t **event);
/* Print what became of it in all outboxes; step() begins each. Returns how many have it. */
size_t follow_outboxes(const char *state, const char *id, void (*step)(void *arg, const char *what), void *arg);

#endif
