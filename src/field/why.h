/* Why a tag is as it is: the answer to `penstock why TAG`. */
#ifndef FIELD_WHY_H
#define FIELD_WHY_H

#include "field/feed.h"

/* One JSON object, without a line end, appended to out. */
void why_json(struct feed *f, uint32_t tag, struct buf *out);

#endif
