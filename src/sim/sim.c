/* See sim.h: which simulator. */
#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/near.h"
#include "sim/app.h"
#include "sim/points.h"

static int
points(int argc, char **argv)
{
	struct buf out = { 0 };
	bool csv = false;
	const struct sim_opt rows[] = { { "csv", NULL, "comma-separated instead of Markdown", OPT_FLAG, &csv, 0, 0 } };
	int status = sim_opts("points", "Prints the register map of the bottling line.", rows, 1, argc, argv);

	if (status >= 0)
		return status;
	if (csv)
		sim_points_csv(&out);
	else
		sim_points_markdown(&out);
	fputs(buf_text(&out), stdout);
	buf_fini(&out);
	return fflush(stdout) == 0 ? 0 : 2;
}

static const struct { const char *name, *help; int (*run)(int argc, char **argv); } commands[] = {
	{ "bottling", "a bottling line: filler, capper, labeller, packer", sim_bottling },
	{ "load", "many devices with many registers, for load and isolation tests", sim_load },
	{ "bus", "many units behind one serial line, some of them dead", sim_bus },
	{ "points", "the register map of the bottling line", points },
};

static void
usage(FILE *f)
{
	fprintf(f, "usage: penstock sim COMMAND [options]; --help after a command shows its options\n\n");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].help);
	fprintf(f, "\nfaults (--fault, and \"fault\" on the control line):\n");
	for (int k = 1; k < SIM_FAULT_KINDS; k++)
		fprintf(f, "  %-15s %s\n", sim_fault_word((enum sim_fault_kind)k),
		    sim_fault_help((enum sim_fault_kind)k));
}

int
sim_main(int argc, char **argv)
{
	struct near near = { .word = argc > 1 ? argv[1] : "" };

	log_open("sim", LOG_LEVEL_INFO);
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		usage(stdout);
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
		near_try(&near, commands[i].name);
	}
	if (argc > 1)
		fprintf(stderr, "penstock sim: there is no \"%s\"%s%s%s\n", argv[1], near.best ? "; did you mean " : "",
		    near.best ? near.best : "", near.best ? "?" : "");
	usage(stderr);
	return 2;
}
