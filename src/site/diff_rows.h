/* Inside site/: what diff.c finds and diff_print.c says. */
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

struct diff {
	struct arena		 arena;
	const struct plan	*before, *after;
	struct source_change	*sources;
	struct flow_change	*flows;
	struct sink_change	*sinks;
	struct request_change	*requests;
	uint32_t		 nsources, nflows, nsinks, nrequests;
	uint32_t		 tags[3];	/* by enum change */
};

void diff_print_text(const struct diff *d, struct buf *out);
void diff_print_json(const struct diff *d, struct buf *out);

#endif
