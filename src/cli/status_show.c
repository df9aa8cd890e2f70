/* See status_show.h. */
#include "cli/status_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "field/health.h"

#define NAME_MIN	16
#define NAME_MAX	40

/* What is being shown: the answer of the supervisor, with that of office as its member "sinks". */
struct look {
	const json_t	*root, *procs;
	json_int_t	 now;
	int		 width;		/* of names */
};

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

/* A text padded to a width in characters, not bytes: names may hold any UTF-8. What is longer ends in "~". */
static void
cell(const char *s, int width)
{
	int n = 0;
	const char *p = s, *before = s;

	while (*p != '\0' && n < width) {
		n++;
		before = p;
		for (p++; (*p & 0xc0) == 0x80; p++)
			;
	}
	if (*p != '\0')
		printf("%.*s~ ", (int)(before - s), s);
	else
		printf("%s%*s ", s, width - n, "");
}

static int
text_width(const char *s)
{
	int n = 0;
	for (; *s != '\0'; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* The first column of all tables: as wide as the longest name, within reason. */
static int
name_width(const json_t *procs)
{
	int w = NAME_MIN, n;
	size_t i, k;
	json_t *p, *o;

	json_array_foreach(procs, i, p) {
		w = (n = text_width(str(p, "name"))) > w ? n : w;
		json_array_foreach(json_object_get(p, "objects"), k, o)
			w = (n = text_width(str(o, "name"))) > w ? n : w;
	}
	return w < NAME_MAX ? w : NAME_MAX;
}

static void
processes(const struct look *l)
{
	size_t i;
	json_t *p;
	char t[32], d[DURATION_TEXT];

	printf("%-*s %8s %-8s %9s %8s %10s  %s\n", l->width, "PROCESS", "PID", "STATE", "UP", "RESTARTS", "MEMORY", "LAST END");
	printf("%-*s %8" JSON_INTEGER_FORMAT " %-8s %9s %8s %10s\n", l->width, "supervisor", num(l->root, "pid"), "up", "", "",
	    bytes(num(l->root, "pss_bytes"), t, sizeof t));
	json_array_foreach(l->procs, i, p) {
		bool lives = num(p, "pid") != 0;
		cell(str(p, "name"), l->width);
		if (lives)
			printf("%8" JSON_INTEGER_FORMAT " ", num(p, "pid"));
		else
			printf("%8s ", "-");
		printf("%-8s %9s %8" JSON_INTEGER_FORMAT " %10s%s%s\n", str(p, "state"),
		    lives ? duration_format(num(p, "up_s") * NS_PER_S, d) : "-",
		    num(p, "restarts"), lives ? bytes(num(p, "pss_bytes"), t, sizeof t) : "-",
		    *str(p, "last_exit") != '\0' ? "  " : "", str(p, "last_exit"));
	}
}

static void
source_head(int w)
{
	printf("%-*s %-7s %7s %7s %9s %7s %6s %7s %7s  %s\n", w, "SOURCE", "STATE", "RATE/S", "WANTED", "SAMPLES",
	    "SKIPPED", "ERRORS", "REFUSED", "LATE ms", "LAST GOOD");
}

/*
 * RATE/S: scans, or, of a source that is not scanned and so wants no rate, values that arrive. REFUSED: tags whose
 * address the device refuses; ERRORS: requests that went wrong, and connections lost.
 */
static void
source_row(const struct look *l, const json_t *o)
{
	double rate = (double)num(o, "rate_mhz") / 1000, wanted = (double)num(o, "target_mhz") / 1000;
	char t[48], want[32] = "-";

	cell(str(o, "name"), l->width);
	/* Health speaks of the device; without a connection nothing is known of it. */
	cell(num(o, "connected") ? health_name((enum health_state)num(o, "state")) : "away", 7);
	if (wanted > 0)
		snprintf(want, sizeof want, "%.2f", wanted);
	printf("%7.*f %7s %9" JSON_INTEGER_FORMAT " %7" JSON_INTEGER_FORMAT " %6" JSON_INTEGER_FORMAT " %7" JSON_INTEGER_FORMAT " %7.1f  %s\n",
	    rate < 10000 ? 2 : 0, rate, want, num(o, "samples"), num(o, "skipped"),
	    num(o, "timeouts") + num(o, "exceptions") + num(o, "garbage") + num(o, "reconnects"), num(o, "isolated"),
	    (double)num(o, "lateness_p99_us") / 1000, ago(num(o, "last_good_ns"), l->now, t, sizeof t));
}

static void
flow_head(int w)
{
	printf("%-*s %11s %11s %9s %8s %10s  %s\n", w, "FLOW", "ADMITTED", "REDUCED", "WAITING", "DROPPED", "SPOOL", "LAST");
}

static void
flow_row(const struct look *l, const json_t *o)
{
	char b[32], t[48];

	cell(str(o, "name"), l->width);
	printf("%11" JSON_INTEGER_FORMAT " %11" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT " %8" JSON_INTEGER_FORMAT " %10s  %s\n",
	    num(o, "admitted"), num(o, "reduced"), num(o, "held"), num(o, "dropped"), bytes(num(o, "spool_bytes"), b, sizeof b),
	    ago(num(o, "last_ns"), l->now, t, sizeof t));
	if (num(o, "held") > 0 && num(o, "write_errors") > 0)
		printf("    cannot write (%" JSON_INTEGER_FORMAT " failures): make room on the disk or mend it; what waits is not lost\n",
		    num(o, "write_errors"));
}

static void
sink_head(int w)
{
	printf("%-*s %-9s %11s %9s %9s %8s  %s\n", w, "SINK", "STATE", "DELIVERED", "BACKLOG", "IN FLIGHT", "QUARANT.", "LAST ACK");
}

/* What a list says of a sink ("sinks": office's words; "outboxes": what waits there); NULL when it says nothing. */
static const json_t *
said_of(const struct look *l, const char *list, const char *name)
{
	size_t i;
	json_t *o;

	json_array_foreach(json_object_get(l->root, list), i, o)
		if (strcmp(str(o, "sink"), name) == 0)
			return o;
	return NULL;
}

/* Events on their way out, and since when the oldest waits. */
static void
outbox_row(const struct look *l, const json_t *o)
{
	static const char *const states[] = { "ready", "sent", "confirmed", "refused", "quarantined", "cancelled" };
	struct wall oldest;
	char t[48];

	printf("    outbox:");
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		printf("%s %" JSON_INTEGER_FORMAT " %s", i > 0 ? "," : "", num(o, states[i]), states[i]);
	if (wall_parse(str(o, "oldest_waiting"), &oldest) == 0)
		printf("; the oldest that waits came %s", ago(oldest.ns, l->now, t, sizeof t));
	if (num(o, "complaints") > 0)
		printf("; %" JSON_INTEGER_FORMAT " complaints", num(o, "complaints"));
	printf("%s\n", json_is_true(json_object_get(o, "suspended")) ? "; SUSPENDED: penstock outbox list says why" : "");
}

static void
sink_row(const struct look *l, const json_t *o)
{
	const json_t *said = said_of(l, "sinks", str(o, "name")), *outbox = said_of(l, "outboxes", str(o, "name"));
	char t[48];

	cell(str(o, "name"), l->width);
	printf("%-9s %11" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT " %8" JSON_INTEGER_FORMAT "  %s\n",
	    num(o, "connected") ? "connected" : "away", num(o, "delivered"), num(o, "backlog"), num(o, "in_flight"),
	    num(o, "quarantined"), ago(num(o, "last_ack_ns"), l->now, t, sizeof t));
	if (!num(o, "connected") && said != NULL)
		printf("    since %s: %s\n", str(said, "since"), str(said, "state"));
	else if (said != NULL && strchr(str(said, "state"), ';') != NULL)	/* more than that it is connected: what waits, what needs somebody */
		printf("    %s\n", str(said, "state"));
	if (outbox != NULL)
		outbox_row(l, outbox);
}

static void
ring_head(int w)
{
	printf("%-*s %11s %11s %9s\n", w, "RING", "SAMPLES", "LOST", "REFUSED");
}

static void
ring_row(const struct look *l, const json_t *o)
{
	cell(str(o, "name"), l->width);
	printf("%11" JSON_INTEGER_FORMAT " %11" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT "\n", num(o, "samples"),
	    num(o, "lost_samples"), num(o, "refused_records"));
}

static const struct table {
	const char	*kind;
	void		(*head)(int width);
	void		(*row)(const struct look *l, const json_t *o);
} tables[] = {
	{ "source", source_head, source_row }, { "ring", ring_head, ring_row }, { "flow", flow_head, flow_row },
	{ "sink", sink_head, sink_row },
};

static void
print_table(const struct look *l, const struct table *t)
{
	bool head = false;
	size_t i, k;
	json_t *p, *o;

	json_array_foreach(l->procs, i, p)
		json_array_foreach(json_object_get(p, "objects"), k, o) {
			if (strcmp(str(o, "kind"), t->kind) != 0)
				continue;
			if (!head) {
				putchar('\n');
				t->head(l->width);
			}
			head = true;
			t->row(l, o);
		}
}

/* The way back, once somebody has asked: one line, and why some were refused. */
static void
requests(const struct look *l)
{
	size_t i, k;
	json_t *p, *o;
	bool asked = false;

	json_array_foreach(l->procs, i, p)
		json_array_foreach(json_object_get(p, "objects"), k, o) {
			if (strcmp(str(o, "kind"), "requests") == 0 && num(o, "asked") > 0) {
				asked = true;
				printf("\nrequests: %" JSON_INTEGER_FORMAT " asked, %" JSON_INTEGER_FORMAT " applied, %" JSON_INTEGER_FORMAT
				    " refused, %" JSON_INTEGER_FORMAT " expired, %" JSON_INTEGER_FORMAT " unknown, %" JSON_INTEGER_FORMAT
				    " under way\n", num(o, "asked"), num(o, "applied"), num(o, "refused"), num(o, "expired"),
				    num(o, "unknown"), num(o, "pending"));
			}
			if (asked && strcmp(str(o, "kind"), "refused") == 0 && num(o, "count") > 0)
				printf("  %-12s %8" JSON_INTEGER_FORMAT "\n", str(o, "name"), num(o, "count"));
		}
}

void
status_show(const json_t *root)
{
	const json_t *plan = json_object_get(root, "plan");
	struct look l = { .root = root, .procs = json_object_get(root, "processes"), .now = num(root, "now_ns") };

	l.width = name_width(l.procs);
	printf("penstock %s, site %s, up since %s\nplan %" JSON_INTEGER_FORMAT ": %" JSON_INTEGER_FORMAT " sources, %" JSON_INTEGER_FORMAT
	    " tags, %" JSON_INTEGER_FORMAT " events, %" JSON_INTEGER_FORMAT " flows, %" JSON_INTEGER_FORMAT " sinks\n\n", str(root, "version"),
	    str(root, "site"), str(root, "started"), num(plan, "number"), num(plan, "sources"), num(plan, "tags"), num(plan, "events"),
	    num(plan, "flows"), num(plan, "sinks"));
	processes(&l);
	for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
		print_table(&l, &tables[t]);
	requests(&l);
}
