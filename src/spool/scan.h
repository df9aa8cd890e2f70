/*
 * Walks the batches of one segment file, for recovery, replay and proof alike. It reads through a window of its own and
 * believes nothing: a length counts only after the header's checksum.
 */
#ifndef SPOOL_SCAN_H
#define SPOOL_SCAN_H

#include "spool/format.h"

struct scan {
	const struct disk	*disk;
	int			 fd;		/* borrowed; -1: none */
	uint64_t		 off;		/* the batch to look at next */
	bool			 salted;	/* salt is known; else the first whole batch gives it */
	uint32_t		 salt;
	uint8_t			*buf;		/* window: file bytes [at, at + len) */
	size_t			 cap, len;
	uint64_t		 at;
};

void scan_init(struct scan *s, const struct disk *disk);
void scan_fini(struct scan *s);
/* Start on another file (borrowed), behind its header. 0, ERR_AGAIN: shorter than a header, ERR_CORRUPT: header is
 * damaged (the batches can be walked all the same), ERR_VERSION, or a disk error. *h is filled on 0. */
int scan_start(struct scan *s, int fd, struct seg_header *h);
/* Forget what was read: the file may have changed. */
static inline void scan_forget(struct scan *s) { s->len = 0; }
/*
 * The header at off. 0; ERR_AGAIN: the file ends before the header does (or the window had to be told); ERR_CORRUPT: no
 * header of this segment stands here; or a disk error.
 */
int scan_header(struct scan *s, struct rec_header *h);
/*
 * The payload behind the header at off, borrowed until the next call. ERR_AGAIN: the file ends in it; ERR_GAP: damaged.
 */
int scan_payload(struct scan *s, const struct rec_header *h, const uint8_t **payload);
/*
 * The whole batch as stored, of REC_HEADER + h->len bytes, borrowed until the next call; after scan_payload() said 0.
 */
const uint8_t *scan_stored(const struct scan *s);
static inline uint64_t scan_size(const struct rec_header *h) { return REC_HEADER + (uint64_t)h->len; }
/* Move off to the first whole, undamaged batch at or behind `from`. ERR_END: there is none (off stays). */
int scan_find(struct scan *s, uint64_t from, struct rec_header *h);

#endif
