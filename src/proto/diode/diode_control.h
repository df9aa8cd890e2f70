/*
 * Control messages of a one-way link: one datagram each, sent three times, and beacons again and again, so that any loss heals. Each tells all about
 * up to DIODE_ROWS_MAX streams; with more streams there are several datagrams.
 *
 *	0	1	kind: 1 START, 2 BEACON, 3 END (in good order), 4 ABORT
 *	1	1	number of rows
 *	2	2	0
 *	4	4	datagrams that wait at the sender
 *	8	8	sender's clock, ns since 1970
 *	16	8	interval of the beacons, ns
 *	24	8	how many numbers were gone from the sender's store before they could be sent, of all streams
 *	32	48 a row:
 *		0	4	stream
 *		4	4	1: it has ended; 0: it goes on
 *		8	8	identity of the stream, as in its SCHEMA record
 *		16	8	blocks sent
 *		24	8	first number that this session sends
 *		32	8	last number sent whole; first - 1: none yet
 *		40	8	bytes of records sent
 */
#ifndef PROTO_DIODE_CONTROL_H
#define PROTO_DIODE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define DIODE_ROWS_MAX		20u
#define DIODE_CONTROL_HEAD	32u
#define DIODE_ROW		48u
#define DIODE_CONTROL_MAX	(DIODE_CONTROL_HEAD + DIODE_ROWS_MAX * DIODE_ROW)

enum diode_control_kind { DIODE_START = 1, DIODE_BEACON, DIODE_END, DIODE_ABORT };

struct diode_row { uint32_t stream; bool ended; uint64_t id, blocks, first, last, bytes; };
struct diode_control {
	uint8_t			kind, n;
	uint32_t		waiting;
	struct wall		clock;
	int64_t			interval_ns;
	uint64_t		gone;
	struct diode_row	rows[DIODE_ROWS_MAX];
};

/* Returns the length. */
size_t diode_control_put(const struct diode_control *c, uint8_t out[DIODE_CONTROL_MAX]);
/* How many rows a message of so many bytes has room for, at most DIODE_ROWS_MAX. */
uint32_t diode_control_rows(size_t size);
/* 0, ERR_SHORT, ERR_LONG, ERR_PROTO, ERR_RANGE. */
int diode_control_get(const uint8_t *p, size_t len, struct diode_control *out);

#endif
