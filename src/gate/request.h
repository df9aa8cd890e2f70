/*
 * Requests at the gate: judged by the plan, entered in the audit log, handed to the process that speaks to the device,
 * and their outcomes told. All of it as a library: no socket, no loop, no clock, so that a test can play any order of
 * events. proc/gate.c puts it into a process.
 *
 *	ask ──judge──> refused, expired
 *	         ├───> pending ──confirm──┐
 *	         └────────────────────────┴─> sent ──carried──> applied, refused, expired, unknown
 *
 * What holds, whatever is killed when:
 *  - Nothing is sent before its entry is durable; nothing is sent twice. A request that was handed over and whose
 * outcome never came
 *    is UNKNOWN, also at the next start.
 *  - Times to live run on CLOCK_BOOTTIME: `now` in all calls below is boot_now().
 *  - Each request has one entry `request` and one entry `outcome` in the log. While an outcome cannot be entered,
 * nothing is admitted.
 */
#ifndef GATE_REQUEST_H
#define GATE_REQUEST_H

#include "gate/audit.h"
#include "model/request.h"
#include "model/sample.h"
#include "ring/order.h"
#include "ring/stats.h"
#include "site/plan.h"

#define REQUESTS_ACTIVE_MAX	512u		/* pending or sent */
#define REQUESTS_KEPT		1024u		/* finished ones that can be shown */
#define REQUESTS_KEYS		65536u		/* the newest keys that are known again */
#define REQUESTS_A_SECOND	50u		/* of one `from`; more are refused, and counted in one entry */
#define REQUESTS_SILENCE_NS	(30 * NS_PER_S)	/* how long past its end field may be silent about an order */

/* Why one is refused: a word for programs, a text for people. */
#define REQUEST_REASONS(X)								\
	X(NO_ENTRY, "no-entry",  "no entry of `requests` in the site file admits it")	\
	X(FROM,     "from",      "the entry does not admit requests from here: it must name it in `from`")	\
	X(ROLE,     "role",      "the user has none of the roles that the entry asks for")	\
	X(TYPE,     "type",      "the value is not of the tag's type")	\
	X(LIMIT,    "limit",     "the value is outside of the limits")	\
	X(VALUE,    "value",     "the value is none of those allowed")	\
	X(ARGS,     "arguments", "the arguments are not those that the entry allows")	\
	X(PRESENT,  "present",   "the present value is bad, stale or not known, so the step cannot be judged")	\
	X(STEP,     "step",      "the value is too far from the present one")	\
	X(CHANGE,   "change",    "the tag would move too much within the time")	\
	X(INTERVAL, "interval",  "too soon after the request before it")	\
	X(RATE,     "rate",      "too many requests within a minute")	\
	X(INTERLOCK, "interlock", "the interlock does not allow it now")	\
	X(TTL,      "ttl",       "the time to live is longer than the entry grants")	\
	X(LATE,     "late",      "its time to live was over")	\
	X(KEY,      "key",       "its key was given before, for another request: give each its own")	\
	X(PERSON,   "person",    "the second person must be another one")	\
	X(CANCELLED, "cancelled", "it was cancelled before it was sent")	\
	X(AUDIT,    "audit",     "the audit log cannot be written, nothing is done without: see the disk")	\
	X(FIELD,    "field",     "the process that speaks to the device is not there at the moment: ask again")	\
	X(PLAN,     "plan",      "a new plan came into force that no longer admits it")	\
	X(FULL,     "full",      "too many requests are under way: ask again when others have ended")	\
	X(FLOOD,    "flood",     "too many requests within a second: ask more slowly")	\
	X(RESTART,  "restart",   "gate ended before it was sent")	\
	X(LOST,     "lost",      "the process that spoke to the device ended before it said what came of it") \
	X(SILENT,   "silent",    "the process that speaks to the device does not say what became of it")
enum request_reason {
	REASON_NONE,
#define X(name, code, text) REASON_##name,
	REQUEST_REASONS(X)
#undef X
	REASON_COUNT
};
const char *request_reason_code(enum request_reason r);	/* "" for none */
const char *request_reason_text(enum request_reason r);

struct requests_ops {
	/* Make entries durable: 0 or an error. */
	int	(*audit)(void *arg, const struct audit_new *v, size_t n, struct wall now);
	/*
	 * Hand an order to the field process of a zone. 0; an error: it is not there, or takes nothing now: nothing was
	 * handed over.
	 */
	int	(*send)(void *arg, const char *zone, const struct order *o);
	/* Tell the one who asked with this token: each change of state, the last one final. r borrowed. */
	void	(*tell)(void *arg, uint64_t token, const struct request_result *r);
	void	*arg;
};

struct requests;
struct requests *requests_new(const struct requests_ops *ops);
void requests_free(struct requests *r);

/* At start: each entry read back, in order; then the end of it, which enters what is left open. */
void requests_recall(struct requests *r, const struct audit_line *l);
void requests_recalled(struct requests *r, struct mono now, struct wall wall);
/* A plan in force; borrowed until the next one or requests_free. Pending requests that it no longer admits end. */
void requests_plan(struct requests *r, const struct plan *p, struct mono now, struct wall wall);
/* What arrived from a source, for interlocks and steps. wall: now. */
void requests_live(struct requests *r, uint64_t source_key, const struct sample *v, uint32_t n, struct mono now);

/* Samples were lost on their way: what is known may have changed since, and counts again when it has come again. */
void requests_live_lost(struct requests *r);

/* Who says something: the requester's `from`, user, roles are in the request; for the rest here. */
struct request_person {
	const char		*from, *user;
	const char *const	*roles;
	uint32_t		 nroles;
};

/* token: how ops.tell names the one who asked; 0: nobody waits. q is borrowed. */
void requests_ask(struct requests *r, uint64_t token, const struct request *q, struct mono now, struct wall wall);
/*
 * A second person's word. 0: taken, the outcome is told to the one who asked and to token. ERR_NOTFOUND: none pending
 * with this id. ERR_DENIED: not this person; *why says why not.
 */
int requests_confirm(struct requests *r, uint64_t token, uint64_t id, const struct request_person *p,
    enum request_reason *why, struct mono now, struct wall wall);
/* Only a pending one can be called off, by the one who asked or a person with its role. As above. */
int requests_cancel(struct requests *r, uint64_t id, const struct request_person *p, enum request_reason *why,
    struct wall wall);
/*
 * Field says what became of an order. res is of a process that is not trusted: it may only speak of orders of its own
 * zone.
 */
void requests_carried(struct requests *r, const char *zone, const struct request_result *res, struct wall wall);
/* The field process of a zone ended, or its channel is a new one: what it was handed is unknown. */
void requests_zone_lost(struct requests *r, const char *zone, struct wall wall);
/* The one who asked does not wait any more. */
void requests_forget(struct requests *r, uint64_t token);
/* Deadlines. When to call again. */
struct mono requests_tick(struct requests *r, struct mono now, struct wall wall);

/* Lines of JSON, one a request, newest first; id 0: the newest `most`. False: there is none with this id. */
bool requests_show(const struct requests *r, uint64_t id, uint32_t most, struct mono now, struct buf *out);

struct requests_counts {
	uint64_t	asked, admitted, applied, refused, expired, unknown, repeated, pending;
	uint64_t	by_reason[REASON_COUNT];
};
const struct requests_counts *requests_counts(const struct requests *r);

#endif
