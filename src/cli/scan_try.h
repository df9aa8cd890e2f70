/* The part of `penstock scan` that searches for units on a line or behind a gateway. */
#ifndef CLI_SCAN_TRY_H
#define CLI_SCAN_TRY_H

#include "field/try.h"

/* "1-247" or "17". 0 or -1. */
int scan_units_parse(const char *text, unsigned *first, unsigned *last);
/*
 * Ask each unit of a range whether it is there, and print those that are. d's driver is the plain one. Returns an exit
 * status.
 */
int scan_units(const struct try_device *d, unsigned first, unsigned last);

#endif
