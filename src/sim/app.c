/* See app.h: the loop around a simulator. */
#include "sim/app.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

static void on_schedule(uv_timer_t *t);

static void
on_signal(uv_signal_t *s, int signum)
{
	(void)signum;
	uv_stop(s->loop);
}

static void
on_end(uv_timer_t *t)
{
	uv_stop(t->loop);
}

int
sim_app_init(struct sim_app *a)
{
	int r = uv_loop_init(&a->loop);

	if (r != 0) {
		log_error("sim-loop", "error=\"%s\"", uv_strerror(r));
		return err_from_errno(-r);
	}
	signal(SIGPIPE, SIG_IGN);
	sim_net_init(&a->net, &a->loop, a->seed);
	a->control.net = &a->net;
	uv_signal_init(&a->loop, &a->term);
	uv_signal_start(&a->term, on_signal, SIGTERM);
	uv_signal_init(&a->loop, &a->intr);
	uv_signal_start(&a->intr, on_signal, SIGINT);
	uv_timer_init(&a->loop, &a->end);
	uv_timer_init(&a->loop, &a->schedule);
	a->schedule.data = a;
	return 0;
}

void
sim_say_endpoint(const struct sim_endpoint *e, const char *units, const char *remark)
{
	printf("endpoint %s %s unit=%s%s%s\n", e->name, e->where, units, remark[0] ? " " : "", remark);
}

/* Start what is due, then sleep until the next one. Started plans have at_ms = UINT64_MAX. */
static void
on_schedule(uv_timer_t *t)
{
	struct sim_app *a = t->data;
	uint64_t now = uv_now(&a->loop) - a->net.start_ms, next = UINT64_MAX;

	for (size_t i = 0; i < a->nplan; i++) {
		struct sim_fault_plan *p = &a->plan[i];
		if (p->at_ms <= now) {
			sim_fault_set(&a->net, p->target, &p->fault);
			p->at_ms = UINT64_MAX;
		}
		if (p->at_ms < next)
			next = p->at_ms;
	}
	if (next != UINT64_MAX)
		uv_timer_start(t, on_schedule, next - now, 0);
}

static bool
is_target(const struct sim_net *n, const char *name)
{
	for (size_t i = 0; i < n->nunit; i++)
		if (strcmp(n->unit[i]->name, name) == 0)
			return true;
	for (size_t i = 0; i < n->nep; i++)
		if (strcmp(n->ep[i]->name, name) == 0)
			return true;
	return strcmp(name, "all") == 0;
}

int
sim_app_run(struct sim_app *a)
{
	for (size_t i = 0; i < a->nplan; i++)
		if (!is_target(&a->net, a->plan[i].target)) {
			fprintf(stderr, "penstock sim: --fault %s:...: no unit or endpoint is called so\n",
			    a->plan[i].target);
			return 2;
		}
	if (sim_control_open(&a->control, (unsigned)a->control_port) != 0)
		return 2;
	printf("control %s\nready\n", a->control.where);
	fflush(stdout);
	uv_update_time(&a->loop);
	a->net.start_ms = uv_now(&a->loop);
	on_schedule(&a->schedule);
	if (a->for_ms > 0)
		uv_timer_start(&a->end, on_end, a->for_ms, 0);
	uv_run(&a->loop, UV_RUN_DEFAULT);
	return 0;
}
