/* penstock status: the tree, rates, backlog and health of what runs, as tables or as JSON. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "field/health.h"

static json_int_t
num(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const char *
str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s != NULL ? s : "";
}

static const char *
bytes(json_int_t n, char *out, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)n;
	size_t u = 0;
	for (; v >= 1024 && u < 4; u++)
		v /= 1024;
	snprintf(out, size, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
	return out;
}

/* "3 s ago", from a wall time in ns; "never" for 0. */
static const char *
ago(json_int_t ns, json_int_t now, char *out, size_t size)
{
	char d[DURATION_TEXT];
	if (ns == 0)
		return "never";
	snprintf(out, size, "%s ago", duration_format(now > ns ? now - ns : 0, d));
	return out;
}

/* A text padded to a width in characters, not bytes: names may hold any UTF-8. Cut with an ellipsis when too long. */
static void
cell(const char *s, int width)
{
	int n = 0;
	const char *p = s;
	while (*p != '\0' && n < width) {
		n++;
		for (p++; (*p & 0xc0) == 0x80; p++)
			;
	}
	printf("%.*s%*s ", (int)(p - s), s, width - n, "");
}

static void
processes(const json_t *root, const json_t *all)
{
	size_t i;
	json_t *p;
	char t[32], d[DURATION_TEXT];

	printf("%-24s %8s %-9s %9s %9s %10s  %s\n", "PROCESS", "PID", "STATE", "UP", "RESTARTS", "MEMORY", "LAST END");
	printf("%-24s %8" JSON_INTEGER_FORMAT " %-9s %9s %9s %10s\n", "supervisor", num(root, "pid"), "up", "", "", bytes(num(root, "pss_bytes"), t,
	    sizeof t));
	json_array_foreach(all, i, p) {
		cell(str(p, "name"), 24);
		printf("%8" JSON_INTEGER_FORMAT " %-9s %9s %9" JSON_INTEGER_FORMAT " %10s  %s\n", num(p, "pid"), str(p, "state"),
		    duration_format(num(p, "up_s") * NS_PER_S, d), num(p, "restarts"), bytes(num(p, "pss_bytes"), t, sizeof t), str(p, "last_exit"));
	}
}

static void
source_row(const json_t *o, json_int_t now)
{
	char t[48];

	cell(str(o, "name"), 24);
	/* Health speaks of the device; without a connection nothing is known of it. */
	cell(num(o, "connected") ? health_name((enum health_state)num(o, "state")) : "away", 10);
	printf("%9.2f %9.2f %9" JSON_INTEGER_FORMAT " %8" JSON_INTEGER_FORMAT " %8" JSON_INTEGER_FORMAT " %8.1f  %s\n",
	    (double)num(o, "rate_mhz") / 1000, (double)num(o, "target_mhz") / 1000, num(o, "samples"), num(o, "skipped"),
	    num(o, "timeouts") + num(o, "exceptions") + num(o, "garbage"), (double)num(o, "lateness_p99_us") / 1000,
	    ago(num(o, "last_good_ns"), now, t, sizeof t));
}

static void
flow_row(const json_t *o, json_int_t now)
{
	char b[32], t[48];

	cell(str(o, "name"), 32);
	printf("%11" JSON_INTEGER_FORMAT " %11" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT " %8" JSON_INTEGER_FORMAT " %10s  %s\n",
	    num(o, "admitted"), num(o, "reduced"), num(o, "held"), num(o, "dropped"), bytes(num(o, "spool_bytes"), b, sizeof b),
	    ago(num(o, "last_ns"), now, t, sizeof t));
}

static void
sink_row(const json_t *o, json_int_t now)
{
	char t[48];

	cell(str(o, "name"), 32);
	printf("%-9s %11" JSON_INTEGER_FORMAT " %11" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT " %8" JSON_INTEGER_FORMAT "  %s\n",
	    num(o, "connected") ? "connected" : "away", num(o, "delivered"), num(o, "backlog"), num(o, "in_flight"), num(o, "quarantined"),
	    ago(num(o, "last_ack_ns"), now, t, sizeof t));
}

static void
ring_row(const json_t *o, json_int_t now)
{
	(void)now;
	cell(str(o, "name"), 32);
	printf("%11" JSON_INTEGER_FORMAT " %11" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT "\n", num(o, "samples"), num(o, "lost_samples"),
	    num(o, "refused_records"));
}

static const struct table {
	const char	*kind, *head;
	void		(*row)(const json_t *o, json_int_t now);
} tables[] = {
	{ "source", "SOURCE                   STATE       RATE/S   WANTED/S  SAMPLES  SKIPPED   ERRORS  LATE p99 ms  LAST GOOD", source_row },
	{ "ring",   "RING                             SAMPLES        LOST   REFUSED", ring_row },
	{ "flow",   "FLOW                             ADMITTED    REDUCED   WAITING  DROPPED      SPOOL  LAST", flow_row },
	{ "sink",   "SINK                             STATE      DELIVERED     BACKLOG  IN FLIGHT   QUARANT.  LAST ACK", sink_row },
};

static void
print(const json_t *root)
{
	const json_t *plan = json_object_get(root, "plan"), *procs = json_object_get(root, "processes");
	json_int_t now = num(root, "now_ns");
	size_t i, k;
	json_t *p, *o;

	printf("penstock %s, site %s, up since %s, plan %" JSON_INTEGER_FORMAT ": %" JSON_INTEGER_FORMAT " sources, %" JSON_INTEGER_FORMAT
	    " tags, %" JSON_INTEGER_FORMAT " flows, %" JSON_INTEGER_FORMAT " sinks\n\n", str(root, "version"), str(root, "site"),
	    str(root, "started"), num(plan, "number"), num(plan, "sources"), num(plan, "tags"), num(plan, "flows"), num(plan, "sinks"));
	processes(root, procs);
	for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
		bool head = false;
		json_array_foreach(procs, i, p)
			json_array_foreach(json_object_get(p, "objects"), k, o) {
				if (strcmp(str(o, "kind"), tables[t].kind) != 0)
					continue;
				if (!head)
					printf("\n%s\n", tables[t].head);
				head = true;
				tables[t].row(o, now);
			}
	}
}

struct answer {
	bool	json;
	int	status;
};

static bool
on_line(void *arg, char *text, size_t len)
{
	struct answer *a = arg;
	json_error_t e;

	if (a->json) {
		puts(text);
		a->status = EXIT_OK;
		return false;
	}
	json_t *root = json_loadb(text, len, 0, &e);
	if (root == NULL) {
		fprintf(stderr, "penstock: the answer cannot be read (%s); is the running penstock of another version?\n", e.text);
		return false;
	}
	print(root);
	json_decref(root);
	a->status = EXIT_OK;
	return false;
}

static int
show(const char *state, bool json)
{
	struct answer a = { .json = json, .status = EXIT_CANNOT };
	int fd = ctl_request(state, "status", 0, NULL);
	if (fd < 0)
		return EXIT_CANNOT;
	ctl_lines(fd, on_line, &a);
	ctl_close(fd);
	return a.status;
}

int
cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' }, { "watch", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	static const char usage[] = "usage: penstock status [--state DIR] [--json] [--watch]\n--watch shows it anew every second until ^C.\n";
	const char *state = NULL;
	bool json = false, watch = false;
	int opt, status;

	while ((opt = getopt_long(argc, argv, "s:jwh", options, NULL)) != -1)
		switch (opt) {
		case 's':
			state = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'w':
			watch = true;
			break;
		default:
			fputs(usage, opt == 'h' ? stdout : stderr);
			return opt == 'h' ? EXIT_OK : EXIT_CANNOT;
		}
	do {
		if (watch && !json)
			printf("\033[H\033[2J");
		status = show(ctl_state_dir(state), json);
		if (fflush(stdout) != 0)
			break;
		if (watch && status == EXIT_OK)
			sleep(1);
	} while (watch && status == EXIT_OK);
	return status;
}
