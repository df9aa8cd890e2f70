/*
 * Sending without waiting. The library's own way to send waits until the peer has taken all, and all other clients wait with it: one that does not
 * read would stop the server. Here what the socket does not take at once is queued for that connection and sent on from the tick; a connection that
 * takes nothing for UAS_OUT_STALL_S, or has more than UAS_OUT_MAX waiting, is closed.
 */
#ifndef SINK_OPCUA_SERVER_OUT_H
#define SINK_OPCUA_SERVER_OUT_H

#include <open62541/plugin/eventloop.h>

#include "base/clock.h"

#define UAS_OUT_MAX	(16u << 20)	/* bytes that wait for one connection */
#define UAS_OUT_STALL_S	30

struct uas_out;

/* Replaces what cm sends with. cm outlives the library's use of it; the queues end with uas_out_free(), after the library is gone. Not NULL. */
struct uas_out *uas_out_new(UA_ConnectionManager *cm);
void uas_out_free(struct uas_out *o);
/* Send on what waits. Returns the bytes that still do. Call often. */
size_t uas_out_flush(struct uas_out *o, struct mono now);
/* Close the connection with the most that waits, if that is more than so many bytes. */
bool uas_out_cut_largest(struct uas_out *o, size_t more_than);
/* Connections closed because they did not read. */
uint64_t uas_out_closed(const struct uas_out *o);

#endif
