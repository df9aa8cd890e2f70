/*
 * One machine of the bottling line: its PackML state, what goes through it, what stops it and what its sensors feel.
 * Time comes in fixed steps, so a machine is a function of its seed, its neighbours and the commands it was given.
 *
 * Bottles are conserved, always:  infeed = good + reject + inside.  What a machine lets go as good enters the buffer
 * behind it, what it takes leaves the buffer before it, so the same holds down the line.
 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/packml.h"
#include "sim/rng.h"

#define SIM_STEP_MS	50
#define SIM_STEP_S	(SIM_STEP_MS / 1000.0)
#define SIM_NO_END	UINT64_MAX

enum sim_kind { SIM_FILLER, SIM_CAPPER, SIM_LABELLER, SIM_PACKER, SIM_KINDS };

/* Why it does not produce. The numbers are on the wire (holding 122). */
enum sim_cause {
	SIM_NONE	= 0,
	SIM_STARVED	= 1,	/* no bottles come */
	SIM_BLOCKED	= 2,	/* no room behind */
	SIM_MICRO_STOP	= 3,	/* seconds: a bottle fell, a sensor was fooled */
	SIM_JAM		= 4,	/* minutes: somebody clears it; bottles are lost */
	SIM_FAILURE	= 5,	/* worn out: repair */
	SIM_MATERIAL	= 6,	/* caps, labels or cartons ran out */
	SIM_CHANGEOVER	= 7,	/* from batch to batch */
	SIM_OPERATOR	= 8,	/* a command from outside */
	SIM_CAUSES
};

/* A conveyor between two machines; counts only ever grow. */
struct sim_buffer {
	uint64_t	in, out;	/* bottles that came onto it, that left it; level = in - out */
	uint32_t	cap;		/* room, bottles */
	uint64_t	batch_end;	/* value of `in` at which the running batch ends; SIM_NO_END: not known yet */
};

static inline uint32_t sim_level(const struct sim_buffer *b) { return (uint32_t)(b->in - b->out); }

/* A process value wanders around a mean that may depend on the bottle size. */
struct sim_process { double mean, per_ml, spread, tau_s; };
#define SIM_PROCESSES 3

struct sim_type {
	const char	*name;
	double		 ratio;		/* speed over the recipe's line speed; downstream is faster, so buffers drain */
	uint32_t	 pockets;	/* bottles inside while it runs */
	uint32_t	 group;		/* bottles that leave together: 12 for a packer */
	double		 reject;	/* share of bottles (of groups) found bad */
	double		 micro_mean_s, jam_mean_s, life_mean_s;	/* producing time between stops of each sort */
	uint32_t	 magazine;	/* pieces of material when full, 0: uses none */
	double		 heat_k, vibration_mm_s, idle_a, load_a;	/* at full speed: warming, vibration, current */
	struct sim_process process[SIM_PROCESSES];	/* see the register map for what each is */
};

struct sim_recipe { const char *product; double speed; uint32_t ml; };

struct sim_machine {
	const struct sim_type	*type;
	enum sim_kind		 kind;
	struct sim_rng		 rng;

	enum sim_packml		 state;
	enum sim_packml_cmd	 last_cmd;	/* from outside */
	enum sim_cause		 cause;
	double			 left_s;	/* until this state ends or somebody acts */
	bool			 attended;	/* an operator restarts it; off after a stop from outside */
	uint64_t		 transitions;
	uint64_t		 steps_in[PACKML_STATES];

	double			 setpoint, speed;	/* 1/min */
	double			 phase;			/* share of the next machine cycle, [0, 1) */
	double			 lack_s, full_s;	/* how long no bottle came, no room was */
	double			 micro_in_s, jam_in_s, life_s, worn_s;
	double			 executing_s;

	uint64_t		 infeed, good, reject, inside;	/* bottles */
	uint64_t		 cases, cases_rejected;		/* groups, where group > 1 */
	uint64_t		 stops[SIM_CAUSES];
	uint32_t		 material;

	uint32_t		 batch, batch_size;		/* number; bottles planned */
	uint64_t		 batch_good0;			/* value of `good` when the batch began */
	const struct sim_recipe	*recipe;

	double			 motor_temp, ambient, vibration, current, energy_kwh;
	double			 wander[SIM_PROCESSES];		/* deviation of each process value, in spreads */
};

void sim_machine_init(struct sim_machine *m, enum sim_kind kind, uint64_t seed, struct sim_buffer *in);

/* One step of SIM_STEP_MS. At most one change of state. */
void sim_machine_step(struct sim_machine *m, struct sim_buffer *in, struct sim_buffer *out);

/* A command from outside (control line or register). False: not allowed in this state, nothing happened. */
bool sim_machine_command(struct sim_machine *m, enum sim_packml_cmd cmd);

/* Make a stop happen now: SIM_MICRO_STOP, SIM_JAM, SIM_FAILURE. False: only a machine that executes can stop so. */
bool sim_machine_upset(struct sim_machine *m, enum sim_cause cause);

double sim_machine_process(const struct sim_machine *m, int i);
const char *sim_cause_name(enum sim_cause c);
extern const struct sim_type sim_types[SIM_KINDS];

/* Bottles through the machine for one step, and what its sensors then feel; called by sim_machine_step(). */
void sim_flow_step(struct sim_machine *m, struct sim_buffer *in, struct sim_buffer *out);
void sim_flow_scrap(struct sim_machine *m, uint64_t n);
void sim_sense_init(struct sim_machine *m);
void sim_sense_second(struct sim_machine *m, uint64_t model_s);

#endif
