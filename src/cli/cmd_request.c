/*
 * penstock request: ask something of a device, look at what was asked, be the second person. Gate decides; who asks is
 * what the kernel says of this process, so nothing of it is typed here.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/asking.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "model/request.h"
#include "os/clock.h"
#include "site/parse.h"

#define LIST_DEFAULT	"20"

static const char usage[] =
	"usage: penstock request write TAG VALUE [--ttl 5s] [--key KEY] [--note TEXT] [--wait] [--json] [--state DIR]\n"
	"       penstock request call SOURCE METHOD [ARGUMENT]... [options as above]\n"
	"       penstock request ack TAG EVENT [options as above]\n"
	"       penstock request list [--last N] | show ID | confirm ID [--wait] | cancel ID [--json] [--state DIR]\n"
	"Nothing is done but what the section `requests` of the site file admits. --ttl: not later than so much from "
	    "now; left out,\n"
	"as long as the entry grants. --key: asking again with the same key gives the known outcome and never a second "
	    "write.\n"
	"--wait: until it is over. Exit status: 0 applied (or taken, without --wait), 1 refused, expired or unknown.\n";

struct asked {
	const char	*state, *ttl, *key, *note, *last;
	bool		 wait, json;
	int		 argc;
	char		**argv;
	bool		 bad;		/* something was refused */
	size_t		 lines;
};

static void
show_value(const char *name, const json_t *v)
{
	if (v == NULL)
		return;
	printf("  %-10s ", name);
	asking_print_value(v);
	putchar('\n');
}

static void
show(const json_t *o)
{
	static const char *const texts[] = { "entry", "from", "user", "confirmed_by", "key", "note", "asked", "ended",
	    "why" };
	const char *state = asking_text(o, "state"), *reason = asking_text(o, "reason"), *kind = asking_text(o, "kind");
	const json_t *id = json_object_get(o, "id");

	printf("request %lld: %s%s%s%s", (long long)json_integer_value(id), state, *reason != '\0' ? " (" : "", reason,
	    *reason != '\0' ? ")" : "");
	if (*kind != '\0')
		printf("  %s %s %s", kind, asking_text(o, strcmp(kind, "call") == 0 ? "source" : "tag"), asking_text(o,
		    "method"));
	putchar('\n');
	show_value("value", json_object_get(o, "value"));
	show_value("arguments", json_object_get(o, "arguments"));
	show_value("read back", json_object_get(o, "readback"));
	show_value("results", json_object_get(o, "results"));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (*asking_text(o, texts[i]) != '\0')
			show_value(texts[i], json_object_get(o, texts[i]));
	if (strcmp(state, "pending") == 0)
		printf("  another person confirms it with: penstock request confirm %lld\n",
		    (long long)json_integer_value(id));
}

static bool
one_line(void *arg, char *text, size_t len)
{
	struct asked *a = arg;
	json_t *o = json_loadb(text, len, 0, NULL);
	const char *error = asking_text(o, "error"), *state = asking_text(o, "state");
	static const char *const bad[] = { "refused", "expired", "unknown" };

	a->lines++;
	for (size_t i = 0; i < 3 && strcmp(a->argv[0], "list") != 0; i++)
		a->bad |= strcmp(state, bad[i]) == 0;
	a->bad |= *error != '\0';
	if (a->json)
		printf("%.*s\n", (int)len, text);
	else if (*error != '\0')
		fprintf(stderr, "penstock request: %s\n", error);
	else if (o != NULL)
		show(o);
	fflush(stdout);
	json_decref(o);
	return true;
}

static int
deadline_text(const struct asked *a, char *out, size_t size)
{
	static const struct key ttl = { "ttl", KEY_DURATION, .min = 1e6, .max = (double)REQUEST_TTL_MAX_NS,
	    .help = "" };
	struct parse_env env = { .decimal = '.' };
	struct keyval v = { 0 };

	if (key_parse(&ttl, a->ttl, strlen(a->ttl), &env, &v) != 0) {
		fprintf(stderr, "penstock request: --ttl \"%s\" %s; %s\n", a->ttl, env.why, env.remedy);
		return ERR_SYNTAX;
	}
	snprintf(out, size, "deadline=%lld", (long long)(boot_now().ns + v.i));
	return 0;
}

/* "NAME=text", given. */
static char *
option(const char *name, const char *text)
{
	size_t size = strlen(name) + strlen(text) + 2;
	char *p = malloc(size);
	if (p != NULL)
		snprintf(p, size, "%s=%s", name, text);
	return p;
}

static int
send_it(struct asked *a)
{
	const char *args[REQUEST_ARGS_MAX + 16];
	char deadline[40], *key = NULL, *note = NULL;
	int n = 0;

	if (a->ttl != NULL && deadline_text(a, deadline, sizeof deadline) != 0)
		return EXIT_CANNOT;
	if (a->ttl != NULL)
		args[n++] = deadline;
	if (a->key != NULL && (key = option("key", a->key)) != NULL)
		args[n++] = key;
	if (a->note != NULL && (note = option("note", a->note)) != NULL)
		args[n++] = note;
	if (a->wait)
		args[n++] = "wait";
	for (int i = 0; i < a->argc; i++)
		args[n++] = a->argv[i];
	if (strcmp(a->argv[0], "list") == 0)
		args[n++] = a->last != NULL ? a->last : LIST_DEFAULT;
	int fd = ctl_request(ctl_state_dir(a->state), "request", n, args);
	free(key);
	free(note);
	if (fd < 0)
		return EXIT_CANNOT;
	int err = ctl_lines(fd, one_line, a);
	ctl_close(fd);
	if (err != 0)
		fprintf(stderr, "penstock request: the answer broke off (%s); penstock request list shows what became "
		    "of it\n", err_text(err));
	else if (a->lines == 0 && strcmp(a->argv[0], "list") != 0)
		fprintf(stderr, "penstock request: the gate ended before it could answer; penstock audit show tells "
		    "what became of it\n");
	return err != 0 || (a->lines == 0 && strcmp(a->argv[0], "list") != 0) ? EXIT_CANNOT : a->bad ? EXIT_FINDINGS :
	    EXIT_OK;
}

/* The verb and how many arguments it has. */
static bool
well_formed(const struct asked *a)
{
	static const struct { const char *verb; int min, max; bool asks; } verbs[] = {
		{ "write", 3, 3, true }, { "call", 3, 3 + (int)REQUEST_ARGS_MAX, true }, { "ack", 3, 3, true },
		    { "list", 1, 1, false },
		{ "show", 2, 2, false }, { "confirm", 2, 2, false }, { "cancel", 2, 2, false },
	};

	for (size_t i = 0; a->argc > 0 && i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(a->argv[0], verbs[i].verb) == 0)
			return a->argc >= verbs[i].min && a->argc <= verbs[i].max && (verbs[i].asks ||
			    (a->ttl == NULL && a->key == NULL && a->note == NULL));
	return false;
}

/* By hand, since a value may begin with a dash. 0; 1: the usage was asked for; -1: an option that there is not. */
static int
parse(struct asked *a, int argc, char **argv)
{
	const struct { const char *name; const char **text; bool *flag; } options[] = {
		{ "--ttl", &a->ttl, NULL }, { "--key", &a->key, NULL }, { "--note", &a->note, NULL }, { "--last",
		    &a->last, NULL },
		{ "--state", &a->state, NULL }, { "--wait", NULL, &a->wait }, { "--json", NULL, &a->json },
	};
	const size_t n = sizeof options / sizeof options[0];

	a->argv = argv;		/* what is no option moves to the front */
	for (int i = 1; i < argc; i++) {
		size_t k = 0, len = strcspn(argv[i], "=");
		if (strncmp(argv[i], "--", 2) != 0) {
			a->argv[a->argc++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--help") == 0)
			return 1;
		while (k < n && (strlen(options[k].name) != len || strncmp(options[k].name, argv[i], len) != 0))
			k++;
		if (k == n || (options[k].flag != NULL && argv[i][len] != '\0') ||
		    (options[k].text != NULL && argv[i][len] == '\0' && i + 1 == argc))
			return -1;
		if (options[k].flag != NULL)
			*options[k].flag = true;
		else
			*options[k].text = argv[i][len] == '=' ? argv[i] + len + 1 : argv[++i];
	}
	return 0;
}

int
cmd_request(int argc, char **argv)
{
	struct asked a = { .state = NULL };
	int parsed = parse(&a, argc, argv);

	if (parsed != 0 || !well_formed(&a))
		return cli_usage(usage, parsed > 0);
	return send_it(&a);
}
