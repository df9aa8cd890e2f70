/*
 * Hashes of what a plan says, by value alone: no pointer, no position, no index that depends on the order of the
 * file goes in, so the same words give the same hash in every run and on every machine.
 */
#ifndef SITE_HASH_H
#define SITE_HASH_H

#include "site/plan.h"

/* folder: of the site file; paths below it are taken relative to it, so that a site may be moved. */
uint64_t hash_source(const struct source *s, const char *folder);
uint64_t hash_sink(const struct sink *s, const char *folder);
/* Schema version of a flow: names, types and units of its tags in order. Never 0. */
uint32_t hash_schema(const struct plan *p, const struct flow *f);
/* The rest of a flow: all that the gate does differently when it changes. */
uint64_t hash_flow(const struct plan *p, const struct flow *f);
/* An entry of requests. */
uint64_t hash_request(const struct plan *p, const struct request_rule *r);
/* An entry of events. */
uint64_t hash_event(const struct event_rule *r);
/* What a count is: name, expression and unit. One with another hash begins anew. It stands in insight's journal. */
uint64_t hash_count(const struct event_rule_field *f);
uint64_t hash_plan(const struct plan *p);

#endif
