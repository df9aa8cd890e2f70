/* The account of a pair, for the files of delivery. See delivery.h. */
#ifndef OFFICE_PAIR_H
#define OFFICE_PAIR_H

#include "office/delivery.h"

/* first..last need no more care; tells ops->settled() when the cursor moves. */
void pair_settle(struct delivery *d, struct pair *p, uint64_t first, uint64_t last);
/* The entry of a batch that is offered or on its way to quarantine. NULL: none. */
struct entry *pair_entry(const struct pair *p, uint64_t first, uint64_t last);
void pair_drop_entry(struct pair *p, struct entry *e);
/* Is there room to take one more batch under way? */
bool pair_may_read(const struct pair *p);

#endif
