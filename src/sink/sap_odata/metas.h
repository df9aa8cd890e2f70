/*
 * The $metadata of the services in use: fetched when the sink starts and then from time to time (If-None-Match), kept below the sink's folder
 * for the time when the far end is away and for `penstock check`, and held against the mappings.
 *
 *	<dir>/<service, escaped>.xml		as it came
 *	<dir>/<service, escaped>.etag		of that
 */
#ifndef SAP_ODATA_METAS_H
#define SAP_ODATA_METAS_H

#include "sink/sap_odata/far.h"
#include "sink/sap_odata/map.h"

#define METAS_FOLDER	"metadata"	/* below the sink's */

struct metas;
/*
 * For the services of these mappings. dir is made if it is not there, and what it holds is read; NULL: nothing is kept. quiet: nothing is logged, see
 * metas_report(). Blocks on the disk.
 */
int metas_open(const char *dir, const struct mapping *const *v, size_t n, bool quiet, struct metas **out, char *why, size_t size);
void metas_close(struct metas *m);
/* Nothing is logged any more: what is under way ends because the sink does. */
void metas_hush(struct metas *m);
/* NULL: it is not known. Borrowed until metas_turn() or metas_close(). */
const struct odata_meta *metas_of(const struct metas *m, const char *service);
/* Start what is due. Returns when to call again; every_ns: between two looks. */
struct mono metas_turn(struct metas *m, struct far *f, struct mono now, int64_t every_ns);
/* All of them have been asked for at least once, whatever the answer. */
bool metas_settled(const struct metas *m);
/* Of a service whose last fetch failed, for people: cause; NULL: none. */
const char *metas_trouble(const struct metas *m);
/* Mappings that do not fit their services: how many, and the first finding for people. */
size_t metas_misfits(const struct metas *m, char *first, size_t size);

/* All that is wrong, as findings: mappings that do not fit, and at the place `at` services whose metadata could not be had. */
void metas_report(const struct metas *m, struct place at, struct findings *f);

#endif
