/*
 * How far the other end of a one-way link says that it has sent a stream, by its last beacon: <state>/link/<source>/<stream id>.sent, so that anybody can
 * compare it with the receipts, and which stream of which session it is, so that a restart knows it again. 56 bytes: "PSNT", u32 CRC-32C of bytes 8..55, u64 stream
 * id, u64 session, u32 stream of it, u32 0, u64 first number of the account, u64 last number sent (0: none yet), i64 sender's clock (ns).
 * Written without a sync: after a power cut the next beacon says it again.
 */
#ifndef DRIVER_UPSTREAM_CLAIM_H
#define DRIVER_UPSTREAM_CLAIM_H

#include <stdint.h>

#include "base/clock.h"
#include "os/disk.h"

struct claim { uint64_t id, session, first, last; uint32_t stream; struct wall when; };

/* fd: of the file, open for writing. 0 or the disk's error. */
int claim_write(const struct disk *d, int fd, const struct claim *c);
/* 0, ERR_NOTFOUND, ERR_CORRUPT, the disk's errors. */
int claim_read(const struct disk *d, const char *path, struct claim *out);

#endif
