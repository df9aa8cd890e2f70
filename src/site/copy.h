/*
 * Copies of a plan's sources for those who outlive the plan: links of the scan engine, drivers with threads of their own.
 */
#ifndef SITE_COPY_H
#define SITE_COPY_H

#include "site/plan.h"

/* n sources with all that belongs to them but help texts, in the arena; shared texts and enumerations are kept once. */
const struct source **copy_sources(struct arena *a, const struct source *const *v, uint32_t n);

#endif
