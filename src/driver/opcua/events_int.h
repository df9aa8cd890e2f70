/* Inside of events*.c. */
#ifndef DRIVER_OPCUA_EVENTS_INT_H
#define DRIVER_OPCUA_EVENTS_INT_H

#include "driver/opcua/events.h"

enum event_sub { EVENT_SUB_NONE, EVENT_SUB_ASKED, EVENT_SUB_UP, EVENT_SUB_KEPT, EVENT_SUB_TRANSFER };
enum event_item { EVENT_ITEM_NONE, EVENT_ITEM_ASKED, EVENT_ITEM_LIVE };
/*
 * Filters, from the best to what any server must take: all fields and whatever is about the telling itself; the same, but only what is wished
 * for (a server without conditions may not know the types of a refresh); fields of BaseEventType only; no where clause.
 */
enum event_filter { EVENT_FILTER_ALL, EVENT_FILTER_WISH, EVENT_FILTER_BASE, EVENT_FILTER_BARE, EVENT_FILTERS };

struct event_known {		/* a branch of a condition */
	UA_NodeId	 condition, branch;
	UA_ByteString	 event;
	bool		 acked;
	uint64_t	 age;
};

struct event_tag {
	uint32_t		 tag;
	enum event_item		 state;
	enum event_filter	 filter;
	bool			 refreshing;
	struct event_known	*known;		/* [UA_EVENTS_KNOWN] */
	uint32_t		 nknown;
	uint64_t		 events, overflows;
	struct ua_events	*of;
};

struct ua_events {
	struct ua_agent		*agent;
	struct event_tag	*tags;
	uint32_t		 ntags;
	enum event_sub		 state;
	struct ua_sub		 sub;
	struct mono		 hold;		/* not before */
	struct mono		 born;		/* when the server made the subscription */
	struct log_limit	 gone_lines;
	bool			 refresh;	/* to be asked for */
	bool			 asked;		/* a refresh is under way */
	bool			 said;		/* ...and how one ended was logged on this connection */
	uint64_t		 age;
};

static inline struct ua_events *events_of(const struct ua_agent *a) { return a->part[UA_PART_EVENTS]; }

/* events_filter.c: what is asked of the server, and which of the answer's fields is what. */
enum event_role {
	ROLE_PLAIN, ROLE_EVENT_ID, ROLE_TYPE, ROLE_TIME, ROLE_RECEIVED, ROLE_CONDITION, ROLE_BRANCH, ROLE_ACKED, ROLE_SEVERITY
};
struct event_field {
	const char	*name;		/* in the JSON */
	uint32_t	 type;		/* of namespace 0, in which it is declared */
	const char	*path;		/* BrowseNames joined by '/'; "": the node itself (its NodeId) */
	enum event_role	 role;
};
extern const struct event_field event_fields[];
uint32_t event_nfields(enum event_filter f);
/* The filter of an item in the arena. 0, or the status for which it cannot be made (no such namespace). */
UA_StatusCode event_filter_make(struct ua_agent *a, const struct ua_addr *addr, enum event_filter f, struct arena *m, UA_EventFilter *out);

/* events_json.c: one event on its way to the engine. */
void event_notified(struct ua_events *e, struct event_tag *t, const UA_EventFieldList *fields);
/* n messages or more are lost: said as an event of our own. */
void event_lost(struct ua_events *e, struct event_tag *t, uint32_t n);

/* events_known.c */
void event_remember(struct ua_events *e, struct event_tag *t, const UA_NodeId *condition, const UA_NodeId *branch, const UA_ByteString *event, bool acked);
void event_forget(struct event_tag *t);

#endif
