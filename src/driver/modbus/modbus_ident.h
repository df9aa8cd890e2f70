/*
 * Who a Modbus device says it is: read device identification, function 43 / 14 (V1.1b3, 6.21). A driver record of its
 * own, so that it runs on the same connections as the others; it has no scans, its tags are the objects of the basic
 * and regular category, read on demand. It stands in no site file.
 */
#ifndef DRIVER_MODBUS_IDENT_H
#define DRIVER_MODBUS_IDENT_H

#include "driver/driver.h"

#define MODBUS_IDENT_OBJECTS 7u

/* What the objects 0 to 6 are called; also their addresses. */
extern const char *const modbus_ident_names[MODBUS_IDENT_OBJECTS];

/* The record for the medium of a Modbus driver; NULL when it is none. */
const struct driver *modbus_ident(const struct driver *of);

#endif
