/*
 * The account of a stream in memory: what the entries of its ledger add up to. For each sink, every number owed is in
 * one state: pending, delivered, quarantined or dropped. All below `next` is settled; what is settled beyond it, and
 * what is in quarantine, stands in a short list of ranges.
 */
#ifndef SPOOL_ACCOUNT_H
#define SPOOL_ACCOUNT_H

#include "base/bytes.h"
#include "spool/ledger.h"

#define ACCOUNT_RANGES_MAX	16384u	/* of one sink; quarantine takes no more beyond this */

struct account_range {
	uint64_t	first, last;
	bool		quarantined;	/* else settled, and counted as delivered or dropped already */
};

struct account_sink {
	char			name[64];
	bool			active;
	uint64_t		owed_from, next;
	uint64_t		owed_before;	/* of earlier stays in the flow, or all when it has left */
	uint64_t		left_at;	/* last number owed when it left; meaningless while active */
	uint64_t		delivered, quarantined, dropped, damaged;
	uint64_t		ahead;		/* numbers >= next that stand in ranges */
	struct wall		last_ack;
	struct account_range	*ranges;	/* sorted, disjoint; quarantined ones may lie below next */
	uint32_t		n, cap;
};

struct account {
	uint64_t		admitted, lost, entries;
	/*
	 * The newest two seals: last number (0: none) and hash. Two, since a crash may come between the seal of a
	 * segment and its deletion; the oldest segment there is then follows the seal before.
	 */
	struct account_seal { uint64_t last; uint8_t hash[SPOOL_HASH]; } seals[2];
	struct account_sink	sinks[LEDGER_SINKS_MAX];
	uint32_t		nsinks;
};

/*
 * May e be applied? Makes the room that it needs. 0, ERR_RANGE, ERR_NOTFOUND, ERR_EXISTS, ERR_LIMIT, ERR_NOMEM; nothing
 * has changed.
 */
int account_check(struct account *a, const struct ledger_entry *e);
/* Apply an entry that was just checked. */
void account_apply(struct account *a, const struct ledger_entry *e);
/* The highest number that an entry shows to be admitted, 0 if it shows none. */
uint64_t account_shows(const struct ledger_entry *e);
void account_fini(struct account *a);

uint64_t account_settled(const struct account *a);
void account_export(const struct account *a, struct ledger_account *out);

/* Room for so many more ranges. ERR_LIMIT, ERR_NOMEM. */
int account_room(struct account_sink *s, uint32_t more);
/* As bytes and back (ledger_file.c explains where they go). The size is what account_put() writes at most. */
size_t account_size(const struct account *a);
void account_put(const struct account *a, struct writer *w);
int account_get(struct reader *r, struct account *a);	/* ERR_CORRUPT; a is to be finished in any case */

#endif
