/*
 * Inside meta: rows as they come from the XML, in a scratch arena, before names are resolved. meta_xml.c walks the XML,
 * meta_element.c and meta_service.c make rows of its elements, meta_link.c resolves names, meta_annot.c applies what
 * annotations say.
 */
#ifndef PROTO_ODATA_META_INT_H
#define PROTO_ODATA_META_INT_H

#include <libxml/parser.h>

#include "proto/odata/meta.h"

#define META_QUALIFIED_MAX	512u	/* bytes of a name with its namespace */
#define META_ALIASES_MAX	200u	/* looked through for each name */

enum element {		/* what an open element is, for what may stand in it */
	IN_DOCUMENT, IN_EDMX, IN_REFERENCE, IN_SERVICES, IN_SCHEMA, IN_TYPE, IN_KEY, IN_PROP, IN_NAV, IN_ASSOCIATION,
	    IN_CONTAINER, IN_SET,
	IN_IMPORT, IN_ACTION, IN_TARGET, IN_ANNOTATION, IN_RECORD, IN_VALUE, IN_COLLECTION, IN_PATH, IN_UNKNOWN
};

struct row_alias { struct row_alias *next; const char *alias, *space; };
struct row_prop {
	struct row_prop		*next;
	struct odata_prop	 p, *made;
	const char		*type;		/* as written, without Collection() */
};
struct row_nav {
	struct row_nav	*next;
	const char	*name, *type;			/* type: version 4 */
	const char	*relationship, *to_role;	/* version 2 */
	bool		 many, creatable;
};
struct row_key { struct row_key *next; const char *name; };
struct row_type {
	struct row_type		*next;
	const char		*name, *full, *base;
	struct row_prop		*props, **props_end;
	struct row_nav		*navs, **navs_end;
	struct row_key		*keys;
	uint32_t		 nprops, nnavs;
	bool			 entity;
	struct map		 byname;	/* name -> row of its property */
	struct odata_type	*made;
};
struct row_underlying { struct row_underlying *next; const char *full, *type; struct edm_facets facets; };	/* TypeDefinition */
struct row_set {
	struct row_set		*next;
	struct odata_set	 s;
	const char		*type, *full;	/* full: "space.Container/Set" */
	const struct row_type	*of;
	struct odata_set	*made;
};
struct row_action {		/* a function import; or a function or action, to which an import of version 4 refers */
	struct row_action	*next;
	const char		*name, *full, *refers, *method;
	struct row_prop		*params, **params_end;
	struct odata_prop	*made;		/* its parameters; several imports may share one action */
	uint32_t		 nparams;
	bool			 bound;
};
struct row_association {
	struct row_association	*next;
	const char		*full;
	struct { const char *role, *type; bool many; } end[2];
	unsigned		 nends;
};
struct row_annotation {
	struct row_annotation	*next;
	const char		*target;	/* "space.Type/Prop", not yet resolved */
	const char		*term;		/* not yet resolved */
	const char		*field;		/* of its record; "" if none */
	const char		*path;		/* NULL: flag counts */
	bool			 flag;
	struct row_prop		*prop;		/* stands within it; NULL: see target */
	struct row_set		*set;
};

struct meta_walk {
	xmlParserCtxtPtr	 xml;
	struct arena		*a, scratch;
	enum element		 open[META_DEPTH_MAX];
	size_t			 depth;
	uint32_t		 rows, naliases;
	int			 err;
	char			*why;
	unsigned		 version;
	const char		*space, *container;	/* of the schema and container that are open */
	const char		*container_space;
	struct row_alias	*aliases;
	struct row_type		*types, **types_end, *type;
	struct row_underlying	*underlying;
	struct row_set		*sets, **sets_end, *set;
	struct row_action	*imports, **imports_end, *actions, *action;
	struct row_association	*associations, *association;
	struct row_annotation	*annotations;
	struct row_prop		*prop;			/* that is open */
	const char		*target, *term, *field;	/* of the annotation that is open */
	char			 text[META_NAME_MAX + 1];	/* of an open path */
	size_t			 text_len;
};

struct attrs {			/* of an element, as libxml2 gives them: five pointers each */
	const xmlChar	**v;
	int		 n;
};

/* meta_xml.c: stop, with the line. The first reason stays. */
void meta_stop(struct meta_walk *w, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Memory for one more row; NULL at the limit. */
void *meta_row(struct meta_walk *w, size_t size);
#define meta_new(w, type) ((type *)meta_row((w), sizeof(type)))

/* meta_element.c: an element opens within `in`; what it is. Then its text, its end. */
enum element meta_open(struct meta_walk *w, enum element in, const char *name, const struct attrs *at);
void meta_text(struct meta_walk *w, const char *s, size_t len);
void meta_close(struct meta_walk *w, enum element e);

struct row_prop *meta_read_prop(struct meta_walk *w, const struct attrs *at);
/* meta_service.c: the elements of a container, and functions. */
void meta_open_container(struct meta_walk *w, const struct attrs *at);
void meta_open_set(struct meta_walk *w, const struct attrs *at);
void meta_open_singleton(struct meta_walk *w, const struct attrs *at);
void meta_open_function_import(struct meta_walk *w, const struct attrs *at);
void meta_open_action_import(struct meta_walk *w, const struct attrs *at);
void meta_open_action(struct meta_walk *w, const struct attrs *at);
void meta_open_param(struct meta_walk *w, const struct attrs *at);

/* meta_attr.c: attributes, checked and copied. */
const char *attr_raw(const struct attrs *at, const char *uri, const char *name, size_t *len);	/* NULL: not there */
const char *attr_name(struct meta_walk *w, const struct attrs *at, const char *name);	/* required, an identifier */
const char *attr_qualified(struct meta_walk *w, const struct attrs *at, const char *name);	/* NULL: not there */
const char *attr_text(struct meta_walk *w, const struct attrs *at, const char *uri, const char *name);	/* "" if not there; cut at 200 bytes */
bool attr_bool(const struct attrs *at, const char *uri, const char *name, bool otherwise);
uint32_t attr_number(const struct attrs *at, const char *name);	/* 0: not there, or "Max" */
bool attr_is(const struct attrs *at, const char *uri, const char *name, const char *value);
/* "space.name", kept. */
char *meta_qualify(struct meta_walk *w, const char *name);
#define URI_SAP	"http://www.sap.com/Protocols/SAPData"
#define URI_M	"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"

/* meta_link.c: the rows to their final form. */
struct odata_meta *meta_link(struct meta_walk *w);
/* meta_annot.c: what annotations say, applied to sets and properties. */
void meta_annotate(struct meta_walk *w, const struct map *types, const struct map *sets);
/* A name with its alias replaced by the namespace. */
const char *meta_full(struct meta_walk *w, const char *name);

#endif
