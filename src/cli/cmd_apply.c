/*
 * penstock plan SITE: what would change against what runs. penstock apply SITE: change it, at once and whole. penstock
 * apply --back: return to the plan before.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/load.h"
#include "proc/supervisor.h"
#include "site/diff.h"

static const struct option options[] = {
	{ "state", required_argument, NULL, 's' }, { "back", no_argument, NULL, 'b' }, { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' }, { 0 },
};

int
cmd_plan(int argc, char **argv)
{
	static const char usage[] = "usage: penstock plan SITE [--state DIR] [--json]\nShows what would change against the plan in force. "
	    "Exit status: 0 shown, 1 the site file has errors, 2 it cannot be read.\n";
	struct plan *now = NULL, *next = NULL;
	struct buf out = { 0 };
	const char *state = NULL;
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:jh", options, NULL)) != -1)
		switch (opt) {
		case 's':
			state = optarg;
			break;
		case 'j':
			json = true;
			break;
		default:
			return cli_usage(usage, opt == 'h');
		}
	if (argc - optind != 1)
		return cli_usage(usage, false);
	int err = load_site_file(argv[optind], true, &next);
	if (err == 0) {
		int kept = plans_load(ctl_state_dir(state), false, &now);
		if (kept != 0 && kept != ERR_NOTFOUND)
			fprintf(stderr, "penstock: the plan in force cannot be read (%s); showing the new one alone\n", err_text(kept));
		err = site_diff(now, next, &out, json);
		fputs(buf_text(&out), stdout);
	}
	buf_fini(&out);
	plan_free(now);
	plan_free(next);
	return err == 0 ? EXIT_OK : err == ERR_SYNTAX ? EXIT_FINDINGS : EXIT_CANNOT;
}

/* The answer is text for people, and at its end one JSON object that says how it ended. */
static bool
answer(void *arg, char *text, size_t len)
{
	int *status = arg;
	json_t *o = *text == '{' ? json_loadb(text, len, 0, NULL) : NULL;
	const char *error = json_string_value(json_object_get(o, "error"));

	if (json_is_true(json_object_get(o, "applied"))) {
		*status = EXIT_OK;
		puts("applied: the new plan is in force");
	} else if (error != NULL) {
		*status = EXIT_FINDINGS;
		fprintf(stderr, "penstock: %s\n", error);
	} else
		puts(text);
	json_decref(o);
	return true;
}

int
cmd_apply(int argc, char **argv)
{
	static const char usage[] = "usage: penstock apply SITE [--state DIR]\n       penstock apply --back [--state DIR]\n"
	    "Puts a site file in force, whole or not at all; --back returns to the plan before. Exit status: 0 in force, 1 refused, "
	    "2 no penstock is running.\n";
	const char *state = NULL;
	bool back = false;
	int opt, status = EXIT_CANNOT;

	while ((opt = getopt_long(argc, argv, "s:bh", options, NULL)) != -1)
		switch (opt) {
		case 's':
			state = optarg;
			break;
		case 'b':
			back = true;
			break;
		default:
			return cli_usage(usage, opt == 'h');
		}
	if (argc - optind != (back ? 0 : 1))
		return cli_usage(usage, false);
	char *full = back ? NULL : realpath(argv[optind], NULL);
	if (!back && full == NULL) {
		fprintf(stderr, "penstock: there is no site file %s\n", argv[optind]);
		return EXIT_CANNOT;
	}
	const char *args[] = { full };
	int fd = ctl_request(ctl_state_dir(state), back ? "back" : "apply", back ? 0 : 1, args);
	free(full);
	if (fd < 0)
		return EXIT_CANNOT;
	if (ctl_lines(fd, answer, &status) != 0)
		status = EXIT_CANNOT;
	if (status == EXIT_CANNOT)
		fputs("penstock: the running penstock hung up before it answered; look at 'penstock status'\n", stderr);
	ctl_close(fd);
	return status;
}
