/* Inside of slice.c: an entry of requests on its way to gate. */
#ifndef SITE_SLICE_REQUEST_H
#define SITE_SLICE_REQUEST_H

#include "site/pack.h"
#include "site/plan.h"

/* Write what r holds, or read into it; p: the plan that it belongs to, whose sources and sinks are there already. */
void slice_request(struct pack *k, struct plan *p, struct request_rule *r);

#endif
