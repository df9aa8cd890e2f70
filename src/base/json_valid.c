/*
 * Is this JSON? Asked before bytes that others made go into a document of ours as they are. A walk over the bytes with one bit of memory a
 * bracket, so that no input makes it recurse or allocate.
 */
#include "base/json.h"
#include "base/utf8.h"

struct walk {
	const char	*p, *end;
	uint64_t	 object;	/* bit n: the n-th open bracket, innermost lowest, is '{' */
	unsigned	 depth;
};
_Static_assert(JSON_NESTING_MAX <= 64, "a bit for each open bracket");

static void
blanks(struct walk *w)
{
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\t' || *w->p == '\n' || *w->p == '\r'))
		w->p++;
}

static bool
take(struct walk *w, char c)
{
	if (w->p == w->end || *w->p != c)
		return false;
	w->p++;
	return true;
}

static bool
digits(struct walk *w)
{
	const char *from = w->p;
	while (w->p < w->end && *w->p >= '0' && *w->p <= '9')
		w->p++;
	return w->p > from;
}

/* RFC 8259, 6 */
static bool
number(struct walk *w)
{
	take(w, '-');
	if (!take(w, '0') && !digits(w))
		return false;
	if (take(w, '.') && !digits(w))
		return false;
	if (!take(w, 'e') && !take(w, 'E'))
		return true;
	if (!take(w, '+'))
		take(w, '-');
	return digits(w);
}

static bool
escape(struct walk *w)
{
	if (w->p == w->end)
		return false;
	char c = *w->p++;
	if (c != 'u')
		return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
	for (unsigned i = 0; i < 4; i++, w->p++)
		if (w->p == w->end || *w->p == '\0' || strchr("0123456789abcdefABCDEF", *w->p) == NULL)
			return false;
	return true;
}

/* RFC 8259, 7. Ends: each round takes a byte or more. */
static bool
text(struct walk *w)
{
	if (!take(w, '"'))
		return false;
	while (w->p < w->end) {
		unsigned char c = (unsigned char)*w->p;
		if (c == '"') {
			w->p++;
			return true;
		}
		if (c < 0x20)
			return false;
		if (c == '\\') {
			w->p++;
			if (!escape(w))
				return false;
			continue;
		}
		size_t n = c < 0x80 ? 1 : utf8_len(w->p, (size_t)(w->end - w->p));
		if (n == 0)
			return false;
		w->p += n;
	}
	return false;
}

static bool
word(struct walk *w, const char *s)
{
	size_t n = strlen(s);
	if ((size_t)(w->end - w->p) < n || memcmp(w->p, s, n) != 0)
		return false;
	w->p += n;
	return true;
}

static bool
scalar(struct walk *w)
{
	switch (w->p < w->end ? *w->p : '\0') {
	case '"':	return text(w);
	case 't':	return word(w, "true");
	case 'f':	return word(w, "false");
	case 'n':	return word(w, "null");
	default:	return number(w);
	}
}

static bool
key(struct walk *w)
{
	blanks(w);
	if (!text(w))
		return false;
	blanks(w);
	return take(w, ':');
}

/* An opening bracket: *empty when it closes at once. */
static bool
opened(struct walk *w, bool object, bool *empty)
{
	if (w->depth == JSON_NESTING_MAX)
		return false;
	w->depth++;
	w->object = w->object << 1 | object;
	blanks(w);
	*empty = w->p < w->end && *w->p == (object ? '}' : ']');
	return *empty || !object || key(w);
}

/* After a value: closes what ends here. *more: a comma came, another value follows. */
static bool
closed(struct walk *w, bool *more)
{
	*more = false;
	while (w->depth > 0) {
		bool object = w->object & 1;
		blanks(w);
		if (take(w, ',')) {
			*more = true;
			return !object || key(w);
		}
		if (!take(w, object ? '}' : ']'))
			return false;
		w->object >>= 1;
		w->depth--;
	}
	return true;
}

bool
json_valid(const char *s, size_t len)
{
	struct walk w = { .p = s, .end = len > 0 ? s + len : s };

	/* Ends: each round takes a bracket or a value, or leaves. */
	for (;;) {
		bool empty = false, more;
		blanks(&w);
		bool object = w.p < w.end && *w.p == '{', array = w.p < w.end && *w.p == '[';
		if (object || array) {
			w.p++;
			if (!opened(&w, object, &empty))
				return false;
			if (!empty)
				continue;
		} else if (!scalar(&w))
			return false;
		if (!closed(&w, &more))
			return false;
		if (!more)
			break;
	}
	blanks(&w);
	return w.p == w.end;
}
