/* IP networks as people write them, for the rules of the architecture and the firewall. */
#ifndef SITE_ADDRESS_H
#define SITE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct network {
	uint8_t	address[16];	/* network order; IPv4 in the first four */
	uint8_t	bits;		/* length of the prefix */
	bool	v6;
};

/* "10.3.1.0/24": no bits may be set behind the prefix. 0 or ERR_SYNTAX. */
int network_parse(const char *s, struct network *out);
/* The same for the address of a host in its network, "10.3.1.2/24", or alone, "10.3.1.2". */
int network_parse_host(const char *s, struct network *out);
bool network_holds(const struct network *n, const struct network *host);
/* May it be met in the public internet? Not those of RFC 1918, RFC 4193, loopback, link-local and documentation. */
bool network_is_public(const struct network *n);

#endif
