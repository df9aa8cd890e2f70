/* See lane.h. */
#include "office/lane.h"

void
lane_move(struct lane *l, uint64_t next)
{
	if (l->next == next && !l->held)
		return;
	l->next = next;
	l->held = l->at_end = false;
	if (l->reader != NULL && spool_seek(l->reader, next) != 0)
		lane_close(l);
}

int
lane_read(struct lane *l, const char *dir, const struct disk *disk, struct spool_damage *damage)
{
	int err = l->held ? 0 : l->reader != NULL ? 0 : spool_reader_open(dir, l->next, disk, &l->reader);

	/* Ends: batches that lie before the wanted one are passed over, and each is read once. */
	while (err == 0 && !l->held) {
		err = l->at_end ? ERR_AGAIN : spool_next(l->reader, &l->batch, damage);
		if (err == ERR_GAP && damage->last >= l->next) {
			damage->first = damage->first < l->next ? l->next : damage->first;
			l->next = damage->last + 1;
		} else if (err == ERR_GAP)
			err = 0;
		else if (err == ERR_AGAIN)
			l->at_end = l->caught_up = true;
		else if (err == 0)
			l->held = l->batch.first + l->batch.n > l->next;
	}
	return err;
}

void
lane_taken(struct lane *l)
{
	l->next = l->batch.first + l->batch.n;
	l->held = false;
}

void
lane_close(struct lane *l)
{
	spool_reader_close(l->reader);
	l->reader = NULL;
	l->held = l->at_end = false;
}
