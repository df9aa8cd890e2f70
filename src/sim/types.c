/* The four kinds of machine. Figures are of the size seen on a 36,000 bottles/h line; none is measured on one plant. */
#include "sim/machine.h"

const struct sim_type sim_types[SIM_KINDS] = {
	[SIM_FILLER] = {
		.name = "filler", .ratio = 1, .pockets = 48, .group = 1, .reject = 0.004,
		.micro_mean_s = 900, .jam_mean_s = 7200, .life_mean_s = 40000,
		.heat_k = 34, .vibration_mm_s = 1.6, .idle_a = 4, .load_a = 18,
		.process = {
			{ 0, 1, 0.8, 40 },	/* fill volume, mL */
			{ 5, 0, 0.5, 900 },	/* product temperature, Cel */
			{ 320, 0, 6, 60 },	/* bowl pressure, kPa */
		},
	},
	[SIM_CAPPER] = {
		.name = "capper", .ratio = 1.1, .pockets = 16, .group = 1, .reject = 0.003,
		.micro_mean_s = 420, .jam_mean_s = 4200, .life_mean_s = 60000, .magazine = 20000,
		.heat_k = 28, .vibration_mm_s = 1.1, .idle_a = 2, .load_a = 7,
		.process = {
			{ 1.8, 0, 0.09, 30 },	/* closing torque, N.m */
			{ 24, 0, 1, 600 },	/* head temperature, Cel */
			{ 600, 0, 8, 20 },	/* air pressure, kPa */
		},
	},
	[SIM_LABELLER] = {
		.name = "labeller", .ratio = 1.15, .pockets = 24, .group = 1, .reject = 0.006,
		.micro_mean_s = 360, .jam_mean_s = 5400, .life_mean_s = 90000, .magazine = 8000,
		.heat_k = 22, .vibration_mm_s = 0.8, .idle_a = 2, .load_a = 5,
		.process = {
			{ 0, 0, 0.45, 50 },	/* label offset, mm */
			{ 140, 0, 1.5, 300 },	/* glue temperature, Cel */
			{ 28, 0, 1.2, 15 },	/* web tension, N */
		},
	},
	[SIM_PACKER] = {
		.name = "packer", .ratio = 1.2, .pockets = 0, .group = 12, .reject = 0.002,
		.micro_mean_s = 540, .jam_mean_s = 3600, .life_mean_s = 70000, .magazine = 900,
		.heat_k = 25, .vibration_mm_s = 2.2, .idle_a = 3, .load_a = 9,
		.process = {
			{ 0.55, 0.0124, 0.02, 20 },	/* case weight, kg */
			{ 165, 0, 2, 400 },		/* hot-melt temperature, Cel */
			{ 550, 0, 10, 25 },		/* vacuum gripper air, kPa */
		},
	},
};
