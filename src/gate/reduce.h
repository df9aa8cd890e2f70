/*
 * Reduction: which samples of a flow go on, and what stands for the others. One `struct reduce` serves one stream and
 * holds a small state for each of its tags, allocated when the plan is put in force; nothing is allocated for a
 * sample. It reads no clock and does no I/O: samples and times come in, samples for the spool come out. doc/flows.md
 * shows it with pictures.
 *
 * For all kinds:
 *  - A change of status (the whole 32-bit code) passes at once.
 *  - Times are those that came with the sample; nothing is ever repeated with a new time. "At least every" lets the
 *    sample pass that would otherwise be left out, as long as samples come; a source that is silent yields nothing.
 *  - A sample whose time lies before that of the one ahead of it is flagged SAMPLE_LATE and never moves the reference
 *    that later samples are compared with. A jump of a clock is flagged SAMPLE_CLOCK_STEP, passes, and starts all
 *    references anew.
 *  - A value of another type than the stream's schema says comes from a broken process: it is replaced by "no value"
 *    with status BadInternalError.
 *  - NaN and infinities are values for "every sample" and "on change" (NaN equals NaN), and not a number for windows
 *    and the swinging door.
 */
#ifndef GATE_REDUCE_H
#define GATE_REDUCE_H

#include "gate/out.h"
#include "site/plan.h"

/* What is fixed about a tag of a flow. */
struct reduce_point {
	uint32_t	out;		/* its index in the stream's schema; of a window the first of its functions */
	uint8_t		type;
	bool		has_range;
	double		lo, hi;
	int64_t		scan_ns;	/* 0: no fixed period */
};

/* How; the fields of struct flow that matter here. Compared with memcmp: fill with reduce_how_of(). */
struct reduce_how {
	int64_t		at_least_every_ns, window_ns;
	double		deadband, door;
	uint32_t	window_fns;
	uint8_t		kind, change;	/* enum reduce_kind, enum change_kind */
	uint8_t		unused[2];
};
struct reduce_how reduce_how_of(const struct flow *f);

struct reduce_counts {
	uint64_t seen;		/* samples of the flow's tags that came in */
	uint64_t passed;	/* samples that went out, results of windows among them */
	uint64_t late;		/* flagged SAMPLE_LATE */
	uint64_t too_late;	/* of a window that was closed already: counted, not used */
	uint64_t steps;		/* flagged SAMPLE_CLOCK_STEP */
	uint64_t mistyped;	/* value of another type than the schema says */
};

/*
 * LIVE is the ordinary way. The others are for a restarted gate that reads a ring again:
 * QUIET: all that this record lets through is in the spool already; take it for the state alone.
 * AGAIN: what this record lets through may be in the spool, in part or whole: what the restored state shows to be
 * there is left out.
 */
enum reduce_mode { REDUCE_LIVE, REDUCE_QUIET, REDUCE_AGAIN };

struct reduce;
/* points: n of them, copied. Given: reduce_free. Out of memory ends the process. */
struct reduce *reduce_new(const struct reduce_how *how, const struct reduce_point *points, uint32_t n);
void reduce_free(struct reduce *r);

/*
 * Take n samples of one source. slot[tag] is the point's index + 1, 0 for a tag that the flow does not want; nslots
 * of them. What passes is added to out, with `tag` as the schema counts. The sum of all bytes of values must fit out
 * (out_fits).
 */
void reduce_take(struct reduce *r, const uint32_t *slot, uint32_t nslots, const struct sample *v, size_t n,
    enum reduce_mode mode,
    struct out *out);
/*
 * A sample of the stream as read back from the spool, in order: brings the state to where it was when it was admitted.
 */
void reduce_restore(struct reduce *r, const struct sample *admitted);
/*
 * Close windows that are over by the clock though nothing came. Returns when to call again, in ns from now; INT64_MAX:
 * never.
 */
int64_t reduce_tick(struct reduce *r, struct wall now, struct out *out);
/*
 * No more samples come (a stop, a changed flow): partial windows and the held sample of a door go out. It may be used
 * on.
 */
void reduce_finish(struct reduce *r, struct wall now, struct out *out);
/* Whether a restart must read the ring again to bring the state back (windows, swinging door). */
bool reduce_has_memory(const struct reduce *r);
const struct reduce_counts *reduce_counts(const struct reduce *r);

#endif
