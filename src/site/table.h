/* Tables of tags: a CSV file whose first row names columns and whose other rows are tags. */
#ifndef SITE_TABLE_H
#define SITE_TABLE_H

#include "site/types.h"

/* file: the node that names it. e: the equipment that its names are relative to, NULL: rows say the whole path. */
void table_load(struct loader *l, const struct node *file, const struct equipment *e);

#endif
