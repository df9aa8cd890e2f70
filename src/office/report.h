/*
 * What gate is told about delivery, and is told again until its ledger has it. An *account* is one stream and sink.
 *
 * DELIVERED is cumulative and coalesced: only the newest number is kept. QUARANTINED, DAMAGED, RELEASED and DISCARDED are kept one by one
 * until they are accounted for. What must be in the ledger before a number is passed goes out before it; a new channel (gate was
 * restarted) has all that is not accounted for said again; gate refuses what it knows already, which changes nothing.
 */
#ifndef OFFICE_REPORT_H
#define OFFICE_REPORT_H

#include "ring/channel.h"
#include "ring/report.h"

#define REPORT_KEPT_MAX	4096u	/* of one account; one more is not taken: the caller holds back */

struct report_item {
	struct report_item	*next;
	enum msg_type		 type;
	uint64_t		 first, last;
	bool			 sent;		/* over the present channel */
	char			 note[];
};

struct account {
	struct account		*next;
	char			 stream[REPORT_STREAM_MAX + 1], sink[REPORT_SINK_MAX + 1];
	uint64_t		 delivered;	/* cumulative, to be told */
	uint64_t		 told;		/* over the present channel */
	uint64_t		 accounted;	/* the ledger has durably all up to it */
	struct report_item	*items;		/* QUARANTINED and DAMAGED by number; the others at the end */
	unsigned		 nitems;
	bool			 confirm;	/* RELEASED or DISCARDED was told and the ledger moved: look whether it has them */
};

struct reporter {
	struct channel		 ch;		/* fd -1: gate is away */
	struct account		*accounts;
	bool			 dirty;
	/* OUTCOME or AUDITED came; an error breaks the channel. NULL: none is wanted. */
	int			(*outcome)(void *arg, const struct msg *m);
	void			*arg;
};

void reporter_init(struct reporter *r);
void reporter_fini(struct reporter *r);
/* The account of a stream and sink, made on the first call; `delivered`: what the ledger already has then. */
struct account *reporter_account(struct reporter *r, const char *stream, const char *sink, uint64_t delivered);
/* A new channel to gate (fd taken): everything unaccounted is told anew by the next flush. */
void reporter_channel(struct reporter *r, int fd);
void account_delivered(struct reporter *r, struct account *a, uint64_t last);
/* type: QUARANTINED, DAMAGED, RELEASED or DISCARDED; note is copied. False: too many are kept. */
bool account_item(struct reporter *r, struct account *a, enum msg_type type, uint64_t first, uint64_t last, const char *note);
/* RELEASED or DISCARDED: the ledger is known to have it. */
void account_confirm(struct account *a, enum msg_type type, uint64_t first, uint64_t last);
/* Send what is due. Returns false when something is still to be said and the channel would not take it. */
bool reporter_flush(struct reporter *r);
/* Read what gate says. 0, or an error: the channel is closed, wait for a new one. */
int reporter_receive(struct reporter *r);

#endif
