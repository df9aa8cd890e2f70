/*
 * Trying a device without a site file: the same driver and the same connection as in a plant, for one reading. Used by
 * `penstock scan ENDPOINT`.
 */
#ifndef FIELD_TRY_H
#define FIELD_TRY_H

#include "driver/driver.h"

#define TRY_TAGS_MAX	256u

struct try_device {
	const struct driver	*driver;
	const char		*link;		/* normal form of the endpoint */
	const struct keyval	*keys;		/* of the driver */
};

struct try_value {
	bool		 given;		/* the device said something, good or bad */
	uint32_t	 status;
	struct buf	 text;		/* the value as JSON; "" when there is none */
	/* JSON object: what the driver knows of the trouble, for a tag that is not good. */
	struct buf	 why;
};

struct try_result {
	bool		 connected, answered;	/* the link came up; the device answered at least one request */
	char		 cause[1024];		/* of a connection that failed */
	struct try_value values[TRY_TAGS_MAX];
};

/*
 * Connect, read the addresses once, disconnect. Blocks for at most timeout_ns, in a loop of its own. out is filled in
 * any case (try_fini()). 0 when the connection came up; ERR_CONN with the cause when it did not; ERR_LIMIT for more
 * than TRY_TAGS_MAX addresses; an error of the driver.
 */
int try_read(const struct try_device *d, const char *const *at, uint32_t n, int64_t timeout_ns, struct try_result *out);
void try_fini(struct try_result *r);

#endif
