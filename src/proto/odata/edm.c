/* See edm.h. */
#include "proto/odata/edm.h"

#include <string.h>

static const char *const names[EDM_TYPES] = {
	[EDM_NONE] = "?",
#define X(id, name) [EDM_##id] = name,
	EDM_LIST(X)
#undef X
};

const char *
edm_name(enum edm_type t)
{
	return names[t];
}

enum edm_type
edm_of_name(const char *name, size_t len)
{
	if (len > 4 && memcmp(name, "Edm.", 4) == 0) {
		name += 4;
		len -= 4;
	}
	for (int t = EDM_NONE + 1; t < EDM_TYPES; t++)
		if (strlen(names[t]) == len && memcmp(names[t], name, len) == 0)
			return (enum edm_type)t;
	return EDM_NONE;
}
