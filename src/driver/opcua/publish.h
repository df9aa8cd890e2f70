/*
 * The Publish queue of a session and the sequence numbers of its subscriptions (Part 4, 5.13.1, 5.13.5, 5.13.6). Whoever has made a subscription gives it in
 * here and gets each of its notifications once and in order: out-of-order answers wait for the one that is missing, and that is
 * asked for again by Republish. What the server no longer has is a *hole*: counted, said, and never papered over.
 *
 * A subscription's keep-alive is watched here too: one that is silent for longer than its keep-alive time and the timeout ends the session.
 */
#ifndef DRIVER_OPCUA_PUBLISH_H
#define DRIVER_OPCUA_PUBLISH_H

#include "driver/opcua/ua_data.h"

#define UA_SUBS_MAX		40u	/* subscriptions of a session that we follow: PLAN_SCAN_CLASSES_MAX and some for events */
#define UA_SEQ_NEAR		1000u	/* steps within which a sequence number is taken for one of the same run */
#define UA_HELD_MAX		64u	/* messages that wait for the one before them */
#define UA_HELD_BYTES_MAX	(8u << 20)
#define UA_REORDER_NS		(200 * NS_PER_MS)	/* a missing message may be on its way still; then Republish */

struct ua_sub {
	/* Set by the owner. */
	uint32_t	 id;			/* subscriptionId */
	double		 interval_ms;		/* revised */
	uint32_t	 keep_alive_count;	/* revised */
	void		*arg;
	/* One element of a notification message, decoded; borrowed. */
	void		(*notification)(struct ua_agent *a, struct ua_sub *s, const UA_ExtensionObject *data);
	/* The server has no such subscription any more (StatusChangeNotification, Part 4, 7.25.4, or BadSubscriptionIdInvalid). It is out already. */
	void		(*gone)(struct ua_agent *a, struct ua_sub *s, UA_StatusCode status);
	/* n messages are lost for good; called before what follows them is handed on. */
	void		(*hole)(struct ua_agent *a, struct ua_sub *s, uint32_t n);

	/* publish.c's own. */
	uint32_t	 expected;		/* the next sequence number, 1..UINT32_MAX */
	uint32_t	 known;			/* newest sequence number that the server is known to have, 0: none past `expected` */
	bool		 in;			/* followed on this session */
	bool		 asked;			/* a Republish is under way... */
	uint32_t	 asked_seq;		/* ...for this message */
	uint32_t	 refused;		/* Republish calls that failed in a row */
	uint32_t	 gone_by;		/* messages lost and not told to the owner yet */
	struct mono	 suspect;		/* it was found silent at this time; MONO_NEVER */
	struct mono	 heard;			/* the last message of any kind */
	struct mono	 missing_since;		/* MONO_NEVER: nothing is missing */
	UA_NotificationMessage	*held;		/* [UA_HELD_MAX], given */
	uint32_t	 nheld;
	size_t		 held_bytes;
	UA_DateTime	 published;		/* publishTime of the newest message, the server's clock */
	uint64_t	 messages, keep_alives, republished, lost, repeated;
};

/* Follow a subscription of this session that is new: its first message has number 1. s is borrowed until ua_publish_remove or gone. ERR_LIMIT. */
int ua_publish_add(struct ua_agent *a, struct ua_sub *s);
/* Follow one that TransferSubscriptions has brought over: s->expected is where the session before stopped; available as the server said. */
int ua_publish_resume(struct ua_agent *a, struct ua_sub *s, const uint32_t *available, size_t n);
void ua_publish_remove(struct ua_agent *a, struct ua_sub *s);

/* Called by subs.c, which is the part that this belongs to. */
struct ua_publish;
struct ua_publish *ua_publish_new(struct ua_agent *a);
void ua_publish_free(struct ua_publish *p);
void ua_publish_down(struct ua_agent *a);	/* held messages are dropped; `expected` stays */
void ua_publish_tick(struct ua_agent *a, struct mono now);
struct mono ua_publish_next(struct ua_agent *a);

/* Sequence numbers run 1..UINT32_MAX and then from 1 again (Part 4, 7.5 Counter). How many steps from a to b. */
static inline uint32_t ua_seq_next(uint32_t s) { return s == UINT32_MAX ? 1 : s + 1; }
static inline uint32_t
ua_seq_steps(uint32_t a, uint32_t b)
{
	return b >= a ? b - a : UINT32_MAX - a + b;
}

#endif
