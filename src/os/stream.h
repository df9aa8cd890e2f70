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
/* Bytes written that the far end's kernel has not acknowledged, or a serial line not sent yet; 0 also when that cannot be known. */
size_t stream_unsent(int fd);
/*
 * What was written and has not arrived is to be dropped when the descriptor is closed (a TCP reset), not delivered; what a
 * serial line has not sent yet is dropped at once.
 */
void stream_abort(int fd);
/* Close; a negative fd does nothing. */
void stream_close(int fd);

#endif
