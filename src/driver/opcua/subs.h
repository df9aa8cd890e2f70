/*
 * Subscriptions and their monitored items (Part 4, 5.12, 5.13): one subscription a publishing interval, items created in bulk. A monitored item's client handle is
 * the tag's number + 1, so a value finds its tag without a look-up. After a loss the old subscriptions are taken over by
 * TransferSubscriptions where the server allows it, else everything is created anew.
 */
#ifndef DRIVER_OPCUA_SUBS_H
#define DRIVER_OPCUA_SUBS_H

#include "driver/opcua/publish.h"

enum {			/* of an item here */
	UA_MON_OFF,	/* not ours, or in trouble */
	UA_MON_WAIT,	/* in its class's line */
	UA_MON_ASKED,	/* in the call under way */
	UA_MON_LIVE,	/* created */
};
enum {			/* marks of an item; any of them sends its next value the slow way */
	UA_MARK_GAP   = 1,	/* its next value ends a gap that history.c fills */
	UA_MARK_MOVED = 2,	/* taken over: its next value may be one that we have */
	UA_MARK_FRESH = 4,	/* ...and it had a value on this session */
};

struct ua_class {	/* one publishing interval */
	struct ua_sub	 sub;
	int64_t		 interval_ns;	/* wanted */
	enum { UA_SUB_NONE, UA_SUB_ASKED, UA_SUB_UP, UA_SUB_KEPT } state;	/* KEPT: of a session before, maybe to be taken over */
	struct mono	 hold;		/* CreateSubscription not before */
	uint32_t	 refusals;
	struct mono	 born;		/* when the server made it */
	uint32_t	 deaths;	/* in a row, each soon after it was made */
	struct ua_line	 wait;
	uint32_t	 nitems;	/* live */
	bool		 whole;		/* no creation was under way when the session was lost */
	bool		 torn;		/* messages were lost since it was taken over */
	struct mono	 moved_until;	/* values sent again after a take-over come before this */
	uint32_t	 no;		/* its number, in class_of */
};

struct ua_subs {
	struct ua_publish *publish;
	struct ua_class	 classes[PLAN_SCAN_CLASSES_MAX + 1];
	uint32_t	 nclasses;
	uint8_t		*state;		/* [ntags] */
	uint8_t		*mark;		/* [ntags] */
	uint8_t		*class_of;	/* [ntags] */
	float		*revised_ms;	/* [ntags] sampling interval that the server gives */
	uint32_t	*revised_queue;	/* [ntags] */
	uint32_t	*asked;		/* items of the call under way */
	uint32_t	 nasked;
	struct ua_class	*asked_of;
	UA_MonitoredItemCreateRequest	*requests;	/* [per call] */
	UA_DataChangeFilter		*filters;
	struct ua_bulk	 bulk;
	struct mono	 hold;		/* no creating before */
	bool		 busy;
	struct ua_stale	*stale;		/* NULL: off */
	struct log_limit lost_lines;
	uint64_t	 values, strangers, overflows, repeats, rebuilt, transferred;
};

struct ua_subs *ua_subs_of(const struct ua_agent *a);
/* A resolved item is to be monitored. */
void ua_subs_add(struct ua_agent *a, uint32_t tag);
/* Its subscription is not to be trusted: delete it and create all anew. */
void ua_subs_rebuild(struct ua_agent *a, struct ua_class *c, const char *why);

/* subs_items.c: create monitored items; values. */
void ua_monitor_tick(struct ua_agent *a, struct ua_subs *s, struct mono now);
void ua_monitor_notification(struct ua_agent *a, struct ua_sub *sub, const UA_ExtensionObject *data);
/* transfer.c: true: asked; ua_subs_transferred() follows. */
bool ua_transfer(struct ua_agent *a, struct ua_subs *s);
void ua_subs_lost(struct ua_agent *a, struct ua_class *c);	/* forget the class's subscription, all its items wait again */
/* stale.c */
struct ua_stale *ua_stale_new(struct ua_agent *a);
void ua_stale_value(struct ua_agent *a, uint32_t tag, const UA_DataValue *dv);
void ua_stale_tick(struct ua_agent *a, struct mono now);
struct mono ua_stale_next(struct ua_agent *a);
void ua_stale_down(struct ua_agent *a);

#endif
