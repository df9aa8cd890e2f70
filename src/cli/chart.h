/* A chart for a terminal: Braille dots, two by four a cell, a band from smallest to largest in each column, gaps left empty. */
#ifndef CLI_CHART_H
#define CLI_CHART_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CHART_COLUMNS_MAX	240
#define CHART_ROWS		14

struct chart {
	int64_t		 from, to;
	const char	*title, *unit;
	int		 columns;	/* of text */
	struct chart_dot { double min, max, sum; uint32_t n; bool gap; } *dots;	/* two a column */
	uint64_t	 n, bad;
	double		 min, max, sum, last;
	int64_t		 t_last;
};

void chart_size(struct chart *c);	/* fit the terminal; call first */
void chart_add(struct chart *c, int64_t t, double min, double max, double mean);
void chart_gap(struct chart *c, int64_t t);	/* data was bad here */
void chart_print(const struct chart *c, FILE *out);
void chart_fini(struct chart *c);

#endif
