/* penstock COMMAND ...: finds the command in commands.def and runs it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/near.h"
#include "cli/cli.h"
#include "proc/child.h"

static const struct command {
	const char	*name;
	int		(*run)(int argc, char **argv);
	const char	*args, *help;
} commands[] = {
#define CMD(name, fn, args, help) { name, cmd_##fn, args, help },
#include "cli/commands.def"
#undef CMD
};

#define NCOMMANDS (sizeof commands / sizeof commands[0])

static void
usage(FILE *out)
{
	fprintf(out, "penstock %s: carries plant data to the systems that act on it, and proves it.\n\n", PENSTOCK_VERSION);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  penstock %-10s %-30s %s\n", commands[i].name, commands[i].args, commands[i].help);
	fprintf(out, "\n  penstock COMMAND --help says more. State lives in --state DIR, else $PENSTOCK_STATE, else /var/lib/penstock.\n");
}

/* penstock --child ROLE NAME STATE_DIR: how the supervisor starts its children; of no use to anybody else. */
static int
child(int argc, char **argv)
{
	int role = argc == 5 ? role_parse(argv[2]) : -1;

	/*
	 * A process may leave while threads of its drivers and sinks still speak TLS: what they use is not taken from
	 * under them.
	 */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	switch (role) {
	case ROLE_FIELD:	return field_main(argv[3], argv[4]);
	case ROLE_INSIGHT:	return insight_main(argv[3], argv[4]);
	case ROLE_GATE:		return gate_main(argv[3], argv[4]);
	case ROLE_OFFICE:	return office_main(argv[3], argv[4]);
	default:		return EXIT_CANNOT;
	}
}

static int
command(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(argc < 2 ? stderr : stdout);
		return argc < 2 ? EXIT_CANNOT : EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("penstock %s\n", PENSTOCK_VERSION);
		return EXIT_OK;
	}
	struct near near = { .word = argv[1] };
	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
		near_try(&near, commands[i].name);
	}
	fprintf(stderr, "penstock: there is no command '%s'%s%s%s; 'penstock help' lists them\n", argv[1],
	    near.best ? ", did you mean '" : "", near.best ? near.best : "", near.best ? "'?" : "");
	return EXIT_CANNOT;
}

/*
 * What could not be written has not been said: a full disk behind `> file` is no success. A reader that has left (`|
 * head`) has all that it wanted, and is no failure either.
 */
static int
say_all(int status)
{
	errno = 0;
	bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;

	if (!failed || errno == EPIPE)
		return status;
	fprintf(stderr, "penstock: the output could not be written%s%s; what you have of it is not whole\n", errno != 0 ? ": " : "",
	    errno != 0 ? strerror(errno) : "");
	return EXIT_CANNOT;
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "--child") == 0)
		return child(argc, argv);
	signal(SIGPIPE, SIG_DFL);	/* whoever started us may ignore it; then `| head` would end with an error text */
	return say_all(command(argc, argv));
}
