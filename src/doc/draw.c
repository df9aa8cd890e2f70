/* See draw.h. A canvas of fixed width; boxes grow downwards with what they hold. */
#include "doc/draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc/page.h"

#define WIDTH		1000
#define LEFT		120	/* of the bands' labels */
#define LINE		15
#define HEAD		24
#define LINES_MAX	7	/* in a box; more are counted */
#define BAND_GAP	64	/* room for arrows and their names */
#define BANDS_MAX	32
#define NAME_CHARS	26

struct box { int x, y, w, h; };

static void
put_text(struct buf *out, int x, int y, const char *class, const char *text, size_t most)
{
	char cut[200];

	snprintf(cut, sizeof cut, "%.*s%s", (int)most, text, strlen(text) > most ? "\xe2\x80\xa6" : "");
	buf_printf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
	page_escape(out, cut);
	buf_puts(out, "</text>\n");
}

static void
put_box(struct buf *out, struct box b, const char *class)
{
	buf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\" class=\"%s\"/>\n", b.x, b.y, b.w, b.h, class);
}

static void
start(struct buf *out, int height, const char *what)
{
	buf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n"
	    "<style>text{font:12px 'Liberation Sans',Arial,sans-serif;fill:#1d2530}.n{font-weight:bold;font-size:13px}.s{fill:#52606d;font-size:11px}"
	    ".l{fill:#52606d;font-weight:bold}.band{fill:#f4f6f9;stroke:none}.dmz{fill:#fdf6e7}.ot{fill:#fff;stroke:#2f6b3a;stroke-width:1.5}"
	    ".mid{fill:#fff;stroke:#b7791f;stroke-width:1.5}.it{fill:#fff;stroke:#1f4e79;stroke-width:1.5}.p{fill:#e8eef5;stroke:#1f4e79}"
	    ".c{stroke:#1d2530;stroke-width:1.4;fill:none}.t{fill:#fff;stroke:none}.m{text-anchor:middle}</style>\n"
	    "<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">"
	    "<path d=\"M0,0 L8,4 L0,8 z\"/></marker></defs>\n", WIDTH, height, what);
}

static const char *
zone_class(const struct zone *z)
{
	return z->level >= 4 ? "it" : z->level >= 3.5 ? "mid" : "ot";
}

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

/* What stands in a zone, line by line: each(arg, text) for the i-th; returns how many. */
static unsigned
zone_lines(const struct plan *p, uint32_t zone, struct buf *out, int x, int y)
{
	const struct arch *a = p->arch;
	unsigned n = 0;
	char line[200];

#define PUT(...) do { \
	if (n++ < LINES_MAX && out != NULL) { \
		snprintf(line, sizeof line, __VA_ARGS__); \
		put_text(out, x, y + (int)n * LINE, "s", line, NAME_CHARS + 12); \
	} } while (0)
	for (uint32_t i = 0; i < a->nnodes; i++)
		for (uint32_t k = 0; k < a->nodes[i].ninterfaces; k++)
			if (strcmp(a->nodes[i].interfaces[k].zone, p->zones[zone].name) == 0)
				PUT("node %s, %s", a->nodes[i].name, a->nodes[i].interfaces[k].name);
	for (uint32_t i = 0; i < p->nsources; i++)
		if (p->sources[i].zone == zone)
			PUT("%s (%s)", p->sources[i].name, p->sources[i].driver);
	for (uint32_t i = 0; i < p->nsinks; i++)
		if (p->sinks[i].zone == zone)
			PUT("%s (%s)", p->sinks[i].name, p->sinks[i].kind);
#undef PUT
	if (n > LINES_MAX && out != NULL) {
		snprintf(line, sizeof line, "and %u more", n - LINES_MAX);
		put_text(out, x, y + (LINES_MAX + 1) * LINE, "s", line, NAME_CHARS);
	}
	return n;
}

static int
zone_height(const struct plan *p, uint32_t zone)
{
	unsigned n = zone_lines(p, zone, NULL, 0, 0);

	return HEAD + LINE + (int)(n > LINES_MAX ? LINES_MAX + 1 : n) * LINE + 8;
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
place_band(const struct plan *p, double level, int y, struct box *boxes)
{
	int n = 0, at = 0, height = 0;

	for (uint32_t i = 0; i < p->nzones; i++)
		n += p->zones[i].level == level;
	int w = (WIDTH - LEFT - 10) / (n > 0 ? n : 1);
	for (uint32_t i = 0; i < p->nzones; i++) {
		if (p->zones[i].level != level)
			continue;
		int h = zone_height(p, i), most = w - 24 < 300 ? w - 24 : 300;
		boxes[i] = (struct box){ LEFT + at++ * w + (w - most) / 2, y + 10, most, h };
		height = h > height ? h : height;
	}
	return height + 20;
}

static void
put_zone(const struct plan *p, uint32_t i, struct box b, struct buf *out)
{
	const struct zone *z = &p->zones[i];
	char line[200], sl[64];

	put_box(out, b, zone_class(z));
	put_text(out, b.x + 10, b.y + 18, "n", z->name, NAME_CHARS);
	sl_text(&p->arch->zones[i].sl_t, sl, sizeof sl);
	snprintf(line, sizeof line, "%s%s%s", sl, *p->arch->zones[i].owner != '\0' ? ", " : "", p->arch->zones[i].owner);
	put_text(out, b.x + 10, b.y + 18 + LINE, "s", line, NAME_CHARS + 12);
	zone_lines(p, i, out, b.x + 10, b.y + 18 + LINE);
}

static void
put_conduit(const struct plan *p, uint32_t i, const struct box *boxes, struct buf *out)
{
	const struct conduit *c = &p->conduits[i];
	struct box a = boxes[c->from], b = boxes[c->to];
	int shift = ((int)(i % 5) - 2) * 22, ax = a.x + a.w / 2 + shift, bx = b.x + b.w / 2 + shift, ay, by;

	if (a.y == b.y) {	/* one level: from side to side */
		ax = a.x < b.x ? a.x + a.w : a.x;
		bx = a.x < b.x ? b.x : b.x + b.w;
		ay = by = a.y + 20 + (int)(i % 3) * 12;
	} else {
		ay = a.y < b.y ? a.y + a.h : a.y;
		by = a.y < b.y ? b.y : b.y + b.h;
	}
	buf_printf(out, "<path d=\"M%d,%d L%d,%d\" class=\"c\" marker-end=\"url(#a)\"%s/>\n", ax, ay, bx, by,
	    p->arch->conduits[i].one_way ? " stroke-dasharray=\"6 3\"" : "");
	buf_printf(out, "<circle cx=\"%d\" cy=\"%d\" r=\"4\"/>\n", c->initiator_from ? ax : bx, c->initiator_from ? ay : by);
	int mx = (ax + bx) / 2, my = (ay + by) / 2 + ((int)(i % 3) - 1) * 14, w = 7 * (int)(strlen(c->name) < NAME_CHARS ? strlen(c->name) : NAME_CHARS) + 8;
	buf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"15\" class=\"t\"/>\n", mx - w / 2, my - 11, w);
	put_text(out, mx, my, "m", c->name, NAME_CHARS);
}

void
draw_zones(const struct plan *p, struct buf *out)
{
	struct arena a = { 0 };
	struct box *boxes = arena_array(&a, p->nzones + 1, sizeof *boxes);
	double levels[BANDS_MAX];
	int tops[BANDS_MAX], heights[BANDS_MAX], y = 6;
	uint32_t n = levels_of(p, levels);
	char label[32];

	for (uint32_t i = 0; i < n; i++) {
		tops[i] = y;
		heights[i] = place_band(p, levels[i], y, boxes);
		y += heights[i] + BAND_GAP;
	}
	start(out, y - BAND_GAP + 10, "zones and conduits");
	for (uint32_t i = 0; i < n; i++) {
		put_box(out, (struct box){ 4, tops[i], WIDTH - 8, heights[i] }, levels[i] == 3.5 ? "band dmz" : "band");
		snprintf(label, sizeof label, "Level %g", levels[i]);
		put_text(out, 14, tops[i] + 24, "l", label, NAME_CHARS);
		put_text(out, 14, tops[i] + 40, "s", level_name(levels[i]), NAME_CHARS);
	}
	for (uint32_t i = 0; i < p->nzones && n < BANDS_MAX; i++)
		put_zone(p, i, boxes[i], out);
	for (uint32_t i = 0; i < p->nconduits && n < BANDS_MAX; i++)
		put_conduit(p, i, boxes, out);
	buf_puts(out, "</svg>\n");
	arena_fini(&a);
}

static void
put_arrow(struct buf *out, int x1, int y1, int x2, int y2)
{
	buf_printf(out, "<path d=\"M%d,%d L%d,%d\" class=\"c\" marker-end=\"url(#a)\"/>\n", x1, y1, x2, y2);
}

/* A row of boxes; text(i) names each. */
static void
put_process(struct buf *out, struct box b, const char *class, const char *name, const char *what)
{
	put_box(out, b, class);
	put_text(out, b.x + b.w / 2, b.y + 19, "n m", name, NAME_CHARS);
	put_text(out, b.x + b.w / 2, b.y + 19 + LINE, "s m", what, 70);
}

#define ROW_H	46
#define ROW_GAP	34

void
draw_processes(const struct plan *p, struct buf *out)
{
	const int x0 = LEFT, w0 = WIDTH - LEFT - 10;
	int y = 8, n = 0, at = 0;
	char name[80], what[120];

	for (uint32_t z = 0; z < p->nzones; z++)
		for (uint32_t i = 0; i < p->nsources; i++)
			if (p->sources[i].zone == z) {
				n++;
				break;
			}
	start(out, 5 * ROW_H + 4 * ROW_GAP + 16, "what runs");
	static const char *const rows[] = { "IT side", "IT side", "no network", "OT side", "OT side" };
	for (int r = 0; r < 5; r++)
		put_text(out, 14, y + r * (ROW_H + ROW_GAP) + 26, "l", rows[r], NAME_CHARS);
	int sinks = (int)(p->nsinks < 6 ? p->nsinks : 6), ws = w0 / (sinks > 0 ? sinks : 1), wz = w0 / (n > 0 ? n : 1);
	for (int i = 0; i < sinks; i++) {
		bool rest = i == 5 && p->nsinks > 6;
		struct box b = { x0 + i * ws + 6, y, ws - 12, ROW_H };
		if (rest)
			snprintf(what, sizeof what, "and %u more", p->nsinks - 5);
		else
			snprintf(what, sizeof what, "%s, zone %s", p->sinks[i].kind, p->zones[p->sinks[i].zone].name);
		put_process(out, b, zone_class(&p->zones[p->sinks[i].zone]), rest ? "sinks" : p->sinks[i].name, what);
		put_arrow(out, b.x + b.w / 2, y + ROW_H + ROW_GAP, b.x + b.w / 2, y + ROW_H + 2);
	}
	int office = y + ROW_H + ROW_GAP, gate = office + ROW_H + ROW_GAP, field = gate + ROW_H + ROW_GAP, machines = field + ROW_H + ROW_GAP;
	put_process(out, (struct box){ x0 + 6, office, w0 - 12, ROW_H }, "p", "office", "delivers, knows no OT address; reads the spool, cannot write it");
	put_arrow(out, x0 + w0 / 2, gate, x0 + w0 / 2, office + ROW_H + 2);
	put_process(out, (struct box){ x0 + 6, gate, w0 - 12, ROW_H }, "p", "insight and gate", "derive; admit, number, write spool and ledger; judge requests");
	for (uint32_t z = 0; z < p->nzones; z++) {
		uint32_t sources = 0;
		const char *first = "";
		for (uint32_t i = 0; i < p->nsources; i++)
			if (p->sources[i].zone == z && sources++ == 0)
				first = p->sources[i].name;
		if (sources == 0)
			continue;
		struct box b = { x0 + at * wz + 6, field, wz - 12, ROW_H };
		snprintf(name, sizeof name, "field:%s", p->zones[z].name);
		put_process(out, b, "p", name, n > 4 ? "acquires" : "acquires, knows no IT address");
		put_arrow(out, b.x + b.w / 2, field, b.x + b.w / 2, gate + ROW_H + 2);
		b.y = machines;
		if (sources == 1)
			snprintf(name, sizeof name, "%s", first);
		else
			snprintf(name, sizeof name, "%u sources", sources);
		snprintf(what, sizeof what, "zone %s, level %g", p->zones[z].name, p->zones[z].level);
		put_process(out, b, "ot", name, what);
		put_arrow(out, b.x + b.w / 2, machines, b.x + b.w / 2, field + ROW_H + 2);
		at++;
	}
	buf_puts(out, "</svg>\n");
}
