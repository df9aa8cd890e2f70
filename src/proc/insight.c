/*
 * The insight process. What it does now: it takes its plan, holds the rings of the field processes, and drains and
 * stops in good order. Gate reads those rings itself, so samples need not pass through here; with nothing to derive
 * this process reads no sample, writes no ring and has no timer. The wake-ups of the writers are all that it hears:
 * one eventfd read each.
 */
#include "base/log.h"
#include "insight/insight.h"
#include "proc/child.h"

struct insight_proc {
	struct child	*self;
	struct insight	*insight;
};

static int
op_plan(void *arg, struct plan *plan)
{
	struct insight_proc *p = arg;

	insight_plan(p->insight, plan);
	return 0;
}

static void
op_ring_in(void *arg, const char *writer, struct ring_reader *r)
{
	struct insight_proc *p = arg;

	int err = insight_ring(p->insight, writer, r);
	if (err != 0)
		log_error("ring_refused", "writer=\"%s\" error=\"%s\" limit=%u", writer, err_text(err),
		    INSIGHT_RINGS_MAX);
}

int
insight_main(const char *name, const char *state_dir)
{
	/* Without drain and stop of its own it is done at once: it holds nothing that could be lost. */
	static const struct child_ops ops = { .plan = op_plan, .ring_in = op_ring_in };
	struct insight_proc p = { .insight = insight_new() };

	log_open(name, LOG_LEVEL_INFO);
	if (p.insight == NULL)
		fatal("out_of_memory", "process=%s", name);
	int status = child_main(ROLE_INSIGHT, name, state_dir, &ops, &p, &p.self);
	insight_free(p.insight);
	return status;
}
