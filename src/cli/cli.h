/* The subcommands, one file each (cmd_NAME.c): each gets its arguments with its own name first, as main() would. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

/* Exit statuses shared by all: */
enum {
	EXIT_OK = 0,		/* done, and nothing was found */
	EXIT_FINDINGS = 1,	/* done, and something was found or refused */
	EXIT_CANNOT = 2,	/* could not be done: usage, files, no running penstock */
};

/* How a command ends with its usage: asked for with --help, or because it was called wrongly. The exit status for it. */
int cli_usage(const char *text, bool asked);

/* Kept sorted as `penstock help` shows them: CMD(name, function suffix, arguments, what it does). */
#define CMD(name, fn, args, help) int cmd_##fn(int argc, char **argv);
#include "cli/commands.def"
#undef CMD

#endif
