/*
 * What each element of metadata means: a table of names, where they may stand, and a function that makes a row.
 * Elements that are not in the table are passed over with all that is in them, which is how metadata grows (OData 4.01
 * CSDL XML, 5.1).
 */
#include "proto/odata/meta_int.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

static void
open_edmx(struct meta_walk *w, const struct attrs *at)
{
	if (attr_is(at, NULL, "Version", "1.0"))
		w->version = 2;
	else if (attr_is(at, NULL, "Version", "4.0") || attr_is(at, NULL, "Version", "4.01"))
		w->version = 4;
	else
		meta_stop(w, ERR_VERSION, "this is metadata of another version of OData than 2 and 4");
}

static void
open_services(struct meta_walk *w, const struct attrs *at)
{
	/* Version 3 has the same envelope as 2 and says so only here. */
	if (attr_is(at, URI_M, "DataServiceVersion", "3.0") && attr_is(at, URI_M, "MaxDataServiceVersion", "3.0"))
		meta_stop(w, ERR_VERSION, "this is metadata of OData 3; versions 2 and 4 are spoken");
}

static void
add_alias(struct meta_walk *w, const char *alias, const char *space)
{
	struct row_alias *r = alias != NULL && space != NULL ? meta_new(w, struct row_alias) : NULL;
	if (r == NULL)
		return;
	if (++w->naliases > META_ALIASES_MAX)
		meta_stop(w, ERR_LIMIT, "more than %u aliases of namespaces", META_ALIASES_MAX);
	*r = (struct row_alias){ w->aliases, alias, space };
	w->aliases = r;
}

static void
open_include(struct meta_walk *w, const struct attrs *at)
{
	add_alias(w, attr_qualified(w, at, "Alias"), attr_qualified(w, at, "Namespace"));
}

static void
open_schema(struct meta_walk *w, const struct attrs *at)
{
	w->space = attr_qualified(w, at, "Namespace");
	add_alias(w, attr_qualified(w, at, "Alias"), w->space);
}

static void
add_type(struct meta_walk *w, const struct attrs *at, bool entity)
{
	struct row_type *t = w->type = meta_new(w, struct row_type);
	if (t == NULL)
		return;
	t->name = attr_name(w, at, "Name");
	t->full = meta_qualify(w, t->name);
	t->base = attr_qualified(w, at, "BaseType");
	t->entity = entity;
	t->props_end = &t->props;
	t->navs_end = &t->navs;
	*w->types_end = t;
	w->types_end = &t->next;
}

static void open_entity(struct meta_walk *w, const struct attrs *at) { add_type(w, at, true); }
static void open_complex(struct meta_walk *w, const struct attrs *at) { add_type(w, at, false); }

static void
open_key_ref(struct meta_walk *w, const struct attrs *at)
{
	struct row_key *k = meta_new(w, struct row_key);
	if (k == NULL)
		return;
	*k = (struct row_key){ w->type->keys, attr_name(w, at, "Name") };
	w->type->keys = k;
}

/* Type names as written: "Edm.String", "Collection(Edm.String)". */
static const char *
read_type(struct meta_walk *w, const struct attrs *at, const char *name, bool *many)
{
	const char *type = attr_qualified(w, at, name);
	size_t len = type != NULL ? strlen(type) : 0;

	*many = len > 12 && strncmp(type, "Collection(", 11) == 0 && type[len - 1] == ')';
	if (type == NULL && w->err == 0)
		meta_stop(w, ERR_SYNTAX, "an element lacks its attribute %s", name);
	return *many ? arena_strndup(&w->scratch, type + 11, len - 12) : type;
}

static struct edm_facets
read_facets(const struct meta_walk *w, const struct attrs *at)
{
	size_t len;
	struct edm_facets f = { attr_number(at, "MaxLength"), attr_number(at, "Precision"), EDM_SCALE_ANY };
	bool any = attr_is(at, NULL, "Scale", "variable") || attr_is(at, NULL, "Scale", "floating");
	/* Not written: 0 in version 4 (CSDL 4.01, 7.2.4), anything in version 2. */
	if (!any && (attr_raw(at, NULL, "Scale", &len) != NULL || w->version == 4))
		f.scale = (int32_t)attr_number(at, "Scale");
	return f;
}

struct row_prop *
meta_read_prop(struct meta_walk *w, const struct attrs *at)
{
	struct row_prop *r = meta_new(w, struct row_prop);
	if (r == NULL)
		return NULL;
	struct odata_prop *p = &r->p;
	p->name = attr_name(w, at, "Name");
	p->label = attr_text(w, at, URI_SAP, "label");
	r->type = read_type(w, at, "Type", &p->collection);
	p->facets = read_facets(w, at);
	p->nullable = attr_bool(at, NULL, "Nullable", true);
	p->creatable = attr_bool(at, URI_SAP, "creatable", true);
	p->updatable = attr_bool(at, URI_SAP, "updatable", true);
	p->filterable = attr_bool(at, URI_SAP, "filterable", true);
	p->date_only = attr_is(at, URI_SAP, "display-format", "Date");
	const char *unit = attr_text(w, at, URI_SAP, "unit");
	p->unit = *unit != '\0' ? unit : NULL;
	return r;
}

static void
open_prop(struct meta_walk *w, const struct attrs *at)
{
	struct row_prop *r = w->prop = meta_read_prop(w, at);
	if (r == NULL)
		return;
	*w->type->props_end = r;
	w->type->props_end = &r->next;
	w->type->nprops++;
}

static void
open_nav(struct meta_walk *w, const struct attrs *at)
{
	struct row_nav *r = meta_new(w, struct row_nav);
	size_t len;
	if (r == NULL)
		return;
	r->name = attr_name(w, at, "Name");
	r->relationship = attr_qualified(w, at, "Relationship");
	r->to_role = attr_qualified(w, at, "ToRole");
	r->creatable = attr_bool(at, URI_SAP, "creatable", true);
	if (attr_raw(at, NULL, "Type", &len) != NULL)
		r->type = read_type(w, at, "Type", &r->many);
	*w->type->navs_end = r;
	w->type->navs_end = &r->next;
	w->type->nnavs++;
}

static void
open_association(struct meta_walk *w, const struct attrs *at)
{
	struct row_association *r = w->association = meta_new(w, struct row_association);
	if (r == NULL)
		return;
	r->full = meta_qualify(w, attr_name(w, at, "Name"));
	r->next = w->associations;
	w->associations = r;
}

static void
open_end(struct meta_walk *w, const struct attrs *at)
{
	struct row_association *r = w->association;
	if (r->nends == 2) {
		meta_stop(w, ERR_SYNTAX, "an association has more than two ends");
		return;
	}
	r->end[r->nends].role = attr_qualified(w, at, "Role");
	r->end[r->nends].type = attr_qualified(w, at, "Type");
	r->end[r->nends].many = attr_is(at, NULL, "Multiplicity", "*");
	r->nends++;
}

static void
open_definition(struct meta_walk *w, const struct attrs *at)
{
	struct row_underlying *r = meta_new(w, struct row_underlying);
	if (r == NULL)
		return;
	*r = (struct row_underlying){ w->underlying, meta_qualify(w, attr_name(w, at, "Name")),
	    attr_qualified(w, at, "UnderlyingType"),
		read_facets(w, at) };
	w->underlying = r;
}

static void
open_target(struct meta_walk *w, const struct attrs *at)
{
	w->target = attr_qualified(w, at, "Target");
	w->prop = NULL;
	w->set = NULL;
}

static void
annotate(struct meta_walk *w, bool flag, const char *path)
{
	if (w->term == NULL || (w->target == NULL && w->prop == NULL && w->set == NULL))
		return;
	struct row_annotation *r = meta_new(w, struct row_annotation);
	if (r == NULL)
		return;
	*r = (struct row_annotation){ w->annotations, w->target, w->term, w->field != NULL ? w->field : "", path,
	    flag, w->prop, w->set };
	w->annotations = r;
}

static void
open_annotation(struct meta_walk *w, const struct attrs *at)
{
	w->term = attr_qualified(w, at, "Term");
	w->field = NULL;
	annotate(w, attr_bool(at, NULL, "Bool", true) && !attr_is(at, NULL, "EnumMember",
	    "Org.OData.Core.V1.Permission/Read"),
	    attr_qualified(w, at, "Path"));
}

static void
open_value(struct meta_walk *w, const struct attrs *at)
{
	size_t len;
	w->field = attr_qualified(w, at, "Property");
	if (attr_raw(at, NULL, "Bool", &len) != NULL)
		annotate(w, attr_bool(at, NULL, "Bool", true), NULL);
}

static void
open_path(struct meta_walk *w, const struct attrs *at)
{
	(void)at;
	w->text_len = 0;
}

/* Within IN_DOCUMENT to IN_VALUE: which elements mean something there. */
static const struct rule {
	const char	*name;
	enum element	 in, is;
	void		(*open)(struct meta_walk *w, const struct attrs *at);
} rules[] = {
	{ "Edmx",		IN_DOCUMENT,	IN_EDMX,	open_edmx },
	{ "Reference",		IN_EDMX,	IN_REFERENCE,	NULL },
	{ "Include",		IN_REFERENCE,	IN_UNKNOWN,	open_include },
	{ "DataServices",	IN_EDMX,	IN_SERVICES,	open_services },
	{ "Schema",		IN_SERVICES,	IN_SCHEMA,	open_schema },
	{ "EntityType",		IN_SCHEMA,	IN_TYPE,	open_entity },
	{ "ComplexType",	IN_SCHEMA,	IN_TYPE,	open_complex },
	{ "TypeDefinition",	IN_SCHEMA,	IN_UNKNOWN,	open_definition },
	{ "Association",	IN_SCHEMA,	IN_ASSOCIATION,	open_association },
	{ "Action",		IN_SCHEMA,	IN_ACTION,	meta_open_action },
	{ "Function",		IN_SCHEMA,	IN_ACTION,	meta_open_action },
	{ "EntityContainer",	IN_SCHEMA,	IN_CONTAINER,	meta_open_container },
	{ "Annotations",	IN_SCHEMA,	IN_TARGET,	open_target },
	{ "End",		IN_ASSOCIATION,	IN_UNKNOWN,	open_end },
	{ "Key",		IN_TYPE,	IN_KEY,		NULL },
	{ "PropertyRef",	IN_KEY,		IN_UNKNOWN,	open_key_ref },
	{ "Property",		IN_TYPE,	IN_PROP,	open_prop },
	{ "NavigationProperty",	IN_TYPE,	IN_NAV,		open_nav },
	{ "EntitySet",		IN_CONTAINER,	IN_SET,		meta_open_set },
	{ "Singleton",		IN_CONTAINER,	IN_SET,		meta_open_singleton },
	{ "FunctionImport",	IN_CONTAINER,	IN_IMPORT,	meta_open_function_import },
	{ "ActionImport",	IN_CONTAINER,	IN_IMPORT,	meta_open_action_import },
	{ "Parameter",		IN_IMPORT,	IN_UNKNOWN,	meta_open_param },
	{ "Parameter",		IN_ACTION,	IN_UNKNOWN,	meta_open_param },
	{ "Annotation",		IN_TARGET,	IN_ANNOTATION,	open_annotation },
	{ "Annotation",		IN_PROP,	IN_ANNOTATION,	open_annotation },
	{ "Annotation",		IN_SET,		IN_ANNOTATION,	open_annotation },
	{ "Record",		IN_ANNOTATION,	IN_RECORD,	NULL },
	{ "PropertyValue",	IN_RECORD,	IN_VALUE,	open_value },
	{ "Collection",		IN_VALUE,	IN_COLLECTION,	NULL },
	{ "PropertyPath",	IN_COLLECTION,	IN_PATH,	open_path },
};

enum element
meta_open(struct meta_walk *w, enum element in, const char *name, const struct attrs *at)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (rules[i].in == in && strcmp(rules[i].name, name) == 0) {
			if (rules[i].open != NULL)
				rules[i].open(w, at);
			return rules[i].is;
		}
	if (in == IN_DOCUMENT)
		meta_stop(w, ERR_SYNTAX, "this is not metadata: it begins with <%.40s>, not <Edmx>", name);
	return IN_UNKNOWN;
}

void
meta_text(struct meta_walk *w, const char *s, size_t len)
{
	size_t room = META_NAME_MAX - w->text_len;
	if (len > room) {
		meta_stop(w, ERR_LIMIT, "the path of an annotation is longer than %u bytes", META_NAME_MAX);
		return;
	}
	memcpy(w->text + w->text_len, s, len);
	w->text_len += len;
}

void
meta_close(struct meta_walk *w, enum element e)
{
	if (e == IN_PATH)
		annotate(w, false, arena_strndup(&w->scratch, w->text, w->text_len));
	else if (e == IN_PROP)
		w->prop = NULL;
	else if (e == IN_SET)
		w->set = NULL;
	else if (e == IN_TARGET)
		w->target = NULL;
	else if (e == IN_ANNOTATION)
		w->term = w->field = NULL;
	else if (e == IN_VALUE)
		w->field = NULL;
}
