/*
 * The health of a source, judged by what it answers and by nothing else: an open connection proves nothing. A source
 * that stays silent is *demoted*: it is no longer scanned, only probed now and then with one cheap request, so that
 * on a shared link it costs the others almost nothing. One good answer brings it back at once.
 *
 *	good ──miss──> suspect ──miss, miss──> silent ──probe──> probing ──miss──> silent
 *	  └───────answer──┘          └──────────────answer────────────┴──> good
 *
 * A *budget* belongs to a link: time that dead devices held it is paid back by a pause for probes, so that they take at
 * most HEALTH_DEAD_PERCENT of it.
 */
#ifndef FIELD_HEALTH_H
#define FIELD_HEALTH_H

#include "base/clock.h"
#include "base/log.h"
#include "driver/driver.h"
#include "base/backoff.h"

#define HEALTH_MISSES_MAX	3		/* unanswered requests in a row until a source is demoted */
#define HEALTH_MISSES_NEW	1		/* the same for a source on a shared link that has never answered */
#define HEALTH_PROBE_MIN_NS	NS_PER_S	/* pause before the first probe; doubles */
#define HEALTH_PROBE_MAX_NS	(60 * NS_PER_S)
/* Of a link's time that dead devices may take while others live there. */
#define HEALTH_DEAD_PERCENT	6
#define HEALTH_DEBT_MAX_NS	(60 * NS_PER_S)	/* longest pause for probes that a budget can demand */

enum health_state {
	HEALTH_GOOD,		/* answers; also at the start, until it is known better */
	HEALTH_SUSPECT,		/* missed the last request, is still scanned */
	HEALTH_SILENT,		/* demoted: not scanned, waits for its next probe */
	HEALTH_PROBING,		/* demoted, a probe is under way */
	HEALTH_STATES
};
const char *health_name(enum health_state s);

struct health {
	enum health_state	 state;
	uint32_t		 misses;	/* in a row */
	bool			 answered;	/* at least once since the start */
	bool			 shared;	/* other sources live on its link */
	struct mono		 since;		/* in this state; silent and probing count as one */
	struct backoff		 probes;
	const char		*source;	/* name, for log lines; borrowed */
	struct log_limit	 quiet;
};

/* What the engine has to do now. */
enum health_do { HEALTH_NOTHING, HEALTH_DEMOTE, HEALTH_RECOVER };

/* seed: the source's identity. */
void health_init(struct health *h, const char *source, uint64_t seed, bool shared, struct mono now);
/* A request ended. */
enum health_do health_outcome(struct health *h, enum outcome o, struct mono now);
/* Ready for a probe: SILENT becomes PROBING. */
void health_probe(struct health *h, struct mono now);
/* The probe ended without an answer (or could not be sent): back to SILENT. */
void health_probe_failed(struct health *h, struct mono now);
/* Pause until the next probe. */
static inline int64_t health_pause(struct health *h) { return backoff_next(&h->probes); }
/*
 * The link was lost: what it did not answer there says nothing about the device. A source that was never demoted
 * starts afresh.
 */
void health_link_down(struct health *h, struct mono now);
static inline bool health_demoted(const struct health *h) { return h->state >= HEALTH_SILENT; }

struct budget {
	struct mono	free_at;	/* no probe before this */
};
/* A dead device held the link for busy_ns. */
void budget_charge(struct budget *b, int64_t busy_ns, struct mono now);

#endif
