/* What the writing files of the spool share: root.c, recover.c, append.c, durable.c, trim.c. Private to this folder. */
#ifndef SPOOL_STORE_H
#define SPOOL_STORE_H

#include "spool/chain.h"
#include "spool/format.h"
#include "spool/names.h"
#include "spool/pack.h"
#include "spool/schema.h"

#define HELD_MAX	(8u << 20)	/* bytes of batches kept in memory until they are durable; more forces a sync */

struct spool_root {
	const struct disk	*disk;
	char			*path;
	int			 lock_fd;
	/* Room to make a batch in, shared by all streams: one thread writes. */
	struct chain		 chain;
	struct packer		 packer;
	uint8_t			*rec, *raw;	/* room for a batch, and for its payload before compression */
	/* bytes of payload; grows up to SPOOL_BATCH_BYTES_MAX with the largest batch seen */
	size_t			 room;
};

/* root.c: make that room (what was in it is gone). ERR_NOMEM: there is none at all then. */
int root_room(struct spool_root *r, size_t bytes);

struct segment {
	uint64_t	first, bytes;
};

struct spool {
	struct spool_root	*root;
	const struct disk	*disk;		/* the root's */
	char			*dir;
	struct spool_opts	 opts;
	struct schema_file	 schema;
	struct pack_memory	 pack;

	struct segment		*segs;		/* all that are there, oldest first; the last one is being written */
	uint32_t		 nsegs, segs_cap;
	uint64_t		 old_bytes;	/* of all but the last */

	bool			 open;		/* recovery is through: closing makes durable what is not */
	int			 fd;		/* of the last segment, -1: none is open */
	uint32_t		 salt;		/* of that segment */
	uint64_t		 off;		/* its length: where the next batch goes */
	bool			 broken;	/* it had a failed write or sync: nothing is appended to it any more */
	bool			 dir_dirty;	/* its name may not be durable yet */

	struct tail		 tail;		/* behind the last admitted batch */
	/* The point from which batches would be written anew, should this segment fail, and those batches as stored. */
	struct tail		 solid;
	uint64_t		 solid_off;
	uint8_t			*held;
	size_t			 held_len, held_cap;

	uint64_t		 durable;	/* numbers below are durable */
	struct mono		 last_sync;
	struct wall		 now;		/* as the last append was told */
	struct wall		 t_first;
	uint64_t		 cut_bytes;
};

/* recover.c */
int recover(struct spool *s);
/*
 * The kernel could not make durable what it has of the segment at hand, and nothing is held in memory: read the segment
 * back and write it anew. Where it cannot be read, a new segment is begun behind the tail; the log says so.
 */
int segment_rebuild(struct spool *s);
/* The oldest sample's time, for the state; 0 if it cannot be read. */
struct wall oldest_time(const struct spool *s);

/* durable.c */
/* Begin a new segment behind the tail, after making the one before durable. On failure the one before stays in use. */
int segment_rotate(struct spool *s);
/* Write what is held into a new segment in place of one that failed. 0: all is durable and `broken` is over. */
int segment_rescue(struct spool *s);
/* The one or the other, whichever fits the stream's durability. */
int segment_repair(struct spool *s);
/*
 * Make all that is admitted durable. A segment that fails is rescued at once; an error means that this failed as well.
 */
int segment_sync(struct spool *s);
/* Keep a batch until it is durable. ERR_NOMEM. */
int hold(struct spool *s, const uint8_t *rec, size_t len);
/*
 * Note a new segment at the end; the one that was last has last_bytes. Room for it was made before, so that it cannot
 * fail late.
 */
int segment_room(struct spool *s);
void segment_note(struct spool *s, uint64_t first, uint64_t last_bytes);

#endif
