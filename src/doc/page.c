/* See page.h. */
#include "doc/page.h"

#include <stdio.h>
#include <string.h>

#define WIDE	9	/* columns; a table that has more is set smaller */

static const char style[] =
    /* On its side: the tables are wide, and in the drawings a letter of 12 units is 3 mm high. */
    "@page{size:A4 landscape;margin:14mm;"
    "@bottom-right{content:counter(page) ' / ' counter(pages);font-size:9px;color:#52606d}}"
    "@media print{body{max-width:none;margin:0;padding:0}}"
    "body{font:14px/1.45 system-ui,'Liberation Sans',Arial,sans-serif;color:#1d2530;max-width:1080px;margin:24px auto;padding:0 20px}"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;border-bottom:2px solid #1f4e79;padding-bottom:3px;margin:34px 0 10px;break-after:avoid}"
    "h3{font-size:15px;margin:20px 0 6px;break-after:avoid}p:has(+table){break-after:avoid}"
    "table{border-collapse:collapse;width:100%;font-size:12px;margin:8px 0 16px}th{background:#e8eef5;text-align:left;"
    "-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    "th,td{border:1px solid #c5ced9;padding:3px 6px;vertical-align:top;overflow-wrap:break-word}tr{break-inside:avoid}thead{display:table-header-group}"
    ".w{font-size:10.5px}.w th,.w td{padding:2px 4px}"
    "figure{margin:12px 0;break-inside:avoid}figcaption{font-size:12px;color:#52606d}svg{max-width:100%;height:auto}"
    "td:first-child{min-width:58px}ul{margin:4px 0 12px;padding-left:20px}";

void
page_escape(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		default:
			/* Control bytes are no characters of HTML or XML. */
			buf_putc(out, (unsigned char)*text < 0x20 && *text != '\n' && *text != '\t' ? '?' : *text);
		}
}

/* In Markdown what would be markup is written as itself; a cell is one line without bars. */
static void
mark_down(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("\\`*_[]<>|#", *text) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, *text == '\n' || (unsigned char)*text < 0x20 ? ' ' : *text);
	}
}

static void
text(struct page *p, const char *s)
{
	if (p->format == PAGE_HTML)
		page_escape(p->out, s);
	else if (p->format == PAGE_MARKDOWN)
		mark_down(p->out, s);
}

static void
raw(struct page *p, const char *html, const char *markdown)
{
	if (p->format != PAGE_COLLECT)
		buf_puts(p->out, p->format == PAGE_HTML ? html : markdown);
}

void
page_open(struct page *p, const char *title)
{
	if (p->format == PAGE_HTML) {
		buf_puts(p->out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>");
		page_escape(p->out, title);
		buf_printf(p->out, "</title>\n<style>%s</style></head><body>\n", style);
	}
	raw(p, "<h1>", "# ");
	text(p, title);
	raw(p, "</h1>\n", "\n\n");
}

void
page_close(struct page *p)
{
	raw(p, "</body></html>\n", "");
}

void
page_heading(struct page *p, int level, const char *s)
{
	char number[24] = "";
	static const char *const tags[][3] = { { "<h2>", "</h2>\n", "\n## " }, { "<h3>", "</h3>\n", "\n### " }, { "<h4>", "</h4>\n", "\n#### " } };
	const char *const *t = tags[level < 1 ? 0 : level > 3 ? 2 : level - 1];

	if (level == 1)
		snprintf(number, sizeof number, "%u. ", ++p->headings);
	raw(p, t[0], t[2]);
	text(p, number);
	text(p, s);
	raw(p, t[1], "\n\n");
}

static void __attribute__((format(printf, 2, 0)))
put(struct page *p, const char *fmt, va_list ap)
{
	char words[4096];

	vsnprintf(words, sizeof words, fmt, ap);
	text(p, words);
}

void
page_text(struct page *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	raw(p, "<p>", "");
	put(p, fmt, ap);
	raw(p, "</p>\n", "\n\n");
	va_end(ap);
}

void
page_point(struct page *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	raw(p, "<ul><li>", "- ");
	put(p, fmt, ap);
	raw(p, "</li></ul>\n", "\n");
	va_end(ap);
}

void
page_table(struct page *p, const char *name, const char *const *heads)
{
	p->table = name;
	p->columns = 0;
	for (; heads[p->columns] != NULL && p->columns < PAGE_COLUMNS_MAX; p->columns++)
		p->head[p->columns] = heads[p->columns];
	raw(p, p->columns > WIDE ? "<table class=\"w\"><thead><tr>" : "<table><thead><tr>", "|");
	for (uint32_t i = 0; i < p->columns; i++) {
		raw(p, "<th>", " ");
		text(p, p->head[i]);
		raw(p, "</th>", " |");
	}
	raw(p, "</tr></thead><tbody>\n", "\n|");
	for (uint32_t i = 0; p->format == PAGE_MARKDOWN && i < p->columns; i++)
		buf_puts(p->out, " --- |");
	raw(p, "", "\n");
}

static void
collect(struct page *p, const char *const *cells)
{
	if (p->nrows == p->cap) {
		uint32_t cap = p->cap > 0 ? p->cap * 2 : 256;
		struct page_row *more = arena_array(p->arena, cap, sizeof *more);
		if (p->nrows > 0)
			memcpy(more, p->rows, p->nrows * sizeof *more);
		p->rows = more;
		p->cap = cap;
	}
	struct page_row *r = &p->rows[p->nrows++];
	r->table = p->table;
	r->columns = p->columns;
	for (uint32_t i = 0; i < p->columns; i++) {
		r->head[i] = p->head[i];
		r->cell[i] = arena_strdup(p->arena, cells[i] != NULL ? cells[i] : "");
	}
}

void
page_row(struct page *p, const char *const *cells)
{
	if (p->format == PAGE_COLLECT) {
		collect(p, cells);
		return;
	}
	raw(p, "<tr>", "|");
	for (uint32_t i = 0; i < p->columns; i++) {
		raw(p, "<td>", " ");
		text(p, cells[i] != NULL ? cells[i] : "");
		raw(p, "</td>", " |");
	}
	raw(p, "</tr>\n", "\n");
}

void
page_table_end(struct page *p)
{
	raw(p, "</tbody></table>\n", "\n");
	p->table = NULL;
}

void
page_drawing(struct page *p, const char *svg, const char *caption)
{
	raw(p, "<figure>\n", "");
	if (p->format != PAGE_COLLECT)
		buf_puts(p->out, svg);
	raw(p, "<figcaption>", "\n\n");
	text(p, caption);
	raw(p, "</figcaption></figure>\n", "\n\n");
}
