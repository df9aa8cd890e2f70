/* See link.h. */
#include "site/link.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/num.h"

static int
fault(char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s", what);
	return ERR_SYNTAX;
}

/* RFC 1123, 2.1: labels of letters, digits and inner hyphens; '_' is taken too, since plants have such names. */
static bool
host_name_ok(const char *h)
{
	size_t label = 0;
	for (size_t i = 0; h[i] != '\0'; i++) {
		if (h[i] == '.') {
			if (label == 0 || h[i - 1] == '-')
				return false;
			label = 0;
		} else if (!isalnum((unsigned char)h[i]) && h[i] != '_' && (h[i] != '-' || label == 0))
			return false;
		else if (++label > 63)
			return false;
	}
	return label > 0;
}

static int
take_host(struct endpoint *e, const char *s, size_t len, char *why, size_t size)
{
	unsigned char bin[16];
	if (len == 0)
		return fault(why, size, "has no host");
	if (len > ENDPOINT_HOST_MAX)
		return fault(why, size, "has a host of more than 253 bytes");
	for (size_t i = 0; i < len; i++)
		e->host[i] = (char)tolower((unsigned char)s[i]);
	e->host[len] = '\0';
	if (e->v6) {
		if (inet_pton(AF_INET6, e->host, bin) != 1)
			return fault(why, size, "has no valid IPv6 address between its brackets");
		inet_ntop(AF_INET6, bin, e->host, sizeof e->host);
		return 0;
	}
	if (strspn(e->host, "0123456789.") == len && inet_pton(AF_INET, e->host, bin) != 1)
		return fault(why, size,
		    "has no valid IPv4 address: that is four numbers from 0 to 255 without leading zeros");
	return host_name_ok(e->host) ? 0 : fault(why, size, "has a host with characters that no host name has");
}

static int
take_port(struct endpoint *e, const char *s, char *why, size_t size)
{
	int64_t port;
	if (*s == '\0')
		return 0;
	if (*s != ':' || num_parse_i64(s + 1, strlen(s + 1), &port) != 0 || port < 1 || port > 65535 ||
	    !isdigit((unsigned char)s[1]))
		return fault(why, size, "has a port that is no number from 1 to 65535");
	e->port = (int)port;
	return 0;
}

int
endpoint_parse(const char *s, struct endpoint *out, char *why, size_t size)
{
	*out = (struct endpoint){ 0 };
	if (*s == '\0')
		return fault(why, size, "is empty");
	if (*s == '/') {
		if (strlen(s) >= sizeof out->host)
			return fault(why, size, "is longer than a path can be");
		out->device = true;
		snprintf(out->host, sizeof out->host, "%s", s);
		return 0;
	}
	if (strstr(s, "://") != NULL)
		return fault(why, size, "is a URL; an endpoint is host:port without a scheme");
	const char *host = s, *end = s + strcspn(s, ":");
	if (*s == '[') {
		host = s + 1;
		end = strchr(s, ']');
		out->v6 = true;
		if (end == NULL)
			return fault(why, size, "has an opening bracket without its closing one");
	} else if (*end == ':' && strchr(end + 1, ':') != NULL)
		return fault(why, size,
		    "holds several colons; an IPv6 address stands in brackets, as in [fd00::10]:502");
	int err = take_host(out, host, (size_t)(end - host), why, size);
	return err != 0 ? err : take_port(out, out->v6 ? end + 1 : end, why, size);
}

int
endpoint_parse_url(const char *s, const char *scheme, struct endpoint *out, const char **path, char *why, size_t size)
{
	char authority[ENDPOINT_HOST_MAX + 16];
	size_t n = strlen(scheme);

	*path = "";
	if (strncasecmp(s, scheme, n) != 0 || strncmp(s + n, "://", 3) != 0) {
		int err = endpoint_parse(s, out, why, size);
		if (err != 0 && strstr(s, "://") != NULL)
			snprintf(why, size, "is no %s URL: write %s://host:port", scheme, scheme);
		return err;
	}
	s += n + 3;
	n = strcspn(s, "/?#");
	if (n >= sizeof authority)
		return fault(why, size, "has a host of more than 253 bytes");
	memcpy(authority, s, n);
	authority[n] = '\0';
	if (strchr(authority, '@') != NULL)
		return fault(why, size, "holds a user name: users have keys of their own");
	for (const char *p = s + n; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p == 0x7f)
			return fault(why, size, "has a blank in its path: write it as %20");
	*path = s + n;
	int err = endpoint_parse(authority, out, why, size);
	if (err == 0 && out->device)
		return fault(why, size, "has no host");
	return err;
}

char *
endpoint_link(const struct endpoint *e, int default_port, char *out, size_t size)
{
	int port = e->port ? e->port : default_port;
	if (e->device)
		snprintf(out, size, "%s", e->host);
	else if (e->v6)
		snprintf(out, size, "[%s]:%d", e->host, port);
	else
		snprintf(out, size, "%s:%d", e->host, port);
	return out;
}
