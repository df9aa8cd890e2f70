/*
 * The address space of the server: the equipment hierarchy as folders, the tags as variables, each with its present value. It belongs to the
 * server's thread.
 *
 *	Objects
 *	 └ <site>			"/"			root, FolderType
 *	    └ Packaging			"Packaging/"		an object for each name of a path
 *	       └ Line 3			"Packaging/Line 3/"
 *	          └ speed		"Packaging/Line 3/speed"	variable: NodeId is the tag's path
 *	             └ EURange		"Packaging/Line 3/speed//EURange"
 *
 * Right of the drawing are the (string) NodeIds. They are made of names alone, so a client's bookmarks outlive restarts and new plans.
 *
 * There are no open62541 nodes of all this: a node store of our own (node_store.c) makes one from the rows below whenever the library asks, and takes
 * it back. A variable is some 200 bytes that way, and new plans come and go without a sweep through the library.
 */
#ifndef SINK_OPCUA_SERVER_SPACE_H
#define SINK_OPCUA_SERVER_SPACE_H

#include <open62541/server.h>

#include "base/arena.h"
#include "sink/sink.h"

struct uas_scratch;
struct uas_folder;

enum uas_kind { UAS_FOLDER, UAS_VAR };

struct uas_node {
	enum uas_kind		 kind;
	uint32_t		 name_len;	/* of the last name; the id ends with it (and a '/' for folders) */
	UA_NodeId		 id;		/* its text is ours */
	struct uas_folder	*parent;	/* NULL: root, or not in the tree any more */
	UA_MonitoredItem	*monitored;	/* the library's list, kept while there is no node */
	struct uas_scratch	*live;		/* the node that the library holds now */
	struct uas_node		*chain;		/* the next of its slot in the index of ids */
	uint64_t		 hash;		/* of the id's text */
};

struct uas_folder {
	struct uas_node		 node;
	UA_ReferenceTarget	*children;	/* HasComponent; ids point into the children */
	uint32_t		 n, cap;
};

/* A value in the library's own form, so that reading copies nothing. */
union uas_raw {
	UA_Boolean b; UA_SByte i8; UA_Byte u8; UA_Int16 i16; UA_UInt16 u16; UA_Int32 i32; UA_UInt32 u32; UA_Int64 i64; UA_UInt64 u64;
	UA_Float f32; UA_Double f64; UA_DateTime time; UA_String text;
	struct { void *p; size_t n; } array;
};

/* What a stream says of a tag; texts live as long as its uas_stream. */
struct uas_def {
	const char		*unit, *help;
	const struct enum_def	*states;	/* NULL: none */
	double			 lo, hi;
	bool			 has_range;
	uint8_t			 type;		/* enum value_type, maybe with VALUE_ARRAY */
};

struct uas_var {
	struct uas_node	 node;
	const struct uas_def *def;	/* of the newest stream that has it; NULL: gone, kept while clients still watch it */
	const char	*flow;		/* of that stream: whose history it is */
	union uas_raw	 raw;
	UA_DateTime	 source, server;	/* 0: none */
	uint32_t	 status;
	uint8_t		 type;		/* of raw; VALUE_NULL: there is no value */
	bool		 writable;	/* some request entry of the site admits writes from here */
	int64_t		 newest_ns;	/* sample time of what stands here; 0: nothing came yet */
	uint32_t	 refs;		/* streams that have it */
	int64_t		 series;	/* of the local history; 0: not looked up, -1: none */
};

/* A stream as the server's thread knows it; made by the loop, then the thread's. */
struct uas_stream {
	uint32_t	 id;
	const char	*flow;
	uint32_t	 n;
	const char	**names;	/* [n] */
	struct uas_def	*defs;		/* [n] */
	bool		*writable;	/* [n] */
	struct uas_var	**vars;		/* [n], filled when added */
	struct arena	 arena;		/* all of the above, and this */
	struct uas_stream *next;
};

struct uas_space {
	UA_UInt16	 ns;		/* index of our namespace */
	const char	*root_name;	/* borrowed */
	struct uas_folder root;
	struct uas_node	**slots;	/* index of ids: chains, a power of two of them */
	size_t		 nslots;
	struct uas_stream *streams;
	uint32_t	 nvars, nfolders;
	UA_Nodestore	 inner;		/* the library's own, for all other namespaces */
	struct uas_scratch *free;	/* scratch nodes to use again */
	uint32_t	 scratches;
	UA_Server	*server;	/* NULL before it is there */
	/* Does the local history have this variable? NULL: there is no history. */
	bool		(*has_history)(void *history, struct uas_var *v);
	void		*history;
	bool		 applying;	/* a sample is being written by us, not by a client */
	uint64_t	 applied, late;	/* samples; late: older than what stands there already, so not shown as the present value */
};

/* ---- space.c ---- */

void uas_space_init(struct uas_space *s, UA_UInt16 ns, const char *root_name);
/* After the server is gone: nobody holds a node. Streams are freed. */
void uas_space_fini(struct uas_space *s);
/* Taken. Folders and variables appear; those that are there already stay as they are, with their values and watchers. 0, or ERR_LIMIT (a name too
 * long): then nothing was added and st is still the caller's. */
int uas_space_add(struct uas_space *s, struct uas_stream *st);
/* Variables that no other stream has go; those that clients watch say BadNodeIdUnknown to them first. Unknown ids are ignored. */
void uas_space_remove(struct uas_space *s, uint32_t id);
struct uas_stream *uas_space_stream(struct uas_space *s, uint32_t id);
struct uas_node *uas_space_node(const struct uas_space *s, const UA_String *id);
/* A variable with no tag and no watcher goes; called when either is gone. */
void uas_space_let_go(struct uas_space *s, struct uas_var *v);
/* A sample becomes the present value and every monitored item of the variable hears of it. live: it has just been admitted; else it is backlog,
 * and is passed over when older than what stands there. */
void uas_space_apply(struct uas_space *s, struct uas_var *v, const struct sample *sample, bool live);

/* ---- value.c ---- */

/* open62541's type of a value type (of the element for arrays). */
const UA_DataType *uas_type(uint8_t type);
/* raw from a value (copied; texts and arrays on the heap). False: no memory, raw is empty then (VALUE_NULL). */
bool uas_raw_set(union uas_raw *raw, uint8_t *type, const struct value *v);
void uas_raw_clear(union uas_raw *raw, uint8_t *type);
/* A variant that borrows from raw. */
void uas_raw_variant(const union uas_raw *raw, uint8_t type, UA_Variant *out);
/* A value that borrows from a variant of one of the types that a tag can have. False for all others. */
bool uas_value(const UA_Variant *v, struct value *out, struct arena *a);
UA_DateTime uas_time(int64_t ns);		/* ns since 1970; 0 stays 0 */
int64_t uas_ns(UA_DateTime t);			/* the reverse, clamped to what ns can hold */

/* ---- node_store.c ---- */

/* A node store that makes our namespace's nodes from s and asks the library's own for the rest. */
void uas_nodestore(struct uas_space *s, UA_Nodestore *out);
/* The variable behind a node context (uas_nodestore sets it), NULL for nodes that are no variables of ours. */
struct uas_var *uas_context_var(void *context);
/* For the session hook: from here on a write to this node goes to `write` instead of into the value (access.c). */
void uas_node_divert(struct uas_var *v, const UA_DataSource *to);
void uas_nodes_fini(struct uas_space *s);

#endif
