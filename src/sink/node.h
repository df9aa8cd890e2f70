/* What the sinks to another node share (link, diode). They send batches as they stand in the spool, in order. */
#ifndef SINK_NODE_H
#define SINK_NODE_H

#include "sink/sink.h"

/*
 * The identity of a stream towards another node: 64 random bits that outlive its name, in <state>/office/<sink>/<stream>.id, made when
 * it is first asked for. So a node that is set up anew, and whose numbers begin at 1 again, is not mistaken for the one before.
 * name: of the sink. 0; ERR_UNSUPPORTED, logged: the flow is not sent in order; ERR_CORRUPT, ERR_IO, the disk's errors.
 */
int sink_node_identity(const struct sink_host *h, const char *name, const struct sink_stream *s, uint64_t *id);
/* As sink_type.preview. */
int sink_node_preview(void *inst, struct sink_stream *s, const struct spool_batch *b, struct buf *out);

#endif
