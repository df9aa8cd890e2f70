/* See record.h. */
#include "pki/record.h"

#include <stdio.h>
#include <string.h>

#include "pki/inside.h"

void
record_print(const struct record *r, struct buf *out)
{
	char first[WALL_TEXT], last[WALL_TEXT];

	buf_printf(out, "first: %s\nlast: %s\nfrom: %s\nstatus: %s\nwhy: %s\n", wall_format(r->first, 0, first), wall_format(r->last, 0, last),
	    r->from, r->status, r->why);
}

static void
take_text(char *out, size_t size, const char *p, size_t len)
{
	size_t n = len < size ? len : size - 1;

	memcpy(out, p, n);
	out[n] = '\0';
	cert_clean(out);
}

static int
take_time(struct wall *out, const char *p, size_t len)
{
	char text[WALL_TEXT];

	if (len >= sizeof text)
		return ERR_SYNTAX;
	memcpy(text, p, len);
	text[len] = '\0';
	return wall_parse(text, out);
}

static int
take_line(struct record *r, const char *p, size_t len)
{
	const struct { const char *key; struct wall *time; char *text; size_t size; } keys[] = {
		{ "first", &r->first, NULL, 0 }, { "last", &r->last, NULL, 0 }, { "from", NULL, r->from, sizeof r->from },
		{ "status", NULL, r->status, sizeof r->status }, { "why", NULL, r->why, sizeof r->why },
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		size_t n = strlen(keys[i].key);
		if (len < n + 2 || memcmp(p, keys[i].key, n) != 0 || p[n] != ':' || p[n + 1] != ' ')
			continue;
		if (keys[i].time != NULL)
			return take_time(keys[i].time, p + n + 2, len - n - 2);
		take_text(keys[i].text, keys[i].size, p + n + 2, len - n - 2);
	}
	return 0;
}

int
record_parse(const char *text, size_t len, struct record *out)
{
	int err = 0;

	*out = (struct record){ 0 };
	if (len > RECORD_BYTES_MAX)
		return ERR_LIMIT;
	/* Ends: each round takes a line with its end, or the rest. */
	for (size_t at = 0; err == 0 && at < len;) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl != NULL ? (size_t)(nl - text) - at : len - at;
		err = take_line(out, text + at, n > 0 && text[at + n - 1] == '\r' ? n - 1 : n);
		at += n + 1;
	}
	if (err != 0)
		return err;
	return out->first.ns == 0 || out->last.ns == 0 ? ERR_SYNTAX : 0;
}
