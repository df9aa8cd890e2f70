/*
 * Rows that are read from SAP regularly (orders, operations, limits of characteristics) and offered as tags: each row's
 * values go to the tags of an equipment, as writes that gate judges. Only rows that have changed are asked for, by the
 * mapping's marker, which is kept on the disk
 *
 *	<dir>/read-<hash of the row of `read`>.mark
 *
 * once all that came before it was passed on. Of rows for the same equipment the one that changed last is what its tags
 * show. A row's key (the order) is written last, so that what goes by it finds the rest in place.
 */
#ifndef SAP_ODATA_READS_H
#define SAP_ODATA_READS_H

#include "base/buf.h"
#include "base/clock.h"
#include "sink/sap_odata/far.h"

#define READS_WRITES_MAX	20000u		/* values that wait to be written; no further page is asked for before */

struct worker;
struct reads;

int reads_open(struct worker *w, struct reads **out, char *why, size_t size);
/* Start what is due. Returns when to call again. */
struct mono reads_turn(struct reads *r, struct far *f, struct mono now);
/* What is to be said of it to people, appended: trouble; nothing when all is well. */
void reads_tell(const struct reads *r, struct buf *t);
void reads_close(struct reads *r);

#endif
