/* See points.h: the values of a machine, and the registers that show them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/points.h"

enum { EXISTS = 1, WRITABLE = 2 };

static unsigned
status_word(const struct sim_machine *m, const double *v, uint64_t model_ms)
{
	return (unsigned)(v[SIG_RUNNING] != 0) | (unsigned)(v[SIG_STARVED] != 0) << 1 |
	    (unsigned)(v[SIG_BLOCKED] != 0) << 2 | (unsigned)(v[SIG_ALARM] != 0) << 3 |
	    (unsigned)(v[SIG_GUARD_CLOSED] == 0) << 4 | (unsigned)(v[SIG_MATERIAL_LOW] != 0) << 5 |
	    (unsigned)m->attended << 6 | (unsigned)(model_ms / 1000 & 1) << 7;
}

static unsigned
alarm_code(enum sim_cause c)
{
	return c >= SIM_MICRO_STOP && c != SIM_CHANGEOVER ? 100 + 10 * (unsigned)c : 0;
}

static void
signals_of_counts(const struct sim_machine *m, double *v)
{
	v[SIG_GOOD] = (double)m->good;
	v[SIG_REJECT] = (double)m->reject;
	v[SIG_INFEED] = (double)m->infeed;
	v[SIG_INSIDE] = (double)m->inside;
	v[SIG_BATCH_GOOD] = (double)(m->good - m->batch_good0);
	v[SIG_BATCH_SIZE] = m->batch_size;
	v[SIG_BATCH] = m->batch;
	v[SIG_UNITS] = (double)(m->good + m->reject);
	v[SIG_MATERIAL] = m->material;
	v[SIG_CASES] = (double)m->cases;
	v[SIG_CASES_REJECTED] = (double)m->cases_rejected;
	v[SIG_MATERIAL_LOW] = m->type->magazine != 0 && m->material < m->type->magazine / 10;
}

static void
signals_of_state(const struct sim_machine *m, double *v)
{
	bool stands = m->state != PACKML_EXECUTE;

	v[SIG_STATE] = m->state;
	v[SIG_MODE] = m->attended ? 1 : 3;
	v[SIG_CAUSE] = m->cause;
	v[SIG_ALARM] = alarm_code(m->cause);
	v[SIG_COMMAND] = m->last_cmd;
	v[SIG_RUN_S] = floor((double)m->steps_in[PACKML_EXECUTE] * SIM_STEP_S);
	v[SIG_RUNNING] = !stands;
	v[SIG_STARVED] = stands && m->cause == SIM_STARVED;
	v[SIG_BLOCKED] = stands && m->cause == SIM_BLOCKED;
	v[SIG_GUARD_CLOSED] = !(stands && (m->cause == SIM_JAM || m->cause == SIM_FAILURE));
	v[SIG_ALARM_LAMP] = v[SIG_ALARM] != 0;
	v[SIG_ATTENDED] = m->attended;
}

void
sim_signals(const struct sim_line *l, enum sim_kind kind, double *v)
{
	const struct sim_machine *m = &l->machine[kind];

	signals_of_counts(m, v);
	signals_of_state(m, v);
	v[SIG_SPEED] = m->speed;
	v[SIG_SETPOINT] = m->setpoint;
	v[SIG_NOMINAL] = 600 * m->type->ratio;
	v[SIG_RECIPE_ML] = m->recipe->ml;
	v[SIG_ENERGY] = m->energy_kwh;
	v[SIG_MODEL_MS] = (double)sim_line_ms(l);
	v[SIG_HEARTBEAT] = (double)(sim_line_ms(l) / 1000 & 1);
	v[SIG_MOTOR_TEMP] = m->motor_temp;
	v[SIG_AMBIENT] = m->ambient;
	v[SIG_VIBRATION] = m->vibration;
	v[SIG_CURRENT] = m->current;
	v[SIG_WEAR] = 100 * m->worn_s / m->life_s;
	v[SIG_INFEED_LEVEL] = sim_level(&l->buffer[kind]);
	v[SIG_OUTFEED_LEVEL] = sim_level(&l->buffer[kind + 1]);
	for (int i = 0; i < SIM_PROCESSES; i++)
		v[SIG_PROCESS_0 + i] = sim_machine_process(m, i);
	v[SIG_STATUS] = status_word(m, v, sim_line_ms(l));
}

void
sim_text_of(const struct sim_line *l, enum sim_kind kind, enum sim_signal s, char out[17])
{
	memset(out, 0, 17);
	if (s == SIG_PRODUCT)
		snprintf(out, 17, "%s", l->machine[kind].recipe->product);
	else
		snprintf(out, 17, "B%06u", l->machine[kind].batch % 1000000);
}

/* n registers of v, high word first. */
static void
put_words(uint16_t *cell, uint64_t v, int n)
{
	for (int i = 0; i < n; i++)
		cell[i] = (uint16_t)(v >> 16 * (n - 1 - i));
}

static void
put_value(uint16_t *cell, const struct sim_point *p, double v)
{
	double raw = p->factor != 0 ? round(v / p->factor) : v;
	float f = (float)v;
	uint32_t f32;
	uint64_t f64;

	memcpy(&f32, &f, sizeof f32);
	memcpy(&f64, &v, sizeof f64);
	switch (p->type) {
	case T_BIT:	 cell[0] = v != 0; break;
	case T_U16:	 cell[0] = (uint16_t)fmax(0, fmin(raw, UINT16_MAX)); break;
	case T_I16:	 cell[0] = (uint16_t)(int16_t)fmax(INT16_MIN, fmin(raw, INT16_MAX)); break;
	case T_U32:	 put_words(cell, (uint64_t)raw & UINT32_MAX, 2); break;
	case T_U64:	 put_words(cell, (uint64_t)raw, 4); break;
	case T_F32:	 put_words(cell, f32, 2); break;
	case T_F32_CDAB: put_words(cell, f32 << 16 | f32 >> 16, 2); break;
	case T_F64:	 put_words(cell, f64, 4); break;
	case T_TEXT16: case T_CELLS: case T_TYPES: break;
	}
}

static void
refresh(struct sim_image *im)
{
	const struct sim_point *rows[SIM_POINTS_MAX];
	double v[SIG_COUNT] = { 0 };
	char text[17];

	if (im->step == im->line->step)
		return;
	im->step = im->line->step;
	sim_signals(im->line, im->kind, v);
	for (size_t i = 0, n = sim_points(im->kind, rows, SIM_POINTS_MAX); i < n; i++) {
		uint16_t *cell = &im->cell[rows[i]->table][rows[i]->addr0];
		if (rows[i]->type == T_TEXT16) {
			sim_text_of(im->line, im->kind, rows[i]->signal, text);
			for (int k = 0; k < 8; k++)
				cell[k] = (uint16_t)((uint8_t)text[2 * k] << 8 | (uint8_t)text[2 * k + 1]);
		} else if (rows[i]->type != T_CELLS)
			put_value(cell, rows[i], v[rows[i]->signal]);
	}
}

void
sim_image_init(struct sim_image *im, struct sim_line *l, enum sim_kind kind)
{
	const struct sim_point *rows[SIM_POINTS_MAX];

	memset(im, 0, sizeof *im);
	im->line = l;
	im->kind = kind;
	im->step = UINT64_MAX;
	for (size_t i = 0, n = sim_points(kind, rows, SIM_POINTS_MAX); i < n; i++)
		memset(&im->flags[rows[i]->table][rows[i]->addr0], EXISTS | (rows[i]->writable ? WRITABLE : 0),
		    sim_point_width(rows[i]));
}

static bool
all_have(const struct sim_image *im, enum mbs_table t, uint16_t addr0, uint16_t n, uint8_t flag)
{
	if (addr0 + n > SIM_IMAGE_SPAN)
		return false;
	for (uint16_t i = 0; i < n; i++)
		if ((im->flags[t][addr0 + i] & flag) == 0)
			return false;
	return true;
}

int
sim_image_read(void *arg, enum mbs_table t, uint16_t addr0, uint16_t n, uint16_t *out)
{
	struct sim_image *im = arg;

	if (!all_have(im, t, addr0, n, EXISTS))
		return MBS_ILLEGAL_ADDRESS;
	refresh(im);
	memcpy(out, &im->cell[t][addr0], n * sizeof *out);
	return MBS_OK;
}

/* Registers with an effect on the machine. Offsets are those of the rows "speed-setpoint" and "command". */
enum { SETPOINT_0 = 102, COMMAND_0 = 130, COIL_START = 0, COIL_STOP = 1, COIL_RESET = 2, COIL_PULSES = 3 };

static float
setpoint_of(const uint16_t *cell)
{
	uint32_t bits = (uint32_t)cell[SETPOINT_0] << 16 | cell[SETPOINT_0 + 1];
	float f;
	memcpy(&f, &bits, sizeof f);
	return f;
}

static int
write_holding(struct sim_image *im, uint16_t addr0, uint16_t n, const uint16_t *values)
{
	struct sim_machine *m = &im->line->machine[im->kind];
	uint16_t next[SIM_IMAGE_SPAN];
	bool setpoint = addr0 < SETPOINT_0 + 2 && addr0 + n > SETPOINT_0;
	bool command = addr0 <= COMMAND_0 && addr0 + n > COMMAND_0;

	memcpy(next, im->cell[MBS_HOLDING], sizeof next);
	memcpy(next + addr0, values, n * sizeof *next);
	float f = setpoint_of(next);
	if ((setpoint && !(f >= 0 && f <= 1200)) || (command && next[COMMAND_0] >= PACKML_CMDS))
		return MBS_ILLEGAL_VALUE;
	memcpy(im->cell[MBS_HOLDING], next, sizeof next);
	if (setpoint)
		m->setpoint = (double)f;
	if (command)
		sim_machine_command(m, (enum sim_packml_cmd)next[COMMAND_0]);
	return MBS_OK;
}

static int
write_coils(struct sim_image *im, uint16_t addr0, uint16_t n, const uint16_t *values)
{
	static const enum sim_packml_cmd pulse[COIL_PULSES] = {
		[COIL_START] = PACKML_START, [COIL_STOP] = PACKML_STOP, [COIL_RESET] = PACKML_RESET,
	};

	for (uint16_t i = 0; i < n; i++) {
		uint16_t a = (uint16_t)(addr0 + i);
		if (a >= COIL_PULSES)
			im->cell[MBS_COIL][a] = values[i];
		else if (values[i] != 0)
			sim_machine_command(&im->line->machine[im->kind], pulse[a]);
	}
	return MBS_OK;
}

int
sim_image_write(void *arg, enum mbs_table t, uint16_t addr0, uint16_t n, const uint16_t *values)
{
	struct sim_image *im = arg;

	if ((t != MBS_HOLDING && t != MBS_COIL) || !all_have(im, t, addr0, n, WRITABLE))
		return MBS_ILLEGAL_ADDRESS;
	refresh(im);
	int e = t == MBS_HOLDING ? write_holding(im, addr0, n, values) : write_coils(im, addr0, n, values);
	im->step = UINT64_MAX;	/* what was written shows at once */
	return e;
}
