/* A stream at a glance, without a reader: what lies there and how far it goes. */
#include <stdlib.h>

#include "spool/stream_tail.h"

static int
add_sizes(const char *dir, const struct disk *disk, const struct segment_list *list, struct spool_state *out)
{
	char path[DISK_PATH_MAX];
	struct disk_stat st;
	int err = 0;

	for (size_t i = 0; i < list->n && err == 0; i++) {
		err = name_segment(dir, list->first[i], ".seg", path);
		if (err == 0)
			err = disk->stat(disk->ctx, path, &st);
		if (err == 0)
			out->bytes += st.size;
		else if (err == ERR_NOTFOUND)
			err = 0;	/* deleted since it was listed */
	}
	out->segments = (uint32_t)list->n;
	out->first = list->n > 0 ? list->first[0] : 0;
	return err;
}

static struct wall
first_time(const char *dir, const struct disk *disk, uint64_t first)
{
	char path[DISK_PATH_MAX];
	uint8_t rec[REC_HEADER];
	struct rec_header h = { .t_min = { 0 } };

	if (name_segment(dir, first, ".seg", path) != 0)
		return h.t_min;
	int fd = disk->open(disk->ctx, path, DISK_READ);
	if (fd < 0)
		return h.t_min;
	if (disk_read_all(disk, fd, rec, sizeof rec, SEG_HEADER) != 0 || rec_header_get(rec, &h) != 0)
		h.t_min.ns = 0;
	disk->close(disk->ctx, fd);
	return h.t_min;
}

int
spool_look(const char *dir, const struct disk *disk, struct spool_state *out)
{
	struct segment_list list = { 0 };
	struct stream_tail tail;

	*out = (struct spool_state){ 0 };
	int err = stream_tail_init(&tail, dir, disk);
	if (err == 0)
		err = segment_list(dir, disk, &list);
	if (err == 0)
		err = add_sizes(dir, disk, &list, out);
	if (err == 0)
		err = stream_tail_look(&tail);
	if (err == 0) {
		out->next = tail.next;
		out->first = list.n > 0 ? out->first : tail.next;
		out->t_last = tail.newest;
		out->t_first = list.n > 0 ? first_time(dir, disk, out->first) : (struct wall){ 0 };
		memcpy(out->hash, tail.hash, SPOOL_HASH);
	}
	free(list.first);
	stream_tail_fini(&tail);
	return err;
}
