/*
 * The spool: the durable log between acquiring and delivering. One *stream* a flow and schema version, one directory a
 * stream: <root>/<flow>@<schema, 8 hex digits>/. In it:
 *
 *	schema			names, types, units, ranges of the stream's tags; written once, never changed
 *	<20 digits>.seg		segments, named by the first sample number they hold
 *	ledger			the stream's account (ledger.h)
 *
 * Only gate writes (one lock file for the root); everybody else opens read-only. Every admitted sample has a number in
 * its stream, from 1, without holes. Samples are appended in *batches*; a batch is the unit of checksum, of the hash
 * chain (SHA-256 over the hash before and the batch's bytes), of torn-tail recovery, and of delivery: a sink makes its
 * messages from one batch, so a repeat is the same bytes under the same key. The on-disk format is explained at the top
 * of append.c and in doc/spool-format.md.
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include "model/sample.h"
#include "os/disk.h"

#define SPOOL_BATCH_MAX		8192u		/* samples in a batch */
#define SPOOL_BATCH_BYTES_MAX	(4u << 20)	/* encoded bytes of a batch, and decoded bytes of its texts */
#define SPOOL_SEGMENT_BYTES	(64u << 20)	/* a segment is closed once it is this large */
#define SPOOL_TAGS_MAX		1000000u
#define SPOOL_HASH		32		/* SHA-256 */

struct spool_tag {
	const char	*name, *unit, *help;
	uint8_t		 type;
	bool		 has_range;
	double		 lo, hi;
};

struct spool_schema {
	const char		*flow;
	uint32_t		 version;
	struct spool_tag	*tags;
	uint32_t		 n;
};

/* What remains of a segment that is deleted: the link that the chain of proof needs. */
struct spool_seal {
	uint64_t	first, last;		/* sample numbers */
	struct wall	oldest, newest;		/* sample times, of its first and of its last batch; 0: unknown */
	struct wall	sealed;			/* its last batch */
	uint8_t		hash[SPOOL_HASH];	/* of its last batch; zero when the segment behind it is damaged */
};

enum spool_durability { SPOOL_EACH, SPOOL_INTERVAL, SPOOL_NONE };

struct spool_opts {
	enum spool_durability	durability;
	/* SPOOL_INTERVAL: at most this much admitted data is lost to a power cut */
	int64_t			sync_ns;
	uint64_t		segment_bytes;	/* 0: SPOOL_SEGMENT_BYTES */
	uint64_t		quota_bytes;	/* of the stream; 0: none. What goes to keep it stands in the ledger */
	int64_t			quota_age_ns;	/* 0: none */
	/*
	 * Called by spool_trim() before a segment is deleted, to enter its seal in the ledger (ledger_seal()). An error
	 * keeps the segment and is passed on. NULL: none is entered, and ledger_verify() will miss it.
	 */
	int			(*seal)(void *arg, const struct spool_seal *seal);
	void			*seal_arg;
};

/*
 * Where a batch's samples come from, kept with it so that a restarted gate neither loses nor repeats what waits in a
 * ring. low: everything of this ring before this position is settled in every stream. pos: this stream has taken
 * everything of this ring up to here. epoch 0: not from a ring.
 */
struct spool_mark {
	uint64_t epoch, pos, low;
};

/* ---- writing (gate) ---- */

struct spool_root;	/* the directory with its lock; one a gate */
/* ERR_BUSY: another gate holds it (its pid goes into *holder). disk: borrowed, the table of disk calls. */
int spool_root_open(const char *path, const struct disk *disk, struct spool_root **out, long *holder);
void spool_root_close(struct spool_root *r);

struct spool;
/*
 * Open a stream for appending, creating it if it is not there. Recovers: scans the last segment only, cuts a torn tail,
 * reports what it found. schema is borrowed during the call. ERR_VERSION: from another version of the program;
 * ERR_CORRUPT: the schema file is damaged; ERR_NOSPACE, ERR_IO.
 */
int spool_open(
    struct spool_root *r, const struct spool_schema *schema, const struct spool_opts *opts, struct spool **out);
/*
 * Another plan: durability, quota and age are these from now on. What was admitted under another durability is made
 * durable first; the error of that leaves everything as it was. opts: borrowed during the call.
 */
int spool_change(struct spool *s, const struct spool_opts *opts);
/*
 * Append n samples (1..SPOOL_BATCH_MAX; tag = index into the schema) as one batch. On success *first receives the
 * number of the first. On failure nothing was admitted, the stream is as before, and the call may be repeated:
 * ERR_NOSPACE when the disk is full, ERR_IO after a failed write or sync (a new segment is started for the next try; a
 * segment whose sync failed is never trusted again: what it held that was not durable is still in memory and is written
 * anew).
 */
int spool_append(
    struct spool *s, const struct sample *v, size_t n, const struct spool_mark *mark, struct wall now, uint64_t *first);
/* Make durable what is due (SPOOL_INTERVAL); force: all. next: when to call again. Blocks for the disk. */
int spool_sync(struct spool *s, struct mono now, bool force, struct mono *next);
/*
 * Delete whole segments that every sink has settled (all numbers below `settled`), and, oldest first, what quota and
 * age demand even if not settled; the caller enters those (first..last received here) in the ledger BEFORE they go:
 * drop() is called for each range of samples about to be removed unsettled and may veto with an error.
 */
int spool_trim(struct spool *s, uint64_t settled, struct wall now,
    int (*drop)(void *arg, uint64_t first, uint64_t last, const char *policy), void *arg);
struct spool_state {
	uint64_t	first, next;		/* numbers held: [first, next) */
	uint64_t	durable;		/* numbers below are durable */
	uint64_t	bytes;			/* on disk */
	uint32_t	segments;
	uint64_t	cut_bytes;		/* torn tail cut at open */
	struct wall	t_first, t_last;	/* sample times at both ends */
	struct spool_mark marks[16];		/* the newest mark of each ring epoch, newest first; epoch 0 ends */
	uint8_t		hash[SPOOL_HASH];	/* of the newest batch */
};
void spool_state(const struct spool *s, struct spool_state *out);
void spool_close(struct spool *s);

/* ---- reading (office, tools); never writes, not even a lock ---- */

struct spool_reader;
struct spool_batch {
	uint64_t		 first;		/* number of the first sample */
	uint32_t		 n;
	struct sample		*samples;	/* borrowed until the next call */
	struct wall		 sealed;	/* when gate sealed it */
	struct wall		 t_min, t_max;
	const uint8_t		*hash;
	struct spool_mark	 mark;
	uint32_t		 bytes;		/* on disk */
	/* As it is stored (doc/spool-format.md): 120 bytes of header and the payload, borrowed likewise. NULL when it was not read from a spool. */
	const uint8_t		*rec, *payload;
	uint32_t		 payload_len;
};
/* A damaged range: these sample numbers cannot be read any more (ERR_GAP), with the file and the offsets. */
struct spool_damage {
	uint64_t	 first, last;
	const char	*file, *cause;	/* borrowed until the next call */
	uint64_t	 from, to;	/* bytes of the file; both 0 when the file itself is gone */
	/* not damage: deleted by quota or age (or all sinks had it) before it was read */
	bool		 removed;
};
/* dir: the stream's directory. Position at sample number `from` (the batch that holds it), 0: the oldest. */
int spool_reader_open(const char *dir, uint64_t from, const struct disk *disk, struct spool_reader **out);
const struct spool_schema *spool_reader_schema(const struct spool_reader *r);
/*
 * 0 and a batch; ERR_AGAIN: at the end, more may come; ERR_GAP: *damage says what is lost, call again to go on behind
 * it.
 */
int spool_next(struct spool_reader *r, struct spool_batch *out, struct spool_damage *damage);
int spool_seek(struct spool_reader *r, uint64_t from);
void spool_reader_close(struct spool_reader *r);

/*
 * What there is of a stream, for tools: first, next, bytes, segments, t_first, t_last and hash of *out. Reads one
 * segment.
 */
int spool_look(const char *dir, const struct disk *disk, struct spool_state *out);
/* The streams under a root: calls each(arg, directory name, flow, schema version), in order of name. */
int spool_streams(const char *root, const struct disk *disk,
    void (*each)(void *arg, const char *dir, const char *flow, uint32_t schema), void *arg);

#endif
