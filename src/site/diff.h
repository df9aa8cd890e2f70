/* What would change if one plan took the place of another. */
#ifndef SITE_DIFF_H
#define SITE_DIFF_H

#include "base/buf.h"
#include "site/plan.h"

/*
 * Sources, tags, flows, requests and events that are added, removed or changed, requests a second and bytes a day before
 * and after, which sources will be reconnected, which flows begin a new schema version and which counts of events begin
 * anew. running: NULL when nothing runs.
 * out is appended to: text for people, or one JSON object. 0 or an error.
 */
int site_diff(const struct plan *running, const struct plan *next, struct buf *out, bool json);

#endif
