/* How all is stopped so that nothing is lost; see supervisor.h. */
#include "base/log.h"
#include "os/notify.h"
#include "proc/supervisor.h"

void
supervisor_stop_child(struct proc *p, uint64_t ms)
{
	p->state = PROC_STOPPING;
	if (p->running && channel_send(&p->channel, MSG_STOP, &ms, sizeof ms, -1) != 0)
		proc_kill(p, "does not read what it is told");
}

/*
 * Writers end first, then what they wrote is taken and made durable, then office finishes what it has in flight and reports it, and
 * gate leaves last, when it has entered the reports in the ledger.
 */
static const struct stage {
	enum role	role;
	enum msg_type	tell;
	uint64_t	ms;
} stages[] = {
	{ ROLE_FIELD, MSG_STOP, 1500 }, { ROLE_INSIGHT, MSG_STOP, 1000 }, { ROLE_GATE, MSG_DRAIN, 10000 },
	{ ROLE_OFFICE, MSG_STOP, 5000 }, { ROLE_GATE, MSG_STOP, 5000 },
};
#define STAGES ((int)(sizeof stages / sizeof stages[0]))

static bool
stage_done(const struct supervisor *s)
{
	const struct stage *g = &stages[s->stop_stage];
	for (const struct proc *p = s->procs; p != NULL; p = p->next)
		if (p->role == g->role && p->running && !(g->tell == MSG_DRAIN && p->drained))
			return false;
	return true;
}

static void
on_stage_late(uv_timer_t *t)
{
	struct supervisor *s = t->data;
	const struct stage *g = &stages[s->stop_stage];
	for (struct proc *p = s->procs; p != NULL; p = p->next)
		if (p->role == g->role)
			proc_kill(p, "did not stop in time");
}

static void
on_walk(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (h->type == UV_NAMED_PIPE)	/* a client that is still being answered; closes itself */
		uv_unref(h);
	else if (!uv_is_closing(h))
		uv_close(h, NULL);
}

static void
enter_stage(struct supervisor *s)
{
	const struct stage *g = &stages[s->stop_stage];

	uv_timer_start(&s->stage_timer, on_stage_late, g->ms + 500, 0);
	for (struct proc *p = s->procs; p != NULL; p = p->next) {
		if (p->role != g->role || !p->running)
			continue;
		if (g->tell == MSG_STOP)
			supervisor_stop_child(p, g->ms);
		else if (channel_send(&p->channel, g->tell, NULL, 0, -1) != 0)
			proc_kill(p, "does not read what it is told");
	}
}

void
supervisor_stop_on(struct supervisor *s)
{
	/* Ends: every round enters the next stage or waits for the one it is in. */
	while (s->stop_stage < STAGES && (s->stop_stage < 0 || stage_done(s)))
		if (++s->stop_stage < STAGES)
			enter_stage(s);
	if (s->stop_stage < STAGES)
		return;
	control_close(s);
	uv_walk(s->loop, on_walk, NULL);
}

void
supervisor_stop(struct supervisor *s)
{
	if (s->stopping)
		return;
	log_info("stopping", "%s", "");
	notify_manager("STOPPING=1");
	s->stopping = true;
	s->stop_stage = -1;
	for (struct proc *p = s->procs; p != NULL; p = p->next) {
		p->wanted = false;
		uv_timer_stop(&p->timer);
	}
	if (s->on_swapped != NULL) {
		s->on_swapped(s->on_swapped_arg, ERR_CONN);
		s->on_swapped = NULL;
	}
	supervisor_stop_on(s);
}
