/* build/bench NAME... | all [--tsv]. See bench.h. */
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "os/procfs.h"

static bool	tsv, head_due;
static char	here[4096];
static pid_t	children[256];
static size_t	nchildren;
static char	dirs[64][64];
static size_t	ndirs;

static const struct {
	const char	*name;
	int		(*run)(int argc, char **argv);
	const char	*help;
} benches[] = {
#define BENCH(name, fn, help) { name, bench_##fn, help },
#include "bench/benches.def"
#undef BENCH
	{ NULL, NULL, NULL }
};

void
bench_title(const char *fmt, ...)
{
	va_list ap;
	if (tsv)
		return;
	va_start(ap, fmt);
	printf("\n");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	head_due = true;
}

void
bench_row(const char *name, double value, const char *unit, const char *peer, double peer_value, const char *note)
{
	if (tsv) {
		if (peer != NULL)
			printf("%s\t%g\t%s\t%s\t%g\t%g\n", name, value, unit, peer, peer_value, peer_value > 0 ? value / peer_value : 0);
		else
			printf("%s\t%g\t%s\t\t\t\n", name, value, unit);
		fflush(stdout);
		return;
	}
	if (head_due)
		printf("  %-40s %14s %-12s %-30s %14s %8s\n", "figure", "value", "unit", "beside", "its value", "ratio");
	head_due = false;
	printf("  %-40s %14.6g %-12s", name, value, unit);
	if (peer != NULL)
		printf(" %-30s %14.6g %8.3f", peer, peer_value, peer_value > 0 ? value / peer_value : 0.0);
	if (note != NULL)
		printf("  %s", note);
	printf("\n");
	fflush(stdout);
}

void
bench_note(const char *fmt, ...)
{
	va_list ap;
	if (tsv)
		return;
	va_start(ap, fmt);
	printf("  ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

void
bench_skip(const char *name, const char *why)
{
	fprintf(tsv ? stderr : stdout, "  %s: not measured: %s\n", name, why);
}

double
bench_now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double
bench_cpu_s(pid_t pid)
{
	if (pid == 0) {
		struct timespec t;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
		return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	}
	return (double)procfs_cpu_ns(pid) / 1e9;
}

double
bench_pss_mib(pid_t pid)
{
	struct procfs_memory m;
	procfs_memory(pid == 0 ? getpid() : pid, &m);
	return (double)m.pss / (1 << 20);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double
bench_median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, by_value);
	return n == 0 ? 0 : n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

bool
bench_spawn(struct bench_child *c, const char *const *argv)
{
	int fds[2];

	if (nchildren == sizeof children / sizeof children[0] || pipe(fds) != 0)
		return false;
	*c = (struct bench_child){ .out = fds[0] };
	c->pid = fork();
	if (c->pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execvp(argv[0], (char *const *)(size_t)argv);
		perror(argv[0]);
		_exit(127);
	}
	close(fds[1]);
	if (c->pid < 0) {
		close(fds[0]);
		return false;
	}
	children[nchildren++] = c->pid;
	return true;
}

const char *
bench_line(struct bench_child *c, double timeout_s)
{
	double until = bench_now_s() + timeout_s;

	for (;;) {
		char *start = c->buf + c->pos, *nl = memchr(start, '\n', c->len - c->pos);
		if (nl != NULL) {
			*nl = '\0';
			c->pos = (size_t)(nl + 1 - c->buf);
			return start;
		}
		memmove(c->buf, start, c->len - c->pos);
		c->len -= c->pos;
		c->pos = 0;
		double left = until - bench_now_s();
		struct pollfd p = { .fd = c->out, .events = POLLIN };
		if (left <= 0 || c->len == sizeof c->buf || poll(&p, 1, (int)(left * 1000) + 1) <= 0)
			return NULL;
		ssize_t n = read(c->out, c->buf + c->len, sizeof c->buf - c->len);
		if (n <= 0)
			return NULL;
		c->len += (size_t)n;
	}
}

void
bench_end(struct bench_child *c, int signal_number)
{
	if (c->pid <= 0)
		return;
	kill(c->pid, signal_number);
	for (int i = 0; i < 500 && waitpid(c->pid, NULL, WNOHANG) == 0; i++) {
		if (i == 499)
			kill(c->pid, SIGKILL);
		usleep(10000);
	}
	for (size_t i = 0; i < nchildren; i++)
		if (children[i] == c->pid)
			children[i] = children[--nchildren];
	close(c->out);
	c->pid = 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
clean_up(void)
{
	for (size_t i = 0; i < nchildren; i++)
		kill(children[i], SIGKILL);
	for (size_t i = 0; i < ndirs; i++)
		nftw(dirs[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
bench_dir(void)
{
	if (ndirs == sizeof dirs / sizeof dirs[0])
		exit(2);
	char *d = dirs[ndirs++];
	snprintf(d, sizeof dirs[0], "/tmp/penstock-bench-XXXXXX");
	if (mkdtemp(d) == NULL) {
		perror(d);
		exit(2);
	}
	return d;
}

const char *
bench_program(void)
{
	static char path[sizeof here + 16];
	snprintf(path, sizeof path, "%s/penstock", here);
	return path;
}

const char *
bench_peer(const char *name)
{
	static char path[sizeof here + 64];
	snprintf(path, sizeof path, "%s/peers/%s", here, name);
	return path;
}

int
main(int argc, char **argv)
{
	int failed = 0, ran = 0;

	ssize_t n = readlink("/proc/self/exe", here, sizeof here - 1);
	here[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(here, '/');
	if (slash != NULL)
		*slash = '\0';
	atexit(clean_up);
	for (int i = 1; i < argc; i++)
		tsv |= strcmp(argv[i], "--tsv") == 0;
	for (int i = 1; i < argc; i++)
		for (size_t k = 0; benches[k].name != NULL; k++)
			if (strcmp(argv[i], "all") == 0 || strcmp(argv[i], benches[k].name) == 0) {
				ran++;
				failed += benches[k].run(argc, argv) != 0;
			}
	if (ran == 0) {
		fprintf(stderr, "usage: build/bench NAME... | all [--tsv]\n");
		for (size_t k = 0; benches[k].name != NULL; k++)
			fprintf(stderr, "  %-14s %s\n", benches[k].name, benches[k].help);
		return 2;
	}
	return failed != 0;
}
