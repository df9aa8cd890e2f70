/* The parts of an agent, in the order in which they are called. A part that is not built leaves its row out. */
#include "driver/opcua/types.h"

const struct ua_part ua_parts[] = {
	UA_TYPES_ROW,
	{ .name = NULL },
};
