/*
 * A document as it is written: headings, paragraphs, tables and drawings, one after the other. The same calls make HTML (one file that prints well), Markdown,
 * or a collection of tables that two versions of a site can be compared by. Texts are plain; the page escapes them.
 */
#ifndef DOC_PAGE_H
#define DOC_PAGE_H

#include <stdarg.h>

#include "base/arena.h"
#include "base/buf.h"

#define PAGE_COLUMNS_MAX	16u

enum page_format { PAGE_HTML, PAGE_MARKDOWN, PAGE_COLLECT };

/* A row of a table, kept by PAGE_COLLECT. */
struct page_row {
	const char	*table, *head[PAGE_COLUMNS_MAX], *cell[PAGE_COLUMNS_MAX];
	uint32_t	 columns;
};

struct page {
	enum page_format	 format;
	struct buf		*out;		/* borrowed; HTML and Markdown */
	struct arena		*arena;		/* borrowed; PAGE_COLLECT */
	struct page_row		*rows;		/* PAGE_COLLECT: given by the arena */
	uint32_t		 nrows, cap;
	const char		*table;		/* the open one */
	const char		*head[PAGE_COLUMNS_MAX];
	uint32_t		 columns, headings;
};

/* Start and end of the whole; title in the head and on top. */
void page_open(struct page *p, const char *title);
void page_close(struct page *p);
/* level 1..3; numbered by the page on level 1. */
void page_heading(struct page *p, int level, const char *text);
void page_text(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A list of short points. */
void page_point(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A table: name is its identity for comparing; heads end with NULL. Rows have as many texts as heads; NULL is empty. */
void page_table(struct page *p, const char *name, const char *const *heads);
void page_row(struct page *p, const char *const *cells);
void page_table_end(struct page *p);
/* A drawing as SVG source; caption below. Nothing in a collection. */
void page_drawing(struct page *p, const char *svg, const char *caption);

/* Text as it stands in HTML and in SVG. */
void page_escape(struct buf *out, const char *text);

#endif
