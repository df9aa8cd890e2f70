/*
 * A chunk: a run of samples of one series, packed. It grows by appending and is stored as it stands.
 *
 *	u8 version (1), u8 value type, then a sample after another:
 *
 *	u8 control	bit 0  the step in time is the one before
 *			bit 1  the status is the one before
 *			bit 2  the value is the one before
 *			bit 3  flags follow (else 0)
 *			bit 4  there is no value (bad samples)
 *	zigzag		step in time minus the step before, ns		unless bit 0
 *	varint		status code					unless bit 1
 *	u8		flags						if bit 3
 *	value						unless bit 2 or bit 4
 *		integers, datetime	zigzag of the difference to the value before (mod 2^64)
 *		float32, float64	bits XOR the bits before: u8 (bytes left out at the low end << 4 | bytes that follow), bytes
 *		bool			u8
 *		text, bytes, arrays	varint length, bytes
 *
 * Time, status and value before the first sample are 0. Time is the sample's own (source, else server, else arrival).
 */
#ifndef SINK_HISTORY_CHUNK_H
#define SINK_HISTORY_CHUNK_H

#include "base/bytes.h"
#include "model/sample.h"

#define CHUNK_BYTES	8192u		/* a chunk of scalars is closed when it comes near this */
#define CHUNK_SAMPLES	1024u
#define CHUNK_SPAN_NS	(3600 * NS_PER_S)

/* State that packing and unpacking share: what the samples before have left behind. */
struct chunk_state {
	int64_t		 t, step;
	uint32_t	 status;
	uint64_t	 bits;		/* of a scalar value */
	bool		 any;
};

struct chunk {
	uint8_t			*p;		/* heap */
	size_t			 len, cap;
	uint32_t		 n;
	uint8_t			 type;
	int64_t			 t0, t1;	/* smallest and largest time */
	struct chunk_state	 state;
};

struct point {		/* a sample read back; v's bytes are borrowed from the chunk */
	int64_t		 t;
	uint32_t	 status;
	uint8_t		 flags;
	struct value	 v;
};

/* Append. ERR_FULL: this sample belongs into a new chunk (size, span, another type, a time before t0). ERR_NOMEM. */
int chunk_append(struct chunk *c, int64_t t, uint32_t status, uint8_t flags, const struct value *v);
void chunk_fini(struct chunk *c);
/* Read all points of stored bytes, oldest first as appended. each() returns false to end early. 0, ERR_VERSION, ERR_PROTO... */
int chunk_read(const void *p, size_t len, bool (*each)(void *arg, const struct point *pt), void *arg);

#endif
