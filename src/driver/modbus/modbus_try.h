/*
 * Trying a device of which little is known: which units are there, and which addresses of a table can be read. Like
 * modbus_ident.h a driver record of its own, read on demand over the same connections, and in no site file; its tags
 * are questions:
 *
 *	unit 17                 is there anyone? text: "data" or the exception it answers with; a silent one is bad
 *	ranges holding 0 999    which of these registers can be read? text: "0..99, 200..249", "" for none
 *
 * A range that is refused is cut in halves until the edges are found, broad pieces first, with at most
 * MODBUS_TRY_REQUESTS requests and MODBUS_TRY_NS a question; what is then still open is named ("; not tried:
 * 300..312").
 */
#ifndef DRIVER_MODBUS_TRY_H
#define DRIVER_MODBUS_TRY_H

#include "driver/driver.h"

#define MODBUS_TRY_QUESTIONS	256u	/* in one read */
#define MODBUS_TRY_REQUESTS	2400u	/* enough for a thousand addresses of which none can be read */
#define MODBUS_TRY_NS		(12 * NS_PER_S)

/* The record for the medium of a Modbus driver; NULL when it is none. */
const struct driver *modbus_try(const struct driver *of);

#endif
