/* See stream_tail.h. */
#include "spool/stream_tail.h"

#include <stdlib.h>

int
stream_tail_init(struct stream_tail *t, const char *dir, const struct disk *disk)
{
	*t = (struct stream_tail){ .dir = strdup(dir), .next = 1 };
	scan_init(&t->scan, disk);
	return t->dir != NULL ? 0 : ERR_NOMEM;
}

static void
leave(struct stream_tail *t)
{
	if (t->scan.fd >= 0)
		t->scan.disk->close(t->scan.disk->ctx, t->scan.fd);
	t->scan.fd = -1;
}

void
stream_tail_fini(struct stream_tail *t)
{
	leave(t);
	scan_fini(&t->scan);
	free(t->dir);
	t->dir = NULL;
}

/* Stand on the last segment there is. */
static int
enter_last(struct stream_tail *t)
{
	const struct disk *d = t->scan.disk;
	struct segment_list list = { 0 };
	char path[DISK_PATH_MAX];
	struct disk_stat st;
	struct seg_header h;

	int err = segment_list(t->dir, d, &list);
	uint64_t first = list.n > 0 ? list.first[list.n - 1] : 0;
	free(list.first);
	if (err != 0 || first == 0)
		return err;
	err = name_segment(t->dir, first, ".seg", path);
	if (err == 0)
		err = d->stat(d->ctx, path, &st);
	if (err != 0)
		return err;
	if (t->scan.fd >= 0 && first == t->first && st.id == t->id)
		return 0;
	leave(t);
	int fd = d->open(d->ctx, path, DISK_READ);
	if (fd < 0)
		return fd;
	t->first = first;
	t->id = st.id;
	/* Segments only ever begin where the stream has got to, so its name alone says something. */
	t->next = first;
	err = scan_start(&t->scan, fd, &h);
	if (err == 0) {
		t->newest = h.before.newest;
		t->sealed = h.before.sealed;
		memcpy(t->hash, h.before.hash, SPOOL_HASH);
	}
	return err == ERR_AGAIN || err == ERR_CORRUPT ? 0 : err;
}

int
stream_tail_look(struct stream_tail *t)
{
	struct rec_header h;
	const uint8_t *payload;

	int err = enter_last(t);
	if (t->scan.fd < 0)
		return err;
	scan_forget(&t->scan);
	/* Ends: off grows with every turn. */
	while (err == 0) {
		err = scan_header(&t->scan, &h);
		if (err == 0)
			err = scan_payload(&t->scan, &h, &payload);
		if (err == ERR_CORRUPT || err == ERR_GAP)
			err = scan_find(&t->scan, t->scan.off + 1, &h);
		if (err != 0)
			break;
		t->scan.off += scan_size(&h);
		t->next = h.first + h.n;
		t->newest = h.t_max;
		t->sealed = h.sealed;
		memcpy(t->hash, h.hash, SPOOL_HASH);
	}
	scan_forget(&t->scan);
	return err == ERR_AGAIN || err == ERR_END ? 0 : err;
}
