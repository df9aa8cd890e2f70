/*
 * The address of a tag in an OPC UA server, as written under `at:`. Names of namespaces are URIs, never indexes: those are looked up anew on
 * each connection (Part 5, 6.3.14 NamespaceArray), so a server whose table moved still gives the right node.
 */
#ifndef DRIVER_OPCUA_UA_ADDR_H
#define DRIVER_OPCUA_UA_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"

#define UA_PATH_MAX	32u	/* steps of a browse path, and of a field within a structure */

enum ua_addr_kind {
	UA_ADDR_NODE,		/* a NodeId with its namespace URI (Part 6, 5.3.1.11) */
	UA_ADDR_PATH,		/* a browse path below the Objects folder, each step a namespace URI and a name */
	UA_ADDR_EVENTS,		/* events of a notifier: each becomes a sample of type json */
};
enum ua_addr_mode { UA_MODE_SUBSCRIBE, UA_MODE_READ };
enum ua_deadband { UA_DEADBAND_NONE, UA_DEADBAND_ABSOLUTE, UA_DEADBAND_PERCENT };

struct ua_name { const char *nsu; const char *name; };	/* nsu NULL: namespace 0 */

struct ua_addr {
	enum ua_addr_kind	 kind;
	const char		*nsu;		/* UA_ADDR_NODE, UA_ADDR_EVENTS: namespace URI; NULL: 0 */
	char			 id_kind;	/* 'i', 's', 'g', 'b' as in the text form of a NodeId */
	uint32_t		 i;
	const char		*s;		/* text, GUID as text, or base64 */
	struct ua_name		*path;		/* UA_ADDR_PATH */
	uint32_t		 npath;
	uint32_t		 attribute;	/* Part 6, A.1; 13: Value */
	const char		*index_range;	/* NumericRange (Part 4, 7.27), NULL: none */
	const char		*field[UA_PATH_MAX];	/* within a structure */
	uint32_t		 nfield;
	int			 mode;		/* enum ua_addr_mode; -1: as the source says */
	int64_t			 sampling_ns;	/* -1: the tag's scan */
	uint32_t		 queue;		/* 0: as the source says */
	enum ua_deadband	 deadband_kind;
	double			 deadband;
	uint8_t			 type;		/* declared value type, maybe VALUE_ARRAY; VALUE_NULL: not declared */
};

/* Texts in the arena. 0, or ERR_SYNTAX/ERR_RANGE with cause and remedy in why. */
int ua_addr_parse(const char *at, struct arena *a, struct ua_addr *out, char *why, size_t size);

#endif
