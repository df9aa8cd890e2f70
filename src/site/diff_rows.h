/* Inside site/: what diff.c and diff_event.c find and diff_print.c says. */
#ifndef SITE_DIFF_ROWS_H
#define SITE_DIFF_ROWS_H

#include "base/arena.h"
#include "site/diff.h"

enum change { ADDED, REMOVED, CHANGED };

struct tag_change {
	enum change	 how;
	const struct tag *before, *after;	/* NULL when added, removed */
};

struct source_change {
	enum change		 how;
	const struct source	*before, *after;
	struct tag_change	*tags;
	uint32_t		 ntags, count[3];	/* count: by enum change */
	bool			 connection;		/* driver, endpoint or keys differ */
};

struct flow_change {
	enum change		 how;
	const struct flow	*before, *after;
	bool			 schema;	/* a new schema version: the backlog of the old one is still delivered */
};

struct sink_change {
	enum change		 how;
	const struct sink	*before, *after;
};

struct request_change {
	enum change		 how;
	const struct request_rule *before, *after;
};

/* One thing that an event's declaration says otherwise. */
struct event_note {
	const char	*what;			/* "trigger", "field yield" */
	const char	*before, *after;	/* NULL when it was not, is not there */
	const char	*effect;		/* what comes of it that is not plain; NULL: nothing */
};

struct event_change {
	enum change		 how;
	const struct event_rule	*before, *after;
	struct event_note	*notes;		/* when CHANGED */
	uint32_t		 nnotes;
	const char		*flows;		/* that take it now */
};

struct diff {
	struct arena		 arena;
	const struct plan	*before, *after;
	struct source_change	*sources;
	struct flow_change	*flows;
	struct sink_change	*sinks;
	struct request_change	*requests;
	struct event_change	*events;
	uint32_t		 nsources, nflows, nsinks, nrequests, nevents;
	bool			 renamed;	/* enterprise or site, of which the ids of events are made */
	uint32_t		 tags[3];	/* by enum change */
};

void diff_events(struct diff *d);
void diff_print_text(const struct diff *d, struct buf *out);
void diff_print_json(const struct diff *d, struct buf *out);

#endif
