/* See span.h. */
#include "cli/span.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int
span_parse(const char *s, int64_t *out)
{
	static const struct { const char *unit; double s; } units[] = {
		{ "s", 1 }, { "min", 60 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 },
	};
	char *end;
	double v = strtod(s, &end);

	while (*end == ' ')
		end++;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (end != s && strcmp(end, units[i].unit) == 0 && v > 0 && v * units[i].s < 1e9) {
			*out = (int64_t)(v * units[i].s * 1e9);
			return 0;
		}
	return ERR_SYNTAX;
}
