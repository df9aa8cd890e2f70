/*
 * Items to NodeIds, on each connection anew: namespace URIs to this connection's indexes, browse paths by TranslateBrowsePathsToNodeIds in bulk (Part 4, 5.8.4),
 * items in trouble again from time to time. Then, in the background and once a server, what the nodes say of themselves (attrs.c).
 */
#ifndef DRIVER_OPCUA_RESOLVE_H
#define DRIVER_OPCUA_RESOLVE_H

#include "driver/opcua/ua_data.h"

struct ua_resolve {
	uint8_t		*state;		/* [ntags] enum, resolve.c */
	bool		*owned;		/* [ntags] node is ours to clear */
	bool		*described;	/* [ntags] its attributes were asked for on this connection */
	struct ua_line	 paths;		/* items whose path is to be translated */
	struct ua_line	 steps;		/* items of which each step is translated, to say which one is missing */
	struct ua_line	 attrs;		/* items whose attributes are to be read */
	struct ua_line	 waiting;	/* in trouble; unordered */
	struct ua_bulk	 translate, read;
	uint32_t	*asked;		/* the items of the call under way */
	uint32_t	 nasked;
	uint32_t	*attrs_asked;
	uint32_t	 nattrs_asked;
	bool		 stepwise;	/* the call under way is about the steps of asked[0] */
	bool		 busy, attrs_busy;
	struct mono	 hold, attrs_hold;	/* not before */
	struct mono	 retry_at;	/* earliest of those in trouble */
	uint64_t	 translated, failed;
};

/* The item has failed; it->retry_at says when it is to be tried again. */
void ua_resolve_retry(struct ua_agent *a, uint32_t tag);
/* NodeId of an address on this connection. text borrowed from the address where possible; *owned: clear it. Good or the trouble with *why (given, free). */
UA_StatusCode ua_node_of(const struct ua_agent *a, const struct ua_addr *addr, UA_NodeId *out, bool *owned, char **why);

/* resolve_path.c */
void ua_paths_tick(struct ua_agent *a, struct ua_resolve *r);
/* attrs.c; pending: some are still to be read on this connection */
bool ua_attrs_pending(const struct ua_agent *a);
void ua_attrs_tick(struct ua_agent *a, struct ua_resolve *r);
/* What an item is told when its browse path cannot be built or translated. */
enum { UA_RES_NONE, UA_RES_PATH, UA_RES_STEPS, UA_RES_DONE, UA_RES_WAITING };
void ua_resolve_found(struct ua_agent *a, uint32_t tag, const UA_NodeId *node);

#endif
