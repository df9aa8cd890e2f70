/*
 * See machine.h. This file is the automation: which state follows which, when, and why. Bottles are moved in flow.c,
 * temperatures and vibration in sense.c, the kinds of machine are rows in types.c.
 */
#include "sim/machine.h"

#include <math.h>

#include "base/map.h"

static const struct sim_recipe recipes[] = {
	{ "COLA-0500",	600, 500 },
	{ "LEMON-0330",	660, 330 },
	{ "WATER-0750",	480, 750 },
};
#define RECIPES		(sizeof recipes / sizeof recipes[0])
#define BATCH_MIN	6000	/* above what all buffers hold, so a buffer never carries the end of two batches */
#define BATCH_MAX	14000

/* How long each state lasts, and what ends it. Where nothing is said, another function decides. */
static const struct {
	double			lo_s, hi_s;
	enum sim_packml_cmd	end;
} dwell[PACKML_STATES] = {
	[PACKML_CLEARING]	= { 3, 6,	PACKML_DONE },
	[PACKML_STOPPED]	= { 8, 20,	PACKML_RESET },	/* an operator walks up */
	[PACKML_STARTING]	= { 4, 6,	PACKML_DONE },
	[PACKML_IDLE]		= { 2, 5,	PACKML_START },
	[PACKML_STOPPING]	= { 3, 5,	PACKML_DONE },
	[PACKML_ABORTING]	= { 0.5, 1,	PACKML_DONE },
	[PACKML_ABORTED]	= { 600, 1500,	PACKML_CLEAR },	/* repair */
	[PACKML_HOLDING]	= { 1, 2,	PACKML_DONE },
	[PACKML_HELD]		= { 5, 10,	PACKML_UNHOLD },	/* replaced by the length of the stop */
	[PACKML_UNHOLDING]	= { 2, 3,	PACKML_DONE },
	[PACKML_SUSPENDING]	= { 0.5, 1,	PACKML_DONE },
	[PACKML_UNSUSPENDING]	= { 1, 2,	PACKML_DONE },
	[PACKML_RESETTING]	= { 3, 5,	PACKML_DONE },
	[PACKML_COMPLETE]	= { 30, 60,	PACKML_RESET },	/* changeover */
};

static const struct { const char *name; double lo_s, hi_s; } causes[SIM_CAUSES] = {
	[SIM_NONE]		= { "none",		0, 0 },
	[SIM_STARVED]		= { "starved",		0, 0 },
	[SIM_BLOCKED]		= { "blocked",		0, 0 },
	[SIM_MICRO_STOP]	= { "micro-stop",	4, 40 },
	[SIM_JAM]		= { "jam",		60, 300 },
	[SIM_FAILURE]		= { "failure",		600, 1500 },
	[SIM_MATERIAL]		= { "material",		25, 60 },
	[SIM_CHANGEOVER]	= { "changeover",	30, 60 },
	[SIM_OPERATOR]		= { "operator",		0, 0 },
};

const char *
sim_cause_name(enum sim_cause c)
{
	return (unsigned)c < SIM_CAUSES ? causes[c].name : "unknown";
}

/* The only place where the state changes: the move is checked by the PackML table. */
static bool
machine_go(struct sim_machine *m, enum sim_packml_cmd cmd)
{
	enum sim_packml to = sim_packml_next(m->state, cmd);

	if (to == m->state)
		return false;
	m->state = to;
	m->transitions++;
	m->left_s = sim_rng_between(&m->rng, dwell[to].lo_s, dwell[to].hi_s);
	if (to == PACKML_EXECUTE) {
		m->cause = SIM_NONE;
		m->lack_s = m->full_s = 0;
	}
	return true;
}

/* Leave Execute for a cause: outside causes suspend, inside causes hold, a failure aborts. */
static bool
machine_stop(struct sim_machine *m, enum sim_cause cause)
{
	enum sim_packml_cmd cmd = cause == SIM_STARVED || cause == SIM_BLOCKED ? PACKML_SUSPEND :
	    cause == SIM_FAILURE ? PACKML_ABORT : PACKML_HOLD;

	if (m->state != PACKML_EXECUTE || !machine_go(m, cmd))
		return false;
	m->cause = cause;
	m->stops[cause]++;
	if (cause == SIM_JAM)
		sim_flow_scrap(m, 2 + sim_rng_u64(&m->rng) % 7);
	return true;
}

static void
plan_batch(struct sim_machine *m, struct sim_buffer *in)
{
	m->batch++;
	m->recipe = &recipes[m->batch % RECIPES];
	/* A dice of its own for each batch: all machines see the same plan, whenever they get to it. */
	m->batch_size = BATCH_MIN + (uint32_t)(hash64(&m->batch, sizeof m->batch) % (BATCH_MAX - BATCH_MIN));
	m->batch_good0 = m->good;
	m->setpoint = m->recipe->speed * m->type->ratio;
	in->batch_end = m->kind == SIM_FILLER ? in->out + m->batch_size : SIM_NO_END;
}

void
sim_machine_init(struct sim_machine *m, enum sim_kind kind, uint64_t seed, struct sim_buffer *in)
{
	*m = (struct sim_machine){
		.type = &sim_types[kind], .kind = kind, .attended = true, .state = PACKML_STOPPED, .left_s = 5,
		.cause = SIM_CHANGEOVER, .material = sim_types[kind].magazine,
	};
	sim_rng_init(&m->rng, seed, 1 + (uint64_t)kind);
	m->micro_in_s = sim_rng_wait(&m->rng, m->type->micro_mean_s);
	m->jam_in_s = sim_rng_wait(&m->rng, m->type->jam_mean_s);
	m->life_s = m->type->life_mean_s * sim_rng_between(&m->rng, 0.5, 1.5);
	plan_batch(m, in);
	sim_sense_init(m);
}

/* What could end production in this step; the first that does wins. */
static void
watch_causes(struct sim_machine *m, const struct sim_buffer *in)
{
	const struct sim_type *t = m->type;

	if ((m->micro_in_s -= SIM_STEP_S) <= 0 && machine_stop(m, SIM_MICRO_STOP))
		m->micro_in_s = sim_rng_wait(&m->rng, t->micro_mean_s);
	else if ((m->jam_in_s -= SIM_STEP_S) <= 0 && machine_stop(m, SIM_JAM))
		m->jam_in_s = sim_rng_wait(&m->rng, t->jam_mean_s);
	else if (m->worn_s >= m->life_s)
		machine_stop(m, SIM_FAILURE);
	else if (t->magazine != 0 && m->material == 0)
		machine_stop(m, SIM_MATERIAL);
	else if (in->out == in->batch_end) {
		machine_go(m, PACKML_DONE);
		m->cause = SIM_CHANGEOVER;
	} else if (m->lack_s > 1.5)
		machine_stop(m, SIM_STARVED);
	else if (m->full_s > 1)
		machine_stop(m, SIM_BLOCKED);
}

/* Entering Held, the stop gets the length of its cause; short ones are far more frequent than long ones. */
static void
set_stop_length(struct sim_machine *m)
{
	double u = sim_rng_unit(&m->rng);
	m->left_s = causes[m->cause].lo_s + (causes[m->cause].hi_s - causes[m->cause].lo_s) * u * u;
}

/* The batch is through: tell the machine behind where it ended, and set up the next. */
static void
finish_batch(struct sim_machine *m, struct sim_buffer *in, struct sim_buffer *out)
{
	if (!machine_go(m, PACKML_DONE))
		return;
	out->batch_end = out->in;
	plan_batch(m, in);
}

static void
wait_outside(struct sim_machine *m, const struct sim_buffer *in, const struct sim_buffer *out)
{
	bool end = in->batch_end != SIM_NO_END && in->in >= in->batch_end;

	if (m->cause == SIM_STARVED ? sim_level(in) >= in->cap / 5 || end :
	    m->cause == SIM_BLOCKED && sim_level(out) <= out->cap * 4 / 5)
		machine_go(m, PACKML_UNSUSPEND);
}

/* States that end by time. Waiting states of an unattended machine wait for a command from outside. */
static void
count_down(struct sim_machine *m)
{
	enum sim_packml from = m->state;

	if ((m->left_s -= SIM_STEP_S) > 0 || dwell[from].end == PACKML_NO_CMD)
		return;
	if (!m->attended && !sim_packml_acting(from) && (m->cause == SIM_OPERATOR || from != PACKML_HELD))
		return;
	if (!machine_go(m, dwell[from].end))
		return;
	if (m->state == PACKML_HELD)
		set_stop_length(m);
	if (from == PACKML_HELD && m->cause == SIM_MATERIAL)
		m->material = m->type->magazine;
	if (from == PACKML_ABORTED) {
		m->worn_s = 0;
		m->life_s = m->type->life_mean_s * sim_rng_between(&m->rng, 0.5, 1.5);
	}
}

/* Run up and down at a steady rate; slower when few bottles wait, as a line control does to avoid stops. */
static void
ramp(struct sim_machine *m, const struct sim_buffer *in)
{
	double fill = (double)sim_level(in) / in->cap, target = 0, most = m->type->ratio * 600 / 4 * SIM_STEP_S;

	if (m->state == PACKML_EXECUTE || m->state == PACKML_COMPLETING)
		target = m->setpoint * (m->state == PACKML_EXECUTE ? fmin(1, 0.75 + fill / 2) : 1);
	m->speed += fmax(-4 * most, fmin(most, target - m->speed));
}

void
sim_machine_step(struct sim_machine *m, struct sim_buffer *in, struct sim_buffer *out)
{
	m->steps_in[m->state]++;
	ramp(m, in);
	switch (m->state) {
	case PACKML_EXECUTE:
		sim_flow_step(m, in, out);
		watch_causes(m, in);
		break;
	case PACKML_COMPLETING:
		sim_flow_step(m, in, out);
		if (m->inside == 0)
			finish_batch(m, in, out);
		break;
	case PACKML_SUSPENDED:
		wait_outside(m, in, out);
		break;
	default:
		count_down(m);
		break;
	}
}

bool
sim_machine_command(struct sim_machine *m, enum sim_packml_cmd cmd)
{
	if (cmd <= PACKML_NO_CMD || cmd >= PACKML_CMDS)
		return false;
	m->last_cmd = cmd;
	if (!machine_go(m, cmd))
		return false;
	if (cmd == PACKML_START)
		m->attended = true;
	if (cmd == PACKML_STOP || cmd == PACKML_ABORT || cmd == PACKML_HOLD || cmd == PACKML_SUSPEND) {
		m->attended = false;
		m->cause = SIM_OPERATOR;
		m->stops[SIM_OPERATOR]++;
	}
	return true;
}

bool
sim_machine_upset(struct sim_machine *m, enum sim_cause cause)
{
	if (cause != SIM_MICRO_STOP && cause != SIM_JAM && cause != SIM_FAILURE)
		return false;
	return machine_stop(m, cause);
}
