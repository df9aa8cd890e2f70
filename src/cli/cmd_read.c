/* penstock read TAG...: ask the device now, outside of the tag's scan. */
#include <stdio.h>
#include <string.h>

#include "cli/asking.h"
#include "cli/cli.h"

static void
show(const json_t *o)
{
	printf("%s  ", asking_text(o, "tag"));
	asking_print_value(json_object_get(o, "value"));
	if (*asking_text(o, "meaning") != '\0')
		printf(" (%s)", asking_text(o, "meaning"));
	if (*asking_text(o, "unit") != '\0')
		printf(" %s", asking_text(o, "unit"));
	const char *why = asking_text(o, "why");
	printf("  %s  %s\n", asking_text(o, "status"), *why != '\0' ? why : asking_text(o, "arrival"));
}

static bool
bad(const json_t *o)
{
	return strncmp(asking_text(o, "status"), "Bad", 3) == 0;
}

int
cmd_read(int argc, char **argv)
{
	static const struct asking a = { .verb = "read", .patience_s = 60, .show = show, .bad = bad,
		.usage = "usage: penstock read TAG... [--json] [--state DIR]\n"
		    "TAG is a full path, or a pattern with * and **; each is read from its device now.\n" };

	return asking_main(&a, argc, argv);
}
