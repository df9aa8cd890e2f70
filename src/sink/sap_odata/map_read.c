/* Mappings that read: which property gives which tag, and which rows are asked for. */
#include <stdio.h>
#include <string.h>

#include "sink/sap_odata/map_int.h"

static void
read_tag(struct map_file *x, const struct node *n, struct read_tag *out)
{
	static const char *const known[] = { "from", "type", "required", "strip", "unit", NULL };
	struct edm_facets facets;

	out->name = n->key->text;
	if (!map_keys(x, n, n->key->text, known))
		return;
	out->prop = map_identifier(x, node_get(n, "from"), "the property");
	if (out->prop == NULL)
		map_error(x, n, "no-source", "write from: with a property of the set",
		    "nothing says which property the tag %.60s comes from", out->name);
	if (!map_type(x, node_get(n, "type"), n->key->text, &out->type, &facets) && node_get(n, "type") == NULL)
		map_error(x, n, "type", "write it as the service's $metadata has it", "the tag %.60s has no type",
		    out->name);
	out->required = map_bool(x, node_get(n, "required"), "required", false);
	out->strip = map_bool(x, node_get(n, "strip"), "strip", false);
	out->unit = map_bool(x, node_get(n, "unit"), "unit", false);
}

static void
read_tags(struct map_file *x, const struct node *map, struct reading *r)
{
	if (map == NULL || map->kind != NODE_MAP || map->len == 0 || map->len > READ_TAGS_MAX) {
		map_error(x, map, "tags", "write tags: { name: { from: Property, type: String(12) } }",
		    "a mapping that reads has 1 to %u tags", READ_TAGS_MAX);
		return;
	}
	struct read_tag *v = arena_array(x->a, map->len, sizeof *v);
	for (const struct node *n = map->first; n != NULL; n = n->next)
		read_tag(x, n, &v[r->ntags++]);
	r->tags = v;
}

static void
read_where(struct map_file *x, const struct node *n, struct read_where *out)
{
	static const char *const known[] = { "property", "is", "type", "value", "setting", "optional", NULL };
	static const char *const ops[] = { "eq", "ne", "gt", "ge", "lt", "le", NULL };
	struct edm_facets facets;
	char why[ODATA_WHY_MAX];
	struct edm_value v;

	if (!map_keys(x, n, "a condition", known))
		return;
	out->prop = map_identifier(x, node_get(n, "property"), "the property");
	out->op = ops[map_choice(x, node_get(n, "is"), "is", ops, 0)];
	out->value = map_text(x, node_get(n, "value"), "value");
	out->setting = map_text(x, node_get(n, "setting"), "setting");
	out->optional = map_bool(x, node_get(n, "optional"), "optional", false);
	if (out->prop == NULL || (out->value == NULL) == (out->setting == NULL)) {
		map_error(x, n, "where",
		    "write { property: P, type: String(4), value: X } or setting: instead of value:",
		    "a condition needs a property, and one of value and setting");
		return;
	}
	if (!map_type(x, node_get(n, "type"), out->prop, &out->type, &facets) && node_get(n, "type") == NULL)
		map_error(x, n, "type", "write it as the service's $metadata has it",
		    "the condition on %s has no type", out->prop);
	if (out->setting != NULL)
		map_setting(x, out->setting);
	else if (out->type != EDM_NONE && edm_from_text(out->value, strlen(out->value), out->type, x->a, &v, why) != 0)
		map_error(x, node_get(n, "value"), "value", "write a value of this type", "%s: %s", out->prop, why);
}

static void
read_delta(struct map_file *x, const struct node *n, struct reading *r)
{
	static const char *const known[] = { "property", "type", NULL };
	struct edm_facets facets;

	if (n == NULL || !map_keys(x, n, "delta", known))
		return;
	r->delta = map_identifier(x, node_get(n, "property"), "the property of change");
	map_type(x, node_get(n, "type"), "delta", &r->delta_type, &facets);
	if (r->delta == NULL || (r->delta_type != EDM_STRING && r->delta_type != EDM_DATETIMEOFFSET))
		map_error(x, n, "delta",
		    "write delta: { property: LastChangeDateTime, type: String(14) } or DateTimeOffset",
		    "a property of change is a text or a time");
}

void
map_reading(struct map_file *x, const struct node *root)
{
	struct reading *r = &x->m->reading;
	const struct node *where = node_get(root, "where");

	x->m->m.reading = r;
	read_tags(x, node_get(root, "tags"), r);
	read_delta(x, node_get(root, "delta"), r);
	r->key = map_text(x, node_get(root, "key"), "key");
	r->top = map_count(x, node_get(root, "top"), "top", READ_ROWS_MAX);
	r->top = r->top > 0 ? r->top : 500;
	bool known = false;
	for (uint32_t i = 0; r->key != NULL && i < r->ntags; i++)
		known |= strcmp(r->tags[i].name, r->key) == 0;
	if (!known)
		map_error(x, node_get(root, "key") != NULL ? node_get(root, "key") : root, "key",
		    "write key: with the tag that tells rows apart",
		    "the key is none of the tags");
	if (where == NULL)
		return;
	if (where->kind != NODE_LIST || where->len > 32) {
		map_error(x, where, "where", "write a list of at most 32 conditions", "where is no such list");
		return;
	}
	struct read_where *v = arena_array(x->a, where->len + 1, sizeof *v);
	for (const struct node *n = where->first; n != NULL; n = n->next)
		read_where(x, n, &v[r->nwhere++]);
	r->where = v;
}
