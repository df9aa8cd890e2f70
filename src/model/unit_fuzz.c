/* Any bytes as a unit: never a crash, and what is read is finite and converts to itself. */
#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "model/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unit u;
	char why[100];
	double factor, offset;

	if (unit_parse((const char *)data, size, &u, why, sizeof why) != 0)
		return 0;
	if (!isfinite(u.factor) || u.factor == 0 || unit_conversion(&u, &u, &factor, &offset) != 0 || factor != 1 ||
	    offset != 0)
		abort();
	return 0;
}
