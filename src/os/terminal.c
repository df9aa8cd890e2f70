/* See terminal.h. */
#include "os/terminal.h"

#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"

bool
terminal_is_one(void)
{
	return isatty(STDIN_FILENO) != 0;
}

static int
read_line(size_t max, struct buf *out)
{
	size_t n = 0;
	char c;

	for (;;) {	/* ends: each turn takes a byte, at most max of them */
		ssize_t got = read(STDIN_FILENO, &c, 1);
		if (got < 0)
			return ERR_IO;
		if (got == 0)
			return n > 0 ? 0 : ERR_END;
		if (c == '\n')
			return out->err;
		if (n++ == max)
			return ERR_LIMIT;
		buf_putc(out, c);
	}
}

/* Who ends or stops us while nothing is shown must not leave a terminal that shows nothing: the signal comes again when that is put right. */
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
#define SIGNALS	(sizeof signals / sizeof signals[0])
static volatile sig_atomic_t came;

static void
on_signal(int sig)
{
	came = sig;
}

int
terminal_secret(const char *prompt, size_t max, struct buf *out)
{
	struct sigaction before[SIGNALS], catch = { .sa_handler = on_signal };	/* without SA_RESTART: the read ends */
	struct termios as_it_was, silent;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &as_it_was) != 0)
		return read_line(max, out);
	silent = as_it_was;
	silent.c_lflag &= (tcflag_t)~ECHO;
	came = 0;
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &catch, &before[i]);
	fputs(prompt, stderr);
	fflush(stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	int err = read_line(max, out);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &as_it_was);
	fputs("\n", stderr);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &before[i], NULL);
	if (came != 0)
		raise(came);
	return err;
}
