/*
 * Insight: derives tags from tags. It reads the rings of all field processes, every sample as it was read, evaluates
 * the expressions of the plan and hands batches of derived samples to its owner, who writes them to a ring of their
 * own. A library: no loop, no clock, no socket; proc/insight.c puts it into a process.
 *
 * When an expression is evaluated:
 *
 *	with its inputs (no `scan`)	after each group of samples that arrived together and holds one of its inputs;
 and
 *					once a second where time alone may change the result
 *	every T (`scan: T`)		at multiples of T; what remembers (windows, counters) sees each sample in
 between too
 *
 * Its clock is the arrival of the samples, so what is read again after a restart gives the same results again.
 */
#ifndef INSIGHT_INSIGHT_H
#define INSIGHT_INSIGHT_H

#include "expr/expr.h"
#include "model/request.h"
#include "model/sample.h"
#include "os/disk.h"
#include "ring/ring.h"
#include "site/plan.h"

#define INSIGHT_RINGS_MAX	64u	/* held at once */

struct insight_opts {
	const char		*dir;	/* for what outlives the process; NULL: nothing does */
	const struct disk	*disk;
	/* A batch of derived samples: borrowed for the call; values with bytes have their offset into blob in v.u. */
	void	(*emit)(void *arg, const struct batch_head *head, const struct sample *v, const void *blob);
	/*
	 * Ask gate for the acknowledge of a handshake; q is borrowed. 0: insight_outcome() tells what became of it;
	 * ERR_AGAIN: not now. NULL: nobody can be asked.
	 */
	int	(*ask)(void *arg, uint64_t token, const struct request *q);
	/* A ring breaks its format and is read no more. */
	void	(*ring_dead)(void *arg, const char *writer, uint64_t epoch);
	void	*arg;
};

struct insight;
/* opts are copied, what they point to is borrowed for good. Given: insight_free. NULL: out of memory. */
struct insight *insight_new(const struct insight_opts *opts);
void insight_free(struct insight *in);
/*
 * The plan in force (taken). What is the same in it goes on with what it remembers; counts go on wherever their part of
 * the expression is the same. 0; ERR_SYNTAX: an expression does not compile (logged), which the checks of the site rule
 * out.
 */
int insight_plan(struct insight *in, struct plan *p, struct wall now);
/* A writer's ring (taken); an older one of that writer is first read to its end. ERR_LIMIT: too many, it is closed. */
int insight_ring(struct insight *in, const char *writer, struct ring_reader *r);
/* Rings held; derived tags; declarations of events. */
size_t insight_rings(const struct insight *in);
size_t insight_tags(const struct insight *in);
/* The tags of devices that derived tags and events are made of, at most max of them into out. Returns how many there are. */
size_t insight_inputs(const struct insight *in, const struct tag **out, size_t max);
size_t insight_declared(const struct insight *in);	/* events */

struct insight_turn {
	bool		more;	/* there is more to do at once */
	struct wall	next;	/* call again then, at the latest; 0: only when a ring has news */
};
/* Read the rings (some, so that the loop turns), evaluate what is due, keep what must be kept. */
struct insight_turn insight_turn(struct insight *in, struct wall now);
/* Keep counts on disk now, for good: before the process ends in good order. 0 or the disk's error. */
int insight_save(struct insight *in, struct wall now);

/*
 * What gate says of numbered streams, see gate/origin.c: all of this origin up to `no` is durable; hole: what came
 * after it was not taken.
 */
void insight_durable(struct insight *in, uint64_t origin, uint64_t no, bool hole, struct wall now);
/* What became of what was asked, see opts.ask. */
void insight_outcome(struct insight *in, uint64_t token, const struct request_result *r, struct wall now);
/* Gate is another one: what was asked has no outcome, and is asked again. */
void insight_gate_new(struct insight *in);

struct insight_figures {
	uint64_t records, samples, evaluated, emitted, gaps, refused, saves, save_errors;
	uint64_t events, event_faults;	/* made by this process; of them faulty */
};
struct insight_figures insight_figures(const struct insight *in);

/*
 * Events as they stand: line() gets a JSON object and '\n' for each declaration whose path matches, at most 10,000.
 * Returns how many.
 */
size_t insight_events(const struct insight *in, const char *pattern,
    bool (*line)(void *arg, const char *text, size_t len), void *arg);
/*
 * Why derived tags are as they are: line() gets a JSON object and '\n' for each whose path matches, at most 256; false
 * ends it. Returns how many.
 */
size_t insight_why(const struct insight *in, const char *pattern, bool (*line)(void *arg, const char *text, size_t len),
    void *arg);
#endif
