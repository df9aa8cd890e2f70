/*
 * Cyclic reads (Part 4, 5.10.2): the items of one period are read together on that period's grid, in bulk, with maxAge 0. One call of a group is under way at a time;
 * a round that is due while the one before still runs is left out and counted.
 */
#ifndef DRIVER_OPCUA_CYCLIC_H
#define DRIVER_OPCUA_CYCLIC_H

#include "driver/opcua/ua_data.h"

void ua_cyclic_add(struct ua_agent *a, uint32_t tag);

#endif
