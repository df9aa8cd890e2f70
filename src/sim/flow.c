/*
 * Bottles through one machine. A machine cycle takes one bottle from the buffer before it and, once its pockets are
 * filled, lets one go behind (a packer: twelve at once), judged good or bad. Where no bottle comes or no room is, the
 * cycle does not happen. At the end of a batch the machine runs empty.
 */
#include "sim/machine.h"

#include <math.h>

/* Lose n of the bottles inside: they were in the way of a jam. */
void
sim_flow_scrap(struct sim_machine *m, uint64_t n)
{
	if (n > m->inside)
		n = m->inside;
	m->inside -= n;
	m->reject += n;
}

/* Rejects come when the first process value strays: base rate times half of 1 + z squared, which is 1 on average. */
static bool
judge_bad(struct sim_machine *m)
{
	double z = m->wander[0];
	return sim_rng_chance(&m->rng, m->type->reject * (0.5 + 0.5 * z * z));
}

static void
discharge(struct sim_machine *m, struct sim_buffer *out, uint32_t n)
{
	bool bad = judge_bad(m);

	m->inside -= n;
	if (bad)
		m->reject += n;
	else {
		m->good += n;
		out->in += n;
	}
	if (m->type->group > 1) {
		m->cases += !bad;
		m->cases_rejected += bad;
	}
	if (m->material > 0)
		m->material--;
}

/* What is left when the batch ends: bottles go one by one, the rest of a case is not sold. */
static void
run_empty(struct sim_machine *m, struct sim_buffer *out)
{
	if (m->inside >= m->type->group)
		discharge(m, out, m->type->group);
	else
		sim_flow_scrap(m, m->inside);
}

/* One machine cycle. False: it could not turn. */
static bool
cycle(struct sim_machine *m, struct sim_buffer *in, struct sim_buffer *out)
{
	bool end = in->out == in->batch_end;

	if (sim_level(out) + m->type->group > out->cap) {
		m->full_s += SIM_STEP_S;
		return false;
	}
	m->full_s = 0;
	if (end) {
		if (m->inside > 0)
			run_empty(m, out);
		return m->inside > 0;
	}
	if (sim_level(in) == 0) {
		m->lack_s += SIM_STEP_S;
		return false;
	}
	m->lack_s = 0;
	in->out++;
	m->infeed++;
	m->inside++;
	if (m->inside >= m->type->pockets + m->type->group && (m->type->magazine == 0 || m->material > 0))
		discharge(m, out, m->type->group);
	return true;
}

void
sim_flow_step(struct sim_machine *m, struct sim_buffer *in, struct sim_buffer *out)
{
	m->executing_s += SIM_STEP_S;
	m->worn_s += SIM_STEP_S * m->speed / (600 * m->type->ratio);
	for (m->phase += m->speed / 60 * SIM_STEP_S; m->phase >= 1; m->phase -= 1)
		if (!cycle(m, in, out)) {
			m->phase = fmod(m->phase, 1);
			return;
		}
}
