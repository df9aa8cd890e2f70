/* penstock stop: asks the running penstock to stop in good order, and waits until it has. */
#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/ctl.h"

int
cmd_stop(int argc, char **argv)
{
	static const struct option options[] = { { "state", required_argument, NULL, 's' },
	    { "help", no_argument, NULL, 'h' }, { 0 } };
	const char *state = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:h", options, NULL)) != -1)
		if (opt == 's')
			state = optarg;
		else
			return cli_usage("usage: penstock stop [--state DIR]\n", opt == 'h');
	int fd = ctl_request(ctl_state_dir(state), "stop", 0, NULL);
	if (fd < 0)
		return EXIT_CANNOT;
	int err = ctl_copy(fd, stdout);
	ctl_close(fd);
	if (err == 0)
		puts("stopped");
	return err == 0 ? EXIT_OK : EXIT_CANNOT;
}
