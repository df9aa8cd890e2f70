/* Inside site/: an entry of `events:` as it stands in a slice; the tags of the plan stand before it. */
#ifndef SITE_SLICE_EVENT_H
#define SITE_SLICE_EVENT_H

#include "site/pack.h"
#include "site/plan.h"

void slice_event(struct pack *k, struct plan *p, struct event_rule *r);

#endif
