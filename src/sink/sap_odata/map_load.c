/* One mapping file: its keys besides the rows. See doc/sap-mappings.md. */
#include <stdio.h>
#include <string.h>

#include "model/event.h"
#include "proto/odata/url.h"
#include "sink/sap_odata/map_int.h"

static const char *const keys[] = { "mapping", "about", "event", "service", "version", "create", "update", "call", "read",
    "lane", "identity", "lookup", "document",
	"follow-up", "units", "hints", "fields", "items", /* of one that reads: */ "key", "delta", "top", "where", "tags", NULL };
static const char *const only_create[] = { "event", "lane", "identity", "lookup", "document", "follow-up", "units",
    "hints", "fields", "items", NULL };
static const char *const not_update[] = { "identity", "items", "follow-up", NULL };
static const char *const only_read[] = { "key", "delta", "top", "where", "tags", NULL };

static void
read_service(struct map_file *x, const struct node *root)
{
	static const char *const versions[] = { "2", "4", NULL };
	char why[160];
	struct mapping *m = &x->m->m;

	m->service = map_text(x, node_get(root, "service"), "the service");
	if (m->service == NULL)
		map_error(x, root, "service", "write service: /sap/opu/odata/sap/...", "the mapping names no service");
	else if (odata_service_check(m->service, why, sizeof why) != 0)
		map_error(x, node_get(root, "service"), "service",
		    "write the path alone, as in the SAP API catalogue", "%s", why);
	if (node_get(root, "version") == NULL)
		map_error(x, root, "version", "write version: 2 or version: 4",
		    "the mapping does not say which version of OData the service speaks");
	m->version = map_choice(x, node_get(root, "version"), "the version", versions, 0) == 1 ? 4 : 2;
}

static void
read_event_type(struct map_file *x, const struct node *root)
{
	const char *words[EVENT_OBJECT_COUNT + 1] = { NULL };

	for (int i = 0; i < EVENT_OBJECT_COUNT; i++)
		words[i] = event_object_name((enum event_object)i);
	x->m->m.event = map_text(x, node_get(root, "event"), "the type of events");
	if (x->m->m.event == NULL)
		map_error(x, root, "event", "write event: operations-performance, or another type",
		    "the mapping does not say which type of events it takes");
	else
		map_choice(x, node_get(root, "event"), "the type of events", words, 0);
}

/* A property that other keys speak of must be among the fields, so that its type is known. */
static const struct field *
field_of(struct map_file *x, const struct node *n, const char *prop, const char *what)
{
	for (uint32_t i = 0; i < x->m->fields.n; i++)
		if (x->m->fields.v[i].prop != NULL && strcmp(x->m->fields.v[i].prop, prop) == 0)
			return &x->m->fields.v[i];
	map_error(x, n, "no-field", "add it to the fields, or name one that is there",
	    "%s names %.60s, which is not among the fields", what, prop);
	return NULL;
}

static void
read_identity(struct map_file *x, const struct node *n)
{
	static const char *const known[] = { "property", "form", NULL };
	static const char *const forms[] = { "", "guid", "text20", "text16", NULL };
	struct mapping *m = &x->m->m;

	if (n == NULL || !map_keys(x, n, "identity", known))
		return;
	m->identity_prop = map_identifier(x, node_get(n, "property"), "the property of identity");
	m->identity = (enum identity_form)map_choice(x, node_get(n, "form"), "the form of identity", forms,
	    IDENTITY_NONE);
	if (m->identity_prop == NULL || m->identity == IDENTITY_NONE)
		map_error(x, n, "identity", "write identity: { property: ExternalSystemConfirmation, form: guid }",
		    "identity needs a property and a form");
}

static void
read_lookup(struct map_file *x, const struct node *n)
{
	static const char *const known[] = { "where", "key", "same", NULL };
	struct mapping_full *m = x->m;

	if (m->m.call && n != NULL)
		map_error(x, n, "lookup", "remove it: a lost answer waits for a person",
		    "a call is no set that could be looked in");
	if (m->m.call)
		return;
	if (n == NULL) {
		if (m->m.identity_prop == NULL)
			return;
		const char **v = arena_array(x->a, 2, sizeof *v);
		v[0] = m->m.identity_prop;
		m->lookup = v;
		return;
	}
	if (!map_keys(x, n, "lookup", known))
		return;
	const struct node *key = node_get(n, "key"), *where = node_get(n, "where");
	if ((key == NULL) == (where == NULL)) {
		map_error(x, n, "lookup", "write lookup: { where: [...] } or lookup: { key: [...] }",
		    "a lookup is by one of where and key");
		return;
	}
	m->lookup_by_key = key != NULL;
	m->lookup = map_texts(x, key != NULL ? key : where, "lookup");
	m->same = map_texts(x, node_get(n, "same"), "same");
	for (const char *const *s = m->lookup; s != NULL && *s != NULL; s++)
		if (m->m.identity_prop == NULL || strcmp(*s, m->m.identity_prop) != 0)
			field_of(x, n, *s, "lookup");
	for (const char *const *s = m->same; s != NULL && *s != NULL; s++)
		field_of(x, n, *s, "same");
}

static void
read_follow(struct map_file *x, const struct node *n)
{
	static const char *const known[] = { "read", "has", NULL };
	if (n == NULL || !map_keys(x, n, "follow-up", known))
		return;
	x->m->m.follow_nav = map_identifier(x, node_get(n, "read"), "the navigation");
	x->m->m.follow_prop = map_identifier(x, node_get(n, "has"), "the property");
	if (x->m->m.follow_nav == NULL || x->m->m.follow_prop == NULL)
		map_error(x, n, "follow-up", "write follow-up: { read: navigation, has: property }",
		    "a follow-up needs both read and has");
}

static void
read_units(struct map_file *x, const struct node *n)
{
	static const char *const known[] = { "sap", "iso", NULL };
	if (n == NULL)
		return;
	struct unit_row *v = arena_array(x->a, n->len + 1, sizeof *v);
	if (n->kind != NODE_MAP) {
		map_error(x, n, "units", "write units: { kg: { sap: KG, iso: KGM } }", "units is no map");
		return;
	}
	for (const struct node *e = n->first; e != NULL; e = e->next) {
		if (!map_keys(x, e, "a unit", known))
			continue;
		const char *sap = map_text(x, node_get(e, "sap"), "sap"), *iso = map_text(x, node_get(e, "iso"), "iso");
		v[x->m->nunits++] = (struct unit_row){ e->key->text, iso != NULL ? iso : "", sap != NULL ? sap : "" };
	}
	x->m->units = v;
}

static void
read_hints(struct map_file *x, const struct node *n)
{
	if (n == NULL)
		return;
	struct hint *v = arena_array(x->a, n->len + 1, sizeof *v);
	if (n->kind != NODE_MAP) {
		map_error(x, n, "hints", "write hints: { \"M7/053\": what to do }", "hints is no map");
		return;
	}
	for (const struct node *e = n->first; e != NULL; e = e->next) {
		const char *text = map_text(x, e, "a hint");
		if (text != NULL)
			v[x->m->nhints++] = (struct hint){ e->key->text, text };
	}
	x->m->hints = v;
}

static void
refuse_keys(struct map_file *x, const struct node *root, const char *const *list, const char *kind)
{
	for (; *list != NULL; list++) {
		const struct node *n = node_get(root, *list);
		if (n != NULL)
			map_error(x, n->key, "unknown-key", "remove it", "a mapping that %s has no key \"%s\"", kind,
			    *list);
	}
}

static void
read_create(struct map_file *x, const struct node *root)
{
	struct mapping_full *m = x->m;

	refuse_keys(x, root, only_read, "creates");
	if (m->m.update)
		refuse_keys(x, root, not_update, "updates");
	read_event_type(x, root);
	m->lane = map_text(x, node_get(root, "lane"), "lane");
	read_identity(x, node_get(root, "identity"));
	map_fields(x, node_get(root, "fields"), node_get(root, "items"), 0, &m->fields);
	if (m->m.call && m->fields.nitems > 0)
		map_error(x, node_get(root, "items"), "items", "remove them", "a call has no items");
	for (uint32_t i = 0; m->m.identity_prop != NULL && i < m->fields.n; i++)
		if (m->fields.v[i].prop != NULL && strcmp(m->fields.v[i].prop, m->m.identity_prop) == 0)
			map_error(x, node_get(root, "identity"), "identity",
			    "remove it from the fields, or take another property for the identity",
			    "%s carries the identity, and is among the fields as well", m->m.identity_prop);
	read_lookup(x, node_get(root, "lookup"));
	if (m->m.update && (!m->lookup_by_key || m->same != NULL))
		map_error(x, root, "lookup", "write lookup: { key: [the properties of its key] }",
		    "an update finds its entity by the key, and compares all that it writes");
	m->m.document = map_texts(x, node_get(root, "document"), "document");
	if (m->m.document == NULL)
		map_error(x, root, "document", "write document: [properties that make its number]",
		    "the mapping does not say what number a document has");
	read_follow(x, node_get(root, "follow-up"));
	read_units(x, node_get(root, "units"));
	read_hints(x, node_get(root, "hints"));
	m->m.fields = &m->fields;
}

static void
read_mapping(struct map_file *x, const struct node *root)
{
	const struct node *create = node_get(root, "create"), *call = node_get(root, "call"),
	    *update = node_get(root, "update"), *read = node_get(root, "read");
	const struct node *name = node_get(root, "mapping"), *what = create != NULL ? create : call != NULL ? call :
	    update != NULL ? update : read;
	struct mapping *m = &x->m->m;

	m->name = map_text(x, name, "the name");
	if (m->name == NULL || *m->name == '\0' || strlen(m->name) > 60)
		map_error(x, name != NULL ? name : root, "name",
		    "write mapping: with a short name such as production-confirmation", "the mapping has no name");
	const char *about = map_text(x, node_get(root, "about"), "about");
	m->about = about != NULL ? about : "";
	m->event = "";
	m->at = map_at(x, name);
	read_service(x, root);
	if ((create != NULL) + (call != NULL) + (update != NULL) + (read != NULL) != 1) {
		map_error(x, root, "create",
		    "write one of create: (a set), update: (a set), call: (a function import) and read: (a set)",
		    "it must be one of create, update, call and read");
		return;
	}
	m->set = map_identifier(x, what, "the set");
	m->call = call != NULL;
	m->update = update != NULL;
	if (read != NULL) {
		refuse_keys(x, root, only_create, "reads");
		map_reading(x, root);
	} else
		read_create(x, root);
	const char **settings = arena_array(x->a, x->settings.n + 1, sizeof *settings);
	memcpy(settings, x->settings.v, x->settings.n * sizeof *settings);
	x->m->settings = settings;
}

const struct mapping *
map_file_read(struct arena *a, struct findings *f, const char *file, const char *text, size_t len)
{
	struct map_file x = { .a = a, .f = f, .file = arena_strdup(a, file) };
	struct node *root = NULL;

	size_t before = f->report->errors;
	int err = node_parse(text, len, x.file, a, f, &root);
	if (err != 0 || f->report->errors > before)
		return NULL;
	if (root == NULL) {
		map_error(&x, NULL, "empty", "write a mapping, or remove the file", "the file is empty");
		return NULL;
	}
	x.m = arena_new(a, struct mapping_full);
	if (map_keys(&x, root, "a mapping", keys))
		read_mapping(&x, root);
	return x.errors == 0 ? &x.m->m : NULL;
}
