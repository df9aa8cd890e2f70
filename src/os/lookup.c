/* See lookup.h. */
#include "os/lookup.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "os/tcp.h"

unsigned
lookup_host(const char *host, int port, struct lookup_address *out, unsigned max, char *why, size_t size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *all = NULL;
	char service[8];
	unsigned n = 0;

	if (max > 0 && tcp_numeric(host, port, &out[0].a, &out[0].len) == 0)
		return 1;
	snprintf(service, sizeof service, "%d", port);
	int err = getaddrinfo(host, service, &hints, &all);
	for (struct addrinfo *i = all; err == 0 && i != NULL && n < max; i = i->ai_next) {
		if (i->ai_addrlen > sizeof out[n].a)
			continue;
		memcpy(&out[n].a, i->ai_addr, i->ai_addrlen);
		out[n++].len = i->ai_addrlen;
	}
	if (all != NULL)
		freeaddrinfo(all);
	if (n == 0)
		snprintf(why, size, "the name %.200s cannot be looked up (%s): check its spelling and this machine's name service",
		    host, err != 0 ? gai_strerror(err) : "it has no address");
	return n;
}
