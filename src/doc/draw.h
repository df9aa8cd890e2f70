/* The drawings of the architecture document, as SVG that needs nothing else. out is appended to; plan borrowed. */
#ifndef DOC_DRAW_H
#define DOC_DRAW_H

#include "site/arch.h"

/* Zones in bands by their Purdue level, conduits as arrows: the head where data goes, a dot where the session is opened from. */
void draw_zones(const struct plan *p, struct buf *out);
/* What runs: sources by zone, the process that faces each, gate and office, the sinks. ISA-95 levels on the left. */
void draw_processes(const struct plan *p, struct buf *out);

#endif
