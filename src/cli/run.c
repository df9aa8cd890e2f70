/* See run.h. */
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void
become(const char *const *argv, int in, int out, bool apart, bool quiet)
{
	int null = open("/dev/null", O_RDWR);

	if (apart && unshare(CLONE_NEWNET) != 0)
		_exit(RUN_NO_RIGHT);
	if (dup2(in >= 0 ? in : null, 0) < 0 || dup2(out, 1) < 0 || (quiet && dup2(null, 2) < 0))
		_exit(RUN_NOT_THERE);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(RUN_NOT_THERE);
}

int
run_tool(const char *const *argv, const struct buf *in, bool apart, bool quiet, struct buf *out)
{
	FILE *file = in != NULL ? tmpfile() : NULL;
	int fds[2], status = -1;
	char part[4096];
	ssize_t n;

	if (in != NULL && (file == NULL || fwrite(in->p, 1, in->len, file) != in->len || fflush(file) != 0)) {
		if (file != NULL)
			fclose(file);
		return -1;
	}
	if (file != NULL)
		rewind(file);
	pid_t pid = pipe2(fds, O_CLOEXEC) == 0 ? fork() : -2;
	if (pid == 0)
		become(argv, file != NULL ? fileno(file) : -1, fds[1], apart, quiet);
	if (pid != -2) {
		close(fds[1]);
		while (pid > 0 && (n = read(fds[0], part, sizeof part)) > 0)
			buf_put(out, part, (size_t)n);
		close(fds[0]);
	}
	if (file != NULL)
		fclose(file);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
