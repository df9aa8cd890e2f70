/* Maps of the site file, read by tables of keys; see loader.h. */
#include "site/loader.h"

#include <stdio.h>
#include <string.h>

#include "base/near.h"

/* Keys that people look for in the wrong place: where the right one is. */
static const struct {
	const char	*word, *remedy;
} elsewhere[] = {
	{ "format",
	    "the sink decides the format: choose its kind (mqtt, sparkplug, ...) and its own keys in the section "
	    "sinks" },
	{ "topic", "the sink decides the topic: set it in the section sinks" },
	{ "qos", "this is a key of the sink, in the section sinks" },
	{ "address", "the address of a tag is written as `at`, that of a machine as `endpoint`" },
	{ "endpoint", "a sink is reached by a key of its kind, such as `broker: host:port`" },
	{ "url", "host and port are written as `endpoint: host:port`, those of a sink by a key of its kind" },
	{ "register", "an address is written as `at`, such as `at: holding 100 uint16`" },
	{ "interval", "a period is written as `scan`, such as `scan: 100 ms`" },
	{ "period", "a period is written as `scan`, such as `scan: 100 ms`" },
	{ "host", "host and port are written as `endpoint: host:port`" },
	{ "port", "host and port are written as `endpoint: host:port`" },
	{ "password",
	    "a secret never stands in the site file: name the file that holds it, as the keys of the sink or driver "
	    "say" },
};

bool
keys_is_map(struct loader *l, const struct node *n, const char *what)
{
	if (n == NULL || node_is_null(n) || n->kind == NODE_MAP)
		return true;
	site_error(&l->f, "wrong-shape", loader_at(l, n), "%s is %s where a map of keys is expected", what,
	    node_kind_name(n));
	site_remedy(&l->f, "write its keys indented below it, or in braces: { key: value }");
	return false;
}

static void
unknown_key(struct loader *l, const struct node *n, const char *what, const struct keyset *sets, size_t nsets)
{
	struct near near = { .word = n->key->text };
	char all[400] = "";
	size_t len = 0;

	for (size_t s = 0; s < nsets; s++)
		for (const struct key *k = sets[s].keys; k != NULL && k->name != NULL; k++) {
			near_try(&near, k->name);
			if (len < sizeof all)
				len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", len ? ", " : "", k->name);
		}
	site_error(&l->f, "unknown-key", loader_at(l, n->key), "%s has no key \"%s\"%s%s%s", what, n->key->text,
	    near.best ? "; did you mean \"" : "", near.best ? near.best : "", near.best ? "\"?" : "");
	/* The first remedy that fits is kept. */
	for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
		if (near.best == NULL && strcmp(elsewhere[i].word, n->key->text) == 0)
			site_remedy(&l->f, "%s", elsewhere[i].remedy);
	const char *colon = strchr(n->key->text, ':');
	if (colon != NULL)
		site_remedy(&l->f, "a blank is missing after the colon: %.*s: %.40s", (int)(colon - n->key->text),
		    n->key->text,
		    colon + 1);
	site_remedy(&l->f, "its keys are: %s", all);
}

const char *
key_rule(const struct key *k, int err)
{
	return k->type == KEY_UNIT ? "unit" : k->type == KEY_ENDPOINT ? "endpoint" : err == ERR_RANGE ?
	    "out-of-range" : "wrong-type";
}

int
keys_scalar(struct loader *l, const struct key *k, const struct node *n, const char *what, struct keyval *out)
{
	int err = key_parse(k, n->text, n->len, &l->env, out);
	if (err == 0)
		return 0;
	if (k->type == KEY_UNIT)
		site_error(&l->f, "unit", loader_at(l, n), "%s of %s: %s", k->name, what, l->env.why);
	else
		site_error(&l->f, key_rule(k, err), loader_at(l, n), "%s of %s is \"%.80s\", which %s", k->name, what,
		    n->text, l->env.why);
	site_remedy(&l->f, "%s", l->env.remedy);
	return err;
}

static void
wrong_kind(struct loader *l, const struct key *k, const struct node *n, const char *what)
{
	site_error(&l->f, "wrong-type", loader_at(l, n), "%s of %s is %s, where %s is expected", k->name, what,
	    node_kind_name(n),
	    key_type_name(k->type));
	site_remedy(&l->f, "write %s", key_type_form(k->type));
}

static void
read_list(struct loader *l, const struct key *k, const struct node *n, const char *what, struct keyval *out)
{
	const struct node *item = n->kind == NODE_LIST ? n->first : n;
	size_t count = n->kind == NODE_LIST ? n->len : 1;
	const char **list = arena_array(&l->plan->arena, count + 1, sizeof *list);

	for (size_t i = 0; i < count; i++, item = item->next) {
		if (item->kind != NODE_SCALAR || node_is_null(item)) {
			wrong_kind(l, k, item, what);
			return;
		}
		list[i] = strings_keep(&l->strings, item->text, item->len);
	}
	out->list = list;
	out->n = count;
	out->set = true;
}

/* [low, high] */
static void
read_range(struct loader *l, const struct key *k, const struct node *n, const char *what, struct keyval *out)
{
	static const struct key end = { "range", KEY_REAL, .help = "" };
	struct keyval lo = { 0 }, hi = { 0 };

	if (n->len != 2 || n->first->kind != NODE_SCALAR || n->first->next->kind != NODE_SCALAR) {
		wrong_kind(l, k, n, what);
		return;
	}
	if (keys_scalar(l, &end, n->first, what, &lo) != 0 || keys_scalar(l, &end, n->first->next, what, &hi) != 0)
		return;
	out->f = lo.f;
	out->g = hi.f;
	out->set = true;
}

static void
read_choices(struct loader *l, const struct key *k, const struct node *n, const char *what, struct keyval *out)
{
	for (const struct node *i = n->first; i != NULL; i = i->next) {
		if (i->kind != NODE_SCALAR)
			wrong_kind(l, k, i, what);
		else
			keys_scalar(l, k, i, what, out);
	}
}

static void
read_value(struct loader *l, const struct key *k, const struct node *n, const char *what, struct keyval *out)
{
	*out = (struct keyval){ .written = true, .line = n->line, .column = n->column };
	if (k->type == KEY_MAP)
		out->set = true;
	else if (k->type == KEY_LIST && n->kind != NODE_MAP)
		read_list(l, k, n, what, out);
	else if (k->type == KEY_RANGE && n->kind == NODE_LIST)
		read_range(l, k, n, what, out);
	else if (k->type == KEY_CHOICES && n->kind == NODE_LIST)
		read_choices(l, k, n, what, out);
	else if (n->kind != NODE_SCALAR || node_is_null(n))
		wrong_kind(l, k, n, what);
	else
		keys_scalar(l, k, n, what, out);
}

void
keys_defaults(struct loader *l, const struct key *keys, struct keyval *vals)
{
	struct parse_env env = { .strings = &l->strings, .decimal = '.' };
	for (size_t i = 0; keys != NULL && keys[i].name != NULL; i++)
		if (!vals[i].set && !vals[i].written && keys[i].def != NULL && keys[i].type != KEY_LIST)
			key_parse(&keys[i], keys[i].def, strlen(keys[i].def), &env, &vals[i]);
}

static void
missing_key(struct loader *l, const struct node *map, const struct key *k, const char *what)
{
	char about[200];
	const char *help = k->help != NULL ? k->help : "", *end = strstr(help, ". ");
	size_t n = end != NULL ? (size_t)(end - help) : strlen(help);
	if (n > 0 && help[n - 1] == '.')
		n--;
	snprintf(about, sizeof about, "%.*s", (int)(n < 150 ? n : 150), help);
	site_error(&l->f, "missing-key", loader_at(l, map->key ? map->key : map), "%s lacks its key \"%s\"", what,
	    k->name);
	site_remedy(&l->f, "add %s: %s", k->name, about[0] ? about : key_type_form(k->type));
}

static bool
read_entry(struct loader *l, const struct node *n, const char *what, const struct keyset *sets, size_t nsets)
{
	for (size_t s = 0; s < nsets; s++)
		for (size_t i = 0; sets[s].keys != NULL && sets[s].keys[i].name != NULL; i++)
			if (strcmp(sets[s].keys[i].name, n->key->text) == 0) {
				read_value(l, &sets[s].keys[i], n, what, &sets[s].vals[i]);
				return true;
			}
	return false;
}

size_t
keys_read(struct loader *l, const struct node *map, const char *what, const struct keyset *sets, size_t nsets)
{
	size_t before = l->f.report->errors;

	if (keys_is_map(l, map, what))
		for (const struct node *n = map->kind == NODE_MAP ? map->first : NULL; n != NULL; n = n->next)
			if (!read_entry(l, n, what, sets, nsets))
				unknown_key(l, n, what, sets, nsets);
	for (size_t s = 0; s < nsets; s++) {
		keys_defaults(l, sets[s].keys, sets[s].vals);
		for (size_t i = 0; sets[s].keys != NULL && sets[s].keys[i].name != NULL; i++)
			if (sets[s].keys[i].required && !sets[s].vals[i].set && !sets[s].vals[i].written &&
			    (map->kind == NODE_MAP || node_is_null(map)))
				missing_key(l, map, &sets[s].keys[i], what);
	}
	return l->f.report->errors - before;
}

struct place
keys_item_place(const struct loader *l, const struct node *map, const char *key, size_t i)
{
	const struct node *n = node_get(map, key);
	if (n == NULL)
		return loader_at(l, map);
	for (const struct node *item = n->kind == NODE_LIST ? n->first : NULL; item != NULL; item = item->next)
		if (i-- == 0)
			return loader_at(l, item);
	return loader_at(l, n);
}
