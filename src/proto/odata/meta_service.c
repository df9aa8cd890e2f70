/* Elements of metadata that say what a service offers: the container with its sets, and functions with their parameters. */
#include "proto/odata/meta_int.h"

#include "base/err.h"

void
meta_open_container(struct meta_walk *w, const struct attrs *at)
{
	w->container = meta_qualify(w, attr_name(w, at, "Name"));
	w->container_space = w->space;
}

static void
add_set(struct meta_walk *w, const struct attrs *at, const char *type, bool singleton)
{
	struct row_set *r = w->set = meta_new(w, struct row_set);
	if (r == NULL)
		return;
	r->s = (struct odata_set){ .name = attr_name(w, at, "Name"), .singleton = singleton,
		.creatable = !singleton && attr_bool(at, URI_SAP, "creatable", true),
		.updatable = attr_bool(at, URI_SAP, "updatable", true),
		    .deletable = attr_bool(at, URI_SAP, "deletable", true),
		.addressable = attr_bool(at, URI_SAP, "addressable", true),
		    .requires_filter = attr_bool(at, URI_SAP, "requires-filter", false) };
	r->type = attr_qualified(w, at, type);
	r->full = arena_printf(&w->scratch, "%s/%s", w->container, r->s.name);
	*w->sets_end = r;
	w->sets_end = &r->next;
	if (r->type == NULL)
		meta_stop(w, ERR_SYNTAX, "the set %s lacks its attribute %s", r->s.name, type);
}

void meta_open_set(struct meta_walk *w, const struct attrs *at) { add_set(w, at, "EntityType", false); }
void meta_open_singleton(struct meta_walk *w, const struct attrs *at) { add_set(w, at, "Type", true); }

static struct row_action *
new_action(struct meta_walk *w, const struct attrs *at)
{
	struct row_action *r = w->action = meta_new(w, struct row_action);
	if (r == NULL)
		return NULL;
	r->name = attr_name(w, at, "Name");
	r->full = meta_qualify(w, r->name);
	r->params_end = &r->params;
	return r;
}

static void
add_import(struct meta_walk *w, const struct attrs *at, const char *refers, const char *method)
{
	struct row_action *r = new_action(w, at);
	if (r == NULL)
		return;
	r->refers = attr_qualified(w, at, refers);
	r->method = attr_is(at, URI_M, "HttpMethod", "POST") ? "POST" : method;
	*w->imports_end = r;
	w->imports_end = &r->next;
}

void meta_open_function_import(struct meta_walk *w, const struct attrs *at) { add_import(w, at, "Function", "GET"); }
void meta_open_action_import(struct meta_walk *w, const struct attrs *at) { add_import(w, at, "Action", "POST"); }

void
meta_open_action(struct meta_walk *w, const struct attrs *at)
{
	struct row_action *r = new_action(w, at);
	if (r == NULL)
		return;
	r->bound = attr_bool(at, NULL, "IsBound", false);
	r->next = w->actions;
	w->actions = r;
}

void
meta_open_param(struct meta_walk *w, const struct attrs *at)
{
	struct row_prop *r = meta_read_prop(w, at);
	if (r == NULL)
		return;
	*w->action->params_end = r;
	w->action->params_end = &r->next;
	w->action->nparams++;
}
