/* Inside of the node store: what a node is made in. node_store.c is the store, node_make.c makes folders and variables, node_prop.c properties. */
#ifndef SINK_OPCUA_SERVER_NODES_H
#define SINK_OPCUA_SERVER_NODES_H

#include <stdlib.h>

#include "sink/opcua_server/space.h"

enum prop { PROP_RANGE, PROP_UNIT, PROP_ENUM, PROP_TEXT, PROPS };

struct uas_scratch {
	UA_Node			 node;
	struct uas_node		*of;		/* its row */
	unsigned		 holders;
	bool			 property;
	struct uas_scratch	*next;		/* of those that are free */
	UA_LocalizedTextListEntry display, description;
	UA_NodeReferenceKind	 refs[4];
	UA_ReferenceTarget	 type, parent, kids[PROPS];
	UA_NodeId		 kid_ids[PROPS];
	char			*text;		/* of ids made here; grows, kept */
	size_t			 text_cap;
	union {
		UA_Range	 range;
		UA_EUInformation unit;
	} value;
	UA_EnumValueType	*states;
};

static inline UA_String
text_of(const char *s)
{
	return (UA_String){ .length = strlen(s), .data = (UA_Byte *)(uintptr_t)s };
}

static inline UA_NodeId
ns0(uint32_t id)
{
	return (UA_NodeId){ .identifierType = UA_NODEIDTYPE_NUMERIC, .identifier.numeric = id };
}

/* node_make.c: fill x, which is zero but for its text. False: no memory. */
void node_make_folder(struct uas_space *s, struct uas_scratch *x, struct uas_folder *f);
bool node_make_var(struct uas_space *s, struct uas_scratch *x, struct uas_var *v);
bool node_make_prop(struct uas_scratch *x, struct uas_var *v, enum prop p);
/* Shared by them. */
void node_name(UA_NodeHead *h, struct uas_scratch *x, UA_UInt16 ns, UA_String name);
void node_ref(UA_NodeHead *h, UA_Byte type, bool inverse, UA_ReferenceTarget *targets, size_t n);
void node_type_and_parent(struct uas_scratch *x, uint32_t type, const UA_NodeId *parent, UA_Byte by);
void node_rank(UA_VariableNode *n, int32_t rank);
bool node_text_room(struct uas_scratch *x, size_t n);

/* node_prop.c: the properties that a variable has, a bit each; their names; references to them. */
unsigned node_props(const struct uas_var *v);
const char *node_prop_name(enum prop p);
bool node_add_props(struct uas_scratch *x, const struct uas_var *v);
/* node_store.c: the variable whose property this is, NULL: of none. */
struct uas_var *node_prop_var(struct uas_space *s, const UA_NodeId *id);

#endif
