/*
 * See error.h: failures that are not JSON. A web server's page, a proxy's sentence, XML of version 2. Only what a
 * person would read is kept; there is no parser of HTML here, and none is needed to take tags off.
 */
#include "proto/odata/error_int.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/utf8.h"

#define LOOK_MAX	65536u		/* bytes of a page that are looked at */

void
error_plain(const char *s, size_t len, struct arena *a, struct odata_error *out)
{
	struct buf b = { .max = LOOK_MAX * 4 };

	len = utf8_cut(s, len, LOOK_MAX);
	for (size_t i = 0; i < len; ) {
		size_t n = utf8_len(s + i, len - i);
		if (n == 0 || s[i] == '\0')
			buf_putc(&b, '?');
		else
			buf_put(&b, s + i, n);
		i += n > 0 ? n : 1;
	}
	out->text = error_clean(buf_text(&b), b.len, a);
	buf_fini(&b);
}

/* Where `word` begins within [s, end), case ignored; NULL: nowhere. */
static const char *
seek(const char *s, const char *end, const char *word)
{
	size_t n = strlen(word);
	for (; (size_t)(end - s) >= n; s++)
		if (*s == *word && strncasecmp(s, word, n) == 0)
			return s;
	return NULL;
}

/* What stands between <name ...> and </name>; *len 0: there is none. */
static const char *
between(const char *s, const char *end, const char *name, size_t *len)
{
	char tag[32];

	*len = 0;
	snprintf(tag, sizeof tag, "<%s", name);
	const char *from = s;
	/* Ends: each round goes on past one tag. The name must end there: <code>, not <codes>. */
	while ((from = seek(from, end, tag)) != NULL) {
		from += strlen(tag);
		if (from < end && (*from == '>' || *from == ' '))
			break;
	}
	from = from != NULL ? memchr(from, '>', (size_t)(end - from)) : NULL;
	if (from == NULL)
		return NULL;
	snprintf(tag, sizeof tag, "</%s", name);
	const char *to = seek(++from, end, tag);
	if (to == NULL)
		return NULL;
	*len = (size_t)(to - from);
	return from;
}

static size_t
entity(const char *s, size_t len, struct buf *out)
{
	static const struct { const char *name, *is; } known[] = {
		{ "&lt;", "<" }, { "&gt;", ">" }, { "&amp;", "&" }, { "&quot;", "\"" }, { "&apos;", "'" },
		    { "&#39;", "'" }, { "&nbsp;", " " },
		{ "&copy;", "(c)" },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (len >= strlen(known[i].name) && memcmp(s, known[i].name, strlen(known[i].name)) == 0) {
			buf_puts(out, known[i].is);
			return strlen(known[i].name);
		}
	buf_putc(out, '&');
	return 1;
}

/* Text without tags, scripts and styles. */
static void
strip(const char *s, size_t len, struct arena *a, const char **out)
{
	struct buf b = { .max = LOOK_MAX * 4 };
	struct odata_error plain = { .text = "" };
	const char *end = s + len;

	/* Ends: each round takes a byte or more. */
	while (s < end) {
		if (*s == '&') {
			s += entity(s, (size_t)(end - s), &b);
			continue;
		}
		if (*s != '<') {
			buf_putc(&b, *s++);
			continue;
		}
		const char *skip = seek(s, s + 8 < end ? s + 8 : end, "<script") == s ? "</script" :
		    seek(s, s + 8 < end ? s + 8 : end, "<style") == s ? "</style" : NULL;
		const char *to = skip != NULL ? seek(s, end, skip) : s;
		to = to != NULL ? memchr(to, '>', (size_t)(end - to)) : NULL;
		s = to != NULL ? to + 1 : end;
		buf_putc(&b, ' ');
	}
	error_plain(buf_text(&b), b.len, a, &plain);
	*out = plain.text;
	buf_fini(&b);
}

void
error_markup(const char *s, size_t len, struct arena *a, struct odata_error *out)
{
	len = len < LOOK_MAX ? len : LOOK_MAX;
	const char *end = s + len, *title, *body = "";
	size_t ncode, nmessage, ntitle;
	const char *code = between(s, end, "code", &ncode), *message = between(s, end, "message", &nmessage);

	if (message != NULL && seek(s, end, "<html") == NULL) {
		strip(message, nmessage, a, &out->text);
		if (code != NULL)
			strip(code, ncode, a, &out->code);
		out->structured = seek(s, end, "<error") != NULL;
		return;
	}
	title = between(s, end, "title", &ntitle);
	if (title != NULL)
		strip(title, ntitle, a, &out->text);
	const char *page = seek(s, end, "<body");
	strip(page != NULL ? page : s, (size_t)(end - (page != NULL ? page : s)), a, &body);
	if (*out->text == '\0')
		out->text = body;
	else if (*body != '\0' && strstr(body, out->text) != body) {
		size_t n = utf8_cut(body, strlen(body), 300);
		out->text = error_clean(arena_printf(a, "%s: %.*s", out->text, (int)n, body),
		    strlen(out->text) + n + 2, a);
	} else if (*body != '\0')
		out->text = error_clean(body, utf8_cut(body, strlen(body), 400), a);
}
