/* The list of drivers, from drivers.def. */
#include "driver/driver.h"

#include <string.h>

const struct driver *const drivers[] = {
#define DRIVER(name) &name##_driver,
#include "driver/drivers.def"
#undef DRIVER
	NULL
};

const struct driver *
driver_find(const char *name)
{
	for (size_t i = 0; drivers[i] != NULL; i++)
		if (strcmp(drivers[i]->info.name, name) == 0)
			return drivers[i];
	return NULL;
}
