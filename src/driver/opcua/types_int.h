/* Inside of types*.c: what is known of each data type, and the reading of it. */
#ifndef DRIVER_OPCUA_TYPES_INT_H
#define DRIVER_OPCUA_TYPES_INT_H

#include "base/map.h"
#include "driver/opcua/types.h"

enum entry_state {
	ENTRY_ENCODING,		/* only its encoding is known: whose is it? (Browse, inverse HasEncoding) */
	ENTRY_TYPE,		/* its definition is to be read */
	ENTRY_BASE,		/* it has none: which type is it made from? (Browse, inverse HasSubtype) */
	ENTRY_ASKED,		/* a call is under way */
	ENTRY_READ,		/* read; its fields may not be yet */
	ENTRY_READY,
	ENTRY_FAILED,
};

struct types_entry {
	struct ua_type		 type;		/* first; own = the entry */
	struct ua_types		*book;
	struct types_entry	*next;		/* of the queue */
	struct types_entry	*all;		/* of all */
	enum entry_state	 state, asked;	/* asked: what the call under way is for */
	UA_NodeId		 id;		/* null while only the encoding is known; in the library's memory */
	UA_NodeId		 encoding;
	UA_NodeId		 at;		/* ENTRY_BASE: the type on the way up; ENTRY_TYPE: as id */
	UA_NodeId		 hint;
	uint32_t		 bases;
	uint32_t		 nnames;	/* that its definition has; names of bits unless the base is Enumeration */
	uint8_t			 builtin;	/* what stands in a field of it */
	bool			 structure;	/* type is a structure or union; else an enumeration, or builtin says all (nnames 0) */
	bool			 abstract;
	bool			 guessed;	/* id is the hint */
	struct types_entry	**fields;	/* of each field: its type's entry, NULL for a built-in one */
	struct mono		 failed;
};

struct types_held {
	struct types_held	*next;
	uint32_t		 tag;
	UA_DataValue		 dv;
	struct wall		 arrival;
	uint8_t			 flags;
};

struct ua_types {
	struct ua_agent		*agent;
	struct arena		 memory;	/* of this session */
	struct map		 by_encoding, by_type;
	struct types_entry	*entries, *queue, **queue_end;
	uint32_t		 n, fields, calls, waiting;	/* waiting: in the queue or asked */
	struct ua_type_book	 book;
	struct types_held	*held, **held_end;
	uint32_t		 nheld, *waits;		/* waits: of each tag, how many */
	bool			 releasing, again;
};

static inline struct ua_types *types_of(const struct ua_agent *a) { return a->part[UA_PART_TYPES]; }

/* types.c */
struct types_entry *types_entry(struct ua_types *t, const UA_NodeId *id);	/* of a data type, new or known; NULL: too many */
void types_enqueue(struct ua_types *t, struct types_entry *e, enum entry_state s);
void types_failed(struct ua_types *t, struct types_entry *e);
/* All that was to be read is: decide what is usable. */
void types_settle(struct ua_types *t);
struct ua_id types_id(const UA_NodeId *n);

/* types_read.c */
void types_ask(struct ua_types *t);

/* types_def.c: what an answer says about an entry. False: it is of no use. */
bool types_define(struct ua_types *t, struct types_entry *e, const UA_Variant *definition);
void types_name(struct ua_types *t, struct types_entry *e, const UA_String *name);
bool types_define_std(struct ua_types *t, struct types_entry *e, const UA_DataType *std);

#endif
