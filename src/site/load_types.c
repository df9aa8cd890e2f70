/* See types.h. */
#include <stdio.h>
#include <string.h>

#include "site/types.h"

static void
tag_cells(struct loader *l, const struct node *n, struct type_tag *t)
{
	t->place = loader_at(l, n->key);
	for (size_t i = 0; i < TAG_KEYS; i++)
		if (t->v[i].written)
			t->cells[i] = (struct place){ l->file, t->v[i].line, t->v[i].column };
}

struct type_tag *
type_read_tags(struct loader *l, const struct node *map, const char *what)
{
	struct type_tag *first = NULL, **last = &first;
	char name[320];

	if (!keys_is_map(l, map, what) || map == NULL)
		return NULL;
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		struct type_tag *t = arena_new(&l->scratch, struct type_tag);
		snprintf(name, sizeof name, "tag %.120s of %.160s", n->key->text, what);
		keys_read(l, n, name, &(struct keyset){ tag_keys, t->v }, 1);
		t->name = n->key->text;
		t->len = n->key->len;
		tag_cells(l, n, t);
		*last = t;
		last = &t->next;
	}
	return first;
}

void
load_types(struct loader *l)
{
	char what[160];

	for (const struct node *n = section_first(l, SECTION_TYPES); n != NULL; n = n->next) {
		struct keyval v[TYPE_KEYS] = { 0 };
		struct type_def *t = arena_new(&l->scratch, struct type_def);
		snprintf(what, sizeof what, "type %.128s", n->key->text);
		section_name(l, SECTION_TYPES, n);
		keys_read(l, n, what, &(struct keyset){ type_keys, v }, 1);
		*t = (struct type_def){
			.name = n->key->text, .node = n, .extends = v[TYPE_EXTENDS].set ? v[TYPE_EXTENDS].s : NULL,
			.extends_at = keys_item_place(l, n, "extends", 0), .place = loader_at(l, n->key),
		};
		t->params = keys_is_map(l, node_get(n, "params"), what) ? node_get(n, "params") : NULL;
		t->tags = type_read_tags(l, node_get(n, "tags"), what);
		ref_add(l, SECTION_TYPES, t->name, t);
	}
	/* Every `extends` is followed once here, so that a type nobody uses is judged too. */
	for (const struct node *n = section_first(l, SECTION_TYPES); n != NULL; n = n->next) {
		struct type_def *chain[TYPE_EXTENDS_MAX];
		struct type_def *t = map_get(&l->rows[SECTION_TYPES], n->key->text, n->key->len);
		type_chain(l, t, chain);
	}
}

size_t
type_chain(struct loader *l, struct type_def *t, struct type_def **chain)
{
	char what[160];
	size_t n = 0;

	/* Ends: at TYPE_EXTENDS_MAX, which also breaks a circle. */
	while (t != NULL) {
		if (n == TYPE_EXTENDS_MAX) {
			site_error(&l->f, "extends", chain[0]->extends_at,
			    "type %s extends types in a circle, or more than %u deep",
			    chain[0]->name, TYPE_EXTENDS_MAX);
			site_remedy(&l->f, "take one `extends` out of the chain");
			break;
		}
		chain[n++] = t;
		if (t->extends == NULL)
			break;
		snprintf(what, sizeof what, "type %.128s", t->name);
		struct type_def *up = ref_find(l, SECTION_TYPES, t->extends, t->extends_at, what);
		if (up != NULL)
			up->extended = true;
		t = up;
	}
	return n;
}

static void
add_param(struct loader *l, const struct type_def *t, const struct node *n, struct params *out)
{
	struct param *p = params_find(out, n->key->text, n->key->len);
	if (p == NULL && out->n == PARAMS_MAX) {
		site_error(&l->f, "limit", loader_at(l, n->key), "type %s has more than %u parameters", t->name,
		    PARAMS_MAX);
		site_remedy(&l->f, "split the type");
		return;
	}
	if (n->kind != NODE_SCALAR) {
		site_error(&l->f, "wrong-type", loader_at(l, n), "parameter %s of type %s is %s", n->key->text,
		    t->name, node_kind_name(n));
		site_remedy(&l->f, "write a number or a text, or ~ for none");
		return;
	}
	if (p == NULL)
		p = &out->v[out->n++];
	*p = (struct param){ .name = n->key->text, .value = node_is_null(n) ? NULL : n->text, .node = n };
}

void
type_params(struct loader *l, struct type_def *t, struct params *out)
{
	struct type_def *chain[TYPE_EXTENDS_MAX];

	out->n = 0;
	for (size_t i = type_chain(l, t, chain); i > 0; i--)
		for (const struct node *n = chain[i - 1]->params != NULL ? chain[i - 1]->params->first :
		    NULL; n != NULL; n = n->next)
			add_param(l, chain[i - 1], n, out);
}

/* A text with its parameters filled in, kept in the plan; NULL and a finding when that fails. */
static const char *
expand(struct loader *l, const struct type_tag *t, int key, const struct equipment *e)
{
	const struct keyval *v = &t->v[key];
	char why[300], room[1024];
	struct buf out = { .p = room, .cap = sizeof room, .max = sizeof room - 1 };

	if (!v->set)
		return NULL;
	if (strstr(v->s, "${") == NULL)
		return v->s;
	if (e->params == NULL) {
		site_error(&l->f, "params", t->cells[key], "%s of tag %s uses a parameter, but only types have those",
		    tag_keys[key].name,
		    t->name);
		site_remedy(&l->f, "write the value out");
		return NULL;
	}
	int err = params_expand(e->params, v->s, &out, why, sizeof why);
	if (err == 0)
		return strings_add(&l->strings, buf_text(&out), out.len);
	site_error(&l->f, "params", t->cells[key], "%s of tag %s of equipment \"%.160s\": %s", tag_keys[key].name,
	    t->name, e->path,
	    err == ERR_LIMIT ? "longer than 1000 bytes once its parameters are filled in" : why);
	site_remedy(&l->f,
	    "declare the parameter below `params` of the type, and give its value below `params` of the equipment");
	return NULL;
}

static void
make_one(struct loader *l, const struct type_tag *t, const struct equipment *e)
{
	char path[PATH_ROOM];
	int n = snprintf(path, sizeof path, "%s/%s", e->path, t->name);
	if (n < 0 || (size_t)n >= sizeof path) {
		site_error(&l->f, "path", t->place, "the path of tag \"%.80s\" of \"%.80s\" is longer than 512 bytes",
		    t->name, e->path);
		site_remedy(&l->f, "shorten the names");
		return;
	}
	struct tag_input in = {
		.path = strings_add(&l->strings, path, (size_t)n), .path_len = (size_t)n, .v = t->v,
		    .at = expand(l, t, TAG_AT, e), .expr = expand(l, t, TAG_EXPR, e),
		.help = expand(l, t, TAG_DESCRIPTION, e), .source = expand(l, t, TAG_SOURCE, e), .place = t->place,
		    .cells = t->cells,
	};
	if (in.help == NULL)
		in.help = "";
	if (!t->v[TAG_SOURCE].set) {
		in.source = e->source;
		in.source_judged = true;
	}
	tag_add(l, &in);
}

void
type_make_tags(struct loader *l, const struct type_tag *tags, const struct equipment *e)
{
	for (const struct type_tag *t = tags; t != NULL; t = t->next)
		make_one(l, t, e);
}

/* All tags of a type: its ancestors' first, each name once, with what the latest descendant says. */
static void
resolve(struct loader *l, struct type_def *t)
{
	struct type_def *chain[TYPE_EXTENDS_MAX];
	struct map names = { 0 };
	size_t n = 0, depth = type_chain(l, t, chain);

	for (size_t i = 0; i < depth; i++)
		for (const struct type_tag *tag = chain[i]->tags; tag != NULL; tag = tag->next)
			n++;
	t->all = arena_array(&l->scratch, n + 1, sizeof *t->all);
	for (size_t i = depth; i > 0; i--)
		for (const struct type_tag *tag = chain[i - 1]->tags; tag != NULL; tag = tag->next) {
			uintptr_t before = (uintptr_t)map_get(&names, tag->name, tag->len);
			if (before == 0)
				map_put(&names, tag->name, tag->len, (void *)(uintptr_t)++t->nall);
			t->all[before != 0 ? before - 1 : t->nall - 1] = tag;
		}
	map_fini(&names);
}

void
type_make(struct loader *l, struct type_def *t, const struct equipment *e)
{
	if (t->all == NULL)
		resolve(l, t);
	for (size_t i = 0; i < t->nall; i++)
		make_one(l, t->all[i], e);
}
