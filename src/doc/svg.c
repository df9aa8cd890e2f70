/* See svg.h. */
#include "doc/svg.h"

#include <stdio.h>
#include <string.h>

#include "doc/page.h"

#define WIDTH		1000
#define WIDTH_MAX	1900	/* a page shows it in half its size */
#define BOX_LEAST	150

size_t
svg_fits(int w, double letter)
{
	return w > 34 ? (size_t)((w - 20) / letter) : 1;
}

int
svg_width(unsigned boxes)
{
	int w = SVG_LEFT + 10 + (int)(boxes < 100 ? boxes : 100) * BOX_LEAST;

	return w < WIDTH ? WIDTH : w < WIDTH_MAX ? w : WIDTH_MAX;
}

/* Bytes of the first n characters of UTF-8; all, if it has fewer. */
static size_t
bytes_of(const char *text, size_t n)
{
	size_t i = 0;

	for (; text[i] != '\0'; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80 && n-- == 0)
			break;
	return i;
}

/* Names often begin alike and end differently, so what is too much is left out of the middle. */
void
svg_text(struct buf *out, int x, int y, const char *class, const char *text, size_t most)
{
	char cut[400];
	size_t chars = 0;

	for (const char *c = text; *c != '\0'; c++)
		chars += ((unsigned char)*c & 0xc0) != 0x80;
	if (chars > most) {
		size_t tail = most > 8 ? (most - 1) / 2 : 0, head = most > tail ? most - tail - 1 : 0;
		snprintf(cut, sizeof cut, "%.*s\xe2\x80\xa6%s", (int)bytes_of(text, head), text,
		    text + bytes_of(text, chars - tail));
		text = cut;
	}
	buf_printf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
	page_escape(out, text);
	buf_puts(out, "</text>\n");
}

void
svg_box(struct buf *out, struct svg_box b, const char *class)
{
	buf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\" class=\"%s\"/>\n", b.x, b.y, b.w, b.h, class);
}

void
svg_start(struct buf *out, int width, int height, const char *what)
{
	buf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n"
	    "<style>text{font:12px 'Liberation Sans',Arial,sans-serif;fill:#1d2530}.n{font-weight:bold;font-size:13px}.s{fill:#52606d;font-size:11px}"
	    ".l{fill:#52606d;font-weight:bold}.band{fill:#f4f6f9;stroke:none}.dmz{fill:#fdf6e7}.ot{fill:#fff;stroke:#2f6b3a;stroke-width:1.5}"
	    ".mid{fill:#fff;stroke:#b7791f;stroke-width:1.5}.it{fill:#fff;stroke:#1f4e79;stroke-width:1.5}.p{fill:#e8eef5;stroke:#1f4e79}"
	    ".c{stroke:#1d2530;stroke-width:1.4;fill:none}.h{paint-order:stroke;stroke:#fff;stroke-width:5px;stroke-linejoin:round}.m{text-anchor:middle}</style>\n"
	    "<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">"
	    "<path d=\"M0,0 L8,4 L0,8 z\"/></marker></defs>\n", width, height, what);
}

const char *
svg_zone_class(const struct zone *z)
{
	return z->level >= 4 ? "it" : z->level >= 3.5 ? "mid" : "ot";
}
