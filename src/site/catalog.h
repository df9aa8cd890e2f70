/*
 * What the site file may name: drivers and sinks, with the keys that they declare and the functions that judge their
 * parts of the file. site/ knows none of them; the program hands the catalog in (src/proc/catalog.c builds it from
 * drivers.def and sinks.def).
 */
#ifndef SITE_CATALOG_H
#define SITE_CATALOG_H

#include "site/plan.h"

/* What a driver understood of an address. */
struct at_info {
	uint8_t		type;		/* value type that the address yields before scaling, maybe VALUE_ARRAY */
	bool		writable;	/* can be written in principle */
	/* Place in the device, for finding overlaps: two tags of one source overlap when space is equal, the ranges
	 * [first, last] meet, and neither is a bit of a word (overlap is a finding only when the types differ or
	 * the ranges differ; equal address and type is a duplicate). */
	uint32_t	space;
	uint64_t	first, last;
	bool		bit;
};

/* What a source asks of its link, to find a load that cannot be carried. */
struct load_info {
	double	requests_per_s;
	double	busy;		/* fraction of the link's time, 1.0 = all of it; estimated from baud rate or round trip */
	double	bytes_per_s;
	const char *basis;	/* what it rests on, in the arena: "9600 baud 8N1, 12 requests of 300 ms" */
};

struct driver_info {
	const char		*name;		/* "modbus-tcp" */
	const char		*help;
	const struct key	*keys;		/* of a source of this driver (beyond driver, zone, endpoint) */
	const char *const	*at_forms;	/* how addresses are written: "form: meaning" a row; NULL-ended, or NULL */
	int			 default_port;	/* 0: none */
	bool			 listens;	/* far ends connect to it: only in a zone of the IT side (level 3.5 and above) */
	const char		*role_key;	/* of choices connect, listen: says it instead; settled by site/roles.c. NULL: none */
	bool			 one_way;	/* UDP to it alone, which it never answers */
	bool			 no_controller;	/* what it speaks to is no machine: it may stand in a zone of the business */
	uint32_t		 ring_bytes;	/* that a source adds to what its process' ring must hold at least; 0: nothing */
	bool			 no_endpoint;	/* it has none: each source is a link of its own, "manual (name of the source)" */
	bool			 endpoint_is_device;	/* endpoint is a serial device path, not host:port */
	/*
	 * "opc.tcp": an endpoint may also be written as a URL of this scheme, with a path. The source's link is then
	 * "opc.tcp://host:port/path (name of the source)": such sources never share a connection. NULL: no URLs.
	 */
	const char		*endpoint_scheme;
	/*
	 * Judge one address. keys: the source's values. On failure returns a negative error and writes cause and
	 * remedy into why (at most size bytes): "register 70000 is past 65535: holding registers count from 0 to
	 * 65535".
	 */
	int	(*parse_at)(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size);
	/* What it can do on the way back (requests:), see driver.h. */
	bool	writes, calls, acks;
	/* May this source be written as its keys say? 0, or an error with cause and remedy in why. NULL: yes. */
	int	(*can_write)(const struct keyval *keys, char *why, size_t size);
	/*
	 * Judge the address of a method, as parse_at does a tag's. NULL: any text that is not empty will do (only with
	 * calls).
	 */
	int	(*parse_method)(const char *at, const struct keyval *keys, char *why, size_t size);
	/* Estimate the load of a compiled source. 0 or an error when nothing can be said. */
	int	(*load)(const struct source *s, struct arena *a, struct load_info *out);
};

struct sink_info {
	const char		*name;		/* "mqtt" */
	const char		*help;
	const struct key	*keys;
	bool			 listens;	/* far ends connect to it, so its process may listen */
	const char		*role_key;	/* as in struct driver_info */
	bool			 one_way;	/* UDP from it alone, which nobody answers; what it sent is not known to be delivered */
	bool			 encrypted;	/* always, without a key `tls` */
	bool			 events_only;	/* it takes events (tags of type json), no other values */
	int			 default_port, tls_port;	/* of its endpoint where none is written; tls_port with `tls`. 0: none */
	/* Judge the values together (a client key without a certificate, a bad topic template). 0, or negative with cause and remedy in
	 * why and the index of the key it concerns in *key. */
	int	(*check)(const struct sink *s, char *why, size_t size, size_t *key);
};

struct catalog {
	const struct driver_info *const	*drivers;	/* NULL-ended */
	const struct sink_info *const	*sinks;		/* NULL-ended */
};

#endif
