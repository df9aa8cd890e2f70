/*
 * A source while it runs: its scans and their times, its health, the last value of each tag, its figures.
 */
#ifndef FIELD_FEED_H
#define FIELD_FEED_H

#include "driver/driver.h"
#include "field/engine.h"
#include "field/health.h"
#include "field/schedule.h"

/* Classes slower than this are read once at once when their source comes up. */
#define FEED_FIRST_SCAN_NS	NS_PER_S
#define FEED_LOOSE_MAX		64u		/* samples outside of scans that go out in one batch */
#define FEED_LOOSE_OWN_MAX	2048u		/* the same where all samples are outside of scans */
#define FEED_RATE_S		10u		/* seconds over which the achieved rate is taken */

struct scan {
	struct deadline	 timer;
	struct feed	*feed;
	uint16_t	 scan_class;
	bool		 running;	/* the driver has not said scan_done yet */
	bool		 first;		/* the next one is extra, off the grid */
	struct grid	 grid;
	struct emit	 emit;
};

struct known {		/* of a tag; all that a sample needs stands in one cache line */
	uint32_t	 status;	/* now */
	uint16_t	 scan_class;	/* nscans: only on demand */
	struct wall	 since;		/* in this status; 0: never had one */
	struct wall	 good_at;	/* arrival of the last good value; 0: none yet */
	struct value	 good;		/* bytes at p are ours */
	uint32_t	 cap;		/* of good.p */
};

enum feed_todo { FEED_DEMOTE = 1, FEED_RECOVER = 2 };

struct feed {
	struct field		*field;
	struct link		*link;
	uint32_t		 no;		/* within the link */
	const struct source	*source;
	struct health		 health;
	uint32_t		 todo;		/* enum feed_todo: noted in a driver call, done after it */
	bool			 given_up;	/* all tags were made bad and nothing good came since */
	struct deadline		 probe;
	struct feed		*probe_next;
	bool			 probe_queued;
	struct scan		*scans;		/* [source->nscans] */
	struct emit		 loose;		/* samples outside of scans */
	struct known		*known;		/* [source->ntags] */
	uint64_t		*stepped;	/* bit set: tags whose next sample is the first after a clock step */
	uint32_t		 nstepped;
	uint64_t		 seq;		/* of the last batch */
	uint32_t		 traces;	/* clients that trace it */

	uint64_t		 nscans, nskipped, nsamples;
	uint64_t		 past[FEED_RATE_S];	/* nscans, or of a source without scans nsamples, one a second */
	uint32_t		 past_at;
	uint64_t		 rate_mhz;	/* over the last FEED_RATE_S */
	struct wall		 good_at;
	struct hist		 lateness;
	stat_t			*figures;
};

struct feed *feed_new(struct link *l, uint32_t no, const struct source *s, bool shared, struct mono now);
/* The same source in a new set of sources on its link. */
void feed_move(struct feed *f, struct link *l, uint32_t no, const struct source *s, bool shared);
void feed_free(struct feed *f);

/* The link is up, or was lost. */
void feed_up(struct feed *f, struct mono now);
void feed_down(struct feed *f, struct mono now);
/* No connection could be had: all tags go bad, once. */
void feed_unreachable(struct feed *f);
/* From the host callbacks. */
void feed_sample(struct feed *f, const struct sample *s);
void feed_numbered(struct feed *f, const struct sample *v, uint32_t n, const struct driver_numbers *no);
void feed_outcome(struct feed *f, enum outcome o, int64_t busy_ns, struct mono now);
void feed_scan_done(struct feed *f, uint32_t scan_class, struct mono now);
/* After a driver call: what was noted. May call the driver. */
void feed_act(struct feed *f, struct mono now);
/* Its turn on the link: send the probe. False when it could not be sent. */
bool feed_probe(struct feed *f, struct mono now);
/* No more scans and probes. */
void feed_halt(struct feed *f);
void feed_step(struct feed *f);
void feed_figures(struct feed *f, struct mono now);

#endif
