/* The section equipment: what makes tags of types, and has tags of its own. */
#include <stdio.h>
#include <string.h>

#include "site/arch.h"
#include "site/table.h"
#include "site/types.h"

/* Values for the parameters of its type; whatever the type does not declare is a finding. */
static void
give_params(struct loader *l, const struct node *map, const char *what, const struct type_def *t, struct params *params)
{
	struct buf unused = { 0 };
	char why[200];

	if (map == NULL || !keys_is_map(l, map, what))
		return;
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		struct param *p = params_find(params, n->key->text, n->key->len);
		if (p == NULL) {
			char probe[160];
			snprintf(probe, sizeof probe, "${%.128s}", n->key->text);
			params_expand(params, probe, &unused, why, sizeof why);
			site_error(&l->f, "params", loader_at(l, n->key),
			    "%s gives a value to a parameter that type %s does not have: %s", what,
			    t != NULL ? t->name : "(none)", why);
			site_remedy(&l->f, "correct the name, or declare it below `params` of the type");
		} else if (n->kind != NODE_SCALAR || node_is_null(n)) {
			site_error(&l->f, "wrong-type", loader_at(l, n), "parameter %s of %s is %s", n->key->text,
			    what, node_kind_name(n));
			site_remedy(&l->f, "write a number or a text");
		} else
			p->value = n->text;
	}
	buf_fini(&unused);
}

static void
own_tables(struct loader *l, const struct node *tags, const char *what, const struct equipment *e)
{
	const struct node *n = tags->kind == NODE_LIST ? tags->first : tags;
	for (; n != NULL; n = tags->kind == NODE_LIST ? n->next : NULL) {
		if (n->kind != NODE_SCALAR || node_is_null(n)) {
			site_error(&l->f, "wrong-type", loader_at(l, n), "tags of %s is %s", what, node_kind_name(n));
			site_remedy(&l->f, "write a map of tags, or the name of a CSV table");
			continue;
		}
		table_load(l, n, e);
	}
}

static void
read_equipment(struct loader *l, const struct node *n, const char *what)
{
	struct keyval v[EQUIPMENT_KEYS] = { 0 };
	struct params params = { .n = 0 };
	struct type_def *t = NULL;

	keys_read(l, n, what, &(struct keyset){ equipment_keys, v }, 1);
	arch_equipment(l, strings_keep(&l->strings, n->key->text, n->key->len), v, loader_at(l, n->key));
	if (v[EQUIPMENT_TYPE].set)
		t = ref_find(l, SECTION_TYPES, v[EQUIPMENT_TYPE].s, keys_item_place(l, n, "type", 0), what);
	if (v[EQUIPMENT_SOURCE].set)
		ref_find(l, SECTION_SOURCES, v[EQUIPMENT_SOURCE].s, keys_item_place(l, n, "source", 0), what);
	if (t != NULL)
		type_params(l, t, &params);
	if (t != NULL || !v[EQUIPMENT_TYPE].set)
		give_params(l, node_get(n, "params"), what, t, &params);
	struct equipment e = {
		.path = strings_keep(&l->strings, n->key->text, n->key->len), .params = t != NULL ? &params : NULL,
		.source = v[EQUIPMENT_SOURCE].set ? v[EQUIPMENT_SOURCE].s : NULL, .place = loader_at(l, n->key),
	};
	if (t != NULL)
		type_make(l, t, &e);
	const struct node *tags = node_get(n, "tags");
	if (tags != NULL && tags->kind == NODE_MAP)
		type_make_tags(l, type_read_tags(l, tags, what), &e);
	else if (tags != NULL)
		own_tables(l, tags, what, &e);
}

void
load_equipment(struct loader *l)
{
	char what[200];

	for (const struct node *n = section_first(l, SECTION_EQUIPMENT); n != NULL; n = n->next) {
		snprintf(what, sizeof what, "equipment \"%.160s\"", n->key->text);
		section_name(l, SECTION_EQUIPMENT, n);
		read_equipment(l, n, what);
	}
}
