/*
 * Delivery to one sink: reads streams from the spool, offers batches in order, keeps count of what the far end has. A *pair* is one
 * stream owed to this sink.
 *
 * The cursor of a pair is the first number that is not settled; it moves only over numbers that were done, quarantined, damaged or
 * dropped by policy, so what is reported is never ahead of what is true. It is not kept here: the ledger is the memory,
 * and a restart goes on from there. When a sink loses its connection, all that was offered and not done is offered anew, from the
 * oldest on.
 *
 * live_first: a pair that is behind may run two *lanes*, one from the cursor on (the backlog), one from the present end of the stream. What
 * the live lane settles is kept as ranges until the backlog arrives there.
 *
 * Memory is bounded whatever the backlog: two readers and DELIVERY_INFLIGHT_MAX offered batches a pair. Nothing here blocks but
 * reading the spool, and nothing runs unless somebody calls.
 */
#ifndef OFFICE_DELIVERY_H
#define OFFICE_DELIVERY_H

#include "base/log.h"
#include "office/ranges.h"
#include "ring/stats.h"
#include "sink/sink.h"

#define DELIVERY_INFLIGHT_MAX	1024u	/* offered and not settled, of one pair */
#define DELIVERY_REFUSED_MAX	8u	/* refused and not in quarantine yet, of one pair: then it waits */
#define DELIVERY_TURN		64u	/* batches offered in one call of delivery_pump() */

struct pair;
struct delivery;

/* What delivery asks of the office. All called from within delivery's own functions. */
struct delivery_ops {
	/* All up to last is settled, but what was reported refused or damaged. Cumulative. */
	void		(*settled)(void *arg, struct pair *p, uint64_t last);
	/* These cannot be read back from the disk. */
	void		(*damaged)(void *arg, struct pair *p, uint64_t first, uint64_t last, const char *cause);
	/* Put this batch (borrowed) aside durably, then call delivery_quarantined(). */
	void		(*refused)(void *arg, struct pair *p, const struct spool_batch *b, const char *reason);
	/* Where the ledger stands for this pair: first number it holds not settled; and the last number of the stream. 0 or an error. */
	int		(*ledger)(void *arg, struct pair *p, uint64_t *next, uint64_t *admitted);
	/* There is more to do: call delivery_pump() again after the loop has had its turn (0), or after this many ms. */
	void		(*again)(void *arg, unsigned after_ms);
	/* The batch of delivery_retry() was delivered, or refused again (reason not NULL). */
	void		(*retried)(void *arg, struct pair *p, int64_t id, const char *reason);
};

struct entry {
	uint64_t	 first, last;
	struct wall	 sealed;
	bool		 refused;	/* on its way to quarantine */
};

struct lane {
	struct spool_reader	*reader;	/* NULL: to be opened at next */
	uint64_t		 next;		/* first number not offered by this lane */
	bool			 held;		/* batch was read and not taken by the sink yet */
	bool			 at_end;	/* nothing more to read at the last look */
	bool			 caught_up;	/* it was at the end, and the sink has kept up since */
	struct spool_batch	 batch;
};

struct pair {
	struct pair		*next;		/* in the delivery's list */
	struct pair		*older;		/* of an older schema version of the same flow: goes first. NULL: none */
	struct sink_stream	 stream;	/* the caller's to fill, as the next three */
	const char		*dir;		/* path of the stream */
	void			*office;
	bool			 live_first;
	uint64_t		 cursor;	/* first number not settled */
	uint64_t		 repeat_to;	/* what the backlog offers below was offered before a connection was lost */
	struct ranges		 done;		/* settled beyond the cursor */
	struct entry		*entries;	/* DELIVERY_INFLIGHT_MAX */
	size_t			 n, nrefused;
	struct lane		 main, live;
	bool			 live_on;
	uint64_t		 live_from;	/* first number of the live lane */
	struct mono		 hold_until;	/* nothing is offered before; ns 0: no hold */
	struct mono		 behind_since, looked;	/* ns 0: it is not; when the ledger was asked how far */
	uint64_t		 backlog;	/* samples, at the last tick */
	struct log_limit	 complaints;
};

struct delivery {
	const struct sink_type	*type;
	void			*inst;
	const struct disk	*disk;
	const struct delivery_ops *ops;
	void			*arg;
	uint64_t		*stats;		/* figures of kind sink */
	struct pair		*pairs, **tail;	/* the head is looked at first; it rotates. tail must point to pairs at the start */
	bool			 ready;		/* the sink takes offers, as far as is known */
	bool			 pumping, pump_again;
	uint64_t		 delivered, batches, repeats;
	/* A batch from quarantine on its way again. */
	struct {
		bool			 on, offered;
		int64_t			 id;
		struct pair		*pair;
		struct spool_batch	 batch;
	} retry;
};

/* Add a stream that is owed from `next` on; p is the caller's and stays in place. */
void delivery_add(struct delivery *d, struct pair *p, uint64_t next);
void delivery_remove(struct delivery *d, struct pair *p);
/* Offer what can be offered. Call after delivery_wake(), when the sink is ready, and when ops->again asked for it. */
void delivery_pump(struct delivery *d);
/* News in the spool: look at the ends again. */
void delivery_wake(struct delivery *d);
/* Has this pair settled all that its stream held at the last look? */
bool pair_drained(const struct pair *p);

/* What the sink says (struct sink_host). */
void delivery_ready(struct delivery *d);
void delivery_done(struct delivery *d, struct sink_stream *s, uint64_t first, uint64_t last, struct wall now);
void delivery_refused(struct delivery *d, struct sink_stream *s, uint64_t first, uint64_t last, const char *reason);
void delivery_lost(struct delivery *d);

/* A refused batch is durably aside. */
void delivery_quarantined(struct delivery *d, struct pair *p, uint64_t first, uint64_t last);
/* It could not be put aside: offer it again after a while. */
void delivery_restore(struct delivery *d, struct pair *p, uint64_t first, uint64_t last, unsigned after_ms);
/* Offer a batch from quarantine, one at a time; its samples stay in place until ops->retried(). ERR_BUSY while one is under way. */
int delivery_retry(struct delivery *d, struct pair *p, int64_t id, const struct spool_batch *b);
/* Start live lanes where pairs are behind and may; refresh the figures. About once a second. */
void delivery_tick(struct delivery *d, struct mono now, struct wall wall);

#endif
