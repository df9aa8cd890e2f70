/*
 * A field of an event changed by a person. The bytes of that one value are replaced and what is said against it ("status", "fault") is
 * taken out; every other byte stays as it is, so that no number changes its digits on the way through a parser.
 *
 * The body has been proved to be JSON (json_valid()) when it was put, so the scanner below need not find faults; it keeps within its
 * bounds all the same.
 */
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "outbox/inside.h"

/* A run of bytes of the body. */
struct span {
	const char	*p;
	size_t		 len;
};

static const char *
blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* Past a text that begins at p. Ends: p only grows. */
static const char *
past_text(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : end;
}

/* Past a value that begins at p. Ends: p only grows. */
static const char *
past_value(const char *p, const char *end)
{
	size_t depth = 0;

	do {
		if (p < end && *p == '"')
			p = past_text(p, end);
		else if (p < end && (*p == '{' || *p == '[')) {
			depth++;
			p++;
		} else if (p < end && (*p == '}' || *p == ']')) {
			depth--;
			p++;
		} else if (depth > 0)
			p++;
		else
			while (p < end && strchr(",]} \t\r\n", *p) == NULL)
				p++;
	} while (depth > 0 && p < end);
	return p;
}

/* The value of a member of an object; key: as it stands in the body, quoted. *whole: with its key and one comma, for taking it out. */
static bool
member(struct span object, const struct buf *key, struct span *value, struct span *whole)
{
	const char *p = object.p, *end = p + object.len, *comma = NULL;

	if (object.len < 2 || *p != '{')
		return false;
	for (p = blank(p + 1, end); p < end && *p == '"';) {
		struct span name = { p, 0 };
		p = past_text(p, end);
		name.len = (size_t)(p - name.p);
		p = blank(blank(p, end) + 1, end);	/* the colon */
		if (p >= end)
			return false;
		*value = (struct span){ p, 0 };
		p = past_value(p, end);
		value->len = (size_t)(p - value->p);
		p = blank(p, end);
		bool last = p >= end || *p != ',';
		if (name.len == key->len && memcmp(name.p, key->p, name.len) == 0) {
			const char *from = last && comma != NULL ? comma : name.p, *to = last ? value->p + value->len : p + 1;
			*whole = (struct span){ from, (size_t)(to - from) };
			return true;
		}
		comma = p;
		p = last ? end : blank(p + 1, end);
	}
	return false;
}

static bool
find(struct span object, const char *name, struct span *value, struct span *whole)
{
	struct buf key = { 0 };

	json_quote(&key, name, strlen(name));
	bool found = key.err == 0 && member(object, &key, value, whole);
	buf_fini(&key);
	return found;
}

/* What was typed, as JSON of the kind that stands there. */
static int
as_json(struct span there, const char *value, struct buf *out)
{
	size_t n = strlen(value);
	double d;
	bool number = num_parse_f64(value, n, '.', &d) == 0 && json_valid(value, n);	/* no hex, no NaN: as JSON has it */
	bool truth = strcmp(value, "true") == 0 || strcmp(value, "false") == 0;

	switch (there.len > 0 ? *there.p : '\0') {
	case '"':
		json_quote(out, value, n);
		return out->err;
	case 't':
	case 'f':
		if (!truth)
			return ERR_TYPE;
		break;
	case 'n':	/* nothing was known of it, so not its type either */
		if (!number && !truth && strcmp(value, "null") != 0) {
			json_quote(out, value, n);
			return out->err;
		}
		break;
	case '{':
	case '[':
		if (!json_valid(value, n) || *value != *there.p)
			return ERR_TYPE;
		break;
	default:
		if (!number)
			return ERR_TYPE;
	}
	buf_put(out, value, n);
	return out->err;
}

static void
without(struct buf *body, struct span part)
{
	size_t from = (size_t)(part.p - body->p), rest = body->len - from - part.len;

	memmove(body->p + from, part.p + part.len, rest);
	body->len -= part.len;
	body->p[body->len] = '\0';
}

/* What was said against the field: its entry in "status", and "fault" if it is about this field. A person vouches for it now. */
static void
clear_marks(struct buf *body, const char *field)
{
	struct span part, whole, value, entry;
	struct buf key = { 0 };

	if (find((struct span){ body->p, body->len }, "status", &part, &whole) && find(part, field, &value, &entry))
		without(body, entry);
	json_quote(&key, field, strlen(field));
	if (find((struct span){ body->p, body->len }, "fault", &part, &whole) && find(part, "field", &value, &entry) &&
	    value.len == key.len && memcmp(value.p, key.p, key.len) == 0)
		without(body, whole);
	buf_fini(&key);
}

int
edit_field(const char *body, size_t len, const char *field, const char *value, struct buf *out, struct buf *before)
{
	struct span all = { body, len }, fields, there, whole;
	struct buf new = { .max = OUTBOX_BODY_MAX }, changed = { .max = 2u * OUTBOX_BODY_MAX };

	if (!find(all, "fields", &fields, &whole) || !find(fields, field, &there, &whole))
		return ERR_NOTFOUND;
	int err = as_json(there, value, &new);
	if (err == 0) {
		buf_put(&changed, body, (size_t)(there.p - body));
		buf_put(&changed, buf_text(&new), new.len);
		buf_put(&changed, there.p + there.len, (size_t)(body + len - (there.p + there.len)));
		buf_put(before, there.p, there.len);
		if (changed.err == 0)
			clear_marks(&changed, field);
		buf_put(out, buf_text(&changed), changed.len);
		err = changed.err != 0 ? changed.err : before->err != 0 ? before->err : out->err;
	}
	if (err == 0 && (out->len > OUTBOX_BODY_MAX || !json_valid(out->p, out->len)))
		err = ERR_LIMIT;
	buf_fini(&new);
	buf_fini(&changed);
	return err;
}
