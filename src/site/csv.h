/*
 * Comma-separated values as RFC 4180 has them and as spreadsheets write them: a byte order mark, `;` or tab between
 * fields, a first line "sep=;", CRLF or LF, quoted fields with newlines and doubled quotes. No I/O, and nothing is
 * allocated but the text of fields that hold doubled quotes.
 */
#ifndef SITE_CSV_H
#define SITE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define CSV_FIELDS_MAX	256u
#define CSV_WHY_MAX	256u

struct csv_field {
	const char	*s;		/* borrowed from the text, or from the row's own copy; valid until the next row */
	size_t		 len;		/* blanks at both ends are cut off, unless it is quoted */
	int		 line, column;	/* of its first byte, from 1; columns count bytes */
};

struct csv {
	const char	*p, *end, *line_start;
	char		 separator;	/* ',', ';' or tab */
	int		 line, row;	/* line of the text; row as a spreadsheet counts them (a quoted newline starts no row) */
	struct csv_field field[CSV_FIELDS_MAX];
	size_t		 n;		/* fields of the row read last */
	struct buf	 copy;		/* unquoted texts of that row */
	/* After a failure: */
	char		 why[CSV_WHY_MAX], remedy[CSV_WHY_MAX];
	int		 bad_line, bad_column;
};

/*
 * Begin with text, which is borrowed until csv_fini. 0, or ERR_SYNTAX for what is no such text (UTF-16, NUL, bad
 * UTF-8).
 */
int csv_init(struct csv *c, const char *text, size_t len);
/* The next row, into field and n. 0, ERR_END, ERR_SYNTAX (a quote that is never closed, text behind one), ERR_LIMIT. */
int csv_row(struct csv *c);
void csv_fini(struct csv *c);
/* The name that a spreadsheet gives a cell ("C17"), into out[16]; column from 0. Returns out. */
char *csv_cell_name(size_t column, int row, char *out);

#endif
