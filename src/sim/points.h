/*
 * The register map of a machine, one row a point, and the image of registers that is built from it. The rows are the
 * only place that knows addresses: the image, the printed map (`penstock sim points`) and the README come from them.
 *
 * Addresses are protocol addresses (0-based). Multi-register values are big-endian words, high word first (ABCD),
 * except where the type says otherwise; texts are two characters a register, high byte first, padded with NUL.
 */
#ifndef SIM_POINTS_H
#define SIM_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sim/line.h"
#include "sim/mbs_pdu.h"

/* What a point shows. */
enum sim_signal {
	SIG_SPEED, SIG_SETPOINT, SIG_NOMINAL, SIG_GOOD, SIG_REJECT, SIG_INFEED, SIG_INSIDE, SIG_BATCH_GOOD,
	SIG_BATCH_SIZE, SIG_BATCH, SIG_STATE, SIG_MODE, SIG_CAUSE, SIG_ALARM, SIG_STATUS, SIG_RECIPE_ML, SIG_COMMAND,
	SIG_ENERGY, SIG_UNITS, SIG_RUN_S, SIG_MODEL_MS, SIG_MOTOR_TEMP, SIG_AMBIENT, SIG_VIBRATION, SIG_CURRENT,
	SIG_INFEED_LEVEL, SIG_OUTFEED_LEVEL, SIG_WEAR, SIG_PROCESS_0, SIG_PROCESS_1, SIG_PROCESS_2, SIG_MATERIAL,
	SIG_CASES, SIG_CASES_REJECTED, SIG_RUNNING, SIG_STARVED, SIG_BLOCKED, SIG_GUARD_CLOSED, SIG_ALARM_LAMP, SIG_MATERIAL_LOW,
	SIG_HEARTBEAT, SIG_ATTENDED,
	SIG_COUNT,
	SIG_PRODUCT, SIG_BATCH_ID,	/* texts */
	SIG_ZERO,			/* readable without a meaning, or cells for a master to write */
};

enum sim_type_of { T_BIT, T_U16, T_I16, T_U32, T_F32, T_F32_CDAB, T_U64, T_F64, T_TEXT16, T_CELLS, T_TYPES };

struct sim_point {
	const char	*name;
	enum mbs_table	 table;
	uint16_t	 addr0;
	enum sim_type_of type;
	enum sim_signal	 signal;
	double		 factor;	/* engineering value = raw * factor; 0 counts as 1 */
	const char	*unit;		/* UCUM */
	double		 lo, hi;	/* engineering range; equal: none stated */
	bool		 writable;
	uint16_t	 cells;		/* T_CELLS: how many */
	const char	*meaning;
};

/* The points of a kind of machine: rows common to all, then its own. Static. */
size_t sim_points(enum sim_kind kind, const struct sim_point **out, size_t max);
#define SIM_POINTS_MAX 64
uint16_t sim_point_width(const struct sim_point *p);	/* cells that it takes up */

/* The map for people (Markdown) or for programs (CSV), appended to out. */
void sim_points_markdown(struct buf *out);
void sim_points_csv(struct buf *out);

/* All values of a machine at this moment, v[SIG_COUNT]. */
void sim_signals(const struct sim_line *l, enum sim_kind kind, double *v);
void sim_text_of(const struct sim_line *l, enum sim_kind kind, enum sim_signal s, char out[17]);

#define SIM_IMAGE_SPAN 1024	/* addresses 0..1023 of each table; higher ones do not exist */

/* The registers of one machine. Filled lazily: only when somebody reads after a model step. */
struct sim_image {
	struct sim_line	*line;		/* borrowed */
	enum sim_kind	 kind;
	uint64_t	 step;		/* model step that `cell` shows; UINT64_MAX: none yet */
	uint16_t	 cell[MBS_TABLES][SIM_IMAGE_SPAN];
	uint8_t		 flags[MBS_TABLES][SIM_IMAGE_SPAN];	/* 1 exists, 2 writable */
};

void sim_image_init(struct sim_image *im, struct sim_line *l, enum sim_kind kind);
/* The two functions of a struct mbs_unit; arg is the image. */
int sim_image_read(void *arg, enum mbs_table t, uint16_t addr0, uint16_t n, uint16_t *out);
int sim_image_write(void *arg, enum mbs_table t, uint16_t addr0, uint16_t n, const uint16_t *values);

#endif
