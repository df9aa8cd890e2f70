/* See catalog.h. */
#include "proc/catalog.h"

#include "driver/driver.h"
#include "sink/sink.h"

static const struct driver_info *const driver_infos[] = {
#define DRIVER(name) &name##_driver.info,
#include "driver/drivers.def"
#undef DRIVER
	NULL
};

static const struct sink_info *const sink_infos[] = {
#define SINK(name) &name##_sink.info,
#include "sink/sinks.def"
#undef SINK
	NULL
};

static const struct catalog	all = { .drivers = driver_infos, .sinks = sink_infos };

const struct catalog *
catalog_all(void)
{
	return &all;
}
