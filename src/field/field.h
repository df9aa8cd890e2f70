/*
 * The scan engine: keeps the connections to the devices of one OT zone, asks them at their times, judges their health,
 * and hands on what they say. One thread, one loop, no thread a device. Start reading here, then engine.h (who owns
 * whom), link.h (a connection), feed.h (a source while it runs).
 */
#ifndef FIELD_FIELD_H
#define FIELD_FIELD_H

#include <uv.h>

#include "driver/driver.h"
#include "ring/stats.h"
#include "site/plan.h"

#define FIELD_CONNECTS_MAX	64u		/* connections being opened at one time */
#define FIELD_BATCH_MIN		(128u << 10)	/* bytes; holds any one value */
#define FIELD_FLUSH_NS		(4 * NS_PER_MS)	/* longest that a sample waits for the rest of its scan */
#define FIELD_STOP_NS		(500 * NS_PER_MS)	/* longest that a stop waits for scans under way */
/* A jump of the wall clock against the steady one that counts as a step. */
#define FIELD_STEP_NS		NS_PER_S

/* Where samples go. */
struct field_out {
	void	*arg;
	/*
	 * One batch; everything borrowed for the call. Values with bytes hold their offset into blob, see
	 * model/sample.h.
	 */
	void	(*batch)(void *arg, const struct batch_head *head, const struct sample *samples, const void *blob);
};

struct field_config {
	uv_loop_t		*loop;		/* borrowed */
	struct field_out	 out;
	/* Bytes of one batch; 0: no limit but those of model/sample.h. At least FIELD_BATCH_MIN. */
	size_t			 batch_max;
	struct stats		*stats;		/* borrowed; NULL: figures are kept but not shown */
	uint32_t		 connects_max;	/* 0: FIELD_CONNECTS_MAX */
	int64_t			 read_ns;	/* longest that a read on demand is waited for; 0: ASK_READ_NS */
	/* Pauses between connects; 0: LINK_RETRY_MIN_NS, LINK_RETRY_MAX_NS. */
	int64_t			 retry_min_ns, retry_max_ns;
	const struct driver	*(*driver)(const char *name);	/* NULL: driver_find() */
};

struct field;

/* 0 with *out given (field_free()), or an error of the kernel. */
int field_new(const struct field_config *config, struct field **out);
/*
 * Put a plan in force (taken, also on failure). Sources whose key is in the plan before keep their connection, their
 * times and their counts; others are closed or opened. 0, or ERR_NOTFOUND when a driver is unknown or refuses a
 * source: then nothing has changed.
 */
int field_apply(struct field *f, struct plan *p);
/*
 * Stop in good order: no new scans; done() is called once the scans under way have ended, or `within_ns` have passed
 * (at most FIELD_STOP_NS). Their samples have been handed on by then. Nothing is made bad: a stop is no failure of a
 * device.
 */
void field_stop(struct field *f, int64_t within_ns, void (*done)(void *arg), void *arg);
/* Close everything now. Handles of the loop are freed by the loop: run it until it has none, or leave the process. */
void field_free(struct field *f);

/* Gate has made durable what came of another node's stream, see driver.durable. */
void field_durable(struct field *f, uint64_t origin, uint64_t no, bool hole);

/* Later batches hold at most this many bytes, see field_config. */
void field_set_batch_max(struct field *f, size_t bytes);

#endif
