/*
 * penstock why TAG: what is wrong with a tag, since when, with the last good value and the request and reply behind
 * it.
 */
#include <stdio.h>
#include <string.h>

#include "cli/asking.h"
#include "cli/cli.h"

static bool
bad(const json_t *o)
{
	return strncmp(asking_text(o, "status"), "Bad", 3) == 0;
}

static void
row(const char *name, const char *text)
{
	if (*text != '\0')
		printf("  %-18s %s\n", name, text);
}

/* What the driver adds, member by member: its names are made for people. Apart, since it has a "since" of its own. */
static void
show_detail(json_t *detail)
{
	const char *key;
	json_t *v;

	if (json_object_size(detail) > 0)
		printf("  what the driver saw:\n");
	json_object_foreach(detail, key, v) {
		if (json_is_null(v))
			continue;
		printf("    %-16s ", key);
		asking_print_value(v);
		putchar('\n');
	}
}

/* A derived tag: what it is made of. */
static void
show_derived(const json_t *o)
{
	size_t i;
	json_t *in;

	printf("%s: %s\n", asking_text(o, "tag"), asking_text(o, "verdict"));
	row("status", asking_text(o, "status"));
	printf("  %-18s ", "value");
	asking_print_value(json_object_get(o, "value"));
	printf("%s%s%s%s\n", *asking_text(o, "unit") != '\0' ? " " : "", asking_text(o, "unit"),
	    *asking_text(o, "time") != '\0' ? " at " : "", asking_text(o, "time"));
	row("expression", asking_text(o, "expr"));
	printf("  made of:\n");
	json_array_foreach(json_object_get(o, "inputs"), i, in) {
		printf("    %s  ", asking_text(in, "tag"));
		asking_print_value(json_object_get(in, "value"));
		printf(" %s  %s  %s\n", asking_text(in, "unit"), asking_text(in, "status"), asking_text(in, "time"));
	}
}

static void
show(const json_t *o)
{
	if (json_object_get(o, "expr") != NULL) {
		show_derived(o);
		return;
	}
	bool up = strcmp(asking_text(o, "link_state"), "up") == 0;
	const char *cause = up && bad(o) ? asking_text(json_object_get(o, "detail"), "cause") : "";

	printf("%s: %s%s%s\n", asking_text(o, "tag"), asking_text(o, "verdict"), *cause != '\0' ? "; " : "", cause);
	row("status", asking_text(o, "status"));
	row("with it since",
	    asking_text(o, "since"));	/* another bad status before it counts anew: see the last good value */
	printf("  %-18s ", "last good value");
	if (*asking_text(o, "last_good_at") == '\0')
		printf("none yet\n");
	else {
		asking_print_value(json_object_get(o, "last_good"));
		printf("%s%s at %s\n", *asking_text(o, "unit") != '\0' ? " " : "", asking_text(o, "unit"),
		    asking_text(o, "last_good_at"));
	}
	row("address", asking_text(o, "at"));
	row("source", asking_text(o, "source"));
	printf("  %-18s %s %s, %s\n", "connection", asking_text(o, "driver"), asking_text(o, "link"),
	    asking_text(o, "link_state"));
	row("", asking_text(o, "link_cause"));
	if (up)
		printf("  %-18s %s since %s\n", "device", asking_text(o, "health"), asking_text(o, "health_since"));
	else
		row("device", "not known without a connection");
	show_detail(json_object_get(o, "detail"));
}

int
cmd_why(int argc, char **argv)
{
	static const struct asking a = { .verb = "why", .patience_s = 15, .show = show, .bad = bad,
		.usage = "usage: penstock why TAG... [--json] [--state DIR]\nExit status 1 when a tag is bad.\n" };

	return asking_main(&a, argc, argv);
}
