/*
 * Values of a server in OPC UA Binary (OPC 10000-6 1.05, 5.2), decoded by us: built-in types as our values, all else as JSON after the data type
 * definitions that the server gives (OPC 10000-3 1.05, 8.48 to 8.51). No library, no connection in here: a reader, definitions, limits.
 *
 * As JSON:
 *	numbers plain (64-bit ones in full digits; NaN and infinities null), texts, base64 for ByteString, RFC 3339 for DateTime (null for none),
 *	NodeId and QualifiedName as text with the namespace's URI ("nsu=http://acme.com/;s=A"), LocalizedText its text, StatusCode its number
 *	structure	{ "Name": value, ... } in the order of its definition; optional fields that are absent are left out
 *	union		{ "Name": value } of the field that is set, null for none
 *	enumeration	"Running_3", the number alone where it has no name (OPC 10000-6, 5.4.4)
 *	matrix		{ "Array": [ all elements ], "Dimensions": [2,3] }
 *	Variant		its value; DataValue { "Value", "Status", "SourceTimestamp", "ServerTimestamp" }, what is there
 *	ExtensionObject	its structure; of a type that nobody defines { "TypeId": "...", "Body": "base64" }
 */
#ifndef DRIVER_OPCUA_UA_TYPE_H
#define DRIVER_OPCUA_UA_TYPE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/json.h"
#include "model/value.h"

#define UA_NESTING_MAX		16u	/* structures, Variants and the like within each other (OPC 10000-6, 5.1.6 lets a decoder choose) */
#define UA_ELEMENTS_MAX		262144u	/* elements and fields of one value, also those that take no byte */
#define UA_TYPE_FIELDS_MAX	512u	/* of one definition */
#define UA_TYPE_NAMES_MAX	4096u	/* of one enumeration */

/* Part 6, 5.1.2 */
enum ua_builtin {
	UA_B_BOOLEAN = 1, UA_B_SBYTE, UA_B_BYTE, UA_B_INT16, UA_B_UINT16, UA_B_INT32, UA_B_UINT32, UA_B_INT64, UA_B_UINT64, UA_B_FLOAT,
	UA_B_DOUBLE, UA_B_STRING, UA_B_DATETIME, UA_B_GUID, UA_B_BYTESTRING, UA_B_XML, UA_B_NODEID, UA_B_EXPANDED, UA_B_STATUS, UA_B_QNAME,
	UA_B_LTEXT, UA_B_EXTENSION, UA_B_DATAVALUE, UA_B_VARIANT, UA_B_DIAGNOSTIC,
};

/* A NodeId of a message: bytes borrowed from it. */
struct ua_id {
	uint16_t	 ns;
	char		 kind;		/* 'i', 's', 'g' (16 bytes as on the wire), 'b' */
	uint32_t	 i;
	const uint8_t	*p;
	uint32_t	 len;
};

enum ua_type_kind { UA_TYPE_STRUCT, UA_TYPE_OPTIONAL, UA_TYPE_UNION, UA_TYPE_ENUM };

struct ua_type;
struct ua_type_field {
	const char		*name;
	const struct ua_type	*type;		/* NULL: builtin says it all */
	uint8_t			 builtin;	/* of the field; of a structure or enumeration: EXTENSION, INT32 */
	bool			 optional;	/* UA_TYPE_OPTIONAL only */
	bool			 subtyped;	/* a structure that stands as ExtensionObject, or any value as Variant */
	int32_t			 rank;		/* -1 scalar, or dimensions */
};
struct ua_type {
	enum ua_type_kind	 kind;
	const char		*name;
	struct ua_type_field	*fields;	/* structures and unions */
	uint32_t		 nfields;
	const int64_t		*numbers;	/* enumerations: [nnames] */
	const char *const	*names;
	uint32_t		 nnames;
	void			*own;		/* of whoever keeps the definitions */
};

/* Where a decoder gets what does not stand in the message. */
struct ua_type_book {
	const char *const	*namespaces;
	uint32_t		 nnamespaces;
	/* The type that has this id as its default binary encoding; NULL: not known. */
	const struct ua_type	*(*find)(void *arg, const struct ua_id *encoding);
	void			*arg;
};

struct ua_decoder {
	struct reader			 r;
	const struct ua_type_book	*book;
	struct arena			*a;	/* texts made of what is no text on the wire */
	unsigned			 depth;
	uint32_t			 elements;
	bool				 skip;	/* only move on: scalars are not turned into texts */
	bool				 unknown;	/* an ExtensionObject's type was not known: missing is its encoding */
	struct ua_id			 missing;
	const char			*why;	/* static text for r.err, may be NULL */
};

/* One scalar of a built-in type up to LocalizedText; VALUE_NULL for a null text or no time. Texts and bytes lie in the message or in d->a. */
void ua_decode_scalar(struct ua_decoder *d, uint8_t builtin, struct value *out);
struct ua_id ua_decode_id(struct ua_decoder *d, bool expanded);
/* The value type of a scalar of it; VALUE_JSON for what has parts. */
uint8_t ua_builtin_value(uint8_t builtin);

/* Whole values into j (borrowed; NULL: skipped). type NULL: builtin. Errors are d->r.err. */
void ua_decode_json(struct ua_decoder *d, uint8_t builtin, const struct ua_type *type, int32_t rank, struct json *j);
/* A Variant with its first byte. */
void ua_decode_variant(struct ua_decoder *d, struct json *j);

/*
 * The part of a value that path leads to: names of fields, indexes of arrays (from 0). Scalars and arrays of numbers come in their own type, all
 * else as json. out's bytes are in d->a or in the message. Errors: ERR_NOTFOUND (no such field; d->why says which), and those of the message.
 */
int ua_decode_select(struct ua_decoder *d, uint8_t builtin, const struct ua_type *type, int32_t rank, const char *const *path, uint32_t npath,
    struct value *out);

/* A NodeId as text, with its URI where the index is known (OPC 10000-6, 5.1.12). server 0: this one. uri: of an ExpandedNodeId, or NULL. */
void ua_id_text(struct buf *out, const struct ua_id *id, const struct ua_type_book *book, const char *uri, size_t uri_len, uint32_t server);
/* The same as a key for maps: two ids of a connection are equal when their keys are. out: room for UA_ID_KEY bytes; 0: too long to be one. */
#define UA_ID_KEY 512u
size_t ua_id_key(const struct ua_id *id, uint8_t *out);

/* 100 ns since 1601 as RFC 3339 with 7 digits, years 1601 to 9999; "" for 0 and what is later. out: WALL_TEXT bytes. */
void ua_time_text(int64_t t, char *out);

#endif
