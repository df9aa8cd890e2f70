/*
 * The birth/death sequence number (Sparkplug 3.0.0, 5.4): one more for every CONNECT, 0..255 and round, also across restarts. A host tells
 * by it which session an NDEATH ends, so a number must not come back after a restart while the broker still holds an old will.
 *
 * On disk, <state>/bdseq is the last number used, in decimal digits, then a newline. It is written aside and renamed before the CONNECT
 * goes out: after a power cut it holds the number of the last CONNECT or of one that was never sent, both of which may be passed over.
 */
#ifndef SINK_SPARKPLUG_SP_BDSEQ_H
#define SINK_SPARKPLUG_SP_BDSEQ_H

#include "os/disk.h"

struct sp_bdseq {
	const struct disk	*disk;
	const char		*path;	/* borrowed */
	bool			 loaded;
	int			 last;	/* -1: none was used yet */
};

/* The number for the next CONNECT, 0..255, durably noted. A disk that refuses is logged: the number then counts on in memory. */
int sp_bdseq_next(struct sp_bdseq *b);

#endif
