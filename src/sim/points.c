/* See points.h: the rows, and printing them. */
#include "sim/points.h"

#include <stdio.h>

#define HOLDING MBS_HOLDING
#define INPUT	MBS_INPUT

static const struct sim_point common[] = {
	{ "speed",		HOLDING, 100, T_F32, SIG_SPEED, .unit = "/min", .hi = 1200,
	    .meaning = "bottles through the machine" },
	{ "speed-setpoint",	HOLDING, 102, T_F32, SIG_SETPOINT, .unit = "/min", .hi = 1200, .writable = true,
	    .meaning = "wanted speed; a new batch sets it to the recipe's" },
	{ "nominal-speed",	HOLDING, 104, T_F32, SIG_NOMINAL, .unit = "/min", .hi = 1200, .meaning = "by design" },
	{ "reserved-106",	HOLDING, 106, T_CELLS, SIG_ZERO, .cells = 4, .meaning = "reads 0" },
	{ "good-count",		HOLDING, 110, T_U32, SIG_GOOD, .unit = "1",
	    .meaning = "bottles let go as good, since start" },
	{ "reject-count",	HOLDING, 112, T_U32, SIG_REJECT, .unit = "1",
	    .meaning = "bottles rejected or lost, since start" },
	{ "infeed-count",	HOLDING, 114, T_U32, SIG_INFEED, .unit = "1",
	    .meaning = "bottles taken in, since start" },
	{ "batch-good-count",	HOLDING, 116, T_U32, SIG_BATCH_GOOD, .unit = "1",
	    .meaning = "good bottles of this batch" },
	{ "batch-size",		HOLDING, 118, T_U32, SIG_BATCH_SIZE, .unit = "1",
	    .meaning = "bottles planned for this batch" },
	{ "state",		HOLDING, 120, T_U16, SIG_STATE, .lo = 1, .hi = 17, .meaning = "enum packml-state" },
	{ "mode",		HOLDING, 121, T_U16, SIG_MODE, .lo = 1, .hi = 3,
	    .meaning = "enum packml-mode: 1 production, 3 manual (stopped from outside)" },
	{ "stop-reason",	HOLDING, 122, T_U16, SIG_CAUSE, .hi = 8, .meaning = "enum stop-reason" },
	{ "alarm",		HOLDING, 123, T_U16, SIG_ALARM, .hi = 999,
	    .meaning = "0 none; 130 micro-stop, 140 jam, 150 failure, 160 material, 180 operator" },
	{ "status-word",	HOLDING, 124, T_U16, SIG_STATUS,

	    .meaning = "bit 0 running, 1 starved, 2 blocked, 3 alarm, 4 guard open, 5 material low, "
	    "6 attended, 7 heartbeat (1 s)" },
	{ "inside",		HOLDING, 125, T_U16, SIG_INSIDE, .unit = "1", .hi = 200,
	    .meaning = "bottles inside the machine" },
	{ "recipe-volume",	HOLDING, 126, T_U16, SIG_RECIPE_ML, .unit = "mL", .lo = 330, .hi = 750,
	    .meaning = "bottle size" },
	{ "batch-number",	HOLDING, 127, T_U16, SIG_BATCH, .meaning = "number of the batch, from 1" },
	{ "reserved-128",	HOLDING, 128, T_CELLS, SIG_ZERO, .cells = 2, .meaning = "reads 0" },
	{ "command",		HOLDING, 130, T_U16, SIG_COMMAND, .hi = 9, .writable = true,

	    .meaning = "enum packml-command; a write is the command, ignored where the state does not allow it; "
	    "reads the last one" },
	{ "reserved-131",	HOLDING, 131, T_CELLS, SIG_ZERO, .cells = 9, .meaning = "reads 0" },
	{ "product",		HOLDING, 140, T_TEXT16, SIG_PRODUCT, .meaning = "article, \"COLA-0500\"" },
	{ "reserved-148",	HOLDING, 148, T_CELLS, SIG_ZERO, .cells = 2, .meaning = "reads 0" },
	{ "reserved-151",	HOLDING, 151, T_CELLS, SIG_ZERO, .cells = 9,
	    .meaning = "reads 0; 150 does not exist: a block across it is refused with exception 2, on purpose" },
	{ "batch",		HOLDING, 160, T_TEXT16, SIG_BATCH_ID, .meaning = "batch id, \"B000001\"" },
	{ "reserved-168",	HOLDING, 168, T_CELLS, SIG_ZERO, .cells = 2, .meaning = "reads 0" },
	{ "energy",		HOLDING, 170, T_F64, SIG_ENERGY, .unit = "kW.h",
	    .meaning = "electrical energy, since start" },
	{ "units-processed",	HOLDING, 174, T_U64, SIG_UNITS, .unit = "1", .meaning = "good + reject, since start" },
	{ "run-time",		HOLDING, 178, T_U32, SIG_RUN_S, .unit = "s",
	    .meaning = "time in Execute, since start" },
	{ "model-time",		HOLDING, 180, T_U64, SIG_MODEL_MS, .unit = "ms",
	    .meaning = "time of the model, since start" },
	{ "cells",		HOLDING, 900, T_CELLS, SIG_ZERO, .cells = 100, .writable = true,
	    .meaning = "free cells for a master's own tests" },

	{ "motor-temperature",	INPUT, 10, T_I16, SIG_MOTOR_TEMP, .factor = 0.1, .unit = "Cel", .lo = -20, .hi = 150,
	    .meaning = "main drive" },
	{ "ambient-temperature", INPUT, 11, T_I16, SIG_AMBIENT, .factor = 0.1, .unit = "Cel", .lo = -20, .hi = 60,
	    .meaning = "at the machine" },
	{ "vibration",		INPUT, 12, T_U16, SIG_VIBRATION, .factor = 0.01, .unit = "mm/s", .hi = 45,
	    .meaning = "main bearing, r.m.s.; grows up to threefold in the last fifth of its life" },
	{ "motor-current",	INPUT, 13, T_U16, SIG_CURRENT, .factor = 0.01, .unit = "A", .hi = 63,
	    .meaning = "main drive" },
	{ "infeed-level",	INPUT, 14, T_U16, SIG_INFEED_LEVEL, .unit = "1", .hi = 320,
	    .meaning = "bottles on the conveyor before" },
	{ "outfeed-level",	INPUT, 15, T_U16, SIG_OUTFEED_LEVEL, .unit = "1", .hi = 320,
	    .meaning = "bottles on the conveyor behind" },
	{ "bearing-wear",	INPUT, 16, T_U16, SIG_WEAR, .factor = 0.1, .unit = "%", .hi = 110,
	    .meaning = "share of bearing life used" },
	{ "speed-swapped",	INPUT, 30, T_F32_CDAB, SIG_SPEED, .unit = "/min", .hi = 1200,
	    .meaning = "speed, low word first (CDAB)" },

	{ "running",		MBS_DISCRETE, 0, T_BIT, SIG_RUNNING, .meaning = "in Execute" },
	{ "starved",		MBS_DISCRETE, 1, T_BIT, SIG_STARVED, .meaning = "stands for want of bottles" },
	{ "blocked",		MBS_DISCRETE, 2, T_BIT, SIG_BLOCKED, .meaning = "stands for want of room" },
	{ "guard-closed",	MBS_DISCRETE, 3, T_BIT, SIG_GUARD_CLOSED,
	    .meaning = "open while a jam or a failure is worked on" },
	{ "alarm-lamp",		MBS_DISCRETE, 4, T_BIT, SIG_ALARM_LAMP, .meaning = "alarm is not 0" },
	{ "material-low",	MBS_DISCRETE, 5, T_BIT, SIG_MATERIAL_LOW, .meaning = "magazine below a tenth" },
	{ "heartbeat",		MBS_DISCRETE, 6, T_BIT, SIG_HEARTBEAT,
	    .meaning = "changes every second of model time" },
	{ "attended",		MBS_DISCRETE, 7, T_BIT, SIG_ATTENDED, .meaning = "an operator restarts it" },

	{ "start",		MBS_COIL, 0, T_CELLS, SIG_ZERO, .cells = 1, .writable = true,
	    .meaning = "write 1: command start; reads 0" },
	{ "stop",		MBS_COIL, 1, T_CELLS, SIG_ZERO, .cells = 1, .writable = true,
	    .meaning = "write 1: command stop; reads 0" },
	{ "reset",		MBS_COIL, 2, T_CELLS, SIG_ZERO, .cells = 1, .writable = true,
	    .meaning = "write 1: command reset; reads 0" },
	{ "horn-mute",		MBS_COIL, 3, T_CELLS, SIG_ZERO, .cells = 1, .writable = true,
	    .meaning = "keeps what was written" },
	{ "coils",		MBS_COIL, 16, T_CELLS, SIG_ZERO, .cells = 48, .writable = true,
	    .meaning = "free coils for a master's own tests" },
};

static const struct sim_point filler[] = {
	{ "product-temperature", INPUT, 40, T_I16, SIG_PROCESS_1, .factor = 0.1, .unit = "Cel", .lo = -5, .hi = 30,
	    .meaning = "in the bowl" },
	{ "bowl-pressure",	INPUT, 41, T_U16, SIG_PROCESS_2, .factor = 0.1, .unit = "kPa", .hi = 600,
	    .meaning = "gas above the product" },
	{ "fill-volume",	INPUT, 42, T_F32, SIG_PROCESS_0, .unit = "mL", .lo = 300, .hi = 800,
	    .meaning = "mean of the last second" },
};
static const struct sim_point capper[] = {
	{ "head-temperature",	INPUT, 40, T_I16, SIG_PROCESS_1, .factor = 0.1, .unit = "Cel", .lo = -5, .hi = 80,
	    .meaning = "capping head" },
	{ "air-pressure",	INPUT, 41, T_U16, SIG_PROCESS_2, .factor = 0.1, .unit = "kPa", .hi = 1000,
	    .meaning = "supply" },
	{ "closing-torque",	INPUT, 42, T_F32, SIG_PROCESS_0, .unit = "N.m", .hi = 5,
	    .meaning = "mean of the last second" },
	{ "caps-left",		INPUT, 44, T_U32, SIG_MATERIAL, .unit = "1", .hi = 20000, .meaning = "in the hopper" },
};
static const struct sim_point labeller[] = {
	{ "label-offset",	INPUT, 40, T_I16, SIG_PROCESS_0, .factor = 0.01, .unit = "mm", .lo = -5, .hi = 5,
	    .meaning = "seen by the camera; either sign" },
	{ "web-tension",	INPUT, 41, T_U16, SIG_PROCESS_2, .factor = 0.1, .unit = "N", .hi = 60,
	    .meaning = "label web" },
	{ "glue-temperature",	INPUT, 42, T_F32, SIG_PROCESS_1, .unit = "Cel", .lo = 100, .hi = 180,
	    .meaning = "hot glue roller" },
	{ "labels-left",	INPUT, 44, T_U32, SIG_MATERIAL, .unit = "1", .hi = 8000, .meaning = "on the roll" },
};
static const struct sim_point packer[] = {
	{ "hotmelt-temperature", INPUT, 40, T_I16, SIG_PROCESS_1, .factor = 0.1, .unit = "Cel", .lo = 100, .hi = 200,
	    .meaning = "carton glue" },
	{ "gripper-pressure",	INPUT, 41, T_U16, SIG_PROCESS_2, .factor = 0.1, .unit = "kPa", .hi = 1000,
	    .meaning = "supply" },
	{ "case-weight",	INPUT, 42, T_F32, SIG_PROCESS_0, .unit = "kg", .hi = 20,
	    .meaning = "mean of the last second" },
	{ "cartons-left",	INPUT, 44, T_U32, SIG_MATERIAL, .unit = "1", .hi = 900, .meaning = "in the magazine" },
	{ "cases-good",		INPUT, 46, T_U32, SIG_CASES, .unit = "1",
	    .meaning = "cases of 12 packed, since start" },
	{ "cases-rejected",	INPUT, 48, T_U32, SIG_CASES_REJECTED, .unit = "1",
	    .meaning = "cases of 12 rejected, since start" },
};

#define N(a) (sizeof(a) / sizeof(a)[0])
static const struct { const struct sim_point *rows; size_t n; } own[SIM_KINDS] = {
	[SIM_FILLER] = { filler, N(filler) }, [SIM_CAPPER] = { capper, N(capper) },
	[SIM_LABELLER] = { labeller, N(labeller) }, [SIM_PACKER] = { packer, N(packer) },
};
_Static_assert(N(common) + N(packer) <= SIM_POINTS_MAX, "room for the pointers");

static const struct { const char *text; uint16_t width; } types[T_TYPES] = {
	[T_BIT] = { "bool", 1 }, [T_U16] = { "uint16", 1 }, [T_I16] = { "int16", 1 }, [T_U32] = { "uint32", 2 },
	[T_F32] = { "float32", 2 }, [T_F32_CDAB] = { "float32 CDAB", 2 }, [T_U64] = { "uint64", 4 },
	[T_F64] = { "float64", 4 }, [T_TEXT16] = { "string 16", 8 }, [T_CELLS] = { "cells", 0 },
};
static const char *const tables[MBS_TABLES] = { "coil", "discrete", "input", "holding" };

size_t
sim_points(enum sim_kind kind, const struct sim_point **out, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < N(common) && n < max; i++)
		out[n++] = &common[i];
	for (size_t i = 0; i < own[kind].n && n < max; i++)
		out[n++] = &own[kind].rows[i];
	return n;
}

uint16_t
sim_point_width(const struct sim_point *p)
{
	return p->type == T_CELLS ? p->cells : types[p->type].width;
}

static void
put_row(struct buf *out, const struct sim_point *p)
{
	uint16_t width = sim_point_width(p);

	buf_printf(out, "| %s | %s %u", p->name, tables[p->table], p->addr0);
	if (width > 1)
		buf_printf(out, "..%u", p->addr0 + width - 1);
	buf_printf(out, " | %s | %s | ", types[p->type].text, p->writable ? "rw" : "r");
	if (p->factor != 0)
		buf_printf(out, "%g", p->factor);
	buf_printf(out, " | %s | ", p->unit ? p->unit : "");
	if (p->lo != p->hi)
		buf_printf(out, "%g..%g", p->lo, p->hi);
	buf_printf(out, " | %s |\n", p->meaning);
}

static void
put_section(struct buf *out, const char *title, const struct sim_point *rows, size_t n)
{
	buf_printf(out, "\n### %s\n\n| point | address | type | access | factor | unit | range | meaning |\n"
	    "| --- | --- | --- | --- | --- | --- | --- | --- |\n", title);
	for (size_t i = 0; i < n; i++)
		put_row(out, &rows[i]);
}

void
sim_points_markdown(struct buf *out)
{
	put_section(out, "every machine", common, N(common));
	for (int k = 0; k < SIM_KINDS; k++)
		put_section(out, sim_types[k].name, own[k].rows, own[k].n);
}

void
sim_points_csv(struct buf *out)
{
	buf_puts(out, "machine,name,at,access,factor,unit,range-low,range-high,meaning\n");
	for (int k = 0; k < SIM_KINDS; k++) {
		const struct sim_point *rows[SIM_POINTS_MAX];
		size_t n = sim_points((enum sim_kind)k, rows, SIM_POINTS_MAX);
		for (size_t i = 0; i < n; i++) {
			const struct sim_point *p = rows[i];
			if (p->type == T_CELLS && p->table == MBS_HOLDING)
				continue;
			buf_printf(out, "%s,%s,%s %u %s,%s,%g,%s,", sim_types[k].name, p->name, tables[p->table],
			    p->addr0, p->type == T_CELLS ? "bool" : types[p->type].text, p->writable ? "rw" : "r",
			    p->factor != 0 ? p->factor : 1, p->unit ? p->unit : "");
			if (p->lo != p->hi)
				buf_printf(out, "%g,%g,", p->lo, p->hi);
			else
				buf_puts(out, ",,");
			buf_putc(out, '"');
			for (const char *c = p->meaning; *c != '\0'; c++)
				buf_puts(out, *c == '"' ? "\"\"" : (char[]){ *c, '\0' });
			buf_puts(out, "\"\n");
		}
	}
}
