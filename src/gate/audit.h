/*
 * The audit log: who asked what of a device, what was decided and why, and what became of it; which plan came into
 * force; what a person took out of quarantine; which nodes were let in and renewed their certificates. Append-only, each
 * entry chained to all before it by SHA-256, and durable before anything is done that was asked for (what others have
 * done by themselves, RELEASE, DISCARD, NODE, CERT, is entered after it). One gate writes it (the lock of the spool keeps
 * a second one out); anybody with the right to read may verify it.
 *
 * On disk: <state>/audit/audit-<number of its first entry, 16 digits>.log, one entry a line, UTF-8:
 *
 *	HASH NUMBER TIME KIND ID MARK JSON \n
 *
 *	HASH	64 hex digits: SHA-256 of the hash before it (32 bytes; zeros before entry 1) and of the line after
 *		"HASH "
 *	NUMBER	counts from 1, without a hole, over all files
 *	TIME	RFC 3339 UTC with nine digits after the point: for people; order is by NUMBER, since the wall clock
 *		may step
 *	KIND	a word: AUDIT_KINDS
 *	ID	number of the request it is about, 0: none
 *	MARK	what gate itself needs back at its next start, "-": nothing
 *		request: digest of from, user and key (32 hex digits), ':', digest of what was asked
 *		outcome: the state, "applied", "refused", "expired" or "unknown"
 *	JSON	all the rest, one object
 *
 * A new file begins when one passes AUDIT_FILE_MAX; the chain goes on through it. A line without an end, or a last
 * line that is not one, was torn by a power cut: nothing was done on its word, since doing waits for the sync. At the
 * next start it is cut off, kept in torn-<number>, and an entry says so with its length and hash.
 *
 * The chain shows a change, a removal, a swap within the log. That its end was cut off shows only against an anchor
 * kept elsewhere: "NUMBER:HASH" of the newest entry, as `penstock audit verify` prints it.
 */
#ifndef GATE_AUDIT_H
#define GATE_AUDIT_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "os/disk.h"

#define AUDIT_HASH	32u
#define AUDIT_LINE_MAX	(64u << 10)	/* bytes, with the '\n' */
#define AUDIT_FILE_MAX	(16u << 20)
#define AUDIT_READ_FILES 8u		/* newest files that a start reads back */
#define AUDIT_WORD_MAX	100u

/*        kind      what stands in it */
#define AUDIT_KINDS(X)							\
	X(REQUEST, "request")	/* all that was asked, by whom, and the decision with its reason */	\
	X(CONFIRM, "confirm")	/* a second person's word, and the decision on it */			\
	X(SENT,    "sent")	/* handed to the process that speaks to the device */			\
	X(OUTCOME, "outcome")	/* what became of it, with the value read back */			\
	X(PLAN,    "plan")	/* a plan came into force */						\
	X(RELEASE, "release")	/* out of quarantine, delivered */					\
	X(DISCARD, "discard")	/* out of quarantine, dropped by a person */				\
	X(NODE,    "node")	/* another node was invited, let in, turned away */			\
	X(CERT,    "cert")	/* a process changed its store of certificates by itself: a renewal */	\
	X(OUTBOX,  "outbox")	/* a person changes events that wait in a sink's outbox */		\
	X(BEGIN,   "begin")	/* gate started */							\
	X(TORN,    "torn")	/* an unfinished entry was cut off */					\
	X(FLOOD,   "flood")	/* so many requests were refused without an entry of their own */
enum audit_kind {
#define X(name, text) AUDIT_##name,
	AUDIT_KINDS(X)
#undef X
	AUDIT_KIND_COUNT
};
const char *audit_kind_name(enum audit_kind k);

/* A line, parsed; texts point into it. */
struct audit_line {
	uint8_t		 hash[AUDIT_HASH];
	uint64_t	 number;
	struct wall	 at;
	enum audit_kind	 kind;
	uint64_t	 id;
	const char	*mark, *json;
	size_t		 mark_len, json_len;
	const char	*body;		/* what the hash covers, beside the hash before */
	size_t		 body_len;
};
/* p: a line without its '\n'. 0 or ERR_SYNTAX. */
int audit_line_parse(const char *p, size_t len, struct audit_line *out);

struct audit_new {
	enum audit_kind	 kind;
	uint64_t	 id;
	const char	*mark;		/* "" or NULL: none */
	const char	*json;		/* one object */
};

struct audit;
/*
 * Open for writing; the directory is made if it is not there. each(): the entries of the newest files in order,
 * borrowed. *out given (audit_close). What is broken is logged and said in the log itself; an error only when nothing
 * can be written.
 */
int audit_open(const char *dir, const struct disk *disk, struct wall now, void (*each)(void *arg,
    const struct audit_line *l), void *arg,
    struct audit **out);
void audit_close(struct audit *a);
/*
 * Append n entries; 0 once they are durable. An error: none of them is (as far as the disk can be believed), call again
 * later.
 */
int audit_put(struct audit *a, const struct audit_new *v, size_t n, struct wall now);
/* Number and hash of the newest entry. */
uint64_t audit_newest(const struct audit *a, uint8_t hash[AUDIT_HASH]);

/* ---- reading, by anybody; audit_read.c ---- */

struct audit_place {
	const char	*file;		/* its name in the directory */
	size_t		 line;		/* from 1 */
};
/*
 * All lines in order; l NULL: the line could not be parsed. Ends when each() returns non-zero, with that. ERR_NOTFOUND:
 * no log there.
 */
int audit_walk(const char *dir, const struct disk *disk,
    int (*each)(void *arg, const struct audit_place *at, const struct audit_line *l, const char *text, size_t len),
        void *arg);

struct audit_verdict {
	uint64_t	entries, first, last;	/* numbers; 0: none */
	uint8_t		hash[AUDIT_HASH];	/* of the last */
	uint64_t	findings;
};
/*
 * Prove the chain. anchor: "NUMBER:HASH" kept elsewhere, or NULL. Findings are lines for people, at most 100 of them.
 * 0 when all holds, ERR_CORRUPT with findings, ERR_NOTFOUND, ERR_SYNTAX (of the anchor), or the disk's error.
 */
int audit_verify(const char *dir, const struct disk *disk, const char *anchor, struct audit_verdict *out,
    struct buf *findings);

#endif
