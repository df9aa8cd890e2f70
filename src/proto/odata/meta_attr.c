/* Attributes of metadata: found, checked, copied. A name that is no identifier goes no further than this file. */
#include "proto/odata/meta_int.h"

#include <ctype.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/utf8.h"

const char *
attr_raw(const struct attrs *at, const char *uri, const char *name, size_t *len)
{
	for (int i = 0; i < at->n; i++) {
		const xmlChar **a = at->v + (ptrdiff_t)i * 5;		/* local name, prefix, URI, value, end of value */
		if (strcmp((const char *)a[0], name) != 0)
			continue;
		if (uri == NULL ? a[2] != NULL : a[2] == NULL || strcmp((const char *)a[2], uri) != 0)
			continue;
		*len = (size_t)(a[4] - a[3]);
		return (const char *)a[3];
	}
	return NULL;
}

/* OData 4.01 CSDL, 15.2: SimpleIdentifier; whatever is not ASCII is taken for a letter. */
static bool
is_identifier(const char *s, size_t len)
{
	if (len == 0 || len > META_NAME_MAX || isdigit((unsigned char)s[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '_' && (unsigned char)s[i] < 0x80)
			return false;
	return true;
}

static bool
is_qualified(const char *s, size_t len)
{
	if (len == 0 || len > META_QUALIFIED_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && strchr("_./()-@#", s[i]) == NULL && (unsigned char)s[i] < 0x80)
			return false;
	return true;
}

static void
refuse(struct meta_walk *w, const char *name, const char *s, size_t len)
{
	if (s == NULL)
		meta_stop(w, ERR_SYNTAX, "an element lacks its attribute %s", name);
	else
		meta_stop(w, ERR_SYNTAX,
		    "%s=\"%.*s\" is no name that OData allows (letters, digits and '_', at most %u)", name,
		    (int)(len < 60 ? len : 60), s, META_NAME_MAX);
}

const char *
attr_name(struct meta_walk *w, const struct attrs *at, const char *name)
{
	size_t len = 0;
	const char *s = attr_raw(at, NULL, name, &len);
	if (s == NULL || !is_identifier(s, len)) {
		refuse(w, name, s, len);
		return "";
	}
	return arena_strndup(w->a, s, len);
}

const char *
attr_qualified(struct meta_walk *w, const struct attrs *at, const char *name)
{
	size_t len = 0;
	const char *s = attr_raw(at, NULL, name, &len);
	if (s == NULL)
		return NULL;
	if (!is_qualified(s, len)) {
		refuse(w, name, s, len);
		return NULL;
	}
	return arena_strndup(&w->scratch, s, len);
}

#define TEXT_MAX 200u

const char *
attr_text(struct meta_walk *w, const struct attrs *at, const char *uri, const char *name)
{
	size_t len = 0;
	const char *s = attr_raw(at, uri, name, &len);
	if (s == NULL || len == 0)
		return "";
	return arena_strndup(w->a, s, utf8_cut(s, len, TEXT_MAX));
}

bool
attr_is(const struct attrs *at, const char *uri, const char *name, const char *value)
{
	size_t len = 0;
	const char *s = attr_raw(at, uri, name, &len);
	return s != NULL && strlen(value) == len && memcmp(s, value, len) == 0;
}

bool
attr_bool(const struct attrs *at, const char *uri, const char *name, bool otherwise)
{
	if (attr_is(at, uri, name, "true") || attr_is(at, uri, name, "1"))
		return true;
	if (attr_is(at, uri, name, "false") || attr_is(at, uri, name, "0"))
		return false;
	return otherwise;
}

uint32_t
attr_number(const struct attrs *at, const char *name)
{
	size_t len = 0;
	uint64_t v = 0;
	const char *s = attr_raw(at, NULL, name, &len);
	if (s == NULL || num_parse_u64(s, len, &v) != 0 || v > INT32_MAX)
		return 0;
	return (uint32_t)v;
}

char *
meta_qualify(struct meta_walk *w, const char *name)
{
	return arena_printf(&w->scratch, "%s.%s", w->space != NULL ? w->space : "", name);
}
