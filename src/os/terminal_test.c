/* What a terminal looks like after a secret was asked for. */
#include "os/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/test.h"
#include "os/clock.h"

static bool
shows(int tty)
{
	struct termios t;

	return tcgetattr(tty, &t) == 0 && (t.c_lflag & ECHO) != 0;
}

/* A child that asks at the terminal; returns when nothing is shown there any more. */
static pid_t
ask_at(int tty)
{
	pid_t child = fork();

	if (child == 0) {
		struct buf secret = { 0 };
		signal(SIGINT, SIG_DFL);	/* in the background of a shell it is ignored */
		dup2(tty, STDIN_FILENO);
		dup2(tty, STDERR_FILENO);
		int err = terminal_secret("Password: ", 20, &secret);
		_exit(err == 0 && secret.len == 3 ? 0 : 1);
	}
	for (int i = 0; i < 10000 && shows(tty); i++)
		mono_sleep(NS_PER_MS);
	CHECK(!shows(tty));
	return child;
}

static int
open_pair(int *tty)
{
	int control = posix_openpt(O_RDWR | O_NOCTTY);

	CHECK(control >= 0 && grantpt(control) == 0 && unlockpt(control) == 0);
	*tty = open(ptsname(control), O_RDWR | O_NOCTTY);
	CHECK(*tty >= 0 && shows(*tty));
	return control;
}

TEST(a_terminal_shows_what_is_typed_again_after_the_secret)
{
	int tty, control = open_pair(&tty), status;
	pid_t child = ask_at(tty);

	CHECK_INT(write(control, "abc\n", 4), 4);
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
	CHECK(shows(tty));
	close(tty);
	close(control);
}

TEST(who_is_interrupted_while_asking_leaves_a_terminal_that_shows)
{
	int tty, control = open_pair(&tty), status;
	pid_t child = ask_at(tty);

	CHECK_INT(kill(child, SIGINT), 0);
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), SIGINT);
	CHECK(shows(tty));
	close(tty);
	close(control);
}

TEST_MAIN
