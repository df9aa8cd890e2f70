/* Addresses of a name, by the machine's name service. For threads that may block: it takes as long as that service does. */
#ifndef OS_LOOKUP_H
#define OS_LOOKUP_H

#include <stddef.h>
#include <sys/socket.h>

struct lookup_address {
	struct sockaddr_storage	a;
	socklen_t		len;
};
/*
 * Host may be a numeric address, too. Returns how many were found, at most max; 0 with a sentence for people in why.
 */
unsigned lookup_host(const char *host, int port, struct lookup_address *out, unsigned max, char *why, size_t size);

#endif
