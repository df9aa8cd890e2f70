/* The parts of an agent, in the order in which they are called. A part that is not built leaves its row out. */
#include "driver/opcua/asks.h"
#include "driver/opcua/browse.h"
#include "driver/opcua/events.h"
#include "driver/opcua/types.h"
#include "driver/opcua/ua_data.h"

const struct ua_part ua_parts[] = {
	UA_TYPES_ROW,
	UA_PART_ROW(resolve),
	UA_PART_ROW(subs),
	UA_PART_ROW(cyclic),
	UA_PART_ROW(history),
	UA_EVENTS_ROW,
	UA_ASKS_ROW,
	UA_BROWSE_ROW,
	{ .name = NULL },
};
