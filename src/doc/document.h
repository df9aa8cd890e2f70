/*
 * The integration architecture document of a site, written from its plan: what it shows is what runs. The same content serves reading (HTML,
 * Markdown), review boards (the difference of two sites) and spreadsheets (the data-flow matrix).
 */
#ifndef DOC_DOCUMENT_H
#define DOC_DOCUMENT_H

#include "doc/page.h"
#include "site/arch.h"
#include "site/site.h"

struct change { const char *when, *who, *what; };	/* of the site file, from its version control; newest first */

struct document {
	const struct plan	*plan;
	const struct catalog	*catalog;
	const struct site_report *report;	/* what `penstock check` found */
	const char		*made;		/* when, "2026-11-22T20:00:00Z" */
	const struct change	*changes;
	size_t			 nchanges;
	const char		*changes_note;	/* why there are none; NULL: there are */
};

/* The whole document. */
void document_write(const struct document *d, struct page *page);
/* The data-flow matrix alone, as CSV (RFC 4180), with the columns of the integrators' list. */
void document_matrix(const struct document *d, struct buf *out);
/*
 * What changed between two sites, row by row of every table: added, removed, changed. Returns how many rows differ; page has been written (with
 * "nothing" when none do).
 */
size_t document_diff(const struct document *before, const struct document *after, struct page *page);

/* matrix.c: one flow's rows as texts in the arena; one row for each pair of a source's zone and a sink. */
#define MATRIX_COLUMNS	44u
extern const char *const matrix_heads[MATRIX_COLUMNS];
struct matrix_row { const char *cell[MATRIX_COLUMNS]; };
size_t matrix_rows(const struct document *d, struct arena *a, struct matrix_row **out);
enum { MX_ID = 0, MX_USE_CASE = 2, MX_INFO = 6, MX_SOURCE = 7, MX_SOURCE_ZONE = 9, MX_TARGET = 10, MX_TARGET_ZONE = 12, MX_CONDUIT = 13,
	MX_INITIATOR = 15, MX_TRIGGER = 16, MX_FREQUENCY = 17, MX_VOLUME = 19, MX_FORMAT = 21, MX_MECHANISM = 23, MX_PORT = 24, MX_SECURITY = 25,
	MX_GUARANTEE = 27, MX_BUFFERING = 29, MX_OWNER = 33, MX_CRITICALITY = 36, MX_CONFIDENTIALITY = 38 };

/* What a source is called for people: the insight process makes what "insight:ZONE" and "event:ZONE" have. matrix.c */
const char *document_source(const struct plan *p, const struct source *s, struct arena *a);

#endif
