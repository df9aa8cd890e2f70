/* The list of sinks, from sinks.def. */
#include "sink/sink.h"

#include <string.h>

const struct sink_type *const sinks[] = {
#define SINK(name) &name##_sink,
#include "sink/sinks.def"
#undef SINK
	NULL
};

const struct sink_type *
sink_find(const char *kind)
{
	for (size_t i = 0; sinks[i] != NULL; i++)
		if (strcmp(sinks[i]->info.name, kind) == 0)
			return sinks[i];
	return NULL;
}
