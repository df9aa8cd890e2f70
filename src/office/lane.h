/* Reading a stream in order from a number on: one reader of the spool with the batch that it holds. See delivery.h. */
#ifndef OFFICE_LANE_H
#define OFFICE_LANE_H

#include "office/delivery.h"

/* Go on at `next`: forgets the batch held. */
void lane_move(struct lane *l, uint64_t next);
/*
 * Hold the batch that has number l->next. 0; ERR_AGAIN: not there yet; ERR_GAP: *damage says which numbers cannot be read, l->next is
 * behind them; any other error: try later.
 */
int lane_read(struct lane *l, const char *dir, const struct disk *disk, struct spool_damage *damage);
/* The batch held is somebody else's care now. */
void lane_taken(struct lane *l);
void lane_close(struct lane *l);

#endif
