/*
 * Outgoing TCP connections, never blocking. A connection is opened towards an address that somebody has resolved; its
 * outcome is asked for once the descriptor is writable.
 */
#ifndef OS_TCP_H
#define OS_TCP_H

#include <stddef.h>
#include <sys/socket.h>

/* Quiet time before the kernel asks the peer; it gives up after 3 unanswered asks 10 s apart. */
#define TCP_KEEPALIVE_S 30

/*
 * Begin to connect. *fd is given (stream_close()): non-blocking, close-on-exec, no delay, keep-alive on.
 * 0 when connected or under way (wait until writable, then tcp_result()), else ERR_CONN and such with *fd -1 and
 * errno kept.
 */
int tcp_connect(const struct sockaddr *to, socklen_t len, int *fd);
/* How a connect ended: 0, or the errno of the failure. */
int tcp_result(int fd);
/*
 * A numeric address ("10.3.1.10", "fe80::1%eth0") and port as a socket address. 0, or ERR_SYNTAX when host is a name,
 * which somebody has to look up.
 */
int tcp_numeric(const char *host, int port, struct sockaddr_storage *out, socklen_t *len);
/* "10.3.1.10:502", "[fe80::1]:502"; for log lines. Returns out. */
#define TCP_ADDR_TEXT 80
char *tcp_format(const struct sockaddr *a, socklen_t len, char *out);
/* Listen on an address, non-blocking. 0 with *fd given; ERR_BUSY when somebody else does, and such, errno kept. */
int tcp_listen(const struct sockaddr *at, socklen_t len, int *fd);
/* The next connection that waits, set up as tcp_connect() does, and who it is. >= 0; ERR_AGAIN; an error. */
int tcp_accept(int fd, struct sockaddr_storage *from, socklen_t *len);
/*
 * What an errno of a failed connect or a lost connection means to the person who looks after the device. Static text.
 */
const char *tcp_cause(int errnum);

#endif
