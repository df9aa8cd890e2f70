/*
 * Requests of sinks: what somebody in IT asks of a device. A sink calls sink_host.request; office puts the sink's name
 * on it, passes it to gate over the channel and tells the sink the outcome. Nothing is decided here: gate judges, and
 * refuses by default.
 */
#ifndef OFFICE_REQUEST_H
#define OFFICE_REQUEST_H

#include "model/request.h"

#define OFFICE_REQUESTS_MAX	256u	/* of all sinks under way at one time */

struct office;

/*
 * Pass a request on (borrowed during the call) as coming from this sink. 0: done comes exactly once, from the loop and
 * never from within the call: with gate's outcome, or UNKNOWN when gate died or stayed silent after it was told, or
 * REFUSED when it could not be told. ERR_FULL: too many are under way, ERR_LIMIT: it is longer than REQUEST_BYTES_MAX,
 * ERR_CONN: gate is not there now: nothing was asked then, and done does not come.
 */
int office_request(struct office *o, const char *sink, const struct request *q, request_done *done, void *arg);
/* The one who waits with this arg is gone: its dones do not come any more. What it asked goes its way. */
void office_request_forget(struct office *o, const void *arg);

#endif
