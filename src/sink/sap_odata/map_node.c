/* See map_int.h: nodes of a mapping's YAML as values. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "base/num.h"
#include "sink/sap_odata/map_int.h"

struct place
map_at(const struct map_file *x, const struct node *n)
{
	return (struct place){ x->file, n != NULL ? n->line : 1, n != NULL ? n->column : 1 };
}

void
map_error(struct map_file *x, const struct node *n, const char *rule, const char *remedy, const char *fmt, ...)
{
	char text[FINDING_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	x->errors++;
	site_error(x->f, rule, map_at(x, n), "%s", text);
	site_remedy(x->f, "%s", remedy);
}

bool
map_keys(struct map_file *x, const struct node *map, const char *what, const char *const *known)
{
	char remedy[FINDING_TEXT_MAX];

	if (map == NULL || map->kind != NODE_MAP) {
		map_error(x, map, "not-a-map", "write keys with values, indented below it or in braces",
		    "%s is %s, not a map", what,
		    map != NULL ? node_kind_name(map) : "missing");
		return false;
	}
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		struct near near = { .word = n->key->text };
		size_t i = 0, len = 0;
		while (known[i] != NULL && strcmp(known[i], n->key->text) != 0)
			near_try(&near, known[i++]);
		if (known[i] != NULL)
			continue;
		len = (size_t)snprintf(remedy, sizeof remedy, "write one of");
		for (i = 0; known[i] != NULL && len < sizeof remedy; i++)
			len += (size_t)snprintf(remedy + len, sizeof remedy - len, "%s %s", i > 0 ? "," : "", known[i]);
		map_error(x, n->key, "unknown-key", remedy, "%s has no key \"%.60s\"%s%s%s", what, n->key->text,
		    near.best != NULL ? "; did you mean \"" : "",
		    near.best != NULL ? near.best : "", near.best != NULL ? "\"?" : "");
	}
	return true;
}

const char *
map_text(struct map_file *x, const struct node *n, const char *what)
{
	if (n == NULL)
		return NULL;
	if (n->kind != NODE_SCALAR || (node_is_null(n) && !n->quoted)) {
		map_error(x, n, "not-a-text", "write a text", "%s is %s, not a text", what, node_kind_name(n));
		return NULL;
	}
	return n->text;
}

bool
map_bool(struct map_file *x, const struct node *n, const char *what, bool otherwise)
{
	const char *s = map_text(x, n, what);
	if (s == NULL)
		return otherwise;
	bool yes = strcmp(s, "yes") == 0 || strcmp(s, "true") == 0;
	if (!yes && strcmp(s, "no") != 0 && strcmp(s, "false") != 0)
		map_error(x, n, "not-a-bool", "write yes or no", "%s is \"%.40s\", neither yes nor no", what, s);
	return yes;
}

uint32_t
map_count(struct map_file *x, const struct node *n, const char *what, uint32_t max)
{
	const char *s = map_text(x, n, what);
	uint64_t v = 0;

	if (s == NULL)
		return 0;
	if (num_parse_u64(s, strlen(s), &v) != 0 || v == 0 || v > max) {
		map_error(x, n, "range", "write a whole number within these limits",
		    "%s is \"%.40s\", not a number from 1 to %u", what, s, max);
		return 0;
	}
	return (uint32_t)v;
}

int
map_choice(struct map_file *x, const struct node *n, const char *what, const char *const *words, int otherwise)
{
	const char *s = map_text(x, n, what);
	char remedy[300];
	size_t len = (size_t)snprintf(remedy, sizeof remedy, "write one of");

	if (s == NULL)
		return otherwise;
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], s) == 0)
			return i;
		if (len < sizeof remedy)
			len += (size_t)snprintf(remedy + len, sizeof remedy - len, "%s %s", i > 0 ? "," : "", words[i]);
	}
	map_error(x, n, "choice", remedy, "%s is \"%.40s\", which is none of its words", what, s);
	return otherwise;
}

const char *const *
map_texts(struct map_file *x, const struct node *n, const char *what)
{
	if (n == NULL)
		return NULL;
	size_t count = n->kind == NODE_LIST ? n->len : 1, i = 0;
	const char **v = arena_array(x->a, count + 1, sizeof *v);
	for (const struct node *e = n->kind == NODE_LIST ? n->first : n; e != NULL; e = n->kind == NODE_LIST
	    ? e->next : NULL) {
		const char *s = map_text(x, e, what);
		if (s != NULL)
			v[i++] = s;
	}
	return v;
}

static bool
is_identifier(const char *s)
{
	size_t len = strlen(s);
	if (len == 0 || len > META_NAME_MAX || isdigit((unsigned char)s[0]))
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '_' && (unsigned char)*s < 0x80)
			return false;
	return true;
}

const char *
map_identifier(struct map_file *x, const struct node *n, const char *what)
{
	const char *s = map_text(x, n, what);
	if (s != NULL && !is_identifier(s)) {
		map_error(x, n, "name", "write the name as it stands in the service's $metadata",
		    "%s \"%.60s\" is no name of OData (letters, digits, '_')", what, s);
		return NULL;
	}
	return s;
}

/* "String(12)", "Decimal(13,3)", "DateTime" */
bool
map_type(struct map_file *x, const struct node *n, const char *what, enum edm_type *type, struct edm_facets *facets)
{
	const char *s = map_text(x, n, what);
	unsigned a = 0, b = 0;
	int used = 0;

	*facets = (struct edm_facets){ .scale = EDM_SCALE_ANY };
	*type = EDM_NONE;
	if (s == NULL)
		return false;
	size_t len = strcspn(s, "(");
	*type = edm_of_name(s, len);
	bool sized = s[len] == '(', ok = *type != EDM_NONE && *type != EDM_STREAM;
	if (sized && *type == EDM_DECIMAL) {
		ok = sscanf(s + len, "(%u,%u)%n", &a, &b, &used) == 2 && s[len + (size_t)used] == '\0' && a > 0 &&
		    a <= 38 && b <= a;
		*facets = (struct edm_facets){ .precision = a, .scale = (int32_t)b };
	} else if (sized) {
		ok = ok && (*type == EDM_STRING || *type == EDM_BINARY) &&
		    sscanf(s + len, "(%u)%n", &a, &used) == 1 && s[len + (size_t)used] == '\0' &&
		    a > 0 && a <= 65535;
		facets->max_length = a;
	}
	if (!ok)
		map_error(x, n, "type",
		    "write the type as the service's $metadata has it, such as String(12), Decimal(13,3), DateTime, Time, Boolean, Guid, Double",
		    "%s: \"%.60s\" is no type of OData", what, s);
	return ok;
}

void
map_setting(struct map_file *x, const char *name)
{
	for (uint32_t i = 0; i < x->settings.n; i++)
		if (strcmp(x->settings.v[i], name) == 0)
			return;
	if (x->settings.n < sizeof x->settings.v / sizeof x->settings.v[0] - 1)
		x->settings.v[x->settings.n++] = name;
}
