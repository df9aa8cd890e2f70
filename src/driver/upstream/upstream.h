/*
 * Streams of another node, as a source gets them over a link or a one-way link: what the drivers `link` and `diode` share. A stream has a schema and
 * numbered batches, as they stand in the other node's spool. Here a batch is checked, given to gate in pieces under its numbers, waits until gate has
 * made it durable, and gets a receipt. How it came, and what is said back, is the driver's.
 *
 *	at.c	addresses of tags: FLOW/PATH		batch.c		batches and losses, and what of them is new
 *	stream.c a stream, its tags, its schema		pending.c	what gate has not confirmed; receipts
 *	receipts.c what is kept on disk			gate/origin.c	gate's half of it
 *
 *	save.c	the thread that writes the receipts
 *
 * All runs in the engine's loop but the writing of receipts, and the reading of those that are not needed to go on.
 */
#ifndef DRIVER_UPSTREAM_H
#define DRIVER_UPSTREAM_H

#include "base/log.h"
#include "driver/driver.h"
#include "driver/upstream/save.h"
#include "spool/stored.h"

#define PENDING_MAX	2048u		/* batches that gate has and has not confirmed */
#define PENDING_HIGH	(8u << 20)	/* their bytes in the ring (16 MiB) from which on nothing more should be given */
#define STUCK_NS	(120 * NS_PER_S)	/* gate says nothing for so long: what waits is given again */

/* An address, "FLOW/PATH [type float32]". */
struct upstream_at {
	char	flow[LINK_NAME_MAX + 1];
	char	path[SCHEMA_TEXT_MAX + 1];
	uint8_t	type;
};
extern const char *const upstream_at_forms[];
int upstream_at_parse(const char *at, struct upstream_at *out, char *why, size_t size);
/* As driver_info.parse_at. */
int upstream_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size);

/* A stream of the other node; lives as long as the driver, over connections. */
struct upstream {
	struct upstream		*next;
	uint64_t		 id;
	char			 flow[LINK_NAME_MAX + 1];
	struct schema_file	 schema;
	struct receipts		*receipts;
	uint32_t		 saving;	/* so many of its oldest in work are being saved */
	uint32_t		*map;		/* [schema.n]: our tag + 1; 0: nobody wants it */
	uint32_t		 nmapped;
	uint32_t		 generation;
	uint64_t		 origin;	/* names stream and generation in the ring */
	uint64_t		 start;		/* numbers up to this one are not of this account: 0, or where a one-way link came in */
	uint64_t		 emitted, base;	/* of this origin: last number given to gate; last that gate has called durable */
	struct wall		 newest;	/* time of the newest sample that came; after a restart, when it was sealed at the latest */
	uint64_t		 repeats, batches, samples, late, lost;
	void			*user;		/* the driver's */
};

struct pending {
	struct upstream		*up;
	uint64_t		 origin;
	struct receipt		 r;
	size_t			 bytes;		/* in the ring */
	struct wall		 at;		/* of a loss: the time that its tags are given */
	bool			 durable;
	uint8_t			*copy;		/* keep: header and payload, to give them again */
	uint32_t		 copy_len;
	uint64_t		 serial;	/* the driver's: who is to hear of it */
	uint32_t		 stream;
};

struct upstreams {
	struct driver_host	*h;
	const struct source	*s;
	struct upstream_at	*at;		/* of each tag */
	char			(*trouble)[120];	/* of each tag, "" when none */
	struct stored		 stored;
	struct upstream		*list;
	struct pending		*pending;	/* [PENDING_MAX], oldest first */
	uint32_t		 npending;
	size_t			 pending_bytes;
	struct saver		*saver;
	uint32_t		 njobs;		/* that it has */
	int			 watch;		/* the driver's wake(): the timer, the saver, and what the driver adds (os/watch.h) */
	int			 timer;		/* the driver's, which the engine gives no deadlines */
	struct mono		 persist_at, moved;
	struct log_limit	 quiet;
	bool			 keep;		/* it cannot be asked for again: keep copies of what gate has not confirmed */
	char			 why[600];	/* of the last failure, for people */
	/* This goes to gate next. NULL: nobody wants to know. */
	void			(*begins)(void *arg, const struct pending *p);
	/* A receipt was written. NULL: nobody wants to know. */
	void			(*received)(void *arg, const struct pending *p);
	/* keep is false: what was dropped from here must be asked for again. */
	void			(*ask_again)(void *arg, const char *why);
	void			*arg;
};

/* Zeroed before. Allocates for the source's tags; upstreams_fini() also after a failure. 0, ERR_NOMEM, ERR_SYNTAX, the kernel's. */
int upstreams_init(struct upstreams *us, const struct source *s, struct driver_host *h);
void upstreams_fini(struct upstreams *us);

/* stream.c. The stream of this id; a new one is made, with its receipts read. NULL: why says what is wrong. schema: bytes of the spool's schema file. */
struct upstream *upstream_get(struct upstreams *us, uint64_t id, const char *flow, uint32_t version, const void *schema, size_t len);
struct upstream *upstream_find(const struct upstreams *us, uint64_t id);
/* Into out: "<state>/link/<source>". 0 or ERR_LIMIT. */
int upstream_dir(const struct upstreams *us, char out[DISK_PATH_MAX]);
/* A name for this stream, as this source gets it, in its generation; and from here on its numbers count anew. */
void upstream_begin(struct upstreams *us, struct upstream *u, uint32_t generation, uint64_t at);

/* batch.c */
enum batch_is { BATCH_NEW, BATCH_REPEATED, BATCH_IN_WORK, BATCH_LATE };
/*
 * A batch as it came: new ones go to gate. *first and *last receive its numbers; *p the pending entry when it is IN_WORK or NEW.
 * 0, ERR_CORRUPT: it is damaged (why), ERR_FULL: PENDING_MAX are in work.
 */
int upstream_batch(struct upstreams *us, struct upstream *u, const uint8_t rec[LINK_REC], const uint8_t *payload, size_t len,
    enum batch_is *is, uint64_t *first, uint64_t *last, struct pending **p);
/*
 * The numbers behind the last one, up to `to`, are lost for good: entered as such, and each tag says so. made: they were made at the latest then;
 * before: the time of the oldest sample behind them, 0: none is known. 0; ERR_FULL. Does nothing when `to` is not beyond the last one.
 */
int upstream_lost(struct upstreams *us, struct upstream *u, uint64_t to, struct wall made, struct wall before);
/* Give gate again what it has not confirmed (keep). */
void upstream_again(struct upstreams *us, uint64_t origin);
/* The highest number of u that is on its way or received; its start when none. Its receipt into *r, which may be NULL and is zero when there is none. */
uint64_t upstream_last(const struct upstreams *us, const struct upstream *u, struct receipt *r);

/* pending.c */
bool upstream_full(const struct upstreams *us);
void upstream_durable(struct upstreams *us, uint64_t origin, uint64_t no, bool hole, struct mono now);
/* Have the receipts written that are due, and tell what is written. To be called in each tick. */
void upstream_persist(struct upstreams *us, struct mono now, struct wall wall);
/* Receipts are being written. */
bool upstream_busy(const struct upstreams *us);
/* When to call upstream_persist() next. */
struct mono upstream_next(const struct upstreams *us);

/* For `penstock why`: members into the open object. */
void upstream_why(const struct upstreams *us, uint32_t tag, struct json *out);

#endif
