/* See chart.h. */
#include "cli/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define LABEL 12	/* columns of the labels at the left */

void
chart_size(struct chart *c)
{
	struct winsize w = { 0 };
	const char *env = getenv("COLUMNS");
	int columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : env != NULL ? atoi(env) : 100;

	c->columns = columns - LABEL - 3;
	c->columns = c->columns < 20 ? 20 : c->columns > CHART_COLUMNS_MAX ? CHART_COLUMNS_MAX : c->columns;
	c->dots = calloc((size_t)c->columns * 2, sizeof *c->dots);
	if (c->dots == NULL)
		fatal("out_of_memory", "chart columns=%d", c->columns);
}

static struct chart_dot *
dot_at(struct chart *c, int64_t t)
{
	if (t < c->from || t >= c->to)
		return NULL;
	int i = (int)((double)(t - c->from) / (double)(c->to - c->from) * c->columns * 2);
	return &c->dots[i < c->columns * 2 ? i : c->columns * 2 - 1];
}

void
chart_add(struct chart *c, int64_t t, double min, double max, double mean)
{
	struct chart_dot *d = dot_at(c, t);

	if (d == NULL)
		return;
	d->min = d->n == 0 || min < d->min ? min : d->min;
	d->max = d->n == 0 || max > d->max ? max : d->max;
	d->sum += mean;
	d->n++;
	c->min = c->n == 0 || min < c->min ? min : c->min;
	c->max = c->n == 0 || max > c->max ? max : c->max;
	c->sum += mean;
	c->n++;
	if (t >= c->t_last) {
		c->t_last = t;
		c->last = mean;
	}
}

void
chart_gap(struct chart *c, int64_t t)
{
	struct chart_dot *d = dot_at(c, t);
	if (d == NULL)
		return;
	d->gap = true;
	c->bad++;
}

/* Bits of the Braille block U+2800: rows top to bottom, left column then right. */
static const unsigned char braille[4][2] = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };

static int
height(double v, double lo, double hi)
{
	int h = (int)lround((v - lo) / (hi - lo) * (CHART_ROWS * 4 - 1));
	return h < 0 ? 0 : h >= CHART_ROWS * 4 ? CHART_ROWS * 4 - 1 : h;
}

/* Dots from the lowest to the highest of a column, joined to the column before so that a steep line stays a line. */
static void
plot(const struct chart *c, double lo, double hi, unsigned char *cells)
{
	int before_lo = -1, before_hi = -1;

	for (int x = 0; x < c->columns * 2; x++) {
		const struct chart_dot *d = &c->dots[x];
		if (d->n == 0) {
			if (d->gap)
				before_lo = before_hi = -1;
			continue;
		}
		int from = height(d->min, lo, hi), to = height(d->max, lo, hi), a = from, b = to;
		if (before_lo >= 0 && from > before_hi + 1)
			a = before_hi + 1;
		if (before_lo >= 0 && to < before_lo - 1)
			b = before_lo - 1;
		for (int y = a; y <= b; y++) {
			int row = CHART_ROWS - 1 - y / 4;
			cells[row * c->columns + x / 2] |= braille[3 - y % 4][x % 2];
		}
		before_lo = from;
		before_hi = to;
	}
}

static void
print_cell(unsigned char bits, FILE *out)
{
	unsigned code = 0x2800u + bits;
	if (bits == 0)
		fputc(' ', out);
	else
		fprintf(out, "%c%c%c", (char)(0xe0 | code >> 12), (char)(0x80 | (code >> 6 & 0x3f)), (char)(0x80 | (code & 0x3f)));
}

static void
axis(const struct chart *c, FILE *out)
{
	char from[WALL_TEXT], to[WALL_TEXT];

	wall_format((struct wall){ c->from }, 0, from);
	wall_format((struct wall){ c->to }, 0, to);
	fprintf(out, "%*s +", LABEL, "");
	for (int i = 0; i < c->columns; i++)
		fputc('-', out);
	int between = c->columns - (int)strlen(from) - (int)strlen(to);
	fprintf(out, "\n%*s  %s%*s%s\n", LABEL, "", from, between > 1 ? between : 1, "", to);
}

void
chart_print(const struct chart *c, FILE *out)
{
	fprintf(out, "%s%s%s%s\n", c->title, *c->unit ? " [" : "", c->unit, *c->unit ? "]" : "");
	if (c->n == 0) {
		fprintf(out, "  no good values in this span%s\n", c->bad > 0 ? "; there are bad ones" : "");
		return;
	}
	double pad = c->max > c->min ? (c->max - c->min) * 0.04 : fabs(c->max) > 0 ? fabs(c->max) * 0.1 : 1;
	double lo = c->min >= 0 && c->min < pad ? 0 : c->min - pad, hi = c->max + pad;	/* no negative scale for what never is */
	unsigned char *cells = calloc((size_t)CHART_ROWS * (size_t)c->columns, 1);
	if (cells == NULL)
		fatal("out_of_memory", "chart columns=%d", c->columns);
	plot(c, lo, hi, cells);
	for (int row = 0; row < CHART_ROWS; row++) {
		if (row % 4 == 0 || row == CHART_ROWS - 1)
			fprintf(out, "%*.6g |", LABEL, row == CHART_ROWS - 1 ? lo : hi - (hi - lo) * row / (CHART_ROWS - 1));
		else
			fprintf(out, "%*s |", LABEL, "");
		for (int x = 0; x < c->columns; x++)
			print_cell(cells[row * c->columns + x], out);
		fputc('\n', out);
	}
	axis(c, out);
	fprintf(out, "  min %.6g   mean %.6g   max %.6g   last %.6g   %llu points%s\n", c->min, c->sum / (double)c->n,
	    c->max, c->last, (unsigned long long)c->n, c->bad > 0 ? ", some bad" : "");
	free(cells);
}

void
chart_fini(struct chart *c)
{
	free(c->dots);
	c->dots = NULL;
}
