/*
 * penstock outbox: what is on its way to a far end that books it, what it said, and what a person does about it.
 * Looking reads the store itself and needs nothing that runs; acting asks the office, which enters it in the audit log
 * first.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/outbox_cli.h"

#define LIMIT 50	/* events of a state in a list, unless told */

static const char usage[] =
	"usage: penstock outbox list [--sink S] [--state STATE] [--lane L] [--code C] [--complaints] [--all] [--limit N] [--json]\n"
	"       penstock outbox show ID [--sink S] [--json]\n"
	"       penstock outbox retry  ID...|all [--lane L] [--code C] --reason TEXT [--sink S] [--json]\n"
	"       penstock outbox resend ID... --reason TEXT [--sink S] [--json]\n"
	"       penstock outbox edit   ID FIELD=VALUE... --reason TEXT [--sink S] [--json]\n"
	"       penstock outbox cancel ID...|all [--lane L] [--code C] --reason TEXT [--sink S] [--json]\n"
	"       penstock outbox seen   ID... --reason TEXT [--sink S] [--json]\n"
	"       penstock outbox resume --reason TEXT [--sink S]\n"
	"list shows what waits or was refused; --all also what is confirmed or cancelled. STATE: ready, sent, confirmed, refused,\n"
	"quarantined, cancelled. retry sends again (after a look whether the far end has it, where nobody knows); resend: you have\n"
	"looked, the far end does not have it, send it without another look; edit changes fields of the event and sends it; cancel: it\n"
	"is never sent; seen: a complaint is dealt with; resume: go on after a damaged file.\n"
	"\"all\": those that were refused or quarantined. Each change stands in the audit log before it is done. Any other --state is the\n"
	"state directory, as everywhere. Exit status 1 when something was refused or not found.\n";

int
outbox_cannot(const char *why)
{
	fprintf(stderr, "penstock outbox: %s\n", why);
	return EXIT_CANNOT;
}

/* ---- list ---- */

static bool
list_one(void *arg, const struct outbox_item *i)
{
	struct outbox_asked *a = arg;
	struct buf b = { 0 };
	struct json j = { .out = &b };

	if (a->json) {
		json_open(&j, '{');
		json_key_text(&j, "sink", a->of->sink);
		outbox_json_item(&j, i, false);
		json_close(&j, '}');
		puts(buf_text(&b));
		buf_fini(&b);
	} else {
		if (a->shown == 0)
			outbox_print_head();
		outbox_print_line(i);
	}
	a->shown++;
	return !ferror(stdout);
}

static void
list_counts(const struct outbox_asked *a, const struct outbox_counts *c)
{
	struct buf b = { 0 };
	struct json j = { .out = &b };

	if (!a->json) {
		printf("sink %s\n", a->of->sink);
		outbox_print_counts(c, "  ");
		return;
	}
	json_open(&j, '{');
	json_key_text(&j, "sink", a->of->sink);
	json_key(&j, "counts");
	json_open(&j, '{');
	outbox_json_counts(&j, c);
	json_close(&j, '}');
	json_close(&j, '}');
	puts(buf_text(&b));
	buf_fini(&b);
}

static int
list_states(struct outbox_asked *a, struct outbox_look *l, const struct outbox_counts *c)
{
	/* What needs a person comes first. */
	static const enum outbox_state order[] = {
		OUTBOX_REFUSED, OUTBOX_QUARANTINED, OUTBOX_SENT, OUTBOX_READY, OUTBOX_CONFIRMED, OUTBOX_CANCELLED,
	};
	struct outbox_filter f = { .complaint = a->complaints, .lane = a->lane, .code = a->code, .limit = a->limit };
	int only = a->state != NULL ? outbox_state_parse(a->state) : -1, err = 0;

	a->shown = 0;
	if (a->complaints)
		return outbox_look_each(l, &f, list_one, a);
	for (size_t i = 0; err == 0 && i < sizeof order / sizeof order[0]; i++) {
		if (only >= 0 ? order[i] != (enum outbox_state)only : !a->all && i >= 4)
			continue;
		size_t before = a->shown;
		f.state = (int)order[i];
		err = outbox_look_each(l, &f, list_one, a);
		uint64_t n = a->shown - before;
		if (!a->json && n == f.limit && n < c->n[order[i]] && a->lane == NULL && a->code == NULL)
			printf("... of %llu that are %s; --limit N shows more\n", (unsigned long long)c->n[order[i]],
			    outbox_state_name(order[i]));
	}
	return err;
}

static int
list(struct outbox_asked *a, const struct outbox_name *v, int n)
{
	char why[500];
	int status = EXIT_OK;

	for (int i = 0; i < n; i++) {
		struct outbox_look *l;
		struct outbox_counts c;
		a->of = &v[i];
		int err = outbox_look_open(v[i].path, &l, why, sizeof why);
		if (err == ERR_NOTFOUND)
			continue;
		if (err != 0) {
			status = outbox_cannot(why);
			continue;
		}
		err = outbox_look_counts(l, &c);
		if (err == 0) {
			list_counts(a, &c);
			err = list_states(a, l, &c);
		}
		outbox_look_close(l);
		if (err != 0)
			status = outbox_cannot(err_text(err));
	}
	if (n == 0 && !a->json)
		printf("no outbox has been begun yet\n");
	return status;
}

/* ---- acting ---- */

static bool
answer_line(void *arg, char *text, size_t len)
{
	struct outbox_asked *a = arg;
	json_t *o = json_loadb(text, len, 0, NULL);
	const char *error = json_string_value(json_object_get(o, "error")), *did = json_string_value(json_object_get(o, "did"));
	json_int_t id = json_integer_value(json_object_get(o, "id"));
	const json_t *count = json_object_get(o, "count");

	a->errors += error != NULL;
	a->shown++;
	if (a->json)
		printf("%.*s\n", (int)len, text);
	else if (count != NULL)
		printf("%s: %lld events, %lld could not be\n", did != NULL ? did : "?", (long long)json_integer_value(count),
		    (long long)json_integer_value(json_object_get(o, "not")));
	else if (id != 0)
		printf("event %lld: %s\n", (long long)id, error != NULL ? error : did != NULL ? did : "?");
	else if (error != NULL)
		fprintf(stderr, "penstock outbox: %s\n", error);
	else
		printf("%s\n", did != NULL ? did : "?");
	json_decref(o);
	return true;
}

static int
act(struct outbox_asked *a, const char *verb)
{
	const char *args[64] = { a->sink != NULL ? a->sink : "", verb };
	const struct { const char *name, *text; } options[] = { { "--reason", a->reason }, { "--lane", a->lane },
	    { "--code", a->code } };
	int n = 2;

	if (a->n > 50)
		return outbox_cannot("at most 50 at once, or all");
	if (a->reason == NULL)
		return outbox_cannot("say why with --reason TEXT: it stands in the audit log and with the event");
	for (int i = 0; i < a->n; i++)
		args[n++] = a->args[i];
	for (size_t i = 0; i < 3; i++)
		if (options[i].text != NULL) {
			args[n++] = options[i].name;
			args[n++] = options[i].text;
		}
	int fd = ctl_request(a->state_dir, "outbox", n, args);
	if (fd < 0)
		return EXIT_CANNOT;
	int err = ctl_lines(fd, answer_line, a);
	ctl_close(fd);
	if (err == 0 && a->shown == 0)
		return outbox_cannot("the running penstock hung up before it answered; penstock outbox show tells whether it is done");
	return err != 0 ? EXIT_CANNOT : a->errors > 0 ? EXIT_FINDINGS : EXIT_OK;
}

static bool
parse(struct outbox_asked *a, int argc, char **argv, int *status)
{
	static const struct option options[] = {
		{ "sink", required_argument, NULL, 'k' }, { "state", required_argument, NULL, 's' },
		{ "lane", required_argument, NULL, 'l' }, { "code", required_argument, NULL, 'c' },
		{ "reason", required_argument, NULL, 'r' },
		{ "limit", required_argument, NULL, 'n' }, { "json", no_argument, NULL, 'j' }, { "all", no_argument, NULL, 'a' },
		{ "complaints", no_argument, NULL, 'C' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int opt;

	*a = (struct outbox_asked){ .limit = LIMIT };
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (opt) {
		case 'k': a->sink = optarg; break;
		case 's': *(outbox_state_parse(optarg) >= 0 ? &a->state : &a->state_dir) = optarg; break;
		case 'l': a->lane = optarg; break;
		case 'c': a->code = optarg; break;
		case 'r': a->reason = optarg; break;
		case 'j': a->json = true; break;
		case 'a': a->all = true; break;
		case 'C': a->complaints = true; break;
		case 'n':
			if (num_parse_u64(optarg, strlen(optarg), &a->limit) == 0)
				break;
			/* fallthrough */
		default:
			*status = cli_usage(usage, opt == 'h');
			return false;
		}
	a->state_dir = ctl_state_dir(a->state_dir);
	a->n = argc - optind - 1;
	a->args = argv + optind + 1;
	return true;
}

int
cmd_outbox(int argc, char **argv)
{
	static const char *const acts[] = { "retry", "resend", "edit", "cancel", "seen", "resume" };
	static struct outbox_name names[OUTBOXES_MAX];
	struct outbox_asked a;
	int status;

	if (!parse(&a, argc, argv, &status))
		return status;
	const char *what = optind < argc ? argv[optind] : "";
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
		if (strcmp(what, acts[i]) == 0)
			return act(&a, what);
	if (strcmp(what, "list") != 0 && strcmp(what, "show") != 0)
		return cli_usage(usage, false);
	int n = outboxes_find(a.state_dir, a.sink, names);
	if (n < 0) {
		fprintf(stderr, "penstock outbox: %s/office: %s\n", a.state_dir, err_text(n));
		return EXIT_CANNOT;
	}
	if (n == 0 && a.sink != NULL && !a.json)
		fprintf(stderr, "penstock outbox: sink %s has no outbox (yet)\n", a.sink);
	return strcmp(what, "list") == 0 ? list(&a, names, n) : outbox_show(&a, names, n);
}
