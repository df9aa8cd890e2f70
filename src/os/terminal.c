/* See terminal.h. */
#include "os/terminal.h"

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

int
terminal_secret(const char *prompt, size_t max, struct buf *out)
{
	struct termios as_it_was, silent;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &as_it_was) != 0)
		return read_line(max, out);
	silent = as_it_was;
	silent.c_lflag &= (tcflag_t)~ECHO;
	fputs(prompt, stderr);
	fflush(stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	int err = read_line(max, out);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &as_it_was);
	fputs("\n", stderr);
	return err;
}
