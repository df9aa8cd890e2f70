/*
 * See map.h: what SAP answered. The number of the document, whether a found one is ours, and whether what follows a
 * confirmation was booked.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "proto/odata/answer.h"
#include "proto/odata/url.h"
#include "sink/sap_odata/message_int.h"

static const char *
text_of(const json_t *v, char out[32])
{
	if (json_is_string(v))
		return json_string_value(v);
	if (!json_is_integer(v))
		return "";
	snprintf(out, 32, "%lld", (long long)json_integer_value(v));
	return out;
}

/* Is what was found the same as what was sent? Numbers by their value, padded numbers without their zeros. */
static bool
same(const json_t *sent, const json_t *found)
{
	char a[64], b[64], x[ODATA_DIGITS_MAX + 1], y[ODATA_DIGITS_MAX + 1];

	if (json_is_boolean(sent) || json_is_boolean(found))
		return json_equal((json_t *)(uintptr_t)sent, (json_t *)(uintptr_t)found) != 0;
	const char *s = text_of(sent, a), *f = text_of(found, b);
	if (json_is_real(sent))
		snprintf(a, sizeof a, "%.15g", json_real_value(sent)), s = a;
	if (json_is_real(found))
		snprintf(b, sizeof b, "%.15g", json_real_value(found)), f = b;
	if (decimal_plain(s, strlen(s), x) > 0 && decimal_plain(f, strlen(f), y) > 0)
		return decimal_cmp(x, y) == 0;
	return strcmp(s, f) == 0;
}

static bool
is_filled(const struct mapping_full *m, const json_t *sent, const json_t *found)
{
	struct arena a = { 0 };
	struct fill f;
	bool filled = fill_look(m, sent, found, &a, &f) == FILL_SAME;

	arena_fini(&a);
	return filled;
}

static bool
is_ours(const struct mapping_full *m, const json_t *sent, const json_t *found)
{
	if (m->m.update && sent != NULL)
		return is_filled(m, sent, found);
	for (const char *const *s = m->same; s != NULL && *s != NULL; s++)
		if (!same(json_object_get(sent, *s), json_object_get(found, *s)))
			return false;
	return true;
}

/* The same identity: SAP writes some in capitals, and a GUID with or without its hyphens. */
static bool
same_identity(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "-");
		b += strspn(b, "-");
		if (toupper((unsigned char)*a) != toupper((unsigned char)*b))
			return false;
		if (*a == '\0')
			return true;
	}
}

/*
 * Asked for one identity, a service that does not read $filter answers with whatever it has. What bears another identity
 * was never ours, and then an answer without ours says nothing about whether it is there.
 */
static bool
of_another(const struct mapping_full *m, const struct message *sent, const json_t *found)
{
	const json_t *v = m->m.identity_prop != NULL ? json_object_get(found, m->m.identity_prop) : NULL;
	bool asked = false;

	for (const char *const *s = m->lookup; s != NULL && *s != NULL && m->m.identity_prop != NULL; s++)
		asked = asked || strcmp(*s, m->m.identity_prop) == 0;
	if (!asked || sent == NULL || sent->identity[0] == '\0')
		return false;
	return !json_is_string(v) || !same_identity(json_string_value(v), sent->identity);
}

int
document_number(const struct mapping *m, const json_t *one, char *out, size_t size)
{
	size_t n = 0;
	char number[32];

	out[0] = '\0';
	for (const char *const *p = m->document; *p != NULL && n < size; p++) {
		const char *s = text_of(json_object_get(one, *p), number);
		if (*s != '\0')
			n += (size_t)snprintf(out + n, size - n, "%s%s", n > 0 ? "/" : "", s);
	}
	for (char *s = out; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
	return n > 0 ? 0 : ERR_SYNTAX;
}

int
message_created(const struct mapping *m, const struct message *sent, const char *answer, size_t len, char *out, size_t size)
{
	char why[ANSWER_WHY_MAX];
	const json_t *list, *one;
	const char *next;

	out[0] = '\0';
	json_t *j = odata_json(answer, len, why);
	odata_unwrap(j, &list, &one, &next);
	const char *id = one != NULL && m->identity_prop != NULL ? json_string_value(json_object_get(one, m->identity_prop)) : NULL;
	bool other = id != NULL && *id != '\0' && sent->identity[0] != '\0' && !same_identity(id, sent->identity);
	int err = one == NULL ? ERR_SYNTAX : other ? ERR_PROTO : document_number(m, one, out, size);
	json_decref(j);
	return err;
}

int
message_document(const struct mapping *m, const struct message *sent, const char *answer, size_t len, char *out,
    size_t size, unsigned *more)
{
	char why[ANSWER_WHY_MAX];
	const json_t *list, *one;
	const char *next;
	unsigned ours = 0, others = 0;
	int err = ERR_SYNTAX;

	out[0] = '\0';
	json_t *j = odata_json(answer, len, why), *body = NULL;
	odata_unwrap(j, &list, &one, &next);
	if ((map_full(m)->same != NULL || m->update) && sent != NULL)
		body = odata_json(sent->body, sent->len, why);
	for (size_t i = 0; list != NULL && i < json_array_size(list); i++) {
		const json_t *each = json_array_get(list, i);
		if (of_another(map_full(m), sent, each))
			others++;
		else if (is_ours(map_full(m), body, each) && ours++ == 0)
			err = document_number(m, each, out, size);
	}
	if (list != NULL && ours == 0)		/* a page that leads to another is not all there is */
		err = others > 0 ? ERR_PROTO : next != NULL ? ERR_SYNTAX : ERR_NOTFOUND;
	if (list == NULL && one != NULL) {
		ours = 1;
		err = is_ours(map_full(m), body, one) ? document_number(m, one, out, size) : ERR_NOTFOUND;
	}
	if (more != NULL)
		*more = ours;
	json_decref(body);
	json_decref(j);
	return err;
}

/* The document's properties are its key. */
int
message_follow(const struct mapping *m, const char *answer, size_t len, char *path, size_t size)
{
	char why[ANSWER_WHY_MAX];
	const json_t *list, *one;
	const char *next;
	struct odata_key keys[8];
	size_t n = 0;
	struct buf out = { .max = 2048 };

	path[0] = '\0';
	if (m->follow_nav == NULL)
		return 0;
	json_t *j = odata_json(answer, len, why);
	odata_unwrap(j, &list, &one, &next);
	if (list != NULL)
		one = json_array_get(list, 0);
	for (const char *const *p = m->document; one != NULL && *p != NULL && n < 8; p++) {
		const json_t *v = json_object_get(one, *p);
		if (json_is_string(v))
			keys[n++] = (struct odata_key){ *p, { .type = EDM_STRING, .text = json_string_value(v),
			    .len = json_string_length(v) } };
	}
	int err = n > 0 ? 0 : ERR_SYNTAX;
	buf_puts(&out, m->set);
	if (err == 0)
		err = odata_put_key(&out, m->version, keys, n);
	buf_printf(&out, "/%s", m->follow_nav);
	if (err == 0)
		err = out.err != 0 || out.len >= size ? ERR_LIMIT : 0;
	if (err == 0)
		snprintf(path, size, "%s", buf_text(&out));
	buf_fini(&out);
	json_decref(j);
	return err;
}

int
message_follow_judge(const struct mapping *m, uint32_t items, const char *answer, size_t len, char *text, size_t size)
{
	char why[ANSWER_WHY_MAX], number[32];
	const json_t *list, *one;
	const char *next;
	size_t done = 0, n = 0;

	json_t *j = odata_json(answer, len, why);
	odata_unwrap(j, &list, &one, &next);
	for (; list != NULL && n < json_array_size(list); n++)
		done += *text_of(json_object_get(json_array_get(list, n), m->follow_prop), number) != '\0';
	bool read = list != NULL;
	json_decref(j);
	if (!read) {
		snprintf(text, size, "the answer about %s cannot be understood", m->follow_nav);
		return ERR_SYNTAX;
	}
	if (done == n && n >= items) {
		snprintf(text, size, "all %zu goods movements are booked", n);
		return 0;
	}
	size_t want = n > items ? n : items;
	snprintf(text, size, "%zu of %zu goods movements have no %s yet: look into postprocessing in SAP (COGI)",
	    want - done, want, m->follow_prop);
	return ERR_AGAIN;
}
