/*
 * What office tells gate about delivery, and gate's answer, as they cross the channel (DELIVERED, QUARANTINED, RELEASED, DISCARDED,
 * DAMAGED, ACCOUNTED in messages.def). One shape for all:
 *
 *	text stream	name of the stream's directory, "<flow>@<schema, 8 hex digits>"
 *	text sink	name in the site file
 *	u64 first	first sample number; 0 where the message has no range (DELIVERED, ACCOUNTED)
 *	u64 last	last sample number; cumulative for DELIVERED and ACCOUNTED
 *	text note	reason or cause, "" if none; cut at REPORT_NOTE_MAX
 *
 * texts are a varint length and bytes, numbers little-endian.
 */
#ifndef RING_REPORT_H
#define RING_REPORT_H

#include "base/bytes.h"

#define REPORT_STREAM_MAX	255u
#define REPORT_SINK_MAX		63u	/* with its NUL it fits struct ledger_sink.name */
#define REPORT_NOTE_MAX		1000u
#define REPORT_MAX		(4u + REPORT_STREAM_MAX + REPORT_SINK_MAX + 16u + 4u + REPORT_NOTE_MAX)

struct report {
	char		stream[REPORT_STREAM_MAX + 1];
	char		sink[REPORT_SINK_MAX + 1];
	uint64_t	first, last;
	char		note[REPORT_NOTE_MAX + 1];
};

static inline int
report_write(struct writer *w, const char *stream, const char *sink, uint64_t first, uint64_t last, const char *note)
{
	size_t len = strnlen(note, REPORT_NOTE_MAX);

	wr_text(w, stream);
	wr_text(w, sink);
	wr_le64(w, first);
	wr_le64(w, last);
	wr_varint(w, len);
	wr_bytes(w, note, len);
	return w->err;
}

/* A message from a process that is not trusted. 0, or an error; out is unspecified then. */
static inline int
report_read(const void *p, size_t len, struct report *out)
{
	struct reader r = rd_init(p, len);

	rd_text(&r, out->stream, REPORT_STREAM_MAX);
	rd_text(&r, out->sink, REPORT_SINK_MAX);
	out->first = rd_le64(&r);
	out->last = rd_le64(&r);
	rd_text(&r, out->note, REPORT_NOTE_MAX);
	return rd_end(&r);
}

#endif
