/*
 * The local history as the server reads it: the stores of all history sinks of this node, read-only (sink/history/store.h). Belongs to the
 * server's thread, which waits while it reads: hence the limits.
 */
#ifndef SINK_OPCUA_SERVER_HIST_H
#define SINK_OPCUA_SERVER_HIST_H

#include "sink/history/store.h"
#include "sink/opcua_server/uas.h"

#define HIST_POINTS_MAX	300000u		/* points that one node of one call may make us hold */
#define HIST_PAGE_BYTES	(1u << 20)	/* of texts and arrays in one node's answer */

struct hist_point {
	int64_t		t;
	uint32_t	status;
	uint8_t		type;		/* VALUE_NULL: no value */
	union uas_raw	raw;
};

struct hist_points {
	struct hist_point *v;
	size_t		 n, cap, bytes;	/* bytes: of texts and arrays */
	size_t		 max;
	bool		 more;	/* hist_fetch_forward and backward: they stopped before what was asked for, there is too much of it */
};

/* hist.c. Does a store have this variable? */
bool hist_has(void *h, struct uas_var *v);
/* The one that has it, and *id, the series' there; NULL: none. */
struct history *hist_store(struct uas_history *h, const struct uas_var *v, int64_t *id);

/* hist_points.c */
void hist_points_fini(struct hist_points *p);
/* All points with from <= t < to, in order of time, appended. 0; ERR_LIMIT: more than p->max, then p has what it had; or an error of the store. */
int hist_fetch(struct uas_history *h, const struct uas_var *v, int64_t from, int64_t to, struct hist_points *p);
/* At least n points from `from` on (or before `to`, backwards), if there are as many in [from, to); more may come. In order of time; p->v was empty. */
int hist_fetch_forward(struct uas_history *h, const struct uas_var *v, int64_t from, int64_t to, size_t n, struct hist_points *p);
int hist_fetch_backward(struct uas_history *h, const struct uas_var *v, int64_t from, int64_t to, size_t n, struct hist_points *p);
void hist_value(const struct hist_point *p, UA_TimestampsToReturn times, UA_DataValue *out);

/* hist_read.c, hist_processed.c: one node of a call. cp: the continuation point that came, and the one that goes (library memory). */
UA_StatusCode hist_read_raw(struct uas_history *h, struct uas_var *v, const UA_ReadRawModifiedDetails *d, UA_TimestampsToReturn times, size_t budget,
    const UA_ByteString *cp, UA_HistoryReadResult *result, UA_HistoryData *out);
UA_StatusCode hist_read_processed(struct uas_history *h, struct uas_var *v, const UA_ReadProcessedDetails *d, uint32_t aggregate_id, size_t budget,
    const UA_ByteString *cp, UA_HistoryReadResult *result, UA_HistoryData *out);

#endif
