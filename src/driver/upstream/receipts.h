/*
 * What a node has received of one stream of another node: a file that grows by one row a batch, <state>/link/<source>/<stream id>.receipts. A batch is
 * acknowledged only when its row is synced, and a row is written only after gate has said that the samples are durable: so the last row is the
 * place to go on from, and the rows are the proof of what was got.
 *
 *	head	64 bytes: "PNSTKLNR", u32 version 1, u32 schema version, u64 stream id, 32 bytes hash of the schema file, u32 0, u32 CRC-32C of all before
 *	row	96 bytes: "PLR1", u32 CRC-32C of bytes 8..95, u64 first, u64 last, u64 samples, i64 when received, i64 when sealed by the sender,
 *		u32 generation, u32 flags, 32 bytes hash of the batch, u64 0
 *
 * Flags: 1 chained: its hash was computed here over the hash of the row before and its bytes, and is what the sender's header said; 2 numbers are
 * missing before it (removed at the sender by quota or age, or received by a node before this one), or were lost; 4 sum: stands for all rows from first to
 * last; 8 lost: these numbers were lost on a one-way link for good, `samples` of them, and `sealed` says until when they were made at the latest.
 * A stream whose sender lost numbers to a power cut and gave them again begins a new generation; the rows of the one before remain.
 *
 * A torn last row is cut when the file is opened; it was never acknowledged. A file past RECEIPTS_MAX rows is written anew: one sum row for
 * the oldest of each generation, then the newest RECEIPTS_KEPT rows; aside, synced, renamed.
 */
#ifndef DRIVER_UPSTREAM_RECEIPTS_H
#define DRIVER_UPSTREAM_RECEIPTS_H

#include "os/disk.h"
#include "base/clock.h"
#include "proto/link/link_frame.h"

#define RECEIPTS_KEPT	LINK_HAVE_MAX
#define RECEIPTS_MAX	20000u

enum { RECEIPT_CHAINED = 1, RECEIPT_GAP = 2, RECEIPT_SUM = 4, RECEIPT_LOST = 8 };

struct receipt {
	uint64_t	first, last, samples;
	struct wall	when, sealed;
	uint32_t	generation, flags;
	uint8_t		hash[LINK_HASH];
};

struct receipts {
	const struct disk	*disk;
	char			 path[DISK_PATH_MAX];
	int			 fd;		/* -1: not open */
	uint64_t		 id;
	uint32_t		 schema;
	uint8_t			 schema_hash[LINK_HASH];
	uint64_t		 nrows;		/* in the file */

	/* What is known of it, receipts_note()'s; all above is of the file. */
	struct receipt		 newest[RECEIPTS_KEPT];	/* oldest first */
	uint32_t		 n;
};

/*
 * Open the file in folder dir and remember its newest rows. It reads these alone, in one piece, however long the file is,
 * and writes nothing but the cut of a torn row, since a loop waits for it: file and folder that are not there are made
 * with the first rows, and receipts_check() looks at the rest.
 * 0, ERR_CORRUPT (a damaged row with others behind it, or a head of something else), the disk's errors.
 */
int receipts_open(struct receipts *r, const struct disk *disk, const char *dir, uint64_t id, uint32_t schema, const uint8_t schema_hash[LINK_HASH]);
/* Read it from the beginning, however long that takes. ERR_CORRUPT: a damaged row with others behind it; the disk's errors. */
int receipts_check(const struct receipts *r);
/*
 * Write rows and sync. On failure nothing counts as written, and the call may be repeated. A file that has become too long is written anew; where that
 * fails it stays long until the next call.
 */
int receipts_save(struct receipts *r, const struct receipt *v, uint32_t n);
/* They are saved: remember the newest. Apart, since saving may be the work of another thread. */
void receipts_note(struct receipts *r, const struct receipt *v, uint32_t n);
/* Both. */
int receipts_add(struct receipts *r, const struct receipt *v, uint32_t n);
void receipts_close(struct receipts *r);
void receipts_free(struct receipts *r);		/* one of the heap */
/* Read a file for people: each row. 0, or as receipts_open(). Writes nothing; a torn tail is passed over. */
int receipts_read(const struct disk *disk, const char *path, uint64_t *id, uint32_t *schema, void (*each)(void *arg, const struct receipt *v), void *arg);

/* The codec. */
#define RECEIPT_HEAD	64u
#define RECEIPT_ROW	96u
void receipt_put(const struct receipt *v, uint8_t out[RECEIPT_ROW]);
int receipt_get(const uint8_t in[RECEIPT_ROW], struct receipt *out);	/* 0 or ERR_CORRUPT */

#endif
