/*
 * Bytes to and from an open descriptor (TCP connection or serial line), never blocking. tcp.h and serial.h open it.
 */
#ifndef OS_STREAM_H
#define OS_STREAM_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Read up to len bytes. Returns the count (> 0), ERR_AGAIN when nothing is there yet, ERR_END when the peer has
 * closed its side, else the error (ERR_CONN and such). errno is kept for the log line.
 */
ssize_t stream_read(int fd, void *p, size_t len);
/*
 * Write up to len bytes. Returns the count taken (may be fewer), ERR_AGAIN when none, else the error. Raises no
 * SIGPIPE.
 */
ssize_t stream_write(int fd, const void *p, size_t len);
/* Close; a negative fd does nothing. */
void stream_close(int fd);

#endif
