/* See line.h. */
#include "sim/line.h"

#include <math.h>
#include <stddef.h>

#define STEPS_A_SECOND (1000 / SIM_STEP_MS)

void
sim_line_init(struct sim_line *l, uint64_t seed)
{
	static const uint32_t caps[SIM_BUFFERS] = { 300, 240, 200, 320, 288 };

	*l = (struct sim_line){ .seed = seed };
	sim_rng_init(&l->rng, seed, 0);
	for (int i = 0; i < SIM_BUFFERS; i++)
		l->buffer[i] = (struct sim_buffer){ .cap = caps[i], .batch_end = SIM_NO_END };
	for (int k = 0; k < SIM_KINDS; k++)
		sim_machine_init(&l->machine[k], (enum sim_kind)k, seed, &l->buffer[k]);
	l->supply.left_s = sim_rng_wait(&l->rng, 2400);
	l->palletiser.left_s = sim_rng_wait(&l->rng, 3000);
}

/* How many bottles an end of the line moves in this step: `rate` a second while up, none while down. */
static uint32_t
end_moves(struct sim_line *l, struct sim_end *e, double rate, double up_mean_s, double down_mean_s)
{
	if ((e->left_s -= SIM_STEP_S) <= 0) {
		e->down = !e->down;
		e->left_s = e->down ? 15 + sim_rng_wait(&l->rng, down_mean_s) : sim_rng_wait(&l->rng, up_mean_s);
	}
	if (e->down)
		return 0;
	e->carry += rate * SIM_STEP_S;
	double whole = floor(e->carry);
	e->carry -= whole;
	return (uint32_t)whole;
}

void
sim_line_step(struct sim_line *l)
{
	struct sim_buffer *first = &l->buffer[0], *last = &l->buffer[SIM_KINDS];
	uint32_t n = end_moves(l, &l->supply, 13, 2400, 45), room = first->cap - sim_level(first);

	first->in += n < room ? n : room;
	n = end_moves(l, &l->palletiser, 14, 3000, 60);
	last->out += n < sim_level(last) ? n : sim_level(last);
	for (int k = SIM_KINDS; k-- > 0;)	/* from the back: room made in this step is seen in this step */
		sim_machine_step(&l->machine[k], &l->buffer[k], &l->buffer[k + 1]);
	l->step++;
	if (l->step % STEPS_A_SECOND == 0)
		for (int k = 0; k < SIM_KINDS; k++)
			sim_sense_second(&l->machine[k], l->step / STEPS_A_SECOND);
}

const char *
sim_line_imbalance(const struct sim_line *l)
{
	for (int k = 0; k < SIM_KINDS; k++) {
		const struct sim_machine *m = &l->machine[k];
		if (m->infeed != m->good + m->reject + m->inside)
			return "infeed = good + reject + inside does not hold in a machine";
		if (m->infeed != l->buffer[k].out)
			return "a machine took in another number than left the buffer before it";
		if (m->good != l->buffer[k + 1].in)
			return "a machine let go another number than entered the buffer behind it";
	}
	for (int i = 0; i < SIM_BUFFERS; i++)
		if (l->buffer[i].out > l->buffer[i].in || sim_level(&l->buffer[i]) > l->buffer[i].cap)
			return "a buffer holds less than nothing or more than fits";
	return NULL;
}
