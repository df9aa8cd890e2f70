/*
 * The network ways of a plan: who connects to whom, at which port, for which flows. Firewall rules and the interface
 * list of the architecture document are made of these rows, so both show what runs.
 */
#ifndef SITE_WAYS_H
#define SITE_WAYS_H

#include "site/catalog.h"

struct way {
	const char	*what;		/* "source filler-plc", "sink plant-broker" */
	const char	*kind;		/* driver or kind of sink: "modbus-tcp" */
	const char	*zone;		/* that the far end stands in */
	const char	*host;		/* of the far end, as written; of our own end for inbound ones, "" for any */
	int		 port;		/* TCP; UDP where it is one way, or udp */
	bool		 udp;		/* UDP, with answers */
	bool		 service;	/* of a node's services: host is the far end's also where that opens the session; encrypted is not known */
	bool		 one_way;	/* nothing is to come back on it */
	bool		 inbound;	/* the far end opens the session */
	bool		 encrypted;	/* by TLS or the protocol itself, as configured */
	const char	*flows;		/* names, joined by ", "; "" if none */
	const char	*missing;	/* NULL, or why there is no way to write down ("no port is known") */
};

/*
 * All of them, sources first, in the order of the site file. Rows and texts in the arena. Serial lines and what stays
 * on this machine have none.
 */
uint32_t ways_of(const struct plan *p, const struct catalog *c, struct arena *a, struct way **out);
/* Those of the services that a node uses, likewise; the zone is the one that its interface on this way faces. */
struct gateway_node;
uint32_t ways_of_services(const struct plan *p, const struct gateway_node *node, struct arena *a, struct way **out);
/* That of one source, without the names of flows. False: it has none. */
bool way_of_source(const struct plan *p, const struct catalog *c, uint32_t i, struct arena *a, struct way *out);
/* Those of one sink, likewise, into room for as many as it has keys. Returns how many. */
uint32_t ways_of_sink(const struct plan *p, const struct catalog *c, uint32_t i, struct arena *a, struct way *out);

#endif
