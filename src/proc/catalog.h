/* The catalog of this program: all drivers and all sinks, for site_load(). */
#ifndef PROC_CATALOG_H
#define PROC_CATALOG_H

#include "site/catalog.h"

const struct catalog *catalog_all(void);

#endif
