/* A local listening socket and the lock that goes with its directory. */
#ifndef OS_LISTEN_H
#define OS_LISTEN_H

#include <stddef.h>
#include <sys/types.h>

/* Take <path> as an exclusive lock that dies with the process. >= 0; ERR_BUSY when another process has it. */
int lock_file(const char *path);
/* A stream socket bound to a path (an old one is removed: call lock_file first), listening, non-blocking. >= 0 or an error. */
int listen_unix(const char *path, mode_t mode);
/* The next waiting connection, non-blocking, close-on-exec. >= 0; ERR_AGAIN. */
int accept_unix(int fd);
/* Read what is there, at most size bytes. > 0; ERR_AGAIN; ERR_CONN at the end. */
ssize_t read_some(int fd, void *p, size_t size);
/* Send text with one descriptor, blocking for at most a second in all. 0 or an error. */
int send_with_fd(int fd, const char *text, int pass);

#endif
