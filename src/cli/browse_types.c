/*
 * A server's object types as a `types:` section of a site file: each type's variables by their browse path below an
 * instance. A piece of equipment of such a type says where its instance is with the parameter `path`.
 */
#include <string.h>

#include "base/json.h"
#include "base/map.h"
#include "base/num.h"
#include "cli/browse_cli.h"

/* One step of a browse path: OPC 10000-4 1.05, A.2, as ua_addr.h reads it. */
static void
put_step(const struct ua_browse *b, const struct browse_node *n, struct buf *out)
{
	buf_putc(out, '/');
	if (n->name_ns == 0)
		buf_puts(out, "0:");
	else {
		buf_puts(out, "nsu=");
		for (const char *p = n->name_ns < b->nnamespaces ? b->namespaces[n->name_ns] : "?"; *p != '\0'; p++) {
			if (*p == ';' || *p == '%')
				buf_puts(out, *p == ';' ? "%3B" : "%25");
			else
				buf_putc(out, *p);
		}
		buf_putc(out, ';');
	}
	for (const char *p = n->name; *p != '\0'; p++) {
		if (strchr("/.<>:#!&[]", *p) != NULL)
			buf_putc(out, '&');
		buf_putc(out, *p);
	}
}

/* The nearest object type above a node, 0 for none; the nodes on the way below it into chain, nearest last. */
static uint32_t
type_above(const struct ua_browse *b, uint32_t i, uint32_t *chain, uint32_t *n)
{
	*n = 0;
	for (; i != 0; i = b->nodes[i].parent) {
		if (b->nodes[i].class == UA_NODECLASS_OBJECTTYPE)
			return i;
		if (*n < UA_BROWSE_DEPTH)
			chain[(*n)++] = i;
	}
	return 0;
}

static void
put_tag(const struct ua_browse *b, uint32_t i, const uint32_t *chain, uint32_t n, FILE *out)
{
	const struct browse_node *x = &b->nodes[i];
	struct buf name = { 0 }, at = { 0 }, line = { 0 };
	struct arena m = { 0 };
	char lo[NUM_TEXT + 1], hi[NUM_TEXT + 1];

	const char *type = browse_type(b, x), *help = browse_help(&m, x);
	if (browse_is_array(b, x))
		buf_printf(&at, "[type %s[]] ", type);
	buf_puts(&at, "${path}");
	size_t below = at.len;
	for (uint32_t k = n; k-- > 0;) {
		if (name.len > 0)
			buf_putc(&name, ' ');	/* a tag's name has no '/' */
		browse_clean(&name, b->nodes[chain[k]].name);
		put_step(b, &b->nodes[chain[k]], &at);
	}
	buf_puts(&line, "      ");
	json_quote(&line, name.p, name.len);
	buf_puts(&line, ": { at: ");
	json_quote(&line, at.p, at.len);
	bool number = browse_is_number(type);
	buf_printf(&line, ", type: %s", type);
	if (number && x->unit != NULL) {
		buf_puts(&line, ", unit: ");
		json_quote(&line, x->unit, strlen(x->unit));
	}
	if (number && x->has_range) {
		lo[num_f64(x->lo, lo)] = hi[num_f64(x->hi, hi)] = '\0';
		buf_printf(&line, ", range: [%s, %s]", lo, hi);
	}
	if (help[0] != '\0') {
		buf_puts(&line, ", description: ");
		json_quote(&line, help, strlen(help));
	}
	/* "${" within a name would be taken for a parameter. */
	if (strstr(at.p + below, "${") == NULL && at.len <= 512)
		fprintf(out, "%s }\n", line.p);
	buf_fini(&name);
	buf_fini(&at);
	buf_fini(&line);
	arena_fini(&m);
}

/* A name for the section: letters, digits and dashes, told apart where two types would have the same. */
static void
put_name(const char *name, struct map *taken, struct arena *m, FILE *out)
{
	struct buf b = { 0 };
	static char here[] = "x";

	for (const char *p = name; *p != '\0'; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
		buf_putc(&b, plain ? *p : '-');
	}
	const char *text = arena_strdup(m, b.len > 0 ? b.p : "type"), *unique = text;
	for (unsigned k = 2; map_get(taken, unique, strlen(unique)) != NULL; k++)
		unique = arena_printf(m, "%s-%u", text, k);
	map_put(taken, unique, strlen(unique), here);
	fprintf(out, "  %s:\n    params: { path: ~ }\n    tags:\n", unique);
	buf_fini(&b);
}

uint32_t
browse_types(const struct ua_browse *b, FILE *out)
{
	uint32_t chain[UA_BROWSE_DEPTH], n, types = 0;
	struct map taken = { 0 };
	struct arena m = { 0 };

	fputs("types:\n", out);
	for (uint32_t t = 1; t < b->n; t++) {
		if (b->nodes[t].class != UA_NODECLASS_OBJECTTYPE || b->nodes[t].id.ns == 0)
			continue;
		bool begun = false;
		for (uint32_t i = t + 1; i < b->n; i++) {
			if (b->nodes[i].class != UA_NODECLASS_VARIABLE || b->nodes[i].property || type_above(b, i, chain, &n) != t)
				continue;
			if (!begun)
				put_name(b->nodes[t].name, &taken, &m, out);
			begun = true;
			put_tag(b, i, chain, n, out);
		}
		types += begun;
	}
	map_fini(&taken);
	arena_fini(&m);
	return types;
}
