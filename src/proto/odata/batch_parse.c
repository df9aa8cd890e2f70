/*
 * See batch.h: taking an answer apart. A delimiter counts only at the start of a line (RFC 2046, 5.1.1), so a boundary
 * that stands in a body's text ends nothing; each part is looked at once, and nesting goes one deep: a change set
 * within the batch.
 */
#include "proto/odata/batch.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

struct run { const char *p, *end; };

struct parse {
	struct arena		*a;
	struct odata_part	*parts;
	size_t			 n, cap;
	char			*why;
};

#define WHY_MAX 256u

static int
wrong(struct parse *x, int err, const char *text)
{
	if (x->why[0] == '\0')
		snprintf(x->why, WHY_MAX, "%s", text);
	return err;
}

/* The value of a header in lines of `h`: an empty run with p NULL when there is none. */
static struct run
header(struct run h, const char *name)
{
	size_t n = strlen(name);
	unsigned lines = 0;

	/* Ends: each round takes a line. */
	while (h.p < h.end && lines++ < BATCH_HEADERS_MAX) {
		const char *nl = memchr(h.p, '\n', (size_t)(h.end - h.p));
		const char *to = nl != NULL ? nl : h.end;
		if ((size_t)(to - h.p) > n && strncasecmp(h.p, name, n) == 0 && h.p[n] == ':') {
			struct run v = { h.p + n + 1, to };
			while (v.p < v.end && (*v.p == ' ' || *v.p == '\t'))
				v.p++;
			while (v.end > v.p && isspace((unsigned char)v.end[-1]))
				v.end--;
			return v;
		}
		h.p = nl != NULL ? nl + 1 : h.end;
	}
	return (struct run){ NULL, NULL };
}

/* boundary=... of a Content-Type, with or without quotes. */
static int
find_boundary(struct run type, char out[BATCH_BOUNDARY_MAX + 1])
{
	static const char multipart[] = "multipart/", word[] = "boundary=";

	if (type.p == NULL || (size_t)(type.end - type.p) < sizeof multipart ||
	    strncasecmp(type.p, multipart, sizeof multipart - 1) != 0)
		return ERR_SYNTAX;
	const char *s = type.p;
	while (s < type.end && ((size_t)(type.end - s) < sizeof word - 1 || strncasecmp(s, word, sizeof word - 1) != 0))
		s++;
	if (s == type.end)
		return ERR_SYNTAX;
	s += sizeof word - 1;
	bool quoted = s < type.end && *s == '"';
	s += quoted;
	const char *to = s;
	while (to < type.end && (quoted ? *to != '"' : *to != ';' && !isspace((unsigned char)*to)))
		to++;
	size_t n = (size_t)(to - s);
	if (n == 0 || n > BATCH_BOUNDARY_MAX)
		return ERR_SYNTAX;
	memcpy(out, s, n);
	out[n] = '\0';
	return 0;
}

/*
 * The next line that is "--boundary" or "--boundary--": its first byte and, in *after, the byte behind it; *last
 * whether it is the closing one.
 */
static const char *
delimiter(struct run r, const char *from, const char *boundary, const char **after, bool *last)
{
	size_t n = strlen(boundary);

	/* Ends: each round goes to a later line. */
	for (const char *s = from; s < r.end; ) {
		const char *nl = memchr(s, '\n', (size_t)(r.end - s));
		const char *to = nl != NULL ? nl : r.end;
		if ((size_t)(to - s) >= n + 2 && s[0] == '-' && s[1] == '-' && memcmp(s + 2, boundary, n) == 0) {
			const char *rest = s + 2 + n;
			*last = to - rest >= 2 && rest[0] == '-' && rest[1] == '-';
			rest += *last ? 2 : 0;
			while (rest < to && isspace((unsigned char)*rest))
				rest++;
			if (rest == to) {
				*after = nl != NULL ? nl + 1 : r.end;
				return s;
			}
		}
		s = nl != NULL ? nl + 1 : r.end;
	}
	return NULL;
}

/* Split at the first empty line: head (with its line ends), and what follows. Without one all is head. */
static struct run
split(struct run r, struct run *rest)
{
	/* Ends: each round takes a line. */
	for (const char *s = r.p; s < r.end; ) {
		const char *nl = memchr(s, '\n', (size_t)(r.end - s));
		if (nl == s || (nl == s + 1 && *s == '\r')) {
			*rest = (struct run){ nl + 1, r.end };
			return (struct run){ r.p, s };
		}
		if (nl == NULL)
			break;
		s = nl + 1;
	}
	*rest = (struct run){ r.end, r.end };
	return r;
}

static struct odata_part *
add(struct parse *x)
{
	if (x->n == BATCH_PARTS_MAX)
		return NULL;
	if (x->n == x->cap) {
		size_t cap = x->cap > 0 ? x->cap * 4 : 16;
		struct odata_part *more = arena_array(x->a, cap, sizeof *more);
		if (x->n > 0)
			memcpy(more, x->parts, x->n * sizeof *more);
		x->parts = more;
		x->cap = cap;
	}
	return &x->parts[x->n++];
}

/* "HTTP/1.1 201 Created" */
static int
status_of(struct run r)
{
	const char *space = memchr(r.p, ' ', (size_t)(r.end - r.p));
	if (r.end - r.p < 12 || memcmp(r.p, "HTTP/", 5) != 0 || space == NULL || r.end - space < 4)
		return 0;
	int v = 0;
	for (int i = 1; i <= 3; i++) {
		if (!isdigit((unsigned char)space[i]))
			return 0;
		v = v * 10 + (space[i] - '0');
	}
	return v >= 100 && v <= 599 ? v : 0;
}

static const char *
keep(struct parse *x, struct run r)
{
	return r.p != NULL ? arena_strndup(x->a, r.p, (size_t)(r.end - r.p)) : "";
}

/* A part that is an answer of HTTP. */
static int
read_answer(struct parse *x, struct run head, struct run r, unsigned set, unsigned place)
{
	struct run body, status = { r.p, r.end };
	const char *nl = memchr(r.p, '\n', (size_t)(r.end - r.p));

	status.end = nl != NULL ? nl : r.end;
	struct run lines = split((struct run){ nl != NULL ? nl + 1 : r.end, r.end }, &body);
	int code = status_of(status);
	if (code == 0)
		return wrong(x, ERR_SYNTAX, "a part of the batch does not begin with the status line of an answer");
	struct odata_part *p = add(x);
	if (p == NULL)
		return wrong(x, ERR_LIMIT, "the batch has more than 1000 parts");
	struct run id = header(head, "Content-ID");
	if (id.p == NULL)
		id = header(lines, "Content-ID");
	*p = (struct odata_part){ .set = set, .place = place, .status = code, .content_id = keep(x, id),
	    .headers = keep(x, lines),
		.body = keep(x, body), .len = (size_t)(body.end - body.p) };
	return 0;
}

/* The line end before a delimiter belongs to it, not to the part. */
static struct run
without_line_end(struct run r)
{
	if (r.end > r.p && r.end[-1] == '\n')
		r.end--;
	if (r.end > r.p && r.end[-1] == '\r')
		r.end--;
	return r;
}

static int
read_parts(struct parse *x, struct run r, const char *boundary, bool in_set, unsigned place)
{
	const char *after, *next;
	bool last = false;
	unsigned i = 0;

	const char *at = delimiter(r, r.p, boundary, &after, &last);
	if (at == NULL)
		return wrong(x, ERR_SYNTAX, "the answer of the batch does not hold its boundary");
	/* Ends: each round goes on to a later delimiter. */
	for (; !last; i++) {
		const char *from = after;
		char inner[BATCH_BOUNDARY_MAX + 1];
		next = delimiter(r, from, boundary, &after, &last);
		if (next == NULL)
			return wrong(x, ERR_SHORT, "the answer of the batch ends early");
		struct run rest, part = without_line_end((struct run){ from, next });
		struct run head = split(part, &rest);
		bool set = !in_set && find_boundary(header(head, "Content-Type"), inner) == 0;
		int err = set ? read_parts(x, rest, inner, true, i) :
		    read_answer(x, head, rest, in_set ? place + 1 : 0, in_set ? place : i);
		if (err != 0)
			return err;
		if (i >= BATCH_PARTS_MAX)
			return wrong(x, ERR_LIMIT, "the batch has more than 1000 parts");
	}
	return 0;
}

int
odata_batch_parse(const char *type, const char *body, size_t len, struct arena *a, struct odata_part **out, size_t *n,
    char *why)
{
	struct parse x = { .a = a, .why = why };
	char boundary[BATCH_BOUNDARY_MAX + 1];

	*out = NULL;
	*n = 0;
	why[0] = '\0';
	if (len > BATCH_BYTES_MAX)
		return wrong(&x, ERR_LIMIT, "the answer of the batch is longer than 64 MiB");
	if (type == NULL || find_boundary((struct run){ type, type + strlen(type) }, boundary) != 0)
		return wrong(&x, ERR_SYNTAX, "the answer of the batch is not multipart, or names no boundary");
	int err = read_parts(&x, (struct run){ body, body + len }, boundary, false, 0);
	if (err == 0 || err == ERR_SHORT) {
		*out = x.parts;
		*n = x.n;
	}
	return err;
}

const char *
odata_header(const char *headers, const char *name, struct arena *a)
{
	struct run v = header((struct run){ headers, headers + strlen(headers) }, name);
	return v.p != NULL ? arena_strndup(a, v.p, (size_t)(v.end - v.p)) : NULL;
}
