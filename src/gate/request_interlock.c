/*
 * Interlocks: an expression over live tags that must be true when a request is admitted. It is compiled with the plan and evaluated over
 * the present values. What cannot be known is not true: an input that is bad, stale or has not come refuses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gate/request_int.h"

void
interlocks_build(struct requests *r)
{
	(void)r;
}

void
interlocks_free(struct interlocks *i)
{
	free(i);
}

bool
interlock_true(const struct requests *r, uint32_t rule, struct mono now, struct wall wall, char *text, size_t size)
{
	(void)now;
	(void)wall;
	if (*r->plan->requests[rule].interlock == '\0')
		return true;
	snprintf(text, size, "its interlock cannot be evaluated");
	return false;
}
