/*
 * Datagrams one way: a socket that only sends, to one address, and one that only receives, on one. Non-blocking.
 *
 * The sender's socket is connected, never fragments (a datagram that is too long is an error), and what comes to it is dropped by a filter of the kernel
 * before it is queued. The receiver's is bound and never connected. Neither is asked to do the other's work here.
 */
#ifndef OS_UDP_H
#define OS_UDP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define UDP_BATCH	64u	/* datagrams of one call, at most */

struct udp_datagram { const uint8_t *p; size_t len; };	/* borrowed; of a receiver valid until its next call */

/* *fd given (stream_close()). ERR_CONN: there is no way there, and such; errno kept. */
int udp_send_open(const struct sockaddr *to, socklen_t len, int *fd);
/*
 * Send n (at most UDP_BATCH) datagrams. Returns how many were taken by the kernel (at least 1), ERR_AGAIN: none for now (also when the network has no
 * room or no way at the moment), ERR_LIMIT: the first one is too long for the path, or another error. What a far end says back (port unreachable) is
 * nothing that is listened to.
 */
int udp_send(int fd, const struct udp_datagram *v, unsigned n);

struct udp_in;	/* a receiving socket with room for UDP_BATCH datagrams */
/*
 * Bind to an address; buffer_bytes is asked for, *got_bytes receives what the kernel gave. Given: udp_in_close(). ERR_BUSY: the port is somebody
 * else's; ERR_NOMEM and such, errno kept.
 */
int udp_in_open(const struct sockaddr *at, socklen_t len, size_t buffer_bytes, size_t longest, struct udp_in **out, size_t *got_bytes);
void udp_in_close(struct udp_in *u);
int udp_in_fd(const struct udp_in *u);
/*
 * What has come, at most UDP_BATCH datagrams; one that is longer than `longest` has a len of longest + 1. Returns how many; ERR_AGAIN: none; an error.
 * *overrun: datagrams that this socket had no room for, ever: this machine was too slow, the network did not lose them.
 */
int udp_in_receive(struct udp_in *u, struct udp_datagram *v, uint64_t *overrun);

#endif
