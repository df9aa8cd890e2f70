/*
 * The office: brings what gate has admitted to every sink of its flow, and tells gate how far it is. It reads the spool and never writes
 * to it; the ledger, which gate keeps, is its memory. One loop; sinks have threads of their own where their libraries block.
 *
 *	spool --lane--> delivery --offer--> sink --> far end
 *	ledger <--gate<-- report <--settled-- delivery <--done-- sink
 */
#ifndef OFFICE_OFFICE_H
#define OFFICE_OFFICE_H

#include <uv.h>

#include "base/buf.h"
#include "base/clock.h"
#include "os/disk.h"
#include "ring/stats.h"
#include "site/plan.h"

struct sink_type;

struct office_opts {
	uv_loop_t		*loop;
	const char		*state_dir;
	const struct disk	*disk;
	struct stats		*stats;		/* NULL: figures go nowhere */
	const struct sink_type	*(*find)(const char *kind);	/* sink_find(), or a test's own */
	void			(*stopped)(void *arg);		/* office_stop() has ended */
	void			*arg;
};

struct office;
/* 0 and *out given (office_close() after stopped()); an error was logged. */
int office_open(const struct office_opts *opts, struct office **out);
/* Put a plan in force (taken, also on failure). Sinks and streams that it does not change go on undisturbed. A sink that cannot be opened
 * is logged, shown in its state, and stops nobody. */
int office_plan(struct office *o, struct plan *plan);
/* Gate says that the spool has news. */
void office_wake(struct office *o);
/* A new channel to gate (fd taken). */
void office_peer(struct office *o, int fd);
/* CHANGED to gate, see proc/notes.h. 0, or an error: later. */
int office_changed(struct office *o, const void *p, size_t len);
/*
 * A request of the command line: appends its answer to out, lines of JSON objects; errors are {"error": "..."}.
 *	sinks				one line a sink: connected or not, since when, why not, backlog
 *	quarantine retry ID...|all	send held batches again
 *	quarantine drop ID...|all --reason TEXT
 * false: no such verb.
 */
bool office_ask(struct office *o, const char *verb, int argc, const char *const *argv, struct buf *out);
/*
 * What a person does with the outbox of a sink, `penstock outbox`: argv is SINK (or "": the only one that has an outbox), a verb and its
 * arguments; who: as the supervisor saw it. A change is first tried dry, then entered in gate's audit log with what it will do, and done
 * only when it stands there durably. answer() gets lines of JSON, the last time with `end`, from the loop, also from within the call.
 */
typedef void office_answer(void *arg, const char *lines, size_t len, bool end);
void office_change(struct office *o, const char *who, int argc, const char *const *argv, office_answer *answer, void *arg);
/* The one who waits with this arg is gone. What it asked goes its way. */
void office_change_forget(struct office *o, const void *arg);
/* Finish what is in flight, report it, then call stopped(), at the latest at the deadline. */
void office_stop(struct office *o, struct mono deadline);
/* After stopped(). The loop must run once more: handles are closed from it. */
void office_close(struct office *o);

#endif
