/*
 * The command line's side of the control socket, <state>/control.sock. A request is a verb and arguments; the answer is text until
 * the far end closes. The supervisor answers itself or hands the connection to the process that knows.
 */
#ifndef CLI_CTL_H
#define CLI_CTL_H

#include <stdbool.h>
#include <stdio.h>

#define CTL_REQUEST_MAX	30000u

/* The state directory: the argument if not NULL, else $PENSTOCK_STATE, else /var/lib/penstock. */
const char *ctl_state_dir(const char *given);
/*
 * Connect and send a request. >= 0: a connected descriptor, given, to read the answer from; else a negative error, and why was
 * printed on standard error with what to do ("no penstock is running with the state directory ...").
 */
int ctl_request(const char *state_dir, const char *verb, int argc, const char *const *argv);
/* Read the answer line by line (without the '\n') until the end or until line() returns false. 0 or a negative error. */
int ctl_lines(int fd, bool (*line)(void *arg, char *text, size_t len), void *arg);
/* Copy the answer to out. 0 or a negative error. */
int ctl_copy(int fd, FILE *out);
/*
 * The rings of a running penstock, read-only, and the names in them: calls slice(fd) once with a slice as insight gets it, then
 * ring(name, fd) for each ring; descriptors are given. 0 or a negative error, said on standard error.
 */
int ctl_rings(const char *state_dir, void (*slice)(void *arg, int fd),
    void (*ring)(void *arg, const char *writer, int fd), void *arg);
void ctl_close(int fd);

#endif
