/*
 * Inside doc/: what the drawings are made of. A canvas is as wide as its fullest row asks for; texts are cut to their boxes.
 */
#ifndef DOC_SVG_H
#define DOC_SVG_H

#include "base/buf.h"
#include "site/plan.h"

#define SVG_LEFT	120	/* of the labels of rows */
#define SVG_LINE	15
#define SVG_NAME_CHARS	26
/* Widths of a letter, on average, of the fonts of the classes s and n. */
#define SVG_SMALL_W	5.6
#define SVG_BOLD_W	7.7

struct svg_box { int x, y, w, h; };

/* Characters that fit into a box of width w. */
size_t svg_fits(int w, double letter);
/* Of a canvas whose fullest row has so many boxes. */
int svg_width(unsigned boxes);
/* Begin a drawing; what it shows, for those who cannot see it. It ends with </svg>. */
void svg_start(struct buf *out, int width, int height, const char *what);
/* most: characters of it that are shown. */
void svg_text(struct buf *out, int x, int y, const char *class, const char *text, size_t most);
void svg_box(struct buf *out, struct svg_box b, const char *class);
/* How a zone of this level is drawn. */
const char *svg_zone_class(const struct zone *z);

#endif
