/*
 * What the sensors of a machine feel, once a model second: first-order warming, vibration that grows in the last fifth
 * of a bearing's life (a failure announces itself), motor current, energy, and process values that wander
 * (Ornstein-Uhlenbeck: a random walk that is drawn back to its mean).
 */
#include "sim/machine.h"

#include <math.h>

void
sim_sense_init(struct sim_machine *m)
{
	m->ambient = 21;
	m->motor_temp = 21 + m->type->heat_k / 2;
	for (int i = 0; i < SIM_PROCESSES; i++)
		m->wander[i] = sim_rng_normal(&m->rng) / 2;
}

double
sim_machine_process(const struct sim_machine *m, int i)
{
	const struct sim_process *p = &m->type->process[i];
	return p->mean + p->per_ml * m->recipe->ml + p->spread * m->wander[i];
}

void
sim_sense_second(struct sim_machine *m, uint64_t model_s)
{
	const struct sim_type *t = m->type;
	double load = m->speed / (600 * t->ratio), late = fmax(0, m->worn_s / m->life_s - 0.8) / 0.2;

	m->ambient = 22 + 3 * sin((double)(model_s % 86400) / 86400 * 2 * M_PI) + 0.1 * sim_rng_normal(&m->rng);
	m->motor_temp += (m->ambient + t->heat_k * load - m->motor_temp) / 600;
	m->vibration = t->vibration_mm_s * (0.1 + 0.9 * load) * (1 + 2 * late * late) *
	    (1 + 0.04 * sim_rng_normal(&m->rng));
	m->vibration = fmax(0, m->vibration);
	m->current = fmax(0, t->idle_a + t->load_a * load + 0.05 * sim_rng_normal(&m->rng));
	m->energy_kwh += m->current * 400 * sqrt(3) * 0.85 / 1000 / 3600;	/* three phases, 400 V, cos phi 0.85 */
	for (int i = 0; i < SIM_PROCESSES; i++) {
		double tau = t->process[i].tau_s, x = m->wander[i];
		m->wander[i] = x - x / tau + sqrt(2 / tau) * sim_rng_normal(&m->rng);
	}
}
