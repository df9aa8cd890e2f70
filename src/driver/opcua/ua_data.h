/*
 * The data half of the opcua driver: resolve.c finds the nodes, subs.c and publish.c bring what changes, cyclic.c reads on the grid, history.c
 * fills what an outage tore. This header is what these four share: the settings, the fate of an item, and the size of calls.
 *
 * Way of an item on a connection:
 *
 *	resolve ──> subs (mode subscribe) or cyclic (mode read) ──> values
 *	   ^                      │
 *	   └── 10 s .. 5 min ─────┘  ua_item_fail(): the trouble of one item is its own; it is tried again slowly, alone
 */
#ifndef DRIVER_OPCUA_UA_DATA_H
#define DRIVER_OPCUA_UA_DATA_H

#include "base/log.h"
#include "driver/opcua/ua.h"

/* What the site file says about data, from the source's keys (data_opts.c). */
struct ua_data {
	bool		 read;			/* mode of items that do not say: read, not subscribe */
	int64_t		 publishing_ns;		/* of subscriptions; 0: as the scan of their tags */
	int64_t		 keep_alive_ns;		/* an idle subscription says so this often */
	int64_t		 lifetime_ns;		/* the server keeps a subscription that nobody asks for */
	uint32_t	 queue;			/* values a monitored item keeps; 0: two publishing intervals of them */
	uint32_t	 per_call;		/* items in one call that creates, reads or translates */
	int64_t		 pause_ns;		/* between calls that create items */
	int64_t		 timeout_ns;		/* of a service call */
	int64_t		 stale_ns;		/* most silence of a subscribed tag before it is read; 0: off */
	bool		 transfer;		/* try TransferSubscriptions after a loss */
	bool		 history;		/* fill after an outage */
	int64_t		 history_window_ns;	/* of one HistoryRead */
	uint32_t	 history_rate;		/* values a second, at most */
	uint32_t	 history_max;		/* values of one item in one gap, at most */
	uint32_t	 random;		/* for jitter; state of ua_jitter() */
	uint32_t	 urgent;		/* failed paths that may still be looked into at once on this connection */
};
/* The settings of a source; called by the first part that needs them. Settings that are there already stay. */
void ua_data_init(struct ua_agent *a);

/* ns, more or less a quarter of it: what many would do at the same moment is spread. */
int64_t ua_jitter(struct ua_agent *a, int64_t ns);

#define UA_RETRY_FIRST_NS	(10 * NS_PER_S)
#define UA_RETRY_LAST_NS	(300 * NS_PER_S)
#define UA_RETRY_AT_ONCE	64u	/* items in trouble that are tried again in one go */

/* The item has no value on this connection: tell the engine, and put it in the line of those that are tried again. why: see ua_out_trouble. */
void ua_item_fail(struct ua_agent *a, uint32_t tag, UA_StatusCode status, const char *why);
/* It works (again). */
void ua_item_good(struct ua_agent *a, uint32_t tag);
/* Resolved: to whoever brings its values. */
void ua_item_resolved(struct ua_agent *a, uint32_t tag);
/* Its values come by themselves; tags read only on demand and events are neither. */
bool ua_item_subscribed(const struct ua_agent *a, const struct ua_item *it);
bool ua_item_cyclic(const struct ua_agent *a, const struct ua_item *it);
#define UA_BADSERVERTOOBUSY	0x80EE0000u	/* BadServerTooBusy, Part 6, A.2; newer than the library's list */
/* Name of a status code, for texts ("BadNodeIdUnknown"). Static. */
const char *ua_status_name(UA_StatusCode s);
/* It says that the connection or the session is lost. */
bool ua_status_lost(UA_StatusCode s);

/*
 * How many items go into one call. A server that refuses the call as too big gets smaller ones; one that refuses a whole call because of one item (a server's
 * fault that is seen in the field) gets halves until the item stands alone; success lets calls grow again.
 */
struct ua_bulk {
	uint32_t	 size, max;
	uint32_t	 full;		/* max of the beginning: it comes back once the one item that was too big by itself is out */
};
static inline void
ua_bulk_init(struct ua_bulk *b, uint32_t ours, uint32_t theirs)
{
	b->size = b->max = b->full = ours < theirs ? ours : theirs;
}
void ua_bulk_good(struct ua_bulk *b);
enum ua_bulk_do {
	UA_BULK_AGAIN,		/* the same items again in smaller calls, at once */
	UA_BULK_GUILTY,		/* the one item of this call is at fault */
	UA_BULK_LATER,		/* the server is busy or the connection lost: again, later */
};
/* ua_call() has not taken a call of n items: one that is too big for the channel is made of fewer the next time. */
static inline void
ua_bulk_refused(struct ua_bulk *b, uint32_t n, int err)
{
	if (err == ERR_LIMIT && n > 1)
		b->size = b->max = n / 2;
}
/* A call of n items failed as a whole. */
enum ua_bulk_do ua_bulk_bad(struct ua_bulk *b, uint32_t n, UA_StatusCode s);

/* A line of item numbers: each at most once (the owner sees to it), so room for all of them is enough. Zeroed: empty. */
struct ua_line {
	uint32_t	*v;
	uint32_t	 head, n, room;
};
void ua_line_init(struct ua_line *l, struct arena *m, uint32_t room);
void ua_line_put(struct ua_line *l, uint32_t item);
void ua_line_unget(struct ua_line *l, uint32_t item);	/* to its front */
uint32_t ua_line_get(struct ua_line *l);		/* only if n > 0 */

/* The functions of the parts, for the rows of ua_parts[] (ask is NULL in all; history has no up of its own worth: it starts from subs). */
#define UA_PART_DECLARE(name)					\
	int  ua_##name##_init(struct ua_agent *a);		\
	void ua_##name##_fini(struct ua_agent *a);		\
	void ua_##name##_up(struct ua_agent *a, struct mono now);	\
	void ua_##name##_down(struct ua_agent *a, struct mono now, const char *why);	\
	void ua_##name##_tick(struct ua_agent *a, struct mono now);	\
	struct mono ua_##name##_next(struct ua_agent *a);	\
	void ua_##name##_why(struct ua_agent *a, const struct ua_item *it, struct json *out);
UA_PART_DECLARE(resolve)
UA_PART_DECLARE(subs)
UA_PART_DECLARE(cyclic)
UA_PART_DECLARE(history)
#define UA_PART_ROW(name) { #name, ua_##name##_init, ua_##name##_fini, ua_##name##_up, ua_##name##_down, ua_##name##_tick, \
	ua_##name##_next, NULL, ua_##name##_why }

#endif
