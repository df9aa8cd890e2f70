/*
 * Endpoints: "host:port", "[v6]:port", "host", or the path of a serial device; and their normal form, by which two
 * sources are found to share one connection.
 */
#ifndef SITE_LINK_H
#define SITE_LINK_H

#include <stdbool.h>
#include <stddef.h>

#define ENDPOINT_HOST_MAX 253u	/* RFC 1035, 2.3.4 */

struct endpoint {
	bool	device;		/* a path, in host */
	bool	v6;		/* host is an IPv6 address, without its brackets */
	char	host[4096];	/* lower case; addresses in their shortest form */
	int	port;		/* 0: none written */
};

/* Whole text s. 0, or ERR_SYNTAX with the cause in why ("has a port that is no number from 1 to 65535"). */
int endpoint_parse(const char *s, struct endpoint *out, char *why, size_t size);
/*
 * The same, or "scheme://host[:port][/path]": *path then points into s at the path's slash, or is "". A path holds no
 * blanks and no control bytes.
 */
int endpoint_parse_url(const char *s, const char *scheme, struct endpoint *out, const char **path, char *why, size_t size);
/* Normal form: "host:port", "[v6]:port" or the path. default_port: used when none is written. Returns out. */
char *endpoint_link(const struct endpoint *e, int default_port, char *out, size_t size);

#endif
