/* What the files of the link driver share; nobody else includes this. link.c tells the whole. */
#ifndef DRIVER_LINK_INT_H
#define DRIVER_LINK_INT_H

#include "driver/upstream/upstream.h"
#include "link/lobby.h"

/*
 * Batches that the other node may send ahead. With durability `interval` gate confirms once a second, so this is what passes in a second: the batches of
 * a cell have some hundred samples, and after an outage several times the usual must pass.
 */
#define WINDOW		1024u

enum link_key { LINK_KEY_PEER, LINK_KEY_NAME, LINK_KEY_ROLE, LINK_KEY_TIMEOUT, LINK_KEY_PKI, LINK_KEYS };
extern const struct key link_keys[];

bool link_role_connects(const struct keyval *keys);	/* of a source */

struct linkd {
	struct driver_host	*h;
	const struct source	*s;
	struct upstreams	 us;
	bool			 leaving;	/* as soon as the last receipts are written */
	bool			 broken;	/* the connection is to be ended: set within a callback */
	char			 why[600];

	/* the connection */
	struct lobby		*lobby;
	struct lobby_conn	*n;		/* NULL: none */
	bool			 worked;	/* something of use has come over it */
	uint64_t		 serial;
	struct upstream		*streams[LINK_STREAMS_MAX];
	struct log_limit	 quiet;
	uint64_t		 frames_in, garbage;
};

/* take.c: what the other node says */
int linkd_frame(void *arg, const struct link_frame *f);
void linkd_fail(struct linkd *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Listen to the other node, or not while too much waits. */
void linkd_hold(struct linkd *d);
/* A batch has its receipt: acknowledge it. */
void linkd_received(void *arg, const struct pending *p);

/* way.c: the connection */
int way_open(struct linkd *d);
void way_step(struct linkd *d, struct mono now);
void way_close(struct linkd *d);
void way_lost(struct linkd *d, const char *why);

#endif
