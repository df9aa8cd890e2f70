/*
 * What one process is told of the plan, and nothing else: field knows no sink, office no source's address. A slice
 * is one run of bytes (in a sealed memfd, written by the supervisor); reading it gives a plan struct in which only
 * the parts below are filled. Writer and reader are the same function per struct, so they cannot drift apart.
 *
 *	field    its zone's sources with endpoints, keys and tags; no flows, no sinks
 *	insight  sources (name, key, tags without addresses, expressions), events; no endpoints
 *	gate     sources as for insight, flows, names of sinks, requests
 *	office   flows, sinks with keys, tags as far as flows name them (path, type, unit, range, enum); no endpoints, no addresses
 *	all      the whole plan, for the supervisor's own store: what was in force, and what was before it
 */
#ifndef SITE_SLICE_H
#define SITE_SLICE_H

#include "base/buf.h"
#include "site/plan.h"

enum slice_for { SLICE_FIELD, SLICE_INSIGHT, SLICE_GATE, SLICE_OFFICE, SLICE_ALL };

/* zone: for SLICE_FIELD the zone's index, else ignored. out is appended to. */
int slice_write(const struct plan *p, enum slice_for who, uint32_t zone, struct buf *out);
/* Read a slice; *out given (plan_free). Indexes are checked against counts. 0, ERR_VERSION, ERR_PROTO, ERR_LIMIT. */
int slice_read(const void *p, size_t len, struct plan **out);

#endif
