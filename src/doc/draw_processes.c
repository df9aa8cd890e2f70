/* See draw.h: what runs on a node. */
#include "doc/draw.h"

#include <stdio.h>

#include "doc/svg.h"
#include "site/derive.h"

static void
put_arrow(struct buf *out, int x1, int y1, int x2, int y2)
{
	buf_printf(out, "<path d=\"M%d,%d L%d,%d\" class=\"c\" marker-end=\"url(#a)\"/>\n", x1, y1, x2, y2);
}

/* A row of boxes; text(i) names each. */
static void
put_process(struct buf *out, struct svg_box b, const char *class, const char *name, const char *what)
{
	svg_box(out, b, class);
	svg_text(out, b.x + b.w / 2, b.y + 19, "n m", name, svg_fits(b.w, SVG_BOLD_W));
	svg_text(out, b.x + b.w / 2, b.y + 19 + SVG_LINE, "s m", what, svg_fits(b.w, SVG_SMALL_W));
}

#define ROW_H	46
#define ROW_GAP	34

/* That speak to devices; *first: the name of one. */
static unsigned
sources_in(const struct plan *p, uint32_t zone, const char **first)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < p->nsources; i++)
		if (p->sources[i].zone == zone && !source_is_derived(&p->sources[i]) && n++ == 0)
			*first = p->sources[i].name;
	return n;
}

void
draw_processes(const struct plan *p, struct buf *out)
{
	int y = 8, n = 0, at = 0;
	char name[80], what[120];
	const char *first = "";

	for (uint32_t z = 0; z < p->nzones; z++)
		n += sources_in(p, z, &first) > 0;
	int width = svg_width((unsigned)n > p->nsinks || n > 6 ? (unsigned)n : p->nsinks < 6 ? p->nsinks : 6);
	const int x0 = SVG_LEFT, w0 = width - SVG_LEFT - 10;
	svg_start(out, width, 5 * ROW_H + 4 * ROW_GAP + 16, "what runs");
	static const char *const rows[] = { "IT side", "IT side", "no network", "OT side", "OT side" };
	for (int r = 0; r < 5; r++)
		svg_text(out, 14, y + r * (ROW_H + ROW_GAP) + 26, "l", rows[r], SVG_NAME_CHARS);
	int sinks = (int)(p->nsinks < 6 ? p->nsinks : 6), ws = w0 / (sinks > 0 ? sinks : 1), wz = w0 / (n > 0 ? n : 1);
	for (int i = 0; i < sinks; i++) {
		bool rest = i == 5 && p->nsinks > 6;
		struct svg_box b = { x0 + i * ws + 6, y, ws - 12, ROW_H };
		if (rest)
			snprintf(what, sizeof what, "and %u more", p->nsinks - 5);
		else
			snprintf(what, sizeof what, "%s, zone %s", p->sinks[i].kind, p->zones[p->sinks[i].zone].name);
		put_process(out, b, svg_zone_class(&p->zones[p->sinks[i].zone]), rest ? "sinks" : p->sinks[i].name, what);
		put_arrow(out, b.x + b.w / 2, y + ROW_H + ROW_GAP, b.x + b.w / 2, y + ROW_H + 2);
	}
	int office = y + ROW_H + ROW_GAP, gate = office + ROW_H + ROW_GAP, field = gate + ROW_H + ROW_GAP, machines = field + ROW_H + ROW_GAP;
	put_process(out, (struct svg_box){ x0 + 6, office, w0 - 12, ROW_H }, "p", "office", "delivers, knows no OT address; reads the spool, cannot write it");
	put_arrow(out, x0 + w0 / 2, gate, x0 + w0 / 2, office + ROW_H + 2);
	put_process(out, (struct svg_box){ x0 + 6, gate, w0 - 12, ROW_H }, "p", "insight and gate", "derive; admit, number, write spool and ledger; judge requests");
	for (uint32_t z = 0; z < p->nzones; z++) {
		unsigned sources = sources_in(p, z, &first);
		if (sources == 0)
			continue;
		struct svg_box b = { x0 + at * wz + 6, field, wz - 12, ROW_H };
		snprintf(name, sizeof name, "field:%s", p->zones[z].name);
		put_process(out, b, "p", name, n > 4 ? "acquires" : "acquires, knows no IT address");
		put_arrow(out, b.x + b.w / 2, field, b.x + b.w / 2, gate + ROW_H + 2);
		b.y = machines;
		if (sources == 1)
			snprintf(name, sizeof name, "%s", first);
		else
			snprintf(name, sizeof name, "%u sources", sources);
		snprintf(what, sizeof what, "zone %s, level %g", p->zones[z].name, p->zones[z].level);
		put_process(out, b, svg_zone_class(&p->zones[z]), name, what);
		put_arrow(out, b.x + b.w / 2, machines, b.x + b.w / 2, field + ROW_H + 2);
		at++;
	}
	buf_puts(out, "</svg>\n");
}
