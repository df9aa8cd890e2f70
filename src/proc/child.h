/*
 * What every child process of the supervisor shares: it starts with one channel (descriptor 3), gets its plan slice, status page, rings and
 * wake-ups through it, and leaves when it is told to or when the supervisor is gone.
 *
 * child_main() runs a uv loop and calls the ops below from it; an op that is NULL is not wanted by that role.
 */
#ifndef PROC_CHILD_H
#define PROC_CHILD_H

#include <uv.h>

#include "base/clock.h"
#include "ring/channel.h"
#include "ring/ring.h"
#include "ring/stats.h"
#include "site/plan.h"

/* A client of the command line, waiting for an answer. Replies are text, usually one JSON object a line. */
struct client;
/* Queue a reply; false when the client does not read and its buffer (4 MiB) is full: the text was not taken, count it. */
bool client_reply(struct client *c, const char *text, size_t len);
/* Nothing more will come. The client is freed once all is written. */
void client_end(struct client *c);
/* Called once if the client leaves first; after it the client must not be used. */
void client_on_gone(struct client *c, void (*gone)(void *arg), void *arg);

#define CLIENT_ARGS_MAX 64

struct child_ops {
	/* A plan slice to put in force (taken; plan_free). 0, or an error: the process then leaves and the supervisor says so. The first one comes
	 * after the status page and all wake-ups, before any ring. */
	int	(*plan)(void *arg, struct plan *p);
	void	(*ring_in)(void *arg, const char *writer, struct ring_reader *r);	/* r taken */
	void	(*wake)(void *arg);
	void	(*peer)(void *arg, int fd);			/* channel to the other side (insight: to gate); fd taken */
	void	(*peer_insight)(void *arg, int fd);		/* gate: channel to insight; fd taken */
	/* gate: channel to the field process of a zone; field: to gate (its own zone). fd taken. */
	void	(*peer_field)(void *arg, const char *zone, int fd);
	/* verb and args borrowed; c given: end it. */
	void	(*client)(void *arg, struct client *c, const char *verb, int argc, const char *const *argv);
	void	(*drain)(void *arg);				/* call child_drained() when done */
	void	(*stop)(void *arg, struct mono deadline);	/* call child_stopped() when done */
};

struct child {
	uv_loop_t	*loop;
	struct stats	*stats;		/* NULL until it came */
	const char	*name;		/* "field:line-3" */
	const char	*state_dir;	/* "/var/lib/penstock" */
};

/* Runs until stopped; the exit status of the process. role and name come from the command line of the child. */
int child_main(enum role role, const char *name, const char *state_dir, const struct child_ops *ops, void *arg, struct child **self);
/* For use from the ops: */
/*
 * The ring that this process writes shall have at least size bytes. *ring (of *have bytes; NULL: none) is replaced by one that is announced
 * if need be; readers finish the one before first. 0, or an error, which is logged: nothing has changed.
 */
int child_ring(struct child *c, size_t size, struct ring_writer **ring, size_t *have);
void child_ring_dead(struct child *c, const char *writer, uint64_t epoch);	/* it breaks the format: its writer is replaced */
void child_signal(struct child *c);				/* wake all readers; cheap, at most once a loop turn */
void child_drained(struct child *c);
void child_stopped(struct child *c);

/* The mains, one file each; run by `penstock --child ROLE NAME STATE_DIR`. */
int field_main(const char *name, const char *state_dir);
int insight_main(const char *name, const char *state_dir);
int gate_main(const char *name, const char *state_dir);
int office_main(const char *name, const char *state_dir);

#endif
