/*
 * See supervisor.h. Two stories are told here: what children say, and how a new plan takes the place of the old one. How all is
 * stopped is told in stop.c.
 */
#include "proc/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/clock.h"
#include "os/memfd.h"
#include "os/memory.h"
#include "os/notify.h"
#include "site/derive.h"

#define SWAP_MS		20000	/* a child that has not taken a new plan by then is killed and starts with it */
#define SWAP_TRIES	3
#define UNWANTED_MS	1000	/* what a process whose zone left the plan gets to stop in */
#define OLD_RING_MS	30000	/* how long readers may still drain the ring of a writer that was replaced */

/* ---- the processes that a plan needs ---- */

static struct proc *
find(struct supervisor *s, enum role role, const char *zone)
{
	for (struct proc *p = s->procs; p != NULL; p = p->next) {
		const char *colon = strchr(p->name, ':');
		if (p->role == role && (zone == NULL || (colon != NULL && strcmp(colon + 1, zone) == 0)))
			return p;
	}
	return NULL;
}

static bool
zone_has_sources(const struct plan *plan, uint32_t zone)
{
	for (uint32_t i = 0; i < plan->nsources; i++)
		if (plan->sources[i].zone == zone && !source_is_derived(&plan->sources[i]))
			return true;
	return false;
}

/* Add what is missing, mark what is no longer wanted, and give every field process its zone's index in this plan. */
static void
fit_processes(struct supervisor *s)
{
	for (struct proc *p = s->procs; p != NULL; p = p->next)
		p->wanted = p->role != ROLE_FIELD;
	/* Readers first: a writer's wake-ups are handed out when it starts. */
	if (find(s, ROLE_GATE, NULL) == NULL) {
		proc_add(s, ROLE_OFFICE, NULL, 0);
		proc_add(s, ROLE_GATE, NULL, 0);
		proc_add(s, ROLE_INSIGHT, NULL, 0);
	}
	for (uint32_t z = 0; z < s->plan->nzones; z++) {
		if (!zone_has_sources(s->plan, z))
			continue;
		struct proc *p = find(s, ROLE_FIELD, s->plan->zones[z].name);
		if (p == NULL)
			p = proc_add(s, ROLE_FIELD, s->plan->zones[z].name, z);
		p->wanted = true;
		p->zone = z;
	}
}

static void
tell_manager(struct supervisor *s)
{
	for (const struct proc *p = s->procs; p != NULL; p = p->next)
		if (p->wanted && p->state != PROC_UP)
			return;
	if (s->told_ready)
		return;
	s->told_ready = true;
	memory_give_back();
	log_info("ready", "site=\"%s\" sources=%u tags=%u flows=%u", s->plan->site, plan_named_sources(s->plan), s->plan->ntags, s->plan->nflows);
	notify_manager("READY=1");
}

/* ---- a new plan ---- */

/* The order in which roles take a new plan: whoever receives must know it before whoever sends. */
static const enum role swap_order[] = { ROLE_OFFICE, ROLE_GATE, ROLE_INSIGHT, ROLE_FIELD };

static void
on_unwanted_late(uv_timer_t *t)
{
	proc_kill(t->data, "did not stop in time");
}

/* A process whose zone left the plan: its devices must not be asked any more, even if it hangs. */
static void
stop_unwanted(struct proc *p)
{
	supervisor_stop_child(p, UNWANTED_MS);
	uv_timer_start(&p->timer, on_unwanted_late, UNWANTED_MS + 500, 0);
}

/* Hand the plan to the next role whose processes do not have it; done when none is left. Called again on every READY and exit. */
static void
swap_on(struct supervisor *s)
{
	if (s->on_swapped == NULL || s->stopping)
		return;
	for (size_t i = 0; i < sizeof swap_order / sizeof swap_order[0]; i++) {
		bool waiting = false;
		for (struct proc *p = s->procs; p != NULL; p = p->next) {
			if (p->role != swap_order[i] || p->plan_number == s->plan_number)
				continue;
			if (!p->wanted) {
				if (p->running && p->state != PROC_STOPPING)
					stop_unwanted(p);
				continue;
			}
			waiting = true;
			if (!p->running && p->state == PROC_DOWN && !uv_is_active((uv_handle_t *)&p->timer))
				proc_start(p);
			else if (p->state == PROC_UP) {
				p->state = PROC_SWAPPING;
				proc_send_plan(p);
			}
		}
		if (waiting)
			return;
	}
	uv_timer_stop(&s->stage_timer);
	void (*done)(void *, int) = s->on_swapped;
	s->on_swapped = NULL;
	memory_give_back();
	log_info("plan_in_force", "number=%llu sources=%u tags=%u flows=%u", (unsigned long long)s->plan_number,
	    plan_named_sources(s->plan), s->plan->ntags, s->plan->nflows);
	done(s->on_swapped_arg, 0);
}

static void
on_swap_late(uv_timer_t *t)
{
	struct supervisor *s = t->data;
	for (struct proc *p = s->procs; p != NULL; p = p->next)
		if (p->wanted && p->plan_number != s->plan_number)
			proc_kill(p, "did not take the new plan in time");
	if (++s->swap_late < SWAP_TRIES || s->on_swapped == NULL)
		return;
	/* Whoever waits is told; the processes go on trying at their own pace. */
	uv_timer_stop(t);
	void (*done)(void *, int) = s->on_swapped;
	s->on_swapped = NULL;
	done(s->on_swapped_arg, ERR_TIMEOUT);
}

void
supervisor_swap(struct supervisor *s, struct plan *plan, void (*done)(void *arg, int err), void *arg)
{
	if (s->on_swapped != NULL || s->stopping) {
		plan_free(plan);
		done(arg, ERR_BUSY);
		return;
	}
	plan_free(s->plan);
	s->plan = plan;
	s->plan_number++;
	s->on_swapped = done;
	s->on_swapped_arg = arg;
	s->swap_late = 0;
	fit_processes(s);
	uv_timer_start(&s->stage_timer, on_swap_late, SWAP_MS, SWAP_MS);
	swap_on(s);
}

/* ---- what children say ---- */

static void
on_old_ring(uv_timer_t *t)
{
	struct proc *p = t->data;
	close(p->rings[1].fd);
	p->rings[1].fd = -1;
}

static void
take_ring(struct proc *p, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);
	uint64_t epoch = rd_le64(&r);
	int mode = fcntl(m->fd, F_GETFL);

	/* The writer keeps its mapping; what is handed on must not be writable by anybody. */
	if (memfd_check_sealed(m->fd) != 0 || mode < 0 || (mode & O_ACCMODE) != O_RDONLY) {
		close(m->fd);
		proc_kill(p, "offers a ring that others could write to");
		return;
	}
	if (p->rings[RINGS_KEPT - 1].fd >= 0)
		close(p->rings[RINGS_KEPT - 1].fd);
	memmove(p->rings + 1, p->rings, sizeof p->rings - sizeof p->rings[0]);
	p->rings[0].fd = m->fd;
	p->rings[0].epoch = epoch;
	for (struct proc *q = p->sup->procs; q != NULL; q = q->next)
		if (q != p && q->running && (q->role == ROLE_GATE || q->role == ROLE_INSIGHT))
			proc_send_ring(q, p, 0);
	if (p->rings[1].fd >= 0)
		uv_timer_start(&p->ring_timer, on_old_ring, OLD_RING_MS, 0);
}

static void
take_ready(struct proc *p, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);
	p->plan_number = rd_le64(&r);
	if (p->state == PROC_STOPPING)
		return;
	if (p->plan_number == p->sup->plan_number)
		p->state = PROC_UP;
	else {	/* a newer plan came while it took this one */
		p->state = PROC_SWAPPING;
		proc_send_plan(p);
	}
	tell_manager(p->sup);
	swap_on(p->sup);
}

/* Only the ring that the process writes now speaks against it; an older one was another process. */
static void
take_ring_dead(struct supervisor *s, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);
	uint64_t epoch = rd_le64(&r);
	char writer[129];

	rd_text(&r, writer, sizeof writer - 1);
	for (struct proc *p = s->procs; p != NULL && rd_end(&r) == 0; p = p->next)
		if (strcmp(p->name, writer) == 0 && p->rings[0].fd >= 0 && p->rings[0].epoch == epoch)
			proc_kill(p, "writes a ring that breaks the format");
}

void
supervisor_heard(struct proc *p, struct msg *m)
{
	switch (m->type) {
	case MSG_READY:
		take_ready(p, m);
		break;
	case MSG_RING_OUT:
		take_ring(p, m);
		break;
	case MSG_RING_DEAD:
		take_ring_dead(p->sup, m);
		break;
	case MSG_DRAINED:
		p->drained = true;
		if (p->sup->stopping)
			supervisor_stop_on(p->sup);
		break;
	default:	/* STOPPED: the exit that follows is what counts */
		break;
	}
}

void
supervisor_exited(struct proc *p)
{
	struct supervisor *s = p->sup;
	p->plan_number = 0;
	proc_gone(p);
	if (s->stopping)
		supervisor_stop_on(s);
	else
		swap_on(s);
}

/* ---- the program ---- */

static void
on_signal(uv_signal_t *h, int number)
{
	struct supervisor *s = h->data;
	log_info("signal", "number=%d%s", number, number == SIGHUP ? " note=\"stops, as on SIGTERM; a changed site file is put in force by "
	    "penstock apply\"" : "");
	supervisor_stop(s);
}

static void
watch_signal(struct supervisor *s, uv_signal_t *h, int number)
{
	uv_signal_init(s->loop, h);
	h->data = s;
	uv_signal_start(h, on_signal, number);
	uv_unref((uv_handle_t *)h);
}

static void
free_procs(struct supervisor *s)
{
	for (struct proc *p = s->procs, *next; p != NULL; p = next) {
		next = p->next;
		for (size_t i = 0; i < RINGS_KEPT; i++)
			memfd_close(p->rings[i].fd);
		memfd_close(p->wake_fd);
		memfd_close(p->stats_fd);
		free(p);
	}
}

int
supervisor_run(struct plan *plan, const char *state_dir)
{
	static uv_loop_t loop;
	static struct supervisor s;
	uv_signal_t term, intr, hup;

	uv_loop_init(&loop);
	s = (struct supervisor){ .loop = &loop, .state_dir = state_dir, .plan = plan, .plan_number = 1, .started = wall_now() };
	signal(SIGPIPE, SIG_IGN);
	bool nohup = signal(SIGHUP, SIG_IGN) == SIG_IGN;	/* nohup(1) wants it to outlive the terminal */
	if (control_open(&s) != 0) {
		plan_free(plan);
		return 2;
	}
	uv_timer_init(&loop, &s.stage_timer);
	s.stage_timer.data = &s;
	watch_signal(&s, &term, SIGTERM);
	watch_signal(&s, &intr, SIGINT);
	if (!nohup)	/* a terminal that goes away must cost no more than ^C */
		watch_signal(&s, &hup, SIGHUP);
	fit_processes(&s);
	for (struct proc *p = s.procs; p != NULL; p = p->next)
		proc_start(p);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	free_procs(&s);
	plan_free(s.plan);
	log_info("stopped", "%s", "");
	return 0;
}
