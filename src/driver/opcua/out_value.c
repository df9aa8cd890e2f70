/* A DataValue of a server on its way to the engine: value, status and times as the server gave them. See ua.h. */
#include <stdlib.h>

#include "driver/opcua/agent.h"
#include "driver/opcua/types.h"
#include "driver/opcua/ua_value.h"
#include "model/status.h"

/* It has a value again, whatever its status says: no trouble of ours any more. */
static void
recovered(struct ua_item *it)
{
	it->trouble = UA_STATUSCODE_GOOD;
	it->troubles = 0;
	free(it->why);
	it->why = NULL;
}

void
ua_out_value(struct ua_agent *a, uint32_t tag, const UA_DataValue *dv, struct wall arrival, uint8_t flags)
{
	struct ua_item *it = &a->items[tag];
	struct arena scratch = { 0 };
	struct value v = { .type = VALUE_NULL };
	struct wall source = ua_wall(dv->hasSourceTimestamp ? dv->sourceTimestamp : 0);
	struct wall server = ua_wall(dv->hasServerTimestamp ? dv->serverTimestamp : 0);
	/* Part 4, 7.11: without a status it is Good. */
	uint32_t status = dv->hasStatus ? dv->status : UA_STATUSCODE_GOOD, bad = (uint32_t)STATUS_BadInternalError;
	const char *why = NULL;
	bool live = (flags & SAMPLE_HISTORICAL) == 0;

	if (dv->hasValue && dv->value.type != NULL) {
		int err = ua_value_of(a, it, &dv->value, &scratch, &v, &bad, &why);
		if (err == ERR_AGAIN && ua_types_hold(a, tag, dv, arrival, flags)) {
			arena_fini(&scratch);
			return;		/* it comes again when its types are known */
		}
		if (err == ERR_AGAIN) {
			bad = UA_STATUSCODE_BADDATATYPEIDUNKNOWN;
			why = "too many values wait for the server to say what their structures are made of";
		}
		if (err != 0) {
			v = (struct value){ .type = VALUE_NULL };
			status = bad;
		}
	} else if (status_is_good(status))
		status = (uint32_t)STATUS_BadNoData;
	if (why != NULL && live)
		ua_out_trouble(a, tag, status, why);
	else if (live && it->trouble != UA_STATUSCODE_GOOD)
		recovered(it);
	if (live) {
		if (source.ns > it->newest.ns)
			it->newest = source;
		it->status = status;
	}
	ua_out_sample(a, tag, status, &v, source, server, arrival, flags);
	if (scratch.head != NULL)
		arena_fini(&scratch);
}
