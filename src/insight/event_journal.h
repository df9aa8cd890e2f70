/*
 * Inside insight/: the journal of events as bytes, apart from disk and process, so that it can be fuzzed. The format is
 * in event_bytes.c.
 */
#ifndef INSIGHT_EVENT_JOURNAL_H
#define INSIGHT_EVENT_JOURNAL_H

#include "base/bytes.h"
#include "insight/event.h"

#define JOURNAL_FILE_MAX	(256u << 20)

/* event_memory.c: found or made. */
struct event_memory *event_memory_of(struct events *ev, const char *path, size_t len);
struct event_stream *event_stream_of(struct events *ev, const char *name, size_t len);
struct event_wait *event_wait_new(struct event_stream *s, struct event_memory *m, uint64_t no, const void *bytes, uint32_t len);
/* Forget what of a stream is confirmed by now. */
void event_stream_trim(struct events *ev, struct event_stream *s);
void events_free(struct events *ev);
/* field: hash_count() of what it is a total of. */
struct event_total *event_total_of(struct event_memory *m, uint64_t field);
/* Forget totals of counts that the declaration does not have. True: there were some. */
bool event_totals_trim(struct event_memory *m, const struct event_rule *r);

/*
 * Take the frames of a file into memories and streams. *good: bytes up to the end of the last whole frame. 0: what
 * follows, if anything, is the one frame that was being written; ERR_PROTO: there are whole frames behind a broken one,
 * or the head is no journal's.
 */
int journal_read(struct events *ev, const uint8_t *p, size_t len, size_t *good);
/* Begin a frame in out; put records; end it. */
void journal_begin(struct buf *out, uint64_t frame);
void journal_put_memory(struct buf *out, const struct event_memory *m);
void journal_put_stream(struct buf *out, const struct event_stream *s);
void journal_put_wait(struct buf *out, const struct event_stream *s, const struct event_wait *w);
/* 0 or out's error. */
int journal_end(struct buf *out);

#endif
