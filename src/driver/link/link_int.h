/* What the files of the link driver share; nobody else includes this. link.c tells the whole. */
#ifndef DRIVER_LINK_INT_H
#define DRIVER_LINK_INT_H

#include "base/log.h"
#include "driver/driver.h"
#include "driver/link/receipts.h"
#include "link/lobby.h"
#include "spool/stored.h"

#define PENDING_MAX	2048u		/* batches that gate has and has not confirmed */
#define PENDING_HIGH	(8u << 20)	/* their bytes in the ring (16 MiB) from which on nothing more is read from the other node */
/*
 * Batches that the other node may send ahead. With durability `interval` gate confirms once a second, so this is what passes in a second: the batches of
 * a cell have some hundred samples, and after an outage several times the usual must pass.
 */
#define WINDOW		1024u
#define CHUNK		1024u		/* upstream samples of one record in the ring, at most */
#define CHUNK_BYTES	(128u << 10)	/* and bytes of their texts; with one more text at most */
#define PERSIST_NS	(10 * NS_PER_MS)	/* receipts of so long share one sync */
#define RETRY_NS	NS_PER_S	/* after the disk has refused a receipt */
#define STUCK_NS	(120 * NS_PER_S)	/* gate says nothing for so long: what waits is asked for again */

enum link_key { LINK_KEY_PEER, LINK_KEY_NAME, LINK_KEY_ROLE, LINK_KEY_TIMEOUT, LINK_KEY_PKI, LINK_KEYS };
extern const struct key link_keys[];

bool link_role_connects(const struct keyval *keys);	/* of a source */

/* An address, "FLOW/PATH [type float32]". */
struct link_at {
	char	flow[LINK_NAME_MAX + 1];
	char	path[SCHEMA_TEXT_MAX + 1];
	uint8_t	type;
};
extern const char *const link_at_forms[];
int link_at_parse(const char *at, struct link_at *out, char *why, size_t size);
int link_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size);

/* A stream of the other node; lives as long as the driver, over connections. */
struct upstream {
	struct upstream		*next;
	uint64_t		 id;
	char			 flow[LINK_NAME_MAX + 1];
	struct schema_file	 schema;
	struct receipts		 receipts;
	uint32_t		*map;		/* [schema.n]: our tag + 1; 0: nobody wants it */
	uint32_t		 nmapped;
	uint32_t		 generation;
	uint64_t		 origin;	/* names stream and generation in the ring */
	uint64_t		 emitted, base;	/* of this origin: last number given to gate; last that gate has called durable */
	uint64_t		 repeats, batches, samples;
};

struct pending {
	struct upstream		*up;
	uint64_t		 origin;
	struct receipt		 r;
	size_t			 bytes;
	bool			 durable;
	uint64_t		 serial;	/* of the connection that is to hear of it, and the stream's number in it */
	uint32_t		 stream;
};

struct linkd {
	struct driver_host	*h;
	const struct source	*s;
	struct link_at		*at;		/* of each tag */
	char			(*trouble)[120];	/* of each tag, "" when none */
	struct stored		 stored;
	struct upstream		*ups;
	struct pending		*pending;	/* [PENDING_MAX], oldest first */
	uint32_t		 npending;
	size_t			 pending_bytes;
	struct mono		 persist_at, moved;
	bool			 broken;	/* the connection is to be ended: set within a callback */
	char			 why[600];

	/* the connection */
	int			 watch, timer_fd;
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
struct upstream *upstream_offered(struct linkd *d, const struct link_frame *f);
void upstream_free(struct upstream *u);
int batch_take(struct linkd *d, const struct link_frame *f);
void linkd_fail(struct linkd *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* durable.c: what gate says */
void linkd_durable(struct linkd *d, uint64_t origin, uint64_t no, bool hole, struct mono now);
/* Write the receipts that are due and acknowledge them. */
void linkd_persist(struct linkd *d, struct mono now, struct wall wall);
/* Listen to the other node, or not while too much waits. */
void linkd_hold(struct linkd *d);
/* The highest number of u that is on its way or received; 0 none. Its receipt into *r, which may be NULL. */
uint64_t upstream_last(const struct linkd *d, const struct upstream *u, struct receipt *r);

/* way.c: the connection */
int way_open(struct linkd *d);
void way_step(struct linkd *d, struct mono now);
void way_close(struct linkd *d);
void way_lost(struct linkd *d, const char *why);

#endif
