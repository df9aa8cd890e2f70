/* See address.h. */
#include "site/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int
network_parse_host(const char *s, struct network *out)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *slash = strchr(s, '/');
	size_t len = slash != NULL ? (size_t)(slash - s) : strlen(s);

	*out = (struct network){ .v6 = memchr(s, ':', len) != NULL };
	if (len >= sizeof host)
		return ERR_SYNTAX;
	memcpy(host, s, len);
	host[len] = '\0';
	if (inet_pton(out->v6 ? AF_INET6 : AF_INET, host, out->address) != 1)
		return ERR_SYNTAX;
	unsigned most = out->v6 ? 128 : 32, bits = most;
	if (slash != NULL) {
		char *end;
		if (slash[1] < '0' || slash[1] > '9')
			return ERR_SYNTAX;
		unsigned long n = strtoul(slash + 1, &end, 10);
		if (*end != '\0' || n > most)
			return ERR_SYNTAX;
		bits = (unsigned)n;
	}
	out->bits = (uint8_t)bits;
	return 0;
}

static bool
same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned rest = bits % 8;

	return memcmp(a, b, bits / 8) == 0 && (rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0);
}

int
network_parse(const char *s, struct network *out)
{
	static const uint8_t zeros[16];
	struct network n;

	if (strchr(s, '/') == NULL || network_parse_host(s, &n) != 0)
		return ERR_SYNTAX;
	*out = n;
	unsigned bits = n.bits;
	if (bits % 8 != 0)
		n.address[bits / 8] = (uint8_t)(n.address[bits / 8] << bits % 8);
	return memcmp(n.address + bits / 8, zeros, (n.v6 ? 16u : 4u) - bits / 8) == 0 ? 0 : ERR_SYNTAX;
}

bool
network_holds(const struct network *n, const struct network *host)
{
	return n->v6 == host->v6 && n->bits <= host->bits && same_prefix(n->address, host->address, n->bits);
}

bool
network_is_public(const struct network *n)
{
	static const char *const own[] = {
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10", "192.0.2.0/24", "198.51.100.0/24",
		"203.0.113.0/24", "fc00::/7", "fe80::/10", "::1/128", "2001:db8::/32",
	};
	struct network range;

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (network_parse(own[i], &range) == 0 && network_holds(&range, n))
			return false;
	return true;
}
