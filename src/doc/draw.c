/* See draw.h: zones by level, and the conduits between them. Boxes grow downwards with what they hold. */
#include "doc/draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc/svg.h"
#include "site/derive.h"

#define HEAD		24
#define LINES_MAX	7	/* in a box; more are counted */
#define BAND_GAP	64	/* room for arrows and their names */
#define BANDS_MAX	32

static const char *
level_name(double level)
{
	static const struct { double level; const char *name; } names[] = {
		{ 5, "enterprise" }, { 4, "site business" }, { 3.5, "DMZ" }, { 3, "operations" }, { 2, "supervision" }, { 1, "control" }, { 0, "process" },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (level >= names[i].level)
			return names[i].name;
	return "";
}

/* What stands in a zone, line by line, into a box of width w; returns how many. */
static unsigned
zone_lines(const struct plan *p, uint32_t zone, struct buf *out, int x, int y, int w)
{
	const struct arch *a = p->arch;
	unsigned n = 0;
	char line[200];

#define PUT(...) do { \
	if (n++ < LINES_MAX && out != NULL) { \
		snprintf(line, sizeof line, __VA_ARGS__); \
		svg_text(out, x, y + (int)n * SVG_LINE, "s", line, svg_fits(w, SVG_SMALL_W)); \
	} } while (0)
	for (uint32_t i = 0; i < a->nnodes; i++)
		for (uint32_t k = 0; k < a->nodes[i].ninterfaces; k++)
			if (strcmp(a->nodes[i].interfaces[k].zone, p->zones[zone].name) == 0)
				PUT("node %s, %s", a->nodes[i].name, a->nodes[i].interfaces[k].name);
	for (uint32_t i = 0; i < p->nsources; i++)
		if (p->sources[i].zone == zone && !source_is_derived(&p->sources[i]))
			PUT("%s (%s)", p->sources[i].name, p->sources[i].driver);
	for (uint32_t i = 0; i < p->nsinks; i++)
		if (p->sinks[i].zone == zone)
			PUT("%s (%s)", p->sinks[i].name, p->sinks[i].kind);
#undef PUT
	if (n > LINES_MAX && out != NULL) {
		snprintf(line, sizeof line, "and %u more", n - LINES_MAX);
		svg_text(out, x, y + (LINES_MAX + 1) * SVG_LINE, "s", line, SVG_NAME_CHARS);
	}
	return n;
}

static int
zone_height(const struct plan *p, uint32_t zone)
{
	unsigned n = zone_lines(p, zone, NULL, 0, 0, 0);

	return HEAD + SVG_LINE + (int)(n > LINES_MAX ? LINES_MAX + 1 : n) * SVG_LINE + 8;
}

static void
sl_text(const struct sl *sl, char *out, size_t size)
{
	bool same = true;
	size_t at;

	for (size_t i = 1; i < FRS; i++)
		same = same && sl->of[i] == sl->of[0];
	if (!sl->set) {
		snprintf(out, size, "no target");
		return;
	}
	at = (size_t)snprintf(out, size, "SL-T %u", sl->of[0]);
	for (size_t i = 1; !same && i < FRS && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, " %u", sl->of[i]);
}

static int
by_level(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x < y) - (x > y);
}

/* Different levels, highest first. */
static uint32_t
levels_of(const struct plan *p, double levels[BANDS_MAX])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->nzones && n < BANDS_MAX; i++) {
		uint32_t k = 0;
		while (k < n && levels[k] != p->zones[i].level)
			k++;
		if (k == n)
			levels[n++] = p->zones[i].level;
	}
	qsort(levels, n, sizeof levels[0], by_level);
	return n;
}

/* Place the zones of a level side by side; returns the band's height. */
static int
place_band(const struct plan *p, double level, int width, int y, struct svg_box *boxes)
{
	int n = 0, at = 0, height = 0;

	for (uint32_t i = 0; i < p->nzones; i++)
		n += p->zones[i].level == level;
	int w = (width - SVG_LEFT - 10) / (n > 0 ? n : 1);
	for (uint32_t i = 0; i < p->nzones; i++) {
		if (p->zones[i].level != level)
			continue;
		int h = zone_height(p, i), most = w - 24 < 300 ? w - 24 : 300;
		boxes[i] = (struct svg_box){ SVG_LEFT + at++ * w + (w - most) / 2, y + 10, most, h };
		height = h > height ? h : height;
	}
	return height + 20;
}

static void
put_zone(const struct plan *p, uint32_t i, struct svg_box b, struct buf *out)
{
	const struct zone *z = &p->zones[i];
	char line[200], sl[64];

	svg_box(out, b, svg_zone_class(z));
	svg_text(out, b.x + 10, b.y + 18, "n", z->name, svg_fits(b.w, SVG_BOLD_W));
	sl_text(&p->arch->zones[i].sl_t, sl, sizeof sl);
	snprintf(line, sizeof line, "%s%s%s", sl, *p->arch->zones[i].owner != '\0' ? ", " : "", p->arch->zones[i].owner);
	svg_text(out, b.x + 10, b.y + 18 + SVG_LINE, "s", line, svg_fits(b.w, SVG_SMALL_W));
	zone_lines(p, i, out, b.x + 10, b.y + 18 + SVG_LINE, b.w);
}

struct line { int ax, ay, bx, by; };

static struct line
conduit_line(const struct plan *p, uint32_t i, const struct svg_box *boxes)
{
	const struct conduit *c = &p->conduits[i];
	struct svg_box a = boxes[c->from], b = boxes[c->to];
	int shift = ((int)(i % 5) - 2) * 22;
	struct line l = { .ax = a.x + a.w / 2 + shift, .bx = b.x + b.w / 2 + shift };

	if (a.y == b.y) {	/* one level: from side to side */
		l.ax = a.x < b.x ? a.x + a.w : a.x;
		l.bx = a.x < b.x ? b.x : b.x + b.w;
		l.ay = l.by = a.y + 20 + (int)(i % 3) * 12;
	} else {
		l.ay = a.y < b.y ? a.y + a.h : a.y;
		l.by = a.y < b.y ? b.y : b.y + b.h;
	}
	return l;
}

static void
put_conduit(const struct plan *p, uint32_t i, const struct svg_box *boxes, struct buf *out)
{
	struct line l = conduit_line(p, i, boxes);

	buf_printf(out, "<path d=\"M%d,%d L%d,%d\" class=\"c\" marker-end=\"url(#a)\"%s/>\n", l.ax, l.ay, l.bx, l.by,
	    p->arch->conduits[i].one_way ? " stroke-dasharray=\"6 3\"" : "");
}

/* Its dot; and its name in the gap at the zone that the data leaves, where no box of another level is. */
static void
put_conduit_name(const struct plan *p, uint32_t i, const struct svg_box *boxes, struct buf *out)
{
	struct line l = conduit_line(p, i, boxes);
	int dx = l.bx - l.ax, dy = l.by - l.ay, down = BAND_GAP / 2 + ((int)(i % 3) - 1) * 14;
	int my = dy == 0 ? l.ay - 5 : l.ay + (dy < 0 ? -down : down);
	int mx = dy == 0 ? l.ax + dx / 2 : l.ax + dx * (my - l.ay) / dy;

	bool from = p->conduits[i].initiator_from;

	buf_printf(out, "<circle cx=\"%d\" cy=\"%d\" r=\"4\"/>\n", from ? l.ax : l.bx, from ? l.ay : l.by);
	svg_text(out, mx, my, "m h", p->conduits[i].name, SVG_NAME_CHARS);
}

void
draw_zones(const struct plan *p, struct buf *out)
{
	struct arena a = { 0 };
	struct svg_box *boxes = arena_array(&a, p->nzones + 1, sizeof *boxes);
	double levels[BANDS_MAX];
	int tops[BANDS_MAX], heights[BANDS_MAX], y = 6;
	uint32_t n = levels_of(p, levels), most = 0;
	char label[32];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t zones = 0;
		for (uint32_t z = 0; z < p->nzones; z++)
			zones += p->zones[z].level == levels[i];
		most = zones > most ? zones : most;
	}
	int width = svg_width(most);
	for (uint32_t i = 0; i < n; i++) {
		tops[i] = y;
		heights[i] = place_band(p, levels[i], width, y, boxes);
		y += heights[i] + BAND_GAP;
	}
	svg_start(out, width, y - BAND_GAP + 10, "zones and conduits");
	for (uint32_t i = 0; i < n; i++) {
		svg_box(out, (struct svg_box){ 4, tops[i], width - 8, heights[i] },
		    levels[i] == 3.5 ? "band dmz" : "band");
		snprintf(label, sizeof label, "Level %g", levels[i]);
		svg_text(out, 14, tops[i] + 24, "l", label, SVG_NAME_CHARS);
		svg_text(out, 14, tops[i] + 40, "s", level_name(levels[i]), SVG_NAME_CHARS);
	}
	/* A conduit that passes a level passes behind its zones. */
	for (uint32_t i = 0; i < p->nconduits && n < BANDS_MAX; i++)
		put_conduit(p, i, boxes, out);
	for (uint32_t i = 0; i < p->nzones && n < BANDS_MAX; i++)
		put_zone(p, i, boxes[i], out);
	for (uint32_t i = 0; i < p->nconduits && n < BANDS_MAX; i++)
		put_conduit_name(p, i, boxes, out);
	buf_puts(out, "</svg>\n");
	arena_fini(&a);
}
