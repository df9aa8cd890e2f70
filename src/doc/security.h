/* The chapters on what the zones' security levels demand, and on what does not hold and is excused. */
#ifndef DOC_SECURITY_H
#define DOC_SECURITY_H

#include "doc/document.h"

/* Texts in the arena. */
void document_security(const struct document *d, struct page *p, struct arena *a);
void document_exceptions(const struct document *d, struct page *p, struct arena *a);

#endif
