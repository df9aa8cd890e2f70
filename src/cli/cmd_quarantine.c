/*
 * penstock quarantine: what a far end refused, why, and what becomes of it. Looking needs nothing that runs; acting
 * asks the office.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "office/quarantine.h"

static const char usage[] =
	"usage: penstock quarantine list [--sink NAME] [--all] [--json] [--state DIR]\n"
	"       penstock quarantine show ID... [--json] [--state DIR]\n"
	"       penstock quarantine retry ID...|all [--json] [--state DIR]\n"
	"       penstock quarantine drop ID...|all --reason TEXT [--json] [--state DIR]\n"
	"list and show read the store itself; retry and drop ask the running penstock. What is dropped is lost for good,\n"
	"and stands in the ledger with its reason. Exit status 1 when something was refused or not found.\n";

struct asked {
	const char	*state, *sink, *reason;
	bool		 json, all;
	int		 n;
	char		**args;
	size_t		 shown;
};

static const char *const state_names[] = {
	[QUARANTINE_HELD] = "held", [QUARANTINE_RELEASED] = "released", [QUARANTINE_DISCARDED] = "dropped",
};

static void
print_json(const struct quarantine_item *i, bool whole)
{
	struct buf out = { 0 };
	struct json j = { .out = &out };
	char when[WALL_TEXT];
	const struct { const char *key; const char *text; } texts[] = {
		{ "stream", i->stream }, { "sink", i->sink }, { "when", wall_format(i->when, 3, when) }, { "reason", i->reason },
		{ "state", state_names[i->state] }, { "note", i->note }, { "message", whole ? i->preview : NULL },
	};
	const struct { const char *key; uint64_t n; } numbers[] = {
		{ "id", (uint64_t)i->id }, { "first", i->first }, { "last", i->last }, { "attempts", (uint64_t)i->attempts },
	};

	json_open(&j, '{');
	for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
		json_key_u64(&j, numbers[k].key, numbers[k].n);
	for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
		if (texts[k].text == NULL)
			continue;
		json_key_text(&j, texts[k].key, texts[k].text);
	}
	json_close(&j, '}');
	printf("%s\n", buf_text(&out));
	buf_fini(&out);
}

/* A reason comes from a broker: control bytes do not reach the terminal. */
static void
print_safe(const char *s)
{
	for (; *s != '\0'; s++)
		if (((unsigned char)*s < 0x20 && *s != '\n') || *s == 0x7f)
			printf("\\x%02x", (unsigned char)*s);
		else
			putchar(*s);
}

static void
list_one(void *arg, const struct quarantine_item *i)
{
	struct asked *a = arg;
	char when[WALL_TEXT];

	if (a->json)
		print_json(i, false);
	else {
		if (a->shown == 0)
			printf("%-6s %-9s %-20s %-16s %-30s %12s %8s  %s\n", "ID", "STATE", "WHEN", "SINK", "STREAM",
			    "FIRST", "SAMPLES", "REASON");
		printf("%-6lld %-9s %-20s %-16s %-30s %12llu %8llu  ", (long long)i->id, state_names[i->state],
		    wall_format(i->when, 0, when),
		    i->sink, i->stream, (unsigned long long)i->first, (unsigned long long)(i->last - i->first + 1));
		print_safe(i->reason);
		putchar('\n');
	}
	a->shown++;
}

static void
show_one(void *arg, const struct quarantine_item *i)
{
	struct asked *a = arg;
	char when[WALL_TEXT];

	a->shown++;
	if (a->json) {
		print_json(i, true);
		return;
	}
	printf("item %lld, %s\n", (long long)i->id, state_names[i->state]);
	printf("  sink      %s\n  stream    %s\n  samples   %llu to %llu\n  since     %s\n  sent again %lld times\n  reason    ", i->sink, i->stream,
	    (unsigned long long)i->first, (unsigned long long)i->last, wall_format(i->when, 3, when), (long long)i->attempts);
	print_safe(i->reason);
	if (i->note[0] != '\0') {
		printf("\n  note      ");
		print_safe(i->note);
	}
	printf("\n\n");
	print_safe(i->preview);
	putchar('\n');
}

static int
cannot(const char *why)
{
	fprintf(stderr, "penstock quarantine: %s\n", why);
	return EXIT_CANNOT;
}

static int
parse_id(const char *text, int64_t *id)
{
	return num_parse_i64(text, strlen(text), id) == 0 && *id > 0 ? 0 : ERR_SYNTAX;
}

static int
show(struct asked *a, struct quarantine *q)
{
	int status = EXIT_OK;

	for (int i = 0; i < a->n; i++) {
		int64_t id;
		int err = parse_id(a->args[i], &id);
		if (err == 0)
			err = quarantine_get(q, id, show_one, a);
		if (err == 0)
			continue;
		fprintf(stderr, "penstock quarantine: no item %s: penstock quarantine list shows what is there\n", a->args[i]);
		status = EXIT_FINDINGS;
	}
	return status;
}

static int
look(struct asked *a, bool list)
{
	struct quarantine *q;
	char path[4096], why[500] = "";

	if (!list && a->n == 0)
		return cannot("show what? Give the number of an item");
	snprintf(path, sizeof path, "%s/office/quarantine.db", ctl_state_dir(a->state));
	int err = quarantine_look(path, &q, why, sizeof why);
	if (err == ERR_NOTFOUND && list) {
		if (!a->json)
			printf("nothing is in quarantine\n");
		return EXIT_OK;
	}
	if (err != 0)
		return cannot(why);
	int status = list ? EXIT_OK : show(a, q);
	if (list && quarantine_each(q, a->all ? -1 : QUARANTINE_HELD, a->sink, list_one, a) != 0)
		status = cannot("the store cannot be read");
	else if (list && a->shown == 0 && !a->json)
		printf("nothing is in quarantine\n");
	quarantine_close(q);
	return status;
}

static bool
answer_line(void *arg, char *text, size_t len)
{
	struct asked *a = arg;
	json_t *o = json_loadb(text, len, 0, NULL);
	const char *error = json_string_value(json_object_get(o, "error")), *did = json_string_value(json_object_get(o, "did"));
	json_int_t id = json_integer_value(json_object_get(o, "id"));

	if (error != NULL)
		a->shown++;
	if (a->json)
		printf("%.*s\n", (int)len, text);
	else if (id != 0)
		printf("item %lld: %s\n", (long long)id, error != NULL ? error : did != NULL ? did : "?");
	else if (error != NULL)
		fprintf(stderr, "penstock quarantine: %s\n", error);
	else
		printf("%s\n", did != NULL ? did : "?");
	json_decref(o);
	return true;
}

static int
act(struct asked *a, const char *what)
{
	const char *args[64] = { what };
	int n = 1;

	if (a->n == 0 || a->n > 60)
		return cannot(a->n == 0 ? "which ones? Give numbers of items, or all" : "at most 60 numbers at once, or all");
	for (int i = 0; i < a->n; i++)
		args[n++] = a->args[i];
	if (a->reason != NULL) {
		args[n++] = "--reason";
		args[n++] = a->reason;
	}
	int fd = ctl_request(ctl_state_dir(a->state), "quarantine", n, args);
	if (fd < 0)
		return EXIT_CANNOT;
	int err = ctl_lines(fd, answer_line, a);
	ctl_close(fd);
	return err != 0 ? EXIT_CANNOT : a->shown > 0 ? EXIT_FINDINGS : EXIT_OK;
}

int
cmd_quarantine(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "sink", required_argument, NULL, 'k' },
		{ "reason", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' }, { "all", no_argument, NULL, 'a' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct asked a = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (opt) {
		case 's': a.state = optarg; break;
		case 'k': a.sink = optarg; break;
		case 'r': a.reason = optarg; break;
		case 'j': a.json = true; break;
		case 'a': a.all = true; break;
		default:
			return cli_usage(usage, opt == 'h');
		}
	const char *what = optind < argc ? argv[optind] : "";
	a.n = argc - optind - 1;
	a.args = argv + optind + 1;
	if (strcmp(what, "list") == 0)
		return look(&a, true);
	if (strcmp(what, "show") == 0)
		return look(&a, false);
	if (strcmp(what, "retry") == 0)
		return act(&a, what);
	if (strcmp(what, "drop") == 0 && a.reason == NULL)
		return cannot("what is dropped is lost for good: say why with --reason TEXT, it stands in the ledger");
	if (strcmp(what, "drop") == 0)
		return act(&a, what);
	return cli_usage(usage, false);
}
