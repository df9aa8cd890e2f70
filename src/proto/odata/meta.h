/*
 * $metadata: what a service offers. XML of OData 2 (EDMX 1.0 with SAP's annotations) or 4 (with the vocabularies Core
 * and Capabilities) becomes rows in an arena. No entity is expanded, no document type is taken, nothing is fetched, and
 * every count has a limit; an attacker's metadata costs what its bytes cost.
 *
 * What a mapping may rely on is here alone: names, types, facets, whether a property may be set on creation.
 */
#ifndef PROTO_ODATA_META_H
#define PROTO_ODATA_META_H

#include "base/arena.h"
#include "base/map.h"
#include "proto/odata/edm.h"

#define META_BYTES_MAX	(16u << 20)	/* of the XML */
#define META_NAME_MAX	128u		/* of one name (OData: a SimpleIdentifier has at most 128 characters) */
#define META_ROWS_MAX	200000u		/* types, properties, sets, functions and their parameters together */
#define META_DEPTH_MAX	32u		/* elements within elements */
#define META_ATTRS_MAX	500u		/* attributes of one element: libxml2 holds each against each */
#define META_WORDS_MAX	(128u << 10)	/* bytes of different names of elements, attributes and namespaces: libxml2 is slow with very many */
#define META_BASES_MAX	16u		/* types that extend each other */
#define META_WHY_MAX	300u

struct odata_prop {
	const char		*name, *label;		/* label: sap:label, "" if none */
	const char		*type_name;		/* as written, without Collection() */
	enum edm_type		 type;			/* EDM_NONE: see record */
	const struct odata_type	*record;		/* of a complex type; NULL: none, or unknown */
	struct edm_facets	 facets;
	const char		*unit;			/* sap:unit, or Measures.Unit: the property that holds the unit; NULL: none */
	bool			 collection, key, nullable;
	bool			 creatable, updatable, filterable;
	bool			 date_only;		/* sap:display-format="Date", or type Date */
};

struct odata_nav {
	const char		*name;
	const struct odata_type	*to;			/* NULL: a type that the metadata does not have */
	bool			 many, creatable;
};

struct odata_type {		/* entity type or complex type */
	const char		*name;			/* without its namespace */
	const struct odata_type	*base;			/* NULL: none. Never a cycle */
	struct odata_prop	*props;
	struct odata_nav	*navs;
	uint32_t		 nprops, nnavs;
	bool			 entity;
};

struct odata_set {
	const char		*name;
	const struct odata_type	*type;
	bool			 creatable, updatable, deletable, addressable;
	bool			 requires_filter, singleton;
};

struct odata_function {		/* function import, or action import */
	const char		*name;
	const char		*method;		/* "GET" or "POST" */
	struct odata_prop	*params;		/* nullable: may be left out */
	uint32_t		 nparams;
};

struct odata_meta {
	unsigned		 version;		/* 2 or 4 */
	const char		*space;			/* namespace of the schema that holds the container */
	struct odata_type	*types;
	struct odata_set	*sets;
	struct odata_function	*functions;
	uint32_t		 ntypes, nsets, nfunctions;
};

/*
 * Parse len bytes of XML. *out lives in the arena. 0; ERR_LIMIT (too large, too many, too deep), ERR_SYNTAX (not XML, a
 * document type, not metadata), ERR_VERSION (of OData 3 and such), with cause and line in why (META_WHY_MAX bytes).
 */
int odata_meta_parse(const char *xml, size_t len, struct arena *a, struct odata_meta **out, char *why);

const struct odata_set *odata_set(const struct odata_meta *m, const char *name);
/* Also those that a type has of its base types. */
const struct odata_prop *odata_prop(const struct odata_type *t, const char *name);
const struct odata_nav *odata_nav(const struct odata_type *t, const char *name);
const struct odata_function *odata_function(const struct odata_meta *m, const char *name);
/* The nearest names, for "did you mean"; NULL: none is near. */
const char *odata_set_near(const struct odata_meta *m, const char *name);
const char *odata_prop_near(const struct odata_type *t, const char *name);
const char *odata_nav_near(const struct odata_type *t, const char *name);
/* "String(12)", "Decimal(13,3)", "DateTime": the type as people say it. Returns out. */
#define META_TYPE_TEXT	160u
const char *odata_type_text(const struct odata_prop *p, char out[META_TYPE_TEXT]);

#endif
