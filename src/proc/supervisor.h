/*
 * The supervisor: compiles the site file, hands out slices and sockets, restarts children with back-off, swaps plans on reload.
 * It never reads a byte that a device, a broker or a browser sent.
 */
#ifndef PROC_SUPERVISOR_H
#define PROC_SUPERVISOR_H

#include <uv.h>

#include "base/buf.h"
#include "base/clock.h"
#include "ring/channel.h"
#include "site/plan.h"

#define RINGS_KEPT	2	/* rings of one writer: the newest, and the one before it while readers may still drain it */

enum proc_state {
	PROC_DOWN,		/* not running; restarts when its back-off is over, unless it is not wanted */
	PROC_STARTING,		/* forked, has not said READY to its plan yet */
	PROC_UP,		/* serves the newest plan */
	PROC_SWAPPING,		/* serves an older plan, has been given the newest */
	PROC_STOPPING,		/* told to stop */
};

struct supervisor;

struct proc {
	struct proc		*next;
	struct supervisor	*sup;
	enum role		 role;
	char			 name[64];		/* "gate", "field:line-3" */
	uint32_t		 zone;			/* field: index into the plan */
	enum proc_state		 state;
	bool			 wanted;		/* false: its zone left the plan, or all is being stopped */
	uv_process_t		 process;
	bool			 running;
	struct channel		 channel;
	uv_poll_t		 poll;
	uv_timer_t		 timer;			/* back-off; while it runs unwanted: its patience */
	uv_timer_t		 ring_timer;		/* how long the ring before the newest is kept */
	int			 backoff_ms;
	uint64_t		 restarts;
	struct mono		 started;
	struct wall		 started_wall;
	int			 wake_fd, stats_fd;	/* kept over restarts; wake_fd of readers only */
	struct { int fd; uint64_t epoch; } rings[RINGS_KEPT];	/* of writers, newest first */
	uint64_t		 plan_number;		/* last one it said READY to */
	bool			 drained;
	char			 last_exit[64];		/* for people: "killed by signal 9" */
};

struct supervisor {
	uv_loop_t		*loop;
	const char		*state_dir;
	struct plan		*plan;
	uint64_t		 plan_number;
	struct proc		*procs;
	bool			 stopping;
	int			 stop_stage;		/* index of the stage that all wait for, -1: none yet */
	bool			 told_ready;
	uv_timer_t		 stage_timer;
	struct wall		 started;
	int			 lock_fd, listen_fd;
	uv_poll_t		 listener;
	void			(*on_swapped)(void *arg, int err);	/* all processes serve the newest plan */
	void			*on_swapped_arg;
	int			 swap_late;		/* times that the timer of a swap ran out */
};

/* Run a plan (taken) until stopped. The exit status of the program. */
int supervisor_run(struct plan *plan, const char *state_dir);
/* Put another plan in force (taken): sinks' side first, then gate, then field, so that nobody gets samples it does not know. */
void supervisor_swap(struct supervisor *s, struct plan *plan, void (*done)(void *arg, int err), void *arg);

/* stop.c: all in good order; called again whenever a process has drained or ended; and one child. */
void supervisor_stop(struct supervisor *s);
void supervisor_stop_on(struct supervisor *s);
void supervisor_stop_child(struct proc *p, uint64_t ms);

/* proc.c: one child. */
struct proc *proc_add(struct supervisor *s, enum role role, const char *zone_name, uint32_t zone);
void proc_start(struct proc *p);
int proc_send_plan(struct proc *p);
void proc_send_ring(struct proc *to, const struct proc *writer, size_t i);
void proc_kill(struct proc *p, const char *why);
const char *proc_state_name(enum proc_state s);
/* Its exit has been seen and its channel is closed: start it again after its back-off if it is still wanted. */
void proc_gone(struct proc *p);
/* What a child said, and that it has gone: answered by supervisor.c. */
void supervisor_heard(struct proc *p, struct msg *m);
void supervisor_exited(struct proc *p);

/* control.c: the control socket; answer.c: what was asked through it, a verb and its arguments. fd taken. */
int control_open(struct supervisor *s);
void control_close(struct supervisor *s);
void control_answer(struct supervisor *s, int argc, const char *const *argv, int fd);
/* status.c: everything `penstock status` shows, as one JSON object. */
void supervisor_status(struct supervisor *s, struct buf *out);

/* plans.c: the plans on disk, <state>/plans: the one in force and the one before. */
int plans_store(const char *state_dir, const struct plan *p);		/* becomes current; current becomes previous */
int plans_load(const char *state_dir, bool previous, struct plan **out);	/* ERR_NOTFOUND: none kept */

#endif
