/* penstock status: the tree, rates, backlog and health of what runs, as tables or as JSON. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/outboxes.h"
#include "cli/status_show.h"

#define SINKS_MS	1000	/* office has so long to say how its sinks are; the rest is shown without it */

static bool
take_root(void *arg, char *text, size_t len)
{
	json_error_t e;

	*(json_t **)arg = json_loadb(text, len, 0, &e);
	if (*(json_t **)arg == NULL)
		fprintf(stderr, "penstock: the answer cannot be read (%s); is the running penstock of another version?\n", e.text);
	return false;
}

static bool
take_sink(void *arg, char *text, size_t len)
{
	json_t *o = json_loadb(text, len, 0, NULL);

	if (o != NULL && json_object_get(o, "sink") != NULL)
		json_array_append(arg, o);
	json_decref(o);
	return true;
}

/* How the sinks are and why, in office's own words. Office may hang or be away: then this list is empty. */
static json_t *
ask_sinks(const char *state)
{
	const struct timeval limit = { .tv_usec = SINKS_MS * 1000 % 1000000, .tv_sec = SINKS_MS / 1000 };
	json_t *list = json_array();
	int fd = ctl_request(state, "sinks", 0, NULL);

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		ctl_lines(fd, take_sink, list);	/* an answer that breaks off tells what it told */
	}
	ctl_close(fd);
	return list;
}

/* The accounts of outboxes, from their files. Those that this user may not read are left out. */
static json_t *
read_outboxes(const char *state)
{
	struct buf b = { 0 };
	struct json j = { .out = &b };

	outboxes_json(state, &j);
	json_t *list = json_loadb(buf_text(&b), b.len, 0, NULL);
	buf_fini(&b);
	return list != NULL ? list : json_array();
}

static int
show(const char *state, bool json, bool security)
{
	json_t *root = NULL;
	int fd = ctl_request(state, "status", 0, NULL);

	if (fd < 0)
		return EXIT_CANNOT;
	int err = ctl_lines(fd, take_root, &root);
	ctl_close(fd);
	if (root == NULL && err == 0)
		fputs("penstock: the running penstock hung up before it answered; it is being stopped\n", stderr);
	if (root == NULL)
		return EXIT_CANNOT;
	json_object_set_new(root, "sinks", ask_sinks(state));
	json_object_set_new(root, "outboxes", read_outboxes(state));
	if (json) {
		json_dumpf(root, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (security)
		status_show_security(root);
	else
		status_show(root);
	json_decref(root);
	return EXIT_OK;
}

int
cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' }, { "watch", no_argument, NULL, 'w' },
		{ "security", no_argument, NULL, 'S' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	static const char usage[] = "usage: penstock status [--state DIR] [--json] [--watch] [--security]\n--security shows what the kernel enforces on each process. --watch shows it anew every second until ^C. Counts are "
	    "of the process as it runs; over restarts, 'penstock ledger' counts.\nERRORS: requests that failed and connections lost. REFUSED: tags that the "
	    "device refuses, 'penstock why TAG'. LATE: 99th percentile.\n";
	const char *state = NULL;
	bool json = false, watch = false, security = false;
	int opt, status;

	while ((opt = getopt_long(argc, argv, "s:jwSh", options, NULL)) != -1)
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
		case 'S':
			security = true;
			break;
		default:
			return cli_usage(usage, opt == 'h');
		}
	do {
		if (watch && !json)
			printf("\033[H\033[2J");
		status = show(ctl_state_dir(state), json, security);
		if (fflush(stdout) != 0)
			break;
		if (watch && status == EXIT_OK)
			sleep(1);
	} while (watch && status == EXIT_OK);
	return status;
}
