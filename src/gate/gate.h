/*
 * Gate: takes what the rings bring, reduces it as each flow says, numbers it and writes it to the spool; keeps the
 * ledger of what became of the numbers. This is the whole of it as a library: it opens no socket, runs no loop and
 * reads no clock, so a test can drive it, stop it at any point and start another one over the same directory.
 * proc/gate.c puts it into a process.
 *
 * What holds at any moment, whatever is killed when:
 *  - A sample that was appended to a stream is neither lost nor appended again. Each batch of the spool carries a
 *    mark: how far its stream has taken the ring. A new gate opens the streams, reads the ring again from a place
 *    that every stream needs, and each stream passes over what it has (rings.c).
 *  - What cannot be written (a full disk) stays in memory and in the ring; reading stops until it could be. If the
 *    ring runs over meanwhile, that is counted, logged and entered in the ledgers as LOST. One flow's trouble of this
 *    kind holds all of them, since they share the disk. A stream that is damaged for good is switched off alone,
 *    loudly.
 *  - A new plan changes what is admitted from then on. A flow with the same name and schema keeps its stream; with
 *    another schema it begins a new one, and the old one stays until its sinks have it.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include "base/clock.h"
#include "model/sample.h"
#include "os/disk.h"
#include "ring/channel.h"
#include "ring/ring.h"
#include "ring/stats.h"
#include "site/plan.h"

struct gate_opts {
	const char		*spool_dir;	/* made if it is not there */
	const struct disk	*disk;
	/*
	 * The ledger has durably taken all reports of this sink up to `last`. 0, or ERR_AGAIN: call again later. May be
	 * NULL.
	 */
	int			(*accounted)(void *arg, const char *stream, const char *sink, uint64_t last);
	/* What a source brought just now (not what is read again after a restart); borrowed. May be NULL. */
	void			(*live)(void *arg, uint64_t source_key, const struct sample *v, uint32_t n);
	/* Of what goes to live() something was lost: no value from before may be taken for the present one. May be NULL. */
	void			(*live_lost)(void *arg);
	/*
	 * All numbers of another node's stream up to `no` are durable (struct batch_head); hole: what came after them was not taken, since something
	 * is missing: it must come again from there. 0, or ERR_AGAIN: call again later. May be NULL.
	 */
	int			(*durable)(void *arg, const char *writer, uint64_t origin, uint64_t no, bool hole);
	/* A ring breaks its format and is read no more: its writer is broken or was taken over. May be NULL. */
	void			(*ring_dead)(void *arg, const char *writer, uint64_t epoch);
	void			*arg;
};

struct gate;
/*
 * opts: borrowed during the call, what it points to for good. Given: gate_free. ERR_BUSY: another gate writes there
 * (logged).
 */
int gate_new(const struct gate_opts *opts, struct gate **out);
/* Close all without ceremony: what was not finished is found again by the next gate. */
void gate_free(struct gate *g);
/* Where figures go from the next plan on; NULL: nowhere. */
void gate_stats(struct gate *g, struct stats *s);

/*
 * Put a plan in force (taken). A flow that cannot be opened is reported and does not hinder the others. 0, or
 * ERR_LIMIT.
 */
int gate_plan(struct gate *g, struct plan *p, struct mono now, struct wall wall);
/* A ring to read (taken). An older one of the same writer is first read to its end. */
void gate_ring(struct gate *g, const char *writer, struct ring_reader *r);

struct gate_turn {
	bool		more;		/* there is more to do at once */
	bool		admitted;	/* the spool has news for its readers */
	bool		held;		/* something cannot be written at present */
	struct mono	next;		/* call again then, at the latest */
};
/*
 * Do what is due: read rings (some, so that the loop turns), close windows, write, sync, trim. Blocks for the disk
 * alone.
 */
struct gate_turn gate_turn(struct gate *g, struct mono now, struct wall wall);
/*
 * Writers have stopped: take all that the rings hold, end what is open (partial windows, flagged), make it durable.
 * 0; ERR_AGAIN: not done yet, call again (after a turn); the error of the disk while it refuses.
 */
int gate_drain(struct gate *g, struct mono now, struct wall wall);

/*
 * A delivery report of office (ring/report.h), which is not trusted: it may only say what the account allows. 0 when
 * it was taken; ERR_AGAIN: the disk refuses, keep the message and come again; anything else: refused, logged and
 * counted.
 */
int gate_report(struct gate *g, enum msg_type type, const void *p, size_t len, struct mono now, struct wall wall);

/* Figures for tests and for the log at the end. */
struct gate_totals {
	uint64_t seen, admitted, refused_records, refused_reports, lost, gaps;
};
struct gate_totals gate_totals(const struct gate *g);

#endif
