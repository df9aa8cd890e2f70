/* penstock run SITE: the gateway in the foreground. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/load.h"
#include "os/disk.h"
#include "os/file.h"
#include "proc/supervisor.h"

static const char usage[] =
	"usage: penstock run SITE [--state DIR] [--verbose]\n"
	"Runs the site until SIGTERM or ^C. Without SITE: the plan that was last in force. A SITE with errors is refused; when a plan\n"
	"was in force before, that one goes on running.\n";

/* Thousands of devices need thousands of descriptors; the hard limit is the administrator's word. */
static void
raise_descriptor_limit(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* Folders down to the state directory, as `mkdir -p` makes them. */
static int
make_state_dir(const char *path)
{
	char part[512];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof part)
		return ERR_RANGE;
	for (size_t i = 1; i <= len; i++)
		if (path[i] == '/' || path[i] == '\0') {
			memcpy(part, path, i);
			part[i] = '\0';
			int err = disk_os.mkdir(disk_os.ctx, part);
			if (err != 0)
				return err;
		}
	return 0;
}

int
cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	const char *state = NULL;
	enum log_level level = LOG_LEVEL_INFO;
	struct plan *plan = NULL;
	int opt, err = ERR_NOTFOUND;

	while ((opt = getopt_long(argc, argv, "s:vh", options, NULL)) != -1)
		switch (opt) {
		case 's':
			state = optarg;
			break;
		case 'v':
			level = LOG_LEVEL_DEBUG;
			break;
		default:
			return cli_usage(usage, opt == 'h');
		}
	if (argc - optind > 1)
		return cli_usage(usage, false);
	file_inherit_none();
	log_open("supervisor", level);
	char *full = NULL;
	state = ctl_state_dir(state);
	if ((err = make_state_dir(state)) != 0 || (full = realpath(state, NULL)) == NULL) {
		fprintf(stderr, "penstock: the state directory %s cannot be made: %s; name one that is writable with --state\n", state, err_text(err));
		return EXIT_CANNOT;
	}
	if (optind < argc) {
		err = load_site_file(argv[optind], true, &plan);
		if (err == 0 && (err = plans_store(full, plan)) != 0) {
			fprintf(stderr, "penstock: the plan cannot be kept in %s/plans: %s; the state directory must be writable for this user and have "
			    "room\n", full, err_text(err));
			plan_free(plan);
			free(full);
			return EXIT_CANNOT;
		}
		if (err == 0)
			;	/* kept */
		else if (plans_load(full, false, &plan) == 0) {
			log_error("site_refused", "file=\"%s\" running=\"the plan that was last in force\" remedy=\"mend the file, then: penstock "
			    "apply\"", argv[optind]);
			err = 0;
		}
	} else
		err = plans_load(full, false, &plan);
	if (err != 0) {
		if (optind < argc)
			fprintf(stderr, "penstock: nothing to run: %s: %s\n", argv[optind],
			    err == ERR_SYNTAX ? "mend what is listed above" : err_text(err));
		else if (err == ERR_NOTFOUND)
			fprintf(stderr, "penstock: nothing to run: %s keeps no plan yet; give a SITE file\n", full);
		else
			fprintf(stderr, "penstock: nothing to run: %s/plans/current cannot be used: %s; give a SITE file, it is made anew\n", full,
			    err_text(err));
		free(full);
		return EXIT_CANNOT;
	}
	raise_descriptor_limit();
	int status = supervisor_run(plan, full);
	free(full);
	return status;
}
