/*
 * Where a stream ends, looked up from outside and cheaply again and again: only what is new is read. Private to this
 * folder.
 */
#ifndef SPOOL_STREAM_TAIL_H
#define SPOOL_STREAM_TAIL_H

#include "spool/names.h"
#include "spool/scan.h"

struct stream_tail {
	struct scan	scan;
	char		*dir;
	uint64_t	first, id;	/* of the segment that is open */
	uint64_t	next;		/* number behind the last whole batch; 1 for an empty stream */
	/* of the last batch, 0 if there is none: its newest sample time, when it was sealed */
	struct wall	newest, sealed;
	uint8_t		hash[SPOOL_HASH];
};

int stream_tail_init(struct stream_tail *t, const char *dir, const struct disk *disk);	/* ERR_NOMEM */
void stream_tail_fini(struct stream_tail *t);
/* Bring `next` up to date. 0 or a disk error. */
int stream_tail_look(struct stream_tail *t);

#endif
