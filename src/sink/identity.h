/*
 * The identity of a stream towards another node: 64 random bits that outlive its name, in <state>/office/<sink>/<stream>.id. So a node that is set up anew,
 * and whose numbers begin at 1 again, is not mistaken for the one before.
 */
#ifndef SINK_IDENTITY_H
#define SINK_IDENTITY_H

#include "sink/sink.h"

/* dir: the sink's folder. Made when it is first asked for. 0; ERR_CORRUPT, ERR_IO, the disk's errors. */
int sink_identity(const char *dir, const struct sink_stream *s, uint64_t *id);

#endif
