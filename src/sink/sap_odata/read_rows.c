/* See read.h: what came. A row that cannot be used is passed over and told; the others count. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "proto/odata/answer.h"
#include "sink/sap_odata/map_int.h"

static const char *
stripped(const char *s)
{
	if (s[strspn(s, "0123456789")] != '\0')
		return s;
	while (s[0] == '0' && s[1] != '\0')
		s++;
	return s;
}

/* One row to values. 0, or ERR_RANGE with why. */
static int
read_row(const struct mapping *m, const json_t *j, struct arena *a, struct edm_value *v, char *why, size_t size)
{
	const struct reading *r = m->reading;
	char wrong[ODATA_WHY_MAX];

	if (!json_is_object(j)) {
		snprintf(why, size, "a row is no object");
		return ERR_RANGE;
	}
	for (uint32_t i = 0; i < r->ntags; i++) {
		const struct read_tag *t = &r->tags[i];
		const json_t *value = json_object_get(j, t->prop);
		if (value == NULL)
			v[i] = (struct edm_value){ .type = t->type, .null = true };
		else if (edm_from_json(value, t->type, a, &v[i], wrong) != 0) {
			snprintf(why, size, "%s: %.200s", t->prop, wrong);
			return ERR_RANGE;
		}
		if (!v[i].null && t->strip && v[i].text != NULL) {
			v[i].text = stripped(v[i].text);
			v[i].len = strlen(v[i].text);
		}
		bool empty = v[i].null || (v[i].type == EDM_STRING && v[i].len == 0);
		if (empty && t->required) {
			snprintf(why, size, "a row has no %s", t->prop);
			return ERR_RANGE;
		}
	}
	return 0;
}

/* Markers grow as texts: YYYYMMDDhhmmss does, and an instant is brought to one form. */
static void
note_mark(const struct reading *r, const json_t *j, struct arena *a, struct read_page *page)
{
	struct edm_value v;
	char text[READ_MARK_MAX];

	if (r->delta == NULL || edm_from_json(json_object_get(j, r->delta), r->delta_type, a, &v, NULL) != 0 || v.null)
		return;
	edm_text(&v, text, sizeof text);
	if (v.type == EDM_STRING && text[strspn(text, "0123456789")] != '\0')
		return;
	if (strcmp(text, page->mark) > 0)
		memcpy(page->mark, text, sizeof text);
}

int
read_rows(const struct mapping *m, const char *answer, size_t len, void (*row)(void *arg, const struct read_row *r),
    void *arg, struct read_page *page)
{
	const json_t *list, *one;
	const char *next;

	*page = (struct read_page){ 0 };
	json_t *j = odata_json(answer, len, page->why);
	odata_unwrap(j, &list, &one, &next);
	size_t n = list != NULL ? json_array_size(list) : 0;
	if (j == NULL || list == NULL || n > READ_ROWS_MAX || (next != NULL && strlen(next) >= sizeof page->next)) {
		if (j != NULL)
			snprintf(page->why, sizeof page->why, list == NULL ? "the answer is not a list of rows" :
			    "the answer has too many rows, or too long a link");
		json_decref(j);
		return list == NULL ? ERR_SYNTAX : ERR_LIMIT;
	}
	for (size_t i = 0; i < n; i++) {
		struct arena a = { 0 };
		struct edm_value v[READ_TAGS_MAX];
		char why[sizeof page->why];
		const json_t *each = json_array_get(list, i);
		if (read_row(m, each, &a, v, why, sizeof why) == 0) {
			row(arg, &(struct read_row){ m, v });
			page->rows++;
		} else if (page->bad++ == 0)
			snprintf(page->why, sizeof page->why, "%s", why);
		note_mark(m->reading, each, &a, page);
		arena_fini(&a);
	}
	if (next != NULL)
		snprintf(page->next, sizeof page->next, "%s", next);
	json_decref(j);
	return 0;
}
