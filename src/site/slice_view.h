/* What each process may be told of a plan, decided in one place: a plan in which everything else is left out. */
#ifndef SITE_SLICE_VIEW_H
#define SITE_SLICE_VIEW_H

#include "site/slice.h"

/* Fill view from p; rows are copies in `a` where something is left out, texts are borrowed from p. */
void slice_view(const struct plan *p, enum slice_for who, uint32_t zone, struct arena *a, struct plan *view);

#endif
