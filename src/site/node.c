/*
 * See node.h. The parser below keeps its own stack of open lists and maps, at most NODE_DEPTH_MAX deep, so no recursion
 * follows what stands in the file.
 */
#include "site/node.h"

#include <string.h>
#include <yaml.h>

struct open {		/* a list or map that is not yet closed */
	struct node	*node, *last;	/* last entry so far */
	struct node	*key;		/* of a map: a key that waits for its value */
	struct map	 keys;		/* of a map: keys seen */
};

struct tree {
	const char	*file;
	struct arena	*arena;
	struct findings	*f;
	struct open	 stack[NODE_DEPTH_MAX];
	size_t		 depth, nodes;
	struct node	*root;
	bool		 failed;	/* cannot go on */
};

static struct place
place_of(const struct tree *t, yaml_mark_t m)
{
	return (struct place){ t->file, (int)m.line + 1, (int)m.column + 1 };
}

static void
stop(struct tree *t, const char *rule, yaml_mark_t at, const char *cause, const char *remedy)
{
	site_error(t->f, rule, place_of(t, at), "%s", cause);
	site_remedy(t->f, "%s", remedy);
	t->failed = true;
}

static struct node *
new_node(struct tree *t, enum node_kind kind, yaml_mark_t at)
{
	if (++t->nodes > NODES_MAX) {
		stop(t, "limit", at, "the file has more than 4000000 values", "move tags into CSV tables");
		return NULL;
	}
	struct node *n = arena_new(t->arena, struct node);
	n->kind = kind;
	n->line = (int)at.line + 1;
	n->column = (int)at.column + 1;
	return n;
}

static void
note_duplicate(struct tree *t, struct open *o, struct node *key)
{
	struct node *before = map_put(&o->keys, key->text, key->len, key);
	if (before == NULL)
		return;
	site_error(t->f, "duplicate-key", (struct place){ t->file, key->line, key->column },
	    "\"%s\" stands here a second time; the first is on line %d", key->text, before->line);
	site_remedy(t->f, "remove or rename one of the two");
}

/* Hang a finished scalar, or a list or map that is just opened, onto its parent. */
static void
attach(struct tree *t, struct node *n)
{
	if (t->depth == 0) {
		t->root = n;
		return;
	}
	struct open *o = &t->stack[t->depth - 1];
	if (o->node->kind == NODE_MAP && o->key == NULL) {
		if (n->kind != NODE_SCALAR) {
			site_error(t->f, "yaml", (struct place){ t->file, n->line, n->column },
			    "%s stands where the name of a key is expected", node_kind_name(n));
			site_remedy(t->f,
			    "write a plain name followed by a colon; quote a text that starts with { or [");
			t->failed = true;
			return;
		}
		o->key = n;
		note_duplicate(t, o, n);
		return;
	}
	n->key = o->key;
	o->key = NULL;
	if (o->last == NULL)
		o->node->first = n;
	else
		o->last->next = n;
	o->last = n;
	o->node->len++;
}

static void
on_scalar(struct tree *t, const yaml_event_t *e)
{
	struct node *n = new_node(t, NODE_SCALAR, e->start_mark);
	if (n == NULL)
		return;
	size_t len = e->data.scalar.length;
	if (memchr(e->data.scalar.value, 0, len) != NULL) {
		stop(t, "yaml", e->start_mark, "this text holds a NUL character",
		    "remove it; texts of a site file are printable");
		return;
	}
	n->text = arena_strndup(t->arena, (const char *)e->data.scalar.value, len);
	n->len = (uint32_t)len;
	n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	attach(t, n);
}

static void
on_open(struct tree *t, enum node_kind kind, yaml_mark_t at)
{
	struct node *n = new_node(t, kind, at);
	if (n == NULL)
		return;
	attach(t, n);
	if (t->failed)
		return;
	if (t->depth == NODE_DEPTH_MAX) {
		stop(t, "limit", at, "lists and maps are nested more than 32 deep", "flatten this part of the file");
		return;
	}
	t->stack[t->depth++] = (struct open){ .node = n };
}

static void
on_close(struct tree *t)
{
	if (t->depth > 0)
		map_fini(&t->stack[--t->depth].keys);
}

static bool
has_anchor_or_tag(struct tree *t, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (e->type) {
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
		break;
	default:
		return false;
	}
	if (anchor != NULL)
		stop(t, "yaml-anchor", e->start_mark, "a YAML anchor (&name) is not taken here",
		    "write the values out, or make a type and let others extend it");
	else if (tag != NULL)
		stop(t, "yaml-tag", e->start_mark, "a YAML tag (!name) is not taken here",
		    "remove it; put a text that starts with '!' in quotes");
	return anchor != NULL || tag != NULL;
}

static void
on_event(struct tree *t, const yaml_event_t *e)
{
	if (has_anchor_or_tag(t, e))
		return;
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		stop(t, "yaml-anchor", e->start_mark, "a YAML alias (*name) is not taken here",
		    "quote a pattern that starts with '*'; otherwise write the values out, or make a type and let "
		    "others extend it");
		break;
	case YAML_DOCUMENT_START_EVENT:
		if (t->root != NULL)
			stop(t, "yaml", e->start_mark, "a second document starts here",
			    "a site is one document: remove the line with '---'");
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(t, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_open(t, NODE_LIST, e->start_mark);
		break;
	case YAML_MAPPING_START_EVENT:
		on_open(t, NODE_MAP, e->start_mark);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_close(t);
		break;
	default:
		break;
	}
}

/* What is likely behind a complaint of libyaml, which names the symptom. */
static const struct {
	const char	*says;		/* a part of what libyaml says; NULL: anything */
	char		 at;		/* the character that it stumbled over; 0: any */
	bool		 opening;	/* the fault is where the thing began, not where it was missed */
	const char	*remedy;
} habits[] = {
	{ NULL, '\t', false, "this line is indented with a tab: use blanks" },
	{ "quoted scalar", 0, true, "the quote that opens here is never closed" },
	{ "scanning an alias", 0, false, "a text that starts with '*' needs quotes: \"**/speed\"" },
	{ "scanning an anchor", 0, false, "a text that starts with '&' needs quotes" },
	{ NULL, '%', false, "a text that starts with '%' needs quotes: \"%MW100 int16\"" },
	{ NULL, '@', false, "a text that starts with '@' needs quotes" },
	{ NULL, '`', false, "a text that starts with '`' needs quotes" },
	{ "flow mapping", 0, true,
	    "the brace that opens here is not closed, or a comma is missing behind one of its values" },
	{ "flow sequence", 0, true,
	    "the bracket that opens here is not closed, or a comma is missing behind one of its values" },
	{ "mapping values are not allowed", 0, false,
	    "a colon is missing on the line above, or the indentation does not fit; "
	    "a text that holds ': ' needs quotes" },
	{ "simple key", 0, false, "a colon is missing here or on the line above, or the indentation does not fit" },
	{ "block mapping", 0, false, "the indentation does not fit: entries of one map start in one column" },
	{ NULL, 0, false,
	    "look at this line and the one above: a missing colon or the blank behind it, the indentation, an unclosed "
	    "quote or bracket, or a text that needs quotes" },
};

static void
on_syntax(struct tree *t, const yaml_parser_t *p, const char *text, size_t len)
{
	const char *context = p->context != NULL ? p->context : "", *problem = p->problem != NULL ? p->problem : "";
	yaml_mark_t at = p->problem_mark;
	size_t i = 0;
	char here = 0;

	/* Marks count characters; for what we look for, ASCII, it is enough to look where they are bytes too. */
	if (at.index < len)
		here = text[at.index];
	/* Ends: the last row takes everything. */
	while ((habits[i].says != NULL && strstr(context, habits[i].says) == NULL &&
	    strstr(problem, habits[i].says) == NULL) ||
	    (habits[i].at != 0 && habits[i].at != here))
		i++;
	site_error(t->f, "yaml", place_of(t, habits[i].opening ? p->context_mark : at),
	    "not valid YAML: %s%s%s (line %d)",
	    context, *context ? ", " : "", problem, (int)at.line + 1);
	site_remedy(t->f, "%s", habits[i].remedy);
}

static void
on_bad_bytes(struct tree *t, const yaml_parser_t *p, const char *text, size_t len)
{
	struct place at = { t->file, 1, 1 };

	for (size_t i = 0; i < len && i < p->problem_offset; i++) {
		at.column = text[i] == '\n' ? 1 : at.column + 1;
		at.line += text[i] == '\n';
	}
	site_error(t->f, "encoding", at, "the file is not UTF-8 text: %s", p->problem != NULL ? p->problem :
	    "cannot be read");
	site_remedy(t->f, "save it as UTF-8; it is often a degree sign or an umlaut that shows an older character set");
}

int
node_parse(const char *text, size_t len, const char *file, struct arena *a, struct findings *f, struct node **out)
{
	struct tree t = { .file = file, .arena = a, .f = f };
	yaml_parser_t parser;
	bool end = false;

	*out = NULL;
	if (yaml_parser_initialize(&parser) == 0)
		return ERR_NOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	/* Ends: each event takes bytes, or is the end of the stream, or an error. */
	while (!end && !t.failed) {
		yaml_event_t e;
		if (yaml_parser_parse(&parser, &e) == 0) {
			(parser.error == YAML_READER_ERROR ? on_bad_bytes : on_syntax)(&t, &parser, text, len);
			t.failed = true;
			break;
		}
		end = e.type == YAML_STREAM_END_EVENT;
		on_event(&t, &e);
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	while (t.depth > 0)
		on_close(&t);
	*out = t.failed ? NULL : t.root;
	return t.failed ? ERR_SYNTAX : 0;
}

struct node *
node_get(const struct node *map, const char *key)
{
	if (map == NULL || map->kind != NODE_MAP)
		return NULL;
	for (struct node *n = map->first; n != NULL; n = n->next)
		if (strcmp(n->key->text, key) == 0)
			return n;
	return NULL;
}

bool
node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && !n->quoted &&
	    (n->len == 0 || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

const char *
node_kind_name(const struct node *n)
{
	return n->kind == NODE_MAP ? "a map" : n->kind == NODE_LIST ? "a list" : node_is_null(n) ? "nothing" : "a text";
}
