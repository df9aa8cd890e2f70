/*
 * Filling gaps from the server's own history (Part 11, 6.4.3; HistoryRead, Part 4, 5.10.3). A *gap* of an item lies between the source times of its last value before and
 * its first value after an outage, both exclusive, so nothing is given twice. Gaps stand in one queue; one reader works it off, slowly, while
 * live data goes on. A gap remembers how far it has come, so another outage only interrupts it.
 */
#ifndef DRIVER_OPCUA_HISTORY_H
#define DRIVER_OPCUA_HISTORY_H

#include "driver/opcua/ua_data.h"

/*
 * What has come of this item up to it->newest is all; what comes next is unknown: a gap begins. alive: the server's time up to which it was surely heard (0: unknown); an item
 * that changes rarely is not filled from long before. False if the item has none (no history, nothing known, too many gaps).
 */
bool ua_history_gap(struct ua_agent *a, uint32_t tag, UA_DateTime alive);
/* The first value after it, or (dv NULL) the gap was none. */
void ua_history_end(struct ua_agent *a, uint32_t tag, const UA_DataValue *dv);

#endif
