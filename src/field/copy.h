/*
 * A source of its own for a link: all that it points to, copied out of the plan. Plans come and go with every reload
 * while a link that is left alone goes on; without a copy each would keep the whole plan it came with.
 */
#ifndef FIELD_COPY_H
#define FIELD_COPY_H

#include "driver/driver.h"

/* n sources into a; the result is in a too. */
struct link_sources copy_sources(struct arena *a, const struct source *const *v, uint32_t n);

#endif
