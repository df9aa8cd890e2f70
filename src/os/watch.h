/* Several descriptors waited for through one, which becomes readable while any of them is ready: for whoever may give its loop only one. */
#ifndef OS_WATCH_H
#define OS_WATCH_H

#include <stdbool.h>

/* 0 with *w given (stream_close()); or an error of the kernel. */
int watch_open(int *w);
/* Wait for fd to be readable and, if asked, writable. Both false: no longer (before fd is closed). 0 or an error. */
int watch_set(int w, int fd, bool in, bool out);
/* For who has no loop: block until one of them is ready, for at most timeout_ms, or until a signal comes. 0; ERR_TIMEOUT; ERR_AGAIN: a signal. */
int watch_wait(int w, int timeout_ms);

#endif
