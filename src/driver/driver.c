/* The list of drivers, from drivers.def. */
#include "driver/driver.h"

#include <stdio.h>
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

static struct { const char *state; char site[128]; } home = { .state = "" };

void
driver_set_home(const char *state_dir, const char *site)
{
	home.state = state_dir != NULL ? state_dir : "";
	snprintf(home.site, sizeof home.site, "%s", site != NULL ? site : "");
}

const char *
driver_state(void)
{
	return home.state;
}

const char *
driver_site(void)
{
	return home.site;
}
