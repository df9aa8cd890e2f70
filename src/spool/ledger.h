/*
 * The ledger: the account of one stream. For every sink of a flow, always:
 *
 *	admitted = delivered + pending + quarantined + dropped by stated policy
 *
 * `admitted` is the spool's own numbering; the ledger file holds what happened to the numbers, as checksummed,
 * hash-chained entries appended by gate alone. It is the only memory of how far a sink has got: office keeps no cursor,
 * it reads this one when it starts. Entries survive the segments they speak of: before a segment is deleted its seal
 * (numbers, times, last hash) is entered, so the chain of proof has no hole.
 */
#ifndef SPOOL_LEDGER_H
#define SPOOL_LEDGER_H

#include "base/buf.h"
#include "spool/spool.h"

#define LEDGER_SINKS_MAX	64u
#define LEDGER_NOTE_MAX		1000u	/* bytes of a reason */

/*        kind         meaning */
#define LEDGER_LIST(X)								\
	X(OPEN,        "stream opened by a gate")				\
	X(SINK,        "a sink joined the flow; it is owed everything from this number on") \
	X(LEAVE,       "a sink left the flow by a change of the site file; "	\
		       "what it was owed is dropped by that policy")		\
	X(DELIVERED,   "acknowledged by the sink's far end, up to this number")	\
	X(QUARANTINED, "refused by the far end, kept aside by office with the reason") \
	X(RELEASED,    "taken out of quarantine and delivered")			\
	X(DISCARDED,   "taken out of quarantine and dropped by a person, with the reason") \
	X(DROPPED,     "removed by quota or age before it was delivered")	\
	X(DAMAGED,     "could not be read back from the disk")			\
	X(LOST,        "never admitted: overwritten in a ring before gate could "	\
		       "read it (count, no numbers)")				\
	X(SEAL,        "a segment was deleted; its last number, times and hash")

enum ledger_kind {
#define X(kind, text) LEDGER_##kind,
	LEDGER_LIST(X)
#undef X
	LEDGER_KINDS
};

struct ledger_entry {
	enum ledger_kind	 kind;
	struct wall		 when;
	const char		*sink;		/* "" if none */
	uint64_t		 first, last;	/* sample numbers, inclusive; for LOST: first is 0, last the count */
	const char		*note;		/* reason, policy, person; "" if none */
};

struct ledger;	/* opened for appending, by gate */
/*
 * Recovers a torn tail; a damaged middle is ERR_CORRUPT and the damaged file is kept beside a new one that begins with
 * the totals that can still be proved. *out is NULL then; the next call opens the new one.
 */
int ledger_open(const char *dir, const struct disk *disk, struct ledger **out);
/*
 * Append; durable after ledger_sync. DELIVERED is cumulative for its sink: up to `last`, quarantined and damaged ranges
 * excepted. An entry that contradicts the account (beyond admitted, backwards) is refused with ERR_RANGE and changes
 * nothing.
 *
 * SINK	owed from `first` on (at most admitted + 1); ERR_EXISTS if it is there. LEAVE: `last` is filled in.
 * DROPPED, DAMAGED	concern the pending part of the range, of one sink, or of every sink when `sink` is ""; other
 *			parts are left as
 *	they are, so entering a range twice is no harm.
 * QUARANTINED	numbers that are pending, all of them. RELEASED, DISCARDED: numbers that are in quarantine, all of them.
 * ERR_NOTFOUND: no such sink. ERR_LIMIT: too many sinks, ranges or bytes. ERR_NOSPACE, ERR_IO: not entered, may be
 * repeated.
 */
int ledger_put(struct ledger *l, const struct ledger_entry *e);
int ledger_sync(struct ledger *l);
/* Begin a new file once the entries of this one take so many bytes, instead of 16 MiB: for tests. */
void ledger_limit(struct ledger *l, uint64_t bytes);
/* All numbers below this are settled for every sink. UINT64_MAX when there is no sink. */
uint64_t ledger_settled(const struct ledger *l);
void ledger_close(struct ledger *l);
/*
 * Enter the seal of a segment about to be deleted and make the ledger durable. Fits spool_opts.seal with the ledger as
 * its argument.
 */
int ledger_seal(void *ledger, const struct spool_seal *seal);

/* The account of a stream as it stands on disk. */
struct ledger_sink {
	char		name[64];
	uint64_t	owed_from;	/* first number owed */
	uint64_t	delivered, quarantined, dropped, pending;
	uint64_t	next;		/* first number not settled yet: where office goes on */
	struct wall	last_ack;
	uint64_t	owed;		/* numbers owed, ever: delivered + pending + quarantined + dropped */
	uint64_t	damaged;	/* of the dropped, those that could not be read back */
	bool		active;		/* false: it has left the flow */
};
struct ledger_account {
	uint64_t	admitted;	/* last number given */
	uint64_t	lost;		/* never admitted (LOST), not part of the balance */
	uint64_t	entries;
	struct ledger_sink sinks[LEDGER_SINKS_MAX];
	uint32_t	nsinks;
};
/* The account as this gate has it in memory. 0, or a disk error while looking how far the spool has got. */
int ledger_account(struct ledger *l, struct ledger_account *out);
/* Of one sink. NULL: it was never there. Borrowed from the account. */
const struct ledger_sink *ledger_find(const struct ledger_account *a, const char *sink);
/* owed - (delivered + pending + quarantined + dropped): 0, or something is wrong. */
int64_t ledger_balance(const struct ledger_sink *s);
/* "DELIVERED", and its meaning. Static. */
const char *ledger_kind_name(enum ledger_kind kind);
const char *ledger_kind_text(enum ledger_kind kind);

/* admitted is taken from the spool directory. ERR_CORRUPT with *where (text in out, file and offset) on any damage. */
int ledger_read(const char *dir, const struct disk *disk, struct ledger_account *out, struct buf *where);
/*
 * Read every entry in order, of the file before and of the present one (older entries live on in its totals). Texts are
 * borrowed during the call. ERR_CORRUPT at the first damage.
 */
int ledger_each(
    const char *dir, const struct disk *disk, void (*each)(void *arg, const struct ledger_entry *e), void *arg);
/*
 * The proof: every batch's checksum and hash, the chain over all segments and seals, the numbering without holes, the
 * ledger's own chain, and the balance of every sink. 0 when all holds; ERR_CORRUPT otherwise, with one line a finding
 * in out (file, offset, cause).
 */
int ledger_verify(const char *dir, const struct disk *disk, struct ledger_account *out, struct buf *findings);

#endif
