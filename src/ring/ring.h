/*
 * A ring: one writer process, many reader processes, in a sealed memfd. The writer never waits and never reads what
 * readers do (their mapping is read-only, kept so by F_SEAL_FUTURE_WRITE); a reader that falls behind gets a counted gap.
 *
 * Records are runs of 8-aligned bytes. Positions are bytes since the ring began and never repeat; `epoch` is a random
 * number that names the ring, so a position can be kept on disk and used again as long as that ring lives.
 *
 *	page 0: header (magic, version, size, epoch, reserve, commit)		then `size` bytes of data, whole pages
 *	record: u32 len, u32 weight, u64 weight_before, payload, padding to 8; len 0xffffffff: skip to the start of the data
 *
 * The writer first moves `reserve` past what it is about to overwrite, then writes, then moves `commit`. A reader copies a
 * record out and then looks at `reserve`: if the writer has come within one ring size of the record, the copy is void.
 * `weight` counts what the records carry (samples), so a gap is known to the sample.
 */
#ifndef RING_RING_H
#define RING_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define RING_SIZE_MIN	(64u << 10)
#define RING_SIZE_MAX	(256u << 20)

struct ring_writer;
/* Create a ring of at least size bytes (rounded up to whole pages) and seal it. *fd is given: a descriptor to hand on. */
int ring_create(const char *name, size_t size, struct ring_writer **out, int *fd);
/* The random number that names this ring. */
uint64_t ring_writer_epoch(const struct ring_writer *w);
/* Room for a record of at most len bytes, contiguous, 8-aligned; never fails for len <= size / 4 (else NULL). */
void *ring_reserve(struct ring_writer *w, size_t len);
/* Publish the reserved record with its real length (<= reserved). */
void ring_commit(struct ring_writer *w, size_t len, uint32_t weight);
void ring_writer_free(struct ring_writer *w);

struct ring_reader;
/* Check the seals of fd (borrowed; must be such that nobody can write to it any more but the first mapping), map it read-only.
 * ERR_DENIED: seals are missing; ERR_VERSION; ERR_PROTO: the header is not believable. Starts at the newest record. */
int ring_open(int fd, struct ring_reader **out);
uint64_t ring_epoch(const struct ring_reader *r);
/* Bytes of data that it holds at most. */
size_t ring_size(const struct ring_reader *r);
/* The position of the next record to read, and moving to one kept earlier (the oldest if that is overwritten; the newest for UINT64_MAX).
 * 0, or ERR_GAP if that position is overwritten, ERR_RANGE if it never was. */
uint64_t ring_pos(const struct ring_reader *r);
int ring_seek(struct ring_reader *r, uint64_t pos);
/*
 * Copy the next record to p (8-aligned, size bytes). 0 with *len; ERR_AGAIN: none yet; ERR_GAP: the writer overtook, *lost
 * receives the weight that is gone, call again (0: not known yet, a later ERR_GAP says it; the reader goes on where the writer's lap
 * began, or at the newest record); ERR_LIMIT: record larger than size, skipped; ERR_PROTO: the writer breaks the format (it may
 * have been taken over): the ring is dead to this reader.
 */
int ring_read(struct ring_reader *r, void *p, size_t size, size_t *len, uint64_t *lost);
void ring_close(struct ring_reader *r);

#endif
