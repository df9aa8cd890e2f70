/*
 * The address of a tag in an OPC UA server, as written under `at:`. Names of namespaces are URIs, never indexes: those are looked up anew on
 * each connection (Part 5, 6.3.14 NamespaceArray), so a server whose table moved still gives the right node.
 *
 *	at      = [ options ] where | where blank options		options in front: then none are looked for behind
 *	where   = node | path | "events" [ "of" (node | path) ]		events without more: of the Server object
 *	node    = [ "nsu=" uri ";" ] ("i=" | "s=" | "g=" | "b=") id	OPC 10000-6 1.05, 5.1.12; in uri %3B is ';' and %25 is '%'
 *	path    = { ("/" | ".") [ "nsu=" uri ";" | "0:" ] name }	OPC 10000-4 1.05, A.2, below the Objects folder; '&' takes the next
 *									character as it is: / . < > : # ! & [ must be written so in a name.
 *									Without a namespace: that of the step before, first 0
 *	options = "[" [ option { "," option } ] "]"			'&' takes the next character as it is here too
 *	option  = "sampling" duration | "queue" n | "deadband" x ["%"] | "mode" ("read" | "subscribe") | "type" t ["[]"] |
 *	          "attribute" name | "index" range | "field" name { "." name } | "kind" (name | node) | "severity" n
 *
 * `ns=` is refused: an index is good for one connection only.
 */
#ifndef DRIVER_OPCUA_UA_ADDR_H
#define DRIVER_OPCUA_UA_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "site/catalog.h"

#define UA_PATH_MAX	32u	/* steps of a browse path, and of a field within a structure */

enum ua_addr_kind {
	UA_ADDR_NODE,		/* a NodeId with its namespace URI (Part 6, 5.3.1.11) */
	UA_ADDR_PATH,		/* a browse path below the Objects folder, each step a namespace URI and a name */
	UA_ADDR_EVENTS,		/* events of a notifier: each becomes a sample of type json. By node, or, if npath > 0, by path */
};
enum ua_addr_mode { UA_MODE_SUBSCRIBE, UA_MODE_READ };
enum ua_deadband { UA_DEADBAND_NONE, UA_DEADBAND_ABSOLUTE, UA_DEADBAND_PERCENT };

struct ua_name { const char *nsu; const char *name; };	/* nsu NULL: namespace 0 */

struct ua_addr {
	enum ua_addr_kind	 kind;		/* these four are looked at for each value */
	uint8_t			 type;		/* declared value type, maybe VALUE_ARRAY; VALUE_NULL: not declared */
	uint32_t		 nfield;
	uint32_t		 attribute;	/* Part 6, A.1; 13: Value */
	const char		**field;	/* [nfield] within a structure; a whole number is an index from 0 within an array */
	const char		*nsu;		/* UA_ADDR_NODE, UA_ADDR_EVENTS: namespace URI; NULL: 0. Not for a path */
	char			 id_kind;	/* 'i', 's', 'g', 'b' as in the text form of a NodeId */
	uint32_t		 i;
	const char		*s;		/* text, GUID as text, or base64 */
	struct ua_name		*path;		/* UA_ADDR_PATH; UA_ADDR_EVENTS if npath > 0 */
	uint32_t		 npath;
	const char		*index_range;	/* NumericRange (Part 4, 7.27), NULL: none */
	const struct ua_addr	*event_kind;	/* UA_ADDR_EVENTS: only events of this type and its subtypes (a node); NULL: all */
	uint16_t		 severity;	/* UA_ADDR_EVENTS: only events at least as severe (1..1000); 0: all */
	int			 mode;		/* enum ua_addr_mode; -1: as the source says */
	int64_t			 sampling_ns;	/* -1: the tag's scan */
	uint32_t		 queue;		/* 0: as the source says */
	enum ua_deadband	 deadband_kind;
	double			 deadband;
};

/* Texts in the arena. 0, or ERR_SYNTAX/ERR_RANGE with cause and remedy in why. */
int ua_addr_parse(const char *at, struct arena *a, struct ua_addr *out, char *why, size_t size);
/* Only `node` or `path` of the grammar, without options: the end of a method's address, an argument. */
int ua_addr_parse_where(const char *at, size_t len, struct arena *a, struct ua_addr *out, char *why, size_t size);
/* The bracket, s without it; part of ua_addr_parse(). */
int ua_addr_parse_options(const char *s, size_t len, struct arena *a, struct ua_addr *out, char *why, size_t size);

/*
 * The address of a method: OBJECT -> METHOD, each a node or a path (a method's path is below Objects too), or one path: its last step is the
 * method, what stands before it the object.
 */
int ua_method_parse(const char *at, struct arena *a, struct ua_addr *object, struct ua_addr *method, char *why, size_t size);

/* The same node, attribute and part: for duplicates. */
uint64_t ua_addr_hash(const struct ua_addr *x);

/* For struct driver_info: parse_at, parse_method, at_forms. */
int ua_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size);
int ua_parse_method(const char *at, const struct keyval *keys, char *why, size_t size);
extern const char *const ua_at_forms[];

/* Part 6, A.1: "Value" is 13. 0: no such attribute. */
uint32_t ua_attribute(const char *name, size_t len);
/* What an attribute other than Value is for us: Part 3, 5.2 to 5.8. */
uint8_t ua_attribute_type(uint32_t attribute);

#endif
