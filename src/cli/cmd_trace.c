/* penstock trace SOURCE: the frames of a source as they pass, decoded. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/asking.h"
#include "cli/cli.h"

static void
show(const json_t *o)
{
	json_int_t left_out = json_integer_value(json_object_get(o, "left_out"));

	if (left_out > 0)
		printf("... %" JSON_INTEGER_FORMAT " frames left out ...\n", left_out);
	printf("%s %s ", asking_text(o, "time"), asking_text(o, "dir")[0] == 'o' ? "->" : "<-");
	printf("%s", asking_text(o, "text"));
	if (*asking_text(o, "note") != '\0')
		printf("  (%s)", asking_text(o, "note"));
	printf("\n    %s\n", asking_text(o, "hex"));
}

int
cmd_trace(int argc, char **argv)
{
	static const struct asking a = { .verb = "trace", .max_args = 1, .show = show,
		.usage = "usage: penstock trace SOURCE [--json] [--state DIR]\n"
		    "Prints the frames of a source until ^C.\n" };

	return asking_main(&a, argc, argv);
}
