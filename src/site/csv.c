/* See csv.h. */
#include "site/csv.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"

static int
refuse(struct csv *c, int err, int line, int column, const char *why, const char *remedy)
{
	snprintf(c->why, sizeof c->why, "%s", why);
	snprintf(c->remedy, sizeof c->remedy, "%s", remedy);
	c->bad_line = line;
	c->bad_column = column;
	return err;
}

/* Line and column of a place in the text, counted anew: only needed once, for the message. */
static void
locate(const char *text, const char *at, int *line, int *column)
{
	const char *start = text;
	*line = 1;
	for (const char *p = text; p < at; p++)
		if (*p == '\n') {
			(*line)++;
			start = p + 1;
		}
	*column = (int)(at - start) + 1;
}

static int
check_encoding(struct csv *c, const char *text, size_t len)
{
	const unsigned char *b = (const unsigned char *)text;
	int line, column;

	if (len >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff)))
		return refuse(c, ERR_SYNTAX, 1, 1, "the table is UTF-16 text", "save it as \"CSV UTF-8\"");
	const char *nul = memchr(text, 0, len);
	if (nul != NULL) {
		locate(text, nul, &line, &column);
		return refuse(c, ERR_SYNTAX, line, column,
		    "the table holds a NUL byte: it is UTF-16 text or no text at all",
		    "save it as \"CSV UTF-8\"");
	}
	/* Ends: every round takes at least one byte. */
	for (const char *p = text, *end = text + len; p < end;) {
		size_t n = (unsigned char)*p < 0x80 ? 1 : utf8_len(p, (size_t)(end - p));
		if (n == 0) {
			locate(text, p, &line, &column);
			return refuse(c, ERR_SYNTAX, line, column,
			    "this character is not UTF-8: the table was saved in an older character set",
			    "save it as \"CSV UTF-8\"; it is often a degree sign or an umlaut that shows it");
		}
		p += n;
	}
	return 0;
}

/* Excel writes and reads a first line "sep=;". */
static bool
take_sep_line(struct csv *c)
{
	size_t left = (size_t)(c->end - c->p);
	if (left < 5 || memcmp(c->p, "sep=", 4) != 0)
		return false;
	const char *after = c->p + 5;
	if (after < c->end && *after == '\r')
		after++;
	if (after < c->end && *after != '\n')
		return false;
	c->separator = c->p[4];
	c->p = after < c->end ? after + 1 : after;
	c->line_start = c->p;
	c->line++;
	c->row++;
	return true;
}

/* The one of the three that stands most often in the first line, outside of quotes. */
static char
guess_separator(const char *p, const char *end)
{
	static const char candidates[] = ";\t,";
	size_t count[3] = { 0 }, best = 2;
	bool quoted = false;

	for (; p < end && (quoted || *p != '\n'); p++) {
		if (*p == '"')
			quoted = !quoted;
		for (size_t i = 0; !quoted && i < 3; i++)
			count[i] += *p == candidates[i];
	}
	for (size_t i = 0; i < 3; i++)
		if (count[i] > count[best])
			best = i;
	return candidates[best];
}

int
csv_init(struct csv *c, const char *text, size_t len)
{
	c->p = c->line_start = text;
	c->end = text + len;
	c->line = 1;
	c->row = 0;
	c->n = 0;
	c->copy = (struct buf){ 0 };
	int err = check_encoding(c, text, len);
	if (err != 0)
		return err;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		c->p = c->line_start = text + 3;
	if (!take_sep_line(c))
		c->separator = guess_separator(c->p, c->end);
	if (strchr(";\t,", c->separator) == NULL)
		return refuse(c, ERR_SYNTAX, 1, 5, "the first line names a separator that is none of , ; and tab",
		    "save it with one of those");
	return 0;
}

static void
plain_field(struct csv *c, struct csv_field *f)
{
	const char *s = c->p;
	while (c->p < c->end && *c->p != c->separator && *c->p != '\n')
		c->p++;
	const char *e = c->p;
	if (e > s && e[-1] == '\r' && (c->p == c->end || *c->p == '\n'))
		e--;
	while (s < e && *s == ' ')
		s++;
	while (e > s && e[-1] == ' ')
		e--;
	f->s = s;
	f->len = (size_t)(e - s);
	f->column = (int)(s - c->line_start) + 1;
}

/* Texts with doubled quotes are copied; the offset stands in for the pointer until the row is complete. */
static int
quoted_field(struct csv *c, struct csv_field *f, bool *copied)
{
	const char *open = c->p, *s = ++c->p;

	/* Ends: every round passes a quote, or reaches the end. */
	for (;;) {
		const char *q = memchr(c->p, '"', (size_t)(c->end - c->p));
		if (q == NULL)
			return refuse(c, ERR_SYNTAX, f->line, (int)(open - c->line_start) + 1,
			    "a quote opens here and is never closed",
			    "close it, or double each quote that belongs to the text (\"\")");
		if (q + 1 == c->end || q[1] != '"') {
			c->p = q + 1;
			break;
		}
		if (!*copied)
			f->s = (const char *)(uintptr_t)c->copy.len;
		*copied = true;
		buf_put(&c->copy, s, (size_t)(q + 1 - s));
		s = c->p = q + 2;
	}
	if (*copied) {
		buf_put(&c->copy, s, (size_t)(c->p - 1 - s));
		f->len = c->copy.len - (size_t)(uintptr_t)f->s;
	} else {
		f->s = s;
		f->len = (size_t)(c->p - 1 - s);
	}
	for (const char *n = open; n < c->p; n++)
		if (*n == '\n') {
			c->line++;
			c->line_start = n + 1;
		}
	while (c->p < c->end && (*c->p == ' ' || (*c->p == '\r' && (c->p + 1 == c->end || c->p[1] == '\n'))))
		c->p++;
	if (c->p < c->end && *c->p != c->separator && *c->p != '\n')
		return refuse(c, ERR_SYNTAX, c->line, (int)(c->p - c->line_start) + 1,
		    "text stands behind a closing quote",
		    "put the whole field in quotes, and double each quote that belongs to it (\"\")");
	return c->copy.err;
}

static int
one_field(struct csv *c, bool *copied)
{
	struct csv_field *f = &c->field[c->n];
	const char *look = c->p;

	*copied = false;
	while (look < c->end && *look == ' ')
		look++;
	*f = (struct csv_field){ .line = c->line, .column = (int)(c->p - c->line_start) + 1 };
	if (look == c->end || *look != '"') {
		plain_field(c, f);
		return 0;
	}
	c->p = look;
	f->column = (int)(look - c->line_start) + 1;
	return quoted_field(c, f, copied);
}

int
csv_row(struct csv *c)
{
	bool copied[CSV_FIELDS_MAX];

	c->n = 0;
	buf_reset(&c->copy);
	if (c->p >= c->end)
		return ERR_END;
	c->row++;
	/* Ends: each field takes bytes up to a separator, a newline or the end. */
	for (;;) {
		if (c->n == CSV_FIELDS_MAX)
			return refuse(c, ERR_LIMIT, c->line, (int)(c->p - c->line_start) + 1,
			    "a row has more than 256 cells",
			    "remove the columns that are not needed");
		int err = one_field(c, &copied[c->n]);
		if (err != 0)
			return err;
		c->n++;
		if (c->p >= c->end)
			break;
		if (*c->p++ == '\n') {
			c->line++;
			c->line_start = c->p;
			break;
		}
	}
	for (size_t i = 0; i < c->n; i++)
		if (copied[i])
			c->field[i].s = c->copy.p + (uintptr_t)c->field[i].s;
	return 0;
}

void
csv_fini(struct csv *c)
{
	buf_fini(&c->copy);
}

char *
csv_cell_name(size_t column, int row, char *out)
{
	char letters[8];
	size_t n = 0;
	/* Bijective base 26: A..Z, AA..ZZ; 256 columns need two letters. */
	for (size_t v = column + 1; v > 0 && n < sizeof letters; v = (v - 1) / 26)
		letters[n++] = (char)('A' + (v - 1) % 26);
	size_t k = 0;
	while (n > 0)
		out[k++] = letters[--n];
	snprintf(out + k, 16 - k, "%d", row);
	return out;
}
