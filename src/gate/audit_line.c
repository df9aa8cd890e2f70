/*
 * One line of the audit log, see audit.h. It comes from a disk that others may have written to, so nothing in it is
 * believed.
 */
#include "gate/audit.h"

#include "base/num.h"

#define NUMBER_END	1000000000000000000ull	/* no log comes this far, and the next must not overflow */

static const char *const names[] = {
#define X(name, text) text,
	AUDIT_KINDS(X)
#undef X
};

const char *
audit_kind_name(enum audit_kind k)
{
	return k < AUDIT_KIND_COUNT ? names[k] : "?";
}

/* The next word, ended by a blank. NULL: there is none. */
static const char *
word(const char **p, const char *end, size_t *len)
{
	const char *start = *p, *blank = memchr(start, ' ', (size_t)(end - start));

	if (blank == NULL || blank == start)
		return NULL;
	*len = (size_t)(blank - start);
	*p = blank + 1;
	return *len <= AUDIT_WORD_MAX ? start : NULL;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
hash_parse(const char *s, size_t len, uint8_t out[AUDIT_HASH])
{
	if (len != 2 * AUDIT_HASH)
		return false;
	for (size_t i = 0; i < AUDIT_HASH; i++) {
		int hi = digit(s[2 * i]), lo = digit(s[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static bool
kind_parse(const char *s, size_t len, enum audit_kind *out)
{
	for (int i = 0; i < AUDIT_KIND_COUNT; i++)
		if (strlen(names[i]) == len && memcmp(names[i], s, len) == 0) {
			*out = (enum audit_kind)i;
			return true;
		}
	return false;
}

static bool
time_parse(const char *s, size_t len, struct wall *out)
{
	char text[AUDIT_WORD_MAX + 1];

	memcpy(text, s, len);
	text[len] = '\0';
	return wall_parse(text, out) == 0;
}

/* Decimal digits alone: the same number has one spelling. */
static bool
number_parse(const char *s, size_t len, uint64_t *out)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return (s[0] != '0' || len == 1) && num_parse_u64(s, len, out) == 0 && *out < NUMBER_END;
}

int
audit_line_parse(const char *p, size_t len, struct audit_line *out)
{
	const char *end = p + len, *w;
	size_t n;

	*out = (struct audit_line){ 0 };
	if (len >= AUDIT_LINE_MAX || memchr(p, '\0', len) != NULL)
		return ERR_SYNTAX;
	if ((w = word(&p, end, &n)) == NULL || !hash_parse(w, n, out->hash))
		return ERR_SYNTAX;
	out->body = p;
	out->body_len = (size_t)(end - p);
	if ((w = word(&p, end, &n)) == NULL || !number_parse(w, n, &out->number) || out->number == 0)
		return ERR_SYNTAX;
	if ((w = word(&p, end, &n)) == NULL || !time_parse(w, n, &out->at))
		return ERR_SYNTAX;
	if ((w = word(&p, end, &n)) == NULL || !kind_parse(w, n, &out->kind))
		return ERR_SYNTAX;
	if ((w = word(&p, end, &n)) == NULL || !number_parse(w, n, &out->id))
		return ERR_SYNTAX;
	if ((out->mark = word(&p, end, &out->mark_len)) == NULL)
		return ERR_SYNTAX;
	out->json = p;
	out->json_len = (size_t)(end - p);
	return out->json_len >= 2 && p[0] == '{' && end[-1] == '}' ? 0 : ERR_SYNTAX;
}
