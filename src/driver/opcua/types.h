/*
 * The data types of a server on this connection: read when a value of them first comes (its encoding, the type behind it, the definition, and those
 * of its fields), kept until the session ends. A value whose type is being read waits here, and those of its tag behind it, so that none is lost or
 * out of order.
 */
#ifndef DRIVER_OPCUA_TYPES_H
#define DRIVER_OPCUA_TYPES_H

#include "driver/opcua/ua.h"
#include "driver/opcua/ua_type.h"

#define UA_TYPES_KNOWN_MAX	2048u	/* definitions of one server */
#define UA_TYPES_FIELDS_MAX	32768u	/* fields and names of enumerations of all of them */
#define UA_TYPES_BASES_MAX	16u	/* supertypes on the way to a built-in type */
#define UA_TYPES_TEXT_MAX	512u	/* bytes of a name; what is longer is cut */
#define UA_TYPES_CALLS		4u	/* calls under way */
#define UA_TYPES_HELD_MAX	4096u	/* values that wait */
#define UA_TYPES_RETRY_NS	(60 * NS_PER_S)	/* a definition that could not be read is asked for again after this */

/* The part. */
int  ua_types_init(struct ua_agent *a);
void ua_types_fini(struct ua_agent *a);
void ua_types_up(struct ua_agent *a, struct mono now);
void ua_types_down(struct ua_agent *a, struct mono now, const char *why);
void ua_types_tick(struct ua_agent *a, struct mono now);
struct mono ua_types_next(struct ua_agent *a);
#define UA_TYPES_ROW { .name = "types", .init = ua_types_init, .fini = ua_types_fini, .up = ua_types_up, .down = ua_types_down, \
	.tick = ua_types_tick, .next = ua_types_next }

/* What a decoder of values needs; valid until the session ends. */
const struct ua_type_book *ua_types_book(struct ua_agent *a);
/* Read the type with this encoding. True: that is under way; false: it cannot be had. hint: the data type of the node, or NULL. */
bool ua_types_want(struct ua_agent *a, const struct ua_id *encoding, const UA_NodeId *hint);
/* Definition of a data type, for writes and calls: its fields are there too. NULL: not (yet) known; then *coming says whether it is under way. */
const struct ua_type *ua_types_of(struct ua_agent *a, const UA_NodeId *data_type, uint8_t *builtin, bool *coming);
/* The encoding of a structure for an ExtensionObject. */
const UA_NodeId *ua_types_encoding(const struct ua_type *t);

/* Values of this tag wait: later ones must too. */
bool ua_types_waits(const struct ua_agent *a, uint32_t tag);
/* Keep a copy until the types are there; then ua_out_value() gets it. False: no room, hand it on as it is. */
bool ua_types_hold(struct ua_agent *a, uint32_t tag, const UA_DataValue *dv, struct wall arrival, uint8_t flags);

/* A type that the library knows (Part 5's own), by data type or by binary encoding; NULL: none. Static. */
const UA_DataType *ua_types_std(const UA_NodeId *id, bool encoding);

#endif
