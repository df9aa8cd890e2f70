/* The difference of two sites, for a review board: both documents are collected as rows, and rows of the same table and first cell are compared. */
#include <stdio.h>
#include <string.h>

#include "doc/document.h"

static const struct page_row *
same_row(const struct page *p, const struct page_row *r)
{
	for (uint32_t i = 0; i < p->nrows; i++)
		if (strcmp(p->rows[i].table, r->table) == 0 && strcmp(p->rows[i].cell[0], r->cell[0]) == 0)
			return &p->rows[i];
	return NULL;
}

static const char *
row_text(const struct page_row *r, struct arena *a)
{
	const char *text = "";

	for (uint32_t i = 1; i < r->columns; i++)
		if (*r->cell[i] != '\0')
			text = arena_printf(a, "%s%s%s: %s", text, *text != '\0' ? "; " : "", r->head[i], r->cell[i]);
	return text;
}

static const char *
change_text(const struct page_row *was, const struct page_row *is, struct arena *a)
{
	const char *text = "";

	for (uint32_t i = 1; i < is->columns; i++)
		if (strcmp(was->cell[i], is->cell[i]) != 0)
			text = arena_printf(a, "%s%s%s: %s \xe2\x86\x92 %s", text, *text != '\0' ? "; " : "", is->head[i], *was->cell[i] != '\0' ? was->cell[i] :
			    "(nothing)", *is->cell[i] != '\0' ? is->cell[i] : "(nothing)");
	return text;
}

static void
collect(const struct document *d, struct page *p, struct arena *a)
{
	*p = (struct page){ .format = PAGE_COLLECT, .arena = a };
	document_write(d, p);
}

static void
put(struct page *out, size_t *found, const struct page_row *r, const char *how, const char *what)
{
	if ((*found)++ == 0)
		page_table(out, "changes", (const char *const[]){ "part", "which", "change", "what", NULL });
	page_row(out, (const char *const[]){ r->table, r->cell[0], how, what });
}

size_t
document_diff(const struct document *before, const struct document *after, struct page *page)
{
	struct arena a = { 0 };
	struct page was, is;
	size_t found = 0;
	char title[300];

	collect(before, &was, &a);
	collect(after, &is, &a);
	snprintf(title, sizeof title, "Change of the integration architecture of %s, %s", after->plan->enterprise, after->plan->site);
	page_open(page, title);
	page_text(page, "From plan %016llx to plan %016llx, compared on %s.", (unsigned long long)before->plan->hash, (unsigned long long)after->plan->hash, after->made);
	for (uint32_t i = 0; i < was.nrows; i++)
		if (same_row(&is, &was.rows[i]) == NULL)
			put(page, &found, &was.rows[i], "removed", row_text(&was.rows[i], &a));
	for (uint32_t i = 0; i < is.nrows; i++) {
		const struct page_row *old = same_row(&was, &is.rows[i]);
		const char *what = old != NULL ? change_text(old, &is.rows[i], &a) : row_text(&is.rows[i], &a);
		if (old == NULL || *what != '\0')
			put(page, &found, &is.rows[i], old == NULL ? "added" : "changed", what);
	}
	if (found > 0)
		page_table_end(page);
	else
		page_text(page, "Nothing has changed.");
	page_close(page);
	arena_fini(&a);
	return found;
}
