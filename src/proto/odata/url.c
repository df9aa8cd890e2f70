/* See url.h. */
#include "proto/odata/url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "proto/odata/value.h"

/*
 * Before and behind the text of a value, and whether it stands in quotes (OData 2.0 overview, 6; OData 4.01 ABNF, 7).
 * NULL: no literal.
 */
static const struct frame { const char *v2, *v2_end, *v4, *v4_end; } frames[EDM_TYPES] = {
	[EDM_STRING] =		{ "'", "'", "'", "'" },
	[EDM_BOOLEAN] =		{ "", "", "", "" },
	[EDM_BYTE] =		{ "", "", "", "" },
	[EDM_SBYTE] =		{ "", "", "", "" },
	[EDM_INT16] =		{ "", "", "", "" },
	[EDM_INT32] =		{ "", "", "", "" },
	[EDM_INT64] =		{ "", "L", "", "" },
	[EDM_SINGLE] =		{ "", "f", "", "" },
	[EDM_DOUBLE] =		{ "", "d", "", "" },
	[EDM_DECIMAL] =		{ "", "M", "", "" },
	[EDM_GUID] =		{ "guid'", "'", "", "" },
	[EDM_DATETIME] =	{ "datetime'", "'", NULL, NULL },
	[EDM_DATETIMEOFFSET] =	{ "datetimeoffset'", "'", "", "" },
	[EDM_TIME] =		{ "time'", "'", NULL, NULL },
	[EDM_DATE] =		{ NULL, NULL, "", "" },
	[EDM_TIMEOFDAY] =	{ NULL, NULL, "", "" },
	[EDM_DURATION] =	{ NULL, NULL, "duration'", "'" },
};

int
odata_put_literal(struct buf *out, unsigned version, const struct edm_value *v)
{
	const char *before = version == 2 ? frames[v->type].v2 : frames[v->type].v4;
	const char *behind = version == 2 ? frames[v->type].v2_end : frames[v->type].v4_end;
	char text[80];

	if (before == NULL)
		return ERR_TYPE;
	if (v->null) {
		buf_puts(out, "null");
		return 0;
	}
	buf_puts(out, before);
	if (v->type == EDM_STRING)
		for (size_t i = 0; i < v->len; i++) {
			if (v->text[i] == '\'')
				buf_putc(out, '\'');
			buf_putc(out, v->text[i]);
		}
	else
		buf_put(out, text, edm_text(v, text, sizeof text));
	buf_puts(out, behind);
	return 0;
}

void
odata_put_escaped(struct buf *out, const char *s, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (isalnum(c) || (c != '\0' && strchr("-._~", c) != NULL)) {	/* RFC 3986, 2.3 */
			buf_putc(out, (char)c);
			continue;
		}
		buf_putc(out, '%');
		buf_putc(out, hex[c >> 4]);
		buf_putc(out, hex[c & 15]);
	}
}

/* Quotes and parentheses of a key stay as they are, as every server expects; what is within is escaped. */
static int
put_key_literal(struct buf *out, unsigned version, const struct edm_value *v)
{
	struct buf raw = { 0 };
	int err = odata_put_literal(&raw, version, v);
	const char *s = buf_text(&raw);

	for (size_t i = 0; i < raw.len; i++)
		if (s[i] == '\'')
			buf_putc(out, '\'');
		else
			odata_put_escaped(out, s + i, 1);
	if (err == 0)
		err = raw.err;
	buf_fini(&raw);
	return err;
}

int
odata_put_key(struct buf *out, unsigned version, const struct odata_key *v, size_t n)
{
	int err = 0;

	buf_putc(out, '(');
	for (size_t i = 0; i < n && err == 0; i++) {
		if (i > 0)
			buf_putc(out, ',');
		if (n > 1)
			buf_printf(out, "%s=", v[i].name);
		err = put_key_literal(out, version, &v[i].value);
	}
	buf_putc(out, ')');
	return err != 0 ? err : out->err;
}

void
odata_query_begin(struct odata_query *q, struct buf *out, unsigned version)
{
	*q = (struct odata_query){ .out = out, .version = version };
}

void
odata_query(struct odata_query *q, const char *option, const char *value)
{
	buf_putc(q->out, q->begun ? '&' : '?');
	q->begun = true;
	buf_puts(q->out, option);
	buf_putc(q->out, '=');
	odata_put_escaped(q->out, value, strlen(value));
}

void
odata_query_where(struct odata_query *q, const char *prop, const char *op, const struct edm_value *v)
{
	if (q->filter.len > 0)
		buf_puts(&q->filter, " and ");
	buf_printf(&q->filter, "%s %s ", prop, op);
	int err = odata_put_literal(&q->filter, q->version, v);
	if (q->err == 0)
		q->err = err;
}

int
odata_query_end(struct odata_query *q)
{
	if (q->err == 0)
		q->err = q->filter.err;
	if (q->err == 0 && q->filter.len > 0)
		odata_query(q, "$filter", buf_text(&q->filter));
	buf_fini(&q->filter);
	return q->err != 0 ? q->err : q->out->err;
}

static bool
dots(const char *segment, size_t len)
{
	return (len == 1 && segment[0] == '.') || (len == 2 && segment[0] == '.' && segment[1] == '.');
}

int
odata_service_check(const char *path, char *why, size_t size)
{
	size_t len = strlen(path);

	if (len == 0 || len > ODATA_PATH_MAX || path[0] != '/' || path[len - 1] == '/') {
		snprintf(why, size,
		    "the path of a service begins with '/', ends without one and has at most %u bytes", ODATA_PATH_MAX);
		return ERR_SYNTAX;
	}
	for (const char *s = path; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("/-._~!$&'()*+,;=:@%", *s) == NULL) {	/* RFC 3986, 3.3 */
			snprintf(why, size, "the path of a service holds %s, which no path may",
			    (unsigned char)*s < 0x21 || (unsigned char)*s > 0x7e
			    ? "a blank or a character that is not ASCII" : "one of ?#\"<>[]\\^`{|}");
			return ERR_SYNTAX;
		}
	/* Ends: each round goes on to the next slash. */
	for (const char *s = path; s != NULL && *s != '\0'; s = strchr(s + 1, '/')) {
		size_t n = strcspn(s + 1, "/");
		if (n == 0 || dots(s + 1, n)) {
			snprintf(why, size, "the path of a service has an empty part, \".\" or \"..\"");
			return ERR_SYNTAX;
		}
	}
	return 0;
}

const char *
odata_below(const char *url, const char *host, const char *service)
{
	size_t nservice = strlen(service), nhost = strlen(host);

	if (strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0) {
		url = strstr(url, "//") + 2;
		if (strncasecmp(url, host, nhost) != 0 || url[nhost] != '/')
			return NULL;
		url += nhost;
	} else if (url[0] != '/' || url[1] == '/') {
		/* Relative: below the service, unless it is of another scheme or climbs out. */
		return url[0] == '/' || strstr(url, "..") != NULL || strcspn(url, ":") < strcspn(url, "/?(") ? NULL :
		    url;
	}
	if (strncmp(url, service, nservice) != 0 || url[nservice] != '/' || strstr(url, "/../") != NULL)
		return NULL;
	return url + nservice + 1;
}
