/* Enumerations that every site has without declaring them. */
#ifndef SITE_ENUMS_H
#define SITE_ENUMS_H

#include "site/plan.h"

#define ENUM_ITEMS_MAX 4096u

extern const struct enum_def *const enums_built_in[];	/* NULL-ended */

#endif
