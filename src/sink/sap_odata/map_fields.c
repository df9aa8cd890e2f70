/*
 * The rows of a mapping: one a property, and items, which are rows of a table below the document. Keys are listed once,
 * here; doc/sap-mappings.md explains them.
 */
#include <stdio.h>
#include <string.h>

#include "sink/sap_odata/map_int.h"

static const char *const field_keys[] = { "type", "from", "value", "context", "setting", "text", "unit-of", "code",
    "default", "unit", "map", "pad", "decimals",
	"round", "too-long", "as", "required", "if-null", NULL };
static const char *const item_keys[] = { "to", "when", "repeat", "fields", "items", NULL };
static const char *const contexts[] = { "id", "event", "type", "key", "no", "time", "name", "equipment", NULL };

static const struct { const char *key; enum field_from from; } sources[] = {
	{ "from", FROM_FIELD }, { "value", FROM_VALUE }, { "context", FROM_CONTEXT }, { "setting", FROM_SETTING },
	    { "text", FROM_TEXT },
	{ "unit-of", FROM_UNIT },
};
_Static_assert(sizeof sources / sizeof sources[0] == FROMS, "a key for each source");

static void
read_source(struct map_file *x, const struct node *n, const char *what, struct field *out)
{
	const struct node *first = NULL;

	for (size_t i = 0; i < FROMS; i++) {
		const struct node *v = node_get(n, sources[i].key);
		if (v == NULL)
			continue;
		const char *s = map_text(x, v, what);
		if (sources[i].from == FROM_UNIT)
			out->unit_of = s;
		if (sources[i].from == FROM_CONTEXT)
			map_choice(x, v, what, contexts, 0);
		if (first == NULL) {
			first = v;
			out->from = sources[i].from;
			out->source = s;
		} else if (out->from == FROM_FIELD && sources[i].from == FROM_CONTEXT)	/* `from` goes first, as before unit-of */
			out->else_context = s;
		else if (out->from != FROM_FIELD || sources[i].from != FROM_UNIT || out->else_context != NULL)
			map_error(x, v->key, "two-sources", "keep one of them",
			    "%s has its value from two places: %s and %s", what, first->key->text,
			    v->key->text);
	}
	if (first == NULL)
		map_error(x, n, "no-source", "give it one of from, value, context, setting, text, unit-of",
		    "nothing says where the value of %s comes from", what);
	else if (out->from == FROM_SETTING && out->source != NULL)
		map_setting(x, out->source);
}

static void
read_words(struct map_file *x, const struct node *n, const char *what, struct field *out)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_MAP) {
		map_error(x, n, "not-a-map", "write { word of the event: word of SAP, ... }",
		    "the words of %s are no map", what);
		return;
	}
	struct pair *v = arena_array(x->a, n->len + 1, sizeof *v);
	for (const struct node *e = n->first; e != NULL; e = e->next) {
		const char *to = map_text(x, e, what);
		if (to != NULL)
			v[out->nmap++] = (struct pair){ e->key->text, to };
	}
	out->map = v;
}

static void
judge_field(struct map_file *x, const struct node *n, const char *what, const struct field *p)
{
	bool text = p->type == EDM_STRING;
	const struct node *pad = node_get(n, "pad"), *round = node_get(n, "round"), *as = node_get(n, "as"),
	    *cut = node_get(n, "too-long");

	if (pad != NULL && (!text || (p->facets.max_length > 0 && p->pad > p->facets.max_length)))
		map_error(x, pad, "pad", "remove it, or pad to the length of the property at most",
		    "%s: zeros are put before numbers in texts, up to its length", what);
	if (round != NULL && p->facets.scale == EDM_SCALE_ANY && !(p->type >= EDM_BYTE && p->type <= EDM_INT64))
		map_error(x, round, "round", "remove it; for a number in a text, say decimals: as well",
		    "%s has no number of digits to round to", what);
	if (cut != NULL && !text)
		map_error(x, cut, "too-long", "remove it", "%s is no text: it is never too long", what);
	if (as != NULL && !text && (p->type < EDM_DATETIME || p->type > EDM_TIMEOFDAY))
		map_error(x, as, "as", "remove it", "%s is no date or time", what);
	if (text && p->facets.max_length == 0)
		map_error(x, node_get(n, "type"), "type", "write its length, such as String(40)",
		    "%s: a text needs a length", what);
	if (p->required && p->def != NULL)
		map_error(x, node_get(n, "required"), "required", "remove one of the two",
		    "%s is required and has a default", what);
}

static void
read_field(struct map_file *x, const struct node *n, struct field *out)
{
	static const char *const rounds[] = { "no", "half-up", "half-even", "down", NULL };
	static const char *const lengths[] = { "refuse", "cut", NULL };
	static const char *const parts[] = { "", "day", "clock", "instant", NULL };
	static const char *const codes[] = { "sap", "iso", NULL };
	static const char *const nulls[] = { "refuse", "omit", NULL };
	char what[META_NAME_MAX + 1];

	snprintf(what, sizeof what, "%s", n->key->text);
	*out = (struct field){ .prop = map_identifier(x, n->key, "the property"), .at = map_at(x, n->key),
	    .source = "" };
	if (!map_keys(x, n, what, field_keys))
		return;
	if (node_get(n, "type") == NULL)
		map_error(x, n, "type",
		    "write it as the service's $metadata has it, such as String(12), Decimal(13,3), DateTime",
		    "%s has no type", what);
	else
		map_type(x, node_get(n, "type"), what, &out->type, &out->facets);
	read_source(x, n, what, out);
	read_words(x, node_get(n, "map"), what, out);
	out->code = map_choice(x, node_get(n, "code"), what, codes, UNIT_SAP) == 1 ? UNIT_ISO : UNIT_SAP;
	out->def = map_text(x, node_get(n, "default"), what);
	out->unit_prop = map_identifier(x, node_get(n, "unit"), what);
	out->pad = map_count(x, node_get(n, "pad"), what, 40);
	if (node_get(n, "decimals") != NULL && out->type == EDM_STRING)
		out->facets.scale = (int32_t)map_count(x, node_get(n, "decimals"), what, 15);
	else if (node_get(n, "decimals") != NULL)
		map_error(x, node_get(n, "decimals"), "decimals", "remove it; a Decimal says them in its type",
		    "%s is no text", what);
	out->round = (enum decimal_round)map_choice(x, node_get(n, "round"), what, rounds, DECIMAL_REFUSE);
	out->cut = map_choice(x, node_get(n, "too-long"), what, lengths, 0) == 1;
	out->part = (enum field_part)map_choice(x, node_get(n, "as"), what, parts, PART_DEFAULT);
	out->required = map_bool(x, node_get(n, "required"), what, false);
	/*
	 * A number that could not be had is not zero: nothing is booked without a person's word. A text may be missing.
	 */
	bool number = out->type >= EDM_BYTE && out->type <= EDM_DECIMAL;
	out->pass_null = map_choice(x, node_get(n, "if-null"), what, nulls, number ? 0 : 1) == 1;
	judge_field(x, n, what, out);
}

static void
read_items(struct map_file *x, const struct node *list, unsigned depth, struct fields *out)
{
	if (list == NULL)
		return;
	if (list->kind != NODE_LIST || depth == MAPPING_ITEMS_DEPTH) {
		map_error(x, list, "items", "write a list: - { to: to_..., fields: { ... } }", list->kind != NODE_LIST
		    ? "the items are no list" :
		    "items stand within items more than three deep");
		return;
	}
	out->items = arena_array(x->a, list->len + 1, sizeof *out->items);
	for (const struct node *n = list->first; n != NULL; n = n->next) {
		struct item *it = &out->items[out->nitems];
		if (!map_keys(x, n, "an item", item_keys))
			continue;
		out->nitems++;
		*it = (struct item){ .nav = map_identifier(x, node_get(n, "to"), "the navigation"), .at = map_at(x, n),
			.when = map_text(x, node_get(n, "when"), "when"),
			    .repeat = map_count(x, node_get(n, "repeat"), "repeat", MAPPING_REPEAT_MAX) };
		if (it->nav == NULL)
			map_error(x, n, "items", "write to: with the navigation's name",
			    "an item does not say where it goes");
		if (it->repeat > 0 && (it->when == NULL || strstr(it->when, "{n}") == NULL))
			map_error(x, node_get(n, "repeat"), "items",
			    "write when: with a field whose name holds {n}, such as component-{n}-quantity",
			    "an item that repeats must say which field makes one");
		map_fields(x, node_get(n, "fields"), node_get(n, "items"), depth + 1, &it->fields);
	}
}

void
map_fields(struct map_file *x, const struct node *map, const struct node *items, unsigned depth, struct fields *out)
{
	if (map == NULL || map->kind != NODE_MAP) {
		map_error(x, map, "fields", "write fields: with a row for each property", "there are no fields");
		return;
	}
	out->v = arena_array(x->a, map->len + 1, sizeof *out->v);
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		if (++x->m->nfields > MAPPING_FIELDS_MAX) {
			map_error(x, n, "limit", "split it into two mappings", "a mapping has at most %u fields",
			    MAPPING_FIELDS_MAX);
			return;
		}
		read_field(x, n, &out->v[out->n++]);
	}
	read_items(x, items, depth, out);
}
