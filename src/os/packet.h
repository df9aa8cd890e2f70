/* SOCK_SEQPACKET pairs, a packet a message, at most one descriptor with it. unix(7). */
#ifndef OS_PACKET_H
#define OS_PACKET_H

#include <stddef.h>

/* Two connected ends, close-on-exec, non-blocking; both given. */
int packet_pair(int fds[2]);
/* 0; ERR_AGAIN when full; ERR_CONN when the peer is gone. pass: a descriptor to send along, borrowed, or -1. */
int packet_send(int fd, const void *p, size_t len, int pass);
/* One packet of at most size bytes. 0 with *len (and *pass given, or -1); ERR_AGAIN; ERR_CONN at the end; ERR_LIMIT when the
 * packet was longer or brought more than one descriptor (all closed). */
int packet_recv(int fd, void *p, size_t size, size_t *len, int *pass);
void packet_close(int fd);	/* -1 is nothing */

#endif
