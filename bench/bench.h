/*
 * Measurements: each prints a table in which a figure stands beside its peer or the machine's limit, measured in the same run.
 * `build/bench NAME [--tsv]`; with --tsv a line a figure: name, value, unit, compared with, its value, ratio.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The measurements, one file each: bench/NAME.c holds int bench_NAME(int argc, char **argv). BENCH(name, function, help). */
#define BENCH(name, fn, help) int bench_##fn(int argc, char **argv);
#include "bench/benches.def"
#undef BENCH

/* Begin a table; then rows; the first row prints the head. */
void bench_title(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* peer NULL: nothing to compare with (a goal may stand in note). ratio = value / peer_value. note may be NULL. */
void bench_row(const char *name, double value, const char *unit, const char *peer, double peer_value, const char *note);
/* A remark under the table (not in --tsv). */
void bench_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A measurement that cannot be made here (a missing peer): says why; the run goes on. */
void bench_skip(const char *name, const char *why);

double bench_now_s(void);				/* monotonic */
double bench_cpu_s(pid_t pid);				/* user + system of a process so far; 0: this one */
double bench_pss_mib(pid_t pid);
double bench_median(double *v, size_t n);		/* sorts v */
/* Start a program (NULL-ended arguments); its standard output can be read line by line. Ended at exit at the latest. */
struct bench_child {
	pid_t	pid;
	int	out;
	char	buf[65536];
	size_t	len, pos;
};
bool bench_spawn(struct bench_child *c, const char *const *argv);
/* Next line without '\n', within timeout_s; NULL when there is none. */
const char *bench_line(struct bench_child *c, double timeout_s);
void bench_end(struct bench_child *c, int signal_number);	/* waits; kills after 5 s */
/* A fresh directory, removed at exit. */
const char *bench_dir(void);
/* The program and the folder of peers, beside build/bench. */
const char *bench_program(void);
const char *bench_peer(const char *name);

#endif
