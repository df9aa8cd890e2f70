/* The chapter on business events: what is made of what the machines say, when, and who books it. */
#ifndef DOC_EVENTS_H
#define DOC_EVENTS_H

#include "doc/document.h"

/* Nothing where the plan declares none. Texts in the arena. */
void document_events(const struct document *d, struct page *p, struct arena *a);

#endif
