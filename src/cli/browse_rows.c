/* From the nodes of a walk to rows of a tag table: path, address, type, unit, range. See browse_cli.h. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "cli/browse_cli.h"
#include "model/path.h"

#define AT_MAX 512u	/* what a site file takes for `at` */

void
browse_clean(struct buf *out, const char *name)
{
	size_t len = strlen(name), from = out->len;

	while (len > 0 && name[len - 1] == ' ')
		len--;
	while (len > 0 && *name == ' ') {
		name++;
		len--;
	}
	for (size_t i = 0; i < len;) {
		size_t k = utf8_len(name + i, len - i);
		unsigned char c = (unsigned char)name[i];
		/* '=' and the like at its beginning make a formula of a cell. */
		bool odd = k == 0 || c < 0x20 || c == 0x7f || strchr("/*?\"", c) != NULL ||
		    (out->len == from && strchr("=+-@", c) != NULL);
		if (odd)
			buf_putc(out, '_');
		else
			buf_put(out, name + i, k);
		i += k > 0 ? k : 1;
	}
	if (out->len == from)
		buf_putc(out, '_');
}

/* The names from below the start to the node. False: too many or too long. */
static bool
put_path(const struct ua_browse *b, uint32_t node, const char *prefix, struct buf *out)
{
	uint32_t chain[UA_BROWSE_DEPTH + 1], n = 0;

	for (uint32_t i = node; i != 0 && n < UA_BROWSE_DEPTH + 1; i = b->nodes[i].parent)
		chain[n++] = i;
	if (prefix != NULL)
		buf_puts(out, prefix);
	while (n > 0) {
		if (out->len > 0)
			buf_putc(out, '/');
		browse_clean(out, b->nodes[chain[--n]].name);
	}
	return out->len > 0 && path_fault(out->p, out->len) == NULL;
}

/*
 * Every row has a type, since `penstock check` wants one. What may be this today and that tomorrow (Number,
 * BaseDataType, a rank that is left open) is json; but what has a unit or a range is a number (OPC 10000-8, 5.3.2.3).
 */
const char *
browse_type(const struct ua_browse *b, const struct browse_node *n)
{
	const struct browse_type *k = n->type < b->nkinds ? &b->kinds[n->type] : NULL;
	uint8_t t = k == NULL || k->builtin == 0 || k->builtin == UA_B_VARIANT ? VALUE_NULL : k->structure ? VALUE_JSON :
	    ua_builtin_value(k->builtin);

	if (n->rank == -1 && t == VALUE_NULL && (n->unit != NULL || n->unit_text != NULL || n->has_range))
		return "float64";
	if (t == VALUE_NULL || (n->rank != -1 && n->rank != 1) || (n->rank == 1 && !value_is_number(t)))
		return "json";
	return value_type_name(t);
}

bool
browse_is_number(const char *type)
{
	return value_is_number((uint8_t)value_type_parse(type, strlen(type)));
}

bool
browse_is_array(const struct ua_browse *b, const struct browse_node *n)
{
	return n->rank == 1 && browse_is_number(browse_type(b, n));
}

/* False: no address of a site file can name it. */
static bool
put_at(const struct ua_browse *b, const struct browse_node *n, struct buf *out)
{
	struct ua_type_book book = { .namespaces = b->namespaces, .nnamespaces = b->nnamespaces };
	struct at_info info;
	char why[300];

	ua_id_text(out, &n->id, &book, NULL, 0, 0);
	char options[40] = "[] ";
	if (browse_is_array(b, n))
		snprintf(options, sizeof options, "[type %s[]] ", browse_type(b, n));
	if (memchr(buf_text(out), '\0', out->len) != NULL)
		return false;
	/* An identifier that ends like options needs some in front, if only empty ones. */
	if (options[1] != ']' || (out->len > 0 && out->p[out->len - 1] == ']' && strstr(out->p, " [") != NULL)) {
		char *copy = strdup(out->p);
		if (copy == NULL)
			return false;
		buf_reset(out);
		buf_puts(out, options);
		buf_puts(out, copy);
		free(copy);
	}
	return out->len <= AT_MAX && ua_parse_at(buf_text(out), NULL, &info, why, sizeof why) == 0;
}

const char *
browse_help(struct arena *m, const struct browse_node *n)
{
	if (n->unit_text != NULL)
		return arena_printf(m, "%s%sunit: %s", n->help != NULL ? n->help : "", n->help != NULL ? "; " : "", n->unit_text);
	return n->help != NULL ? n->help : "";
}

static int
by_path(const void *a, const void *b)
{
	const struct browse_row *x = a, *y = b;
	int d = strcmp(x->path, y->path);
	return d != 0 ? d : strcmp(x->at, y->at);
}

/* Two variables of one path (a server may well have them): the second is told from the first. */
static void
make_unique(struct browse_rows *r)
{
	struct map seen = { 0 };
	static char here[] = "x";

	for (uint32_t i = 0; i < r->n; i++) {
		const char *path = r->v[i].path;
		for (unsigned k = 2; map_get(&seen, path, strlen(path)) != NULL; k++)
			path = arena_printf(&r->memory, "%s (%u)", r->v[i].path, k);
		r->v[i].path = path;
		map_put(&seen, path, strlen(path), here);
	}
	map_fini(&seen);
}

void
browse_rows_make(const struct ua_browse *b, const char *prefix, struct browse_rows *out)
{
	struct buf path = { 0 }, at = { 0 };

	*out = (struct browse_rows){ 0 };
	out->v = arena_array(&out->memory, b->n + 1, sizeof *out->v);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct browse_node *n = &b->nodes[i];
		if (n->class != UA_NODECLASS_VARIABLE || n->property)
			continue;
		buf_reset(&path);
		buf_reset(&at);
		if (!put_path(b, i, prefix, &path)) {
			out->no_path++;
			continue;
		}
		if (!put_at(b, n, &at)) {
			out->no_address++;
			continue;
		}
		const char *type = browse_type(b, n);
		bool number = browse_is_number(type);
		out->v[out->n++] = (struct browse_row){ .path = arena_strdup(&out->memory, path.p),
		    .at = arena_strdup(&out->memory, at.p), .type = type,
		    .unit = number && n->unit != NULL ? n->unit : "", .help = browse_help(&out->memory, n),
		    .has_range = number && n->has_range, .lo = n->lo, .hi = n->hi, .node = i };
	}
	buf_fini(&path);
	buf_fini(&at);
	qsort(out->v, out->n, sizeof *out->v, by_path);
	make_unique(out);
}

void
browse_rows_free(struct browse_rows *r)
{
	arena_fini(&r->memory);
}
