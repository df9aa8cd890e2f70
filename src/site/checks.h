/* Rules that need the whole site. Each is a row of one table in checks.c, so a new rule is a function and a row. */
#ifndef SITE_CHECKS_H
#define SITE_CHECKS_H

#include "site/loader.h"

void site_checks(struct loader *l);

/* overlap.c: tags of one source that lie on each other in the device. */
void check_overlaps(struct loader *l);
/* link_load.c: what the links are asked to carry. */
void check_link_load(struct loader *l);

#endif
