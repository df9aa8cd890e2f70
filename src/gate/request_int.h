/* Inside of request*.c: a request under way, the memory of keys and of paces, the present values. */
#ifndef GATE_REQUEST_INT_H
#define GATE_REQUEST_INT_H

#include "base/arena.h"
#include "base/map.h"
#include "gate/request.h"
#include "spool/chain.h"

#define DIGEST		16u
#define WAITERS_MAX	8u
#define TEXT_MAX	(REQUEST_NOTE_MAX + 1)

struct held {
	struct held		*next;		/* newest first */
	struct arena		 memory;
	uint64_t		 id;
	struct request		 ask;		/* ours; args as they were asked */
	struct value		 value;		/* WRITE: in the tag's type */
	const char		*rule;		/* name of the entry, "" none */
	const char		*zone, *source;	/* of the device */
	enum request_state	 state;
	bool			 confirmed;
	const char		*confirmed_by;	/* "" */
	struct wall		 asked_at, ended_at;
	struct mono		 deadline, silent_at;	/* silent_at: SENT, then it is unknown */
	bool			 keyed;
	uint8_t			 key[DIGEST], digest[DIGEST];
	const char		*code;
	char			 text[TEXT_MAX];
	struct value		 readback;
	const struct value	*results;
	uint32_t		 nresults;
	uint64_t		 waiters[WAITERS_MAX];	/* 0: free */
	bool			 asked_entered, entered;	/* its first entry, and its outcome, stand in the log */
	enum request_reason	 why;		/* it was refused when it was asked */
	int64_t			 ttl_ns;	/* when it was asked */
};

struct known_key {
	uint8_t		key[DIGEST], digest[DIGEST];
	uint64_t	id;
	uint8_t		state;		/* enum request_state */
};

/* How fast an entry, and a tag of it, was used. Kept by name, so that a new plan does not forget. */
struct pace {
	struct pace	*next;
	char		*name;		/* entry, or entry '\n' target */
	struct mono	 last;		/* admitted; ns INT64_MIN: never */
	double		 value;		/* admitted last */
	bool		 has_value;
	uint32_t	 n, cap;	/* moves remembered */
	struct move { struct mono at; double by; } *moves;
};

struct live {
	struct value	 v;		/* scalars alone; VALUE_NULL: none yet */
	uint32_t	 status;
	struct wall	 arrival;
	struct mono	 seen;
	uint64_t	 losses;	/* before it came */
};
struct live_source {
	uint64_t	 key;
	uint32_t	 ntags;
	struct live	**tags;		/* NULL: nobody asks */
};

struct open_entry {		/* recall: a request without outcome so far */
	uint64_t	id;
	bool		sent, keyed;
	uint8_t		key[DIGEST], digest[DIGEST];
};

struct flood {
	char		 from[REQUEST_NAME_MAX + 1];
	struct mono	 second;
	uint32_t	 n;
	uint64_t	 left_out;
};

struct interlocks;		/* request_interlock.c */

struct requests {
	struct requests_ops	 ops;
	const struct plan	*plan;
	struct held		*held;
	uint32_t		 nheld, nactive;
	uint64_t		 next_id;
	struct chain		 chain;
	struct known_key	*keys;		/* a ring of REQUESTS_KEYS */
	uint32_t		 nkeys, key_at;
	struct pace		*paces;
	struct flood		 floods[8];
	struct mono		 flood_at;	/* when what was left out is entered */
	struct open_entry	*open;
	uint32_t		 nopen, open_cap;
	struct arena		 live_memory;	/* of the plan */
	struct map		 live;		/* source key -> struct live_source */
	uint64_t		 live_losses;
	struct interlocks	*interlocks;
	uint32_t		 unentered;	/* outcomes that the log does not have yet */
	struct mono		 retry_at;
	struct requests_counts	 counts;
};

/* What is judged, found in the plan. */
struct target {
	const struct request_rule *rule;
	const struct source	*source;
	const struct tag	*tag;		/* CALL: NULL */
};

/* request.c: the list, telling, ends. */
struct held *request_new(struct requests *r, uint64_t token, const struct request *q, struct wall wall);
struct held *request_find(const struct requests *r, uint64_t id);
struct request_result request_result_of(const struct held *h);
void request_tell(struct requests *r, struct held *h);
/* A refusal that is no request of its own: it has no number and no entry. */
void request_tell_refused(struct requests *r, uint64_t token, enum request_reason why);
/* Somebody else waits for it too. False: too many do. */
bool request_wait(struct held *h, uint64_t token);
/* It is over, and why; text "" takes that of the reason. Its entry is the caller's. */
void request_conclude(struct requests *r, struct held *h, enum request_state state, enum request_reason why,
    const char *text,
    struct wall wall);
/* It is over: entered and told. */
void request_end(struct requests *r, struct held *h, enum request_state state, enum request_reason why,
    const char *text, struct mono now,
    struct wall wall);
/* Asked and refused in one breath: both its entries, one sync. */
void request_refuse(struct requests *r, struct held *h, enum request_reason why, const char *text, struct mono now,
    struct wall wall);

/* request_send.c */
void request_admit(struct requests *r, struct held *h, const struct target *t, struct mono now, struct wall wall);
void request_hand_over(struct requests *r, struct held *h, const struct target *t, struct mono now, struct wall wall);

/* request_ask.c */
/* Too many a second from there? They would fill the disk with refusals. */
bool request_flooded(struct requests *r, const char *from, struct mono now);
void request_enter_floods(struct requests *r, struct wall wall);

/*
 * request_judge.c: pure: may it be done now? Fills t and value; text gets the details for people, "" if the reason says
 * it all.
 */
enum request_reason judge_target(const struct requests *r, const struct request *q, struct target *t);
/* One that is pending: does the plan in force admit it as it was asked and judged? PLAN with why, or NONE; fills t. */
enum request_reason judge_again(const struct requests *r, struct held *h, struct target *t, char *text, size_t size);
/* request_value.c */
enum request_reason judge_value(const struct request *q, const struct target *t, struct value *value, struct arena *a,
    char *text, size_t size);
/* request_judge.c */
enum request_reason judge_now(struct requests *r, const struct held *h, const struct target *t, struct mono now,
    struct wall wall, char *text,
    size_t size);
bool judge_role(const struct request_rule *rule, const char *const *roles, uint32_t n);
/* It is admitted: count it. */
void judge_count(struct requests *r, const struct held *h, const struct target *t, struct mono now, struct wall wall);

/* request_live.c */
void live_watch(struct requests *r, struct tag_ref t);
void live_reset(struct requests *r, const struct plan *before);
/* The value of a tag if it is good and fresh; else NULL, with why in text. */
const struct live *live_get(const struct requests *r, struct tag_ref t, struct mono now, struct wall wall, char *text,
    size_t size);

/* request_interlock.c */
void interlocks_build(struct requests *r);
void interlocks_free(struct interlocks *i);
/* Is the interlock of the entry true for this target? False with why. */
bool interlock_true(const struct requests *r, const struct target *t, struct mono now, struct wall wall, char *text,
    size_t size);

/* request_keys.c */
void keys_digest(struct requests *r, const struct request *q, uint8_t key[DIGEST], uint8_t digest[DIGEST]);
struct known_key *keys_find(struct requests *r, const uint8_t key[DIGEST]);
void keys_put(struct requests *r, const uint8_t key[DIGEST], const uint8_t digest[DIGEST], uint64_t id,
    enum request_state state);

/* request_record.c: entries of the log, and lines of the command line. Each appends to out. */
/* False: too long for an entry, its arguments are left out; such a request may not be admitted. */
bool record_request(const struct held *h, enum request_reason why, struct buf *out);
void record_outcome(const struct held *h, struct buf *out);
void record_confirm(const struct held *h, const struct request_person *p, enum request_reason why, const char *text,
    struct buf *out);
void record_mark(const struct held *h, char *out, size_t size);
void record_line(const struct held *h, struct mono now, struct buf *out);

#endif
