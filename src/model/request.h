/*
 * A request: what somebody above asks of a device. It is the same record for all who handle it (the command line, a
 * sink in the office, gate, the audit log, field), and so is its outcome. Default is no: gate refuses what no entry of
 * `requests:` in the site file admits. doc/requests.md has the way it goes.
 *
 * Time to live is told on the steady clock of this machine (`struct mono`, the same in all its processes), never on the
 * wall clock, so that setting the clock makes no request live longer.
 */
#ifndef MODEL_REQUEST_H
#define MODEL_REQUEST_H

#include "base/bytes.h"
#include "base/clock.h"
#include "model/value.h"

#define REQUEST_NAME_MAX	63u	/* user, role, from, entry */
#define REQUEST_TARGET_MAX	1023u	/* tag path or source name */
#define REQUEST_METHOD_MAX	1023u
#define REQUEST_KEY_MAX		127u
#define REQUEST_NOTE_MAX	500u	/* reasons, for people */
#define REQUEST_ROLES_MAX	16u
#define REQUEST_ARGS_MAX	16u
#define REQUEST_BYTES_MAX	16384u	/* a packed request or result; longer values are refused */
#define REQUEST_TTL_MAX_NS	(600 * NS_PER_S)	/* the longest that a site file may grant */

/* Two words of `from` that are no sink: the command line, and the handshakes of events. */
#define REQUEST_FROM_CLI	"cli"
#define REQUEST_FROM_EVENTS	"events"

#define REQUEST_KINDS(X) X(WRITE, "write") X(CALL, "call") X(ACK, "ack")
enum request_kind {
#define X(name, text) REQUEST_##name,
	REQUEST_KINDS(X)
#undef X
	REQUEST_KIND_COUNT
};

struct request {
	enum request_kind	 kind;
	const char		*target;	/* WRITE: tag path; CALL: source name; ACK: path of an event tag */
	const char		*method;	/* CALL: address of the method; else "" */
	const char		*event;		/* ACK: id of the event, "" the newest; else "" */
	/*
	 * WRITE: exactly one, in the tag's unit; CALL: the input arguments. A text given for a number or a boolean is
	 * read as one by gate (or as a name of the tag's enumeration).
	 */
	const struct value	*args;
	uint32_t		 nargs;
	const char		*from;		/* who passes it on: a sink's name or "cli"; set on the way */
	const char		*user;		/* the person or program, as authenticated by `from` */
	const char		*roles[REQUEST_ROLES_MAX];	/* that `from` grants to the user */
	uint32_t		 nroles;
	/*
	 * Given by the requester so that it may ask again without harm: the same key (of the same from and user) gives
	 * the known outcome, never a second write. "": none.
	 */
	const char		*key;
	const char		*note;		/* why, by the requester; the comment of an ACK; "" if none */
	/*
	 * Not to be carried out after this. ns 0: as long as the entry of the site file grants, from the arrival at
	 * gate. A sink gives it on mono_now(); from there on (packed, at gate, in field) it is on boot_now(), which a
	 * suspended machine does not stop.
	 */
	struct mono		 deadline;
};

#define REQUEST_STATES(X)						\
	X(PENDING, "pending")	/* waits for a second person */		\
	X(SENT,    "sent")	/* admitted, on its way */		\
	X(APPLIED, "applied")	/* the device has it, by readback where the entry asks for one */	\
	X(REFUSED, "refused")	/* nothing reached the device, or the device refused it */		\
	X(EXPIRED, "expired")	/* too late: nothing reached the device */				\
	X(UNKNOWN, "unknown")	/* sent, and nobody can say what became of it */
enum request_state {
#define X(name, text) REQUEST_##name,
	REQUEST_STATES(X)
#undef X
	REQUEST_STATE_COUNT
};
static inline bool request_state_final(enum request_state s) { return s >= REQUEST_APPLIED; }

struct request_result {
	uint64_t		 id;		/* gate's number of it, for `penstock request show`; 0: it has none */
	enum request_state	 state;
	const char		*code;		/* "limit", "interlock", ...: a reason, "" when applied */
	const char		*text;		/* for people: cause and remedy */
	struct value		 readback;	/* VALUE_NULL: none was read */
	const struct value	*results;	/* CALL: output arguments */
	uint32_t		 nresults;
};

/* Told once, with a final state. r is borrowed during the call. */
typedef void request_done(void *arg, const struct request_result *r);

const char *request_kind_name(enum request_kind k);
int request_kind_parse(const char *s);		/* -1: none */
const char *request_state_name(enum request_state s);

/*
 * As they cross a channel and stand in the audit log (layout at the top of request.c). pack: 0, or ERR_FULL when w has
 * no room. unpack: texts are copied to `a`, which they live as long as; values with bytes too. 0, or an error: bytes
 * of another process are not trusted.
 */
struct arena;
int request_pack(struct writer *w, const struct request *q);
int request_unpack(struct reader *r, struct arena *a, struct request *out);
int request_result_pack(struct writer *w, const struct request_result *q);
int request_result_unpack(struct reader *r, struct arena *a, struct request_result *out);
/* One value: type, length, bytes. */
int request_value_pack(struct writer *w, const struct value *v);
int request_value_unpack(struct reader *r, struct arena *a, struct value *out);

#endif
