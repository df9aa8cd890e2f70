/*
 * The note beside a rejected certificate, "<name>.txt": one "key: value" a line, so that a person can read it and the
 * list can show it. Keys that are not known are skipped, so that a person may add some.
 */
#ifndef PKI_RECORD_H
#define PKI_RECORD_H

#include "base/buf.h"
#include "base/clock.h"

#define RECORD_BYTES_MAX	8192u

struct record {
	struct wall	first, last;	/* when it was shown; last is kept to the minute */
	char		from[200];	/* by whom: an endpoint, an address, a person */
	char		status[48];	/* name of the status code */
	char		why[1536];	/* in words */
};

void record_print(const struct record *r, struct buf *out);
/* Bytes of a file, which anybody may have edited. 0, ERR_LIMIT, or ERR_SYNTAX when the times are missing. What is too long is cut. */
int record_parse(const char *text, size_t len, struct record *out);

#endif
