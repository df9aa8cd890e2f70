/* See cli.h. */
#include "cli/cli.h"

#include <stdio.h>

int
cli_usage(const char *text, bool asked)
{
	fputs(text, asked ? stdout : stderr);
	return asked ? EXIT_OK : EXIT_CANNOT;
}
