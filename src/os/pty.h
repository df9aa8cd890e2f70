/* Pseudo terminals: a serial line without hardware, for simulated devices. */
#ifndef OS_PTY_H
#define OS_PTY_H

#include <stddef.h>

/*
 * Make a pseudo terminal, raw, and a symbolic link to the side that others open (a link or file that is there is
 * replaced in one step). When the last of the others has closed it, reading *fd fails with EIO: make a new one then.
 *
 * fd    given (stream_close()), our side, non-blocking; -1 on failure
 * why   cause and remedy on failure, at most size bytes
 */
int pty_open(const char *link, int *fd, char *why, size_t size);

#endif
