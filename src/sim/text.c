/* See text.h. */
#include "sim/text.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"

#define MS_MAX (366.0 * 24 * 3600 * 1000)

int
sim_parse_ms(const char *s, size_t len, uint64_t unit_ms, uint64_t *ms)
{
	static const struct { const char *suffix; double ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "min", 60e3 }, { "m", 60e3 }, { "h", 3600e3 },
	};
	size_t digits = 0;
	double v, unit = (double)unit_ms;

	while (digits < len && ((s[digits] >= '0' && s[digits] <= '9') || s[digits] == '.'))
		digits++;
	if (digits == 0 || num_parse_f64(s, digits, '.', &v) != 0)
		return ERR_SYNTAX;
	if (digits < len) {
		size_t i = 0, n = sizeof units / sizeof units[0];
		while (i < n && (strlen(units[i].suffix) != len - digits ||
		    memcmp(s + digits, units[i].suffix, len - digits) != 0))
			i++;
		if (i == n)
			return ERR_SYNTAX;
		unit = units[i].ms;
	}
	if (!(v * unit <= MS_MAX))
		return ERR_RANGE;
	*ms = (uint64_t)llround(v * unit);
	return 0;
}

int
sim_parse_uint(const char *s, uint64_t lo, uint64_t hi, uint64_t *out)
{
	uint64_t v;
	int e = num_parse_u64(s, strlen(s), &v);

	if (e != 0)
		return e;
	if (v < lo || v > hi)
		return ERR_RANGE;
	*out = v;
	return 0;
}
