/*
 * Walking through a server's address space, for `penstock browse`: forward hierarchical references from one node, every node once, its variables
 * with what they say of themselves. A part of the agent that sleeps unless the agent was made for browsing (agent.browse).
 *
 * Polite and bounded: UA_BROWSE_CALLS calls under way, the server's operation limits, pages by continuation points, an optional rate; at most
 * `max` nodes, UA_BROWSE_DEPTH levels, and a page that brings nothing twice ends its node. What was left out is counted and said.
 */
#ifndef DRIVER_OPCUA_BROWSE_H
#define DRIVER_OPCUA_BROWSE_H

#include <pthread.h>

#include "base/map.h"
#include "driver/opcua/ua.h"
#include "driver/opcua/ua_type.h"

#define UA_BROWSE_CALLS		4u
#define UA_BROWSE_DEPTH		16u
#define UA_BROWSE_MAX		1000000u	/* nodes, unless asked otherwise */
#define UA_BROWSE_PER_CALL	1000u
#define UA_BROWSE_REFERENCES	10000u		/* of one node a page */
#define UA_BROWSE_TEXT_MAX	1000u		/* bytes of a name or description that are kept */
#define UA_BROWSE_TYPES_MAX	4096u		/* different data types */

struct browse_node {
	uint32_t	 parent;	/* index; of the first: itself */
	uint8_t		 depth;
	uint8_t		 class;		/* NodeClass: 1 object, 2 variable, 8 object type */
	bool		 property;	/* by HasProperty: not in the table, but its value may say something of its parent */
	bool		 analog;	/* has unit, lo, hi as below */
	bool		 has_range;
	uint8_t		 access;	/* UserAccessLevel */
	uint16_t	 name_ns;
	int32_t		 rank;
	uint32_t	 type;		/* index in types; UINT32_MAX: not known */
	struct ua_id	 id;
	const char	*name;		/* BrowseName */
	const char	*help;		/* Description, NULL: none */
	const char	*unit;		/* UCUM; NULL: none or not known */
	const char	*unit_text;	/* of EUInformation, when it is no unit that we know */
	double		 lo, hi;
};

struct browse_type {
	UA_NodeId	 id;
	uint8_t		 builtin;	/* 0: not known */
	bool		 structure, done;
};

enum browse_state { BROWSE_WAITING, BROWSE_WALKING, BROWSE_READING, BROWSE_TYPES, BROWSE_DONE };

struct ua_browse {
	/* What is wanted; set before the agent starts. */
	const char	*from;		/* address of the node to begin at; NULL: Objects */
	bool		 types;		/* object types instead: from ObjectTypes */
	uint32_t	 max;
	double		 rate;		/* nodes a second that are asked for, 0: as fast as it goes */

	/* What was found; the owner's after state DONE (guarded by lock until then). */
	pthread_mutex_t	 lock;
	pthread_cond_t	 changed;
	enum browse_state state;
	char		 why[300];	/* DONE without success: cause and remedy; "": all went well */
	struct arena	 memory;
	struct browse_node *nodes;
	uint32_t	 n, room;
	struct browse_type *kinds;
	uint32_t	 nkinds;
	const char	**namespaces;	/* copies */
	uint32_t	 nnamespaces;
	uint32_t	 refused, too_deep, pages, calls_made;	/* nodes that the server did not let us see; that lie too deep */
	bool		 full;		/* max was reached */

	/* Of the walk. */
	struct map	 seen, kind_of;
	uint32_t	 next, again_at;	/* nodes [next, n) are to be asked */
	uint32_t	*again;			/* nodes to be asked once more, in smaller calls */
	uint32_t	 nagain, again_room, calls, size, read_next;
	double		 tokens;
	struct mono	 tokens_at;
};

/* Borrowed by the agent until it has ended. */
void ua_browse_init_job(struct ua_browse *b);
void ua_browse_fini_job(struct ua_browse *b);
/* The same id as a NodeId; its bytes stay where they are. */
UA_NodeId browse_node_id(const struct ua_id *id);

void ua_browse_up(struct ua_agent *a, struct mono now);
void ua_browse_down(struct ua_agent *a, struct mono now, const char *why);
void ua_browse_tick(struct ua_agent *a, struct mono now);
struct mono ua_browse_next(struct ua_agent *a);
#define UA_BROWSE_ROW { .name = "browse", .up = ua_browse_up, .down = ua_browse_down, .tick = ua_browse_tick, .next = ua_browse_next }

/* browse_read.c: attributes and properties of what was found. True: nothing is left to be asked. */
bool browse_read(struct ua_agent *a, struct ua_browse *b);
/* The data types that were met, to built-in ones. True: all are known, or will never be. */
bool browse_kinds(struct ua_agent *a, struct ua_browse *b);
/* browse.c */
void browse_end(struct ua_browse *b, const char *why);

#endif
